"""Addresses that a token may be sent to."""

from __future__ import annotations

import pytest

from salesforce_bulk.errors import UsageError
from salesforce_bulk.protocol.messages import Request
from salesforce_bulk.session import Session, checked_version, filled, masked, origin
from salesforce_bulk.wire import paths


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/services/Soap/u/64.0/00Dx", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://ACME.my.salesforce.com:8443/x", "https://acme.my.salesforce.com:8443"),
        ("https://na1-api.salesforce.com/services/Soap/u/29", "https://na1.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_instance_url_is_scheme_host_and_port(given: str, expected: str) -> None:
    assert expected == origin(given)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            "http://acme.my.salesforce.com",
            "A session is never sent over plain http to acme.my.salesforce.com. Nothing was sent. "
            "Use https (http is for a loopback address).",
        ),
        (
            "https://acme.lightning.force.com",
            "acme.lightning.force.com shows pages and does not serve the API. Nothing was sent. "
            "Use https://acme.my.salesforce.com.",
        ),
        (
            "ftp://acme.my.salesforce.com",
            "'ftp://acme.my.salesforce.com' is not the address of an org. Nothing was sent. "
            "Give https://NAME.my.salesforce.com.",
        ),
        (
            "https://user:secret@acme.my.salesforce.com",
            "The address of an org carries no user or password. Nothing was sent. Use connect(login=...).",
        ),
        ("https://acme:port", "The port in 'https://acme:port' is not a number. Nothing was sent."),
        (
            "http://127.0.0.1.evil.example",
            "A session is never sent over plain http to 127.0.0.1.evil.example. "
            "Nothing was sent. Use https (http is for a loopback address).",
        ),
    ],
)
def test_an_address_where_a_token_must_not_go_is_refused(given: str, text: str) -> None:
    with pytest.raises(UsageError) as refused:
        origin(given)
    assert text == str(refused.value)


@pytest.mark.parametrize(
    ("given", "expected"), [("66.0", "66.0"), ("66", "66.0"), ("v61.0", "61.0"), (" 40.0 ", "40.0")]
)
def test_a_version_is_taken_in_every_spelling(given: str, expected: str) -> None:
    assert expected == checked_version(given)


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"An API version looks like '66\.0', not 'newest'"):
        checked_version("newest")


def test_ids_are_quoted_in_paths() -> None:
    """An id from a reply or a caller cannot lead the token to another resource."""
    assert (
        filled(Request("x", "GET", paths.JOB, {"job": "../../data?x"}), "66.0")
        == "/services/async/66.0/job/..%2F..%2Fdata%3Fx"
    )


def test_a_repr_hides_the_token() -> None:
    assert "00D" not in repr(Session("https://acme.my.salesforce.com", "00Dxx0000001gPL!AQ0AQ.secret"))


def test_tokens_are_struck_out_of_texts() -> None:
    text = "sid=00Dxx0000001gPL!AQ0AQ.se_cret and 5Aep861rEpScxnNE66jGO6gqeJ82V9qXOs5YIxlkVZgWYMSJfjLeqYUwKNfA7R7cU1"
    assert masked(text) == "sid=[token] and [token]"

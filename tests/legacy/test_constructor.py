"""Opening an org. legacy-api.md 2.2, 3.2 and 4 "ctor" and "login", 5.1 rows "ctor", "login", "headers", "version"."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest

from salesforce_bulk import BulkApiError, SalesforceBulk, TransportOptions
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import LoginRefused, UsageError
from salesforce_bulk.legacy.names import DEFAULT_API_VERSION
from salesforce_bulkipy import SalesforceBulkipy

from .support import HOST, TOKEN, Played, job_reply, refused, waiting_with


class Own(Exception):
    pass


# -- with a session -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost", "http://localhost"),
        ("httpbin.example.com", "https://httpbin.example.com"),
        ("na1-api.salesforce.com", "https://na1.salesforce.com"),
    ],
)
def test_the_host_may_be_a_name_or_a_url(host: str, base: str) -> None:
    """2.2 "Base URL": a bare host gets https, one that starts with http is used as given; ``-api`` is cut."""
    assert f"{base}/services/async/{DEFAULT_API_VERSION}" == SalesforceBulk(TOKEN, host).endpoint


def test_scheme_and_port_that_urlparse_lost_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's ``host=urlparse(instance_url).hostname``, with a local org behind it; another host is left alone."""
    monkeypatch.setenv("SFBULK_INSTANCE_URL", "http://127.0.0.1:4711")
    assert SalesforceBulk(TOKEN, "127.0.0.1").endpoint.startswith("http://127.0.0.1:4711/services/")
    assert SalesforceBulk(TOKEN, "acme.my.salesforce.com").endpoint.startswith("https://acme.my.salesforce.com/")


def test_a_session_does_not_go_over_plain_http() -> None:
    """Except to a loopback address."""
    with pytest.raises(UsageError, match=r"never sent over plain http to acme\.my\.salesforce\.com"):
        SalesforceBulk(TOKEN, "http://acme.my.salesforce.com")


def test_a_session_needs_its_host() -> None:
    with pytest.raises(UsageError, match="A session needs its host"):
        SalesforceBulk(TOKEN)


def test_both_first_keywords() -> None:
    """5.1 "first ctor keyword": ``sessionId`` and ``session_id``."""
    assert TOKEN == SalesforceBulk(sessionId=TOKEN, host=HOST).sessionId
    assert TOKEN == SalesforceBulk(session_id=TOKEN, host=HOST).sessionId
    assert TOKEN == SalesforceBulkipy(session_id=TOKEN, host=HOST).sessionId


def test_a_session_wins_over_a_password() -> None:
    """2.2 ctor: "login only if no sessionId"."""
    assert TOKEN == SalesforceBulk(TOKEN, HOST, "someone@example.com", "secret").sessionId


def test_neither_session_nor_user() -> None:
    """2.2 ctor: RuntimeError."""
    with pytest.raises(RuntimeError, match="Must supply either sessionId/instance_url or username/password"):
        SalesforceBulk()


@pytest.mark.parametrize(
    ("more", "exception", "version"),
    [
        ((), BulkApiError, DEFAULT_API_VERSION),
        ((Own,), Own, DEFAULT_API_VERSION),
        ((Own, "29.0"), Own, "29.0"),
        ((BulkApiError, "44.0"), BulkApiError, "44.0"),
        (("40.0",), BulkApiError, "40.0"),
        (("40.0", False, None, None, None, None), BulkApiError, "40.0"),
        ((None,), BulkApiError, DEFAULT_API_VERSION),
    ],
)
def test_the_fifth_position(more: tuple[Any, ...], exception: type, version: str) -> None:
    """5.1 "ctor positional #5": a class is 1.x's exception class, digits.digits is 2.x's API version."""
    bulk = SalesforceBulk(TOKEN, HOST, None, None, *more)
    assert (exception, version) == (bulk.exception_class, bulk.API_version)
    assert bulk.endpoint.endswith(f"/services/async/{version}")


def test_a_security_token_in_the_fifth_position_is_refused_and_not_shown() -> None:
    """5.1 "ctor positional #5": the fork's order belongs to the fork's class."""
    with pytest.raises(UsageError, match="salesforce_bulkipy") as caught:
        SalesforceBulk(None, None, "someone@example.com", "secret", "tOkEnTOkEn")
    assert "tOkEn" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_ten_arguments_by_position_and_no_more() -> None:
    """3.2 ctor; 9: a subclass calls ``super().__init__`` with ten positional arguments."""

    class Sub(SalesforceBulk):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)

    bulk = Sub(TOKEN, HOST, None, None, "40.0", False, None, None, None, None)
    assert (TOKEN, "40.0") == (bulk.sessionId, bulk.API_version)
    with pytest.raises(TypeError, match="ten positional"):
        SalesforceBulk(TOKEN, HOST, None, None, "40.0", False, None, None, None, None, None)


@pytest.mark.parametrize("cls", [SalesforceBulk, SalesforceBulkipy])
def test_the_keywords_of_all_generations(cls: type[SalesforceBulk]) -> None:
    """5.1 "exception_class" keep, "default API version" honour an explicit value."""
    bulk = cls(session_id=TOKEN, host=HOST, exception_class=Own, API_version="52.0", sandbox=True)  # type: ignore[call-arg]
    assert (Own, "52.0") == (bulk.exception_class, bulk.API_version)


def test_a_retired_version_is_explained() -> None:
    """5.1 "default API version": InvalidVersion becomes a helpful message."""
    played = Played(
        refused("InvalidVersion", "Unknown Api Version: 29.0"), client=SalesforceBulk(TOKEN, HOST, API_version="29.0")
    )
    with pytest.raises(BulkApiError, match=r"Choose an API version from 31\.0"):
        played.bulk.create_query_job("Account")


# -- with a password ----------------------------------------------------------------------------------------------------


def test_soap_login(at_the_org: LocalOrg) -> None:
    """3.2 ctor: username, password and security token."""
    bulk = SalesforceBulk(
        username=at_the_org.username, password=at_the_org.password, security_token=at_the_org.security_token
    )
    assert bulk.endpoint.startswith(at_the_org.url)
    assert "Open" == bulk.job_state(bulk.create_query_job("Account"))
    assert 1 == at_the_org.requests("login.soap")


def test_soap_login_by_position(at_the_org: LocalOrg) -> None:
    """3.2 ctor: ``(None, None, username, password, API_version, sandbox, security_token)``."""
    bulk = SalesforceBulk(
        None, None, at_the_org.username, at_the_org.password, "60.0", False, at_the_org.security_token
    )
    assert bulk.create_query_job("Account").startswith("750")
    assert "60.0" == bulk.API_version


def test_login_by_the_app_in_the_environment(at_the_org: LocalOrg) -> None:
    """2.2 login: user and password with the three variables; OAuth in place of the browser flow."""
    bulk = SalesforceBulk(username=at_the_org.username, password=at_the_org.password + at_the_org.security_token)
    assert bulk.create_query_job("Account").startswith("750")
    assert 1 == at_the_org.requests("login.oauth") + at_the_org.requests("oauth.token")


def test_the_fork_logs_in_with_its_own_order(at_the_org: LocalOrg) -> None:
    """4 "Constructor": session_id, host, username, password, security_token by position."""
    org = at_the_org
    bulk = SalesforceBulkipy(None, None, org.username, org.password, org.security_token)
    assert bulk.create_query_job("Account").startswith("750")
    assert bulk.sessionId


def test_a_password_wins_over_a_session_in_the_fork(at_the_org: LocalOrg) -> None:
    """4 "Constructor": these win if all three are present; an empty token beside a session does not count."""
    org = at_the_org
    bulk = SalesforceBulkipy(TOKEN, org.url, org.username, org.password, org.security_token)
    assert TOKEN != bulk.sessionId
    assert TOKEN == SalesforceBulkipy(TOKEN, org.url, org.username, org.password, "").sessionId
    assert TOKEN == SalesforceBulkipy(TOKEN, org.url, org.username, org.password).sessionId


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"session_id": TOKEN},
        {"host": HOST},
        {"username": "someone@example.com", "password": "secret"},
        {"username": "someone@example.com", "security_token": "token"},
    ],
    ids=str,
)
def test_the_fork_needs_one_or_the_other(named: dict[str, Any]) -> None:
    """4 "Constructor": else RuntimeError."""
    with pytest.raises(RuntimeError, match="Must supply either session_id and host, or username"):
        SalesforceBulkipy(**named)


def test_too_little_to_log_in_with() -> None:
    """2.2 and 3.2, 5.1 "static login": RuntimeError and TypeError at once, naming the variables and what works today."""
    with pytest.raises(RuntimeError) as caught:
        SalesforceBulk(username="someone@example.com", password="hunter2")
    assert isinstance(caught.value, TypeError)
    assert str(caught.value).startswith(
        "You must set SALESFORCE_CLIENT_ID, SALESFORCE_CLIENT_SECRET, SALESFORCE_REDIRECT_URI to use username/pass login"
    )
    assert "security_token=" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_only_the_missing_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """2.2 login_to_salesforce."""
    monkeypatch.setenv("SALESFORCE_CLIENT_ID", "x")
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", "y")
    with pytest.raises(RuntimeError, match="You must set SALESFORCE_REDIRECT_URI to use"):
        SalesforceBulk.login_to_salesforce("someone@example.com", "secret")


def test_the_static_login_of_each_generation(at_the_org: LocalOrg) -> None:
    """2.2: (access token, instance URL); 3.2: (session id, host); 4: the fork's own."""
    org = at_the_org
    token, url = SalesforceBulk.login_to_salesforce(org.username, org.password + org.security_token)
    assert org.url == url
    session, host = SalesforceBulk.login_to_salesforce(org.username, org.password, security_token=org.security_token)
    assert org.url == host
    forked, fork_host = SalesforceBulkipy.login_to_salesforce_using_username_password(
        org.username, org.password, org.security_token, False
    )
    assert org.url == fork_host
    for each in (token, session, forked):
        assert SalesforceBulk(each, org.url).create_query_job("Account")


def test_a_refused_login_says_what_to_do(at_the_org: LocalOrg) -> None:
    """The password does not reach the message."""
    with pytest.raises(LoginRefused, match="INVALID_LOGIN") as caught:
        SalesforceBulk(username=at_the_org.username, password="wrong-password", security_token="")
    assert "wrong-password" not in str(caught.value)


@pytest.mark.parametrize("cls", [SalesforceBulk, SalesforceBulkipy])
def test_a_client_that_logged_in_by_itself_does_so_again(cls: type[SalesforceBulk], at_the_org: LocalOrg) -> None:
    """A session that ends in the middle of the work costs a login and nothing else."""
    org = at_the_org
    bulk = waiting_with(cls(username=org.username, password=org.password, security_token=org.security_token), org)
    job = bulk.create_insert_job("Account")
    org.expire_sessions()

    batch = bulk.post_batch(job, "Name\nAcme\n")
    bulk.wait_for_batch(job, batch)

    assert 1 == len(org.rows("SELECT Id FROM Account"))
    assert 2 == org.requests("login.soap")


def test_many_threads_renew_a_session_once(at_the_org: LocalOrg) -> None:
    """The thread that comes first logs in; the others use what it got."""
    org = at_the_org
    bulk = SalesforceBulk(username=org.username, password=org.password, security_token=org.security_token)
    job = bulk.create_query_job("Account")
    org.expire_sessions()
    states: list[str | None] = []
    threads = [threading.Thread(target=lambda: states.append(bulk.job_state(job))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ["Open"] * 8 == states
    assert 2 == org.requests("login.soap")


def test_a_session_that_was_given_is_not_renewed(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """Only the caller can give another: the error says so, with the status it came with."""
    local_org.expire_sessions()
    with pytest.raises(BulkApiError, match="InvalidSessionId") as caught:
        bulk.create_query_job("Account")
    assert 400 <= (caught.value.status_code or 0) < 402
    assert caught.value.applied is False


def test_a_session_set_by_hand_is_used_from_then_on(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """2.1 "Instance attributes": ``sessionId`` is read for every request."""
    local_org.expire_sessions()
    bulk.sessionId = local_org.access_token
    assert bulk.create_query_job("Account").startswith("750")


# -- headers ------------------------------------------------------------------------------------------------------------


def test_headers() -> None:
    """5.1 "headers()": the three of 2.x, updated by the values, a new dict each time."""
    bulk = SalesforceBulk(TOKEN, HOST)
    assert {
        "X-SFDC-Session": TOKEN,
        "Content-Type": "application/xml; charset=UTF-8",
        "Accept-Encoding": "gzip",
    } == bulk.headers()
    assert "text/csv; charset=UTF-8" == bulk.headers(content_type="text/csv")["Content-Type"]
    assert {"Content-Type": "text/csv", "X": "1"}.items() <= bulk.headers(
        {"Content-Type": "text/csv", "X": "1"}
    ).items()
    assert bulk.headers() is not bulk.headers()
    assert bulk.headers() == bulk.get_headers()


def test_what_is_sent_is_what_headers_says() -> None:
    """2.2 "headers": session and type of each request come from the method."""
    played = Played(job_reply())
    played.bulk.create_query_job("Account")
    assert played.bulk.headers() == played.transport.sent[0].headers


# -- copies -------------------------------------------------------------------------------------------------------------


def test_a_client_can_be_pickled_and_copied(bulk: SalesforceBulk) -> None:
    """9 "shipped to a process pool": the old clients were plain objects, and some programs ship the client itself."""
    job = bulk.create_query_job("Account")
    for again in (pickle.loads(pickle.dumps(bulk)), copy.copy(bulk)):
        assert (bulk.endpoint, bulk.sessionId, bulk.jobs) == (again.endpoint, again.sessionId, again.jobs)
        assert "Open" == again.job_state(job)
        again.sessionId = "00Dnot-a-session"
        with pytest.raises(BulkApiError):
            again.job_state(job)
        again.org.close()
    assert "Open" == bulk.job_state(job)


def test_time_limits_can_be_set() -> None:
    """Docs, "nothing had a time limit"."""
    bulk = SalesforceBulk(TOKEN, "127.0.0.1:1")
    bulk.transport_options = TransportOptions(tries=1)
    with pytest.raises(Exception, match="Nothing was sent"):
        bulk.create_query_job("Account")

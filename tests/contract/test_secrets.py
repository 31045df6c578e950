"""Tokens and passwords stay out of logs, reprs, messages and tracebacks."""

from __future__ import annotations

import logging
import traceback

import pytest
from tests.support.raw_server import raw_server, resets, says

from salesforce_bulk import BulkApiError, CsvDictsAdapter, Password, SalesforceBulk, connect
from salesforce_bulk.emulator import LocalOrg


def test_nothing_that_is_logged_holds_a_secret(local_org: LocalOrg, caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level, of every library."""
    caplog.set_level(logging.DEBUG)
    secrets = [local_org.password, local_org.security_token]
    bulk = SalesforceBulk(
        username=local_org.username,
        password=local_org.password,
        security_token=local_org.security_token,
        domain=local_org.url,
    )
    secrets.append(bulk.sessionId)
    job = bulk.create_insert_job("Account")
    batch = bulk.post_batch(job, CsvDictsAdapter(iter([{"Name": "x"}])))
    bulk.wait_for_batch(job, batch, timeout=60)
    with connect(
        login=Password(
            local_org.username, local_org.password, security_token=local_org.security_token, domain=local_org.url
        )
    ) as sf:
        list(sf.query("SELECT Id FROM Account"))
        said = [repr(sf), repr(bulk), repr(bulk.org)]

    for text in (caplog.text, *said):
        assert [] == [secret for secret in secrets if secret in text]
    assert "!" not in caplog.text or "00D" not in caplog.text


@pytest.mark.parametrize(
    "play",
    [
        resets(),
        says(
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\nConnection: close\r\n\r\nsid=00Dxx0000001gPL!AQ0AQ.secretsecretsecret "
        ),
        says(
            b"HTTP/1.1 302 Found\r\nLocation: https://x.example/?sid=00Dxx0000001gPL!AQ0AQ.secret\r\nContent-Length: 0\r\n\r\n"
        ),
    ],
)
def test_no_traceback_holds_a_token(play: object) -> None:
    """Not even one that the server itself repeats."""
    token = "00Dxx0000001gPL!AQ0AQ.secretsecretsecret"
    with raw_server(play) as server:  # type: ignore[arg-type]
        bulk = SalesforceBulk(token, server.url)
        with pytest.raises(Exception) as raised:
            bulk.create_insert_job("Account")

    text = "".join(traceback.format_exception(raised.value))
    assert "AQ0AQ" not in text
    assert isinstance(raised.value, BulkApiError | Exception)


def test_a_token_goes_to_no_other_host() -> None:
    """Neither by a redirect nor by an id from a reply."""
    with raw_server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")) as elsewhere:
        answer = (
            b"HTTP/1.1 307 Moved\r\nLocation: %s/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            % elsewhere.url.encode()
        )
        with raw_server(says(answer)) as org:
            bulk = SalesforceBulk("00Dxx0000001gPL!AQ0AQ.secret", org.url)
            with pytest.raises(BulkApiError, match="was redirected with HTTP 307"):
                bulk.job_status("750000000000001AAA")
    assert [] == elsewhere.heads

"""The local org's HTTP: keep-alive, many clients, odd and hostile requests."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
from tests.support.bulk1_talk import Talk

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        yield org


def raw(org: LocalOrg, data: bytes) -> bytes:
    """All that comes back until the org closes."""
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=20) as sock:
        sock.sendall(data)
        received = b""
        while piece := sock.recv(65_536):
            received += piece
    return received


def test_one_connection_serves_many_requests(org: LocalOrg) -> None:
    """Two sent at once are answered in order."""
    one = b"GET /services/data HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /services/data/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    assert raw(org, one + one + last).count(b"HTTP/1.1 200 OK") == 3
    assert org.requests("rest.versions") == 3


def test_a_doubled_slash_counts_as_one_where_the_path_begins(org: LocalOrg) -> None:
    """As the Salesforce CLI asks. Further on, it is no path."""
    end = b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    assert raw(org, b"GET //services/data" + end).startswith(b"HTTP/1.1 200 ")
    assert raw(org, b"GET /services//data" + end).startswith(b"HTTP/1.1 404 ")


def test_a_hundred_clients_at_once(org: LocalOrg) -> None:
    """All are answered."""
    statuses: list[int] = []
    together = threading.Barrier(100)

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", org.server.port, timeout=30)
        together.wait()
        connection.request("GET", "/services/data")
        statuses.append(connection.getresponse().status)

    threads = [threading.Thread(target=client) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 100


def test_a_client_that_asks_before_it_sends(org: LocalOrg) -> None:
    """Expect: 100-continue."""
    job = Talk(org).create("insert")
    head = (
        f"POST /services/async/66.0/job/{job}/batch HTTP/1.1\r\nHost: x\r\nX-SFDC-SESSION: {org.access_token}\r\n"
        "content-type: text/csv\r\nContent-Length: 7\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=20) as sock:
        sock.sendall(head.encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"Name\nA\n")
        assert sock.recv(1_000).startswith(b"HTTP/1.1 201 Created")


def test_http_1_0_gets_no_chunks(org: LocalOrg) -> None:
    """The end of the body is the end of the connection."""
    received = raw(org, b"GET /services/data HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")

    assert b"chunked" not in received
    assert b"Connection: close" in received


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /services/data?" + b"q" * 17_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 414),
        (b"GET //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET http://x/services/data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
        (b"GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"POST /services/data HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_odd_requests(org: LocalOrg, request_bytes: bytes, status: int) -> None:
    """Answered, and the connection is closed."""
    assert raw(org, request_bytes).startswith(b"HTTP/1.1 %d " % status)


def test_a_client_that_drips_is_cut_off(org: LocalOrg) -> None:
    """However steadily it drips: a request has a time in which to arrive."""
    org.server.slow_seconds = 0.3
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=20) as sock:
        sock.sendall(b"GET /services/data HTTP/1.1\r\nHost:")
        assert sock.recv(100) == b""


def test_the_log_keeps_no_tokens(org: LocalOrg) -> None:
    """What was asked and how, but not with what."""
    talk = Talk(org)
    talk.bulk("GET", "job/750000000000001", Authorization="Bearer secret", Accept="*/*")
    (seen,) = org.seen

    assert (seen.operation, seen.method, seen.status) == ("bulk1.get_job", "GET", 400)
    assert seen.headers["accept"] == "*/*"
    assert org.access_token not in repr(org.seen)
    assert "secret" not in repr(org.seen)


def test_stopping_ends_open_connections() -> None:
    """And the port is free again."""
    org = LocalOrg().start()
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=20) as sock:
        sock.sendall(b"HEAD /services/data HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(10_000).startswith(b"HTTP/1.1 ")
        org.stop()
        assert sock.recv(1) == b""
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", org.server.port), timeout=1)


def test_reset_empties_the_org(org: LocalOrg) -> None:
    """Records, jobs, sessions and counts; the access token is a new one."""
    token = org.access_token
    job = Talk(org).create("insert")
    org.holds("Account", 3)
    org.reset()

    assert org.rows("SELECT Id FROM Account") == []
    assert org.requests() == 0
    assert org.access_token != token
    assert Talk(org).bulk("GET", f"job/{job}").error[:2] == (400, "InvalidJob")


def test_reset_takes_every_setting_back(org: LocalOrg) -> None:
    """Limits, options, permissions, the login policy, a grant, and a clock that stands: all as in a new org."""
    org.limits.batch_bytes = 10
    org.limits.api_requests.maximum = 1
    org.limits.api_requests.use()
    org.bulk2.page_rows = 3
    org.permissions.hard_delete = not org.permissions.hard_delete
    org.login_policy.soap_login = False
    org.login_policy.jwt_keys.append((1, 2))
    org.sessions.seconds_valid = 1
    grant = org.new_refresh_token()
    org.clock.pause()
    org.clock.advance(86_400)
    org.reset()

    with LocalOrg() as new:
        assert (new.limits.batch_bytes, new.limits.report()) == (org.limits.batch_bytes, org.limits.report())
        assert (new.bulk2, new.permissions, new.login_policy) == (org.bulk2, org.permissions, org.login_policy)
        assert new.sessions.seconds_valid == org.sessions.seconds_valid
        assert abs((new.clock.now() - org.clock.now()).total_seconds()) < 3_600
    assert "<Clock running" == repr(org.clock)[:14]
    assert not org.sessions.knows_refresh_token(grant)
    asked = Talk(org).ask("GET", "/services/data/v66.0/limits", Authorization=f"Bearer {org.access_token}")
    assert 200 == asked.status

"""The HTTP transport against servers that behave, and servers that do not."""

from __future__ import annotations

import gzip
import socket
import threading

import pytest
from tests.support.raw_server import raw_server, resets, says, stalls

from salesforce_bulk.errors import AnswerLost, AnswerMalformed, ConnectFailed, TransportError
from salesforce_bulk.options import TransportOptions
from salesforce_bulk.records import Body
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.http import HttpTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def get(url: str) -> Outgoing:
    return Outgoing("GET", url + "/x", {"X-SFDC-Session": "00Dxx0000001gPL!AQ0AQ.secret"})


def read(transport: HttpTransport, outgoing: Outgoing) -> bytes:
    with transport.send(outgoing) as incoming:
        return b"".join(incoming.pieces())


@pytest.fixture
def transport() -> HttpTransport:
    return HttpTransport(TransportOptions(read_seconds=5, connect_seconds=5))


def test_only_the_headers_that_we_say_are_sent(transport: HttpTransport) -> None:
    """No encoding that we cannot read is asked for, and no library names itself."""
    with raw_server(says(OK)) as server:
        assert b"ok" == read(transport, get(server.url))

    names = sorted(line.partition(b":")[0].lower() for line in server.heads[0].split(b"\r\n")[1:])
    assert [b"accept", b"host", b"user-agent", b"x-sfdc-session"] == names
    assert b"salesforce-bulk/" in server.heads[0]


@pytest.mark.parametrize(
    ("data", "header", "sent"),
    [
        (b"Name\nx\n", b"Content-Length: 7", b"Name\nx\n"),
        ("Namé\n", b"Content-Length: 6", "Namé\n".encode()),
        (iter([b"Name\n", "é\n"]), b"Transfer-Encoding: chunked", b"8\r\nName\n\xc3\xa9\n\r\n0\r\n\r\n"),
    ],
)
def test_bodies(transport: HttpTransport, data: object, header: bytes, sent: bytes) -> None:
    """A length in bytes where it is known, chunks where it is not; small pieces travel in one chunk."""
    with raw_server(says(OK)) as server:
        read(transport, Outgoing("POST", server.url + "/x", {"Content-Type": "text/csv"}, Body.of(data)))

    assert header in server.heads[0]
    assert sent == server.bodies[0]


def test_a_body_can_be_compressed(transport: HttpTransport) -> None:
    squeezing = HttpTransport(TransportOptions(compress=True))
    with raw_server(says(OK)) as server:
        read(squeezing, Outgoing("POST", server.url + "/x", {"Content-Type": "text/csv"}, Body.of(b"Name\nx\n")))

    assert b"Content-Encoding: gzip" in server.heads[0]
    assert b"Name\nx\n" == gzip.decompress(server.bodies[0])


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"x" * 100, mtime=0)[:-12], b"\x1f\x8b\x08" + bytes(30) + b"\xff" * 30]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_a_damaged_answer_to_a_request_that_writes_is_no_reason_to_make_it_again(
    transport: HttpTransport, method: str, packed: bytes
) -> None:
    """It was answered, so the org may have acted on it: rows that are posted again are loaded twice."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with raw_server(says(head + packed)) as server, pytest.raises(TransportError) as damaged:
        read(transport, Outgoing(method, server.url + "/x", {}, Body.of(b"x") if method != "GET" else None))

    assert (method == "GET") is damaged.value.repeatable
    assert damaged.value.applied is None
    assert str(damaged.value).endswith(
        "\nWhat was read of it is not complete.\nAsk for it again."
        if method == "GET"
        else "\nThe org may have acted on it.\nLook at the job before sending it again."
    )


def test_a_gzipped_answer_is_inflated(transport: HttpTransport) -> None:
    packed = gzip.compress(b"rows")
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(
        packed
    )
    with raw_server(says(answer + packed)) as server:
        assert b"rows" == read(transport, get(server.url))


def test_no_connection_means_that_nothing_was_sent(transport: HttpTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectFailed) as failed:
        transport.send(get(f"http://127.0.0.1:{port}"))

    lines = str(failed.value).split("\n")
    assert lines[0].startswith(f"GET http://127.0.0.1:{port}/x: no connection to 127.0.0.1:{port} (ConnectError: ")
    assert ["Nothing was sent.", "Check the address, the network and the proxy settings, then try again."] == lines[1:]
    assert (True, False) == (failed.value.repeatable, failed.value.applied)
    assert failed.value.__cause__ is not None


def test_an_answer_that_does_not_come_leaves_open_what_happened(transport: HttpTransport) -> None:
    with raw_server(resets()) as server, pytest.raises(AnswerLost) as lost:
        transport.send(Outgoing("POST", server.url + "/x", {}, Body.of(b"x")))

    assert lost.value.applied is None
    assert "The org may have acted on it.\nLook at the job before sending it again." in str(lost.value)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nrows\r\n",
    ],
)
def test_an_answer_that_ends_too_early_is_not_an_answer(transport: HttpTransport, head: bytes) -> None:
    """Neither by length nor by chunks."""
    with raw_server(says(head + b"some rows")) as server:
        with transport.send(get(server.url)) as incoming, pytest.raises(TransportError) as lost:
            list(incoming.pieces())

    assert lost.value.repeatable


def test_a_silent_server_is_given_up() -> None:
    """A stalled body sends nothing and closes nothing: only a limit ends it."""
    transport = HttpTransport(TransportOptions(read_seconds=0.2))
    done = threading.Event()
    try:
        with raw_server(stalls(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfew", done)) as server:
            with transport.send(get(server.url)) as incoming, pytest.raises(AnswerLost, match="ReadTimeout"):
                list(incoming.pieces())
            done.set()
    finally:
        done.set()


def test_a_redirect_is_not_followed(transport: HttpTransport) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(says(answer)) as server:
        with transport.send(get(server.url)) as incoming:
            assert 302 == incoming.status
        assert 1 == len(server.heads)


def test_cookies_are_not_kept(transport: HttpTransport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with raw_server(says(answer)) as server:
        read(transport, get(server.url))
        read(transport, get(server.url))

    assert 2 == len(server.heads)
    assert b"cookie" not in server.heads[1].lower()


def test_an_encoding_that_was_not_asked_for_is_refused(transport: HttpTransport) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
    with raw_server(says(answer)) as server:
        with transport.send(get(server.url)) as incoming, pytest.raises(AnswerMalformed, match="encoding 'br'"):
            incoming.pieces()


def test_a_proxy_from_the_environment_is_used_and_loopback_is_not_sent_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No proxy can reach this machine's own loopback addresses for us."""
    with raw_server(says(OK)) as proxy, raw_server(says(OK)) as org:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport = HttpTransport()
        read(transport, get(org.url))
        read(transport, get("http://acme.example"))

    assert [b"GET /x HTTP/1.1"] == [head.split(b"\r\n")[0] for head in org.heads]
    assert [b"GET http://acme.example/x HTTP/1.1"] == [head.split(b"\r\n")[0] for head in proxy.heads]


def test_certificates_are_checked(transport: HttpTransport) -> None:
    """A server without TLS behind https is no connection, not a fall-back to plain text."""
    with raw_server(says(OK)) as server, pytest.raises(ConnectFailed):
        transport.send(get(server.url.replace("http:", "https:")))


def test_an_error_of_the_callers_own_rows_is_the_callers(transport: HttpTransport) -> None:
    """It comes out as it is, and the org sees a request that breaks off."""

    def rows() -> object:
        yield b"Name\n"
        yield b"x" * 100_000
        raise KeyError("my own bug")

    with raw_server(says(b"")) as server, pytest.raises(KeyError, match="my own bug"):
        transport.send(Outgoing("POST", server.url + "/x", {}, Body.of(rows())))

"""Whatever bytes come in, what goes out is HTTP or nothing, and then the connection ends."""

from __future__ import annotations

import logging
import re
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.http.connection import Connection

#: Of what requests are made, well and ill.
PIECES = st.sampled_from(
    [
        b"GET ",
        b"POST ",
        b"PUT ",
        b"/services/data",
        b"/services/data/v66.0/jobs/ingest/",
        b"/services/async/66.0/job",
        b"/services/Soap/u/62.0",
        b"/services/oauth2/token",
        b"/objects/Account?after=%00&columns=Name%22",
        b"/jobs/750/batches/751/results/752",
        b"/id/%ff%00/../x",
        b"//",
        b"http://[::1",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b"Host: localhost\r\n",
        b"Host: [::1\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Accept-Encoding: gzip;q=\r\n",
        b"Content-Type: application/json\r\n",
        b"Content-Type: application/xml; charset=x\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Authorization: Bearer \xff\r\n",
        b"X-SFDC-Session: x\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"5\r\nName\n\r\n",
        b"0\r\n\r\n",
        b"\x1f\x8b\x08\x00",
        b'{"a":',
        b"<a>",
    ]
)
BYTES = st.lists(st.one_of(PIECES, PIECES, st.binary(max_size=20)), max_size=20).map(b"".join)
#: A request whose head is right, so that what comes after it is looked at.
HEADED = st.builds(
    lambda method, path, headers, body: (
        method
        + path
        + b" HTTP/1.1\r\nHost: localhost\r\n"
        + b"".join(headers)
        + b"Content-Length: %d\r\n\r\n" % len(body)
        + body
    ),
    st.sampled_from([b"GET ", b"POST ", b"PATCH ", b"PUT ", b"DELETE "]),
    st.one_of(
        st.sampled_from(
            [
                b"/",
                b"/services/async/66.0/job",
                b"/services/Soap/u/62.0",
                b"/services/oauth2/token",
                b"/objects/Account",
            ]
        ),
        st.binary(max_size=30).map(lambda tail: b"/" + re.sub(rb"[^!-~\x80-\xff]", b"", tail)),
    ),
    st.lists(
        st.sampled_from(
            [b"Content-Encoding: gzip\r\n", b"Content-Type: application/json\r\n", b"SOAPAction: login\r\n"]
        ),
        max_size=3,
    ),
    st.binary(max_size=60),
)


@pytest.fixture(scope="module")
def org() -> Iterator[LocalOrg]:
    """Not started: the test brings the connections."""
    org = LocalOrg()
    org.server.is_local = True
    yield org
    org.stop()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(BYTES, HEADED, st.tuples(HEADED, BYTES).map(b"".join)))
def test_any_bytes_are_answered_or_not(org: LocalOrg, caplog: pytest.LogCaptureFixture, data: bytes) -> None:
    """No request makes the org fail: nothing is logged as an error, and no answer is a 500 but that of a login."""
    caplog.clear()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(target=serve, args=(org, theirs))
        thread.start()
        ours.settimeout(20)
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        received = b""
        while piece := ours.recv(65_536):
            received += piece
        thread.join(20)

    assert not thread.is_alive()
    assert [] == [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert b"" == received or received.startswith(b"HTTP/1.1 ")
    for reply in re.finditer(rb"HTTP/1\.1 5\d\d [^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.{0,60})", received, re.DOTALL):
        assert reply[0].startswith(b"HTTP/1.1 501 ") or b"<soapenv:Envelope" in reply[1], reply[0]


def serve(org: LocalOrg, sock: socket.socket) -> None:
    with sock:
        Connection(org.server, sock).serve()

"""Any bytes on the connection itself give a whole answer or one of our errors."""

from __future__ import annotations

import gzip
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.options import TransportOptions
from salesforce_bulk.records import Body
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.http import HttpTransport
from tests.support.raw_server import raw_server, says

from .bounds import examples, outcome_of
from .replies import chances, mutated

BODY = b'"Id","Name"\n"001","a"\n'
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\nSforce-Locator: null\r\n\r\n%b"
    % (len(BODY), BODY),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(BODY, mtime=0),
    b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.0 204\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
]


@examples(60)
@given(
    answer=st.one_of(
        st.binary(max_size=60),
        st.builds(lambda answer, chance: mutated(answer, chance), st.sampled_from(ANSWERS), chances),
    ),
    sends=st.booleans(),
)
def test_any_bytes_on_the_connection(answer: bytes, sends: bool) -> None:
    """Also where they are no HTTP at all; the server closes behind them, so nothing is waited for."""
    transport = HttpTransport(TransportOptions(read_seconds=5, connect_seconds=5))
    with raw_server(says(answer)) as server:

        def ask() -> Any:
            body = Body.of(b"a" * 100) if sends else None
            with transport.send(Outgoing("POST" if sends else "GET", f"{server.url}/x", {}, body)) as incoming:
                assert all(name == name.lower() for name in incoming.headers)
                return incoming.status, b"".join(incoming.pieces())

        outcome_of(ask)
        transport.close()

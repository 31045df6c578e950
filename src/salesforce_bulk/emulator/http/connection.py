"""One client's connection: requests in, one after another, and a reply to each."""

from __future__ import annotations

import contextlib
import socket
import time
import zlib
from typing import Protocol
from urllib.parse import unquote

import h11

from ..clock import Clock
from .messages import Body, Reply, Request
from .outgoing import CutOff, Outgoing, write_reply

READ_BYTES = 65_536
#: REST guide, "Status Codes": a URI over 16,384 bytes is 414, URI and headers over that is 431. Headers get some room here.
MAX_URI_BYTES = 16_384
MAX_HEAD_BYTES = 32_768
#: Ours: clients send a dozen.
MAX_HEADERS = 200
#: A body has the time of any request, and a second more for every so many bytes that have come: who drips is cut off.
SLOWEST_BYTES_PER_SECOND = 16_384
#: How long the org listens on after it has said its last.
LINGER_SECONDS = 1.0
LINGER_READS = 32
#: What a client may send beyond the limit before the connection is cut instead of answered.
MAX_DROPPED_BYTES = 1_000_000_000


class Gone(Exception):
    """The client closed, or is too slow."""


class Host(Protocol):
    """What a connection needs of its server: see `Server`."""

    slow_seconds: float
    idle_seconds: float
    clock: Clock

    def most_bytes(self, request: Request) -> int:
        """The longest body that is kept of such a request, of which only the head has come."""

    def answer(self, request: Request) -> Reply: ...


class Connection:
    def __init__(self, server: Host, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.left_over = b""

    def serve(self) -> None:
        with contextlib.suppress(OSError, Gone):
            while self._serve_one():
                pass
            self._part()

    def _part(self) -> None:
        """Close so that the client gets the last reply: closing on unread bytes would reset the connection."""
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.settimeout(LINGER_SECONDS)
        for _ in range(LINGER_READS):
            if not self.sock.recv(READ_BYTES):
                return

    def _serve_one(self) -> bool:
        """Read a request and answer it. False when the connection is to be closed."""
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        if self.left_over:
            parser.receive_data(self.left_over)
            self.left_over = b""
        request: Request | None = None
        try:
            request = self._read_request(parser)
            if request is None:
                return False
            close = self._closes(parser)
            if len(request.target) > MAX_URI_BYTES:
                reply = Reply(414)
            else:
                reply = self.server.answer(request)
            self._send(reply, request, close=close or reply.close)
            return not (close or reply.close)
        except h11.RemoteProtocolError as error:
            self._send(Reply(error.error_status_hint or 400), None, close=True)
            return False
        finally:
            if request is not None:
                request.body.close()

    def _send(self, reply: Reply, request: Request | None, *, close: bool) -> None:
        out = Outgoing(self.sock) if reply.cut is None else CutOff(self.sock, reply.cut)
        self.sock.settimeout(self.server.slow_seconds)
        write_reply(out, self.server.clock, reply, request, close=close)

    def _read_request(self, parser: h11.Connection) -> Request | None:
        head = self._next_event(parser)
        if not isinstance(head, h11.Request):
            return None
        if (
            len(head.headers) > MAX_HEADERS
            or sum(len(name) + len(value) for name, value in head.headers) > MAX_HEAD_BYTES
        ):
            raise h11.RemoteProtocolError("the headers are too large", error_status_hint=431)
        headers: dict[str, str] = {}
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        target = head.target.decode("latin-1")
        path, _, query = target.partition("?")
        if "://" in path and not path.startswith("/"):
            path = "/" + path.partition("://")[2].partition("/")[2]  # a proxy's way to ask: the whole URL
        elif path.startswith("//"):
            # The Salesforce CLI keeps the address of an org with a slash at its end, and joins paths to that.
            path = "/" + path.lstrip("/")
        body = Body(0)
        request = Request(head.method.decode("latin-1").upper(), target, unquote(path), query, headers, body)
        request.http_version = head.http_version.decode("latin-1")
        if "transfer-encoding" in headers:
            if "content-length" in headers or request.http_version == "1.0":
                # RFC 9112, 6.1 and 6.3: two ways to tell where the body ends, and what stands after one of the two ends would
                # be taken for a request.
                raise h11.RemoteProtocolError("a body with two ends", error_status_hint=400)
            request.framing = "chunked"
        elif headers.get("content-length", "0") != "0":
            request.framing = "length"
        try:
            if request.framing != "none":
                body.limit = self.server.most_bytes(request)
            announced = int(headers.get("content-length", "0"))
            asks_first = parser.they_are_waiting_for_100_continue
            if announced > body.limit + (0 if asks_first else MAX_DROPPED_BYTES):
                body.exceeded = True  # answered unread, and the connection ends
                return request
            if asks_first:
                Outgoing(self.sock).send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._read_body(parser, request)
        except BaseException:
            body.close()
            raise
        self.left_over = bytes(parser.trailing_data[0])
        return request

    def _read_body(self, parser: h11.Connection, request: Request) -> None:
        encoding = request.header("content-encoding").strip().lower()
        inflate = zlib.decompressobj(31) if encoding == "gzip" else None
        request.body.unknown_encoding = encoding not in {"", "gzip", "identity"}
        received = 0
        begun = time.monotonic()
        while True:
            deadline = begun + self.server.slow_seconds + received / SLOWEST_BYTES_PER_SECOND
            event = self._next_event(parser, deadline)
            if isinstance(event, h11.EndOfMessage):
                break
            if not isinstance(event, h11.Data):
                raise Gone
            received += len(event.data)
            if received > request.body.limit + MAX_DROPPED_BYTES:
                raise Gone
            if inflate is None:
                request.body.add(bytes(event.data))
            elif not request.body.damaged:
                _inflate(inflate, bytes(event.data), request.body)
        if inflate is not None and received and not inflate.eof and not request.body.exceeded:
            request.body.damaged = True

    def _next_event(self, parser: h11.Connection, deadline: float | None = None) -> object:
        """Without a *deadline*, the client may be quiet for a while, and has its time for the head from the first byte on."""
        if deadline is None and parser.trailing_data[0]:
            deadline = time.monotonic() + self.server.slow_seconds
        while True:
            event = parser.next_event()
            if event is not h11.NEED_DATA:
                return event
            if deadline is None:
                self.sock.settimeout(self.server.idle_seconds)
            else:
                # A client that drips bytes must not renew its time with each of them.
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Gone
                self.sock.settimeout(left)
            data = self.sock.recv(READ_BYTES)
            if deadline is None:
                deadline = time.monotonic() + self.server.slow_seconds
            parser.receive_data(data)

    @staticmethod
    def _closes(parser: h11.Connection) -> bool:
        return parser.their_state is not h11.DONE


def _inflate(inflate: zlib._Decompress, data: bytes, body: Body) -> None:
    """Unpack piece by piece and stop at the limit: a few kilobytes can claim to be terabytes."""
    try:
        while data and not body.exceeded:
            body.add(inflate.decompress(data, READ_BYTES))
            data = inflate.unconsumed_tail
            if inflate.eof:
                break
    except zlib.error:
        body.damaged = True

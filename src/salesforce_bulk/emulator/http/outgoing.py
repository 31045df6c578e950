"""The place where bytes leave for a client.

All that the org sends passes through one ``Outgoing``. A reply that is to be cut off passes through a ``CutOff``. The h11
parser reads requests only, so nothing checks that what is sent makes sense.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import zlib
from collections.abc import Iterable, Iterator
from email.utils import format_datetime
from http import HTTPStatus

from ..clock import Clock
from .messages import Cut, Reply, Request

#: Recorded on Bulk API 1.0 replies (protocol reference, 1.6).
STANDING_HEADERS = (
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "none"),
    ("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private"),
)
CHUNK_BYTES = 65_536
#: Of a reply that is cut off, however short it is: the frames that say that a body in chunks is complete, and a byte of it.
HELD_BYTES = 8


class Outgoing:
    """The sending half of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def finish(self) -> None:
        """The reply is complete."""


class BrokenOff(OSError):
    """The connection ended on purpose."""


class CutOff(Outgoing):
    """Sends so many bytes of a reply, and then what *cut* says. The last bytes are always held back."""

    def __init__(self, sock: socket.socket, cut: Cut) -> None:
        super().__init__(sock)
        self._cut = cut
        self._left = cut.bytes
        self._held = b""

    def send(self, data: bytes) -> None:
        data = self._held + data
        self._held = data[-HELD_BYTES:]
        data = data[: -len(self._held)][: self._left]
        super().send(data)
        self._left -= len(data)
        if not self._left:
            self._end()

    def finish(self) -> None:
        self._end()

    def _end(self) -> None:
        if self._cut.then == "stall":
            # Until the client gives up, or the server stops and shuts the connection down.
            self.sock.settimeout(None)
            with contextlib.suppress(OSError):
                while self.sock.recv(CHUNK_BYTES):
                    pass
        else:
            # With no time to linger, closing resets the connection instead of ending it in order.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise BrokenOff(f"a {self._cut.then}, as planned")


def write_reply(out: Outgoing, clock: Clock, reply: Reply, request: Request | None, *, close: bool) -> None:
    """Send *reply*: whole when it is bytes, as it is produced when it is an iterable."""
    head_only = request is not None and request.method == "HEAD"
    old = request is not None and request.http_version == "1.0"
    body: bytes | Iterable[bytes] = reply.body
    headers = [("Date", format_datetime(clock.now(), usegmt=True)), *STANDING_HEADERS, *reply.headers]
    if reply.content_type:
        headers.append(("Content-Type", reply.content_type))
    if request is not None and request.wants_gzip() and body != b"" and not reply.raw:
        headers.append(("Content-Encoding", "gzip"))
        body = _gzip([body] if isinstance(body, bytes) else body)
    if isinstance(body, bytes):
        headers.append(("Content-Length", str(len(body) if reply.said_length is None else reply.said_length)))
    elif not old:
        headers.append(("Transfer-Encoding", "chunked"))
    if close or (old and not isinstance(body, bytes)):
        headers.append(("Connection", "close"))
    out.send(_head(reply.status, headers))
    if not head_only:
        if isinstance(body, bytes):
            if body:
                out.send(body)
        else:
            for piece in _framed(body, chunked=not old):
                out.send(piece)
    out.finish()


def _head(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace")


def _framed(pieces: Iterable[bytes], *, chunked: bool) -> Iterator[bytes]:
    for piece in pieces:
        if piece and chunked:
            yield b"%x\r\n" % len(piece) + piece + b"\r\n"
        elif piece:
            yield piece
    if chunked:
        yield b"0\r\n\r\n"


def _gzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        packed = packer.compress(piece)
        if packed:
            held.append(packed)
            size += len(packed)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    held.append(packer.flush())
    yield b"".join(held)

"""A server that says exactly the bytes it is told to, for what no well-behaved server does."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: What one connection does with its socket, once the head of a request has been read.
Play = Callable[[socket.socket, bytes], None]


@dataclass
class RawServer:
    url: str
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


def says(answer: bytes) -> Play:
    """Read the whole request, say *answer*, close."""

    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(answer)

    return play


def resets(after: bytes = b"") -> Play:
    """Say *after*, then cut the connection hard."""

    def play(connection: socket.socket, _: bytes) -> None:
        if after:
            connection.sendall(after)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return play


def stalls(after: bytes, until: threading.Event) -> Play:
    """Say *after*, then nothing more."""

    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(after)
        until.wait(30)

    return play


@contextmanager
def raw_server(*plays: Play) -> Iterator[RawServer]:
    """The n-th connection is answered by the n-th play, the last one for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def serve() -> None:
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                head, body = _read_request(connection)
                server.heads.append(head)
                server.bodies.append(body)
                plays[min(number, len(plays) - 1)](connection, body)
                number += 1

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _read_request(connection: socket.socket) -> tuple[bytes, bytes]:
    """Head and body of a request; what there is of them when the client breaks off or talks TLS."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        data += received
        if not received or data[:1] == b"\x16":
            return data, b""
    head, _, body = data.partition(b"\r\n\r\n")
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    lines = {name.strip().lower(): value.strip() for name, _, value in pairs}
    chunked = b"chunked" in lines.get(b"transfer-encoding", b"")
    length = int(lines.get(b"content-length", b"0"))
    while not body.endswith(b"0\r\n\r\n") if chunked else len(body) < length:
        received = connection.recv(65536)
        if not received:
            break
        body += received
    return head, body

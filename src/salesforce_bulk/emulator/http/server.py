"""A listening socket, a thread for each connection, and the area of the URL space that a request belongs to."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..clock import Clock
from .connection import Connection
from .messages import Reply, Request
from .routing import Area, Route

log = logging.getLogger(__name__)

#: Of requests, kept for tests to look at.
LOG_LENGTH = 1_000
#: Never written down, not even in the log of a test.
SECRET_HEADERS = frozenset({"authorization", "x-sfdc-session", "cookie", "proxy-authorization"})

#: Performs what a request asks for, or a planned fault in its stead: (request, what to do, the area that it came to).
Around = Callable[["Request", Callable[[], Reply], "Area"], Reply]


@dataclass(frozen=True)
class Seen:
    """One request, as the log keeps it."""

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    #: 0 when the connection was reset instead of an answer.
    status: int
    body_bytes: int
    framing: str


def _perform(area: Area, row: Route, request: Request, names: dict[str, str]) -> Reply:
    return area.before(request) or row.handler(request, **names)


class Server:
    #: A request has this long to arrive, and a client this long to take the next piece of a reply.
    slow_seconds: float = 60.0
    #: A connection may be quiet this long between requests.
    idle_seconds: float = 120.0
    #: The largest body any of the APIs takes (Bulk API 2.0, 150 MB), and some room to see that it is too large.
    max_body_bytes: int = 160_000_000

    def __init__(
        self,
        clock: Clock,
        areas: Sequence[Area],
        host: str = "127.0.0.1",
        port: int = 0,
        around: Around = lambda request, perform, area: perform(),
    ) -> None:
        self.clock = clock
        self.areas = areas
        self.host = host
        self.port = port
        self.around = around
        self.seen: deque[Seen] = deque(maxlen=LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._accepting: threading.Thread | None = None
        self._breather = threading.Event()

    def start(self) -> None:
        self._listener = socket.create_server((self.host, self.port), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="local-org-accept", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        if self._accepting:
            self._accepting.join(5)
        with self._lock:
            connections = dict(self._connections)
        for sock in connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join(5)

    def answer(self, request: Request) -> Reply:
        area = max(
            (area for area in self.areas if request.path.lower().startswith(area.prefix)),
            key=lambda area: len(area.prefix),
            default=None,
        )
        if area is None:
            reply = Reply(404, b"", "text/html; charset=UTF-8")
        else:
            try:
                reply = self._ask(area, request)
            except Exception as error:
                log.exception("%s %s failed", request.method, request.path)
                reply = area.failed(request, error)
        self._note(request, reply)
        return reply

    def _ask(self, area: Area, request: Request) -> Reply:
        allowed = []
        for row in area.routes:
            if (found := row.pattern.fullmatch(request.path)) is None:
                continue
            if row.method != request.method:
                allowed.append(row.method)
                continue
            request.operation = row.operation
            return self.around(request, partial(_perform, area, row, request, found.groupdict()), area)
        if allowed:
            return area.method_not_allowed(request, allowed)
        return area.not_found(request)

    def _note(self, request: Request, reply: Reply) -> None:
        headers = {name: value for name, value in request.headers.items() if name not in SECRET_HEADERS}
        seen = Seen(
            request.operation, request.method, request.path, headers, reply.status, request.body.size, request.framing
        )
        with self._lock:
            self.seen.append(seen)
            self.counts[request.operation] += 1

    def _accept(self) -> None:
        while (listener := self._listener) is not None:
            try:
                sock, _ = listener.accept()
            except OSError:
                # One connection that was gone before it was taken, or no descriptor free at the moment, is no reason to
                # take none ever after; a listener that was closed is.
                if self._listener is None or listener.fileno() < 0:
                    return
                self._breather.wait(0.01)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), name="local-org-connection", daemon=True)
            with self._lock:
                self._connections[sock] = thread
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            Connection(self, sock).serve()
        except Exception:
            log.exception("a connection broke off")
        finally:
            with contextlib.suppress(OSError):
                sock.close()
            with self._lock:
                self._connections.pop(sock, None)

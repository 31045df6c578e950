"""A listening socket, a thread for each connection, and the area of the URL space that a request belongs to."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..clock import Clock
from .connection import Connection
from .messages import Reply, Request
from .routing import Area, Route

log = logging.getLogger(__name__)

#: Of requests, kept for tests to look at.
LOG_LENGTH = 1_000
#: What a connection too many is told.
FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
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


@dataclass(frozen=True, slots=True)
class _Found:
    """Who is to answer a request: a row of an area's table, or none and the methods that the path takes."""

    area: Area
    row: Route | None = None
    names: dict[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()


class OpenToOthers(UserWarning):
    """The local org listens where other machines can reach it."""


def _perform(area: Area, row: Route, request: Request, names: dict[str, str]) -> Reply:
    return area.before(request) or row.handler(request, **names)


class Server:
    #: A request has this long to arrive, and a client this long to take the next piece of a reply.
    slow_seconds: float = 60.0
    #: A connection may be quiet this long between requests.
    idle_seconds: float = 120.0
    #: The longest body that is kept of a request with no bound of its own: jobs, logins and queries are short documents.
    document_bytes: int = 2_000_000
    #: Each connection has a thread. One more is told 503, and closed.
    most_connections: int = 1_000

    def __init__(
        self,
        clock: Clock,
        areas: Sequence[Area],
        host: str = "127.0.0.1",
        port: int = 0,
        around: Around = lambda request, perform, area: perform(),
        body_bytes: Mapping[str, int] | None = None,
        weighed: Collection[str] = (),
    ) -> None:
        """*body_bytes*: the longest body that is kept, by operation. *weighed*: the operations that see for themselves that it
        was longer; any other is told 413."""
        self.clock = clock
        self.areas = areas
        self.host = host
        self.port = port
        self.around = around
        self.body_bytes = dict(body_bytes or {})
        self.weighed = frozenset(weighed)
        self.seen: deque[Seen] = deque(maxlen=LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._accepting: threading.Thread | None = None
        self._breather = threading.Event()
        #: It listens on a loopback address, which only programs of this machine reach.
        self.is_local = False

    def start(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=256)
        address, self.port = self._listener.getsockname()[:2]
        self.is_local = ipaddress.ip_address(address).is_loopback
        if not self.is_local:
            warnings.warn(
                f"The local org listens on {address}: whoever reaches this machine reaches it, too, and what is sent is not "
                "encrypted, passwords and tokens included. Let it hold nothing that others must not see, or leave out host=.",
                OpenToOthers,
                stacklevel=3,
            )
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

    def most_bytes(self, request: Request) -> int:
        """The longest body that is kept of such a request, of which only the head has come."""
        found = self._find(request)
        operation = found.row.operation if found is not None and found.row is not None else ""
        return self.body_bytes.get(operation, self.document_bytes)

    def answer(self, request: Request) -> Reply:
        found = self._find(request)
        if found is None:
            reply = Reply(404, b"", "text/html; charset=UTF-8")
        else:
            try:
                reply = self._ask(found, request)
            except Exception as error:
                log.exception("%s %s failed", request.method, request.path)
                reply = found.area.failed(request, error)
        if found is None or not found.area.beside:
            self._note(request, reply)
        return reply

    def _find(self, request: Request) -> _Found | None:
        path = request.path.lower()
        area = max(
            (area for area in self.areas if path.startswith(area.prefix)),
            key=lambda area: len(area.prefix),
            default=None,
        )
        if area is None:
            return None
        allowed = []
        for row in area.routes:
            if (match := row.pattern.fullmatch(request.path)) is None:
                continue
            if row.method == request.method:
                return _Found(area, row, match.groupdict())
            allowed.append(row.method)
        return _Found(area, allowed=tuple(allowed))

    def _ask(self, found: _Found, request: Request) -> Reply:
        area, row = found.area, found.row
        if row is None:
            return area.method_not_allowed(request, found.allowed) if found.allowed else area.not_found(request)
        request.operation = row.operation
        if request.body.exceeded and row.operation not in self.weighed:
            return Reply(413)
        perform = partial(_perform, area, row, request, found.names)
        return perform() if area.beside else self.around(request, perform, area)

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
            if len(self._connections) >= self.most_connections:
                with contextlib.suppress(OSError), sock:
                    sock.sendall(FULL)
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

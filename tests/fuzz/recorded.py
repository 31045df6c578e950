"""Conversations with the local org, written down, and played again with one reply changed."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.http import HttpTransport
from salesforce_bulk.transport.scripted import Scripted

from .bounds import Endless
from .replies import AnyReply

#: More than any of these conversations takes with every try repeated and every job looked at to its limit.
MOST_REQUESTS: Final = 600
#: Of a body that is inflated already, these say what is no longer so.
_OF_TRANSFER: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(frozen=True)
class Said:
    """A request, by what it is known by, and its answer."""

    method: str
    target: str
    reply: AnyReply


@dataclass
class Recorder:
    """The network, and a list of what was said."""

    network: HttpTransport = field(default_factory=HttpTransport)
    said: list[Said] = field(default_factory=list)

    def send(self, outgoing: Outgoing) -> Scripted:
        with self.network.send(outgoing) as incoming:
            body = b"".join(incoming.pieces())
            head = {name: value for name, value in incoming.headers.items() if name not in _OF_TRANSFER}
        self.said.append(Said(outgoing.method, _target(outgoing), AnyReply(incoming.status, head, body)))
        return Scripted(incoming.status, body, head)

    def close(self) -> None:
        self.network.close()


@dataclass
class Replay:
    """Plays what was said, the *at*-th answer replaced. An answer that was the last of its kind is given again and again; what
    was never asked before is refused with 404."""

    said: list[Said]
    at: int | None = None
    instead: AnyReply | None = None
    requests: int = 0
    _places: dict[tuple[str, str], list[int]] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._places = defaultdict(list)
        for place, one in enumerate(self.said):
            self._places[one.method, one.target].append(place)

    def send(self, outgoing: Outgoing) -> Scripted:
        if outgoing.body is not None:
            for _ in outgoing.body.pieces():
                pass
        with self._lock:
            self.requests += 1
            if self.requests > MOST_REQUESTS:
                raise Endless(f"{MOST_REQUESTS} requests and no end")
            places = self._places.get((outgoing.method, _target(outgoing)))
            if not places:
                return Scripted(404, b'[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]')
            place = places.pop(0) if len(places) > 1 else places[0]
        reply = self.instead if place == self.at and self.instead else self.said[place].reply
        return Scripted(reply.status, _pieces(reply.body), reply.headers)

    def close(self) -> None:
        """There is nothing to close."""


def _target(outgoing: Outgoing) -> str:
    url = urlsplit(outgoing.url)
    return f"{url.path}?{url.query}" if url.query else url.path


def _pieces(body: bytes) -> list[bytes]:
    half = len(body) // 2
    return [body[:half], body[half:]]


def clock() -> Clock:
    """Time that passes only while somebody waits."""
    now = _Now()
    return Clock(sleep=now.sleep, monotonic=lambda: now.seconds, chance=lambda: 0.5)


@dataclass
class _Now:
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 3600
        with self._lock:
            self.seconds += seconds


def only_rows(said: list[Said]) -> Iterator[int]:
    """The places of answers that hold rows or outcomes: a changed value in one of them is a value."""
    marks = (
        "results",
        "result/",
        "Results",
        "unprocessedrecords",
        "/query?",
        "/query/",
        "composite",
        "describe",
        "/result",
    )
    for place, one in enumerate(said):
        holds = any(mark in one.target for mark in marks) and "resultPages" not in one.target
        if holds and one.reply.body.lstrip()[:12] != b"<result-list":
            yield place

"""Performs flows: sends their calls, sleeps their pauses, and repeats what may be repeated."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from ..errors import AnswerLost, AnswerMalformed, SalesforceBulkError, SessionExpired, TransportError
from ..frozen import frozen
from ..options import DEFAULT_OPTIONS, TransportOptions
from ..protocol.messages import Call, Flow, LastWord, Note, Pause, Reply, Request, Step, Stopped
from ..protocol.polling import Look
from ..protocol.refusals import damaged, is_page, no_data, refusal
from ..protocol.repeat import may_repeat
from ..session import Access
from ..transport.base import Incoming, Outgoing, Transport
from ..transport.inflate import crc32
from .patience import Looks, Usage

if TYPE_CHECKING:
    from ..facts import Fact

T = TypeVar("T")

#: Replies that are read whole are control documents, lists and error bodies; none comes near this.
MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
#: ``Retry-After`` is obeyed up to here; beyond it the caller decides.
MAX_RETRY_AFTER_SECONDS: Final = 300.0


@frozen
class Clock:
    """Time and chance, handed in."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Traffic:
    """What was said: requests (each costs the org's daily allowance one), those of them that were repeats, and bytes of
    content, before compression and after inflating. Counted from several threads."""

    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, *, requests: int = 0, retries: int = 0, sent: int = 0, received: int = 0) -> None:
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.bytes_sent += sent
            self.bytes_received += received


@frozen
class Fetched:
    """The head of an answer, lower-case names, and its body in pieces, which can be read once."""

    headers: Mapping[str, str]
    pieces: Iterator[bytes]
    _close: Callable[[], None]

    def close(self) -> None:
        """Give up what has not been read."""
        close = getattr(self.pieces, "close", None)
        if close is not None:
            close()
        self._close()


def _forget(_: Fact) -> None:
    """Where no journal is kept."""


def _always() -> None:
    """Go on."""


@frozen
class Driver:
    """Performs flows against one org, one step after the other. Safe to share between threads."""

    access: Access
    transport: Transport
    options: TransportOptions = DEFAULT_OPTIONS
    clock: Clock = field(default_factory=Clock)
    traffic: Traffic = field(default_factory=Traffic)
    looks: Looks = field(default_factory=Looks)
    usage: Usage = field(default_factory=Usage)
    #: Writes a fact down; it is on the disk when this returns. Without a journal: nothing.
    note: Callable[[Fact], None] = _forget
    #: Raises ``Stopped`` when the work is to be left where it is. Asked before each step that takes time, and while bodies
    #: travel. What happened is written down all the same.
    go_on: Callable[[], None] = _always

    def perform(self, flow: Flow[T]) -> T:
        """Run *flow* to its end and return what it returns. What goes wrong with a step is raised inside the flow first, be it
        an error of ours or of the rows that a body is made of, and so is that the work is to be left where it is."""
        begun = self.clock.monotonic()
        try:
            step = next(flow)
            while True:
                try:
                    answer = self._answer(step, begun)
                except Exception as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result

    def _answer(self, step: Step, begun: float) -> Reply | float | None:
        if isinstance(step, Note):
            self.note(step.fact)
            return None
        if isinstance(step, LastWord):
            # Its pauses end when the work is left, and so do the tries.
            with suppress(SalesforceBulkError, Stopped):
                self.call(step.request)
            return None
        self.go_on()
        if isinstance(step, Call):
            try:
                return self.call(step.request)
            except Stopped as stopped:
                raise Stopped(has_begun=True) from stopped
        self._wait(step)
        return self.clock.monotonic() - begun

    def _wait(self, step: Pause) -> None:
        """A look at a job comes by chance up to a quarter sooner, so that those of many jobs do not come together."""
        if isinstance(step, Look):
            with self.looks.stretched(step.seconds, step.longest) as seconds:
                self.clock.sleep(max(0.0, seconds * (0.75 + self.clock.chance() / 4)))
        else:
            self.clock.sleep(max(0.0, step.seconds))

    def call(self, request: Request) -> Reply:
        """Send *request* and read its whole answer. What the org refuses is raised."""
        reply, is_doubtful = self._tried(request, self._whole)
        return replace(reply, is_doubtful=True) if is_doubtful else reply

    def stream(self, request: Request) -> Iterator[bytes]:
        """The body of the answer to a GET, in pieces as they arrive. Sent when the first piece is asked for."""
        yield from self.fetch(request).pieces

    def fetch(self, request: Request) -> Fetched:
        """Send a GET and read the head of its answer; the body follows in pieces, in constant memory.

        When it breaks off it is fetched again, and what was handed out already is passed over; it must be the same
        bytes again, or the error says so. A body that nobody reads to its end must be closed.
        """
        incoming, _ = self._tried(request, self._rows)
        return Fetched(incoming.headers, self._pieces(request, incoming), incoming.close)

    def _pieces(self, request: Request, incoming: Incoming) -> Iterator[bytes]:
        given = 0
        checksum = 0
        tries = 1
        while True:
            with incoming:
                try:
                    for piece in self._rest(request, incoming, given, checksum):
                        self.go_on()
                        given += len(piece)
                        checksum = crc32(piece, checksum)
                        yield piece
                    self.traffic.add(received=given)
                    return
                except TransportError as error:
                    if not error.repeatable or tries >= self.options.tries:
                        raise
                    broken = error
            self.traffic.add(retries=1)
            self._pause(tries, broken)
            tries += 1
            incoming, _ = self._tried(request, self._rows)

    def _rest(self, request: Request, incoming: Incoming, given: int, checksum: int) -> Iterator[bytes]:
        """The pieces of *incoming* after the first *given* bytes, which must have *checksum*."""
        seen = 0
        over = given
        for piece in incoming.pieces():
            if over:
                known = piece[:over]
                seen = crc32(known, seen)
                over -= len(known)
                if not over and seen != checksum:
                    raise _changed(request)
                piece = piece[len(known) :]
            if piece:
                yield piece
        if over:
            raise _changed(request)

    def _tried(self, request: Request, send: Callable[[Request, Outgoing], T]) -> tuple[T, bool]:
        """*send*, repeated while it may be; the session is renewed once. And whether an earlier try may have been acted on."""
        renewed = False
        is_doubtful = False
        tries = 1
        while True:
            self.usage.check(self.options.stop_at_usage, request, self.clock.monotonic())
            outgoing = Outgoing(request.method, self.access.url(request), self.access.headers(request), request.body)
            try:
                return send(request, outgoing), is_doubtful
            except SalesforceBulkError as error:
                if request.body is not None and request.body.spent:
                    raise  # a one-time stream has been read: only the caller can give it again
                if isinstance(error, SessionExpired):
                    if renewed or not self.access.renew(outgoing.headers):
                        raise
                    renewed = True
                    continue
                again = error.repeatable or (isinstance(error, AnswerLost) and may_repeat(request.name))
                if not again or tries >= self.options.tries:
                    raise
                refused = error
                is_doubtful |= error.applied is None
            self.traffic.add(retries=1)
            self._pause(tries, refused)
            tries += 1

    def _head(self, request: Request, outgoing: Outgoing) -> Incoming:
        size = outgoing.body.length if outgoing.body is not None else None
        self.traffic.add(requests=1, sent=size or 0)
        incoming = self.transport.send(outgoing)
        self.usage.heed(incoming.headers, self.clock.monotonic())
        if incoming.status < 300:
            return incoming
        with incoming:
            reply = Reply(incoming.status, incoming.headers, _read(request, incoming))
        error = refusal(request, reply)
        assert error is not None, "a status from 300 up is a refusal"
        raise error

    def _whole(self, request: Request, outgoing: Outgoing) -> Reply:
        with self._head(request, outgoing) as incoming:
            body = _read(request, incoming)
        self.traffic.add(received=len(body))
        reply = Reply(incoming.status, incoming.headers, body)
        spoilt = damaged(request, reply)
        if spoilt is not None:
            raise spoilt
        return reply

    def _rows(self, request: Request, outgoing: Outgoing) -> Incoming:
        """The head of an answer whose body is rows."""
        incoming = self._head(request, outgoing)
        if not is_page(incoming.headers):
            return incoming
        with incoming:
            raise no_data(request, Reply(incoming.status, incoming.headers, _read(request, incoming)))

    def _pause(self, tries: int, error: SalesforceBulkError) -> None:
        """Wait before try number *tries* + 1: twice as long each time, by chance between half and all of it."""
        if error.retry_after_seconds is not None:
            self.clock.sleep(min(error.retry_after_seconds, MAX_RETRY_AFTER_SECONDS))
            return
        longest = min(self.options.first_pause_seconds * 2 ** (tries - 1), self.options.longest_pause_seconds)
        self.clock.sleep(longest * (0.5 + self.clock.chance() / 2))


def _read(request: Request, incoming: Incoming) -> bytes:
    held: list[bytes] = []
    count = 0
    for piece in incoming.pieces():
        held.append(piece)
        count += len(piece)
        if count > MAX_REPLY_BYTES:
            raise AnswerMalformed(
                f"{request} was answered with more than {MAX_REPLY_BYTES} bytes, which no answer to it has.\n"
                "What the answer says is unknown.\nCheck that the host is the org's API host.",
                status_code=incoming.status,
            )
    return b"".join(held)


def _changed(request: Request) -> AnswerMalformed:
    return AnswerMalformed(
        f"{request} broke off, and gave other bytes when it was fetched again.\n"
        "What was handed out of it cannot be trusted.\nRun the query again.",
    )

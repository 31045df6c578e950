"""Leaving work where it is, when the program is to end or its time is up: the org goes on with what it has, and the journal
knows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

from ..protocol.messages import Stopped
from .drive import Driver

__all__ = ["Stop", "Stopped", "waited"]

T = TypeVar("T")

#: How long it takes at most until a signal is heard of.
SIGNAL_SECONDS: Final = 0.5


class Stop:
    """Tells the threads of a run to end: those that wait are woken, the others end before their next step.

    After *seconds*, if they are given, by itself.
    """

    def __init__(self, seconds: float | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._event = threading.Event()
        self._changed = threading.Condition()
        self._working = 0
        self._monotonic = monotonic
        self._until = None if seconds is None else monotonic() + seconds

    def now(self) -> None:
        """Returns when no thread is at work any more, so none of them calls it."""
        self._event.set()
        with self._changed:
            while not self._changed.wait_for(lambda: not self._working, SIGNAL_SECONDS):
                pass  # the main thread hears of a second Ctrl-C

    @contextmanager
    def working(self) -> Iterator[None]:
        """Around what a thread does. A pool alone does not tell whether its threads are done: one whose start is interrupted,
        as Ctrl-C can do, works on without it.

        Raises:
            Stopped: The work was left before the thread began.
        """
        with self._changed:
            self.check()
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def over(self) -> None:
        """The work is done. What is asked for after it has all the time that it wants."""
        self._until = None

    def check(self) -> None:
        """
        Raises:
            Stopped: The work is to be left where it is.
        """
        if self._until is not None and self._monotonic() >= self._until:
            self._event.set()
        if self._event.is_set():
            raise Stopped

    def watching(self, pieces: Iterable[T]) -> Iterator[T]:
        """The same pieces, while the work goes on."""
        for piece in pieces:
            self.check()
            yield piece

    def heeded_by(self, driver: Driver) -> Driver:
        """The same driver, whose pauses and steps end with this."""
        sleep = driver.clock.sleep

        def pause(seconds: float) -> None:
            if self._until is not None:
                seconds = max(0.0, min(seconds, self._until - self._monotonic()))
            if sleep is time.sleep:
                self._event.wait(seconds)
            else:
                sleep(seconds)
            self.check()

        return replace(driver, clock=replace(driver.clock, sleep=pause), go_on=self.check)


def waited(futures: Collection[Future[T]], *, for_all: bool = False) -> set[Future[T]]:
    """Wait until one of *futures*, or each, has ended; those that have. The main thread hears of signals meanwhile.

    A wait without end would not: a signal that arrives just before it begins, or in another thread, does not end it, and Python
    runs the handler when it is over (seen once in twenty signals that came as a part ended).
    """
    while True:
        done, others = wait(futures, SIGNAL_SECONDS, ALL_COMPLETED if for_all else FIRST_COMPLETED)
        if not others or (done and not for_all):
            return done

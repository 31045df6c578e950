"""The worker threads of an org, and what the event loop waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

#: Verbs and reads that are under way at once; more of them wait for their turn.
THREADS: Final = 16

T = TypeVar("T")


class Stopped(Exception):
    """Ends a call whose await was cancelled. Nobody sees it."""


class Threads:
    """The worker threads of an org, and what runs in them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "salesforce-bulk")
        self._running: set[Future[Any]] = set()

    def start(self, call: Callable[[], T], *, own: bool = False) -> Future[T]:
        """*own*: in a thread of its own. What waits for the event loop must not hold up what the event loop waits for."""
        if own:
            alone = ThreadPoolExecutor(1, "salesforce-bulk-alone")
            future = alone.submit(call)
            alone.shutdown(wait=False)
        else:
            future = self._pool.submit(call)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    async def run(self, call: Callable[[], T], stop: threading.Event | None = None, *, own: bool = False) -> T:
        """Await *call*. Cancelled: it does not begin, or *stop* is set and its end awaited; without *stop* it runs on."""
        future = self.start(call, own=own)
        under_way = awaitable(future)
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            if not future.cancel() and stop is not None:
                stop.set()
                await asyncio.wait({under_way})
            raise

    async def close(self) -> None:
        if running := [awaitable(future) for future in tuple(self._running)]:
            await asyncio.wait(running)
        self._pool.shutdown(wait=False)


def awaitable(future: Future[T]) -> asyncio.Future[T]:
    """For the event loop. What nobody awaits any more is no error of the loop's."""
    wrapped = asyncio.wrap_future(future)
    wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
    return wrapped


def woken(sleep: Callable[[float], None], stop: threading.Event) -> Callable[[float], None]:
    """*sleep*, which *stop* ends."""

    def pause(seconds: float) -> None:
        if sleep is time.sleep:
            stop.wait(seconds)
        else:
            sleep(seconds)
        if stop.is_set():
            raise Stopped

    return pause

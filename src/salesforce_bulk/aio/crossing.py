"""Rows on their way between a worker thread and the event loop, a run of a few hundred at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from .threads import Stopped, Threads, awaitable

#: Rows that cross between a thread and the event loop at once: handing them over costs some 100 us, and a run of them keeps
#: the loop busy for less than a millisecond.
RUN_ROWS: Final = 500
#: How often a thread that waits for the event loop looks whether there still is one.
LOOK_SECONDS: Final = 0.25

T = TypeVar("T")


async def crossing(threads: Threads, source: Iterable[T], run_rows: int, stop: threading.Event) -> AsyncIterator[T]:
    """What *source* gives, a run at a time; the next run is made while one is used up. *source* never runs in the loop."""
    iterator = iter(source)
    one_at_a_time = threading.Lock()

    def next_run() -> list[T]:
        with one_at_a_time:
            return list(islice(iterator, run_rows))

    def end() -> None:
        with one_at_a_time:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    try:
        ahead = awaitable(threads.start(next_run))
        # The last run may be full: only the empty one after it is the end, and there the counting is done.
        while run := await asyncio.shield(ahead):
            ahead = awaitable(threads.start(next_run))
            for row in run:
                yield row
    finally:
        stop.set()
        # Also when the org has been closed meanwhile, and to its end also when this await is cancelled again.
        await asyncio.shield(awaitable(threads.start(end, own=True)))


def runs_of(rows: Any, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> Iterator[Any]:
    """The rows of an async iterable, for a worker thread: a run at a time, the next when one is used up."""
    source = aiter(rows)

    async def run() -> tuple[list[Any], bool]:
        held: list[Any] = []
        async for row in source:
            held.append(row)
            if len(held) >= RUN_ROWS:
                return held, True
        return held, False

    more = True
    try:
        while more:
            if stop.is_set():
                raise Stopped
            held, more = _in_loop(run(), loop, stop)
            yield from held
    finally:
        close = getattr(source, "aclose", None)
        if close is not None and not loop.is_closed():
            asyncio.run_coroutine_threadsafe(_closed(close), loop)


async def _closed(close: Callable[[], Awaitable[Any]]) -> None:
    await close()


def _in_loop(coroutine: Any, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> Any:
    """The coroutine's result, from another thread. The load may outlive the loop, and its await."""
    try:
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    except RuntimeError:
        coroutine.close()
        raise Stopped from None
    while True:
        try:
            return future.result(LOOK_SECONDS)
        except TimeoutError:
            if future.done():
                raise  # the source's own
            if stop.is_set() or loop.is_closed():
                future.cancel()
                raise Stopped from None

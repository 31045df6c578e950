"""Work done ahead of its reader: a source read in one thread, what it gives worked on in others, results in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(source: Iterable[T], work: Callable[[T], R], *, threads: int) -> Iterator[R]:
    """``work(each)`` for each of *source*, in order, *threads* of them at a time.

    The source is read in a thread of its own, at most *threads* + 2 ahead of the reader, so memory is bounded. It is
    closed in that thread, when it ends or when nobody wants more. An error of the source or of the work is raised in its
    place. With no *threads*, everything happens in the reader's own.
    """
    if threads < 1:
        yield from map(work, source)
        return
    room = threading.Semaphore(threads + 2)
    stopped = threading.Event()
    results: queue.SimpleQueue[Future[R] | None] = queue.SimpleQueue()

    with ThreadPoolExecutor(threads) as pool:

        def read() -> None:
            ours = iter(source)
            try:
                while room.acquire() and not stopped.is_set():
                    try:
                        each = next(ours)
                    except StopIteration:
                        break
                    results.put(pool.submit(work, each))
            except BaseException as error:  # handed to the reader, whatever it is
                failed: Future[R] = Future()
                failed.set_exception(error)
                results.put(failed)
            finally:
                close = getattr(source, "close", None)
                if close is not None:
                    close()
                results.put(None)

        reader = threading.Thread(target=read, name="salesforce-bulk-reader", daemon=True)
        reader.start()
        try:
            while (future := results.get()) is not None:
                yield future.result()
                room.release()
        finally:
            stopped.set()
            room.release()
            reader.join()

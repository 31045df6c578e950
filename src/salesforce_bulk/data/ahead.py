"""Work done ahead of its reader, in threads of its own, in order: inflating and parsing give up the interpreter's lock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, Full, Queue
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: So many bytes are handed over at once: a hand-over between threads costs as much as working through a few kilobytes.
#: They stay the pieces they are, for joining them costs a quarter of what inflating costs.
PIECE_BYTES: Final = 256 * 1024
#: So many hand-overs wait at most; memory stays at their size, however long the reader takes.
PIECES_AHEAD: Final = 4
#: A thread that waits looks this often whether it is still wanted.
_LOOK_SECONDS: Final = 0.2


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


def one_ahead(source: Iterable[T], work: Callable[[T], R]) -> Iterator[R]:
    """``work(each)`` for each of *source*, in order: done for the next one, in a thread, while the reader is busy with one.

    The source is read in the reader's own thread.
    """
    with ThreadPoolExecutor(1) as pool:
        ahead: Future[R] | None = None
        for each in source:
            following = pool.submit(work, each)
            if ahead is not None:
                yield ahead.result()
            ahead = following
        if ahead is not None:
            yield ahead.result()


def read_ahead(pieces: Iterator[bytes], *, hand_over_bytes: int = PIECE_BYTES) -> Generator[bytes]:
    """*pieces*, read in a thread of their own, in order, and closed there. What goes wrong there is raised here, at its
    place."""
    ready: Queue[list[bytes] | BaseException | None] = Queue(max(2, PIECES_AHEAD * PIECE_BYTES // hand_over_bytes))
    unwanted = threading.Event()

    def put(entry: list[bytes] | BaseException | None) -> bool:
        while not unwanted.is_set():
            try:
                ready.put(entry, timeout=_LOOK_SECONDS)
            except Full:
                continue
            return True
        return False

    def fill() -> None:
        held: list[bytes] = []
        count = 0
        try:
            for piece in pieces:
                held.append(piece)
                count += len(piece)
                if count >= hand_over_bytes:
                    if not put(held):
                        return
                    held, count = [], 0
            ending: BaseException | None = None
        except BaseException as error:
            ending = error
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        if put(held):
            put(ending)

    thread = threading.Thread(target=fill, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (entry := ready.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield from entry
    finally:
        unwanted.set()
        _emptied(ready)
        thread.join()


def _emptied(queue: Queue[list[bytes] | BaseException | None]) -> None:
    """Make room for a thread that waits to hand something over: it then sees that nobody wants it."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return

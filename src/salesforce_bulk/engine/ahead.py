"""Bytes that are read, and inflated, while their reader is busy with those before."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from typing import Final

from ..records import gathered

#: Pieces are gathered to this size: a hand-over between threads costs as much as working through a few kilobytes.
PIECE_BYTES: Final = 256 * 1024
#: So many wait at most; memory stays at their size, however long the reader takes.
PIECES_AHEAD: Final = 8
#: A thread that waits looks this often whether it is still wanted.
_LOOK_SECONDS: Final = 0.2


def read_ahead(pieces: Iterator[bytes]) -> Generator[bytes]:
    """*pieces*, read in a thread of their own, in order. What goes wrong there is raised here, at its place.

    Inflating gives up the interpreter's lock, so it takes place beside the parsing.
    """
    ready: Queue[bytes | BaseException | None] = Queue(PIECES_AHEAD)
    unwanted = threading.Event()

    def put(entry: bytes | BaseException | None) -> bool:
        while not unwanted.is_set():
            try:
                ready.put(entry, timeout=_LOOK_SECONDS)
            except Full:
                continue
            return True
        return False

    def fill() -> None:
        try:
            for piece in gathered(pieces, PIECE_BYTES):
                if not put(piece):
                    break
            else:
                put(None)
        except BaseException as error:
            put(error)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=fill, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (entry := ready.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry
    finally:
        unwanted.set()
        _emptied(ready)
        thread.join()


def _emptied(queue: Queue[bytes | BaseException | None]) -> None:
    """Make room for a thread that waits to hand something over: it then sees that nobody wants it."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return

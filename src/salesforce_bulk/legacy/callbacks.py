"""Results handed to a callback, as the release 1.0.0 and the test file of 1.x have them."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from .util import IteratorBytesIO


def in_turns(
    rows: Iterable[Any], callback: Callable[[list[Any], int, int], Any], batch_size: float, remaining: int
) -> tuple[list[Any], int, int]:
    """Call back with each *batch_size* rows, the header in front of each: ``callback(rows, remaining, line)``.

    Returns the rows of the last turn, what remains, and the number of lines.
    """
    header, turn, number = list[Any](), list[Any](), 0
    for number, row in enumerate(rows, 1):
        turn.append(row)
        header = header or [row]
        if batch_size > 0 and len(turn) >= batch_size + 1:
            callback(turn, remaining, number)
            remaining -= len(turn) - 1
            turn = list(header)
    return turn, remaining, number


def kept(pieces: Iterator[bytes]) -> IO[str]:
    """A result file in a temporary file, as text whose line ends are as they were sent. Close it."""
    file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115
    shutil.copyfileobj(io.TextIOWrapper(IteratorBytesIO(pieces), encoding="utf-8", newline=""), file)
    file.seek(0)
    return file

"""How many records pieces of CSV hold, without a parser: line ends before which the number of quotes is even."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import accumulate, repeat
from typing import Final

from .mark_bits import FEED, QUOTE, MarkBits, numpy_that_counts_bits

#: numpy counts five times as fast and without the interpreter's lock; importing it costs 0.1 s, so not for a small result.
NUMPY_BYTES: Final = 4 * 1024 * 1024

#: Record ends and quotes in a piece, given whether the number of quotes before it is odd, and the byte before it.
Count = Callable[[bytes | memoryview, int, int], tuple[int, int]]


class RecordCounter:
    """Counts the records in pieces cut anywhere. Blank lines between LFs are none; a last line needs no end."""

    def __init__(self, count: Count | None = None, *, numpy_bytes: int = NUMPY_BYTES) -> None:
        self._ends = 0
        self._quotes = 0
        self._last = 10
        self._bytes = 0
        self._count = count or split_count
        self._numpy_bytes = sys.maxsize if count else numpy_bytes

    def feed(self, piece: bytes | memoryview) -> None:
        if not piece:
            return
        ends, quotes = self._count(piece, self._quotes & 1, self._last)
        self._ends += ends
        self._quotes += quotes
        self._last = piece[-1]
        self._bytes += len(piece)
        if self._bytes > self._numpy_bytes:
            self._count = numpy_count() or split_count
            self._numpy_bytes = sys.maxsize

    @property
    def records(self) -> int:
        """The records so far; one that has begun is one."""
        return self._ends + (self._last != 10 or self.is_open)

    @property
    def ended(self) -> int:
        """The records that have a line end, so far."""
        return self._ends

    @property
    def last(self) -> bytes:
        """The last byte so far."""
        return bytes((self._last,)) if self._bytes else b""

    @property
    def is_open(self) -> bool:
        """Whether a quote has been opened and not closed."""
        return self._quotes % 2 == 1


def split_count(piece: bytes | memoryview, odd: int, last: int) -> tuple[int, int]:
    """See :data:`Count`; with nothing but ``bytes``."""
    *lines, rest = bytes(piece).split(b"\n")
    counts = list(map(bytes.count, lines, repeat(b'"')))
    inside = sum(map((1).__and__, accumulate(counts, initial=odd))) - odd
    blank = lines.count(b"")
    if blank:
        blank = _blank_lines(lines, odd, last)
    return len(lines) - inside - blank, sum(counts) + rest.count(b'"')


def _blank_lines(lines: list[bytes], odd: int, last: int) -> int:
    blank = 0
    for line in lines:
        if not line:
            blank += not odd and last == 10
        odd ^= line.count(b'"') & 1
        last = 10
    return blank


def numpy_count() -> Count | None:
    """The same with numpy, for one counter at a time; None: it is not there, or older than 2.0."""
    numpy = numpy_that_counts_bits()
    if numpy is None:
        return None
    bits = MarkBits(numpy)

    def count(piece: bytes | memoryview, odd: int, last: int) -> tuple[int, int]:
        text = numpy.frombuffer(piece, numpy.uint8)
        quotes = bits.of(text, QUOTE)
        number = bits.count(quotes)
        feeds = bits.of(text, FEED)
        ends = feeds & ~bits.inside(quotes, odd == 1)
        # A line end that follows another one ends a blank line.
        blank = bits.count(ends & bits.behind(feeds)) + (last == FEED and bool(ends[0] & 1))
        return bits.count(ends) - blank, number

    return count

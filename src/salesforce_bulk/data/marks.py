"""What a block of CSV text shows: quotes and line breaks, outside of quotes and inside, and where rows end.

Quotes and line breaks are a few hundredths of the text: ``bytes.translate`` takes them out of it in one go, and the counting
is done on what is left. numpy looks for them where they stand; it is three times as fast, and does not keep the interpreter
from other threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from .extras import numpy_or_none
from .record_ends import Sides, last_end

_NOT_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'"\r\n')
_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_RETURN: Final = 13
_FEED: Final = 10


class Seen(NamedTuple):
    """What was seen in a block.

    Attributes:
        feeds, returns: Line feeds and carriage returns, outside of quotes and inside.
        lone: There is a carriage return that no line feed follows.
        blank: There is an empty line outside of quotes, after the first line.
        ends: Some places behind line feeds outside of quotes, the last one among them; how many there are up to each.
    """

    quotes: int
    feeds: tuple[int, int]
    returns: tuple[int, int]
    lone: bool
    blank: bool
    ends: Sequence[tuple[int, int]]


#: (a block, whether a quote is open before it) -> what it shows. It does not end in the middle of CRLF.
See = Callable[[bytes, bool], Seen]


def see(data: bytes, inside: bool) -> Seen:
    """With nothing but ``bytes``."""
    marks = data.translate(None, _NOT_MARKS)
    quotes = marks.count(b'"')
    has_returns = b"\r" in marks
    if quotes or inside:
        # Of marks alone, two quotes side by side cancel: what is left of a value is its line breaks between two
        # quotes, or nothing.
        runs = (b'"' + marks if inside else marks).replace(b'""', b"").split(b'"')
        outside = runs[0] if len(runs) == 1 else b"".join(runs[::2])
    else:
        outside = marks
    feeds, returns = outside.count(b"\n"), outside.count(b"\r")
    return Seen(
        quotes,
        (feeds, marks.count(b"\n") - feeds),
        (returns, marks.count(b"\r") - returns),
        has_returns and _LONE_RETURN.search(data) is not None,
        _has_blank_line(data, inside, has_returns),
        [(last_end(data, 0, len(data), inside=(quotes + inside) % 2 == 1), feeds)] if feeds else (),
    )


def _has_blank_line(data: bytes, inside: bool, has_returns: bool) -> bool:
    # Twice as fast as a search for two line feeds side by side.
    lines = data.split(b"\n")
    if b"" not in lines[1:-1] and not (has_returns and b"\r" in lines[1:]):
        return False
    sides = Sides()
    sides.inside = inside
    runs = sides.split(data)
    return _BLANK_LINE.search(b'"'.join(runs[sides.first :: 2])) is not None


def places(numpy: Any, mask: Any) -> Any:
    """Where a *mask* of booleans is true, which is at few places: by words of eight, 0.09 s a gigabyte less than
    ``flatnonzero`` alone."""
    count = len(mask) // 8
    words = mask[: count * 8].view(numpy.uint64)
    at = numpy.flatnonzero(words != numpy.uint64(0))
    found = numpy.flatnonzero(words.take(at).view(numpy.bool_))
    found = at.take(found >> 3) * 8 + (found & 7)
    if len(mask) > count * 8:
        found = numpy.concatenate((found, numpy.flatnonzero(mask[count * 8 :]) + count * 8))
    return found


def numpy_see(ends_apart: int) -> See | None:
    """The same with numpy, for one reader at a time; there are *ends*, where there can be, about *ends_apart* bytes apart.
    None: it is not there."""
    numpy = numpy_or_none()
    if numpy is None:
        return None
    # Made once: arrays of this size that come and go cost more than what is done with them, in page faults.
    room = numpy.empty((2, 0), numpy.bool_)

    def look(data: bytes, inside: bool) -> Seen:
        nonlocal room
        text = numpy.frombuffer(data, numpy.uint8)
        size = len(text)
        if size > room.shape[1]:
            room = numpy.empty((2, size), numpy.bool_)
        is_quote = numpy.equal(text, 34, out=room[0, :size])
        quotes = int(numpy.count_nonzero(is_quote))
        at = places(numpy, numpy.equal(text, _FEED, out=room[1, :size]))
        before = text[at - 1]  # of a line feed at the very beginning, the last byte: see below
        after_return = before == _RETURN
        if b"\r" in data:
            returns = int(numpy.count_nonzero(numpy.equal(text, _RETURN, out=room[1, :size])))
            crlf = int(numpy.count_nonzero(after_return)) - (size > 1 and data[0] == _FEED and data[-1] == _RETURN)
            if crlf != returns:
                return see(data, inside)
        if not len(at):
            return Seen(quotes, (0, 0), (0, 0), False, False, ())
        # Quotes between one line feed and the next; only whether they are odd counts, so a byte that overflows is right.
        between = numpy.add.reduceat(is_quote.view(numpy.uint8), at, dtype=numpy.uint8)
        first = inside + int(numpy.count_nonzero(is_quote[: at[0]]))
        is_outside = (numpy.add.accumulate(between, dtype=numpy.uint8) - between + numpy.uint8(first & 1)) & 1 == 0
        ends = at[is_outside] + 1
        feeds = len(ends)
        returns = int(numpy.count_nonzero(after_return))
        returns_outside = int(numpy.count_nonzero(after_return & is_outside))
        # A line is empty when its line feed follows the one before it, or the return of it does.
        gaps = numpy.diff(at) - after_return[1:]
        chosen = numpy.searchsorted(ends, numpy.arange(ends_apart, size + ends_apart, ends_apart), side="right")
        return Seen(
            quotes,
            (feeds, len(at) - feeds),
            (returns_outside, returns - returns_outside),
            False,
            bool(numpy.any((gaps == 1) & is_outside[1:])),
            [(int(ends[number - 1]), number) for number in numpy.unique(chosen).tolist() if number],
        )

    return look

"""What a block of CSV text shows: quotes and line breaks, outside of quotes and inside, and where rows end.

Quotes and line breaks are a few hundredths of the text: ``bytes.translate`` takes them out of it in one go, and the counting
is done on what is left. numpy makes bits of them, sixty-four a word, and counts those; it is three times as fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from .mark_bits import FEED, QUOTE, RETURN, MarkBits, numpy_that_counts_bits
from .record_ends import Sides, last_end

_NOT_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'"\r\n')
_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


class Seen(NamedTuple):
    """What was seen in a block.

    Attributes:
        inside: A quote is open where it ends.
        feeds, returns: Line feeds and carriage returns, outside of quotes and inside.
        lone: There is a carriage return that no line feed follows.
        blank: There is an empty line outside of quotes, after the first line.
        ends: Some places behind line feeds outside of quotes, the last one among them; how many there are up to each.
    """

    inside: bool
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
        (quotes + inside) % 2 == 1,
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


def numpy_see(ends_apart: int) -> See | None:
    """The same with numpy, for one reader at a time; there are *ends*, where there can be, about *ends_apart* bytes apart.
    None: it is not there, or older than 2.0."""
    numpy = numpy_that_counts_bits()
    if numpy is None:
        return None
    bits = MarkBits(numpy)
    apart = max(1, ends_apart // 64)

    def ends_of(feeds: Any) -> list[tuple[int, int]]:
        stretches = numpy.arange(0, len(feeds), apart)
        counts = numpy.add.reduceat(numpy.bitwise_count(feeds), stretches, dtype=int).tolist()
        ends, rows = [], 0
        for start, number in zip(stretches.tolist(), counts, strict=True):
            if number:
                word = min(start + apart, len(feeds)) - 1
                while not (last := int(feeds[word])):
                    word -= 1
                rows += number
                ends.append((64 * word + last.bit_length(), rows))
        return ends

    def look(data: bytes, inside: bool) -> Seen:
        if not data:
            return see(data, inside)
        text = numpy.frombuffer(data, numpy.uint8)
        is_inside = bits.inside(bits.of(text, QUOTE), inside)
        feeds = bits.of(text, FEED)
        feeds_outside = feeds & ~is_inside
        ends = ends_of(feeds_outside)
        # An empty line ends behind the end of another.
        behind = bits.behind(feeds)
        blank = feeds_outside & behind
        lone, returns, returns_inside = False, 0, 0
        if b"\r" in data:
            is_return = bits.of(text, RETURN)
            lone = data.endswith(b"\r") or bool(numpy.any(bits.behind(is_return) & ~feeds))
            returns, returns_inside = bits.count(is_return), bits.count(is_return & is_inside)
            blank |= feeds_outside & bits.behind(is_return & behind)
        rows = ends[-1][1] if ends else 0
        return Seen(
            bits.has_last(is_inside),
            (rows, bits.count(feeds) - rows),
            (returns - returns_inside, returns_inside),
            lone,
            bool(numpy.any(blank)),
            ends,
        )

    return look

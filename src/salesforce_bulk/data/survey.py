"""One walk through CSV text: is it UTF-8, how do its lines end, how many rows does it hold, and where can it be cut.

Everything that a load must know of a file before any of it is sent is found here, so that its parts are cut afterwards
without looking at them again. Quotes and line breaks are a few hundredths of the text: ``bytes.translate`` takes them out of
it in one go, and the counting is done on what is left.
"""

from __future__ import annotations

import re
from array import array
from codecs import utf_8_decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .record_ends import Sides, last_end

#: Smaller blocks are decoded faster, for what is made of them stays in the nearest cache, but there are more of them: of a
#: 234 MB file, 32 KB take 0.66 s, 64 KB 0.55, 128 KB 0.59.
BLOCK_BYTES: Final = 64 * 1024
_NOT_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'"\r\n')
_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file of plain CSV can be cut: some of its record ends, and how many rows lie before each of them.

    They are counted in bytes of the file. The first one is where the rows begin; the last one, where they end.
    """

    ends: array[int]
    rows: array[int]


class Survey:
    """What was seen in the text.

    Attributes:
        feeds, returns: Line feeds and carriage returns, outside of quotes and inside.
        lone: A carriage return without line feed was seen: then the numbers do not tell the kinds of line breaks.
        quotes: The number of quotes.
        places: Where it can be cut; None: there are blank lines or lone carriage returns, so line feeds alone do not tell rows.
    """

    def __init__(self, start: int, header: int, *, block_bytes: int = BLOCK_BYTES) -> None:
        """*start*: where the text begins in the file. *header*: so many bytes of it come before the rows."""
        self._block_bytes = block_bytes
        self.feeds = [0, 0]
        self.returns = [0, 0]
        self.lone = False
        self.quotes = 0
        self.places: Places | None = None
        self._header = header
        self._at = start
        self._rows = 0
        self._last = b""

    def read(self, pieces: Iterable[bytes]) -> None:
        """Look at all of the text, cut anywhere; pieces of ``BLOCK_BYTES`` are looked at as they are.

        Raises:
            UnicodeDecodeError: It is not UTF-8.
        """
        held = b""
        left, size = self._header, self._block_bytes
        for piece in pieces:
            data = held + piece if held else piece
            if left:
                if len(data) < left:
                    held = data
                    continue
                self._block(data[:left])
                data, left = data[left:], 0
                self._begin_rows()
            at = 0
            while len(data) - at >= size:
                # Half a character that was held back makes a piece of this size a little longer: it stays one block.
                seen = self._some(data[at : at + size] if len(data) - at >= 2 * size else data[at:] if at else data)
                if not seen:
                    break
                at += seen
            held = data[at:]
        if left:
            self._block(held)
            held = b""
            self._begin_rows()
        while held:
            held = held[self._some(held, is_last=True) :]
        self._end_rows()

    def _some(self, data: bytes, *, is_last: bool = False) -> int:
        """Look at *data*, but for half a character or half of CRLF at its end; how many bytes were looked at."""
        _, size = utf_8_decode(data, "strict", is_last)
        if data[size - 1] == 13 and not is_last:
            size -= 1
        self._block(data if size == len(data) else data[:size])
        return size

    def _begin_rows(self) -> None:
        self._rows = 0
        self.places = None if self.lone else Places(array("q", [self._at]), array("q", [0]))

    def _end_rows(self) -> None:
        places = self.places
        if places is not None and places.ends[-1] < self._at:
            # The last row has no end.
            places.ends.append(self._at)
            places.rows.append(places.rows[-1] + 1)

    def _block(self, data: bytes) -> None:
        if not data:
            return
        inside = self.quotes & 1
        marks = data.translate(None, _NOT_MARKS)
        quotes = marks.count(b'"')
        self.quotes += quotes
        has_returns = b"\r" in marks
        if has_returns and not self.lone:
            self.lone = _LONE_RETURN.search(data) is not None
            if self.lone:
                self.places = None
        if quotes or inside:
            # Of marks alone, two quotes side by side cancel: what is left of a value is its line breaks between two
            # quotes, or nothing.
            runs = (b'"' + marks if inside else marks).replace(b'""', b"").split(b'"')
            outside = runs[0] if len(runs) == 1 else b"".join(runs[::2])
        else:
            outside = marks
        feeds, returns = outside.count(b"\n"), outside.count(b"\r")
        self._rows += feeds
        self.feeds[0] += feeds
        self.feeds[1] += marks.count(b"\n") - feeds
        self.returns[0] += returns
        self.returns[1] += marks.count(b"\r") - returns
        if self.places is not None:
            if self._has_blank_line(data, inside, has_returns):
                self.places = None
            elif feeds:
                end = last_end(data, 0, len(data), inside=self.quotes & 1 == 1)
                self.places.ends.append(self._at + end)
                self.places.rows.append(self._rows)
        self._at += len(data)
        self._last = data[-2:]

    def _has_blank_line(self, data: bytes, inside: int, has_returns: bool) -> bool:
        if not inside and data[0] in b"\r\n" and self._last.endswith((b"\n", b"\n\r")):
            return True
        # Twice as fast as a search for two line feeds side by side.
        lines = data.split(b"\n")
        if b"" not in lines[1:-1] and not (has_returns and b"\r" in lines):
            return False
        sides = Sides()
        sides.inside = bool(inside)
        runs = sides.split(data)
        return _BLANK_LINE.search(b'"'.join(runs[sides.first :: 2])) is not None

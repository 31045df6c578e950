"""One walk through CSV text: is it UTF-8, how do its lines end, how many rows does it hold, and where can it be cut.

Everything that a load must know of a file before any of it is sent is found here, so that its parts are cut afterwards
without looking at them again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from ..frozen import frozen
from .marks import See, numpy_see, see
from .memory import keep_freed
from .utf8 import Check, check, numpy_check, whole

#: Smaller blocks are decoded faster, for what is made of them stays in the nearest cache, but there are more of them: of a
#: 234 MB file, 32 KB take 0.66 s, 64 KB 0.55, 128 KB 0.59. Places are about as far apart.
BLOCK_BYTES: Final = 64 * 1024
#: numpy has a fixed price a block: 256 KB take 0.26 s, 512 KB 0.20, 1 MB 0.19, 2 MB the same and more memory. Two threads win
#: nothing, though numpy gives up the interpreter's lock: they wait for each other as long as they work.
_NUMPY_BLOCK_BYTES: Final = 1024 * 1024


@frozen
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
        inside: A quote is open where the text ends.
        block_bytes: Pieces of this size are looked at as they are.
        places: Where it can be cut; None: there are blank lines or lone carriage returns, so line feeds alone do not tell rows.
    """

    def __init__(self, start: int, header: int, *, block_bytes: int = BLOCK_BYTES, is_large: bool = False) -> None:
        """*start*: where the text begins in the file. *header*: so many bytes of it come before the rows. *is_large*: it is
        worth while to import numpy, which takes 0.1 s."""
        self.block_bytes = block_bytes
        self._see: See = see
        self._check: Check = check
        if is_large and (by_numpy := numpy_see(BLOCK_BYTES)) is not None:
            keep_freed(2 * _NUMPY_BLOCK_BYTES)
            self._see, self._check = by_numpy, numpy_check() or check
            self.block_bytes = max(block_bytes, _NUMPY_BLOCK_BYTES)
        self.feeds = [0, 0]
        self.returns = [0, 0]
        self.lone = False
        self.inside = False
        self.places: Places | None = None
        self._start = start
        self._header = header
        self._at = start
        self._rows = 0
        self._last = b""

    def read(self, pieces: Iterable[bytes]) -> None:
        """Look at all of the text, cut anywhere; pieces of the size of a block are looked at as they are.

        Raises:
            UnicodeDecodeError: It is not UTF-8.
        """
        begun = False
        for data in self._blocks(pieces):
            if not begun and self._at >= self._start + self._header:
                self._begin_rows()
                begun = True
            self._block(data)
        if not begun:
            self._begin_rows()
        self._end_rows()

    def _blocks(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The text, the header by itself, then pieces that do not end in the middle of a character or of CRLF."""
        held = b""
        left, size = self._header, self.block_bytes
        least = max(1, size // 2)
        for piece in pieces:
            data = held + piece if held else piece
            if left:
                if len(data) < left:
                    held = data
                    continue
                yield data[:left]
                data, left = data[left:], 0
            at = 0
            while len(data) - at >= least:
                # A piece of about this size stays one block: it is not copied.
                block = data[at : at + size] if len(data) - at >= size + least else data[at:] if at else data
                size_whole = whole(block)
                if not size_whole:
                    break
                yield block if size_whole == len(block) else block[:size_whole]
                at += size_whole
            held = data[at:]
        if left or held:
            yield held

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
        self._check(data)
        seen = self._see(data, self.inside)
        self.lone = self.lone or seen.lone
        for side in (0, 1):
            self.feeds[side] += seen.feeds[side]
            self.returns[side] += seen.returns[side]
        follows_end = not self.inside and data[0] in b"\r\n" and self._last.endswith((b"\n", b"\n\r"))
        if self.lone or seen.blank or follows_end:
            self.places = None
        if self.places is not None:
            for end, rows in seen.ends:
                self.places.ends.append(self._at + end)
                self.places.rows.append(self._rows + rows)
        self._rows += seen.feeds[0]
        self._at += len(data)
        self._last = data[-2:]
        self.inside = seen.inside

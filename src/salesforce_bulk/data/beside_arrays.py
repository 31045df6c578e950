"""The rows of an input with their outcomes beside them, by numpy and pyarrow: a third of the time that :mod:`.beside` takes.

Records and what is written behind them are arrays over their own text, joined element by element, so no record becomes an
object. Of each stretch of text is proved that all its records have as many cells as there are columns; one that is blank,
or longer or shorter, makes the stretch a matter for :mod:`.beside`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any, Final

from .arrow_values import binary_array, binary_scalar, text_of_all
from .extras import pyarrow

_WHAT: Final = "Writing outcomes this way"
#: Text that is worked on at a time.
STRETCH_BYTES: Final = 1024 * 1024
_COMMA, _QUOTE, _FEED = b',"\n'
_THE_END: Final[tuple[None, ...]] = (None,)

Lines = bytes | memoryview
#: (Records without line ends, what is written behind each) -> the lines, each behind a line end.
Slowly = Callable[[Sequence[bytes], Sequence[bytes]], bytes]


class Cells:
    """What is written behind each row, from a comma on and without line end, in the order of the rows.

    Args:
        outcomes: Blocks of lines: see :mod:`..outcome_lines`.
        slowly: Makes it of a block in which not every row was created.
    """

    def __init__(self, numpy: Any, outcomes: Iterable[bytes], slowly: Callable[[bytes], Sequence[bytes]]) -> None:
        self._numpy = numpy
        self._outcomes = iter(outcomes)
        self._slowly = slowly
        self._held: deque[Any] = deque()

    def take(self, count: int) -> Any:
        """An array of the next ones: *count* of them, fewer at the end."""
        taken: list[Any] = []
        while count and (self._held or self._read()):
            array = self._held.popleft()
            if len(array) > count:
                self._held.appendleft(array.slice(count))
                array = array.slice(0, count)
            taken.append(array)
            count -= len(array)
        if not taken:
            return binary_array([])
        return taken[0] if len(taken) == 1 else pyarrow(_WHAT).concat_arrays(taken)

    def _read(self) -> bool:
        block = next(self._outcomes, None)
        if block is None:
            return False
        created = self._created(block)
        self._held.append(binary_array(self._slowly(block)) if created is None else created)
        return True

    def _created(self, block: bytes) -> Any:
        """Those of a block of rows that were all created, as nearly always; else None."""
        numpy = self._numpy
        if block.count(b"\nc") != block.count(b"\n") - 1 or not block.startswith(b"c"):
            return None
        ends = numpy.flatnonzero(numpy.frombuffer(block, numpy.uint8) == _FEED) + 1
        # Of "c", an id and a line end are made a comma, the id and this.
        behind = b",true,"
        text = (b"\n" + block).replace(b"\nc", b"\n,")[1:].replace(b"\n", behind)
        starts = numpy.concatenate(((0,), ends)) + numpy.arange(len(ends) + 1) * (len(behind) - 1)
        return _array(numpy, starts, text)


def lines_beside(
    numpy: Any, blocks: Iterable[bytes], width: int, cells: Cells, slowly: Slowly, stretch_bytes: int = STRETCH_BYTES
) -> Iterator[tuple[Lines, int]]:
    """All records, each behind a line end and before its cells, in pieces; and how many records each piece has.

    Args:
        blocks: CSV with commas and LF behind each record, cut anywhere.
        width: How many cells a record has.
        cells: What is written behind them.
        slowly: Takes the records of a stretch that is not as it should be; of cells, there may be too few.
    """
    pc = pyarrow(_WHAT, "pyarrow.compute")
    held, size, wanted = [b"\n"], 1, stretch_bytes
    for block in chain(blocks, _THE_END):
        if block is not None:
            held.append(block)
            size += len(block)
            if size < wanted:
                continue
        text = b"".join(held)
        ends, is_even = _record_ends(numpy, text, width)
        if block is None and ends[-1] < len(text) - 1:  # the last record has no end
            ends, is_even = numpy.append(ends, len(text)), False
        count = len(ends) - 1
        if count and is_even and len(found := cells.take(count)) == count:
            yield text_of_all(pc.binary_join_element_wise(_array(numpy, ends, text), found, binary_scalar(b""))), count
        elif count:
            records = [text[start + 1 : end] for start, end in pairwise(ends.tolist()) if end > start + 1]
            rest = found if is_even else cells.take(len(records))
            yield slowly(records, rest.to_pylist()), len(records)
        held = [text[ends[-1] :]]
        size = len(held[0])
        # At least doubled where there is no whole record: no byte is looked at more than a few times.
        wanted = max(stretch_bytes, 2 * size)


def _record_ends(numpy: Any, text: bytes, width: int) -> tuple[Any, bool]:
    """The line ends that are record ends; the first byte is one. And whether all records up to the last have *width* cells."""
    codes = numpy.frombuffer(text, numpy.uint8)
    is_mark = (codes == _COMMA) | (codes == _QUOTE) | (codes == _FEED)
    places = numpy.flatnonzero(is_mark)
    marks = codes[places]
    # Whether a quote is open; only whether they are odd counts, so a byte that overflows is right.
    inside = numpy.add.accumulate(marks == _QUOTE, dtype=numpy.uint8) & 1
    is_border = (marks != _QUOTE) & (inside == 0)
    borders = marks[is_border]
    is_end = borders == _FEED
    ends = places[is_border][is_end]
    count = len(ends) - 1
    # Borders are a line end, and then for each record its commas and its line end.
    if len(borders) <= count * width or borders[count * width] != _FEED:
        return ends, False
    by_record = is_end[1 : count * width + 1].reshape(count, width)
    is_even = bool(by_record[:, -1].all()) and not by_record[:, :-1].any()
    if width == 1:
        is_even = is_even and not (numpy.diff(ends) == 1).any()
    return ends, is_even


def _array(numpy: Any, starts: Any, text: bytes) -> Any:
    """The stretches of *text* from one of the *starts* to the next, as an array."""
    pa = pyarrow(_WHAT)
    offsets = pa.py_buffer(starts.astype(numpy.int32))
    return pa.Array.from_buffers(pa.binary(), len(starts) - 1, [None, offsets, pa.py_buffer(text)])

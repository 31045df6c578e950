"""Result pages -> dict rows, typed or text. With pyarrow when it is there, without it when not; the rows are the same."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from ..errors import MalformedResult
from .ahead import one_ahead
from .arrow_csv import block_reader, careful_columns, shifted
from .arrow_types import typed_array
from .blocks import PageBlocks, Pages, close
from .converters import DoesNotFit, lenient_values
from .decode import raise_csv_limit
from .extras import has_pyarrow
from .schema import Column, Columns, ColumnType, columns_of, text_columns

#: Without pyarrow. Rows are a hundred times as many objects as columns: what is made of a block stays in the cache up to
#: here (measured: 256 KB cost 10% more).
ROW_BLOCK_BYTES: Final = 64 * 1024
#: With pyarrow a block is parsed in another thread while rows are made of the one before. That thread gets the interpreter's
#: lock from one that never waits only every 5 ms, so it must need it rarely: large blocks, one call for each ...
PARSED_BYTES: Final = 4 * 1024 * 1024
#: ... of which so many rows become objects at a time, for the cache's sake.
MADE_ROWS: Final = 800

Cells = Sequence[Any]
_Maker = Callable[[Iterable[Any]], Generator[dict[str, Any], None, int]]


class TypedDictRows:
    """An iterator of dicts over all pages of a result; empty cells are None.

    Rows are handed out as they are read, so a value that does not fit its column cannot change the type of those before
    it. Such a value comes as its text (a number that no float holds, as a ``Decimal``), and its column is listed in
    ``fallbacks`` with the number of such values so far. Nothing is lost and nothing is bent.

    Args:
        pages: Each an iterable of byte pieces that begins with the header row.
        columns: Their types, or a function of the header that gives them; default: all text.
        use_pyarrow: None takes it when it is installed; the rows are the same, at about half the cost.

    Raises:
        MalformedResult: See :class:`.blocks.PageBlocks` and :class:`.decode.CsvRecords`.
    """

    def __init__(self, pages: Pages, columns: Columns = text_columns, *, use_pyarrow: bool | None = None) -> None:
        self._pages = pages
        self._columns = columns
        self._use_pyarrow = has_pyarrow() if use_pyarrow is None else use_pyarrow
        self._misfits: Counter[str] = Counter()
        self._rows: Iterator[dict[str, Any]] | None = None

    @property
    def fallbacks(self) -> dict[str, int]:
        """The columns that had values of another type than their own, and how many."""
        return dict(self._misfits)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._rows is None:
            self._rows = self._dicts()
        return self._rows

    def __next__(self) -> dict[str, Any]:
        return next(self._rows if self._rows is not None else iter(self))

    def close(self) -> None:
        """Give up what has not been read."""
        if self._rows is None:
            self._rows = iter(())
        close(self._rows)

    def _dicts(self) -> Iterator[dict[str, Any]]:
        blocks = PageBlocks(self._pages, PARSED_BYTES if self._use_pyarrow else ROW_BLOCK_BYTES)
        try:
            columns = checked(columns_of(self._columns, blocks.header), blocks.header)
            if columns:
                yield from self._by_arrow(columns, blocks) if self._use_pyarrow else self._by_csv(columns, blocks)
        finally:
            blocks.close()

    def _by_arrow(self, columns: tuple[Column, ...], blocks: PageBlocks) -> Iterator[dict[str, Any]]:
        make = _maker(tuple(column.name for column in columns), None)
        read = block_reader(len(columns), "Reading rows this way")

        found = one_ahead(blocks, read)
        row = 0
        try:
            for texts in found:
                arrays = [_early(cells, column.type) for column, cells in zip(columns, texts, strict=True)]
                for start in range(0, len(texts[0]), MADE_ROWS):
                    values = [
                        array.slice(start, MADE_ROWS).to_pylist()
                        if is_typed
                        else self._typed(column, array.slice(start, MADE_ROWS).to_pylist())
                        for column, (array, is_typed) in zip(columns, arrays, strict=True)
                    ]
                    row += yield from make(zip(*values, strict=True))
        except MalformedResult as error:
            raise shifted(error, row) from None
        finally:
            close(found)

    def _by_csv(self, columns: tuple[Column, ...], blocks: PageBlocks) -> Iterator[dict[str, Any]]:
        typed = [(at, column) for at, column in enumerate(columns) if column.type is not ColumnType.TEXT]
        make = _maker(tuple(column.name for column in columns), tuple(at for at, _ in typed))
        raise_csv_limit()
        row = 0
        for block in blocks:
            try:
                lines = io.StringIO(str(block, "utf-8"), newline="")
                rows: Iterable[list[str]] = filter(None, csv.reader(lines, strict=True))
                if typed:
                    rows = list(rows)
                values = [self._typed(column, [cells[at] for cells in rows]) for at, column in typed]
                row += yield from make(zip(rows, *values, strict=True))
            except (ValueError, IndexError, csv.Error) as error:
                try:
                    careful_columns(bytes(block), len(columns))
                except MalformedResult as ours:
                    raise shifted(ours, row) from None
                raise error

    def _typed(self, column: Column, cells: Cells) -> Cells:
        values, misfits = lenient_values(cells, column.type)
        if misfits:
            self._misfits[column.name] += misfits
        return values

    def __repr__(self) -> str:
        return f"<TypedDictRows {'with' if self._use_pyarrow else 'without'} pyarrow>"


#: What Arrow turns into Python objects as fast as it does text. A datetime costs it 5 us, from its text 0.1 (bench/README.md).
_EARLY: Final = (ColumnType.BOOLEAN, ColumnType.INTEGER, ColumnType.DOUBLE)


def _early(texts: Any, type_: ColumnType) -> tuple[Any, bool]:
    """The array with its type, and whether it has it already."""
    if type_ in _EARLY:
        try:
            return typed_array(texts, type_), True
        except DoesNotFit:
            pass
    return texts, type_ is ColumnType.TEXT


def checked(columns: Sequence[Column], header: Sequence[str]) -> tuple[Column, ...]:
    """*columns*, which must be those of this *header*."""
    if tuple(column.name for column in columns) != tuple(header):
        raise MalformedResult("The result has other columns than were expected. It was not read. Run the query again.")
    return tuple(columns)


@lru_cache(maxsize=64)
def _maker(names: tuple[str, ...], typed: tuple[int, ...] | None) -> _Maker:
    """A generator function made for these columns, that returns how many rows it made; why, see ``decode._dict_maker``.

    Without *typed*, for rows of finished values: ``for v0, v1, in rows: yield {'Id': v0, 'Born': v1}``. With it, for rows
    of text beside which the values of the *typed* columns come: ``for (v0, v1,), t1, in rows: yield {'Id': v0 or None,
    'Born': t1}``. Names enter the source only through ``repr``, so they are literals whatever they contain.
    """
    cells = "".join(f"v{at}, " for at in range(len(names)))
    if typed is None:
        target = cells
        values = [f"v{at}" for at in range(len(names))]
    else:
        target = f"({cells}), " + "".join(f"t{at}, " for at in typed)
        values = [f"t{at}" if at in typed else f"v{at} or None" for at in range(len(names))]
    pairs = ", ".join(f"{name!r}: {value}" for name, value in zip(names, values, strict=True))
    source = f"def dicts(rows):\n n = 0\n for {target}in rows:\n  yield {{{pairs}}}\n  n += 1\n return n\n"
    made: dict[str, Any] = {}
    exec(source, made)  # noqa: S102 -- see above: literals only
    maker: _Maker = made["dicts"]
    return maker

"""Result pages -> dict rows, typed or text. With pyarrow when it is there, without it when not; the rows are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from ..errors import MalformedResult
from .arrow_csv import block_reader
from .blocks import PageBlocks, Pages, other_header
from .converters import lenient_values
from .decode import CsvRecords
from .extras import has_pyarrow
from .schema import Column, Columns, ColumnType, columns_of, text_columns

#: Rows that are taken apart together: what is made of them stays in the cache (bench/README.md).
BLOCK_ROWS: Final = 1_000

Cells = Sequence[Any]
_Maker = Callable[[Iterable[Any]], Iterator[dict[str, Any]]]


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
            self._rows = self._by_arrow() if self._use_pyarrow else self._by_csv()
        return self._rows

    def __next__(self) -> dict[str, Any]:
        return next(self._rows if self._rows is not None else iter(self))

    def close(self) -> None:
        """Give up what has not been read."""
        if self._rows is None:
            self._rows = iter(())
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()

    def _by_arrow(self) -> Iterator[dict[str, Any]]:
        blocks = PageBlocks(self._pages)
        try:
            columns = checked(columns_of(self._columns, blocks.header), blocks.header)
            if not columns:
                return
            read = block_reader(len(columns), "Reading rows this way")
            make = _maker(tuple(column.name for column in columns), frozenset(), from_columns=True)
            row = 0
            for block in blocks:
                texts = read(block, row)
                row += len(texts[0])
                values = [self._typed(column, cells.to_pylist()) for column, cells in zip(columns, texts, strict=True)]
                yield from make(zip(*values, strict=True))
        finally:
            blocks.close()

    def _by_csv(self) -> Iterator[dict[str, Any]]:
        header: tuple[str, ...] = ()
        columns: tuple[Column, ...] = ()
        make: _Maker | None = None
        typed: list[tuple[int, Column]] = []
        for number, page in enumerate(self._pages):
            records = CsvRecords(page)
            found = tuple(records.columns)
            if not found:
                continue
            if make is None:
                header = found
                columns = checked(columns_of(self._columns, header), header)
                typed = [(at, column) for at, column in enumerate(columns) if column.type is not ColumnType.TEXT]
                names = tuple(column.name for column in columns)
                make = _maker(names, frozenset(at for at, _ in typed), from_columns=False)
            elif found != header:
                raise other_header(number)
            while rows := list(islice(records, BLOCK_ROWS)):
                values = [self._typed(column, [row[at] for row in rows]) for at, column in typed]
                yield from make(zip(rows, *values, strict=True))

    def _typed(self, column: Column, cells: Cells) -> Cells:
        if column.type is ColumnType.TEXT:
            return cells
        values, misfits = lenient_values(cells, column.type)
        if misfits:
            self._misfits[column.name] += misfits
        return values

    def __repr__(self) -> str:
        return f"<TypedDictRows {'with' if self._use_pyarrow else 'without'} pyarrow>"


def typed_dict_rows(pages: Pages, columns: Columns = text_columns, *, use_pyarrow: bool | None = None) -> TypedDictRows:
    """The rows of all pages as dicts. See :class:`TypedDictRows`."""
    return TypedDictRows(pages, columns, use_pyarrow=use_pyarrow)


def checked(columns: Sequence[Column], header: Sequence[str]) -> tuple[Column, ...]:
    """*columns*, which must be those of this *header*."""
    if tuple(column.name for column in columns) != tuple(header):
        raise MalformedResult("The result has other columns than were expected. It was not read. Run the query again.")
    return tuple(columns)


@lru_cache(maxsize=64)
def _maker(names: tuple[str, ...], typed: frozenset[int], *, from_columns: bool) -> _Maker:
    """A generator function made for these columns; why, see :func:`.decode._dict_maker`.

    From columns: ``({'Id': v0, 'Name': v1} for v0, v1, in rows)``. From rows, the values of typed columns come beside the
    row: ``({'Id': v0 or None, 'Born': t1} for (v0, v1,), t1, in rows)``. Names enter the source only through ``repr``.
    """
    cells = "".join(f"v{at}, " for at in range(len(names)))
    if from_columns:
        target = cells
        values = [f"v{at}" for at in range(len(names))]
    else:
        target = f"({cells}), " + "".join(f"t{at}, " for at in sorted(typed))
        values = [f"t{at}" if at in typed else f"v{at} or None" for at in range(len(names))]
    pairs = ", ".join(f"{name!r}: {value}" for name, value in zip(names, values, strict=True))
    made: _Maker = eval(f"lambda rows: ({{{pairs}}} for {target}in rows)")  # noqa: S307 -- literals only
    return made

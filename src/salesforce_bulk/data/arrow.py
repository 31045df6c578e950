"""Result pages -> Arrow record batches with one schema, converted in two threads, and whole tables.

A column keeps one type from its first row to its last. A value that does not fit makes the whole column text, exactly as
the org sent it. How far that reaches depends on what has been handed out:

* :func:`to_table` hands out nothing before the end. It reads the pages once more, with such columns as text.
* :class:`BatchStream` has to fix its schema with its first batch. A misfit in the first block (a megabyte) still
  turns its column into text; a later one is a ``BadValue`` that names the column, never a changed value. Whoever can open
  the pages again is helped by :func:`until_it_fits`: it repeats an attempt, say a file not yet renamed, with one more column
  as text each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

from ..errors import BadValue, MalformedResult
from ..frozen import frozen
from .ahead import in_order
from .arrow_csv import TextColumns, block_reader, pool_for_tables, shifted
from .arrow_types import arrow_schema, typed_array
from .blocks import BLOCK_BYTES, Block, OpenPages, PageBlocks, Pages, close
from .converters import CONVERTERS, DoesNotFit
from .extras import pyarrow
from .schema import Column, Columns, ColumnType, as_text, columns_of, text_columns
from .typed import checked

T = TypeVar("T")
_WHAT: Final = "An Arrow table"
THREADS: Final = 2
#: With all that is made of it kept, a block need not fit the cache: of a million rows, 1.5 MB took 1.90 s, 3 MB 1.68, 8 MB
#: 1.60 and 80 MB more memory.
TABLE_BLOCK_BYTES: Final = 3 * 1024 * 1024


@frozen
class _Block:
    """A converted block. A column with a misfit is still text; the number is the row of its first one in the block."""

    arrays: TextColumns
    misfits: dict[int, int]

    def batch(self, schema: Any) -> Any:
        return pyarrow(_WHAT).RecordBatch.from_arrays(self.arrays, schema=schema)


class _Blocks:
    """An iterator of converted blocks. The first one may still turn columns into text; ``columns`` are the result."""

    def __init__(self, pages: Pages, columns: Columns, threads: int, block_bytes: int, pool: Any = None) -> None:
        pyarrow(_WHAT)  # missing: said now, not when the first batch is asked for
        self._pool = pool
        self._pages = PageBlocks(pages, block_bytes)
        self._given = columns
        self._threads = threads
        self._columns: tuple[Column, ...] | None = None
        self._first: _Block | None = None
        self._row = 0
        self._rest: Iterator[_Block] = iter(())
        self.fallbacks: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        if self._columns is None:
            self._columns = self._begin()
        return self._columns

    def _begin(self) -> tuple[Column, ...]:
        header = self._pages.header
        columns = checked(columns_of(self._given, header), header)
        block = next(self._pages, None) if columns else None
        if block is None:
            return columns
        read = block_reader(len(columns), _WHAT, self._pool)
        self._first = first = _converted(read(block), columns)
        if first.misfits:
            self.fallbacks = tuple(columns[at].name for at in first.misfits)
            columns = tuple(
                replace(column, type=ColumnType.TEXT) if at in first.misfits else column
                for at, column in enumerate(columns)
            )
            self._first = replace(first, misfits={})

        def convert(block: Block) -> _Block:
            return _converted(read(block), columns)

        self._rest = in_order(self._pages, convert, threads=self._threads)
        return columns

    def __iter__(self) -> Iterator[_Block]:
        return self

    def __next__(self) -> _Block:
        if self._columns is None:
            self._columns = self._begin()
        block, self._first = self._first, None
        if block is None:
            try:
                block = next(self._rest)
            except MalformedResult as error:
                raise shifted(error, self._row) from None
        self._row += len(block.arrays[0])
        return block

    def close(self) -> None:
        self._first = None
        close(self._rest)
        close(self._pages)


class BatchStream:
    """An iterator of ``pyarrow.RecordBatch``, one for a megabyte of CSV, all with the same ``schema``.

    Memory is a few blocks, however large a page or the result is. ``fallbacks`` names the columns that became text.

    Args:
        pages: Each an iterable of byte pieces that begins with the header row; they are read in order, in one thread.
        columns: Their types, or a function of the header that gives them; default: all text.
        threads: Blocks converted at a time, beside a thread that reads the pages. 0: all in the caller's own thread.

    Raises:
        BadValue: A value does not fit, and its column was handed out with another type already.
        MalformedResult: See :class:`.blocks.PageBlocks`.
    """

    def __init__(
        self,
        pages: Pages,
        columns: Columns = text_columns,
        *,
        threads: int = THREADS,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self._blocks = _Blocks(pages, columns, threads, block_bytes)
        self._schema: Any = None
        self._row = 0

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as they are handed out. Reads the first block."""
        return self._blocks.columns

    @property
    def fallbacks(self) -> tuple[str, ...]:
        """The columns that became text. Reads the first block, after which there are no more."""
        return self._blocks.fallbacks if self._blocks.columns else ()

    @property
    def schema(self) -> Any:
        """The ``pyarrow.Schema`` of every batch. Reads the first block."""
        if self._schema is None:
            self._schema = arrow_schema(self.columns)
        return self._schema

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        schema = self.schema
        block = next(self._blocks)
        for at, row in block.misfits.items():
            self.close()
            raise _misfit(self.columns[at], self._row + row)
        self._row += len(block.arrays[0])
        return block.batch(schema)

    def close(self) -> None:
        """Give up what has not been read."""
        self._blocks.close()

    def reader(self) -> Any:
        """The rest of the stream as a ``pyarrow.RecordBatchReader``, which anything with Arrow inside takes."""
        return pyarrow(_WHAT).RecordBatchReader.from_batches(self.schema, self)

    def __repr__(self) -> str:
        return f"<BatchStream {self._row} rows read>"


def batches(
    pages: Pages, columns: Columns = text_columns, *, threads: int = THREADS, block_bytes: int = BLOCK_BYTES
) -> BatchStream:
    """The result as a stream of record batches. See :class:`BatchStream`."""
    return BatchStream(pages, columns, threads=threads, block_bytes=block_bytes)


def _misfit(column: Column, row: int) -> BadValue:
    return BadValue(
        f"Row {row}, column {column.name!r}: the value is no {column.type.value}, and earlier rows were handed out with "
        "that type. The rows from there on were not. Read the result again with this column as text.",
        row=row,
        column=column.name,
    )


def to_table(
    open_pages: OpenPages,
    columns: Columns = text_columns,
    *,
    threads: int = THREADS,
    block_bytes: int = TABLE_BLOCK_BYTES,
) -> tuple[Any, tuple[str, ...]]:
    """The whole result as a ``pyarrow.Table``, and the names of the columns that became text.

    The pages are opened a second time only when a value behind the first block does not fit.
    """
    blocks = _Blocks(open_pages(), columns, threads, block_bytes, pool_for_tables())
    try:
        schema = arrow_schema(blocks.columns)
        kept: list[Any] = []
        misfits: dict[int, None] = {}
        for block in blocks:
            misfits |= dict.fromkeys(block.misfits)
            if misfits:
                kept.clear()
            else:
                kept.append(block.batch(schema))
    finally:
        blocks.close()
    if not misfits:
        return pyarrow(_WHAT).Table.from_batches(kept, schema), blocks.fallbacks
    names = tuple(blocks.columns[at].name for at in misfits)
    table, more = to_table(open_pages, as_text(blocks.columns, names), threads=threads, block_bytes=block_bytes)
    return table, (*blocks.fallbacks, *names, *more)


def until_it_fits(columns: Columns, attempt: Callable[[Columns], T]) -> T:
    """What *attempt* returns, called again with one more column as text each time it ends in a misfit.

    Each attempt has to open the pages anew, and to throw away what the one before it made.
    """
    texts: list[str] = []
    while True:
        try:
            return attempt(lambda header: as_text(columns_of(columns, header), texts))
        except BadValue as error:
            if error.column is None or error.column in texts:
                raise
            texts.append(error.column)


def _converted(texts: TextColumns, columns: tuple[Column, ...]) -> _Block:
    misfits: dict[int, int] = {}
    arrays = list(texts)
    for at, column in enumerate(columns):
        if column.type is not ColumnType.TEXT:
            try:
                arrays[at] = typed_array(texts[at], column.type)
            except DoesNotFit:
                misfits[at] = _first_misfit(texts[at], column.type)
    return _Block(arrays, misfits)


def _first_misfit(texts: Any, type_: ColumnType) -> int:
    convert = CONVERTERS[type_]
    for row, text in enumerate(texts.to_pylist()):
        try:
            if text is not None:
                convert(text)
        except DoesNotFit:
            return row
    raise AssertionError("a column did not fit, and all its values do")

"""A block of CSV -> its columns as Arrow strings: pyarrow's CSV reader, used for nothing but taking cells apart.

Types are given to the columns afterwards (:mod:`.arrow`, :mod:`.converters`): pyarrow's own would trim numbers, take
``nan``, and round without a word.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import MalformedResult
from .blocks import Block
from .decode import CsvRecords
from .extras import pyarrow
from .row_count import RecordCounter

#: The columns of a block; null where a cell is empty.
TextColumns = list[Any]


def block_reader(width: int, what: str, pool: Any = None) -> Callable[[Block], TextColumns]:
    """A function of a block that gives its *width* columns. Usable in several threads.

    Rows in its ``MalformedResult`` count from the beginning of the block; see :func:`shifted`.
    *what* needs pyarrow, for the message when it is missing. *pool*: the ``pyarrow.MemoryPool`` they are made in.
    """
    pa = pyarrow(what)
    csv = pyarrow(what, "pyarrow.csv")
    names = [str(number) for number in range(width)]
    parse = csv.ParseOptions(newlines_in_values=True)
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        # Only what is empty is null, quoted or not; words stay words.
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        # Asked of the block as a whole: cell by cell it is a tenth of all that reading a table costs.
        check_utf8=False,
    )

    def check_utf8(block: Block) -> None:
        ends = pa.py_buffer(struct.pack("=ii", 0, len(block)))
        pa.Array.from_buffers(pa.binary(), 1, [None, ends, pa.py_buffer(block)]).cast(pa.string())

    def read(block: Block) -> TextColumns:
        # One block of theirs for one of ours: a record longer than theirs is an error, and ours end at record ends.
        size = csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names)
        try:
            check_utf8(block)
            table = csv.read_csv(
                pa.BufferReader(block),
                read_options=size,
                parse_options=parse,
                convert_options=convert,
                memory_pool=pool,
            )
        except pa.ArrowInvalid:
            return [pa.array(cells, pa.string()) for cells in careful_columns(bytes(block), width)]
        return [column.combine_chunks() if column.num_chunks != 1 else column.chunk(0) for column in table.columns]

    return read


def pool_for_tables() -> Any:
    """The ``pyarrow.MemoryPool`` for columns that are kept until the end.

    mimalloc, which is pyarrow's choice, gives memory back to the system and takes it again all the time when several threads
    parse: a fifth of the whole went into page faults, which jemalloc, where it is there, saves. It holds on to more, so it is
    not for columns that come and go.
    """
    pa = pyarrow("An Arrow table")
    default = pa.default_memory_pool()
    if default.backend_name == "mimalloc" and "jemalloc" in pa.supported_memory_backends():
        return pa.jemalloc_memory_pool()
    return default


def careful_columns(block: bytes, width: int) -> list[Sequence[str | None]]:
    """What a fast reader refuses, read by our own, which says what is wrong in our words and without the row's text."""
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        counter = RecordCounter()
        counter.feed(block[: error.start])
        raise _broken(counter.ended) from None
    header = ",".join(f'"{number}"' for number in range(width)).encode() + b"\n"
    try:
        rows = [[cell or None for cell in row] for row in CsvRecords([header, block])]
    except MalformedResult as error:
        raise _broken(error.row or 0) from None
    return list(zip(*rows, strict=True)) if rows else [() for _ in range(width)]


def shifted(error: MalformedResult, rows: int) -> MalformedResult:
    """*error* of a block that has so many rows before it."""
    return error if error.row is None else _broken(rows + error.row)


def _broken(row: int) -> MalformedResult:
    return MalformedResult(
        f"Row {row} of the CSV result is broken: it is cut off or damaged. The rows from there on were not read. "
        "Fetch the result again.",
        row=row,
    )

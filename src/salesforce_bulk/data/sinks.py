"""A result -> a file: CSV without a parser, JSON lines, Parquet, Arrow. ``file`` is a binary file object, left open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, Literal, Protocol

from .ahead import one_ahead, read_ahead
from .blocks import Pages, close, cut_off, first_record, other_header, read_header
from .extras import pyarrow
from .memory import PIECE_BLOCKS_BYTES, keep_freed
from .row_count import RecordCounter
from .streams import unless_no_records
from .values import text_of


class BinaryFile(Protocol):
    def write(self, data: bytes | memoryview, /) -> object: ...


class Batches(Protocol):
    """Record batches of one schema: a ``BatchStream`` or a ``pyarrow.RecordBatchReader``."""

    @property
    def schema(self) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...


def write_csv(pages: Pages, file: BinaryFile) -> int:
    """Write the pages as one CSV file, as they came: the header once, then the rows, not parsed. Returns their number.

    Every page must have the header of the first, and end at the end of a row. A page without a last line end gets one when
    rows follow; the last byte of the result stays what it was.

    Raises:
        MalformedResult: A page has another header, or is cut off inside a row. The file is not whole.
    """
    keep_freed(PIECE_BLOCKS_BYTES)
    gathered = _Gathered(file)
    counter = gathered.counter
    last = b"\n"
    number = 0
    for piece in read_ahead(_bodies(pages), hand_over_bytes=_WRITE_BYTES):
        if piece:
            if last != b"\n":
                gathered.add(b"\n")
            gathered.add(piece)
            last = b"\n"
            continue
        gathered.pass_on()
        if counter.is_open or counter.last == b",":
            raise cut_off(number)
        last = counter.last or last
        number += 1
    gathered.pass_on()
    return max(0, counter.records - 1)


#: Two threads that share the interpreter lose most of their time by waiting for each other: a million rows counted and written
#: by 256 KB took 0.95 s, by this size 0.70, by twice as much 0.95 again, for then they leave the cache.
_WRITE_BYTES: Final = 512 * 1024


class _Gathered:
    """Pieces, gathered in one room that is used again and again, then counted and written at once."""

    def __init__(self, file: BinaryFile) -> None:
        self.counter = RecordCounter()
        self._file = file
        self._room = memoryview(bytearray(_WRITE_BYTES))
        self._used = 0

    def add(self, piece: bytes) -> None:
        if self._used + len(piece) > _WRITE_BYTES:
            self.pass_on()
        if len(piece) > _WRITE_BYTES:
            self._pass_on(piece)
            return
        end = self._used + len(piece)
        self._room[self._used : end] = piece
        self._used = end

    def pass_on(self) -> None:
        if self._used:
            self._pass_on(self._room[: self._used])
            self._used = 0

    def _pass_on(self, data: bytes | memoryview) -> None:
        self.counter.feed(data)
        self._file.write(data)


def _bodies(pages: Pages) -> Iterator[bytes]:
    """The first header with its line end, and the pieces of all bodies; nothing, ``b""``, where a page ends."""
    header: tuple[str, ...] | None = None
    try:
        for number, page in enumerate(pages):
            try:
                head, body = _split(page, number)
                if head:
                    found = read_header(head, number)
                    if header is None:
                        header = found
                        yield head
                    elif found != header:
                        raise other_header(number)
                    yield from body
                yield b""
            finally:
                close(page)
    finally:
        close(pages)


def _split(page: Iterable[bytes], number: int) -> tuple[bytes, Iterator[bytes]]:
    """The header of page *number* with its line end, and the pieces behind it, none of them empty."""
    source = unless_no_records(page)
    text, at = first_record(source, number)
    if at < 0:
        return text, iter(())
    return text[:at], filter(None, chain((text[at:],), source))


#: Texts are gathered to this size before they are written.
_WRITE_CHARACTERS: Final = 256 * 1024


def write_jsonl(rows: Iterable[Mapping[str, Any]], file: BinaryFile) -> int:
    """Write one JSON object a line, UTF-8. Returns the number of rows.

    Dates, datetimes, times and decimals are strings, in the form in which the org writes them: most JSON readers would
    make floats of decimals, and those come only where a float would lose a digit.
    """
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain, allow_nan=False).encode
    held: list[str] = []
    size = 0
    count = 0
    for row in rows:
        line = encode(row)
        held.append(line)
        size += len(line)
        count += 1
        if size >= _WRITE_CHARACTERS:
            file.write(("\n".join(held) + "\n").encode("utf-8"))
            held.clear()
            size = 0
    if held:
        file.write(("\n".join(held) + "\n").encode("utf-8"))
    return count


def _plain(value: object) -> str:
    return text_of(value, 0, "")


Compression = Literal["snappy", "zstd", "lz4", "gzip", "none"]
#: Readers work by row group: large enough to pack well, small enough to hold two, one on its way into the file while the next
#: one is gathered. Whichever is reached first.
ROW_GROUP_ROWS: Final = 250_000
ROW_GROUP_BYTES: Final = 64 * 1024 * 1024
#: A dictionary pays where values come again: in the first rows, at most this share of the values is new.
_DICTIONARY_SHARE: Final = 0.2
_SAMPLE_ROWS: Final = 20_000


def write_parquet(batches: Batches, file: Any, *, compression: Compression = "zstd") -> int:
    """Write the batches as Parquet, and finish it. Returns the number of rows.

    Only columns whose values repeat get a dictionary; the first row group decides. Needs pyarrow.
    """
    what = "Writing Parquet"
    pa, pq = pyarrow(what), pyarrow(what, "pyarrow.parquet")
    schema = batches.schema
    writer: Any = None

    def write(table: Any) -> int:
        nonlocal writer
        if writer is None:
            dictionaries = _repeating(pyarrow(what, "pyarrow.compute"), table)
            writer = pq.ParquetWriter(file, schema, compression=compression, use_dictionary=dictionaries)
        writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        return int(table.num_rows)

    try:
        count = sum(one_ahead(_row_groups(pa, batches, schema), write))
        if writer is None:
            writer = pq.ParquetWriter(file, schema, compression=compression)
    finally:
        if writer is not None:
            writer.close()
    return count


def _row_groups(pa: Any, batches: Batches, schema: Any) -> Iterator[Any]:
    held: list[Any] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held.clear()
            rows = size = 0
    if held:
        yield pa.Table.from_batches(held, schema)


def _repeating(pc: Any, table: Any) -> list[str]:
    sample = table.slice(0, _SAMPLE_ROWS)
    # Two columns of one name, should a result have them, are named together.
    fresh = [
        name
        for name, column in zip(table.schema.names, sample.columns, strict=True)
        if pc.count_distinct(column).as_py() > _DICTIONARY_SHARE * sample.num_rows
    ]
    return [name for name in dict.fromkeys(table.schema.names) if name not in fresh]


def write_arrow(batches: Batches, file: Any, *, compression: Literal["zstd", "lz4"] | None = None) -> int:
    """Write the batches in the Arrow file format (Feather 2), and finish it. Returns the number of rows. Needs pyarrow."""
    what = "Writing Arrow"
    pa, ipc = pyarrow(what), pyarrow(what, "pyarrow.ipc")
    count = 0
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_file(file, batches.schema, options=options) as writer:
        for table in _row_groups(pa, batches, batches.schema):
            # A block is a megabyte: joined, or the file is hundreds of small batches.
            for batch in table.combine_chunks().to_batches():
                writer.write_batch(batch)
            count += table.num_rows
    return count

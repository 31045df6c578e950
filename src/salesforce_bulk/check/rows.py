"""The rows of an input as they would be sent, in stretches; what cannot be sent is counted and does not stop them."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from ..data.arrow_source import ArrowSource
from ..data.decode import raise_csv_limit
from ..data.dict_source import union_of_columns
from ..data.extras import has_pyarrow, pyarrow
from ..data.parts import BULK2
from ..data.source import Choice, Detected, Nulls, Source
from ..data.sources import open_source
from ..data.streams import PieceReader
from ..errors import DataError
from ..records import CLEAR
from .tally import EXAMPLES, Rule, Tally
from .values import NAIVE, RECORD, TIME_OFFSET, UNSENDABLE, units

#: Rows that are looked at together: the cells of 15 columns stay in the cache.
_STRETCH_ROWS: Final = 2_000

_BROKEN: Final = Rule(
    "csv", "error", "Rows that are no CSV: a quote inside a value is not doubled, or text follows a quote."
)
_WIDE: Final = Rule("csv-width", "error", "Rows with more cells than there are columns.")
_SHORT: Final = Rule(
    "csv-width-short", "warning", "Rows with fewer cells than there are columns: the last ones count as empty."
)


class Rows:
    """The rows of a source as they would be sent, in stretches."""

    def __init__(self, source: Source, tally: Tally) -> None:
        self._source = source
        self._tally = tally
        self.rows = 0
        #: Of the rows so far, read a little ahead; and of the header, which each part has.
        self.bytes = 0
        self.head = len(source.header(source.dialect))
        #: Why the rows were not read to their end.
        self.stopped: DataError | None = None

    def _pieces(self) -> Iterator[bytes]:
        for block in self._source.blocks(self._source.dialect):
            self.bytes += len(block.data)
            yield block.data

    def stretches(self) -> Iterator[tuple[int, list[list[str]]]]:
        """The number of the first row of each, and its rows, all as wide as the header."""
        raise_csv_limit()
        width = len(self._source.columns)
        lines: Any = io.TextIOWrapper(PieceReader(self._pieces()), encoding="utf-8", newline="")
        reader = csv.reader(lines, delimiter=self._source.dialect.delimiter, strict=True)
        held: list[list[str]] = []
        while True:
            wrong = _WIDE
            try:
                for row in reader:
                    if len(row) != width:
                        if not row:  # a blank line is no row
                            continue
                        if len(row) > width:
                            break
                        self._tally.row(_SHORT, None, self.rows + len(held))
                        row += [""] * (width - len(row))
                    held.append(row)
                    if len(held) == _STRETCH_ROWS:
                        yield self.rows, held
                        self.rows += len(held)
                        held = []
                else:
                    break
            except csv.Error:
                wrong = _BROKEN  # the reader goes on with the next line
            except DataError as error:
                self.stopped = error
                break
            if held:
                yield self.rows, held
            self._tally.row(wrong, None, self.rows + len(held))
            self.rows += len(held) + 1
            held = []
        if held:
            yield self.rows, held
            self.rows += len(held)


def too_long_rows(stretch: Sequence[Sequence[str]], first: int, tally: Tally) -> None:
    """Find the rows that are too long as a whole."""
    for number, row in enumerate(stretch, first):
        if sum(map(units, row)) + len(row) > BULK2.record_characters:
            tally.row(RECORD, None, number)


#: Values of these types always have a form.
_PLAIN: Final = frozenset((str, int, bool, type(None), date, type(CLEAR)))


def _unsendable(value: Any) -> Rule | None:
    """Why a Python value cannot be sent. What is not known here is left to the encoder, which stops at it."""
    if isinstance(value, float):
        return UNSENDABLE if math.isinf(value) else None
    if isinstance(value, Decimal):
        return None if value.is_finite() or value.is_nan() else UNSENDABLE
    kind = type(value)
    if kind.__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, datetime):
        return NAIVE if value.utcoffset() is None else None
    if isinstance(value, time):
        return TIME_OFFSET if value.utcoffset() else None
    if kind.__name__ == "datetime64":
        return NAIVE if value == value and not value.dtype.str.endswith("[D]") else None
    if isinstance(value, bytes | bytearray | memoryview | list | tuple | set | frozenset):
        return UNSENDABLE
    return None


def _watched(rows: Iterable[Any], tally: Tally) -> Iterator[Any]:
    """The rows; what cannot be sent is counted and taken out, so that the rest can be looked at."""
    for number, row in enumerate(rows):
        if type(row) is dict and not _PLAIN.issuperset(map(type, row.values())):
            wrong = {
                name: rule
                for name, value in row.items()
                if type(value) not in _PLAIN and (rule := _unsendable(value)) is not None
            }
            for name, rule in wrong.items():
                tally.row(rule, name, number, str(row[name]))
            if wrong:
                row = {**row, **dict.fromkeys(wrong, "")}
        yield row


def opened(rows: Any, nulls: Nulls, rename: Mapping[str, str] | None, tally: Tally) -> Source:
    """The rows as a source that does not stop at the first value that cannot be sent."""
    choice = Choice(nulls=nulls, rename=tuple((rename or {}).items()))
    if isinstance(rows, str | os.PathLike):
        source = open_source(rows, nulls=nulls, rename=rename)
        if not isinstance(source, ArrowSource):
            return source
        return _arrow_source(_file_reader(os.fspath(rows), source.detected.kind), source.detected, choice, tally)
    if hasattr(rows, "__arrow_c_stream__") and has_pyarrow():
        arrow = pyarrow("An Arrow stream")
        try:
            reader = arrow.RecordBatchReader.from_stream(rows)
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError):
            return open_source(
                rows, nulls=nulls, rename=rename
            )  # a frame that gives rows instead, or says what is wrong
        kind = f"{type(rows).__module__.partition('.')[0]} {type(rows).__name__}"
        return _arrow_source(reader, Detected(kind=kind), choice, tally)
    is_dicts = isinstance(rows, Iterable) and not isinstance(rows, Mapping | bytes | bytearray | memoryview)
    if not is_dicts or hasattr(rows, "columns"):
        return open_source(rows, nulls=nulls, rename=rename)
    columns = None if isinstance(rows, Iterator) else union_of_columns(rows)
    return open_source(_watched(rows, tally), nulls=nulls, columns=columns, rename=rename)


def _file_reader(path: str, kind: str) -> Any:
    arrow = pyarrow(f"A {kind} file")
    if kind == "Parquet":
        file = pyarrow("A Parquet file", "pyarrow.parquet").ParquetFile(path)
        return arrow.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=65_536))
    mapped = arrow.memory_map(path)
    if mapped.read(6) != b"ARROW1":
        mapped.seek(0)
        return arrow.ipc.open_stream(mapped)
    file = arrow.ipc.open_file(mapped)
    batches = (file.get_batch(number) for number in range(file.num_record_batches))
    return arrow.RecordBatchReader.from_batches(file.schema, batches)


def _arrow_source(reader: Any, detected: Detected, choice: Choice, tally: Tally) -> Source:
    arrow, compute = pyarrow(detected.kind), pyarrow(detected.kind, "pyarrow.compute")
    types, schema = arrow.types, reader.schema
    naive = [place for place, one in enumerate(schema) if types.is_timestamp(one.type) and one.type.tz is None]
    floats = [place for place, one in enumerate(schema) if one.type in (arrow.float32(), arrow.float64())]
    for place in naive:
        schema = schema.set(place, arrow.field(schema.field(place).name, arrow.string()))

    def count(rule: Rule, name: str, wrong: Any, values: Any, row: int) -> None:
        left = compute.sum(wrong).as_py() or 0
        for place in compute.indices_nonzero(wrong)[:EXAMPLES].to_pylist():
            left -= 1
            tally.row(rule, name, row + place, str(values[place].as_py()))
        if left > 0:
            tally.row(rule, name, row, count=left)

    def batches() -> Iterator[Any]:
        row = 0
        for batch in reader:
            columns = list(batch.columns)
            for place in naive:
                count(NAIVE, schema.field(place).name, compute.is_valid(columns[place]), columns[place], row)
                columns[place] = arrow.nulls(batch.num_rows, arrow.string())
            for place in floats:
                wrong = compute.fill_null(compute.is_inf(columns[place]), False)
                if compute.any(wrong).as_py():
                    count(UNSENDABLE, schema.field(place).name, wrong, columns[place], row)
                    columns[place] = compute.if_else(wrong, None, columns[place])
            yield arrow.RecordBatch.from_arrays(columns, schema=schema)
            row += batch.num_rows

    if naive or floats:
        mended = arrow.RecordBatchReader.from_batches(schema, batches())
    else:
        mended = reader
    return ArrowSource(lambda: mended, choice, detected=detected, reopenable=False)

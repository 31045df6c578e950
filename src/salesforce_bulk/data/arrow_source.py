"""Arrow tables, readers, frames, Parquet and Arrow files as sources of rows.

Columns become text as a whole; the texts of a row are joined in C. Only columns in which a value needs quotes are looked at
more closely: whether there is one is a search through the bytes of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from ..errors import BadValue, UsageError
from ..records import Dialect
from ..wire.names import NULL_CELL
from .arrow_values import bool_scalar, null_scalar, text_of_all, text_scalar
from .extras import pyarrow
from .source import Block, Choice, Detected, Source

#: Rows and bytes that are turned to text at once, at most. A call for each column of a slice costs the same whatever its
#: size: slices of 1 MB took 0.70 s for a million rows of 21 columns, of 256 KB 1.0 s, of 4 MB 0.62 s.
_SLICE_ROWS: Final = 8_192
_SLICE_BYTES: Final = 1024 * 1024


class ArrowSource(Source):
    """Anything that gives Arrow record batches. See :class:`Source`.

    A struct column is a parent: its fields are sent as ``Account.Key__c``. Nulls and NaN are missing values. Floats are
    written in the shortest form that gives the same number (``1``, not ``1.0``).

    Raises:
        UsageError: A column of a type that the API has no form for.
    """

    def __init__(
        self,
        open_reader: Callable[[], Any],
        choice: Choice,
        *,
        detected: Detected,
        reopenable: bool,
    ) -> None:
        self._arrow = pyarrow(detected.kind)
        self._open = open_reader
        self._choice = choice
        self.detected = detected
        self.reopenable = reopenable
        first = open_reader()
        self._reader: Any = None if reopenable else first
        self._fields = _fields(self._arrow, first.schema)
        if reopenable:
            _close(first)
        names = [field.name for field in self._fields]
        self._places = choice.chosen(names)
        self.columns = choice.named([names[place] for place in self._places])
        self._spent = False

    def blocks(self, dialect: Dialect) -> Iterator[Block]:
        if self._spent:
            raise UsageError("These rows came from a one-time reader, and it was read. Hand in a new one.")
        self._spent = not self.reopenable
        return self._blocks(self._open() if self.reopenable else self._reader, dialect)

    def _blocks(self, reader: Any, dialect: Dialect) -> Iterator[Block]:
        fields = [self._fields[place] for place in self._places]
        texts = _Texts(self._arrow, pyarrow(self.detected.kind, "pyarrow.compute"), fields, self._choice, dialect)
        row = 0
        try:
            for batch in reader:
                at = 0
                rows = _rows_at_once(batch)
                if not fields:
                    yield Block(b"", batch.num_rows)
                    continue
                while at < batch.num_rows:
                    part = batch.slice(at, rows)
                    yield Block(texts.csv(part, row), part.num_rows)
                    at += part.num_rows
                    row += part.num_rows
        finally:
            _close(reader)

    def as_given(self) -> Source:
        if not self.reopenable:
            raise UsageError("These rows came from a one-time reader, and it was read. Keep what was sent.")
        return ArrowSource(self._open, Choice(), detected=self.detected, reopenable=True)


def _close(reader: Any) -> None:
    close = getattr(reader, "close", None)
    if callable(close):
        close()


def _rows_at_once(batch: Any) -> int:
    width = batch.nbytes // batch.num_rows if batch.num_rows else 0
    return max(1, min(_SLICE_ROWS, _SLICE_BYTES // max(width, 1)))


class _Field(NamedTuple):
    """A column as it is sent, where it stands, and how its values become text."""

    name: str
    path: tuple[int, ...]
    type: Any


def _fields(arrow: ModuleType, schema: Any) -> list[_Field]:
    found: list[_Field] = []
    for place, field in enumerate(schema):
        if field.name.startswith("__index_level_"):
            continue  # the unnamed index of a pandas frame
        if arrow.types.is_struct(field.type):
            for inner in range(field.type.num_fields):
                child = field.type.field(inner)
                found.append(_Field(f"{field.name}.{child.name}", (place, inner), child.type))
        else:
            found.append(_Field(field.name, (place,), field.type))
    for column in found:
        _check_type(arrow.types, column)
    return found


def _check_type(types: Any, field: _Field) -> None:
    kind = _value_type(types, field.type)
    if types.is_struct(kind):
        why = "a parent can be named by its own fields only, not by those of its parent"
    elif types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        why = "bytes have no form in CSV; attachments travel in a ZIP batch"
    elif (
        types.is_nested(kind)
        or types.is_duration(kind)
        or types.is_interval(kind)
        or not (types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind) or _is_text(types, kind))
    ):
        why = "this type has no form in the API"
    else:
        return
    raise UsageError(f"Column {field.name!r} is of the type {field.type}: {why}. Nothing was sent.")


def _value_type(types: Any, kind: Any) -> Any:
    return kind.value_type if types.is_dictionary(kind) else kind


def _is_text(types: Any, kind: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


class _Texts:
    """Record batches -> CSV bytes."""

    def __init__(
        self, arrow: ModuleType, compute: ModuleType, fields: list[_Field], choice: Choice, dialect: Dialect
    ) -> None:
        self._arrow, self._compute = arrow, compute
        self._fields = fields
        self._dialect = dialect
        self._none = NULL_CELL if choice.nulls == "clear" else ""
        self._normalise = choice.line_breaks == "normalise"
        delimiter = dialect.delimiter
        self._marks = [mark.encode("ascii") for mark in ('"', delimiter, "\n", "\r")]
        self._pattern = '["\\n\\r' + ("\\" + delimiter if delimiter in "|^" else delimiter) + "]"

    def csv(self, batch: Any, row: int) -> bytes:
        """The rows of *batch*; *row* is the number of the first of them."""
        compute, string = self._compute, self._arrow.string()
        columns = [self._column(batch, field, row) for field in self._fields]
        if len(columns) == 1:
            # A record of one empty cell would be a blank line, and those are skipped.
            columns = [compute.if_else(compute.equal(columns[0], text_scalar("")), text_scalar('""'), columns[0])]
        records = (
            compute.binary_join_element_wise(
                *columns[:-1],
                compute.binary_join_element_wise(columns[-1], text_scalar(""), text_scalar(self._dialect.line_ending)),
                text_scalar(self._dialect.delimiter),
            )
            if len(columns) > 1
            else compute.binary_join_element_wise(columns[0], text_scalar(""), text_scalar(self._dialect.line_ending))
        )
        return bytes(text_of_all(records.cast(string) if records.type != string else records))

    def _column(self, batch: Any, field: _Field, row: int) -> Any:
        compute = self._compute
        values = batch.column(field.path[0])
        if len(field.path) > 1:
            # A parent that is null has no field either.
            values = compute.struct_field(values, [field.path[1]])
        texts = compute.fill_null(self._text(values, field, row), text_scalar(self._none))
        data = bytes(text_of_all(texts))
        if self._normalise and (b"\r" in data or b"\n" in data):
            texts = compute.replace_substring_regex(texts, "\\r\\n|\\r|\\n", self._dialect.line_ending)
        if any(mark in data for mark in self._marks):
            doubled = compute.replace_substring(texts, '"', '""')
            quoted = compute.binary_join_element_wise(text_scalar('"'), doubled, text_scalar('"'), text_scalar(""))
            texts = compute.if_else(compute.match_substring_regex(texts, self._pattern), quoted, texts)
        return texts

    def _text(self, values: Any, field: _Field, row: int) -> Any:
        arrow, compute, types = self._arrow, self._compute, self._arrow.types
        string = arrow.string()
        if types.is_dictionary(values.type):
            names = values.dictionary
            if types.is_string_view(names.type):  # which pyarrow does not take values out of
                values = arrow.DictionaryArray.from_arrays(values.indices, names.cast(arrow.large_string()))
            values = values.dictionary_decode()
        kind = values.type
        if types.is_timestamp(kind):
            return self._timestamps(values, field, row)
        if types.is_floating(kind):
            if kind == arrow.float16():
                values = values.cast(arrow.float32())
            values = compute.if_else(compute.is_nan(values), null_scalar(kind), values)
            self._refuse(compute.is_inf(values), field, row, "float", "it is not a finite number")
            return values.cast(string)
        if types.is_decimal(kind):
            texts = values.cast(string)
            if b"E" in bytes(text_of_all(texts)):
                plain = [None if value is None else format(value, "f") for value in values.to_pylist()]
                texts = arrow.array(plain, string)
            return texts
        if types.is_time(kind):
            texts = values.cast(arrow.time32("ms"), safe=False).cast(string)
            return compute.binary_join_element_wise(texts, text_scalar("Z"), text_scalar(""))
        return values.cast(string)

    def _timestamps(self, values: Any, field: _Field, row: int) -> Any:
        arrow, compute = self._arrow, self._compute
        if values.type.tz is None:
            self._refuse(
                compute.is_valid(values),
                field,
                row,
                "datetime",
                "it is a datetime without a time zone; the org would have to guess it",
            )
            return arrow.nulls(len(values), arrow.string())
        # Aware timestamps are kept in UTC; seen as naive, they are written 16 times as fast as with a zone.
        naive = values.cast(arrow.timestamp(values.type.unit, "UTC")).view(arrow.timestamp(values.type.unit))
        if values.type.unit in ("us", "ns"):
            naive = compute.floor_temporal(naive, unit="millisecond")
        texts = naive.cast(arrow.timestamp("ms"), safe=False).cast(arrow.string())
        return compute.binary_join_element_wise(
            compute.replace_substring(texts, " ", "T"), text_scalar("Z"), text_scalar("")
        )

    def _refuse(self, wrong: Any, field: _Field, row: int, kind: str, why: str) -> None:
        place = self._compute.index(self._compute.fill_null(wrong, bool_scalar(False)), bool_scalar(True)).as_py()
        if place >= 0:
            number = row + place
            raise BadValue(
                f"Row {number}, column {field.name!r}: a {kind} that cannot be sent, because {why}. It was not sent.",
                row=number,
                column=field.name,
            )


def parquet_file(path: Path, choice: Choice) -> Source:
    """A source for a Parquet file."""
    arrow = pyarrow("A Parquet file")
    parquet = pyarrow("A Parquet file", "pyarrow.parquet")

    def reader() -> Any:
        file = parquet.ParquetFile(path)
        return arrow.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=65_536))

    with _readable(arrow, path, "Parquet"):
        reader()
    return ArrowSource(reader, choice, detected=Detected(kind="Parquet"), reopenable=True)


def arrow_file(path: Path, choice: Choice) -> Source:
    """A source for an Arrow IPC file or stream."""
    arrow = pyarrow("An Arrow file")
    with open(path, "rb") as file:
        is_stream = file.read(6) != b"ARROW1"

    def reader() -> Any:
        if is_stream:
            return arrow.ipc.open_stream(arrow.memory_map(str(path)))
        file = arrow.ipc.open_file(arrow.memory_map(str(path)))
        batches = (file.get_batch(number) for number in range(file.num_record_batches))
        return arrow.RecordBatchReader.from_batches(file.schema, batches)

    with _readable(arrow, path, "Arrow"):
        reader()
    return ArrowSource(reader, choice, detected=Detected(kind="Arrow"), reopenable=True)


class _readable:
    """What pyarrow says of a broken file, as ours."""

    def __init__(self, arrow: ModuleType, path: Path, kind: str) -> None:
        self._error, self._path, self._kind = arrow.ArrowInvalid, path, kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, self._error):
            raise UsageError(f"{self._path} is no {self._kind} file: {error}. Nothing was sent.") from error


def arrow_stream(rows: Any, choice: Choice, *, reopenable: bool) -> Source:
    """A source for an object with ``__arrow_c_stream__``."""
    kind = f"{type(rows).__module__.partition('.')[0]} {type(rows).__name__}"
    arrow = pyarrow(f"A {kind}")
    return ArrowSource(
        lambda: arrow.RecordBatchReader.from_stream(rows),
        choice,
        detected=Detected(kind=kind),
        reopenable=reopenable,
    )

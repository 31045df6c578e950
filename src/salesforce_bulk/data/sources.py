"""Whatever rows come in, as one thing: a :class:`Source`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import Any, Final

from ..errors import UsageError
from .arrow_source import arrow_file, arrow_stream, parquet_file
from .csv_file import CsvFile
from .dict_source import LOOK_AHEAD_ROWS, DictSource, json_lines
from .extras import has_pyarrow, pyarrow
from .input_file import first_bytes, regular
from .source import BLOCK_BYTES, Block, Choice, Detected, LineBreaks, Nulls, Source

__all__ = ["BLOCK_BYTES", "LOOK_AHEAD_ROWS", "Block", "Detected", "LineBreaks", "Nulls", "Source", "open_source"]

_JSON_LINES: Final = {".jsonl", ".ndjson", ".json"}


def open_source(
    rows: Any,
    *,
    nulls: Nulls = "ignore",
    columns: Iterable[str] | None = None,
    only: Iterable[str] | None = None,
    rename: Mapping[str, str] | None = None,
    line_breaks: LineBreaks = "keep",
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Source:
    """Rows to be sent, as a :class:`Source`. A file is looked at as a whole before anything is sent.

    A missing value (None, NaN, NaT, null, an empty cell of a CSV file) leaves its field as it is with ``nulls="ignore"``
    and empties it (``#N/A``) with ``"clear"``. A key that a dict lacks, and the text ``""``, always leave it as it is;
    ``CLEAR`` always empties it. Values are never changed otherwise, unless ``line_breaks="normalise"``.

    Args:
        rows: Dicts (a list, a generator), a path to CSV, JSON lines, Parquet or Arrow, or an Arrow stream or data frame.
        nulls: What a missing value does.
        columns: All columns of dicts, in their order. Without it they are found: see :class:`DictSource`.
        only: These columns only, in this order, by their names in the input (a delete sends ``Id`` and nothing else).
        rename: Other names for columns, old to new.
        line_breaks: ``"normalise"`` makes all line breaks inside values those of the job.
        encoding: Of a CSV file, where it is not found out rightly.
        delimiter: Of a CSV file, likewise.

    Raises:
        UsageError: The rows are of no kind that can be sent. Nothing was sent.
    """
    if nulls not in ("ignore", "clear"):
        raise UsageError(f'nulls is "ignore" or "clear", not {nulls!r}. Nothing was sent.')
    if line_breaks not in ("keep", "normalise"):
        raise UsageError(f'line_breaks is "keep" or "normalise", not {line_breaks!r}. Nothing was sent.')
    choice = Choice(
        nulls=nulls,
        line_breaks=line_breaks,
        only=None if only is None else tuple(only),
        rename=tuple((rename or {}).items()),
    )
    if isinstance(rows, str | os.PathLike):
        return _file(Path(rows), choice, encoding=encoding, delimiter=delimiter)
    if isinstance(rows, Mapping):
        raise UsageError("One dict is one row: hand in a list of them. Nothing was sent.")
    _check_names(rows)
    if hasattr(rows, "__arrow_c_stream__"):
        source = _stream(rows, choice)
        if source is not None:
            return source
    frame = _frame_rows(rows)
    if frame is not None:
        return DictSource(lambda: frame, choice, kind=type(rows).__name__)
    if isinstance(rows, bytes | bytearray | memoryview) or not isinstance(rows, Iterable):
        raise UsageError(
            f"Rows are dicts, a path, or a table or data frame, not {type(rows).__name__}. Nothing was sent."
        )
    return DictSource(lambda: rows, choice, reopenable=not _is_one_time(rows), columns=columns)


def _is_one_time(rows: Iterable[Any]) -> bool:
    """An iterator, or what hands out the same iterator each time that it is asked for one."""
    return isinstance(rows, Iterator) or (not isinstance(rows, Sized) and iter(rows) is iter(rows))


def _file(path: Path, choice: Choice, *, encoding: str | None, delimiter: str | None) -> Source:
    regular(path)
    head = first_bytes(path, 8)
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if head.startswith(b"PAR1") or suffix == ".parquet":
        return parquet_file(path, choice)
    if head.startswith(b"ARROW1") or suffix in (".arrows", ".ipc", ".arrow"):
        return arrow_file(path, choice)
    if head.startswith(b"PK\x03\x04"):
        raise UsageError(f"{path} is a ZIP or Excel file; save it as CSV. Nothing was sent.")
    if suffix in _JSON_LINES:
        return json_lines(path, choice)
    return CsvFile(path, choice, encoding=encoding, delimiter=delimiter)


def _stream(rows: Any, choice: Choice) -> Source | None:
    """The Arrow way. None: a frame that has none (columns of mixed kinds), and gives rows instead."""
    name = type(rows).__name__
    # A reader is read once; tables and frames give a stream as often as they are asked. Asking is not always free:
    # a query of duckdb runs again, and may then give other rows.
    one_time = isinstance(rows, Iterator) or "Reader" in name or name == "DuckDBPyRelation"
    has_rows = _frame_rows(rows) is not None
    if has_rows and not has_pyarrow():
        return None
    arrow = pyarrow(f"A {name}")
    try:
        return arrow_stream(rows, choice, reopenable=not one_time)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError):
        if not has_rows:
            raise
        return None


def _check_names(rows: Any) -> None:
    """A pandas frame can have two columns of one name, which neither Arrow nor dicts can."""
    if hasattr(rows, "itertuples") and hasattr(rows, "columns"):
        twice = [name for name, count in Counter(rows.columns).items() if count > 1]
        if twice:
            raise UsageError(f"The frame has several columns {twice[0]!r}. Keep one of them. Nothing was sent.")


class _FrameRows:
    """The rows of a pandas or polars frame as dicts, anew for each time that it is iterated."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if hasattr(self._frame, "itertuples"):
            names = list(self._frame.columns)
            for cells in self._frame.itertuples(index=False, name=None):
                yield dict(zip(names, cells, strict=True))
        else:
            yield from self._frame.iter_rows(named=True)


def _frame_rows(rows: Any) -> Iterable[dict[str, Any]] | None:
    has_columns = hasattr(rows, "columns")
    if has_columns and (hasattr(rows, "itertuples") or hasattr(rows, "iter_rows")):
        return _FrameRows(rows)
    return None

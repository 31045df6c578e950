"""Dicts as a source of rows: a list, a generator, a file of JSON lines, a data frame that only gives rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from ..errors import BadValue, SourceChanged, UsageError
from ..records import CLEAR, Dialect
from ..wire.names import NULL_CELL
from .input_file import first_bytes, is_gzip, text_of_file
from .record_text import ListWriter, gathered_lists, list_writer
from .relations import flat, is_flat
from .source import BLOCK_BYTES, Block, Choice, Detected, Source
from .values import PLAIN_TYPES, text_of

#: So many rows are worked on at a time: fewer cost more calls a row, more leave the processor's cache.
_LIST_ROWS: Final = 128
#: The columns of a one-time iterator are those of this many rows; they are held until then.
LOOK_AHEAD_ROWS: Final = 1_000

Row = Mapping[str, Any]

#: Kinds of which every value can be sent, and that most values that are no text are of.
_QUICK: Final[dict[type, Callable[[Any], str]]] = {
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    date: date.isoformat,
}


class _IsParent(Exception):
    """A value is a dict."""


class DictSource(Source):
    """Rows that are dicts.

    The columns are those of all rows together, in the order in which they first appear. A one-time iterator cannot be
    looked through: there they are those of its first 1,000 rows, and a value in a column that comes later is an error,
    for its column is already missing in what was sent. ``columns`` names all of them instead.
    """

    def __init__(
        self,
        open_rows: Callable[[], Iterable[Row]],
        choice: Choice,
        *,
        kind: str = "dict",
        reopenable: bool = True,
        columns: Iterable[str] | None = None,
        detected: Detected | None = None,
    ) -> None:
        self._open = open_rows
        self._choice = choice
        self._declared = None if columns is None else tuple(columns)
        self.reopenable = reopenable
        self.detected = detected or Detected(kind=kind)
        held: Iterator[Row] | None = None
        #: As many rows were looked at.
        self._seen = 0
        if self._declared is not None:
            found: tuple[str, ...] = self._declared
        elif reopenable:
            rows = open_rows()
            if isinstance(rows, Sized):
                self._seen = len(rows)
                found = union_of_columns(rows)
            else:
                found = union_of_columns(self._looked_at(rows))
        else:
            held = iter(open_rows())
            ahead = list(islice(held, LOOK_AHEAD_ROWS))
            found = union_of_columns(ahead)
            held = chain(ahead, held)
        self._held = held
        self._all = found
        self._places = choice.chosen(found) if found else []
        self._mine = tuple(found[place] for place in self._places)
        self.columns = choice.named(self._mine)

    def _looked_at(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self._seen += 1
            yield row

    def _rows(self) -> Iterable[Row]:
        if self.reopenable:
            return self._open()
        if self._held is None and self._declared is not None:
            self._held = iter(self._open())
        held, self._held, self._declared = self._held, None, None
        if held is None:
            raise UsageError("These rows came from a one-time iterator, and it was read. Hand in a new one.")
        return held

    def blocks(self, dialect: Dialect) -> Iterator[Block]:
        return self._blocks(self._rows(), dialect)

    def _blocks(self, rows: Iterable[Row], dialect: Dialect) -> Iterator[Block]:
        if not self.columns:
            yield from (Block(b"", 1) for _ in range(max(self._seen, sum(1 for _ in rows))))
            return
        write = list_writer(dialect, normalise=self._choice.line_breaks == "normalise")
        cells = Cells(self._mine, frozenset(self._all), self._choice)
        sent = 0
        for data, count in gathered_lists(cells.records(rows, write), BLOCK_BYTES):
            sent += count
            yield Block(data, count)
        if sent < self._seen:
            raise SourceChanged(
                f"There were {self._seen} rows when they were looked at, and {sent} when they were sent: they can be iterated "
                "only once, or were changed meanwhile.\nThe others were not sent.\n"
                "Hand in a list, or an iterator, which is read once."
            )

    def as_given(self) -> Source:
        if not self.reopenable:
            raise UsageError("These rows came from a one-time iterator, and it was read. Keep what was sent.")
        return DictSource(self._open, Choice(), columns=self._all, detected=self.detected)


def _checked_row(row: Any, number: int) -> Row:
    if not isinstance(row, Mapping):
        raise UsageError(f"Row {number} is a {type(row).__name__}, not a dict of columns and values. It was not sent.")
    return row


def union_of_columns(rows: Iterable[Row]) -> tuple[str, ...]:
    """The columns of all *rows*, parents dotted, in the order in which they first appear."""
    found: dict[str, None] = {}
    #: Keys that are columns, for a value was seen in them: a row with no other key has nothing new.
    known: set[str] = set()
    parents: set[str] = set()
    for number, row in enumerate(rows):
        if type(row) is dict and known.issuperset(row):
            continue
        row = _checked_row(row, number)
        if is_flat(row):
            known.update(name for name, value in row.items() if value is not None)
            for name in row:
                found.setdefault(name)
        else:
            parents.update(name for name, value in row.items() if isinstance(value, Mapping))
            for name, _ in flat(row, number):
                found.setdefault(name)
    # {"Account": None} beside {"Account": {"Key__c": ...}} is a parent that is not there, and no column.
    return tuple(name for name in found if name not in parents)


class Cells:
    """Takes the values of the columns out of rows, as text."""

    def __init__(self, columns: tuple[str, ...], known: frozenset[str], choice: Choice) -> None:
        self._columns = columns
        self._known = known
        self._width = len(columns)
        self._none = NULL_CELL if choice.nulls == "clear" else ""
        only = columns[0]
        self._pick: Callable[[Any], tuple[Any, ...]] = (
            itemgetter(*columns) if len(columns) > 1 else lambda row: (row[only],)
        )
        #: A parent that is None stands for all of its columns.
        self._parents = {name: _parent(name) for name in columns if "." in name}

    def records(self, rows: Iterable[Row], write: ListWriter) -> Iterator[list[str]]:
        """The records of the rows, those of some rows at a time."""
        source = iter(rows)
        number = 0
        is_text = True
        while some := list(islice(source, _LIST_ROWS)):
            picked = self._picked(some) if is_text else None
            if picked is not None:
                try:
                    yield write(picked)
                    number += len(some)
                    continue
                except TypeError:  # from str.join: not all of them are text, and so it will be in other rows
                    is_text = False
            yield write(self._one_by_one(some, number))
            number += len(some)

    def _picked(self, rows: list[Row]) -> list[tuple[Any, ...]] | None:
        """The values of plain dicts that have all columns and no other keys; None: these are not."""
        # As many keys as columns, and every column among them: then there is no other key.
        if {dict} != set(map(type, rows)) or {self._width} != set(map(len, rows)):
            return None
        try:
            return list(map(self._pick, rows))
        except KeyError:
            return None

    def _one_by_one(self, rows: list[Row], first: int) -> list[Sequence[str]]:
        pick, width = self._pick, self._width
        made: list[Sequence[str]] = []
        for number, row in enumerate(rows, first):
            values: Any = None
            if type(row) is dict and len(row) == width:
                try:
                    values = pick(row)
                except KeyError:
                    values = None
            if values is None:
                values = self._looked_up(_checked_row(row, number), number)
            made.append(self._texts(values, row, number))
        return made

    def _looked_up(self, row: Row, number: int) -> list[Any]:
        given = dict(row) if is_flat(row) else dict(flat(row, number))
        if not self._known.issuperset(given):
            for name in given:
                if name not in self._known:
                    self._unknown(name, given[name], number)
        return [given[name] if name in given else self._absent(name, given) for name in self._columns]

    def _absent(self, name: str, given: dict[str, Any]) -> Any:
        parent = self._parents.get(name)
        return None if parent is not None and parent in given and given[parent] is None else ""

    def _unknown(self, name: Any, value: Any, number: int) -> None:
        if value is None and (not self._none or name in self._parents.values()):
            return  # nothing is lost
        raise BadValue(
            f"Row {number} has a column {name!r} that the rows before it did not have, and the header was already written. "
            "Name all columns with columns=, or hand in a list. It was not sent.",
            row=number,
            column=str(name),
        )

    def _texts(self, values: Iterable[Any], row: Any, number: int) -> list[str]:
        """The values as text. A parent given as a dict is spread over its columns first."""
        none, quick = self._none, _QUICK
        try:
            return [
                value
                if (kind := type(value)) is str
                else quick[kind](value)
                if kind in quick
                else none
                if value is None
                else self._text(value, number, column)
                for value, column in zip(values, self._columns, strict=True)
            ]
        except _IsParent:
            return self._texts(self._looked_up(row, number), row, number)

    def _text(self, value: Any, number: int, column: str) -> str:
        if value is CLEAR:
            return NULL_CELL
        if type(value) not in PLAIN_TYPES:
            if isinstance(value, Mapping):
                raise _IsParent
            value = _plain(value)
        elif value != value:  # NaN
            value = None
        return self._none if value is None else text_of(value, number, column)


def _parent(column: str) -> str:
    return column.partition(".")[0].rpartition(":")[2]


def _plain(value: Any) -> Any:
    """*value*; None for what data frames put where nothing is; a plain number for a NumPy scalar."""
    kind = type(value)
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, Decimal):
        return None if value.is_nan() else value
    module = kind.__module__.partition(".")[0]
    if module == "pandas" and kind.__name__ in ("NAType", "NaTType"):
        return None
    if module == "numpy" and hasattr(value, "item") and kind.__name__ != "timedelta64":
        # Nanoseconds have no form in datetime, and item() would give a plain number.
        is_exact = kind.__name__ == "datetime64" and value.dtype.str.endswith("[D]")
        item = value if kind.__name__ != "datetime64" or is_exact else value.astype("datetime64[us]")
        plain = item.item()
        return plain if type(plain) is kind else _plain(plain)
    return value


class JsonLines:
    """The rows of a file of JSON lines, once for each time that it is iterated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Row]:
        number = -1
        with text_of_file(self._path, "utf-8-sig") as file:
            try:
                for line in file:
                    if line.isspace():
                        continue
                    number += 1
                    yield _one_line(line, number)
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{self._path} is not UTF-8 after row {number}: JSON lines are. From there on nothing was sent."
                ) from error


def _one_line(line: str, number: int) -> Row:
    try:
        # Decimal keeps the number as it is written: 0.10, 12345678901234567890.5.
        row = json.loads(line, parse_float=Decimal, parse_constant=_no_number)
    except ValueError as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise BadValue(f"Row {number} is no JSON: {what}. It was not sent.", row=number) from error
    return _checked_row(row, number)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number that JSON knows")


def json_lines(path: Path, choice: Choice) -> Source:
    """A source for a file of JSON lines; its columns are those of the whole file."""
    if first_bytes(path, 64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise UsageError(f"{path} is one JSON array; write one object a line (JSON lines). Nothing was sent.")
    rows = JsonLines(path)
    detected = Detected(kind="JSON lines", encoding="utf-8", compressed=is_gzip(path))
    return DictSource(lambda: rows, choice, detected=detected)

"""Rows -> CSV. One row is one record; a value that cannot be sent stops the batch before anything is.

``None`` is an empty cell, which leaves the field as it is; ``CLEAR`` is ``#N/A``, which empties it. So does the text
``#N/A``: in CSV the two are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from ..errors import BadValue, UsageError
from ..records import CLEAR, PIECE_BYTES, Dialect
from ..wire.names import NULL_CELL
from .encode_json import json_batch
from .encode_xml import xml_batch
from .record_text import record_writer
from .relations import flat, is_flat
from .values import PLAIN_TYPES, text_of

__all__ = ["csv_pieces", "json_batch", "xml_batch"]


def csv_pieces(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None, *, quote_all: bool = False
) -> Iterator[bytes]:
    """The rows as CSV with a header: UTF-8, LF, commas, quotes only where they are needed.

    Args:
        columns: Their order. Without it, the columns of the first row. A row may lack some, and has no others.
        quote_all: Quote every cell.

    Raises:
        BadValue: A value or a column that cannot be sent, with its row and column.
    """
    source = iter(rows)
    if columns is None:
        first = next(source, None)
        if first is None:
            return
        columns = [name for name, _ in flat(first, 0)]
        source = chain([first], source)
    names = tuple(columns)
    if not names or len(set(names)) != len(names):
        raise UsageError("CSV needs at least one column, and each only once. Nothing was sent.")
    record = _quoted_record if quote_all else record_writer(Dialect())
    cells = _Cells(names)
    held = [record(names)]
    size = len(held[0])
    first_held = -1  # the header
    for number, row in enumerate(source):
        values = cells.of(row, number)
        try:
            line = record(values)
        except TypeError:  # from str.join: not all of them are text
            line = record(cells.converted(values, row, number))
        held.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield _encoded(held, first_held)
            held, size, first_held = [], 0, number + 1
    if held:
        yield _encoded(held, first_held)


class _Cells:
    """Takes the values of the columns out of rows."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._known = frozenset(columns)
        self._width = len(columns)
        only = columns[0]
        self._pick: Callable[[Any], tuple[Any, ...]] = (
            itemgetter(*columns) if len(columns) > 1 else lambda row: (row[only],)
        )

    def of(self, row: Mapping[str, Any], number: int) -> tuple[Any, ...]:
        # As many keys as columns, and every column among them: then there is no other key.
        if len(row) == self._width and type(row) is dict:
            try:
                return self._pick(row)
            except KeyError:
                pass
        return self._looked_up(row, number)

    def _looked_up(self, row: Mapping[str, Any], number: int) -> tuple[Any, ...]:
        given = dict(row) if is_flat(row) else dict(flat(row, number))
        if not self._known.issuperset(given):
            column = next(name for name in given if name not in self._known)
            if given[column] is not None or not any(name.startswith(f"{column}.") for name in self._known):
                raise BadValue(
                    f"Row {number} has a column {column!r} that the header does not have. "
                    "Name all columns with columns=. The batch was not sent.",
                    row=number,
                    column=str(column),
                )
        return tuple([given.get(name) for name in self._columns])

    def converted(self, values: tuple[Any, ...], row: Mapping[str, Any], number: int) -> list[str]:
        """The values as text. A parent given as a dict is spread over its columns first."""
        if not PLAIN_TYPES.issuperset(map(type, values)) and not is_flat(row):
            values = self._looked_up(row, number)
        return [
            value if type(value) is str else "" if value is None else _cell(value, number, column)
            for value, column in zip(values, self._columns, strict=True)
        ]


def _cell(value: Any, number: int, column: str) -> str:
    return NULL_CELL if value is CLEAR else text_of(value, number, column)


def _quoted_record(cells: Sequence[str]) -> str:
    text = '","'.join(cells)
    if text.count('"') != 2 * (len(cells) - 1):
        text = '","'.join([cell.replace('"', '""') for cell in cells])
    return f'"{text}"\n'


def _encoded(lines: list[str], first: int) -> bytes:
    """The lines as bytes; *first* is the row number of the first of them, -1 for the header."""
    try:
        return "".join(lines).encode("utf-8")
    except UnicodeEncodeError:
        for number, line in enumerate(lines, first):
            try:
                line.encode("utf-8")
            except UnicodeEncodeError as error:
                where = "The header" if number < 0 else f"Row {number}"
                raise BadValue(
                    f"{where} holds half of a surrogate pair, which is no character. The batch was not sent.",
                    row=None if number < 0 else number,
                ) from error
        raise

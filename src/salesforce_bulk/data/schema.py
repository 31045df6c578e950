"""The header of a result and the org's describe -> typed columns.

=========== ================================== ================================ ===================
type        describe ``type``                  Python                           Arrow
=========== ================================== ================================ ===================
TEXT        everything else, and the unknown   ``str``                          string
BOOLEAN     boolean                            ``bool``                         bool
INTEGER     int, long                          ``int``                          int64
DOUBLE      double, currency, percent          ``float``; ``Decimal`` where a   float64
                                               float would lose a digit
DATE        date                               ``date``                         date32
DATETIME    datetime                           ``datetime``, aware, in UTC      timestamp[ms, UTC]
TIME        time                               ``time``, naive                  time32[ms]
=========== ================================== ================================ ===================

An empty cell is null in every type: the org keeps no empty strings, and writes null so. A value that is not of its
column's type is never bent into it; what happens then stands in :mod:`.typed` (rows) and :mod:`.arrow` (columns).

**Numbers.** On the wire ``double``, ``currency`` and ``percent`` are all ``xsd:double``, so float64 is the type that was
sent, and it is what frames compute with. Their declared precision and scale are no use for a type: currency fields say
18 digits whatever they hold, and formulas show more decimals than their scale. Instead each value is checked: it fits
when the float gives the text's number back, written in the fewest digits that identify it (``repr``), or in as many
digits as the text has. That holds for all numbers of up to 15 digits, and for every text that was made from a double.

**Integers** may come as ``47.0`` or ``4.7E1`` (field notes, 49). They are 64 bits wide in Arrow also where the field
has 32: a wider column cannot overflow when a describe is wrong.

**Datetimes** end in ``Z`` or ``+0000``, depending on the API. Milliseconds hold every year from 1 to 9999; nanoseconds,
the habit of some frames, end in 2262, and the org takes 4000.

**Base64** is text, as it was sent: bodies are no part of a bulk query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from ..frozen import frozen


class ColumnType(Enum):
    """What the values of a column are. See the table of this module."""

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    DOUBLE = "double"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"

    def __repr__(self) -> str:
        return f"ColumnType.{self.name}"


@frozen
class Column:
    """A column of a result: its name as the header has it, and the type of its values."""

    name: str
    type: ColumnType = ColumnType.TEXT


#: Typed columns, or how to find them once the header is known.
Columns = Sequence[Column] | Callable[[Sequence[str]], Sequence[Column]]
Describe = Mapping[str, Any]

_TYPES: Final = {
    "boolean": ColumnType.BOOLEAN,
    "int": ColumnType.INTEGER,
    "long": ColumnType.INTEGER,
    "double": ColumnType.DOUBLE,
    "currency": ColumnType.DOUBLE,
    "percent": ColumnType.DOUBLE,
    "date": ColumnType.DATE,
    "datetime": ColumnType.DATETIME,
    "time": ColumnType.TIME,
}


def _unknown(name: str) -> Describe | None:
    del name
    return None


def columns_for(
    header: Sequence[str],
    describe: Describe | None,
    describe_of: Callable[[str], Describe | None] = _unknown,
) -> tuple[Column, ...]:
    """The columns of a result with this *header*, typed as the org describes them.

    Names are compared without regard to case. ``Owner.Name`` is looked up in the parent's own describe; where the parent
    may be one of several objects, all of them must give the field the same type. What cannot be found (an alias, an
    aggregate, a hidden field) is text.

    Args:
        header: The names as the result has them; the columns bear the same.
        describe: The describe call's answer for the object of the query; None makes every column text.
        describe_of: The same for another object, by its API name; asked only for the parents that the header names,
            once each. None: not known.
    """
    if describe is None:
        return text_columns(header)
    known: dict[str, Describe | None] = {}

    def parent(name: str) -> Describe | None:
        if name not in known:
            known[name] = describe_of(name)
        return known[name]

    return tuple(Column(name, _type_of(name.split("."), [describe], parent)) for name in header)


def text_columns(header: Sequence[str]) -> tuple[Column, ...]:
    """Every column as text."""
    return tuple(Column(name) for name in header)


def as_text(columns: Iterable[Column], names: Iterable[str]) -> tuple[Column, ...]:
    """The columns, those of these *names* turned into text."""
    wanted = set(names)
    return tuple(replace(column, type=ColumnType.TEXT) if column.name in wanted else column for column in columns)


def columns_of(columns: Columns, header: Sequence[str]) -> tuple[Column, ...]:
    """*columns* for this *header*, whichever way they were given."""
    return tuple(columns(header)) if callable(columns) else tuple(columns)


def _type_of(path: Sequence[str], objects: Sequence[Describe], parent: Callable[[str], Describe | None]) -> ColumnType:
    for step in path[:-1]:
        targets: list[str] = []
        for describe in objects:
            field = _field(describe, "relationshipName", step)
            if field is None or not field.get("referenceTo"):
                return ColumnType.TEXT
            targets += field["referenceTo"]
        found = [parent(name) for name in dict.fromkeys(targets)]
        objects = [describe for describe in found if describe is not None]
        if len(objects) < len(found):
            return ColumnType.TEXT
    fields = [_field(describe, "name", path[-1]) for describe in objects]
    types = {
        ColumnType.TEXT if field is None else _TYPES.get(field.get("type", ""), ColumnType.TEXT) for field in fields
    }
    return types.pop() if len(types) == 1 else ColumnType.TEXT


def _field(describe: Describe, attribute: str, name: str) -> Mapping[str, Any] | None:
    wanted = name.lower()
    fields: Sequence[Mapping[str, Any]] = describe.get("fields") or ()
    return next((field for field in fields if str(field.get(attribute) or "").lower() == wanted), None)

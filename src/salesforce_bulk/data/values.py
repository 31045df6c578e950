"""One value of a row -> the text the API takes for it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from ..errors import BadValue
from ..records import CLEAR


def _integer(value: int) -> str:
    return int.__repr__(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("it is not a finite number")
    # The shortest text that gives the same number; "1e+16" is the XML Schema notation that the guide allows.
    return float.__repr__(value)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError("it is not a finite number")
    return format(value, "f")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _date(value: date) -> str:
    return value.isoformat()


def _datetime(value: datetime) -> str:
    if value.utcoffset() is None:
        raise ValueError("it is a datetime without a time zone; the org would have to guess it")
    # Guide, "Valid Date Format in Records": milliseconds are the finest there is.
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _time(value: time) -> str:
    if value.utcoffset():
        raise ValueError("it is a time with an offset; the org keeps times in UTC")
    return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


#: By exact type; the subclasses are found below.
_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    str: str,
    int: _integer,
    float: _float,
    Decimal: _decimal,
    bool: _boolean,
    date: _date,
    datetime: _datetime,
    time: _time,
}
#: Types of which no value is a parent.
PLAIN_TYPES: Final = frozenset((*_TEXTS, type(None), type(CLEAR)))
#: Narrow before wide: a bool is an int, a datetime is a date.
_ORDER: Final = (str, bool, int, float, Decimal, datetime, date, time)


def kind_of(value: object) -> type | None:
    """Which of the types we can send *value* is; None: none of them."""
    kind = type(value)
    if kind in _TEXTS:
        return kind
    return next((known for known in _ORDER if isinstance(value, known)), None)


def text_of(value: Any, row: int, column: str) -> str:
    """The text of *value*.

    Raises:
        BadValue: The API cannot carry it. The message names its type, never the value.
    """
    kind = type(value) if type(value) in _TEXTS else kind_of(value)
    if kind is None:
        hint = " Attachments travel in a ZIP batch." if isinstance(value, bytes | bytearray | memoryview) else ""
        raise bad_value(value, row, column, f"this type has no form in the API.{hint}")
    try:
        return _TEXTS[kind](value)
    except (ValueError, OverflowError) as error:
        raise bad_value(value, row, column, f"{error}.") from error


def bad_value(value: object, row: int, column: str, why: str) -> BadValue:
    """The error for a value, or for the name of a column."""
    return BadValue(
        f"Row {row}, column {column!r}: a {type(value).__name__} that cannot be sent, because {why} "
        "The batch was not sent.",
        row=row,
        column=column,
    )

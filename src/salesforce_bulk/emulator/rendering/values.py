"""How values are written: as text in CSV and XML, in JSON, and numbers in the two ways that are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ..soql import Column


def text_of(column: Column) -> Callable[[Any], str]:
    """How a value of that column is written in CSV and XML."""
    match column.type:
        case "boolean":
            return lambda value: "true" if value else "false"
        case "double" | "currency" | "percent":
            return number
        case "datetime":
            return moment
        case "time":
            return time_of_day
        case "int" | "long":
            return lambda value: str(int(value))
        case _:
            return str


def json_value(column: Column) -> Callable[[Any], Any]:
    """How a value of that column is written in JSON: datetimes as they are stored, in milliseconds since 1970."""
    match column.type:
        case "boolean":
            return bool
        case "double" | "currency" | "percent":
            return float
        case "time":
            return time_of_day
        case _:
            return lambda value: value


def rest_value(column: Column) -> Callable[[Any], Any]:
    """The same in the JSON of REST, where datetimes are text."""
    if column.type == "datetime":
        return lambda value: moment(value).replace("Z", "+0000")
    return json_value(column)


def number(value: float) -> str:
    """With a decimal point and without an exponent: ``125000.0``. (Exponents are plausible from 1e7 on: FIDELITY.md.)"""
    text = repr(float(value))
    if "e" not in text:
        return text
    plain = format(Decimal(text), "f")
    return plain if "." in plain else f"{plain}.0"


def java_double(value: float) -> str:
    """As Java's ``Double.toString`` has it: ``9.12260031E8``, ``12.5``, ``1.0E-5``; plain from 0.001 up to 10,000,000,
    else with one digit before the point."""
    size = abs(value)
    if 1e-3 <= size < 1e7 or size == 0:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{exponent + len(digits) - 1}"


@lru_cache(maxsize=4_096)
def moment(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1_000)
    if 0 <= seconds < 253_402_300_800:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
    days, second = divmod(seconds, 86_400)
    return f"{datetime.fromordinal(719_163 + days):%Y-%m-%d}T{time_of_day(second * 1_000)[:8]}.{rest:03d}Z"


def time_of_day(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}Z"

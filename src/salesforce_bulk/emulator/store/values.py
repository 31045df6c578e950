"""From a cell of a batch to a value of the database: one converter per column, made once per plan.

Sources: bulk-api-1.md 6.1 and 6.5 (scalars), 12.3 (errors), field-notes.md B 4.3 (the deserialize text). What no
source says is listed in FIDELITY.md.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Final, NoReturn

from .. import ids
from ..schema import Field, SObject
from ..schema.describe import soap_type


class Marker(Enum):
    MISSING = "MISSING"
    NULL = "NULL"


#: An empty cell, an absent element: leave the field alone.
MISSING: Final = Marker.MISSING
#: ``#N/A``, ``xsi:nil``, ``null``: empty the field.
NULL: Final = Marker.NULL

Cell = Marker | str | bool | int | float | bytes
SqlValue = str | int | float | bytes | None
#: Takes any cell but a marker. Raises `Refused`.
Converter = Callable[[Cell], SqlValue]


@dataclass(frozen=True, slots=True)
class RowError:
    code: str
    message: str
    fields: tuple[str, ...] = ()


class Refused(Exception):
    """A row the org does not accept. *unreadable*: a value is not of the field's type at all, and fails a JSON batch whole."""

    def __init__(self, error: RowError, *, unreadable: bool = False) -> None:
        super().__init__(error.message)
        self.error = error
        self.unreadable = unreadable


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_BOOLEANS: Final = {"true": 1, "false": 0, "1": 1, "0": 0}
#: As in XML Schema: no thousands separators, no currency sign. NaN and INF exist there, but not in the database.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
_DATETIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,3}))?Z?")
_EMAIL: Final = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s.,;<>()\"]+")
_INT32: Final = 2**31
#: Beyond every field, and still a float.
_HUGE: Final = 10**300


def converter(field: Field, column: int, prefixes: frozenset[str] = frozenset()) -> Converter:
    """The converter of *field* in column number *column*. *prefixes*: what an id may begin with; empty means anything."""
    match field.type:
        case "boolean":
            return _boolean(field, column)
        case "int" | "long":
            return _integer(field, column)
        case "double" | "currency" | "percent":
            return _number(field, column)
        case "date":
            return _date(field, column)
        case "datetime":
            return _datetime(field, column)
        case "time":
            return _time(field, column)
        case "id" | "reference":
            return _id(field, prefixes)
        case "base64":
            return _base64(field, column)
        case _:
            return _text(field, column)


def unreadable(field: Field, column: int, cell: Cell) -> NoReturn:
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    reason = f"'{text}' is not a valid value for the type {soap_type(field)}"
    message = f"Failed to deserialize field at col {column}. Due to, {reason}"
    raise Refused(RowError("INVALID_FIELD", message, (field.name,)), unreadable=True)


def _refuse(code: str, message: str, field: Field) -> NoReturn:
    raise Refused(RowError(code, message, (field.name,)))


def _text(field: Field, column: int) -> Converter:
    check = _text_rule(field)
    limit = field.length or None

    def convert(cell: Cell) -> SqlValue:
        if not isinstance(cell, str):
            unreadable(field, column, cell)
        if limit is not None and len(cell) > limit:
            message = f"{field.label}: data value too large: {cell} (max length={limit})"
            _refuse("STRING_TOO_LONG", message, field)
        if not cell.isascii():
            cell = _without_surrogates(cell)
        if check is not None and cell:
            check(cell)
        return cell or None  # there are no empty strings in the database

    return convert


def _without_surrogates(text: str) -> str:
    """JSON can spell half a surrogate pair, which no UTF-8 database can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _text_rule(field: Field) -> Callable[[str], None] | None:
    def email(text: str) -> None:
        if not _EMAIL.fullmatch(text):
            _refuse("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field)

    def picklist(text: str) -> None:
        for value in text.split(";") if field.type == "multipicklist" else (text,):
            if value not in allowed:
                message = f"bad value for restricted picklist field: {value}"
                _refuse("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field)

    if field.type == "email":
        return email
    if field.restricted_picklist and field.picklist_values:
        allowed = frozenset(field.picklist_values)
        return picklist
    return None


def _boolean(field: Field, column: int) -> Converter:
    def convert(cell: Cell) -> SqlValue:
        if isinstance(cell, bool):
            return int(cell)
        value = _BOOLEANS.get(cell.lower()) if isinstance(cell, str) else None
        if value is None:
            unreadable(field, column, cell)
        return value

    return convert


def _integer(field: Field, column: int) -> Converter:
    beyond = 10**field.digits if field.digits else 10**18
    bound = _INT32 if field.type == "int" else 2**63

    def convert(cell: Cell) -> SqlValue:
        if isinstance(cell, str) and _INTEGER.fullmatch(cell):
            value = int(cell)
        elif isinstance(cell, int) and not isinstance(cell, bool):
            value = cell
        else:
            unreadable(field, column, cell)
        if not -bound <= value < bound:
            unreadable(field, column, cell)
        if not -beyond < value < beyond:
            _out_of_range(field, str(cell))
        return value

    return convert


def _number(field: Field, column: int) -> Converter:
    beyond = 10.0 ** (field.precision - field.scale) if field.precision else 1e18

    def convert(cell: Cell) -> SqlValue:
        if isinstance(cell, str):
            if not _NUMBER.fullmatch(cell):
                unreadable(field, column, cell)
            value = float(cell)
        elif isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell:  # JSON can spell NaN
            value = cell if isinstance(cell, float) else float(min(max(cell, -_HUGE), _HUGE))
        else:
            unreadable(field, column, cell)
        if not -beyond < value < beyond:
            _out_of_range(field, str(cell))
        return value

    return convert


def _out_of_range(field: Field, text: str) -> NoReturn:
    message = f"{field.label}: value outside of valid range on numeric field: {text}"
    _refuse("NUMBER_OUTSIDE_VALID_RANGE", message, field)


def _date(field: Field, column: int) -> Converter:
    def convert(cell: Cell) -> SqlValue:
        found = _DATE.fullmatch(cell) if isinstance(cell, str) else None
        if found is None:
            unreadable(field, column, cell)
        try:
            date.fromisoformat(found[1])
        except ValueError:
            unreadable(field, column, cell)
        return found[1]

    return convert


def _datetime(field: Field, column: int) -> Converter:
    def convert(cell: Cell) -> SqlValue:
        if not isinstance(cell, str) or not _DATETIME.fullmatch(cell):
            unreadable(field, column, cell)
        try:
            moment = datetime.fromisoformat(cell)
            return (moment - _EPOCH) // _MILLISECOND
        except (ValueError, OverflowError):
            unreadable(field, column, cell)

    return convert


def _time(field: Field, column: int) -> Converter:
    def convert(cell: Cell) -> SqlValue:
        found = _TIME.fullmatch(cell) if isinstance(cell, str) else None
        if found is None:
            unreadable(field, column, cell)
        hours, minutes, seconds, fraction = found.groups("0")
        return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))

    return convert


def _id(field: Field, prefixes: frozenset[str]) -> Converter:
    seen: dict[str, str] = {}  # most references of a batch are to a few parents
    # As recorded: another object's id is MALFORMED_ID in the Id field, FIELD_INTEGRITY_EXCEPTION in a lookup.
    wrong_object = "MALFORMED_ID" if field.type == "id" else "FIELD_INTEGRITY_EXCEPTION"

    def convert(cell: Cell) -> SqlValue:
        text = str(cell)
        known = seen.get(text)
        if known is not None:
            return known
        id18 = ids.normalise(text)
        if id18 is None:
            if len(text) in (15, 18) or text[:3] in prefixes:
                _refuse("MALFORMED_ID", f"{field.label}: id value of incorrect type: {text}", field)
            raise Refused(RowError("MALFORMED_ID", f"malformed id {text}"))
        if prefixes and id18[:3] not in prefixes:
            _refuse(wrong_object, f"{field.label}: id value of incorrect type: {text}", field)
        if len(seen) < _REMEMBERED:
            seen[text] = id18
        return id18

    return convert


#: Enough for the parents of a batch of 10,000 rows; a bound, so that a plan used for ever stays small.
_REMEMBERED: Final = 20_000


def _base64(field: Field, column: int) -> Converter:
    def convert(cell: Cell) -> SqlValue:
        if isinstance(cell, bytes):
            return cell
        try:
            return base64.b64decode(cell, validate=True) if isinstance(cell, str) else unreadable(field, column, cell)
        except ValueError:  # binascii.Error, or letters that are not ASCII
            unreadable(field, column, cell)

    return convert


def null_error(field: Field) -> RowError | None:
    """Why *field* cannot be emptied whatever the record, or None."""
    if field.type == "boolean":
        message = f"{field.label}: value not of required type: "
        return RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (field.name,))
    return None


def id_prefixes(targets: list[SObject | None]) -> frozenset[str]:
    """What ids of *targets* begin with; empty (anything) when the schema does not know one of them."""
    return frozenset(t.key_prefix for t in targets if t) if all(targets) else frozenset()

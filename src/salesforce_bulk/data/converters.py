"""The text of a column -> Python values, a block of cells at a time. The one place that says which texts fit which type.

Each type has two ways. The quick one takes a whole block when a look at all its characters at once proves that the plain
Python constructor means by them what we mean (``float`` also takes ``nan`` and ``1_0``, ``fromisoformat`` week dates). The
careful one takes a single text, and is the definition. Other readers (:mod:`.arrow`) must agree with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from .schema import ColumnType

#: The cells of one column; an empty one is "" or None.
Cells = Sequence[str | None]
Converter = Callable[[str], Any]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?)?)(Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
)
_TIME: Final = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?)(?:Z|\+00:?00)?")
#: Every number of so many digits goes through a float unchanged (IEEE 754 double: DBL_DIG).
FLOAT_DIGITS: Final = 15
_INT64: Final = range(-(2**63), 2**63)


class DoesNotFit(ValueError):
    """A text that is no value of its column's type."""


def boolean(text: str) -> bool:
    if text == "true":
        return True
    if text == "false":
        return False
    raise DoesNotFit


def integer(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise DoesNotFit
    exact = Decimal(text)
    # Before int(): the exponent is bounded by the pattern, but 1E9999 is still a long number.
    if exact.adjusted() > 19:
        raise DoesNotFit
    value = int(exact)
    if value != exact or value not in _INT64:
        raise DoesNotFit
    return value


def double(text: str) -> float:
    """The float that holds *text* without loss. See :mod:`.schema`, "Numbers"."""
    if _NUMBER.fullmatch(text) is None:
        raise DoesNotFit
    value = float(text)
    exact = Decimal(text)
    if exact.is_zero():
        return value
    if value in (0.0, float("inf"), float("-inf")):
        raise DoesNotFit
    # As Python writes it, in the fewest digits that tell it from its neighbours; or in as many digits as the text has.
    if Decimal(repr(value)) != exact and Decimal(format(value, f".{len(exact.as_tuple().digits) - 1}e")) != exact:
        raise DoesNotFit
    return value


def number(text: str) -> float | Decimal:
    """The float that holds *text*, or the decimal when none does."""
    try:
        return double(text)
    except DoesNotFit:
        if _NUMBER.fullmatch(text) is None:
            raise
        return Decimal(text)


def date_(text: str) -> date:
    if _DATE.fullmatch(text) is None:
        raise DoesNotFit
    day: date = _made(date.fromisoformat, text)
    return day


def datetime_(text: str) -> datetime:
    """Aware, in UTC."""
    found = _DATETIME.fullmatch(text)
    # 24:00 is the next day's midnight to newer Pythons, and nothing to older ones.
    if found is None or found[2].startswith("24"):
        raise DoesNotFit
    day, clock, zone = found.groups()
    moment: datetime = _made(datetime.fromisoformat, f"{day}T{clock}{zone}")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise DoesNotFit from None


def time_(text: str) -> time:
    """Naive: the ``Z`` that the org writes is decoration, its times belong to no day and no zone."""
    found = _TIME.fullmatch(text)
    if found is None or found[1].startswith("24"):
        raise DoesNotFit
    clock: time = _made(time.fromisoformat, found[1])
    return clock


def _made(make: Callable[[str], Any], text: str) -> Any:
    try:
        return make(text)
    except ValueError:
        raise DoesNotFit from None


#: What one text of each type is.
CONVERTERS: Final[dict[ColumnType, Converter]] = {
    ColumnType.TEXT: str,
    ColumnType.BOOLEAN: boolean,
    ColumnType.INTEGER: integer,
    ColumnType.DOUBLE: double,
    ColumnType.DATE: date_,
    ColumnType.DATETIME: datetime_,
    ColumnType.TIME: time_,
}


def values(cells: Cells, type_: ColumnType) -> list[Any]:
    """The values of *cells*, None for the empty ones.

    Raises:
        DoesNotFit: A text is no value of that type.
    """
    if type_ is ColumnType.TEXT:
        return [cell or None for cell in cells]
    quick = _QUICK[type_](cells)
    if quick is not None:
        return quick
    convert = CONVERTERS[type_]
    return [convert(cell) if cell else None for cell in cells]


def lenient_values(cells: Cells, type_: ColumnType) -> tuple[list[Any], int]:
    """The values of *cells*, and how many did not fit: a number that is no float is a ``Decimal``, else it is the text."""
    try:
        return values(cells, type_), 0
    except DoesNotFit:
        pass
    convert = CONVERTERS[type_]
    result: list[Any] = []
    misfits = 0
    for cell in cells:
        value: Any = None
        if cell:
            try:
                value = convert(cell)
            except DoesNotFit:
                misfits += 1
                value = _instead(cell, type_)
        result.append(value)
    return result, misfits


def _instead(text: str, type_: ColumnType) -> Any:
    if type_ is ColumnType.DOUBLE:
        try:
            return number(text)
        except DoesNotFit:
            pass
    return text


# The quick ways: None when the proof fails, which says nothing yet.

_BOOLEANS: Final = {"true": True, "false": False, "": None, None: None}
_DIGITS: Final = re.compile(r"[0-9]*")
_PLAIN: Final = re.compile(r"[-.0-9]*")


def _lengths(cells: Cells) -> set[int]:
    return set(map(len, filter(None, cells)))


def _joined(cells: Cells) -> str:
    return "".join(filter(None, cells))


def _quick_booleans(cells: Cells) -> list[Any] | None:
    try:
        return [_BOOLEANS[cell] for cell in cells]
    except KeyError:
        return None


def _quick_integers(cells: Cells) -> list[Any] | None:
    plain: Iterator[str] = (cell.removesuffix(".0") for cell in cells if cell)
    if max(_lengths(cells), default=0) > 18 or _DIGITS.fullmatch("".join(plain)) is None:
        return None
    # A cell of ".0" alone leaves nothing; int() refuses it, and the careful way decides.
    try:
        return [int(cell.removesuffix(".0")) if cell else None for cell in cells]
    except ValueError:
        return None


def _quick_doubles(cells: Cells) -> list[Any] | None:
    if max(_lengths(cells), default=0) > FLOAT_DIGITS or _PLAIN.fullmatch(_joined(cells)) is None:
        return None
    try:
        return [float(cell) if cell else None for cell in cells]
    except ValueError:
        return None


def _quick_dates(cells: Cells) -> list[Any] | None:
    if not _is_shaped(cells, "0000-00-00"):
        return None
    try:
        return [date.fromisoformat(cell) if cell else None for cell in cells]
    except ValueError:
        return None


def _quick_datetimes(cells: Cells) -> list[Any] | None:
    if not _is_shaped(cells, "0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00.000+0000"):
        return None
    try:
        return [datetime.fromisoformat(cell) if cell else None for cell in cells]
    except ValueError:
        return None


#: Every digit as 0; what is no ASCII digit stays what it is.
_SHAPE: Final = str.maketrans("123456789", "000000000")


def _is_shaped(cells: Cells, *shapes: str) -> bool:
    """Whether all cells have one and the same of these *shapes*, in UTC, and nothing happens at 24 o'clock."""
    lengths = _lengths(cells)
    if len(lengths) != 1:
        return not lengths
    length = lengths.pop()
    joined = _joined(cells)
    shape = joined.translate(_SHAPE)
    count = len(joined) // length
    return (
        "T24" not in joined
        and joined.count("+") == joined.count("+0000")
        and any(length == len(wanted) and shape == wanted * count for wanted in shapes)
    )


def _no_quick_way(cells: Cells) -> None:
    del cells


_QUICK: Final[dict[ColumnType, Callable[[Cells], list[Any] | None]]] = {
    ColumnType.BOOLEAN: _quick_booleans,
    ColumnType.INTEGER: _quick_integers,
    ColumnType.DOUBLE: _quick_doubles,
    ColumnType.DATE: _quick_dates,
    ColumnType.DATETIME: _quick_datetimes,
    ColumnType.TIME: _no_quick_way,
}

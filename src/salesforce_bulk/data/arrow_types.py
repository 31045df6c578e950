"""The types of columns in Arrow, and a column of text turned into one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from .arrow_values import double_scalar, int_scalar, text_scalar
from .converters import FLOAT_DIGITS, DoesNotFit, double, values
from .extras import pyarrow
from .schema import Column, ColumnType

_WHAT: Final = "An Arrow table"


def arrow_schema(columns: Sequence[Column]) -> Any:
    """The ``pyarrow.Schema`` of these columns; every field may be null, whatever describe says (field notes, 51)."""
    pa = pyarrow(_WHAT)
    return pa.schema([pa.field(column.name, arrow_type(column.type)) for column in columns])


def arrow_type(type_: ColumnType) -> Any:
    """The ``pyarrow.DataType`` of a column."""
    pa = pyarrow(_WHAT)
    return {
        ColumnType.TEXT: pa.string,
        ColumnType.BOOLEAN: pa.bool_,
        ColumnType.INTEGER: pa.int64,
        ColumnType.DOUBLE: pa.float64,
        ColumnType.DATE: pa.date32,
        ColumnType.DATETIME: lambda: pa.timestamp("ms", "UTC"),
        ColumnType.TIME: lambda: pa.time32("ms"),
    }[type_]()


def typed_array(texts: Any, type_: ColumnType) -> Any:
    """An Arrow array of strings as one of *type_*.

    Arrow's own casts where they are proved to mean what :mod:`.converters` means; else its converters, value by value.

    Raises:
        DoesNotFit: A text is no value of that type.
    """
    pa = pyarrow(_WHAT)
    quick = _QUICK.get(type_)
    if quick is not None:
        try:
            found = quick(pa, pyarrow(_WHAT, "pyarrow.compute"), texts)
        except pa.ArrowInvalid:
            found = None
        if found is not None:
            return found
    return pa.array(values(texts.to_pylist(), type_), arrow_type(type_))


# The quick ways: None, or ArrowInvalid, when the proof fails, which says nothing yet. Aggregates pass over nulls.


def _quick_booleans(pa: Any, pc: Any, texts: Any) -> Any:
    del pa
    true = pc.equal(texts, text_scalar("true"))
    return true if pc.all(pc.or_(true, pc.equal(texts, text_scalar("false"))), min_count=0).as_py() else None


def _quick_integers(pa: Any, pc: Any, texts: Any) -> Any:
    # The cast alone would take "0x1F".
    if pc.all(pc.ascii_is_decimal(texts), min_count=0).as_py():
        return texts.cast(pa.int64())
    try:
        floats = _quick_doubles(pa, pc, texts)
    except DoesNotFit:
        return None  # no float holds it; an integer may
    # Up to here every float is the integer that was written, and the cast refuses what is none.
    if floats is None or (pc.max(pc.abs(floats)).as_py() or 0) >= 2**53:
        return None
    return floats.cast(pa.int64())


def _quick_doubles(pa: Any, pc: Any, texts: Any) -> Any:
    floats = texts.cast(pa.float64())
    # "nan" and "inf" are numbers to the cast, and so is 1E999.
    if not pc.all(pc.is_finite(floats), min_count=0).as_py():
        return None
    long = pc.greater(pc.binary_length(texts), int_scalar(FLOAT_DIGITS))
    # Near zero digits get lost; but most often it is a plain 0.0.
    tiny = pc.less(pc.abs(floats), double_scalar(_TINY))
    doubtful = pc.or_(long, tiny)
    if pc.any(doubtful, min_count=0).as_py():
        for text in texts.filter(doubtful).unique().to_pylist():
            double(text)
    return floats


#: Above this a double has all its 53 bits.
_TINY: Final = 1e-300


def _quick_dates(pa: Any, pc: Any, texts: Any) -> Any:
    days = texts.cast(pa.date32())
    # There is a year 0 in Arrow and none in Python.
    return days if (pc.min(days.cast(pa.int32())).as_py() or 0) >= _FIRST_DAY else None


def _quick_datetimes(pa: Any, pc: Any, texts: Any) -> Any:
    moments = texts.cast(arrow_type(ColumnType.DATETIME))
    ends = pc.min_max(moments.cast(pa.int64())).as_py()
    return moments if _FIRST_MS <= (ends["min"] or 0) and (ends["max"] or 0) <= _LAST_MS else None


_EPOCH: Final = date(1970, 1, 1)
_FIRST_DAY: Final = (date.min - _EPOCH).days
_FIRST_MS: Final = _FIRST_DAY * 86_400_000
_LAST_MS: Final = ((date.max - _EPOCH).days + 1) * 86_400_000 - 1

_QUICK: Final[dict[ColumnType, Callable[[Any, Any, Any], Any]]] = {
    ColumnType.BOOLEAN: _quick_booleans,
    ColumnType.INTEGER: _quick_integers,
    ColumnType.DOUBLE: _quick_doubles,
    ColumnType.DATE: _quick_dates,
    ColumnType.DATETIME: _quick_datetimes,
}

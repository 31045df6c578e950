"""CSV as the org writes it, and how it spells the values of each type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from cuts import TEXTS
from hypothesis import strategies as st

from salesforce_bulk.data.schema import Column, ColumnType


def quoted(rows: Sequence[Sequence[str]]) -> bytes:
    """Every cell quoted, quotes doubled, LF."""
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows).encode()


def spelled_integer(draw: st.DrawFn) -> tuple[str, int]:
    value = draw(st.integers(-(2**63), 2**63 - 1) | st.integers(-1000, 1000))
    forms = [str(value), f"{value}.0"]
    if value and value % 10 == 0:
        forms.append(f"{value // 10}E1")
    return draw(st.sampled_from(forms)), value


def spelled_double(draw: st.DrawFn) -> tuple[str, float]:
    value = draw(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.decimals(-(10**9), 10**9, places=2).map(float)
        | st.integers(-(10**6), 10**6).map(float)
    )
    plain = format(Decimal(repr(value)), "f")
    forms = [repr(value), repr(value).replace("e", "E"), f"{value:.16E}", plain]
    return draw(st.sampled_from(forms)), value


def spelled_date(draw: st.DrawFn) -> tuple[str, date]:
    value = draw(st.dates())
    return value.isoformat(), value


def spelled_datetime(draw: st.DrawFn) -> tuple[str, datetime]:
    """All four digits of a year, and three of a second; Z, +0000, or an offset."""
    value = draw(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
    value = value.replace(microsecond=value.microsecond // 1000 * 1000, tzinfo=UTC)
    minutes = draw(st.sampled_from([0, 0, 0, 60, -330, 765]))
    local = (
        value.astimezone(timezone(timedelta(minutes=minutes))).replace(tzinfo=None).isoformat(timespec="milliseconds")
    )
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    zone = draw(st.sampled_from(["Z", "+0000"])) if minutes == 0 else offset
    return local + zone, value


def spelled_time(draw: st.DrawFn) -> tuple[str, time]:
    value = draw(st.times())
    value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value.isoformat(timespec="milliseconds") + "Z", value


def spelled_boolean(draw: st.DrawFn) -> tuple[str, bool]:
    value = draw(st.booleans())
    return str(value).lower(), value


def spelled_text(draw: st.DrawFn) -> tuple[str, str | None]:
    value = draw(TEXTS)
    return value, value or None


SPELLED = {
    ColumnType.TEXT: spelled_text,
    ColumnType.BOOLEAN: spelled_boolean,
    ColumnType.INTEGER: spelled_integer,
    ColumnType.DOUBLE: spelled_double,
    ColumnType.DATE: spelled_date,
    ColumnType.DATETIME: spelled_datetime,
    ColumnType.TIME: spelled_time,
}


@st.composite
def spelled(draw: st.DrawFn, type_: ColumnType) -> tuple[str, Any]:
    """The org's text of a value, and the value; sometimes there is none."""
    return ("", None) if draw(st.integers(0, 9)) == 0 else SPELLED[type_](draw)


@st.composite
def results(draw: st.DrawFn) -> tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]]:
    """Typed columns, pages of rows of the org's texts, and the rows they stand for."""
    types = draw(st.lists(st.sampled_from(list(ColumnType)), min_size=1, max_size=4))
    columns = tuple(Column(f"Column {at},\n", type_) for at, type_ in enumerate(types))
    pages: list[list[list[str]]] = []
    rows: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 3))):
        page = []
        for _ in range(draw(st.integers(0, 5))):
            cells = [draw(spelled(type_)) for type_ in types]
            page.append([text for text, _ in cells])
            rows.append({column.name: value for column, (_, value) in zip(columns, cells, strict=True)})
        pages.append(page)
    return columns, pages, rows


def page(columns: Sequence[Column] | Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """One page: the header, then the rows."""
    header = [column.name if isinstance(column, Column) else column for column in columns]
    return quoted([header, *rows])


def as_first_sent(value: Any) -> Any:
    """*value* with what ``==`` does not see: its type, and the sign of a zero."""
    return (type(value), repr(value) if isinstance(value, float) else value)

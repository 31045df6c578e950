"""Date literals: a name, a count and the present -> a range of time.

SOQL reference, "Date Formats and Date Literals in WHERE". The local org lives in UTC, its weeks begin on Sunday (the
locale en_US) and its fiscal year is the calendar year.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_DAYS: Final = {
    "YESTERDAY": (-1, 0),
    "TODAY": (0, 1),
    "TOMORROW": (1, 2),
    "LAST_90_DAYS": (-90, 1),
    "NEXT_90_DAYS": (1, 91),
}
_UNIT: Final = r"(WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)"
_UNITS: Final = r"(DAY|WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)S"
_PLAIN: Final = re.compile(rf"(THIS|LAST|NEXT)_{_UNIT}")
_COUNTED: Final = re.compile(rf"(LAST|NEXT)_N_{_UNITS}|N_{_UNITS}_AGO")
_MONTHS: Final = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


@dataclass(frozen=True, slots=True)
class Range:
    """From *start* up to, but not including, *end*. ``now`` is the end of a range that stops at the present second."""

    start: date
    end: date
    now: datetime | None = None

    def dates(self) -> tuple[str, str]:
        return self.start.isoformat(), self.end.isoformat()

    def milliseconds(self) -> tuple[int, int]:
        end = milliseconds(self.now) // 1000 * 1000 + 1000 if self.now else _midnight(self.end)
        return _midnight(self.start), end


def is_literal(name: str) -> bool:
    """Whether *name* is a date literal that stands alone, like ``TODAY``."""
    name = name.upper()
    return name in _DAYS or _PLAIN.fullmatch(name) is not None


def is_counted_literal(name: str) -> bool:
    """Whether *name* is a date literal that takes a count, like ``LAST_N_DAYS:7``."""
    return _COUNTED.fullmatch(name.upper()) is not None


def literal_range(name: str, count: int | None, now: datetime) -> Range:
    """The range that a date literal means at *now*, which carries its time zone."""
    name = name.upper()
    now = now.astimezone(UTC)
    today = now.date()
    if name in _DAYS:
        return _span("DAY", today, *_DAYS[name])
    if plain := _PLAIN.fullmatch(name):
        first = {"LAST": -1, "THIS": 0, "NEXT": 1}[plain[1]]
        return _span(plain[2], today, first, first + 1)
    counted = _COUNTED.fullmatch(name)
    if counted is None or count is None:
        raise ValueError(f"not a date literal: {name}")
    if counted[1] == "NEXT":
        return _span(counted[2], today, 1, count + 1)
    if counted[1] == "LAST":
        if counted[2] == "DAY":  # the only one that reaches into today: "continues up to the current second"
            span = _span("DAY", today, -count, 1)
            return Range(span.start, span.end, now)
        return _span(counted[2], today, -count, 0)
    return _span(counted[3], today, -count, 1 - count)


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _midnight(day: date) -> int:
    return (day.toordinal() - EPOCH.toordinal()) * 86_400_000


def _span(unit: str, today: date, first: int, end: int) -> Range:
    unit = unit.removeprefix("FISCAL_")
    here = _index(unit, today)
    return Range(_start(unit, here + first), _start(unit, here + end))


def _index(unit: str, day: date) -> int:
    """The number of the period that holds *day*. Day 7 of the proleptic calendar was a Sunday."""
    if unit == "DAY":
        return day.toordinal()
    if unit == "WEEK":
        return day.toordinal() // 7
    return (day.year * 12 + day.month - 1) // _MONTHS[unit]


def _start(unit: str, index: int) -> date:
    """The first day of a period, held inside the years that a date can have."""
    if unit in _MONTHS:
        year, month = divmod(index * _MONTHS[unit], 12)
        return date.min if year < 1 else date.max if year > 9999 else date(year, month + 1, 1)
    ordinal = index * 7 if unit == "WEEK" else index
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))

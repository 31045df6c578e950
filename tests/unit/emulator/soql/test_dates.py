"""Date literals against a plain calendar: which days they hold, counted one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.emulator.soql.dates import Range, is_counted_literal, is_literal, literal_range

NOW = datetime(2026, 3, 4, 12, 30, 15, 250_000, tzinfo=UTC)  # a Wednesday

RANGES = {
    "YESTERDAY": ("2026-03-03", "2026-03-04"),
    "TODAY": ("2026-03-04", "2026-03-05"),
    "TOMORROW": ("2026-03-05", "2026-03-06"),
    "LAST_WEEK": ("2026-02-22", "2026-03-01"),
    "THIS_WEEK": ("2026-03-01", "2026-03-08"),
    "NEXT_WEEK": ("2026-03-08", "2026-03-15"),
    "LAST_MONTH": ("2026-02-01", "2026-03-01"),
    "THIS_MONTH": ("2026-03-01", "2026-04-01"),
    "NEXT_MONTH": ("2026-04-01", "2026-05-01"),
    "LAST_90_DAYS": ("2025-12-04", "2026-03-05"),
    "NEXT_90_DAYS": ("2026-03-05", "2026-06-03"),
    "THIS_QUARTER": ("2026-01-01", "2026-04-01"),
    "LAST_QUARTER": ("2025-10-01", "2026-01-01"),
    "NEXT_QUARTER": ("2026-04-01", "2026-07-01"),
    "THIS_YEAR": ("2026-01-01", "2027-01-01"),
    "LAST_YEAR": ("2025-01-01", "2026-01-01"),
    "NEXT_YEAR": ("2027-01-01", "2028-01-01"),
    "THIS_FISCAL_QUARTER": ("2026-01-01", "2026-04-01"),
    "LAST_FISCAL_QUARTER": ("2025-10-01", "2026-01-01"),
    "NEXT_FISCAL_QUARTER": ("2026-04-01", "2026-07-01"),
    "THIS_FISCAL_YEAR": ("2026-01-01", "2027-01-01"),
    "LAST_FISCAL_YEAR": ("2025-01-01", "2026-01-01"),
    "NEXT_FISCAL_YEAR": ("2027-01-01", "2028-01-01"),
    "LAST_N_DAYS:2": ("2026-03-02", "2026-03-05"),
    "NEXT_N_DAYS:2": ("2026-03-05", "2026-03-07"),
    "N_DAYS_AGO:2": ("2026-03-02", "2026-03-03"),
    "LAST_N_WEEKS:2": ("2026-02-15", "2026-03-01"),
    "NEXT_N_WEEKS:2": ("2026-03-08", "2026-03-22"),
    "N_WEEKS_AGO:2": ("2026-02-15", "2026-02-22"),
    "LAST_N_MONTHS:2": ("2026-01-01", "2026-03-01"),
    "NEXT_N_MONTHS:2": ("2026-04-01", "2026-06-01"),
    "N_MONTHS_AGO:14": ("2025-01-01", "2025-02-01"),
    "LAST_N_QUARTERS:2": ("2025-07-01", "2026-01-01"),
    "NEXT_N_QUARTERS:2": ("2026-04-01", "2026-10-01"),
    "N_QUARTERS_AGO:2": ("2025-07-01", "2025-10-01"),
    "LAST_N_YEARS:2": ("2024-01-01", "2026-01-01"),
    "NEXT_N_YEARS:2": ("2027-01-01", "2029-01-01"),
    "N_YEARS_AGO:2": ("2024-01-01", "2025-01-01"),
    "LAST_N_FISCAL_QUARTERS:2": ("2025-07-01", "2026-01-01"),
    "NEXT_N_FISCAL_QUARTERS:2": ("2026-04-01", "2026-10-01"),
    "N_FISCAL_QUARTERS_AGO:2": ("2025-07-01", "2025-10-01"),
    "LAST_N_FISCAL_YEARS:2": ("2024-01-01", "2026-01-01"),
    "NEXT_N_FISCAL_YEARS:2": ("2027-01-01", "2029-01-01"),
    "N_FISCAL_YEARS_AGO:2": ("2024-01-01", "2025-01-01"),
}


def ranged(literal: str, now: datetime = NOW) -> Range:
    name, _, count = literal.partition(":")
    return literal_range(name, int(count) if count else None, now)


@pytest.mark.parametrize("literal", RANGES)
def test_the_days_of_every_literal(literal):
    """The whole list of the SOQL reference, on one Wednesday."""
    name, _, count = literal.partition(":")

    assert ranged(literal).dates() == RANGES[literal]
    assert is_counted_literal(name) if count else is_literal(name)


def test_last_n_days_ends_with_the_present_second():
    """The one literal that reaches into today: "continues up to the current second"."""
    start, end = ranged("LAST_N_DAYS:1").milliseconds()

    assert start == datetime(2026, 3, 3, tzinfo=UTC).timestamp() * 1000
    assert end == datetime(2026, 3, 4, 12, 30, 16, tzinfo=UTC).timestamp() * 1000


def test_today_is_a_day_of_utc():
    """The clock's own zone does not matter."""
    evening = datetime(2026, 3, 4, 22, tzinfo=timezone(timedelta(hours=-8)))

    assert ranged("TODAY", evening).dates() == ("2026-03-05", "2026-03-06")


def test_no_count_leaves_the_calendar():
    """A huge count stops at the first or the last day that there is."""
    assert ranged("LAST_N_YEARS:999999999").dates()[0] == "0001-01-01"
    assert ranged("NEXT_N_WEEKS:999999999").dates()[1] == "9999-12-31"


def same_period(unit: str, day: date) -> object:
    """What the days of one period have in common."""
    match unit:
        case "DAY":
            return day
        case "WEEK":
            return day - timedelta(days=(day.weekday() + 1) % 7)
        case "MONTH":
            return day.year, day.month
        case "QUARTER":
            return day.year, (day.month - 1) // 3
        case _:
            return day.year


@given(
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]),
    st.integers(1, 6),
)
def test_periods_against_a_plain_calendar(today, unit, count):
    """N periods back or ahead: found by walking the calendar day by day."""

    def walk(day: date, periods: int, step: timedelta) -> date:
        for _ in range(periods):
            here = same_period(unit, day)
            while same_period(unit, day) == here:
                day += step
        return day

    one = timedelta(days=1)
    now = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    first_of_this = walk(today, 1, -one) + one
    first_of_next = walk(today, 1, one)
    earlier = walk(today, count, -one)
    first_of_earlier = walk(earlier, 1, -one) + one

    assert ranged(f"N_{unit}S_AGO:{count}", now).start == first_of_earlier
    assert ranged(f"N_{unit}S_AGO:{count}", now).end == walk(earlier, 1, one)
    assert ranged(f"LAST_N_{unit}S:{count}", now).start == first_of_earlier
    assert ranged(f"NEXT_N_{unit}S:{count}", now).start == first_of_next
    assert ranged(f"NEXT_N_{unit}S:{count}", now).end == walk(first_of_next, count, one)
    if unit != "DAY":
        assert ranged(f"THIS_{unit}", now).start == first_of_this
        assert ranged(f"LAST_N_{unit}S:{count}", now).end == first_of_this

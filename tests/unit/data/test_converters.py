"""The text of a column -> Python values."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from org_csv import as_first_sent, spelled

from salesforce_bulk.data.converters import CONVERTERS, DoesNotFit, lenient_values, values
from salesforce_bulk.data.schema import ColumnType
from salesforce_bulk.data.values import text_of

TYPED = [type_ for type_ in ColumnType if type_ is not ColumnType.TEXT]
#: Texts that are nearly values of some type, and that one constructor or another of Python would take.
NEARLY = st.sampled_from(
    [
        "NA",
        "NULL",
        "N/A",
        "#N/A",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "NaN",
        "1_000",
        "+5",
        "--5",
        "١",
        "1e5",
        "1E400",
        "1E-400",
        "1e-320",
        "0E0",
        "-0",
        "-0.0",
        ".5",
        "5.",
        ".",
        "-",
        "1.2.3",
        "0x1F",
        "1d",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "1E18",
        "1E19",
        "1.5E1",
        "9007199254740993",
        "9007199254740993.0",
        "123456789012E7",
        "0.1234567890123456789",
        "123456789012345678",
        "1E9999",
        "1E99999",
        "TRUE",
        "True",
        "1",
        "0",
        "t",
        "yes",
        "2026-11-02",
        "20261102",
        "2026-W01-1",
        "2026-2-3",
        "2026-02-30",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "10000-01-01",
        "-001-01-01",
        "2026-11-02T09:15:27.000Z",
        "2026-11-02T09:15:27.000+0000",
        "2026-11-02T09:15:27Z",
        "2026-11-02T09:15:27.1Z",
        "2026-11-02T09:15Z",
        "2026-11-02T09:15:27.123456Z",
        "2026-11-02T09:15:27.000",
        "2026-11-02T24:00:00.000Z",
        "2026-11-02T09:15:60.000Z",
        "2026-W01-1T09:15:27.000Z",
        "2026-11-02T091527.00000Z",
        "20261102T09:15:27.00000Z",
        "2026-11-02x09:15:27.000Z",
        "2026-11-02T09:15:27,000Z",
        "2026-11-02T09:24:00.000Z",
        "0001-01-01T00:00:00.000+0200",
        "9999-12-31T23:59:59.999-0200",
        "0000-01-01T00:00:00.000Z",
        "2026-11-02T09:15:27.000+9900",
        "2026-11-02T09:15:27.000+02",
        "2026-11-02T09:15:27.000+02:00",
        "2026-11-02T09:15:27.000+2359",
        "2026-11-02T09:15:27.000+2400",
        "2026-11-02T09:15:27.000+0060",
        "2026-11-02T09:15:27.Z",
        "4000-12-31T23:59:59.999Z",
        "1700-01-01T00:00:00.000Z",
        "2026-11-02T09Z",
        "09:15:27.000Z",
        "09:15:27.000",
        "09:15:27",
        "24:00:00.000Z",
        "09:24:00.000Z",
        "09:15:27.000+0000",
        "09:15:27.000+0100",
        "09:15",
    ]
) | st.sampled_from([" 1", "1 ", "1\n", "2026-11-02 09:15:27.000Z", "2026-11-02\n", "true ", "\x00", "1\x00", "\u2028"])


@given(st.sampled_from(TYPED).flatmap(lambda type_: st.tuples(st.just(type_), st.lists(spelled(type_), max_size=8))))
def test_the_orgs_text_gives_the_value(drawn: tuple[ColumnType, list[tuple[str, Any]]]) -> None:
    """Integers as 47, 47.0 and 4E1; doubles with and without an exponent; both zone spellings; an empty cell is None."""
    type_, cells = drawn
    found = values([text for text, _ in cells], type_)
    assert list(map(as_first_sent, found)) == [as_first_sent(value) for _, value in cells]


@given(st.sampled_from(TYPED).flatmap(lambda type_: st.tuples(st.just(type_), spelled(type_))))
def test_what_we_would_send_back_gives_the_value_again(drawn: tuple[ColumnType, tuple[str, Any]]) -> None:
    """Value -> the text of an upload -> value: what was read can be written and read again."""
    type_, (_, value) = drawn
    if value is not None:
        assert as_first_sent(values([text_of(value, 0, "x")], type_)[0]) == as_first_sent(value)


@given(st.sampled_from(TYPED), st.lists(NEARLY, min_size=1, max_size=3), st.booleans())
@example(ColumnType.DATETIME, ["2026-11-02T091527.00000Z", "2026-11-02T09:15:27.000Z"], False)
def test_the_quick_way_means_what_the_careful_way_means(type_: ColumnType, texts: list[str], doubled: bool) -> None:
    """A block gives what its cells give one by one, or does not fit when one of them does not."""
    if doubled:
        texts = [*texts, texts[0]]
    expected = []
    try:
        expected = [CONVERTERS[type_](text) for text in texts]
    except DoesNotFit:
        with pytest.raises(DoesNotFit):
            values(texts, type_)
    else:
        assert list(map(as_first_sent, values(texts, type_))) == list(map(as_first_sent, expected))


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        *((ColumnType.BOOLEAN, text) for text in ("1", "TRUE", "yes", " true", "NULL")),
        *(
            (ColumnType.INTEGER, text)
            for text in ("47.5", "9223372036854775808", "1E30", "0x1F", "1_0", "١", "", "NA")[:6]
        ),
        *((ColumnType.DOUBLE, text) for text in ("nan", "inf", "1E400", "1E-400", "1_0", " 1", "123456789012345678")),
        *((ColumnType.DATE, text) for text in ("20261102", "2026-W01-1", "2026-02-30", "0000-01-01", "02.11.2026")),
        *(
            (ColumnType.DATETIME, text)
            for text in ("2026-11-02", "2026-11-02T09:15:27.000", "2026-11-02T24:00:00.000Z")
        ),
        *((ColumnType.TIME, text) for text in ("24:00:00.000Z", "09:15", "09:15:27.000+0100")),
    ],
)
def test_a_text_of_another_type_does_not_fit(type_: ColumnType, text: str) -> None:
    """Whatever a Python constructor would make of it."""
    with pytest.raises(DoesNotFit):
        values([text], type_)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1250000.0", 1250000.0),
        ("9.12260031E8", 912260031.0),
        ("0.1", 0.1),
        ("999999999999999", 999999999999999.0),
        ("9999999999999.99", 9999999999999.99),
        # Seventeen digits of a double, as some writers give them, are that double.
        ("37.792144999999998", 37.792145),
        ("-0.0", -0.0),
    ],
)
def test_a_float_holds_every_text_that_was_made_from_a_double(text: str, number: float) -> None:
    """And so no digit is lost."""
    assert as_first_sent(values([text], ColumnType.DOUBLE)[0]) == as_first_sent(number)


def test_what_does_not_fit_comes_as_it_is() -> None:
    """A number too long for a float as a Decimal, anything else as its text; the rest of the column as values."""
    found, misfits = lenient_values(["1.5", "123456789012345678", "", "N/A"], ColumnType.DOUBLE)
    assert (found, misfits) == ([1.5, Decimal("123456789012345678"), None, "N/A"], 2)
    assert type(found[1]) is Decimal
    assert lenient_values(["2026-11-02", "soon"], ColumnType.DATE) == ([date(2026, 11, 2), "soon"], 1)


def test_datetimes_are_aware_and_times_are_not() -> None:
    """Instants in UTC; the org's times belong to no day, and their Z means nothing."""
    (moment,) = values(["2026-11-02T09:15:27.000+0200"], ColumnType.DATETIME)
    assert moment == datetime(2026, 11, 2, 7, 15, 27, tzinfo=UTC)
    assert moment.tzinfo is UTC
    assert values(["09:15:27.250Z"], ColumnType.TIME) == [time(9, 15, 27, 250_000)]

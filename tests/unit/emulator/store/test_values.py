"""Cells and what the database makes of them."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.emulator.schema import Field
from salesforce_bulk.emulator.store.values import Cell, Refused, RowError, converter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: The years that the platform knows (rest-support.md 9).
BOUNDS = (datetime(1700, 1, 1), datetime(4000, 1, 1))


def read(type: str, cell: Cell, **attributes: Any) -> object:
    return converter(Field("F__c", type, **attributes), 3)(cell)


def refusal(type: str, cell: Cell, **attributes: Any) -> RowError:
    with pytest.raises(Refused) as caught:
        read(type, cell, **attributes)
    return caught.value.error


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_kept_character_by_character(text: str) -> None:
    """Whatever it holds: NUL, line ends, blanks around it."""
    assert read("string", text, length=0) == (text or None)


@pytest.mark.parametrize("text", ["\0", "a\rb", "a\r\nb", "\u2028", "\U0001f600", "007", "  x  ", "#N/A ", "null"])
def test_standing_examples_of_text(text: str) -> None:
    """Leading zeros, blanks, line separators: all of it is data."""
    assert read("string", text) == text


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can spell it; UTF-8 cannot."""
    assert read("string", "a\ud800b") == "a\ufffdb"
    assert read("string", "\ud83d\ude00") == "\U0001f600"


def test_length_counts_characters() -> None:
    """Not bytes."""
    assert read("string", "\U0001f600" * 5, length=5) == "\U0001f600" * 5
    assert refusal("string", "sixsix", length=5, label="Some Field") == RowError(
        "STRING_TOO_LONG", "Some Field: data value too large: sixsix (max length=5)", ("F__c",)
    )


@pytest.mark.parametrize(
    ("cell", "value"),
    [("true", 1), ("FALSE", 0), ("True", 1), ("1", 1), ("0", 0), (True, 1), (False, 0)],
)
def test_booleans(cell: Cell, value: int) -> None:
    """As words or digits, in any case."""
    assert read("boolean", cell) == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_numbers_survive(number: float) -> None:
    """However a float is spelled, the same float is stored."""
    assert read("double", repr(number)) == number
    assert read("double", f"{number:.17E}") == number
    assert read("double", number) == number


@given(st.integers(-99_999_999, 99_999_999))
def test_whole_numbers_survive(number: int) -> None:
    """As text and as JSON numbers."""
    assert read("int", str(number)) == read("int", number) == number


@given(st.dates())
def test_dates_survive(day: date) -> None:
    """A zone after a date is ignored (bulk-api-1.md 6.5)."""
    text = day.isoformat()
    assert read("date", text) == read("date", text + "Z") == read("date", text + "+05:30") == text


@given(
    st.datetimes(*BOUNDS, timezones=st.just(UTC)),
    st.integers(-14 * 60, 14 * 60),
)
def test_datetimes_are_kept_in_utc(moment: datetime, minutes: int) -> None:
    """Milliseconds since 1970, whatever the offset it is told in."""
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    expected = (moment - EPOCH) // timedelta(milliseconds=1)
    assert read("datetime", local.isoformat(timespec="milliseconds")) == expected
    assert read("datetime", moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z") == expected


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T01:00:00.000+0100", 0),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_datetimes_with_and_without_milliseconds(cell: str, value: int) -> None:
    """Both are told in the guide."""
    assert read("datetime", cell) == value


@pytest.mark.parametrize(
    ("cell", "value"), [("09:15:27.000Z", 33_327_000), ("00:00:00", 0), ("23:59:59.999Z", 86_399_999)]
)
def test_times(cell: str, value: int) -> None:
    """Milliseconds since midnight."""
    assert read("time", cell) == value


@given(st.binary())
def test_binaries_survive(data: bytes) -> None:
    """As bytes (from a ZIP batch) and as base64 text."""
    assert read("base64", data) == read("base64", base64.b64encode(data).decode()) == data


@pytest.mark.parametrize(
    ("type", "cell", "soap"),
    [
        ("date", "soon", "xsd:date"),
        ("date", "2026-02-30", "xsd:date"),
        ("date", "20260102", "xsd:date"),
        ("date", "2026-11-02T00:00:00Z", "xsd:date"),
        ("date", 20260102, "xsd:date"),
        ("datetime", "2026-11-02", "xsd:dateTime"),
        ("datetime", "2026-11-02 09:15:27", "xsd:dateTime"),
        ("datetime", "2026-11-02T09:15:27", "xsd:dateTime"),
        ("datetime", "2026-11-02T25:15:27Z", "xsd:dateTime"),
        ("time", "24:00:00", "xsd:time"),
        ("boolean", "yes", "xsd:boolean"),
        ("boolean", 1, "xsd:boolean"),
        ("int", "5.0", "xsd:int"),
        ("int", "1e3", "xsd:int"),
        ("int", "3000000000", "xsd:int"),
        ("double", "1,000.5", "xsd:double"),
        ("double", "NaN", "xsd:double"),
        ("double", "1_000", "xsd:double"),
        ("double", "٣", "xsd:double"),
        ("double", float("nan"), "xsd:double"),
        ("double", True, "xsd:double"),
        ("currency", "$5", "xsd:double"),
        ("percent", "5%", "xsd:double"),
        ("string", 5, "xsd:string"),
        ("base64", "no!", "xsd:base64Binary"),
        ("base64", "é", "xsd:base64Binary"),
    ],
)
def test_what_is_not_of_the_type(type: str, cell: Cell, soap: str) -> None:
    """The recorded text, the column counted from 0."""
    said = str(cell).lower() if isinstance(cell, bool) else str(cell)
    message = f"Failed to deserialize field at col 3. Due to, '{said}' is not a valid value for the type {soap}"
    assert refusal(type, cell) == RowError("INVALID_FIELD", message, ("F__c",))


@pytest.mark.parametrize(
    ("type", "cell", "attributes"),
    [
        ("double", "1e16", {}),
        ("double", "1e999", {}),
        ("double", "1000", {"precision": 5, "scale": 2}),
        ("int", "100000000", {}),
        ("percent", "1000", {"precision": 3}),
    ],
)
def test_numbers_that_do_not_fit(type: str, cell: str, attributes: dict[str, Any]) -> None:
    """More digits before the point than the field has."""
    message = f"A Number: value outside of valid range on numeric field: {cell}"
    assert refusal(type, cell, label="A Number", **attributes) == RowError(
        "NUMBER_OUTSIDE_VALID_RANGE", message, ("F__c",)
    )


def test_a_huge_json_number_does_not_fit() -> None:
    """JSON has no bound on its integers; a field has."""
    assert refusal("double", 10**400).code == "NUMBER_OUTSIDE_VALID_RANGE"


@pytest.mark.parametrize("text", ["ines@example.org", "o'brien+x@sub.example.co.uk", "é@example.org"])
def test_email_addresses(text: str) -> None:
    """A name, an at sign, a domain with a dot."""
    assert read("email", text) == text


@pytest.mark.parametrize("text", ["ines", "ines@", "@example.org", "ines@example", "i nes@example.org", "a@b.c, d@e.f"])
def test_what_is_no_email_address(text: str) -> None:
    """The field's label stands before the text."""
    assert refusal("email", text, label="Email") == RowError(
        "INVALID_EMAIL_ADDRESS", f"Email: invalid email address: {text}", ("F__c",)
    )


def test_restricted_picklists() -> None:
    """Only the values of the field; of a multi-select picklist, each one."""
    attributes: dict[str, Any] = {"picklist_values": ("Red", "Green"), "restricted_picklist": True}
    refused = RowError(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: Purple", ("F__c",)
    )
    assert read("picklist", "Red", **attributes) == "Red"
    assert read("multipicklist", "Red;Green", **attributes) == "Red;Green"
    assert refusal("picklist", "Purple", **attributes) == refused
    assert refusal("multipicklist", "Red;Purple", **attributes) == refused
    assert read("picklist", "Purple", picklist_values=("Red",)) == "Purple"

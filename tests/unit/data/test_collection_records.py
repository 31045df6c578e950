"""CSV cells as records of a REST collection, typed as the org describes the fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from salesforce_bulk.data.collection_records import CollectionRecords, lookup_columns
from salesforce_bulk.errors import BadValue


def field(name: str, type: str = "string", relationship: str | None = None, *to: str) -> dict[str, Any]:
    return {"name": name, "type": type, "relationshipName": relationship, "referenceTo": list(to)}


DESCRIBED: dict[str, dict[str, Any]] = {
    "Event": {
        "fields": [
            field("Id", "id"),
            field("Subject", "combobox"),
            field("IsAllDayEvent", "boolean"),
            field("DurationInMinutes", "int"),
            field("Score__c", "double"),
            field("Fee__c", "currency"),
            field("WhoId", "reference", "Who", "Contact", "Lead"),
            field("WhatId", "reference", "What__r", "Account"),
        ]
    },
    "Account": {"fields": [field("Key__c"), field("Number__c", "double")]},
    "Lead": {"fields": [field("Email", "email")]},
}


def described(name: str) -> Mapping[str, Any] | None:
    return DESCRIBED.get(name)


def records(
    columns: Sequence[str], *rows: Sequence[str], operation: str = "insert", key: str | None = None
) -> list[Any]:
    made = CollectionRecords(columns, operation, "Event", key, described)(rows)
    return [json.loads(text, parse_float=Decimal) for text, _ in made]


def one(columns: Sequence[str], *cells: str) -> dict[str, Any]:
    (record,) = records(columns, cells)
    assert {"type": "Event"} == record.pop("attributes")
    return dict(record)


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("Subject", "true", "true"),
        ("Subject", "007", "007"),
        ("Subject", "  x \n\0\u2028", "  x \n\0\u2028"),
        ("Subject", "null", "null"),
        ("Subject", "#N/A", None),
        ("IsAllDayEvent", "true", True),
        ("IsAllDayEvent", "FALSE", False),
        ("IsAllDayEvent", "1", True),
        ("IsAllDayEvent", "yes", "yes"),
        ("DurationInMinutes", "15", 15),
        ("DurationInMinutes", "+0015", 15),
        ("DurationInMinutes", "15.0", "15.0"),
        ("DurationInMinutes", "1_5", "1_5"),
        ("DurationInMinutes", "٣", "٣"),
        ("Score__c", "12345678901234567.10", Decimal("12345678901234567.10")),
        ("Score__c", ".5", Decimal("0.5")),
        ("Score__c", "5.", 5),
        ("Score__c", "1.5E2", Decimal("1.5E2")),
        ("Score__c", "NaN", "NaN"),
        ("Score__c", "1e99999999999999999999", "1e99999999999999999999"),
        ("Fee__c", "1,5", "1,5"),
        ("fee__C", "7", 7),
        ("Nobody__c", "7", "7"),
    ],
)
def test_a_cell_means_what_it_means_in_csv(column: str, cell: str, value: Any) -> None:
    """What fits the type is written as such, what does not as text: the org refuses it then, as it does in CSV."""
    record = one([column], cell)

    (found,) = record.values()
    assert (type(value), value) == (type(found), found)


def test_an_empty_cell_is_left_out() -> None:
    assert {"Subject": "x"} == one(["WhoId", "Subject", "What__r.Key__c"], "", "x", "")
    assert {} == one(["Subject"], "")


def test_names_are_spelled_as_the_org_does() -> None:
    assert {"Subject": "x", "id": "001", "What__r": {"Key__c": "k"}} == one(
        ["SUBJECT", "ID", "what__R.key__c"], "x", "001", "k"
    )


def test_parents_are_nested_and_of_several_kinds_typed() -> None:
    assert {
        "What__r": {"Number__c": 17},
        "Who": {"attributes": {"type": "Lead"}, "Email": "a@example.org"},
    } == one(["What__r.Number__c", "Lead:Who.Email", "Contact:Who.Email"], "17", "a@example.org", "")


def test_a_parent_is_taken_away_by_its_lookup() -> None:
    assert {"WhatId": None, "WhoId": None} == one(["What__r.Key__c", "Lead:Who.Email"], "#N/A", "#N/A")
    assert {"Nobody__r": {"Key__c": None}} == one(["Nobody__r.Key__c"], "#N/A")


def test_two_kinds_of_one_parent_in_a_row() -> None:
    with pytest.raises(
        BadValue, match=r"Row 0, column 'Contact:Who.Email': 'Who' is named twice in this row, in two ways"
    ):
        one(["Lead:Who.Email", "Contact:Who.Email"], "a@example.org", "b@example.org")


@pytest.mark.parametrize(
    ("operation", "external_id", "keys"),
    [
        ("insert", None, ["", ""]),
        ("update", None, ["i0", ""]),
        ("delete", None, ["i0", ""]),
        ("upsert", "subject", ["s0", "s1"]),
    ],
)
def test_what_a_record_is_known_by(operation: str, external_id: str | None, keys: list[str]) -> None:
    made = CollectionRecords(["Id", "Subject"], operation, "Event", external_id, described)

    assert keys == [key for _, key in made([["i0", "s0"], ["", "s1"]])]


def test_an_object_that_the_org_does_not_describe() -> None:
    """It will say so itself; until then everything is text."""
    ((text, _),) = CollectionRecords(["A", "B.C"], "insert", "Nothing__c", None, lambda name: None)([["true", "1"]])

    assert {"attributes": {"type": "Nothing__c"}, "A": "true", "B": {"C": "1"}} == json.loads(text)


def test_the_columns_that_name_records() -> None:
    columns = ("Subject", "whoid", "What__r.Key__c", "Key__c", "Score__c")

    assert (1, 2, 3) == lookup_columns(columns, DESCRIBED["Event"], "Key__c")
    assert (2,) == lookup_columns(columns, None, None)


def test_rows_of_a_file_that_are_shorter_or_longer_than_its_header() -> None:
    """What is missing is empty, the key too; what is too much would be left out unseen."""
    records = CollectionRecords(["Subject", "Key__c"], "upsert", "Event", "Key__c", described)

    assert [("x", "1"), ("y", "")] == [(json.loads(text)["Subject"], key) for text, key in records([["x", "1"], ["y"]])]
    with pytest.raises(BadValue) as refused:
        list(records([["x", "1"], ["y", "2", "3"]], 7))
    assert (
        "Row 8 has 3 cells, and there are 2 columns. Its part was not sent. Correct the row, or take api='bulk2', where the org "
        "refuses it alone."
    ) == str(refused.value)

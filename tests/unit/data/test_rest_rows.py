"""Records of REST -> CSV as a bulk query writes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from salesforce_bulk.data.rest_rows import RestTable
from salesforce_bulk.data.schema import Column, ColumnType
from salesforce_bulk.errors import MalformedResult
from salesforce_bulk.records import Selected


def field(name: str, type_: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "custom": name.endswith("__c"), **more}


USER = {"fields": [field("Id", "id"), field("Name"), field("LastLoginDate", "datetime")]}
ACCOUNT = {
    "fields": [
        field("Id", "id"),
        field("Name"),
        field("OwnerId", "reference", relationshipName="Owner", referenceTo=["User"]),
        field("CreatedDate", "datetime"),
        field("Score__c", "double"),
        field("Count__c", "int"),
        field("BillingAddress", "address"),
        field("BillingCity"),
    ]
}


def table(records: Sequence[dict[str, Any]], *names: str, fields: str = "", described: bool = True) -> RestTable:
    selected = [Selected(name, name) for name in names]
    describe = ACCOUNT if described else None
    return RestTable(records, selected, fields, describe, lambda name: USER if described and name == "User" else None)


def about(kind: str = "Account") -> dict[str, str]:
    return {"type": kind, "url": f"/services/data/v68.0/sobjects/{kind}/x"}


def test_columns_are_those_of_the_select_list_in_the_schemas_spelling() -> None:
    """A parent's fields, wherever they stand in the list, are one object in the record."""
    record = {"attributes": about(), "Owner": {"attributes": about("User"), "Name": "Ana", "Id": "005"}, "Id": "001"}

    made = table([record], "owner.NAME", "id", "Owner.id")

    assert ("Owner.Name", "Id", "Owner.Id") == made.names
    assert b'"Owner.Name","Id","Owner.Id"\n"Ana","001","005"\n' == made.csv([record])


def test_a_parent_that_is_null_is_empty_in_all_its_columns() -> None:
    """Its names are then those of the describe, as they are for a result without records."""
    record = {"attributes": about(), "Id": "001", "Owner": None}

    for records in ([record], []):
        made = table(records, "Id", "owner.name", "OWNER.lastlogindate")
        assert ("Id", "Owner.Name", "Owner.LastLoginDate") == made.names

    assert b'"001","",""\n' == made.csv([record]).splitlines(keepends=True)[1]


def test_values_are_what_a_bulk_query_writes() -> None:
    """Numbers as they came, datetimes with Z, booleans as words, null as nothing, text unchanged."""
    text = 'quote " comma , CRLF \r\n NUL \0 U+2028 \u2028 2026-11-02T09:15:27.000+0000'
    record = {
        "Name": text,
        "CreatedDate": "2026-11-02T09:15:27.000+0000",
        "Score__c": "1.2E7",
        "Count__c": None,
        "IsDeleted": True,
    }

    made = table([record], *record)

    quoted = text.replace('"', '""')
    assert f'"{quoted}","2026-11-02T09:15:27.000Z","1.2E7","","true"\n' in made.csv([record]).decode()
    assert [
        Column("Name"),
        Column("CreatedDate", ColumnType.DATETIME),
        Column("Score__c", ColumnType.DOUBLE),
        Column("Count__c", ColumnType.INTEGER),
        Column("IsDeleted"),
    ] == list(made.columns(made.names))


def test_a_compound_value_is_its_json() -> None:
    record = {"BillingAddress": {"city": "Évora", "latitude": "38.5"}}

    assert (
        'BillingAddress"\n"{""city"":""Évora"",""latitude"":""38.5""}"\n'
        in table([record], "BillingAddress").csv([record]).decode()
    )


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("all", ("Id", "Name", "OwnerId", "CreatedDate", "Score__c", "Count__c", "BillingCity")),
        ("standard", ("Id", "Name", "OwnerId", "CreatedDate", "BillingCity")),
        ("custom", ("Score__c", "Count__c")),
    ],
)
def test_fields_stand_for_columns_and_compound_ones_are_given_by_their_parts(
    fields: str, names: tuple[str, ...]
) -> None:
    record = {"attributes": about(), **dict.fromkeys(names), "BillingAddress": {"city": "x"}}

    for records in ([record], []):
        assert names == table(records, fields=fields).names

    assert 2 == table([record], fields=fields).csv([record]).count(b"\n")


def test_a_list_that_was_misread_costs_its_order_and_no_value() -> None:
    record = {"attributes": about(), "Id": "001", "expr7": "4"}

    assert b'"Id","expr7"\n"001","4"\n' == table([record], "Id", "other").csv([record])


def test_functions_give_types_of_their_own() -> None:
    selected = [
        Selected("n", "Id", "count"),
        Selected("s", "Count__c", "sum"),
        Selected("m", "CreatedDate", "max"),
        Selected("y", "CreatedDate", "calendar_year"),
        Selected("Name", "Owner.Name"),
    ]
    made = RestTable([], selected, "", ACCOUNT, lambda name: USER)

    assert ["n", "s", "m", "y", "Name"] == list(made.names)
    assert [
        ColumnType.INTEGER,
        ColumnType.DOUBLE,
        ColumnType.DATETIME,
        ColumnType.INTEGER,
        ColumnType.TEXT,
    ] == [column.type for column in made.columns(made.names)]


@pytest.mark.parametrize(
    ("later", "named"),
    [
        ({"Id": "1", "Extra": "x"}, "Extra"),
        ({"Id": "1", "Owner": {"attributes": about(), "Id": "5"}}, "Owner.Id"),
        ({"Id": "1", "Owner": "no object"}, "Owner"),
    ],
)
def test_a_value_without_a_column_is_an_error(later: dict[str, Any], named: str) -> None:
    made = table([{"Id": "0", "Owner": {"attributes": about(), "Name": "Ana"}}], "Id", "Owner.Name")

    with pytest.raises(MalformedResult) as broken:
        made.csv([{"Id": "0"}, later], 2_000)

    assert (
        f"Row 2001 of the result has a value for {named!r}, which is no column of the rows before it. "
        "Nothing after that row was read. Name the columns in the select list."
    ) == str(broken.value)
    assert (2_001, named) == (broken.value.row, broken.value.column)


def test_half_a_surrogate_pair_is_an_error() -> None:
    record = json.loads(r'{"Name": "\ud83d"}')

    with pytest.raises(MalformedResult, match="half of a surrogate pair"):
        table([record], "Name").csv([record])

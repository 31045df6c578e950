"""Header and describe -> typed columns."""

from __future__ import annotations

from typing import Any

import pytest

from salesforce_bulk.data.schema import Column, ColumnType, as_text, columns_for, text_columns


def field(name: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "referenceTo": [], "relationshipName": None, **more}


ACCOUNT = {
    "name": "Account",
    "fields": [
        field("Id", "id"),
        field("Name", "string"),
        field("AnnualRevenue", "currency", precision=18, scale=0),
        field("Probability__c", "percent"),
        field("BillingLatitude", "double"),
        field("NumberOfEmployees", "int"),
        field("Views__c", "long"),
        field("IsActive__c", "boolean"),
        field("Founded__c", "date"),
        field("CreatedDate", "datetime"),
        field("Opens__c", "time"),
        field("Photo__c", "base64"),
        field("Anything__c", "anyType"),
        field("Levels__c", "multipicklist"),
        field("OwnerId", "reference", referenceTo=["User"], relationshipName="Owner"),
        field("Parent__c", "reference", referenceTo=["Account"], relationshipName="Parent__r"),
        field("WhoId", "reference", referenceTo=["Contact", "Lead"], relationshipName="Who"),
    ],
}
OTHERS = {
    "Account": ACCOUNT,
    "User": {"fields": [field("Name", "string"), field("IsActive", "boolean")]},
    "Contact": {"fields": [field("CreatedDate", "datetime"), field("Rank__c", "int"), field("Born__c", "date")]},
    "Lead": {"fields": [field("CreatedDate", "datetime"), field("Rank__c", "string")]},
}


def type_of(name: str) -> ColumnType:
    (column,) = columns_for([name], ACCOUNT, OTHERS.get)
    assert column.name == name
    return column.type


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("Id", ColumnType.TEXT),
        ("Name", ColumnType.TEXT),
        ("AnnualRevenue", ColumnType.DOUBLE),
        ("Probability__c", ColumnType.DOUBLE),
        ("BillingLatitude", ColumnType.DOUBLE),
        ("NumberOfEmployees", ColumnType.INTEGER),
        ("Views__c", ColumnType.INTEGER),
        ("IsActive__c", ColumnType.BOOLEAN),
        ("Founded__c", ColumnType.DATE),
        ("CreatedDate", ColumnType.DATETIME),
        ("Opens__c", ColumnType.TIME),
        ("Photo__c", ColumnType.TEXT),
        ("Anything__c", ColumnType.TEXT),
        ("Levels__c", ColumnType.TEXT),
    ],
)
def test_each_field_type_has_its_column_type(name: str, type_: ColumnType) -> None:
    """By the describe type; what has no type of its own is text."""
    assert type_of(name) is type_


@pytest.mark.parametrize("name", ["annualrevenue", "ANNUALREVENUE", "owner.isactive", "PARENT__R.Owner.IsActive"])
def test_case_does_not_matter(name: str) -> None:
    """Neither of fields nor of relationships."""
    assert type_of(name) is not ColumnType.TEXT


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("Owner.Name", ColumnType.TEXT),
        ("Owner.IsActive", ColumnType.BOOLEAN),
        ("Parent__r.AnnualRevenue", ColumnType.DOUBLE),
        ("Parent__r.Owner.IsActive", ColumnType.BOOLEAN),
        ("Parent__r.Parent__r.Parent__r.CreatedDate", ColumnType.DATETIME),
        # Polymorphic: both agree, they do not, one of them lacks the field.
        ("Who.CreatedDate", ColumnType.DATETIME),
        ("Who.Rank__c", ColumnType.TEXT),
        ("Who.Born__c", ColumnType.TEXT),
    ],
)
def test_parents_fields_are_looked_up_in_the_parents_describe(name: str, type_: ColumnType) -> None:
    """Along the whole path; where a parent may be of several objects, all of them must agree."""
    assert type_of(name) is type_


@pytest.mark.parametrize("name", ["expr0", "Total", "Nobody.Name", "Name.IsActive", "Owner.Nothing", "", ".", "Owner."])
def test_what_describe_does_not_know_is_text(name: str) -> None:
    """Aliases, aggregates, hidden fields."""
    assert type_of(name) is ColumnType.TEXT


def test_a_parent_that_is_not_described_is_text() -> None:
    """One unknown target is enough: nothing is guessed."""
    lead_only = {"Lead": OTHERS["Lead"]}
    assert columns_for(["Who.CreatedDate"], ACCOUNT, lead_only.get) == (Column("Who.CreatedDate"),)
    assert columns_for(["Owner.IsActive"], ACCOUNT) == (Column("Owner.IsActive"),)


def test_each_parent_is_described_once() -> None:
    """However many columns need it."""
    asked: list[str] = []

    def describe_of(name: str) -> Any:
        asked.append(name)
        return OTHERS.get(name)

    columns_for(["Owner.Name", "Owner.IsActive", "Id"], ACCOUNT, describe_of)
    assert asked == ["User"]


def test_without_a_describe_every_column_is_text() -> None:
    """That is what types="text" asks for."""
    assert columns_for(["Id", "AnnualRevenue"], None) == text_columns(["Id", "AnnualRevenue"])
    assert columns_for([], ACCOUNT) == ()


def test_columns_turn_into_text_by_name() -> None:
    """The others stay."""
    columns = columns_for(["Id", "AnnualRevenue", "CreatedDate"], ACCOUNT)
    assert [column.type.value for column in as_text(columns, ["AnnualRevenue"])] == ["text", "text", "datetime"]

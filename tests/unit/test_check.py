"""A check on hand-made describes: what it says of columns, of values and of the cost, word for word."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk import CLEAR
from salesforce_bulk.check import CheckReport, check
from salesforce_bulk.check.columns import EXACT_KEYS, Seen
from salesforce_bulk.check.tally import Rule, Tally
from salesforce_bulk.check.values import id15, values_of
from salesforce_bulk.data.parts import BULK1, BULK2, parts
from salesforce_bulk.data.sources import open_source
from salesforce_bulk.errors import ApiError, UsageError
from salesforce_bulk.records import Dialect


def field(name: str, type: str = "string", **more: Any) -> dict[str, Any]:
    lengths = {"id": 18, "reference": 18, "string": 40, "textarea": 32_000, "email": 80, "picklist": 255}
    return {
        "name": name,
        "type": type,
        "label": more.pop("label", name),
        "length": lengths.get(type, 0),
        "createable": True,
        "updateable": True,
        "nillable": True,
        **more,
    }


def picklist(name: str, values: Iterable[str], *, restricted: bool, type: str = "picklist") -> dict[str, Any]:
    listed = [{"value": value, "active": value != "Old"} for value in values]
    return field(name, type, picklistValues=listed, restrictedPicklist=restricted)


ID = field("Id", "id", createable=False, updateable=False, nillable=False, defaultedOnCreate=True, idLookup=True)
OWNER = field("OwnerId", "reference", nillable=False, defaultedOnCreate=True, relationshipName="Owner")
ACCOUNT = {
    "name": "Account",
    "keyPrefix": "001",
    "createable": True,
    "updateable": True,
    "deletable": True,
    "queryable": True,
    "fields": [
        ID,
        field("Name", label="Account Name", nillable=False),
        field("Key__c", externalId=True, idLookup=True, unique=True),
        field("Site", length=5),
        field("Active__c", "boolean", nillable=False, defaultedOnCreate=True),
        field("Staff", "int", digits=4),
        field("Score__c", "double", precision=6, scale=2),
        field("Founded__c", "date"),
        field("Visited__c", "datetime"),
        field("Opens__c", "time"),
        field("Email__c", "email"),
        picklist("Colour__c", ["Red", "Green", "Old"], restricted=True),
        picklist("Rating", ["Hot", "Cold"], restricted=False),
        picklist("Tags__c", ["New", "Slow"], restricted=True, type="multipicklist"),
        field("ParentId", "reference", referenceTo=["Account"], relationshipName="Parent"),
        {**OWNER, "referenceTo": ["Group", "User"]},
        field("CreatedDate", "datetime", createable=False, updateable=False),
        field("Fixed__c", updateable=False),
        field("BillingAddress", "address", createable=False, updateable=False),
        field("BillingStreet", "textarea", compoundFieldName="BillingAddress"),
        field("BillingCity", compoundFieldName="BillingAddress"),
        field("Body", "base64"),
    ],
}
USER = {"name": "User", "keyPrefix": "005", "fields": [ID, field("Username", idLookup=True), field("Alias")]}
DESCRIBES = {"Account": ACCOUNT, "User": USER}
OBJECTS = {
    "sobjects": [
        {"name": name, "keyPrefix": prefix}
        for name, prefix in (("Account", "001"), ("Contact", "003"), ("User", "005"), ("Group", "00G"), ("Odd", None))
    ]
}
LIMITS = {
    "DailyApiRequests": {"Max": 1_000, "Remaining": 900, "Some App": {"Max": 0, "Remaining": 0}},
    "DailyBulkApiBatches": {"Max": 100, "Remaining": 90},
}


def looked(operation: str, rows: Any, external_id: str | None = None, **more: Any) -> CheckReport:
    return check(
        operation,
        more.pop("sobject", "Account"),
        rows,
        external_id=external_id,
        nulls=more.pop("nulls", "ignore"),
        show_values=more.pop("show_values", False),
        describe_of=more.pop("describe_of", DESCRIBES.get),
        objects=more.pop("objects", lambda: OBJECTS),
        limits=more.pop("limits", lambda: LIMITS),
    )


def said(report: CheckReport) -> list[str]:
    return [f"{problem.severity}: {problem}" for problem in report.problems]


# -- the report


def test_a_report_reads_as_a_whole(tmp_path: Path) -> None:
    """What a person sees: errors, warnings, what the file is, and what the load would cost."""
    path = tmp_path / "in.csv"
    path.write_bytes(
        "Key__c;Nmae;Founded__c;Staff;Colour__c\r\n"
        "a;é;1.2.2026;7;Rde\r\nb;x;2026-02-30;12345;Red\r\nA;;2026-02-28;;\r\n;;03/04/26;;\r\nc;;yesterday;;\r\n".encode(
            "cp1252"
        )
    )

    report = looked("upsert", path, "Key__c")

    assert (
        "Check of upsert Account by Key__c: 4 errors, 3 warnings. No data was sent.\n"
        "Errors:\n"
        "  Nmae: The object has no such field, or you may not see it. Nearest: Name.\n"
        "  Key__c: A key twice: the org refuses rows with one key that come close together, others overwrite each other. "
        "1 row: 2.\n"
        "  Founded__c: No date: the org reads YYYY-MM-DD. 4 rows: 0, 1, 3 and more.\n"
        "  Colour__c: Not among the values of this restricted picklist. Nearest: Red. 1 row: 0.\n"
        "Warnings:\n"
        "  Name: The column is missing, and a new record must have a value in it: rows with new keys are refused.\n"
        "  Key__c: No key: each time it is sent, such a row makes a new record. 1 row: 3.\n"
        "  Staff: More than the 4 digits of the field: the org may refuse it. 1 row: 1.\n"
        "Input: CSV, cp1252, delimiter ';', line ending CRLF.\n"
        "  Read as cp1252: it is not valid UTF-8, and there is no byte order mark.\n"
        "  The delimiter is the semicolon: the header has no other.\n"
        "Cost: 5 rows, 134 bytes.\n"
        "  Bulk API 2.0: about 1 job, 1 batch, at least 7 requests.\n"
        "  Bulk API 1.0: about 1 job, 1 batch, at least 5 requests.\n"
        "  DailyBulkApiBatches: needs 1; 90 of 100 are left.\n"
        "  DailyApiRequests: needs 7; 900 of 1_000 are left."
    ) == str(report)
    assert "<CheckReport upsert Account: 4 errors, 3 warnings, 5 rows>" == repr(report)
    assert not report.ok


def test_values_stand_in_a_report_only_if_they_were_asked_for() -> None:
    rows = [{"Name": "secret-name", "Founded__c": "secret-date"}, {"Name": "n", "Founded__c": "secret-date"}]

    silent, loud = looked("insert", rows), looked("insert", rows, show_values=True)

    assert "secret" not in str(silent) + repr(silent) + json.dumps(silent.to_dict())
    assert ["error: Founded__c: No date: the org reads YYYY-MM-DD. 2 rows: 0, 1. Such as 'secret-date'."] == said(loud)
    assert ("secret-date",) == loud.problems[0].example_values


def test_a_report_as_json() -> None:
    report = looked("insert", [{"Name": "n", "Colour__c": "Gren"}])

    assert {
        "operation": "insert",
        "object": "Account",
        "external_id": None,
        "ok": False,
        "complete": True,
        "problems": [
            {
                "kind": "picklist",
                "severity": "error",
                "column": "Colour__c",
                "count": 1,
                "example_rows": [0],
                "message": "Not among the values of this restricted picklist.",
                "nearest": ["Green"],
                "example_values": [],
            }
        ],
        "cost": {
            "rows": 1,
            "bytes": 22,
            "bulk2": {"jobs": 1, "batches": 1, "requests": 7},
            "bulk1": {"jobs": 1, "batches": 1, "requests": 5},
            "allowances": [
                {"name": "DailyBulkApiBatches", "needed": 1, "remaining": 90, "maximum": 100},
                {"name": "DailyApiRequests", "needed": 7, "remaining": 900, "maximum": 1_000},
            ],
            "notes": [],
        },
        "input": {"kind": "dict"},
    } == json.loads(json.dumps(report.to_dict()))


def test_a_load_that_is_right() -> None:
    rows = [
        {
            "Name": f"n{n}",
            "Key__c": f"k{n}",
            "Active__c": n % 2 == 0,
            "Staff": n,
            "Score__c": Decimal("12.25"),
            "Founded__c": "2024-02-29",
            "Visited__c": datetime(2026, 1, 2, tzinfo=UTC),
            "Opens__c": time(9, 0),
            "Tags__c": "New;Slow",
            "Site": CLEAR,
            "ParentId": "001D000000IRFma",
            "User:Owner.Username": "a@b.example",
        }
        for n in range(5_000)
    ]

    report = looked("insert", rows)

    assert [] == said(report)
    assert report.ok
    assert report.complete


# -- columns


@pytest.mark.parametrize(
    ("operation", "column", "texts"),
    [
        ("insert", "Nmae", ["error: Nmae: The object has no such field, or you may not see it. Nearest: Name."]),
        ("insert", "account name", ["error: account name: The object has no such field, or you may not see it. Nearest: Name."]),
        ("insert", "Score", ["error: Score: The object has no such field, or you may not see it. Nearest: Score__c."]),
        ("insert", "zzzzzz", ["error: zzzzzz: The object has no such field, or you may not see it."]),
        (
            "insert",
            "site",
            [
                "warning: site: The field is spelled Site. The org's result files were seen to leave such columns empty.",
            ],
        ),
        ("insert", "Id", ["error: Id: An insert takes no Id; to change records, update or upsert."]),
        ("insert", "CreatedDate", ["error: CreatedDate: The field is not createable, or not for you."]),
        ("update", "Fixed__c", ["error: Fixed__c: The field is not updateable, or not for you."]),
        ("upsert", "CreatedDate", ["error: CreatedDate: The field is not createable and not updateable, or not for you."]),
        (
            "upsert",
            "Fixed__c",
            ["warning: Fixed__c: The field can only be created: rows that change a record will be refused."],
        ),
        ("upsert", "Id", ["warning: Id: Rows are matched by key__c; an Id beside it may be refused."]),
        ("insert", "BillingAddress", ["error: BillingAddress: A compound field: load its parts (BillingStreet, BillingCity)."]),
        ("insert", "Body", ["error: Body: Binary content: it travels in a ZIP batch of Bulk API 1.0, or by REST."]),
        ("insert", "User:Owner.Username", []),
        (
            "insert",
            "user:owner.username",
            [
                "warning: user:owner.username: The field is spelled User:Owner.Username. "
                "The org's result files were seen to leave such columns empty."
            ],
        ),
        (
            "insert",
            "Owner.Username",
            [
                "error: Owner.Username: The parent can be one of Group, User: put which before it. "
                "Nearest: Group:Owner.Username, User:Owner.Username."
            ],
        ),
        (
            "insert",
            "Usr:Owner.Username",
            ["error: Usr:Owner.Username: The parent is one of Group, User, never Usr. Nearest: User:Owner.Username."],
        ),
        (
            "insert",
            "User:Owner.Alias",
            [
                "error: User:Owner.Alias: User has this field, but no external id in it: parents cannot be found by it. "
                "Nearest: User:Owner.Id, User:Owner.Username."
            ],
        ),
        (
            "insert",
            "Group:Owner.Name",
            ["warning: Group:Owner.Name: The org does not describe Group; this column was not looked at."],
        ),
        ("insert", "Account:Parent.Key__c", ["error: Account:Parent.Key__c: The parent is always Account: no object before it. Nearest: Parent.Key__c."]),
        ("insert", "Parent.Kye__c", ["error: Parent.Kye__c: Account has no such field: parents cannot be found by it. Nearest: Parent.Key__c."]),
        ("insert", "Parent.Id", []),
        (
            "insert",
            "ParentId.Key__c",
            ["error: ParentId.Key__c: The object has no relationship 'ParentId', or you may not see it. Nearest: Parent.Key__c."],
        ),
        (
            "insert",
            "Parnt.Key__c",
            ["error: Parnt.Key__c: The object has no relationship 'Parnt', or you may not see it. Nearest: Parent.Key__c."],
        ),
    ],
)  # fmt: skip
def test_what_is_said_of_a_column(operation: str, column: str, texts: list[str]) -> None:
    keys = {"insert": {"Name": "n"}, "update": {"Id": "001D000000IRFma"}, "upsert": {"Name": "n", "Key__c": "k"}}

    report = looked(operation, [{**keys[operation], column: ""}], "Key__c" if operation == "upsert" else None)

    assert texts == said(report)


@pytest.mark.parametrize(
    ("operation", "row", "external_id", "texts"),
    [
        ("insert", {"Site": "x"}, None, ["error: Name: The column is missing, and a new record must have a value in it."]),
        ("insert", {"Name": ""}, None, ["error: Name: Empty, and a new record must have a value in it. 1 row: 0."]),
        ("insert", {"Name": CLEAR}, None, ["error: Name: #N/A, and the field cannot be empty. 1 row: 0."]),
        (
            "upsert",
            {"Name": "", "Key__c": "k"},
            "Key__c",
            ["warning: Name: Empty, and a new record must have a value in it: rows with new keys are refused. 1 row: 0."],
        ),
        ("update", {"Id": "", "Name": "n"}, None, ["error: Id: No Id, so there is no record to change. 1 row: 0."]),
        ("update", {"Id": "001D000000IRFma", "Name": CLEAR}, None, ["error: Name: #N/A, and the field cannot be empty. 1 row: 0."]),
        ("update", {"Name": "n"}, None, ["error: Id: The operation update needs this column."]),
        ("delete", {"Ident": "x"}, None, [
            "error: Id: The operation delete needs this column.",
            "warning: A delete sends the column Id and nothing else. These stay here: Ident.",
        ]),
        ("delete", {"ID": "001D000000IRFma"}, None, ["error: ID: A delete takes the column by its exact name, Id."]),
        ("upsert", {"Name": "n", "Key__c": CLEAR}, "Key__c", ["error: Key__c: #N/A as the key: there is no record without one. 1 row: 0."]),
        ("upsert", {"Name": "n"}, "Key__c", ["error: Key__c: The operation upsert needs this column."]),
        (
            "upsert",
            {"Name": "n"},
            "Kye__c",
            ["error: Kye__c: The object has no such field: an upsert cannot match records by it. Nearest: Key__c."],
        ),
        (
            "upsert",
            {"Name": "n", "Site": "s"},
            "Site",
            ["error: Site: The field is no external id and no other key: an upsert cannot match records by it. Nearest: Id, Key__c."],
        ),
        (
            "insert",
            {"Name": "n", "ParentId": "", "Parent.Key__c": "k"},
            None,
            ["error: Parent.Key__c: It fills the same field as the column ParentId. Keep one of them."],
        ),
        ("insert", {"Name": "n", "Active__c": CLEAR}, None, ["error: Active__c: #N/A in a checkbox, which is true or false and never empty. 1 row: 0."]),
    ],
)  # fmt: skip
def test_what_is_said_of_keys_and_of_what_must_be_there(
    operation: str, row: dict[str, Any], external_id: str | None, texts: list[str]
) -> None:
    assert texts == said(looked(operation, [row], external_id))


def test_an_object_that_is_not_there() -> None:
    """Its columns cannot be judged; the rows are counted all the same."""
    report = looked("insert", [{"Name": "n"}] * 3, sobject="Acount")

    assert ["error: The org has no object Acount, or you may not see it. Nearest: Account, Contact."] == said(report)
    assert 3 == report.cost.rows


@pytest.mark.parametrize(
    ("operation", "permissions", "texts"),
    [
        ("insert", {"createable": False}, ["error: The object Account is not createable, or not for you."]),
        ("update", {"updateable": False}, ["error: The object Account is not updateable, or not for you."]),
        ("delete", {"deletable": False}, ["error: The object Account is not deletable, or not for you."]),
        (
            "upsert",
            {"createable": False, "updateable": False},
            ["error: The object Account is not createable and not updateable, or not for you."],
        ),
        (
            "upsert",
            {"createable": False},
            ["warning: The object Account is not createable, or not for you. Rows with new keys will be refused."],
        ),
        (
            "insert",
            {"queryable": False},
            ["warning: The object Account is not queryable: what is loaded cannot be read back."],
        ),
    ],
)
def test_an_object_that_does_not_take_the_operation(
    operation: str, permissions: dict[str, bool], texts: list[str]
) -> None:
    rows = [{"Id": "001D000000IRFma"}] if operation in ("update", "delete") else [{"Name": "n", "Key__c": "k"}]
    key = "Key__c" if operation == "upsert" else None

    assert texts == said(looked(operation, rows, key, describe_of={"Account": {**ACCOUNT, **permissions}}.get))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: looked("merge", []),
            "There is no operation 'merge' to check. Nothing was sent. There are insert, update, upsert, delete, hardDelete.",
        ),
        (
            lambda: looked("insert", [], sobject=" "),
            "The object has no name: give its API name, such as 'Account'. Nothing was sent.",
        ),
        (
            lambda: looked("upsert", []),
            "An upsert, and only an upsert, needs external_id=, the name of a field. Nothing was sent.",
        ),
        (
            lambda: looked("insert", [], "Key__c"),
            "An upsert, and only an upsert, needs external_id=, the name of a field. Nothing was sent.",
        ),
    ],
)
def test_a_call_that_cannot_be_right(call: Any, text: str) -> None:
    with pytest.raises(UsageError) as error:
        call()

    assert text == str(error.value)


def test_hard_delete_has_three_spellings() -> None:
    assert {"hardDelete"} == {
        looked(name, [{"Id": "001D000000IRFma"}]).operation for name in ("hard_delete", "hard-delete", "hardDelete")
    }


# -- values


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("Site", "äbcdef", "error: Site: Longer than the 5 characters of the field."),
        ("Site", "abc👩", None),
        ("Site", "abcd👩", "warning: Site: Perhaps longer than the 5 characters of the field: some characters may count twice."),
        ("BillingStreet", "x" * 131_073, "error: BillingStreet: Longer than the 131_072 characters that the API takes in one cell."),
        ("Active__c", "yes", "error: Active__c: No truth value: the org reads true and false."),
        ("Active__c", "1", "warning: Active__c: 1 or 0 for true or false: not every way in takes them. Write true and false."),
        ("Active__c", "TRUE", None),
        ("Staff", "5.0", "error: Staff: No whole number: digits only, no point, no separators."),
        ("Staff", "4294967296", "error: Staff: A number that does not fit into 32 bits."),
        ("Staff", "12345", "warning: Staff: More than the 4 digits of the field: the org may refuse it."),
        ("Staff", "0001234", None),
        ("Score__c", "1,234.5", "error: Score__c: No number: digits and a point, no separators, no sign of a currency."),
        ("Score__c", "nan", "error: Score__c: No number: digits and a point, no separators, no sign of a currency."),
        ("Score__c", "12345.6", "warning: Score__c: More than the 4 digits before the point that the field has: the org may refuse it."),
        ("Score__c", "1e99999999", "warning: Score__c: More than the 4 digits before the point that the field has: the org may refuse it."),
        ("Score__c", "1.005", "warning: Score__c: More decimals than the 2 of the field: the org may round them."),
        ("Score__c", "1.500", None),
        ("Score__c", "1.25E3", None),
        ("Founded__c", "2026-02-29", "error: Founded__c: No date: the org reads YYYY-MM-DD."),
        ("Founded__c", "2026-01-02T00:00:00Z", "error: Founded__c: No date: the org reads YYYY-MM-DD."),
        ("Founded__c", "1940-06-07Z", "warning: Founded__c: A date with a time zone: it has no meaning for a date."),
        ("Founded__c", "0026-02-01", "warning: Founded__c: A year before 1700 or after 4000: the org may refuse it."),
        ("Visited__c", "2026-01-02T03:04:05", "error: Visited__c: A datetime without a time zone: the org would have to guess it. Write Z or +02:00 behind it."),
        ("Visited__c", "2026-01-02 03:04:05Z", "error: Visited__c: No datetime: the org reads YYYY-MM-DDThh:mm:ssZ, or +02:00 for the Z."),
        ("Visited__c", "2026-01-02T24:00:00Z", "error: Visited__c: No datetime: the org reads YYYY-MM-DDThh:mm:ssZ, or +02:00 for the Z."),
        ("Visited__c", "2026-01-02T03:04:05.123456-0500", None),
        ("Opens__c", "9:00", "error: Opens__c: No time of day: the org reads hh:mm:ss.000Z."),
        ("Email__c", "nobody", "warning: Email__c: No @ in an email address: the org may refuse it."),
        ("Email__c", "a@b\nc", None),
        ("Colour__c", "red", "error: Colour__c: Not among the values of this restricted picklist. Nearest: Red."),
        ("Colour__c", "Old", "error: Colour__c: Not among the values of this restricted picklist."),
        ("Rating", "Hott", "warning: Rating: Not among the values of this picklist. It is not restricted: the org takes it as it is. Nearest: Hot."),
        ("Tags__c", "New;Slwo", "error: Tags__c: Not among the values of this restricted picklist. Nearest: Slow."),
        ("ParentId", "A-17", "error: ParentId: No Id: 15 or 18 letters and digits."),
        ("ParentId", "001D000000IRFmaI5H", "error: ParentId: An Id whose last three characters do not fit the others: it was changed."),
        ("ParentId", "001D000000IRFmaIAG", "warning: ParentId: An Id whose last three characters ask for other capitals: it may be another record's."),
        ("ParentId", "001d000000irfmaiah", None),
        ("ParentId", "003D000000IRFma", "error: ParentId: An Id of another object: here Ids begin with 001. They belong to: Contact."),
        ("OwnerId", "001D000000IRFma", "error: OwnerId: An Id of another object: here Ids begin with 005 or 00G. They belong to: Account."),
        ("Parent.Id", "003D000000IRFma", "error: Parent.Id: An Id of another object: here Ids begin with 001. They belong to: Contact."),
        ("Parent.Key__c", "x" * 41, "error: Parent.Key__c: Longer than the 40 characters of the field."),
        ("Name", datetime(2026, 1, 2), "error: Name: A datetime without a time zone: the org would have to guess it. Write Z or +02:00 behind it."),
        ("Score__c", float("inf"), "error: Score__c: A value that has no form in the API (infinite, bytes, a list)."),
        ("Score__c", Decimal("-Infinity"), "error: Score__c: A value that has no form in the API (infinite, bytes, a list)."),
        ("Score__c", float("nan"), None),
        ("Site", b"x", "error: Site: A value that has no form in the API (infinite, bytes, a list)."),
    ],
)  # fmt: skip
def test_what_is_said_of_a_value(column: str, value: Any, text: str | None) -> None:
    """Among good rows, so that a whole stretch of them is looked at again."""
    rows = [{"Name": "n", column: None}, {"Name": "n", column: value}, {"Name": "n", column: ""}]
    if column == "Name":
        rows = [{"Name": "n"}, {"Name": value}]

    report = looked("insert", rows)

    texts = [one for one in said(report) if "a new record must have" not in one]
    assert ([] if text is None else [f"{text} 1 row: 1."]) == texts


CELLS = st.one_of(
    st.text("0123456789-+:.TZeE \nntruefalse@#/A", max_size=30),
    st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,4})?", fullmatch=True),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.times().map(lambda clock: clock.isoformat(timespec="milliseconds") + "Z"),
)


@pytest.mark.parametrize("name", ["Active__c", "Staff", "Score__c", "Founded__c", "Visited__c", "Opens__c", "Email__c"])
@given(cells=st.lists(CELLS, min_size=1, max_size=5))
def test_a_shape_proves_only_what_the_judge_finds_right(name: str, cells: list[str]) -> None:
    """The quick way never lets a value pass that the careful way would not."""
    one = next(one for one in ACCOUNT["fields"] if one["name"] == name)  # type: ignore[attr-defined]
    values = values_of(one, frozenset(), lambda _: ())
    joined = "\n".join(cells) + "\n"

    assert values.shape is not None
    if joined.count("\n") == len(cells) and values.shape.fullmatch(joined):
        assert [] == [cell for cell in cells if cell not in ("", "#N/A") and values.judge(cell) is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("750ak000009AVi5AAG", "750ak000009AVi5"),
        ("001D000000IRFmaIAH", "001D000000IRFma"),
        ("0GaHn000005s2T4KAI", "0GaHn000005s2T4"),
        ("750R0000000zlh9IAA", "750R0000000zlh9"),
        ("750r0000000ZLH9iaa", "750R0000000zlh9"),
        ("750R0000000zlh9IAQ", None),
        ("001D000000IRFm", None),
        ("001D000000IRFmaI", None),
        ("001D000000IRFmä", None),
        ("001D000000IRFma9AA", None),
    ],
)
def test_the_checksum_of_ids(text: str, expected: str | None) -> None:
    """The check values of the REST notes, section 8."""
    assert expected == id15(text)


# -- keys twice


@pytest.mark.parametrize(
    ("operation", "key", "values", "text"),
    [
        ("upsert", "Key__c", ["a", "b", "A", "b"], "error: Key__c: A key twice: the org refuses rows with one key that come close together, others overwrite each other. 2 rows: 2, 3."),
        ("insert", "Key__c", ["a", "A"], "error: Key__c: A value twice in a field whose values are unique. 1 row: 1."),
        ("update", "Id", ["001D000000IRFma", "001D000000IRFmaIAH"], "warning: Id: An Id twice: the rows overwrite each other. 1 row: 1."),
        ("delete", "Id", ["001D000000IRFmA", "001D000000IRFma", "001D000000IRFmA"], "error: Id: An Id twice: the second time the record is already gone. 1 row: 2."),
    ],
)  # fmt: skip
def test_a_key_twice(operation: str, key: str, values: list[str], text: str) -> None:
    rows = [{"Name": "n", key: value} for value in values] if operation != "delete" else [{key: v} for v in values]

    assert [text] == said(looked(operation, rows, key if operation == "upsert" else None))


def test_many_keys_are_remembered_by_eight_bytes_each() -> None:
    """Then two equal ones are probably equal, and the message says so."""
    tally = Tally()
    seen = Seen(Rule("duplicate-key", "error", "A key twice."))
    count = EXACT_KEYS + 5_000
    for first in range(0, count, 1_000):
        keys = [f"k{number}" for number in range(first, first + 1_000)]
        seen.look(keys, first, keys, "Key__c", tally)
    again = ["k7", f"k{count - 1}", "new", None]

    seen.look(again, count, ["", "", "", ""], "Key__c", tally)

    found = tally.problems(["Key__c"], show_values=False)
    assert [("Probably: a key twice.", 2, (count, count + 1))] == [(p.message, p.count, p.example_rows) for p in found]


# -- inputs


def test_csv_that_is_broken_in_places(tmp_path: Path) -> None:
    """Rows that are no CSV are counted; the others are looked at, and keep their numbers."""
    path = tmp_path / "in.csv"
    path.write_text('Name,Site\nn,x\n"a"b"",y\n\nn,x,z\nn\nn,toolong\n', "utf-8")

    report = looked("insert", path)

    assert [
        "error: Rows that are no CSV: a quote inside a value is not doubled, or text follows a quote. 1 row: 1.",
        "error: Rows with more cells than there are columns. 1 row: 2.",
        "error: Site: Longer than the 5 characters of the field. 1 row: 4.",
        "warning: Rows with fewer cells than there are columns: the last ones count as empty. 1 row: 3.",
    ] == said(report)
    assert 5 == report.cost.rows


def test_what_a_file_was_taken_for(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("Name\tSite\r\nä\tx\r\n".encode("utf-8-sig"))

    assert {
        "kind": "CSV",
        "encoding": "utf-8",
        "delimiter": "\t",
        "line_ending": "CRLF",
        "notes": (
            "Read as utf-8: it begins with a byte order mark.",
            "The delimiter is the tab: the header has no other.",
        ),
    } == looked("insert", path).input


def test_a_generator_is_read_once() -> None:
    report = looked("insert", ({"Name": "n", "Visited__c": datetime(2026, 1, 1)} for _ in range(3_000)))

    assert (3_000, ["datetime-zone"]) == (report.cost.rows, [problem.kind for problem in report.problems])
    assert (3_000, (0, 1, 2)) == (report.problems[0].count, report.problems[0].example_rows)


def test_rows_that_break_off_are_said_to() -> None:
    """Half of a surrogate pair is no character: the encoder stops at it, and what follows was not looked at."""
    report = looked("insert", [{"Name": "n"}, {"Name": "\ud800"}, {"Name": "n"}])

    assert [
        "error: Row 1 holds half of a surrogate pair, which is no character. It was not sent. "
        "The rows from 0 on were not looked at."
    ] == said(report)
    assert not report.complete


def test_arrow_and_parquet(tmp_path: Path) -> None:
    """Timestamps without a zone, which frames love, are counted like any other value that cannot be sent."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table(
        {
            "Name": ["n"] * 5,
            "Visited__c": arrow.array([None, *[datetime(2026, 1, 1)] * 4], arrow.timestamp("us")),
            "Score__c": [1.5, float("inf"), float("nan"), None, 2.25],
            "Founded__c": arrow.array([None] * 5, arrow.date32()),
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    with arrow.ipc.new_file(tmp_path / "in.arrow", table.schema) as file:
        file.write_table(table)
    with arrow.ipc.new_stream(tmp_path / "in.arrows", table.schema) as stream:
        stream.write_table(table)
    expected = [
        "error: Visited__c: A datetime without a time zone: the org would have to guess it. Write Z or +02:00 behind it. "
        "4 rows: 1, 2, 3 and more.",
        "error: Score__c: A value that has no form in the API (infinite, bytes, a list). 1 row: 1.",
    ]

    for rows in (table, table.to_reader(), *(tmp_path / name for name in ("in.parquet", "in.arrow", "in.arrows"))):
        report = looked("insert", rows)
        assert expected == said(report)
        assert (5, True) == (report.cost.rows, report.complete)


def test_a_load_without_rows_is_warned_of() -> None:
    assert ["warning: There are no rows: the load would do nothing."] == said(looked("update", []))
    assert (0, 0, 0) == (looked("update", []).cost.bulk2.jobs, looked("update", []).cost.bulk1.batches, 0)


# -- cost


@pytest.mark.parametrize("count", [1, 9_999, 10_000, 10_001, 25_000])
def test_the_cost_is_that_of_the_parts(count: int) -> None:
    rows = [{"Name": f"n{number}", "Site": "x,y"} for number in range(count)]

    cost = looked("insert", rows).cost

    source = open_source(rows)
    made = list(_sizes(parts(source, BULK2, source.dialect)))
    assert (count, sum(made), len(made)) == (cost.rows, cost.bytes, cost.bulk2.jobs)
    assert len(list(_sizes(parts(source, BULK1, Dialect())))) == cost.bulk1.batches


def _sizes(made: Iterable[Any]) -> Iterable[int]:
    for part in made:
        yield sum(map(len, part))


def test_the_cost_of_large_rows() -> None:
    """Batches of 1.0 are bound by their bytes, jobs of 2.0 likewise."""
    rows = [{"Name": "n", "BillingStreet": "x" * 31_900}] * 8_000

    cost = looked("insert", rows).cost

    source = open_source(rows)
    assert len(list(_sizes(parts(source, BULK2, source.dialect)))) == cost.bulk2.jobs == 3
    assert len(list(_sizes(parts(source, BULK1, Dialect())))) == cost.bulk1.batches == 26


def test_a_delete_costs_its_ids_alone() -> None:
    assert 19 == looked("delete", [{"Id": "001D000000IRFma", "Name": "long" * 100}]).cost.bytes


def test_a_load_beyond_the_limits() -> None:
    limits = {
        "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 2},
        "DailyApiRequests": {"Max": 9_000, "Remaining": 8_000},
    }

    report = looked("insert", ({"Name": "n"} for _ in range(20_001)), limits=lambda: limits)

    assert ["error: The load needs 3 of DailyBulkApiBatches, and 2 of 15_000 are left today."] == said(report)


def _refused() -> Mapping[str, Any]:
    raise ApiError("The org refused rest.limits: FORBIDDEN.\nNothing was changed.", status_code=403)


@pytest.mark.parametrize(
    ("limits", "notes"),
    [
        (lambda: {"DailyApiRequests": "many"}, ("DailyBulkApiBatches: the org does not tell.", "DailyApiRequests: the org does not tell.")),
        (_refused, ("The org's limits could not be read, so the cost was not compared: The org refused rest.limits: FORBIDDEN.",)),
    ],
)  # fmt: skip
def test_limits_that_are_absent_or_refused_are_no_error(limits: Any, notes: tuple[str, ...]) -> None:
    report = looked("insert", [{"Name": "n"}], limits=limits)

    assert report.ok
    assert (notes, ()) == (report.cost.notes, report.cost.allowances)


def test_without_a_list_of_objects_ids_are_not_told_apart() -> None:
    """Nothing is claimed that is not known."""
    assert [] == said(looked("insert", [{"Name": "n", "ParentId": "003D000000IRFma"}], objects=_refused))

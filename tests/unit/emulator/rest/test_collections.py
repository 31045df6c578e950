"""Collections of records at the local org: up to 200 in one call, answered in order."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg

PATH = "composite/sobjects"


@pytest.fixture
def talk(org: LocalOrg) -> Talk2:
    return Talk2(org)


def account(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **fields}


def ask(talk: Talk2, method: str, path: str, *records: Any, **more: Any) -> list[dict[str, Any]]:
    answer = talk.ask(method, path, {"records": list(records), **more})
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def test_insert_answers_in_order(org: LocalOrg, talk: Talk2) -> None:
    """A failed record has no id; kinds of objects and of columns may mix."""
    contact = {"attributes": {"type": "Contact"}, "FirstName": "Ana"}
    answer = ask(talk, "POST", PATH, account(Name="A"), account(Name="B", Phone=None), contact, account(Name="C"))
    ids = [row["Id"] for row in org.rows("SELECT Id FROM Account ORDER BY Id")]

    missing = {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]"}
    assert answer == [
        {"id": ids[0], "success": True, "errors": []},
        {"id": ids[1], "success": True, "errors": []},
        {"success": False, "errors": [{**missing, "fields": ["LastName"]}]},
        {"id": ids[2], "success": True, "errors": []},
    ]


def test_all_or_none(org: LocalOrg, talk: Talk2) -> None:
    """One failure undoes the others, and each is told so."""
    answer = ask(talk, "POST", PATH, account(Name="A"), account(Phone="1"), allOrNone=True)

    assert org.rows("SELECT Id FROM Account") == []
    assert answer[0] == {
        "success": False,
        "errors": [
            {
                "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
                "fields": [],
            }
        ],
    }
    assert answer[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [item["success"] for item in ask(talk, "POST", PATH, account(Name="A"), allOrNone=True)] == [True]


def test_update(org: LocalOrg, talk: Talk2) -> None:
    """Null empties; without an id, the recorded words."""
    one, two = org.holds("Account", [{"Name": "A", "Phone": "1"}, {"Name": "B"}])
    answer = ask(talk, "PATCH", PATH, account(id=one, Phone=None), account(Name="x"), account(Id=two[:15], Name="C"))

    assert [item["success"] for item in answer] == [True, False, True]
    assert answer[1]["errors"] == [
        {"statusCode": "MISSING_ARGUMENT", "message": "Id not specified in an update call", "fields": []}
    ]
    assert org.rows("SELECT Name, Phone FROM Account ORDER BY Id") == [
        {"Name": "A", "Phone": None},
        {"Name": "C", "Phone": None},
    ]


def test_upsert(org: LocalOrg, talk: Talk2) -> None:
    """Says what it created; the type need not be repeated."""
    (known,) = org.holds("Account", [{"Name": "A", "Key__c": "k1"}])
    path = f"{PATH}/account/key__c"
    answer = ask(talk, "PATCH", path, {"Key__c": "k1", "Name": "B"}, account(Key__c="k2", Name="C"))
    created = next(row["Id"] for row in org.rows("SELECT Id FROM Account WHERE Key__c = 'k2'"))

    assert answer == [
        {"id": known, "success": True, "errors": [], "created": False},
        {"id": created, "success": True, "errors": [], "created": True},
    ]
    assert ask(talk, "PATCH", path, account(Name="D"))[0]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    assert talk.ask("PATCH", f"{PATH}/Account/Phone", {"records": [account(Phone="1")]}).status == 404
    assert talk.ask("PATCH", f"{PATH}/Nothing/Id", {"records": [account(Phone="1")]}).status == 404


def test_delete(org: LocalOrg, talk: Talk2) -> None:
    """By ids in the query string, of any object."""
    one, two = org.holds("Account", 2)
    (lead,) = org.holds("Lead", 1)
    answer = talk.ask("DELETE", f"{PATH}?ids={one},{lead},nonsense&allOrNone=false").json()
    undone = talk.ask("DELETE", f"{PATH}?ids={two},{one}&allOrNone=true").json()

    assert [item["success"] for item in answer] == [True, True, False]
    assert answer[0] == {"id": one, "success": True, "errors": []}
    assert [item["errors"][0]["statusCode"] for item in undone] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "ENTITY_IS_DELETED",
    ]
    assert [row["Id"] for row in org.rows("SELECT Id FROM Account")] == [two]


def test_retrieve(org: LocalOrg, talk: Talk2) -> None:
    """Null where there is no record."""
    (one,) = org.holds("Account", [{"Name": "A"}])
    answer = talk.ask("POST", f"{PATH}/Account", {"ids": ["001000000000001AAA", one[:15], "x"], "fields": ["Name"]})

    url = f"/services/data/v66.0/sobjects/Account/{one}"
    assert answer.json() == [None, {"attributes": {"type": "Account", "url": url}, "Name": "A"}, None]
    assert talk.ask("POST", f"{PATH}/Account", {"ids": [one], "fields": ["Id FROM User"]}).status == 400
    assert (
        talk.ask("POST", f"{PATH}/Account", {"ids": [one], "fields": ["Bogus"]}).json()[0]["errorCode"]
        == "INVALID_FIELD"
    )


def test_parents_are_named_by_a_nested_record(org: LocalOrg, talk: Talk2) -> None:
    """By one field of theirs; of several kinds, with the type."""
    org.holds("Account", [{"Name": "A", "Key__c": "k1"}])
    org.holds("Lead", [{"LastName": "L", "Company": "C", "Email": "l@example.org"}])
    contact = {"attributes": {"type": "Contact"}, "LastName": "Li", "Account": {"Key__c": "k1"}}
    task = {"attributes": {"type": "Task"}, "Who": {"attributes": {"type": "Lead"}, "Email": "l@example.org"}}
    answer = ask(talk, "POST", PATH, contact, task)

    assert [item["success"] for item in answer] == [True, True], answer
    assert org.rows("SELECT Account.Name FROM Contact") == [{"Account": {"Name": "A"}}]
    assert org.rows("SELECT Who.Name FROM Task") == [{"Who": {"Name": "L"}}]


@pytest.mark.parametrize(
    ("records", "code", "message"),
    [
        ([], "REQUIRED_FIELD_MISSING", "At least 1 record is required"),
        (
            [account(Name="A")] * 201,
            "EXCEEDED_ID_LIMIT",
            "record limit reached. cannot submit more than 200 records into this call",
        ),
        ([account(Nmae="A")], "INVALID_FIELD", "No such column 'Nmae' on sobject of type Account"),
        ([{"Name": "A"}], "INVALID_TYPE", None),
        ([{"attributes": {"type": "Nothing"}}], "INVALID_TYPE", None),
        ([account(Name=["A"])], "JSON_PARSER_ERROR", None),
        (["A"], "JSON_PARSER_ERROR", None),
        (None, "JSON_PARSER_ERROR", None),
    ],
)
def test_calls_that_are_refused_whole(org: LocalOrg, talk: Talk2, records: Any, code: str, message: str | None) -> None:
    """400, and nothing is written."""
    answer = talk.ask("POST", PATH, {"records": records})

    assert (answer.status, answer.json()[0]["errorCode"]) == (400, code)
    assert message is None or answer.json()[0]["message"] == message
    assert org.rows("SELECT Id FROM Account") == []


def test_no_ids_to_delete(talk: Talk2) -> None:
    """400 as well."""
    assert talk.ask("DELETE", PATH).json()[0]["message"] == "At least 1 record is required"


def test_calls_are_counted(org: LocalOrg, talk: Talk2) -> None:
    """Under names of their own."""
    ask(talk, "POST", PATH, account(Name="A"))

    assert org.requests("collections.insert") == 1

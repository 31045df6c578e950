"""REST collections as flows over a scripted transport: what is said, what is sent again, what becomes of each record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.access import Anybody

from salesforce_bulk.engine.drive import Clock, Driver
from salesforce_bulk.errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    ReconciliationError,
    SalesforceBulkError,
    UsageError,
)
from salesforce_bulk.protocol import collections
from salesforce_bulk.protocol.collections import Entry, Saved
from salesforce_bulk.records import IngestSpec, RecordError, RowResult
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

A, B, C = "001Rm000000AAAAAAA", "001Rm000000BBBBAAA", "001Rm000000CCCCAAA"
INSERT = IngestSpec("insert", "Account")
UPDATE = IngestSpec("update", "Account")
UPSERT = IngestSpec("upsert", "Account", "Key__c")
DELETE = IngestSpec("delete", "Account")
LOST = AnswerLost("POST /x: the request was sent and no answer came (ReadTimeout).\nThe org may have acted on it.")


class Played:
    """A flow played against answers, with what was sent."""

    def __init__(self, *answers: Scripted | SalesforceBulkError) -> None:
        self.transport = ScriptedTransport(answers)
        self.slept: list[float] = []
        clock = Clock(sleep=self.slept.append, monotonic=lambda: 0.0, chance=lambda: 1.0)
        self._driver = Driver(Anybody(), self.transport, clock=clock)

    def save(self, spec: IngestSpec, *entries: Entry, first_row: int = 0) -> Saved:
        return self._driver.perform(collections.save(spec, entries, first_row=first_row))

    @property
    def records(self) -> list[list[str]]:
        """The names of the records of each call."""
        return [[record["n"] for record in json.loads(sent.body)["records"]] for sent in self.transport.sent]


def entry(name: str, key: str = "k") -> Entry:
    return f'{{"n":"{name}"}}'.encode(), key


def answered(*results: dict[str, Any], status: int = 200) -> Scripted:
    return Scripted(status, json.dumps(results).encode())


def good(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "success": True, "errors": [], **more}


def bad(code: str, *fields: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": list(fields)}]}


def unreadable(place: str = "[line:3, column:7]") -> Scripted:
    text = f"Cannot deserialize instance of date from VALUE_STRING value soon or request may be missing a required field at {place}"
    return Scripted(400, json.dumps([{"message": text, "errorCode": "JSON_PARSER_ERROR"}]).encode())


# -- what is said -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "method", "path"),
    [
        (INSERT, "POST", "/composite/sobjects"),
        (UPDATE, "PATCH", "/composite/sobjects"),
        (UPSERT, "PATCH", "/composite/sobjects/Account/Key__c"),
    ],
)
def test_each_record_stands_on_a_line_of_its_own(spec: IngestSpec, method: str, path: str) -> None:
    """No record is undone for another one's sake, and no assignment rule is applied: bulk jobs do neither."""
    played = Played(answered(good(A), good(B)))

    saved = played.save(spec, entry("a"), entry("b"))

    (sent,) = played.transport.sent
    assert (method, "https://acme.my.salesforce.com/services/data/v66.0" + path) == (sent.method, sent.url)
    assert b'{"allOrNone":false,"records":[\n{"n":"a"},\n{"n":"b"}\n]}' == sent.body
    assert "FALSE" == sent.headers["Sforce-Auto-Assign"]
    assert [A, B] == [result and result.id for result in saved.results]
    assert ("Completed", "") == (saved.state, saved.said)


def test_an_assignment_rule_is_named_in_its_header() -> None:
    played = Played(answered(good(A)))

    played.save(IngestSpec("insert", "Case", assignment_rule_id="01QRm000000AAAAAAA"), entry("a"))

    assert "01QRm000000AAAAAAA" == played.transport.sent[0].headers["Sforce-Auto-Assign"]


def test_a_delete_names_its_records_in_the_address() -> None:
    played = Played(answered(good(A), good(B)))

    played.save(DELETE, (b"", A), (b"", B))

    (sent,) = played.transport.sent
    assert ("DELETE", b"") == (sent.method, sent.body)
    assert sent.url.endswith(f"/services/data/v66.0/composite/sobjects?ids={A}%2C{B}&allOrNone=false")


def test_200_ids_fit_into_an_address() -> None:
    played = Played(answered(*[good(A)] * 200))

    played.save(DELETE, *[(b"", A)] * 200)

    assert 4_300 > len(played.transport.sent[0].url)


def test_what_rest_has_not() -> None:
    played = Played()

    with pytest.raises(UsageError, match=r"REST has no hardDelete of many records. Nothing was sent."):
        played.save(IngestSpec("hardDelete", "Account"), (b"", A))


# -- what is answered ---------------------------------------------------------------------------------------------------


def test_what_the_answers_mean() -> None:
    """An insert always creates; an upsert says so; a refused record has no id, and errors of any number."""
    inserted = Played(answered(good(A), bad("REQUIRED_FIELD_MISSING", "Name"))).save(INSERT, entry("a"), entry("b"))
    upserted = Played(answered(good(A, created=True), good(B, created=False))).save(UPSERT, entry("a"), entry("b"))
    updated = Played(answered(good(A), bad("ENTITY_IS_DELETED"))).save(UPDATE, entry("a", A), entry("b", B))

    refused = RowResult(None, False, False, (RecordError("REQUIRED_FIELD_MISSING", "no", ("Name",)),))
    assert [RowResult(A, True, True), refused] == inserted.results
    assert [True, False] == [result and result.created for result in upserted.results]
    # The bulk APIs name the record that they did not change.
    assert [
        RowResult(A, True, False),
        RowResult(B, False, False, (RecordError("ENTITY_IS_DELETED", "no"),)),
    ] == updated.results


def test_one_answer_too_few_is_assigned_to_nobody() -> None:
    with pytest.raises(ReconciliationError, match="2 records were sent, and the org gave 1 results") as refused:
        Played(answered(good(A))).save(INSERT, entry("a"), entry("b"))

    assert {"sent": 2, "results": 1} == refused.value.numbers
    assert refused.value.applied is None


@pytest.mark.parametrize("body", [b"{}", b"[1]", b'[{"id":"x"}]', b'[{"success":"true"}]'])
def test_an_answer_that_is_none(body: bytes) -> None:
    with pytest.raises(AnswerMalformed, match="it is no list of results"):
        Played(Scripted(200, body)).save(UPDATE, entry("a"))


# -- refusals of the whole call -----------------------------------------------------------------------------------------


def test_one_unreadable_value_fails_its_row_and_no_other() -> None:
    """As it does in CSV. The org names the line; that row goes alone, to be sure, and the others without it."""
    played = Played(unreadable(), unreadable("[line:2, column:7]"), answered(good(A), good(C)))

    saved = played.save(INSERT, entry("a"), entry("b"), entry("c"))

    assert [["a", "b", "c"], ["b"], ["a", "c"]] == played.records
    assert [A, None, C] == [result and result.id for result in saved.results]
    refused = saved.results[1]
    assert refused is not None
    assert "JSON_PARSER_ERROR" == refused.errors[0].code
    assert refused.errors[0].message.startswith("Cannot deserialize instance of date from VALUE_STRING")
    assert "" == saved.said


def test_a_wrong_hint_costs_a_call_and_no_row() -> None:
    """The row that was pointed at turns out to be fine; the next refusal points at another one."""
    played = Played(unreadable(), answered(good(B)), unreadable("[line:2, column:7]"), unreadable(), answered(good(C)))

    saved = played.save(INSERT, entry("a"), entry("b"), entry("c"))

    assert [["a", "b", "c"], ["b"], ["a", "c"], ["a"], ["c"]] == played.records
    assert [False, True, True] == [result and result.success for result in saved.results]


@pytest.mark.parametrize("place", ["somewhere", "[line:1, column:9]", "[line:99, column:9]"])
def test_without_a_hint_the_call_is_halved(place: str) -> None:
    played = Played(
        unreadable(place), answered(good(A), good(B)), unreadable(place), answered(good(C)), unreadable(place)
    )

    saved = played.save(INSERT, entry("a"), entry("b"), entry("c"), entry("d"))

    assert [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]] == played.records
    assert [True, True, True, False] == [result and result.success for result in saved.results]


def test_a_column_that_does_not_exist_leaves_all_rows_untried() -> None:
    text = "No such column 'Foo' on sobject of type Account"
    refused = Scripted(400, json.dumps([{"message": text, "errorCode": "INVALID_FIELD"}]).encode())

    saved = Played(refused).save(INSERT, entry("a"), entry("b"))

    assert [None, None] == saved.results
    assert "Failed" == saved.state
    assert saved.said.endswith(f"HTTP 400 INVALID_FIELD: {text}")


@pytest.mark.parametrize(
    ("status", "code"), [(403, "REQUEST_LIMIT_EXCEEDED"), (400, "INVALID_TYPE"), (404, "NOT_FOUND")]
)
def test_other_refusals_are_errors(status: int, code: str) -> None:
    refused = Scripted(status, json.dumps([{"message": "no", "errorCode": code}]).encode())

    with pytest.raises(ApiError, match=code) as error:
        Played(refused).save(INSERT, entry("a"))
    assert error.value.applied is False


# -- lost answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [LOST, Scripted(503, b"<html>Down for maintenance</html>")])
def test_an_insert_is_never_repeated(answer: Scripted | SalesforceBulkError) -> None:
    """The records may be there already, and nothing tells."""
    played = Played(answer)

    with pytest.raises(AnswerLost, match="3 rows, the first of them row 40, may have been made or not") as lost:
        played.save(INSERT, entry("a"), entry("b"), entry("c"), first_row=40)

    assert (None, False) == (lost.value.applied, lost.value.repeatable)
    assert 1 == len(played.transport.sent)


@pytest.mark.parametrize("spec", [UPDATE, UPSERT])
def test_updates_and_upserts_are_repeated(spec: IngestSpec) -> None:
    played = Played(LOST, Scripted(503, b""), answered(good(A)))

    saved = played.save(spec, entry("a"))

    assert [A] == [result and result.id for result in saved.results]
    assert 3 == len(played.transport.sent)


def test_rows_without_a_key_are_inserted_and_so_not_repeated() -> None:
    """An upsert of them would make a record each time."""
    played = Played(answered(good(A, created=False)), answered(good(B)))
    saved = played.save(UPSERT, entry("a", ""), entry("b", "K-1"))

    assert [["b"], ["a"]] == played.records
    assert ["PATCH", "POST"] == [sent.method for sent in played.transport.sent]
    assert [RowResult(B, True, True), RowResult(A, True, False)] == saved.results

    lost = Played(answered(good(A, created=False)), LOST)
    with pytest.raises(AnswerLost, match="1 rows, the first of them row 7, may have been made"):
        lost.save(UPSERT, entry("a", ""), entry("b", "K-1"), first_row=7)


def test_a_delete_is_repeated_and_what_is_gone_then_is_deleted() -> None:
    """The second answer says so of what the first sending deleted. Without a first one, it is a refusal."""
    gone = bad("ENTITY_IS_DELETED")
    played = Played(LOST, answered(gone, good(B), bad("UNABLE_TO_LOCK_ROW")))

    saved = played.save(DELETE, (b"", A), (b"", B), (b"", C))

    assert [(A, True), (B, True), (C, False)] == [
        (result.id, result.success) for result in saved.results if result is not None
    ]
    assert 1 == len(played.slept)
    first = Played(answered(gone)).save(DELETE, (b"", A)).results[0]
    assert first == RowResult(A, False, False, (RecordError("ENTITY_IS_DELETED", "no"),))


def test_a_delete_is_given_up_in_the_end() -> None:
    played = Played(LOST, LOST, LOST)

    with pytest.raises(AnswerLost):
        played.save(DELETE, (b"", A))
    assert 3 == len(played.transport.sent)


@pytest.mark.parametrize(
    ("key", "code"),
    [("", "MISSING_ARGUMENT"), ("#N/A", "MISSING_ARGUMENT"), (f"{A},{B}", "MALFORMED_ID"), ("001", "MALFORMED_ID")],
)
def test_what_is_no_id_is_not_sent(key: str, code: str) -> None:
    played = Played(answered(good(B)))

    saved = played.save(DELETE, (b"", key), (b"", B))

    assert played.transport.sent[0].url.partition("ids=")[2].startswith(f"{B}&")
    assert [code, ""] == [result.errors[0].code if result and result.errors else "" for result in saved.results]
    nothing = Played()
    nothing.save(DELETE, (b"", key))
    assert [] == nothing.transport.sent

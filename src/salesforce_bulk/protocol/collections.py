"""A few records in one call: ``/composite/sobjects``. API: REST API Developer Guide, "sObject Collections".

Answers stand in the order of the records, and HTTP says 200 even when each of them was refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from ..errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    ReconciliationError,
    SalesforceBulkError,
    TransportError,
    UsageError,
)
from ..facts import JobGivenUp, UploadBegun
from ..frozen import frozen
from ..records import Body, IngestSpec, RecordError, RowResult
from ..wire import headers, paths
from ..wire.names import NULL_CELL, BatchState, Mime, Operation
from .jobs2 import JSON_TYPE, read_json
from .messages import Auth, Call, Flow, Note, Pause, Reply, Request
from .polling import intervals
from .refusals import malformed

#: A record as JSON, and what it is known by: its ``Id``, or its external id; "" when the row has none.
Entry: TypeAlias = tuple[bytes, str]

OPERATIONS: Final = (Operation.INSERT, Operation.UPDATE, Operation.UPSERT, Operation.DELETE)
#: How often a delete is sent while its answers are lost.
DELETE_TRIES: Final = 3

#: The whole call is refused for one value that is not of its field's type; nothing of it was applied.
_UNREADABLE: Final = "JSON_PARSER_ERROR"
#: The whole call is refused for a column that does not exist: what fails a job of the bulk APIs.
_NO_SUCH_COLUMN: Final = "INVALID_FIELD"
_PLACE: Final = re.compile(r"\[line:([0-9]{1,9}), column:[0-9]+\]")
_ID: Final = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")


@frozen
class Saved:
    """What became of the records of a part, in their order. None: it was not tried, and ``said`` says why."""

    results: list[RowResult | None]
    said: str = ""

    @property
    def state(self) -> str:
        """In the words of a batch: there is no job here."""
        return BatchState.FAILED if self.said else BatchState.COMPLETED


# -- requests -----------------------------------------------------------------------------------------------------------


def insert(spec: IngestSpec, records: Sequence[bytes]) -> Request:
    """The call "Create Records"."""
    return _records_call("collections.insert", "POST", paths.COLLECTIONS, spec, records)


def update(spec: IngestSpec, records: Sequence[bytes]) -> Request:
    """The call "Update Records": each has its ``id``."""
    return _records_call("collections.update", "PATCH", paths.COLLECTIONS, spec, records)


def upsert(spec: IngestSpec, records: Sequence[bytes]) -> Request:
    """The call "Upsert Records": each has its external id."""
    return _records_call("collections.upsert", "PATCH", paths.COLLECTION_UPSERT, spec, records)


def delete(ids: Sequence[str]) -> Request:
    """The call "Delete Records". 200 ids are 4,200 characters of a URL that may have 16,384."""
    return Request(
        "collections.delete",
        "DELETE",
        paths.COLLECTIONS,
        headers={headers.ACCEPT: Mime.JSON},
        params={"ids": ",".join(ids), "allOrNone": "false"},
        auth=Auth.BEARER,
    )


def _records_call(name: str, method: str, path: str, spec: IngestSpec, records: Sequence[bytes]) -> Request:
    # One record a line: should the org refuse the call for one of them, it names the line.
    body = b'{"allOrNone":false,"records":[\n' + b",\n".join(records) + b"\n]}"
    return Request(
        name,
        method,
        path,
        {"sobject": spec.sobject, "field": spec.external_id or ""},
        {
            headers.ACCEPT: Mime.JSON,
            headers.CONTENT_TYPE: JSON_TYPE,
            # "Assignment Rule Header": without it REST applies the active rules, which no bulk job does.
            headers.AUTO_ASSIGN: spec.assignment_rule_id or "FALSE",
        },
        Body.of(body),
        auth=Auth.BEARER,
    )


# -- readers ------------------------------------------------------------------------------------------------------------


def read_results(request: Request, reply: Reply, records: int, *, created: bool) -> list[RowResult]:
    """One result a record. *created*: what a success without the member ``created`` means."""
    answers = read_json(request, reply)
    if not isinstance(answers, list) or not all(
        isinstance(answer, dict) and isinstance(answer.get("success"), bool) for answer in answers
    ):
        raise malformed(request, reply, "it is no list of results")
    if len(answers) != records:
        raise ReconciliationError(
            f"{records} records were sent, and the org gave {len(answers)} results. Which result belongs to which record is "
            "not certain, so none was assigned.\nThey may have been applied.\nLook at the records in the org.",
            numbers={"sent": records, "results": len(answers)},
        )
    return [_result(answer, created=created) for answer in answers]


def _result(answer: dict[str, Any], *, created: bool) -> RowResult:
    identity = str(answer["id"]) if answer.get("id") else None
    if answer["success"]:
        return RowResult(identity, True, bool(answer.get("created", created)))
    errors = answer.get("errors")
    told = tuple(
        RecordError(
            str(error.get("statusCode") or ""),
            str(error.get("message") or ""),
            tuple(map(str, error["fields"])) if isinstance(error.get("fields"), list) else (),
        )
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    )
    return RowResult(identity, False, False, told)


# -- flows --------------------------------------------------------------------------------------------------------------


def save(
    spec: IngestSpec, entries: Sequence[Entry], *, first_row: int = 0, part: int = 0, again: bool = False
) -> Flow[Saved]:
    """Send the records of a part, of which there are at most 200, and tell what became of each.

    A value that is not of its field's type fails its row in CSV. Here the org refuses the whole call for it and applies
    nothing; so the row is sent alone, and the others without it. *again*: the part was perhaps sent before.

    Raises:
        AnswerLost: Records may have been made, and nothing tells: they are not sent again.
    """
    if spec.operation not in OPERATIONS:
        raise UsageError(
            f"REST has no {spec.operation} of many records. Nothing was sent. Leave api out, or take api='bulk2'."
        )
    if again and not is_repeatable(spec, entries):
        raise _broken_off(len(entries), first_row)
    results: list[RowResult | None] = [None] * len(entries)
    yield Note(UploadBegun(part, ""))
    try:
        if spec.operation == Operation.DELETE:
            return (yield from _delete([key for _, key in entries], again=again))
        return (yield from _saved(spec, entries, results, first_row, again=again))
    except SalesforceBulkError as error:
        if error.applied is False and not any(results):
            yield Note(JobGivenUp(part, ""))
        raise


def is_repeatable(spec: IngestSpec, entries: Sequence[Entry]) -> bool:
    """Does sending the records once more leave the same records? Not where some are made without a key."""
    return spec.operation != Operation.INSERT and (spec.operation != Operation.UPSERT or all(key for _, key in entries))


def _saved(
    spec: IngestSpec, entries: Sequence[Entry], results: list[RowResult | None], first_row: int, *, again: bool
) -> Flow[Saved]:
    said = ""
    todo = _calls(spec, entries)
    while todo:
        make, places = todo.pop()
        request = make(spec, [entries[place][0] for place in places])
        try:
            reply: Reply = yield Call(request)
        except ApiError as error:
            code, told = error.error_code, str(error).partition("\n")[0]
            if error.status_code != 400 or error.applied is not False or code not in (_UNREADABLE, _NO_SUCH_COLUMN):
                raise
            if code == _NO_SUCH_COLUMN:
                said = said or told
            elif len(places) == 1:
                results[places[0]] = RowResult(None, False, False, (RecordError(code, told.partition(f"{code}: ")[2]),))
            else:
                todo += [(make, some) for some in _apart(places, told)]
        except (AnswerLost, AnswerMalformed) as error:
            if request.name != "collections.insert" or error.applied is False:
                raise
            raise _unsettled(request, error, len(places), first_row + places[0]) from error
        else:
            answers = read_results(request, reply, len(places), created=request.name == "collections.insert")
            for place, answer in zip(places, answers, strict=True):
                if spec.operation == Operation.UPDATE:
                    answer = _named(answer, entries[place][1])
                elif (again or reply.is_doubtful) and answer.success and not answer.created:
                    # It was there when it was found, and perhaps it was this very row, heard before, that had made it.
                    answer = replace(answer, created=None)
                results[place] = answer
    return Saved(results, said)


_Make: TypeAlias = Callable[[IngestSpec, Sequence[bytes]], Request]


def _calls(spec: IngestSpec, entries: Sequence[Entry]) -> list[tuple[_Make, list[int]]]:
    """The calls that a part needs, the first one last.

    A bulk upsert makes a record of a row without a key (field notes, 43). The REST call demands the key, so such rows are
    made by an insert, which means the same.
    """
    places = list(range(len(entries)))
    if spec.operation == Operation.INSERT:
        calls = [(insert, places)]
    elif spec.operation == Operation.UPDATE:
        calls = [(update, places)]
    else:
        calls = [
            (insert, [place for place in places if not entries[place][1]]),
            (upsert, [place for place in places if entries[place][1]]),
        ]
    return [call for call in calls if call[1]]


def _apart(places: list[int], told: str) -> tuple[list[int], list[int]]:
    """Two calls in the place of one that was refused as a whole: the record that the org points at, and the others.

    It is only a hint: that the record is at fault is certain when it is refused alone. Without one, two halves.
    """
    found = _PLACE.search(told)
    at = int(found[1]) - 2 if found else -1  # the first record stands in line 2
    if 0 <= at < len(places):
        return places[:at] + places[at + 1 :], [places[at]]
    half = len(places) // 2
    return places[half:], places[:half]


def _named(answer: RowResult, key: str) -> RowResult:
    """A refused record has no ``id`` here; the bulk APIs name it, and so do we: it is the row's own."""
    if answer.success or answer.id or not _ID.fullmatch(key):
        return answer
    return RowResult(key, False, False, answer.errors)


def _unsettled(request: Request, error: TransportError, rows: int, first: int) -> AnswerLost:
    said = str(error).partition("\n")[0]
    return AnswerLost(
        f"{said}\n{rows} rows, the first of them row {first}, may have been made or not. REST keeps no job that could tell, "
        f"so {request} was not sent again.\n"
        "Look for them in the org and send those that are missing. An upsert by an external id can be repeated, and a job "
        "(api='bulk2') can be asked."
    )


def _broken_off(rows: int, first: int) -> AnswerLost:
    return AnswerLost(
        f"{rows} rows, the first of them row {first}, were on their way by REST when the run broke off; no answer was written "
        "down.\nThey may have been made or not. REST keeps no job that could tell, so they were not sent again, and no resume "
        "of this run will.\n"
        "Look for them in the org and send those that are missing. An upsert by an external id can be repeated, and a job "
        "(api='bulk2') can be asked."
    )


def _delete(keys: Sequence[str], *, again: bool) -> Flow[Saved]:
    """Delete by id. A row whose id is none is not sent: in a list of ids it would be taken for nothing, or for another."""
    results: list[RowResult | None] = [None if _ID.fullmatch(key) else _no_id(key) for key in keys]
    places = [place for place, result in enumerate(results) if result is None]
    if not places:
        return Saved(results)
    request = delete([keys[place] for place in places])
    waits = intervals()
    for tries in range(1, DELETE_TRIES + 1):
        try:
            reply: Reply = yield Call(request)
        except (AnswerLost, AnswerMalformed) as error:
            if error.applied is False or tries == DELETE_TRIES:
                raise
            yield Pause(next(waits))
            continue
        answers = read_results(request, reply, len(places), created=False)
        for place, answer in zip(places, answers, strict=True):
            results[place] = _named(_deleted(answer, keys[place]) if again or tries > 1 else answer, keys[place])
        return Saved(results)
    raise AssertionError("the last try returns or raises")


def _deleted(answer: RowResult, key: str) -> RowResult:
    """After a delete whose answer was lost: that the record is deleted is what was asked for, whoever did it."""
    gone = not answer.success and any(error.code == "ENTITY_IS_DELETED" for error in answer.errors)
    return RowResult(answer.id or key, True, False) if gone else answer


def _no_id(key: str) -> RowResult:
    # The codes are the org's own for such rows; the texts say that it was not asked.
    if key in ("", NULL_CELL):
        return RowResult(None, False, False, (RecordError("MISSING_ARGUMENT", "The row has no Id; it was not sent."),))
    return RowResult(None, False, False, (RecordError("MALFORMED_ID", "The Id is no record id; it was not sent."),))

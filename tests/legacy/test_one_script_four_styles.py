"""The same script in 1.x order, 2.x order, keyword order and bulkipy style gives the same answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from salesforce_bulk import BulkBatchFailed, CsvDictsAdapter, SalesforceBulk
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulkipy import SalesforceBulkipy

from .support import several_result_files, waiting_with

ROWS = [
    {"Key__c": f"K{number}", "Name": name} for number, name in enumerate(["Acme", "Zoë", 'say "no"\nin two', "", "d"])
]
SOQL = "SELECT Key__c, Name FROM Account ORDER BY Key__c"

Answers = dict[str, Any]


def first_generation(bulk: SalesforceBulk, sleep: Callable[[float], None]) -> Answers:
    """(job, batch); post_bulk_batch; callbacks and iterators."""
    answers: Answers = {}
    job = bulk.create_upsert_job("Account", "Key__c", contentType="CSV")
    batch = bulk.post_bulk_batch(job, CsvDictsAdapter(iter(ROWS)))
    answers["done"] = bulk.is_batch_done(job, batch)
    answers["state"] = bulk.batch_state(job, batch)
    bulk.wait_for_batch(job, batch, 600, 10)
    bulk.close_job(job)
    answers["state after"] = bulk.batch_state(job, batch, True)
    answers["processed"] = bulk.batch_status(job, batch)["numberRecordsProcessed"]
    results: list[Any] = []
    answers["has results"] = bulk.get_upload_results(job, batch, lambda rows, total, line: results.extend(rows[1:]))
    answers["results"] = [(result.success, result.created, bool(result.error)) for result in results]

    job = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(job, SOQL)
    bulk.wait_for_batch(job, batch)
    bulk.close_job(job)
    answers["rows"] = list(bulk.get_batch_result_iter(job, batch, parse_csv=True))
    answers["result ids"] = len(bulk.get_batch_result_ids(batch, job))
    answers["job state"] = bulk.job_state(job)

    job = bulk.create_query_job("Account")
    batch = bulk.query(job, "SELECT Nmae FROM Account")
    try:
        bulk.wait_for_batch(job, batch)
    except BulkBatchFailed as error:
        answers["failure"] = (error.job_id == job, error.batch_id == batch, error.state_message)
    return answers


def second_generation(bulk: SalesforceBulk, sleep: Callable[[float], None]) -> Answers:
    """(batch, job=None); post_batch; lists and streams."""
    answers: Answers = {}
    job = bulk.create_upsert_job("Account", "Key__c", contentType="CSV")
    batch = bulk.post_batch(job, CsvDictsAdapter(iter(ROWS)))
    answers["done"] = bulk.is_batch_done(batch, job)
    answers["state"] = bulk.batch_state(batch, job)
    bulk.wait_for_batch(job, batch, 600, 10)
    bulk.close_job(job)
    answers["state after"] = bulk.batch_state(batch, job, True)
    answers["processed"] = bulk.batch_status(batch)["numberRecordsProcessed"]
    results = bulk.get_batch_results(batch, job)
    answers["has results"] = bulk.is_batch_done(batch)
    answers["results"] = [(result.success, result.created, bool(result.error)) for result in results]

    job = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(job, SOQL)
    bulk.wait_for_batch(job, batch)
    bulk.close_job(job)
    answers["rows"] = [
        row
        for result in bulk.get_all_results_for_query_batch(batch, job)
        for row in csv.DictReader(io.TextIOWrapper(result, encoding="utf-8", newline=""))
    ]
    answers["result ids"] = len(bulk.get_query_batch_result_ids(batch))
    answers["job state"] = bulk.job_state(job)

    job = bulk.create_query_job("Account")
    batch = bulk.query(job, "SELECT Nmae FROM Account")
    try:
        while not bulk.is_batch_done(batch):
            sleep(1)
    except BulkBatchFailed as error:
        answers["failure"] = (error.job_id == job, error.batch_id == batch, error.state_message)
    return answers


def by_keywords(bulk: SalesforceBulk, sleep: Callable[[float], None]) -> Answers:
    """Everything by its name."""
    answers: Answers = {}
    job = bulk.create_upsert_job(object_name="Account", external_id_name="Key__c", contentType="CSV")
    batch = bulk.post_batch(job_id=job, data_generator=CsvDictsAdapter(source_generator=iter(ROWS)))
    answers["done"] = bulk.is_batch_done(batch_id=batch, job_id=job)
    answers["state"] = bulk.batch_state(job_id=job, batch_id=batch, reload=False)
    bulk.wait_for_batch(batch_id=batch, job_id=job, timeout=600, sleep_interval=10)
    bulk.close_job(job_id=job)
    answers["state after"] = bulk.batch_state(batch_id=batch, job_id=job, reload=True)
    answers["processed"] = bulk.batch_status(batch_id=batch)["numberRecordsProcessed"]
    results = bulk.get_batch_results(job_id=job, batch_id=batch)
    answers["has results"] = bulk.get_upload_results(batch_id=batch, job_id=job)
    answers["results"] = [(result.success, result.created, bool(result.error)) for result in results]

    job = bulk.create_query_job(object_name="Account", contentType="CSV")
    batch = bulk.query(job_id=job, soql=SOQL)
    bulk.wait_for_batch(job_id=job, batch_id=batch)
    bulk.close_job(job_id=job)
    ids = bulk.get_batch_result_ids(job_id=job, batch_id=batch)
    answers["rows"] = [
        dict(zip(header, row, strict=True))
        for header, *rows in (
            list(bulk.get_batch_results(batch_id=batch, result_id=result, job_id=job, parse_csv=True)) for result in ids
        )
        for row in rows
    ]
    answers["result ids"] = len(ids)
    answers["job state"] = bulk.job_state(job_id=job)

    job = bulk.create_query_job(object_name="Account")
    batch = bulk.query(job_id=job, soql="SELECT Nmae FROM Account")
    try:
        bulk.wait_for_batch(job_id=job, batch_id=batch)
    except BulkBatchFailed as error:
        answers["failure"] = (error.job_id == job, error.batch_id == batch, error.state_message)
    return answers


STYLES: dict[str, tuple[type[SalesforceBulk], Callable[..., Answers]]] = {
    "1.x order": (SalesforceBulk, first_generation),
    "2.x order": (SalesforceBulk, second_generation),
    "keyword order": (SalesforceBulk, by_keywords),
    "bulkipy style": (SalesforceBulkipy, first_generation),
    "bulkipy, 2.x order": (SalesforceBulkipy, second_generation),
}

EXPECTED: Answers = {
    "done": False,
    "state": "Queued",
    "state after": "Completed",
    "processed": "5",
    "has results": True,
    "results": [("true", "true", False)] * 3 + [("false", "false", True)] + [("true", "true", False)],
    "rows": [row for row in ROWS if row["Name"]],
    "result ids": 2,
    "job state": "Closed",
}


@pytest.mark.parametrize("style", STYLES)
def test_the_same_script_gives_the_same_answers(local_org: LocalOrg, style: str) -> None:
    """legacy-api.md 5: a resolution that serves all three. Ids aside, not one answer differs."""
    cls, script = STYLES[style]
    bulk = waiting_with(cls(local_org.access_token, local_org.url), local_org)
    with several_result_files(local_org, 2):
        answers = script(bulk, local_org.clock.advance)
    mine, ours, message = answers.pop("failure")
    assert EXPECTED == answers
    assert (True, True) == (mine, ours)
    assert "Nmae" in message
    bulk.org.close()

"""``query``: a query -> pages -> a result."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from ..data.schema import Columns, columns_for, text_columns
from ..engine.extract import PAGE_ROWS, pages
from ..engine.runs import whole_file
from ..errors import JobFailed
from ..protocol import bulk1, query2
from ..protocol.jobs2 import ask_job
from ..protocol.soql import object_of
from ..records import Body, JobSpec, PkChunking, QuerySpec
from ..results import Pages, QueryResult
from ..wire.names import BatchState, Job2State, JobState, Operation
from .setting import Setting, check_choice

Api = Literal["auto", "bulk2", "bulk1"]
APIS: Final = ("auto", "bulk2", "bulk1")
Types = Literal["describe", "text"]

#: The object of a query, how many rows the org says it found, and what opens its pages.
_Opened = tuple[str, int | None, Pages]


def query(
    setting: Setting,
    soql: str,
    *,
    deleted: bool,
    types: Types,
    api: Api,
    page_rows: int | None,
    pk_chunking: PkChunking | None,
    job_seconds: float,
    longest_poll_seconds: float,
) -> QueryResult:
    check_choice("types", types, ("describe", "text"))
    check_choice("api", api, APIS)
    chosen, why = ("bulk1", "PK chunking is asked for") if api == "auto" and pk_chunking else (api, "as asked for")
    if chosen == "auto":
        chosen, why = "bulk2", "every query that both can answer comes in pages there"
    receipt = setting.receipt("queryAll" if deleted else "query", "", chosen, why)
    began = time.monotonic()
    waits = {"limit_seconds": job_seconds, "longest_pause": longest_poll_seconds}
    if chosen == "bulk2":
        sobject, expected, open_pages = _query2(setting, soql, deleted, page_rows, waits, receipt)
    else:
        sobject, expected, open_pages = _query1(setting, soql, deleted, pk_chunking, waits, receipt)
    receipt |= {"object": sobject, "seconds": time.monotonic() - began}
    receipt["rows"] = {"expected": expected, "received": 0, "written": 0}
    return QueryResult(open_pages, _columns(setting, sobject, types), expected, receipt, whole_file, setting.traffic)


def _query2(
    setting: Setting, soql: str, deleted: bool, page_rows: int | None, waits: dict[str, float], receipt: dict[str, Any]
) -> _Opened:
    driver = setting.driver
    job = driver.perform(ask_job(query2.create_job(QuerySpec(soql, all_rows=deleted))))
    info = driver.perform(query2.await_job(job.id, **waits))
    receipt["jobs"].append({"id": job.id, "state": info.state, "rows": info.records_processed})
    if info.state != Job2State.JOB_COMPLETE:
        raise JobFailed(
            f"Query job {job.id} ended {info.state}: {info.error_message or 'the org gave no reason'}.\n"
            "No data was changed, and no row was read.\nAsk for less, or ask the same by REST for the reason.",
            job_id=job.id,
            state_message=info.error_message,
        )

    def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
        for page in pages(driver, job.id, page_rows=page_rows or PAGE_ROWS, parallel=page_rows is None):
            yield page.rows, page.pieces

    return info.sobject or job.sobject, info.records_processed, open_pages


def _query1(
    setting: Setting,
    soql: str,
    deleted: bool,
    chunking: PkChunking | None,
    waits: dict[str, float],
    receipt: dict[str, Any],
) -> _Opened:
    driver = setting.driver
    sobject = object_of(soql)
    operation = Operation.QUERY_ALL if deleted else Operation.QUERY
    spec = JobSpec(operation, sobject, "CSV", pk_chunking=chunking)
    job = driver.perform(bulk1.ask_job(bulk1.create_job(spec)))
    driver.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of(soql), "text/csv")))
    batches = driver.perform(bulk1.await_batches(job.id, chunked=chunking is not None, **waits))
    # Not before: the ranges of a chunked query are added to the job while it is open.
    driver.perform(bulk1.end_job(job.id, JobState.CLOSED))
    files: list[tuple[str, str]] = []
    for batch in batches:
        receipt["jobs"].append({"id": batch.id, "state": batch.state, "rows": batch.records_processed})
        if batch.state != BatchState.COMPLETED:
            raise bulk1.batch_failed(batch, job.id)
        files += [(batch.id, result) for result in driver.perform(bulk1.query_result_ids(job.id, batch.id))]

    def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
        for batch_id, result in files:
            yield None, driver.stream(bulk1.query_result(job.id, batch_id, result))

    return job.sobject or sobject, sum(batch.records_processed for batch in batches), open_pages


def _columns(setting: Setting, sobject: str, types: Types) -> Columns:
    if types == "text":
        return text_columns
    return lambda header: columns_for(header, setting.describe_of(sobject), setting.describe_of)

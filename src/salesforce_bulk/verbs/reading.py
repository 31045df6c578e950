"""``query``: a query -> pages -> a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from ..data.rest_rows import RestTable
from ..data.schema import Column, Columns, columns_for, text_columns
from ..engine.drive import Driver
from ..engine.extract import PAGE_ROWS, opened, pages
from ..engine.stop import Stop, Stopped
from ..errors import (
    AnswerMalformed,
    ApiError,
    JobFailed,
    MalformedResult,
    SalesforceBulkError,
    UsageError,
    WaitTimeout,
)
from ..frozen import frozen
from ..journal.folder import output_file
from ..options import JOB_SECONDS, LONGEST_POLL_SECONDS
from ..protocol import bulk1, query2, rest_query
from ..protocol.jobs2 import ask_job, ask_until
from ..protocol.messages import Flow
from ..protocol.soql import Shape, object_of, shape_of
from ..records import BatchInfo, Body, Job2Info, JobInfo, JobSpec, PkChunking, QuerySpec
from ..results import Pages, QueryResult, Recount
from ..wire.names import BatchState, Job2State, JobState, Operation
from .setting import Setting, check_at_least_one, check_choice, check_job_seconds, stop_after
from .soundness import is_sound

# Most queries are not kept.
if TYPE_CHECKING:
    from .keeping import KeptQuery

Api = Literal["auto", "bulk2", "bulk1", "rest"]
APIS: Final = ("auto", "bulk2", "bulk1", "rest")
Types = Literal["describe", "text"]

T = TypeVar("T")


@frozen
class _Opened:
    """The object of a query, how many rows the org says it found, what opens its pages, what asks once more for the number of
    rows, and its columns where they are known from more than the header."""

    sobject: str
    expected: int | None
    pages: Pages
    recount: Recount
    columns: Columns | None = None


def query(
    setting: Setting,
    soql: str,
    *,
    deleted: bool,
    types: Types,
    api: Api,
    page_rows: int | None,
    pk_chunking: PkChunking | None,
    keep: bool,
    job_seconds: float,
    run_seconds: float | None,
    longest_poll_seconds: float,
) -> QueryResult:
    check_choice("types", types, ("describe", "text"))
    check_choice("api", api, APIS)
    check_at_least_one(page_rows=page_rows)
    check_job_seconds(job_seconds)
    stop = stop_after(run_seconds, setting)
    shape = shape_of(soql)
    chosen, why = _api_for(shape, api, pk_chunking)
    if keep and chosen != "bulk2":
        raise UsageError(
            "keep is for queries by Bulk API 2.0, whose pages can be fetched one by one, and this one goes by "
            f"{chosen}: {why}. Nothing was sent."
        )
    receipt = setting.receipt("queryAll" if deleted else "query", "", chosen, why)
    began = time.monotonic()
    waits = {"limit_seconds": job_seconds, "longest_pause": longest_poll_seconds}
    asking = _Asking(stop.heeded_by(setting.driver), stop, receipt)
    try:
        if chosen == "rest":
            found = _query_rest(setting, asking.driver, soql, shape, deleted, page_rows)
        elif chosen == "bulk1":
            found = _query1(setting, asking, soql, deleted, pk_chunking, waits)
        else:
            try:
                found = _query2(setting, asking, soql, deleted, page_rows, waits, keep=keep)
            except (ApiError, JobFailed) as refused:
                if api != "auto" or keep or not rest_query.is_beyond_bulk(refused):
                    raise
                code = refused.error_code if isinstance(refused, ApiError) else "its job failed"
                receipt |= {"api": "rest", "why": f"Bulk API 2.0 does not take this query ({code})"}
                found = _query_rest(setting, asking.driver, soql, shape, deleted, page_rows)
    except Stopped:
        raise _late(run_seconds, asking) from None
    receipt |= {"object": found.sobject, "seconds": time.monotonic() - began}
    receipt["rows"] = {"expected": found.expected, "received": 0, "written": 0}
    columns = text_columns if types == "text" else found.columns or _columns(setting, found.sobject, receipt)
    return QueryResult(found.pages, columns, found.expected, receipt, output_file, setting.traffic, found.recount)


def resume_query(setting: Setting, run_id: str, types: Types) -> QueryResult:
    """The result of a query that was begun with ``keep``: its job is waited for if it has not ended yet."""
    check_choice("types", types, ("describe", "text"))
    from .keeping import KeptQuery

    kept = KeptQuery.found(setting, run_id)
    about = kept.about
    receipt = setting.receipt(about["operation"], about["object"], "bulk2", "as begun", run_id)
    receipt["started_at"] = about["started_at"]
    began = time.monotonic()
    waits = {"limit_seconds": JOB_SECONDS, "longest_pause": LONGEST_POLL_SECONDS}
    if kept.rows is not None:  # all is here: the org is not asked
        info = Job2Info(kept.job, state=Job2State.JOB_COMPLETE, records_processed=kept.rows)
    else:
        with kept.told():
            info = _ended2(setting.driver, kept.job, waits, receipt)
    receipt |= {"seconds": time.monotonic() - began}
    receipt["rows"] = {"expected": info.records_processed, "received": 0, "written": 0}
    columns = text_columns if types == "text" else _columns(setting, about["object"], receipt)
    pages, recount = _pages2(setting.driver, info, about["page_rows"], kept)
    return QueryResult(pages, columns, info.records_processed, receipt, output_file, setting.traffic, recount)


def _api_for(shape: Shape, api: Api, chunking: PkChunking | None) -> tuple[str, str]:
    """Which API, and why. What Bulk API 2.0 does not take, 1.0 does not take either (its guide, "Use Bulk Query")."""
    if chunking is not None:
        if api in ("bulk2", "rest"):
            name = "Bulk API 2.0 cuts queries itself" if api == "bulk2" else "REST does not cut queries"
            raise UsageError(
                f"{name}: pk_chunking is for Bulk API 1.0. Nothing was sent. Leave api or pk_chunking out."
            )
        return "bulk1", "PK chunking is asked for" if api == "auto" else "as asked for"
    if api != "auto":
        return api, "as asked for"
    if shape.only_rest:
        return "rest", f"no bulk query takes {shape.only_rest}"
    return "bulk2", "every query that both can answer comes in pages there"


@dataclass(slots=True)
class _Asking:
    """A query while its result is not there yet: the driver that heeds *stop*, and the job that would be left behind."""

    driver: Driver
    stop: Stop
    receipt: dict[str, Any]
    job: str = ""
    kept: KeptQuery | None = None

    @contextmanager
    def about(self, job: str, leave: Flow[None]) -> Iterator[None]:
        """Abort the *job* when it is left before its end, which is not when it has failed. After ``job_seconds`` it goes on, as
        that says, and so it does where somebody can come back for it."""
        self.job = job
        try:
            yield
        except (WaitTimeout, JobFailed):
            raise
        except BaseException:
            self.stop.now()
            if self.kept is None:
                self.driver.perform(leave)
            raise


def _late(seconds: float | None, asking: _Asking) -> WaitTimeout:
    what, how = f" Its job {asking.job} was aborted." if asking.job else "", "Ask for less, or give it longer."
    if asking.kept is not None:
        what = f" Its job {asking.job} goes on."
        how = f"Go on with it: sf.resume_query({asking.kept.folder.run_id!r})."
    error = WaitTimeout(
        f"The query had no result after {seconds or 0:g} seconds, which is all that run_seconds gives it.\n"
        f"No data was changed, and no row was read.{what}\n{how}",
        job_id=asking.job,
    )
    if asking.kept is not None:
        error.run_id = asking.kept.folder.run_id
    return error


def _query2(
    setting: Setting,
    asking: _Asking,
    soql: str,
    deleted: bool,
    page_rows: int | None,
    waits: dict[str, float],
    *,
    keep: bool,
) -> _Opened:
    driver = setting.driver
    job = asking.driver.perform(ask_job(query2.create_job(QuerySpec(soql, all_rows=deleted))))
    with asking.about(job.id, query2.leave_job(job.id)):
        if keep:
            from .keeping import KeptQuery

            told = {
                "operation": asking.receipt["operation"],
                "object": job.sobject or object_of(soql),
                "soql": soql,
                "page_rows": page_rows,
            }
            asking.kept = KeptQuery.begun(setting, job.id, told)
            asking.receipt["run_id"] = asking.kept.folder.run_id
        with asking.kept.told() if asking.kept is not None else nullcontext():
            info = _ended2(asking.driver, job.id, waits, asking.receipt)
    pages, recount = _pages2(driver, info, page_rows, asking.kept)
    return _Opened(info.sobject or job.sobject, info.records_processed, pages, recount)


def _ended2(driver: Driver, job_id: str, waits: dict[str, float], receipt: dict[str, Any]) -> Job2Info:
    """
    Raises:
        JobFailed: It did not end well.
    """
    info = driver.perform(query2.await_job(job_id, **waits))
    receipt["jobs"].append({"id": job_id, "state": info.state, "rows": info.records_processed})
    if info.state != Job2State.JOB_COMPLETE:
        raise JobFailed(
            f"Query job {job_id} ended {info.state}: {info.error_message or 'the org gave no reason'}.\n"
            "No data was changed, and no row was read.\nAsk for less, or ask the same by REST for the reason.",
            job_id=job_id,
            state_message=info.error_message,
        )
    return info


def _pages2(driver: Driver, info: Job2Info, page_rows: int | None, kept: KeptQuery | None) -> tuple[Pages, Recount]:
    """What opens the pages of a job that has ended, and what asks it for its number of rows."""

    def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
        for page in pages(
            driver,
            info.id,
            is_sound,
            expected=info.records_processed,
            page_rows=page_rows or PAGE_ROWS,
            parallel=page_rows is None,
        ):
            yield page.rows, page.pieces

    def recount(rows: int) -> int | None:
        get = query2.get_job(info.id)
        return driver.perform(ask_until(get, lambda now: now.records_processed in (None, rows))).records_processed

    return open_pages if kept is None else partial(kept.pages, info.records_processed), recount


def _query1(
    setting: Setting,
    asking: _Asking,
    soql: str,
    deleted: bool,
    chunking: PkChunking | None,
    waits: dict[str, float],
) -> _Opened:
    driver = setting.driver
    sobject = object_of(soql)
    operation = Operation.QUERY_ALL if deleted else Operation.QUERY
    spec = JobSpec(operation, sobject, "CSV", pk_chunking=chunking)
    job = _asked1(asking.driver, spec, soql)
    with asking.about(job.id, bulk1.leave_job(job.id, JobState.ABORTED)):
        batches = asking.driver.perform(bulk1.await_batches(job.id, chunked=chunking is not None, **waits))
        # Not before: the ranges of a chunked query are added to the job while it is open.
        asking.driver.perform(bulk1.end_job(job.id, JobState.CLOSED))
    files: list[tuple[str, str, int | None]] = []
    for batch in batches:
        asking.receipt["jobs"].append({"id": batch.id, "state": batch.state, "rows": batch.records_processed})
        if batch.state != BatchState.COMPLETED:
            raise bulk1.batch_failed(batch, job.id)
        results = _read(asking.driver, bulk1.query_result_ids, job.id, batch.id)
        rows = batch.records_processed if len(results) == 1 and batch.is_counted else None
        files += [(batch.id, result, rows) for result in results]

    def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
        for batch_id, result, rows in files:
            file = opened(driver, bulk1.query_result(job.id, batch_id, result), is_sound, rows)
            try:
                yield None, file.pieces
            finally:
                file.close()

    def recount(rows: int) -> int | None:  # noqa: ARG001 -- they are awaited
        return _found1(driver.perform(bulk1.await_batches(job.id, chunked=chunking is not None, **waits)))

    return _Opened(job.sobject or sobject, _found1(batches), open_pages, recount)


def _found1(batches: Sequence[BatchInfo]) -> int | None:
    """How many rows they found; None when one does not say."""
    return sum(batch.records_processed for batch in batches) if all(batch.is_counted for batch in batches) else None


def _asked1(driver: Driver, spec: JobSpec, soql: str) -> JobInfo:
    """A job that holds the query, once. Where nobody can tell, another job is made: a query changes nothing, but one that
    stands in a job twice gives all rows twice."""
    tries = 1
    while True:
        job: JobInfo | None = None
        try:
            job = driver.perform(bulk1.ask_job(bulk1.create_job(spec)))
            driver.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of(soql), "text/csv")))
            return job
        except BaseException as error:
            if job is not None:
                driver.perform(bulk1.leave_job(job.id, JobState.ABORTED))
            if not isinstance(error, SalesforceBulkError):
                raise
            if error.applied is not None or tries >= driver.options.tries:
                raise
        driver.traffic.add(retries=1)
        tries += 1


def _read(driver: Driver, flow: Callable[..., Flow[T]], *arguments: str) -> T:
    """Perform a flow that only reads; once more where what came was no answer to it."""
    tries = 1
    while True:
        try:
            return driver.perform(flow(*arguments))
        except AnswerMalformed as error:
            # What is repeatable was repeated by the driver.
            if error.repeatable or tries >= driver.options.tries:
                raise
        driver.traffic.add(retries=1)
        tries += 1


def _query_rest(
    setting: Setting, asking: Driver, soql: str, shape: Shape, deleted: bool, page_rows: int | None
) -> _Opened:
    """The first page is asked for at once, so that a query that the org refuses is an error here and not later."""
    if shape.nested:
        raise UsageError(
            "A query inside the select list gives records within records, which have no columns. Nothing was sent. "
            "Query the inner object itself, with the fields of its parent: SELECT Name, Account.Name FROM Contact."
        )
    driver = setting.driver
    sobject = object_of(soql)
    request = rest_query.query(soql, all_rows=deleted, page_rows=page_rows)

    def ask_first(driver: Driver) -> rest_query.RecordPage:
        page = driver.perform(rest_query.ask_page(request, page_rows))
        # COUNT() is answered with a number and no record.
        return rest_query.RecordPage([{shape.selected[0].name: str(page.total)}], 1, None) if shape.is_count else page

    first = ask_first(asking)
    kept = [first]
    described = setting.describe_of(sobject)
    table = RestTable(first.records, shape.selected, shape.fields, described, setting.describe_of)

    def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
        page, row = kept[0], 0
        seen: set[str] = set()
        while True:
            yield len(page.records), [table.csv(page.records, row)]
            row += len(page.records)
            if page.more is None:
                return
            if page.more.ids["locator"] in seen:
                raise MalformedResult(
                    f"The page of the query that ends before row {row} leads back to a page that was read before.\n"
                    "What was read is not complete.\nRun the query again."
                )
            seen.add(page.more.ids["locator"])
            page = driver.perform(rest_query.ask_page(page.more, page_rows))

    def recount(rows: int) -> int:  # noqa: ARG001 -- REST counts at once
        # The rows do not add up to the number in the first page: it may be the page that is wrong.
        kept[0] = ask_first(driver)
        return kept[0].total

    return _Opened(sobject, first.total, open_pages, recount, table.columns)


def _columns(setting: Setting, sobject: str, receipt: dict[str, Any]) -> Columns:
    def typed(header: Sequence[str]) -> Sequence[Column]:
        described = setting.describe_of(sobject)
        if described is None:  # the org has none, or does not show it
            receipt["text_columns"] = sorted(header)
        return columns_for(header, described, setting.describe_of)

    return typed

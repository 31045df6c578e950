"""What each verb of an org does, end to end: rows -> parts -> jobs -> outcomes; query -> pages -> result."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal

from .data.collection_records import CollectionRecords, lookup_columns
from .data.delimited import DelimitedRows
from .data.parts import BULK1, BULK2, REST, parts
from .data.record_text import record_writer
from .data.results import csv_results, parse_errors
from .data.schema import Columns, columns_for, text_columns
from .data.source import Nulls, Source
from .data.sources import open_source
from .engine.again import Again, Pass, Texts, passes, pause
from .engine.drive import Driver
from .engine.extract import PAGE_ROWS, pages
from .engine.ingest import ByBulk1, ByBulk2, ByCollections, PartDone, ResultFiles, Sent, Way, load, totals
from .engine.runs import RunFolder, whole_file
from .errors import JobFailed, UsageError
from .options import LoadOptions
from .protocol import bulk1, query2, rest
from .protocol.jobs2 import ask_job
from .protocol.passing import may_try_rest_again
from .reconcile import by_content, by_position
from .records import Body, Dialect, IngestSpec, JobSpec, Outcome, PartLimits, PkChunking, QuerySpec, RowResult
from .results import IngestResult, Pages, QueryResult
from .wire.names import Job2State, Operation

Api = Literal["auto", "bulk2", "bulk1"]
APIS: Final = ("auto", "bulk2", "bulk1")
LOAD_APIS: Final = (*APIS, "rest")
Types = Literal["describe", "text"]

_MOST: Final = {"bulk2": BULK2, "bulk1": BULK1, "rest": REST}

#: The object of a query, how many rows the org says it found, and what opens its pages.
_Opened = tuple[str, int | None, Pages]

_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verbs:
    """The verbs over one driver. ``describe_of`` gives the describe of an object, or None when the org has none."""

    driver: Driver
    describe_of: Callable[[str], Mapping[str, Any] | None]
    organization_id: Callable[[], str | None]

    # -- reading ------------------------------------------------------------------------------------------------------

    def query(
        self,
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
        _check_choice("types", types, ("describe", "text"))
        _check_choice("api", api, APIS)
        chosen, why = ("bulk1", "PK chunking is asked for") if api == "auto" and pk_chunking else (api, "as asked for")
        if chosen == "auto":
            chosen, why = "bulk2", "every query that both can answer comes in pages there"
        receipt = self._receipt("queryAll" if deleted else "query", "", chosen, why)
        began = time.monotonic()
        waits = {"limit_seconds": job_seconds, "longest_pause": longest_poll_seconds}
        if chosen == "bulk2":
            sobject, expected, open_pages = self._query2(soql, deleted, page_rows, waits, receipt)
        else:
            sobject, expected, open_pages = self._query1(soql, deleted, pk_chunking, waits, receipt)
        receipt |= {"object": sobject, "seconds": time.monotonic() - began}
        receipt["rows"] = {"expected": expected, "received": 0, "written": 0}
        return QueryResult(open_pages, self._columns(sobject, types), expected, receipt, whole_file, self._traffic)

    def _query2(
        self, soql: str, deleted: bool, page_rows: int | None, waits: dict[str, float], receipt: dict[str, Any]
    ) -> _Opened:
        driver = self.driver
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
        self, soql: str, deleted: bool, chunking: PkChunking | None, waits: dict[str, float], receipt: dict[str, Any]
    ) -> _Opened:
        driver = self.driver
        found = _FROM.search(soql)
        if found is None:
            raise UsageError("The query has no FROM. Nothing was sent.")
        operation = Operation.QUERY_ALL if deleted else Operation.QUERY
        spec = JobSpec(operation, found[1], "CSV", pk_chunking=chunking)
        job = driver.perform(bulk1.ask_job(bulk1.create_job(spec)))
        driver.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of(soql), "text/csv")))
        batches = driver.perform(bulk1.await_batches(job.id, chunked=chunking is not None, **waits))
        files: list[tuple[str, str]] = []
        for batch in batches:
            receipt["jobs"].append({"id": batch.id, "state": batch.state, "rows": batch.records_processed})
            if batch.state != "Completed":
                raise bulk1.batch_failed(batch, job.id)
            files += [(batch.id, result) for result in driver.perform(bulk1.query_result_ids(job.id, batch.id))]
        driver.perform(bulk1.end_job(job.id, "Closed"))

        def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
            for batch_id, result in files:
                yield None, driver.stream(bulk1.query_result(job.id, batch_id, result))

        return job.sobject or found[1], sum(batch.records_processed for batch in batches), open_pages

    def _columns(self, sobject: str, types: Types) -> Columns:
        if types == "text":
            return text_columns
        return lambda header: columns_for(header, self.describe_of(sobject), self.describe_of)

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(
        self,
        operation: str,
        sobject: str,
        rows: Any,
        *,
        external_id: str | None,
        nulls: Nulls,
        options: LoadOptions,
        on_progress: Callable[[Mapping[str, Any]], Any] | None,
    ) -> IngestResult:
        _check_choice("api", options.api, LOAD_APIS)
        if options.retries < 0:
            raise UsageError(f"retries is 0 or more, not {options.retries}. Nothing was sent.")
        chosen, why = _api_for(operation, rows, options)
        only = ("Id",) if operation in (Operation.DELETE, Operation.HARD_DELETE) else None
        source = open_source(rows, nulls=nulls, only=only)
        _check_columns(operation, source, external_id)
        asked = _Asked(operation, sobject, external_id, source, options)
        folder = RunFolder.new()
        receipt = self._receipt(operation, sobject, chosen, why, folder.run_id)
        receipt["attempts"] = []
        began = time.monotonic()
        limits = _limits(_MOST[chosen], options)
        done: list[PartDone] = []

        def on_part(part: PartDone) -> None:
            done.append(part)
            if on_progress is not None:
                on_progress(_progress(done))

        first = Pass(1, chosen, options.serial, limits.rows)
        ended: Sequence[PartDone] = ()
        whole = False
        way, close = self._way(asked, first)
        try:
            try:
                load(parts(source, limits, asked.dialect(chosen)), way, folder, options, on_part)
            finally:
                close()
                done.sort(key=lambda part: part.number)
                receipt["jobs"] += _jobs(first, done)
                receipt["attempts"].append(_attempt(first, done))
            if options.retries and any(part.again for part in done):
                again = Again(done, folder, options.parallel_jobs)
                try:
                    for _ in self._passes(asked, first, again, receipt):
                        if on_progress is not None:
                            on_progress(_progress(again.done))
                finally:
                    done, ended = again.done, again.last
                    again.close()
            whole = True
        finally:
            self._finish(receipt, done, source, began, whole=whole)
            folder.write_receipt(receipt)
        succeeded, failed, unprocessed = totals(done)
        result = IngestResult(
            lambda: (outcome for part in done for outcome in part.outcomes()),
            {"succeeded": succeeded, "failed": failed, "unprocessed": unprocessed},
            source,
            receipt,
            folder.run_id,
            whole_file,
        )
        _raise_if_failed(done, ended, options, operation, sobject, result)
        return result

    def _passes(self, asked: _Asked, first: Pass, again: Again, receipt: dict[str, Any]) -> Iterator[Pass]:
        """Send what may be sent again, pass after pass, until nothing is left of it."""
        options = asked.options
        dialect = asked.dialect(first.api)
        naming = lookup_columns(asked.source.columns, self.describe_of(asked.sobject), asked.key)
        for this in passes(options.retries, first.api, first.serial, max(part.rows for part in again.done)):
            if not again.rows or again.aborted:
                return
            pause(self.driver.clock, this.number)
            theirs = asked.dialect(this.api)
            texts = Texts(
                partial(DelimitedRows, dialect=dialect),
                asked.source.header(theirs),
                record_writer(theirs),
                naming,
                _limits(_MOST[this.api], options).bytes,
            )
            way, close = self._way(asked, this)
            try:
                again.send(this, way, texts)
            finally:
                close()
                receipt["jobs"] += _jobs(this, again.last)
                receipt["attempts"].append(_attempt(this, again.last))
            yield this

    def _way(self, asked: _Asked, this: Pass) -> tuple[Way, Callable[[], None]]:
        options = asked.options
        columns, dialect = asked.source.columns, asked.dialect(this.api)
        spec = IngestSpec(asked.operation, asked.sobject, asked.external_id, options.assignment_rule_id, dialect)
        if this.api == "bulk2":
            return ByBulk2(self.driver, spec, options, partial(_match, columns, dialect, asked.key)), lambda: None
        if this.api == "rest":
            records = CollectionRecords(columns, asked.operation, asked.sobject, asked.external_id, self.describe_of)
            return ByCollections(self.driver, spec, partial(_entries, records, dialect), _settled), lambda: None
        job = JobSpec(
            asked.operation,
            asked.sobject,
            "CSV",
            concurrency="Serial" if this.serial else "Parallel",
            external_id=asked.external_id,
            assignment_rule_id=options.assignment_rule_id,
        )
        way = ByBulk1(self.driver, job, options, _place)
        return way, way.close

    def _receipt(self, operation: str, sobject: str, api: str, why: str, run_id: str | None = None) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "operation": operation,
            "object": sobject,
            "api": api,
            "why": why,
            "org_id": self.organization_id(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": 0.0,
            "rows": {},
            "jobs": [],
            **self._traffic(),
            "complete": False,
            "errors": [],
        }

    def _traffic(self) -> dict[str, int]:
        traffic = self.driver.traffic
        return {
            "requests": traffic.requests,
            "bytes_sent": traffic.bytes_sent,
            "bytes_received": traffic.bytes_received,
            "retries": traffic.retries,
        }

    def _finish(
        self, receipt: dict[str, Any], done: list[PartDone], source: Source, began: float, *, whole: bool
    ) -> None:
        succeeded, failed, unprocessed = totals(done)
        rows = sum(part.rows for part in done)
        receipt["seconds"] = time.monotonic() - began
        receipt |= self._traffic()
        receipt["input"] = {name: value for name, value in _told(source).items() if value}
        receipt["rows"] = {
            "read": rows,
            "sent": rows,
            "succeeded": succeeded,
            "failed": failed,
            "unprocessed": unprocessed,
        }
        receipt["errors"] = _errors(done) if failed else []
        receipt["complete"] = whole and succeeded + failed + unprocessed == rows


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a load was asked to do."""

    operation: str
    sobject: str
    external_id: str | None
    source: Source
    options: LoadOptions

    @property
    def key(self) -> str | None:
        """The column that tells records apart."""
        return self.external_id or ("Id" if self.operation != Operation.INSERT else None)

    def dialect(self, api: str) -> Dialect:
        """How the rows are written on the way: only jobs of 2.0 take other CSV than the plain one."""
        return self.source.dialect if api == "bulk2" else Dialect()


def _progress(done: Sequence[PartDone]) -> dict[str, int]:
    succeeded, failed, unprocessed = totals(done)
    return {"parts": len(done), "succeeded": succeeded, "failed": failed, "unprocessed": unprocessed}


def _jobs(this: Pass, done: Iterable[PartDone]) -> list[dict[str, Any]]:
    """The jobs (1.0: batches) of a pass; the calls of a collection are none."""
    return [
        {
            "id": part.job,
            "state": part.state,
            "rows": part.rows,
            "first_row": part.first_row,
            "said": part.said,
            "pass": this.number,
        }
        for part in done
        if part.job
    ]


def _attempt(this: Pass, done: Sequence[PartDone]) -> dict[str, Any]:
    succeeded, failed, unprocessed = totals(done)
    return {
        "pass": this.number,
        "rows": sum(part.rows for part in done),
        "api": this.api,
        "serial": this.serial,
        "succeeded": succeeded,
        "still_failed": failed + unprocessed,
    }


def _told(source: Source) -> dict[str, Any]:
    detected = source.detected
    return {
        "kind": detected.kind,
        "encoding": detected.encoding,
        "delimiter": detected.delimiter,
        "line_ending": detected.line_ending,
        "notes": list(detected.notes),
    }


def _errors(done: Sequence[PartDone]) -> list[dict[str, Any]]:
    """The kinds of errors, the most frequent first, each with a row to look at."""
    counts: Counter[str] = Counter()
    examples: dict[str, int] = {}
    for part in done:
        if part.failed:
            for outcome in part.outcomes():
                if outcome.state == "failed":
                    counts[outcome.code] += 1
                    examples.setdefault(outcome.code, outcome.row)
    return [{"code": code, "count": count, "example_row": examples[code]} for code, count in counts.most_common()]


def _check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UsageError(f"{name} is one of {', '.join(map(repr, choices))}, not {value!r}. Nothing was sent.")


def _api_for(operation: str, rows: Any, options: LoadOptions) -> tuple[str, str]:
    if options.serial:
        if options.api in ("bulk2", "rest"):
            name = "Bulk API 2.0" if options.api == "bulk2" else "REST"
            raise UsageError(f"{name} has no serial mode. Nothing was sent. Leave api out, or take api='bulk1'.")
        return "bulk1", "serial mode exists in Bulk API 1.0 only"
    if options.api == "rest" and operation == Operation.HARD_DELETE:
        raise UsageError("REST has no hard delete. Nothing was sent. Leave api out, or take api='bulk2'.")
    if options.api != "auto":
        return options.api, "as asked for"
    if operation != Operation.HARD_DELETE and _is_small(rows) and not _is_about_parts(options):
        return "rest", f"{REST.rows} rows at most: one REST call"
    return "bulk2", "one job for up to 100 MB"


def _is_small(rows: Any) -> bool:
    """One call takes the input whole. A job takes seven calls and its time in the queue, however small; two calls and more
    would give up what a job has over them: it can be asked what it did when an answer is lost."""
    return isinstance(rows, Sized) and not isinstance(rows, str | bytes | Mapping) and len(rows) <= REST.rows


def _is_about_parts(options: LoadOptions) -> bool:
    """Who says how jobs are made wants jobs. An assignment rule too: what REST does with one on an update differs."""
    return any((options.part_rows, options.part_bytes, options.assignment_rule_id))


def _check_columns(operation: str, source: Source, external_id: str | None) -> None:
    """What cannot be right whatever the org. An input without rows has no columns, and is done at once."""
    names = {name.lower() for name in source.columns}
    if not names:
        return
    needed = external_id if operation == Operation.UPSERT else None if operation == Operation.INSERT else "Id"
    if needed and needed.lower() not in names:
        raise UsageError(
            f"The operation {operation} needs the column {needed!r}; the rows have {', '.join(source.columns)}. "
            "Nothing was sent."
        )
    if operation == Operation.INSERT and "id" in names:
        raise UsageError("An insert takes no column 'Id'; to change records, update or upsert. Nothing was sent.")


def _limits(most: PartLimits, options: LoadOptions) -> PartLimits:
    for name, value in (("part_rows", options.part_rows), ("part_bytes", options.part_bytes)):
        if value is not None and value < 1:
            raise UsageError(f"{name} is at least 1, not {value}. Nothing was sent.")
    return replace(
        most,
        rows=min(most.rows, options.part_rows or most.rows),
        bytes=min(most.bytes, options.part_bytes or most.bytes),
    )


@dataclass(frozen=True, slots=True)
class _SentRows:
    """The rows of a part, read from what was sent, as often as they are needed."""

    sent: Sent
    dialect: Dialect

    def __iter__(self) -> Iterator[list[str]]:
        return iter(DelimitedRows(self.sent.open(), self.dialect))


def _match(
    columns: tuple[str, ...], dialect: Dialect, key: str | None, sent: Sent, files: ResultFiles
) -> Iterable[Outcome]:
    read = partial(DelimitedRows, dialect=dialect)
    return by_content(
        _SentRows(sent, dialect),
        read(files.successful),
        read(files.failed),
        read(files.unprocessed),
        columns=columns,
        parse_errors=parse_errors,
        first_row=sent.first_row,
        key=key if key and key.lower() in {name.lower() for name in columns} else None,
        records_processed=files.records_processed,
        records_failed=files.records_failed,
    )


def _entries(records: CollectionRecords, dialect: Dialect, sent: Sent) -> list[tuple[bytes, str]]:
    return list(records(_SentRows(sent, dialect), sent.first_row))


def _settled(results: Sequence[RowResult | None], first_row: int) -> Iterable[Outcome]:
    told = by_position(
        (result or RowResult(None, False, False) for result in results), len(results), first_row=first_row
    )
    return (
        Outcome(outcome.row, "unprocessed") if result is None else outcome
        for result, outcome in zip(results, told, strict=True)
    )


def _place(pieces: Iterable[bytes], rows: int, first_row: int) -> Iterable[Outcome]:
    return by_position(csv_results(pieces), rows, first_row=first_row)


def _raise_if_failed(
    done: Sequence[PartDone],
    ended: Sequence[PartDone],
    options: LoadOptions,
    operation: str,
    sobject: str,
    result: IngestResult,
) -> None:
    """A part that the org gave up on as a whole is an error of the run; its outcomes are in the error.

    Unless it did so for a passing reason, and each of its rows was sent again and tried. *ended*: the parts of the last pass.
    """

    def is_mended(part: PartDone) -> bool:
        return bool(options.retries) and not part.unprocessed and may_try_rest_again(part.state, part.said)

    given_up = [
        part for part in (*done, *ended) if part.state in ("Failed", "Aborted", "NotProcessed") and not is_mended(part)
    ]
    if not given_up:
        return
    first = given_up[0]
    what = f"Job {first.job}" if first.job else "The call"
    raise JobFailed(
        f"{what} ({operation} {sobject}, part {first.number} of {len(done) + len(ended)}) "
        f"ended {first.state}: {first.said or 'the org gave no reason'}.\n"
        f"{result.succeeded} rows were applied, {result.failed} refused, {result.unprocessed} not tried.\n"
        "Correct the cause and send the rows that were not tried again: error.result.failures() names them.",
        job_id=first.job,
        state_message=first.said,
        result=result,
    )


def describe_flow(sobject: str) -> Any:
    """The describe of an object."""
    return rest.ask_document(rest.describe(sobject), dict)

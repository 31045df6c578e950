"""What each verb of an org does, end to end: rows -> parts -> jobs -> outcomes; query -> pages -> result."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal

from .data.decode import CsvRecords
from .data.parts import BULK1, BULK2, parts
from .data.results import csv_results, parse_errors
from .data.schema import Columns, columns_for, text_columns
from .data.source import Nulls, Source
from .data.sources import open_source
from .engine.drive import Driver
from .engine.extract import PAGE_ROWS, pages
from .engine.ingest import ByBulk1, ByBulk2, PartDone, ResultFiles, Sent, Way, load, totals
from .engine.runs import RunFolder, whole_file
from .errors import JobFailed, UsageError
from .options import LoadOptions
from .protocol import bulk1, query2, rest
from .protocol.jobs2 import ask_job
from .reconcile import by_content, by_position
from .records import Body, Dialect, IngestSpec, JobSpec, Outcome, PartLimits, PkChunking, QuerySpec
from .results import IngestResult, Pages, QueryResult
from .wire.names import Job2State, Operation

Api = Literal["auto", "bulk2", "bulk1"]
APIS: Final = ("auto", "bulk2", "bulk1")
Types = Literal["describe", "text"]

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
        _check_choice("api", options.api, APIS)
        chosen, why = _api_for(options)
        only = ("Id",) if operation in (Operation.DELETE, Operation.HARD_DELETE) else None
        source = open_source(rows, nulls=nulls, only=only)
        _check_columns(operation, source, external_id)
        folder = RunFolder.new()
        receipt = self._receipt(operation, sobject, chosen, why, folder.run_id)
        began = time.monotonic()
        dialect = source.dialect if chosen == "bulk2" else Dialect()
        limits = _limits(BULK2 if chosen == "bulk2" else BULK1, options)
        done: list[PartDone] = []

        def on_part(part: PartDone) -> None:
            done.append(part)
            if on_progress is not None:
                succeeded, failed, unprocessed = totals(done)
                on_progress({"parts": len(done), "succeeded": succeeded, "failed": failed, "unprocessed": unprocessed})

        way, close = self._way(chosen, operation, sobject, external_id, source, dialect, options)
        try:
            load(parts(source, limits, dialect), way, folder, options, on_part)
        finally:
            close()
            done.sort(key=lambda part: part.number)
            self._finish(receipt, done, source, began)
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
        _raise_if_failed(done, operation, sobject, result)
        return result

    def _way(
        self,
        chosen: str,
        operation: str,
        sobject: str,
        external_id: str | None,
        source: Source,
        dialect: Dialect,
        options: LoadOptions,
    ) -> tuple[Way, Callable[[], None]]:
        if chosen == "bulk2":
            spec = IngestSpec(operation, sobject, external_id, options.assignment_rule_id, dialect)
            key = external_id or ("Id" if operation != Operation.INSERT else None)
            return ByBulk2(self.driver, spec, options, partial(_match, source.columns, dialect, key)), lambda: None
        job = JobSpec(
            operation,
            sobject,
            "CSV",
            concurrency="Serial" if options.serial else "Parallel",
            external_id=external_id,
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

    def _finish(self, receipt: dict[str, Any], done: list[PartDone], source: Source, began: float) -> None:
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
        receipt["jobs"] = [
            {"id": part.job, "state": part.state, "rows": part.rows, "first_row": part.first_row, "said": part.said}
            for part in done
        ]
        receipt["errors"] = _errors(done) if failed else []
        receipt["complete"] = succeeded + failed + unprocessed == rows


def _told(source: Source) -> dict[str, Any]:
    detected = source.detected
    return {
        "kind": detected.kind,
        "encoding": detected.encoding,
        "delimiter": detected.delimiter,
        "line_ending": detected.line_ending,
        "notes": list(detected.notes),
    }


def _errors(done: list[PartDone]) -> list[dict[str, Any]]:
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


def _api_for(options: LoadOptions) -> tuple[str, str]:
    if options.serial:
        if options.api == "bulk2":
            raise UsageError("Bulk API 2.0 has no serial mode. Nothing was sent. Leave api out, or take api='bulk1'.")
        return "bulk1", "serial mode exists in Bulk API 1.0 only"
    if options.api == "auto":
        return "bulk2", "one job for up to 100 MB"
    return options.api, "as asked for"


def _check_columns(operation: str, source: Source, external_id: str | None) -> None:
    """What cannot be right whatever the org. An input without rows has no columns, and is done at once."""
    names = {name.lower() for name in source.columns}
    if not names:
        return
    needed = external_id if operation == Operation.UPSERT else None if operation == Operation.INSERT else "Id"
    if needed and needed.lower() not in names:
        raise UsageError(
            f"An {operation} needs the column {needed!r}; the rows have {', '.join(source.columns)}. Nothing was sent."
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
        records = CsvRecords(self.sent.open(), delimiter=self.dialect.delimiter)
        assert records.columns is not None
        return iter(records)


def _match(
    columns: tuple[str, ...], dialect: Dialect, key: str | None, sent: Sent, files: ResultFiles
) -> Iterable[Outcome]:
    read = partial(CsvRecords, delimiter=dialect.delimiter)
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


def _place(pieces: Iterable[bytes], rows: int, first_row: int) -> Iterable[Outcome]:
    return by_position(csv_results(pieces), rows, first_row=first_row)


def _raise_if_failed(done: list[PartDone], operation: str, sobject: str, result: IngestResult) -> None:
    """A part that the org gave up on as a whole is an error of the run; its outcomes are in the error."""
    given_up = [part for part in done if part.state in ("Failed", "Aborted", "NotProcessed")]
    if not given_up:
        return
    first = given_up[0]
    raise JobFailed(
        f"Job {first.job} ({operation} {sobject}, part {first.number} of {len(done)}) ended {first.state}: "
        f"{first.said or 'the org gave no reason'}.\n"
        f"{result.succeeded} rows were applied, {result.failed} refused, {result.unprocessed} not tried.\n"
        "Correct the cause and send the rows that were not tried again: error.result.failures() names them.",
        job_id=first.job,
        state_message=first.said,
        result=result,
    )


def describe_flow(sobject: str) -> Any:
    """The describe of an object."""
    return rest.ask_document(rest.describe(sobject), dict)

"""``insert``, ``update``, ``upsert``, ``delete``, ``hard_delete``: rows -> parts -> jobs -> outcomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from ..data.collection_records import CollectionRecords, lookup_columns
from ..data.delimited import DelimitedRows
from ..data.parts import BULK1, BULK2, REST, parts
from ..data.record_text import record_writer
from ..data.results import csv_results
from ..data.source import Nulls, Source
from ..data.sources import open_source
from ..engine.again import Again, Pass, Texts, passes, pause
from ..engine.ingest import (
    ByBulk1,
    ByBulk2,
    ByCollections,
    LoadOutcomes,
    PartDone,
    Sent,
    Way,
    load,
    totals,
)
from ..errors import JobFailed, UsageError
from ..journal.folder import RunFolder, whole_file
from ..options import LoadOptions
from ..protocol.passing import may_try_rest_again
from ..reconcile import by_position
from ..records import Dialect, IngestSpec, JobSpec, Outcome, PartLimits, RowResult
from ..results import IngestResult
from ..wire.names import Operation
from .account import attempt, errors_of, jobs_of, progress, told
from .matching import Matching, SentRows
from .setting import Setting, check_choice

LOAD_APIS: Final = ("auto", "bulk2", "bulk1", "rest")

_MOST: Final = {"bulk2": BULK2, "bulk1": BULK1, "rest": REST}


def write(
    setting: Setting,
    operation: str,
    sobject: str,
    rows: Any,
    *,
    external_id: str | None,
    nulls: Nulls,
    options: LoadOptions,
    on_progress: Callable[[Mapping[str, Any]], Any] | None,
) -> IngestResult:
    check_choice("api", options.api, LOAD_APIS)
    check_choice("outcomes", options.outcomes, ("now", "later"))
    if options.retries < 0:
        raise UsageError(f"retries is 0 or more, not {options.retries}. Nothing was sent.")
    chosen, why = _api_for(operation, rows, options)
    only = ("Id",) if operation in (Operation.DELETE, Operation.HARD_DELETE) else None
    source = open_source(rows, nulls=nulls, only=only)
    _check_columns(operation, source, external_id)
    asked = _Asked(operation, sobject, external_id, source, options)
    folder = RunFolder.new()
    receipt = setting.receipt(operation, sobject, chosen, why, folder.run_id)
    receipt["attempts"] = []
    began = time.monotonic()
    limits = _limits(_MOST[chosen], options)
    done: list[PartDone] = []

    def on_part(part: PartDone) -> None:
        done.append(part)
        if on_progress is not None:
            on_progress(progress(done))

    first = Pass(1, chosen, options.serial, limits.rows)
    ended: Sequence[PartDone] = ()
    whole = False
    way, close = _way(setting, asked, first)
    try:
        try:
            load(parts(source, limits, asked.dialect(chosen)), way, folder, options, on_part)
        finally:
            close()
            done.sort(key=lambda part: part.number)
            receipt["jobs"] += jobs_of(first, done)
            receipt["attempts"].append(attempt(first, done))
        if options.retries and any(part.again for part in done):
            again = Again(done, folder, options.parallel_jobs)
            try:
                for _ in _passes(setting, asked, first, again, receipt):
                    if on_progress is not None:
                        on_progress(progress(again.done))
            finally:
                done, ended = again.done, again.last
                again.close()
        whole = True
    finally:
        _finish(setting, receipt, done, source, began, whole=whole)
        folder.write_receipt(receipt)
    succeeded, failed, unprocessed = totals(done)
    result = IngestResult(
        LoadOutcomes(done),
        {"succeeded": succeeded, "failed": failed, "unprocessed": unprocessed},
        source,
        receipt,
        folder.run_id,
        whole_file,
    )
    _raise_if_failed(done, ended, options, operation, sobject, result)
    return result


def _passes(setting: Setting, asked: _Asked, first: Pass, again: Again, receipt: dict[str, Any]) -> Iterator[Pass]:
    """Send what may be sent again, pass after pass, until nothing is left of it."""
    options = asked.options
    dialect = asked.dialect(first.api)
    naming = lookup_columns(asked.source.columns, setting.describe_of(asked.sobject), asked.key)
    for this in passes(options.retries, first.api, first.serial, max(part.rows for part in again.done)):
        if not again.rows or again.aborted:
            return
        pause(setting.driver.clock, this.number)
        theirs = asked.dialect(this.api)
        texts = Texts(
            partial(DelimitedRows, dialect=dialect),
            asked.source.header(theirs),
            record_writer(theirs),
            naming,
            _limits(_MOST[this.api], options).bytes,
        )
        way, close = _way(setting, asked, this)
        try:
            again.send(this, way, texts)
        finally:
            close()
            receipt["jobs"] += jobs_of(this, again.last)
            receipt["attempts"].append(attempt(this, again.last))
        yield this


def _way(setting: Setting, asked: _Asked, this: Pass) -> tuple[Way, Callable[[], None]]:
    options = asked.options
    columns, dialect = asked.source.columns, asked.dialect(this.api)
    spec = IngestSpec(asked.operation, asked.sobject, asked.external_id, options.assignment_rule_id, dialect)
    if this.api == "bulk2":
        return ByBulk2(setting.driver, spec, options, Matching(columns, dialect, asked.key)), lambda: None
    if this.api == "rest":
        records = CollectionRecords(columns, asked.operation, asked.sobject, asked.external_id, setting.describe_of)
        return ByCollections(setting.driver, spec, partial(_entries, records, dialect), _settled), lambda: None
    job = JobSpec(
        asked.operation,
        asked.sobject,
        "CSV",
        concurrency="Serial" if this.serial else "Parallel",
        external_id=asked.external_id,
        assignment_rule_id=options.assignment_rule_id,
    )
    way = ByBulk1(setting.driver, job, options, _place)
    return way, way.close


def _finish(
    setting: Setting, receipt: dict[str, Any], done: list[PartDone], source: Source, began: float, *, whole: bool
) -> None:
    succeeded, failed, unprocessed = totals(done)
    rows = sum(part.rows for part in done)
    receipt["seconds"] = time.monotonic() - began
    receipt |= setting.traffic()
    receipt["input"] = {name: value for name, value in told(source).items() if value}
    receipt["rows"] = {
        "read": rows,
        "sent": rows,
        "succeeded": succeeded,
        "failed": failed,
        "unprocessed": unprocessed,
    }
    receipt["errors"] = errors_of(done) if failed else []
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


def _entries(records: CollectionRecords, dialect: Dialect, sent: Sent) -> list[tuple[bytes, str]]:
    return list(records(SentRows(sent, dialect), sent.first_row))


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

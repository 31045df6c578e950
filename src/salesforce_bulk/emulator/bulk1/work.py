"""What becomes of a batch after it was taken in: queued, in progress, and final.

The clock drives it. Batches run beside each other and in any order; those of Serial jobs one at a time in the whole org.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from email.message import Message
from functools import partial

from salesforce_bulk.wire.names import BatchState, Concurrency, JobState, Operation

from .. import soql
from ..clock import Clock
from ..faults import Faults, WorkFault
from ..faults.work import GAVE_UP
from ..limits import Limits
from ..schema import SObject
from ..store import Cell, ColumnNotFound, RowError, SaveResult, Store
from ..store.applied import Applied, forget
from .attachments import Attachments
from .jobs import Batch, Job, Jobs
from .pk_chunking import can_chunk, chunked_object, narrowed, ranges
from .results import SLICE, QueryRows, SaveResults
from .rows import BatchFault, Row, Rows, read_rows
from .spec import read_spec, transform

log = logging.getLogger(__name__)

#: Rows between two updates of the counters: a multiple of the 200 of one transaction.
STEP = 2_000
_LINE_END = re.compile(r"\r\n|\r|\n")


class Worker:
    def __init__(self, store: Store, jobs: Jobs, clock: Clock, limits: Limits, faults: Faults) -> None:
        self.store = store
        self.jobs = jobs
        self.clock = clock
        self.limits = limits
        self.faults = faults
        self._serial: str | None = None
        self._waiting: deque[Batch] = deque()

    def accept(self, batch: Batch) -> None:
        self.clock.later(self.limits.queue_seconds, lambda: self._begin(batch))

    def recover(self) -> None:
        """After a restart: what was queued is queued again. So is what was under way: of it, the rows that were done before are
        not done again."""
        for job in self.jobs.all():
            for batch in self.jobs.batches(job):
                if batch.state == BatchState.IN_PROGRESS:
                    batch.state = BatchState.QUEUED
                    batch.processed = batch.failed = 0
                    self.jobs.save(batch)
                if batch.state == BatchState.QUEUED:
                    self.accept(batch)
                else:
                    forget(self.store, batch.id)  # it may have been killed before it came to that
                    if batch.chunked and not any(chunk.chunk_of == batch.id for chunk in self.jobs.batches(job)):
                        self._recover_chunks(job, batch)

    def _begin(self, batch: Batch) -> None:
        with self.jobs.lock:
            job = self.jobs.job(batch.job_id)
            if job is None or batch.state != BatchState.QUEUED:
                return
            if job.concurrency == Concurrency.SERIAL:
                if self._serial is not None:
                    self._waiting.append(batch)
                    return
                self._serial = batch.id
            batch.state = BatchState.IN_PROGRESS
            batch.modified = self.clock.now().timestamp()
            self.jobs.save(batch)
        perform = partial(self.clock.later, self.limits.work_seconds, lambda: self._perform(job, batch))
        self.faults.begin("bulk1.batch", (batch.id, job.id), f"{job.operation} {job.object}", perform)

    def _perform(self, job: Job, batch: Batch) -> None:
        fault = self.faults.of_work(batch.id)
        try:
            if fault.rows == 0 and fault.strikes(0):
                self._strike(job, batch, fault)
            elif job.is_query:
                self._query(job, batch)
            else:
                self._save(job, batch, fault)
        except BatchFault as fault:
            self._end(batch, BatchState.FAILED, str(fault))
        except soql.SoqlError as error:
            self._end(batch, BatchState.FAILED, error.state_message)
        except Exception:
            log.exception("batch %s failed", batch.id)
            self._end(batch, BatchState.FAILED, "InternalServerError : An unexpected error occurred")

    def _strike(self, job: Job, batch: Batch, fault: WorkFault) -> None:
        """The batch ends as planned; with its job, if that is aborted."""
        if fault.ends == "job-failed":
            self._end(batch, BatchState.FAILED, GAVE_UP)
            return
        self._end(batch, BatchState.NOT_PROCESSED)
        if fault.ends == "job-aborted":
            with self.jobs.lock:
                job.state = JobState.ABORTED
                job.modified = self.clock.now().timestamp()
                self.jobs.save(job)
                self.drop_queued(job)

    def drop_queued(self, job: Job) -> None:
        """What an abort does to the batches that have not begun."""
        for batch in self.jobs.batches(job):
            if batch.state == BatchState.QUEUED:
                batch.state = BatchState.NOT_PROCESSED
                batch.modified = job.modified
                self.jobs.save(batch)

    def _end(self, batch: Batch, state: str, message: str | None = None, *, chunked: bool = False) -> None:
        with self.jobs.lock:
            if self.jobs.batch(batch.id) is batch:  # not if the org was reset meanwhile
                batch.chunked = chunked
                batch.state = state
                batch.message = message
                batch.modified = self.clock.now().timestamp()
                self.jobs.save(batch)
            if self._serial == batch.id:
                self._serial = None
                if self._waiting:
                    waiting = self._waiting.popleft()
                    self.clock.later(0.0, lambda: self._begin(waiting))
        forget(self.store, batch.id)

    # --- rows in ------------------------------------------------------------------------------------------------------

    def _save(self, job: Job, batch: Batch, fault: WorkFault) -> None:
        begun = time.perf_counter()
        sobject = self._object(job)
        rows = self._rows(job, batch, sobject)
        if job.line_ending:
            _settle_line_ends(rows, sobject, "\r\n" if job.line_ending.upper() == "CRLF" else "\n")
        try:
            plan = self.store.prepare(job.operation, sobject, rows.columns, external_id=job.external_id)
        except ColumnNotFound as error:
            raise BatchFault(f"Field name not found : {error.name}") from error
        if job.is_json:
            for row in rows.rows:
                if isinstance(row, list) and (refused := plan.unreadable(row)) is not None:
                    # A value of the wrong type fails a JSON batch whole (the text is not on record).
                    raise BatchFault(f"Failed to parse JSON. {refused.message}")
        if fault.locks:
            plan.locked = fault.happened
        applied = Applied(self.store, batch.id)
        apply = partial(applied.apply, plan)
        writer = SaveResults(job.row_format, job.api_version)
        allowed = fault.left(0, len(rows.rows))
        with self.jobs.result_file(batch).open("w", encoding="utf-8", errors="replace", newline="") as out:
            out.write(writer.head())
            for step in _steps(rows.rows[:allowed]):
                results = _apply(apply, step)
                out.write(writer.render(results))
                with self.jobs.lock:
                    batch.processed += len(results)
                    batch.failed += sum(not result.success for result in results)
                    batch.total_ms = batch.api_ms = math.ceil((time.perf_counter() - begun) * 1_000)
                    if self.jobs.batch(batch.id) is batch:
                        self.jobs.save(batch)
            out.write(writer.tail())
        if allowed < len(rows.rows) and fault.strikes(allowed):
            self._strike(job, batch, fault)
        else:
            self._end(batch, BatchState.COMPLETED)

    def _rows(self, job: Job, batch: Batch, sobject: SObject) -> Rows:
        data = self.jobs.request_file(batch).read_bytes()
        if job.is_zip:
            attachments = Attachments(data, self.limits)
            rows = read_rows(attachments.manifest(), job.row_format, self.limits)
            attachments.fill(rows, sobject)
            return rows
        if job.spec is not None:
            text = data.decode(_charset(batch.content_type), "replace")
            return transform(text, read_spec(job.spec, self.limits), sobject, self.limits)
        return read_rows(data, job.row_format, self.limits)

    def _object(self, job: Job) -> SObject:
        sobject = self.store.schema.object(job.object)
        if sobject is None:
            raise BatchFault(f"Unable to find object: {job.object}")
        return sobject

    # --- rows out -----------------------------------------------------------------------------------------------------

    def _query(self, job: Job, batch: Batch) -> None:
        text = self.jobs.request_file(batch).read_text(encoding="utf-8", errors="replace")
        query = soql.parse(text)
        compiled = soql.compile_query(
            query,
            self.store.schema,
            dialect="bulk_csv" if job.row_format == "CSV" else "bulk_json",
            all_rows=job.operation == Operation.QUERY_ALL,
            now=self.clock.now(),
        )
        if compiled.root.name != self._object(job).name:
            raise BatchFault(
                "Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query "
                f"({compiled.root.name}) does not match the entity of the requested Bulk API Job ({job.object})."
            )
        if job.chunking and not batch.is_chunk and self._split(job, batch, text, query):
            return
        results, found = self._write_results(QueryRows(job.row_format, compiled, job.api_version))
        with self.jobs.lock:
            batch.results = results
            batch.processed = found
        self._end(batch, BatchState.COMPLETED)

    def _write_results(self, rows: QueryRows) -> tuple[list[str], int]:
        """The result files: a new one is begun when one is full. Recorded as 1 GB, for tests also a number of rows."""
        found = 0
        results: list[str] = []
        most_rows, most_bytes = self.limits.result_file_rows, self.limits.result_file_bytes
        with self.store.reader() as connection:
            records = rows.compiled.run(connection).records
            slices = rows.slices(records, min(most_rows, 5_000) if most_rows else SLICE)
            ahead = next(slices, None)
            while ahead is not None or not results:
                if len(results) == self.limits.result_files:
                    raise BatchFault("Retried more than thirty times", "InternalServerError")
                results.append(self.jobs.new_id("752")[:15])
                with self.jobs.query_file(results[-1]).open("wb") as out:
                    if ahead is None:
                        out.write(rows.nothing().encode("utf-8", "replace"))
                        break
                    out.write(rows.head().encode())
                    in_file = 0
                    while ahead is not None:
                        text, count = ahead
                        if in_file and most_rows and in_file + count > most_rows:
                            break
                        if in_file:
                            out.write(rows.separator().encode())
                        written = out.write(text.encode("utf-8", "replace"))
                        in_file += count
                        ahead = next(slices, None)
                        if out.tell() + written > most_bytes:
                            break
                    found += in_file
                    out.write(rows.tail().encode())
        return results, found

    def _split(self, job: Job, batch: Batch, text: str, query: soql.Query) -> bool:
        """Chunk the query of *batch*. False when chunking does not apply, and it runs as it is."""
        assert job.chunking is not None
        if not can_chunk(query):
            return False
        sobject = self._object(job)
        found = chunked_object(sobject, job.chunking, self.store.schema)
        if found is None:
            raise BatchFault(f"Entity '{sobject.name}' is not supported to use PKChunking")
        self._end(batch, BatchState.NOT_PROCESSED, chunked=True)
        self._add_chunks_later(job, batch, text, query, *found)
        return True

    def _recover_chunks(self, job: Job, batch: Batch) -> None:
        """After a restart: the chunks of *batch* are still to come."""
        text = self.jobs.request_file(batch).read_text(encoding="utf-8", errors="replace")
        found = chunked_object(self._object(job), job.chunking or {}, self.store.schema)
        if found is not None:
            self._add_chunks_later(job, batch, text, soql.parse(text), *found)

    def _add_chunks_later(
        self, job: Job, batch: Batch, text: str, query: soql.Query, owner: SObject, field: str
    ) -> None:
        assert job.chunking is not None
        with self.store.reader() as connection:
            first, last = connection.execute(f'SELECT min(Id), max(Id) FROM "{owner.name}"').fetchone()
        first = job.chunking["startRow"] or (first or f"{owner.key_prefix}000000000000")[:15]
        last = (last or first)[:15]
        queries = [
            narrowed(text, query, field, low, high) for low, high in ranges(first, last, job.chunking["chunkSize"])
        ]
        self.clock.later(self.limits.chunking_seconds, lambda: self._add_chunks(job, batch, queries))

    def _add_chunks(self, job: Job, batch: Batch, queries: list[str]) -> None:
        with self.jobs.lock:
            if job.state == JobState.ABORTED or self.jobs.job(job.id) is not job:
                return
            now = self.clock.now().timestamp()
            self.limits.bulk_batches.use(len(queries))
            chunks = [
                Batch(
                    id=self.jobs.new_id("751"),
                    job_id=job.id,
                    created=now,
                    modified=now,
                    content_type="text/plain",
                    is_chunk=True,
                    chunk_of=batch.id,
                )
                for _ in queries
            ]
            for chunk, text in zip(chunks, queries, strict=True):
                self.jobs.request_file(chunk).write_text(text, encoding="utf-8")
            job.youngest = now
            self.jobs.save(job, *chunks)
            for chunk in chunks:
                self.accept(chunk)


def _steps(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), STEP):
        yield rows[start : start + STEP]


def _apply(apply: object, rows: list[Row]) -> list[SaveResult]:
    """One result per row. Rows that were refused on the way in keep their place."""
    assert callable(apply)
    good: list[Sequence[Cell]] = [row for row in rows if not isinstance(row, RowError)]
    saved: list[SaveResult] = apply(good)
    if len(good) == len(rows):
        return saved
    remaining = iter(saved)
    return [SaveResult(None, False, False, (row,)) if isinstance(row, RowError) else next(remaining) for row in rows]


def _settle_line_ends(rows: Rows, sobject: SObject, line_end: str) -> None:
    """``Sforce-Line-Ending``: how line breaks inside text areas are stored. Without it, they stay as they came."""
    fields = [sobject.field(name) for name in rows.columns]
    places = [place for place, field in enumerate(fields) if field is not None and field.type == "textarea"]
    for row in rows.rows:
        if isinstance(row, RowError):
            continue
        for place in places:
            if place < len(row) and isinstance(text := row[place], str):
                row[place] = _LINE_END.sub(line_end, text)


def _charset(content_type: str) -> str:
    message = Message()
    message["Content-Type"] = content_type
    name = message.get_content_charset("utf-8")
    try:
        "".encode(name)
    except LookupError as error:
        raise BatchFault(f"Unsupported charset: {name}") from error
    return name

"""What becomes of a batch after it was taken in: queued, in progress, and final.

The clock drives it. Batches run beside each other and in any order; those of Serial jobs one at a time in the whole org.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from salesforce_bulk.wire.names import BatchState, Concurrency, JobState, Operation

from .. import soql
from ..clock import Clock
from ..faults import Faults, WorkFault
from ..faults.work import GAVE_UP
from ..limits import Limits
from ..schema import SObject
from ..store import Cell, ColumnNotFound, Plan, RowError, SaveResult, Store
from ..store.applied import Applied, forget
from ..store.plan import TRANSACTION_ROWS
from ..store.rows import LOCKED
from .jobs import Batch, Job, Jobs
from .pk_chunking import can_chunk, chunked_object, narrowed, ranges
from .read_batch import read_batch
from .result_files import write_result_files
from .results import QueryRows, SaveResults
from .rows import BatchFault, Row

log = logging.getLogger(__name__)

#: Rows between two updates of the counters: a multiple of the 200 of one transaction.
STEP = 2_000


#: bulk-api-1.md 11: the number of the text is left out where it was recorded; 10 for uploads by the guide.
RETRIED_TOO_OFTEN: Final = "InternalServerError : Retried more than ten times"
#: "QUERY_TIMEOUT" is documented, its text is that of REST.
QUERY_TIMEOUT: Final = "Failed to process query: QUERY_TIMEOUT: Your query request was running for too long."


@dataclass
class _Load:
    """A batch whose rows are being saved: what is to be done, and how far it has come."""

    rows: list[Row]
    plan: Plan
    applied: Applied
    writer: SaveResults
    fault: WorkFault
    #: Rows up to here are saved; a planned fault can be before the last.
    allowed: int
    place: int = 0
    failed: int = 0
    #: Of this slice: rows that could not get a lock, and when its time is up.
    locked: int = 0
    until: datetime | None = None
    #: How often it went back to the queue.
    tries: int = 0
    #: Seconds really spent.
    spent: float = 0.0


class Worker:
    def __init__(self, store: Store, jobs: Jobs, clock: Clock, limits: Limits, faults: Faults) -> None:
        self.store = store
        self.jobs = jobs
        self.clock = clock
        self.limits = limits
        self.faults = faults
        self.locks = store.locks
        self._loads: dict[str, _Load] = {}
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
                if batch.state == BatchState.QUEUED:
                    # What is written down is what was done: a counter may be behind it.
                    batch.processed, batch.failed = Applied(self.store, batch.id).known
                    self.jobs.save(batch)
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
        if batch.id in self._loads:
            perform()
            return
        self.faults.begin("bulk1.batch", (batch.id, job.id), f"{job.operation} {job.object}", perform)

    def _perform(self, job: Job, batch: Batch) -> None:
        load = self._loads.get(batch.id)
        if load is not None:  # back from the queue
            self._guarded(batch, lambda: self._go_on(job, batch, load))
            return
        fault = self.faults.of_work(batch.id)
        if fault.rows == 0 and fault.strikes(0):
            self._strike(job, batch, fault)
        else:
            self._guarded(batch, lambda: self._query(job, batch) if job.is_query else self._save(job, batch, fault))

    def _guarded(self, batch: Batch, work: Callable[[], None]) -> None:
        """Do *work*; what goes wrong ends the batch."""
        try:
            work()
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
                self._loads.pop(batch.id, None)

    def _end(self, batch: Batch, state: str, message: str | None = None, *, chunked: bool = False) -> None:
        with self.jobs.lock:
            if self.jobs.batch(batch.id) is batch:  # not if the org was reset meanwhile
                batch.chunked = chunked
                batch.state = state
                batch.message = message
                batch.modified = self.clock.now().timestamp()
                self.jobs.save(batch)
            self._leave(batch)
        forget(self.store, batch.id)

    def _leave(self, batch: Batch) -> None:
        """*batch* is no longer in progress: it holds no record, and another of a Serial job may begin."""
        self.locks.release(batch.id)
        if batch.state != BatchState.QUEUED:
            self._loads.pop(batch.id, None)
        if self._serial == batch.id:
            self._serial = None
            if self._waiting:
                waiting = self._waiting.popleft()
                self.clock.later(0.0, lambda: self._begin(waiting))

    # --- rows in ------------------------------------------------------------------------------------------------------

    def _save(self, job: Job, batch: Batch, fault: WorkFault) -> None:
        begun = time.perf_counter()
        sobject = self._object(job)
        rows = read_batch(self.jobs.request_file(batch).read_bytes(), job, batch.content_type, sobject, self.limits)
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
        writer = SaveResults(job.row_format, job.api_version)
        allowed = fault.left(0, len(rows.rows))
        load = _Load(rows.rows, plan, Applied(self.store, batch.id), writer, fault, allowed)
        load.spent = time.perf_counter() - begun
        if self.limits.row_seconds > 0:
            plan.hold = lambda ids: self.locks.hold(
                ids, batch.id, TRANSACTION_ROWS * self.limits.row_seconds, self.limits.lock_patience_seconds
            )
        self.jobs.result_file(batch).write_text(writer.head(), encoding="utf-8", newline="")
        self._loads[batch.id] = load
        self._go_on(job, batch, load)

    def _go_on(self, job: Job, batch: Batch, load: _Load) -> None:
        """A time slice of a batch begins."""
        load.until = self.clock.now() + timedelta(seconds=self.limits.batch_seconds)
        load.locked = 0
        self._steps(job, batch, load)

    def _steps(self, job: Job, batch: Batch, load: _Load) -> None:
        """Save rows: all of them at once, or where rows take time, a transaction of them in the time that it takes."""
        a_row = self.limits.row_seconds
        while load.place < load.allowed:
            if load.locked > self.limits.batch_lock_failures:
                self._put_back(job, batch, load, GAVE_UP)
                return
            done = self._step(batch, load, TRANSACTION_ROWS if a_row > 0 else STEP)
            if a_row > 0:
                self.clock.later(done * a_row, lambda: self._guarded(batch, lambda: self._in_time(job, batch, load)))
                return
        self._finish(job, batch, load)

    def _in_time(self, job: Job, batch: Batch, load: _Load) -> None:
        self.locks.release(batch.id)
        if load.place < load.allowed and load.until is not None and self.clock.now() >= load.until:
            self._put_back(job, batch, load, RETRIED_TOO_OFTEN)
        else:
            self._steps(job, batch, load)

    def _step(self, batch: Batch, load: _Load, most: int) -> int:
        begun = time.perf_counter()
        rows = load.rows[load.place : min(load.place + most, load.allowed)]
        results = _apply(partial(load.applied.apply, load.plan), rows)
        with self.jobs.result_file(batch).open("a", encoding="utf-8", errors="replace", newline="") as out:
            out.write(load.writer.render(results))
        load.place += len(rows)
        load.failed += sum(not result.success for result in results)
        load.locked += sum(result.errors[0].code == LOCKED for result in results if result.errors)
        load.spent += time.perf_counter() - begun
        with self.jobs.lock:
            # After a restart they stay where they were until the rows done before have been passed.
            batch.processed, batch.failed = max(batch.processed, load.place), max(batch.failed, load.failed)
            batch.total_ms = batch.api_ms = math.ceil(load.spent * 1_000)
            if self.jobs.batch(batch.id) is batch:
                self.jobs.save(batch)
        return len(rows)

    def _put_back(self, job: Job, batch: Batch, load: _Load, message: str) -> None:
        """The rest of the batch goes back to the queue; what was done stays done. Too often, or not wanted: it fails.

        A job that was aborted has no queue any more: its batch runs to the end.
        """
        if job.state == JobState.ABORTED:
            self._go_on(job, batch, load)
            return
        load.tries += 1
        if job.disable_retry or load.tries > self.limits.batch_retries:
            self._close(batch, load)
            self._end(batch, BatchState.FAILED, message)
            return
        with self.jobs.lock:
            job.retries += 1
            batch.state = BatchState.QUEUED
            batch.modified = self.clock.now().timestamp()
            if self.jobs.batch(batch.id) is batch:
                self.jobs.save(job, batch)
            self._leave(batch)
        self.accept(batch)

    def _finish(self, job: Job, batch: Batch, load: _Load) -> None:
        self._close(batch, load)
        if load.allowed < len(load.rows) and load.fault.strikes(load.allowed):
            self._strike(job, batch, load.fault)
        else:
            self._end(batch, BatchState.COMPLETED)

    def _close(self, batch: Batch, load: _Load) -> None:
        with self.jobs.result_file(batch).open("a", encoding="utf-8", newline="") as out:
            out.write(load.writer.tail())

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
        if self.limits.query_answer_seconds > self.limits.query_timeout_seconds:
            self._fail_later(batch, self.limits.query_timeout_seconds, BatchFault(QUERY_TIMEOUT))
            return
        rows = QueryRows(job.row_format, compiled, job.api_version)
        results, found = write_result_files(self.store, self.jobs, self.limits, rows, is_retried=not job.disable_retry)
        with self.jobs.lock:
            batch.results = results
            batch.processed = found
            job.retries += len(results) - 1
            self.jobs.save(job)
        seconds = self.limits.query_answer_seconds + found * self.limits.query_row_seconds
        if seconds > 0:
            self.clock.later(seconds, lambda: self._end(batch, BatchState.COMPLETED))
        else:
            self._end(batch, BatchState.COMPLETED)

    def _fail_later(self, batch: Batch, seconds: float, fault: BatchFault) -> None:
        self.clock.later(seconds, lambda: self._end(batch, BatchState.FAILED, str(fault)))

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
                self.jobs.request_file(chunk).write_text(text, encoding="utf-8", newline="")
            job.youngest = now
            self.jobs.save(job, *chunks)
            for chunk in chunks:
                self.accept(chunk)


def _apply(apply: object, rows: list[Row]) -> list[SaveResult]:
    """One result per row. Rows that were refused on the way in keep their place."""
    assert callable(apply)
    good: list[Sequence[Cell]] = [row for row in rows if not isinstance(row, RowError)]
    saved: list[SaveResult] = apply(good)
    if len(good) == len(rows):
        return saved
    remaining = iter(saved)
    return [SaveResult(None, False, False, (row,)) if isinstance(row, RowError) else next(remaining) for row in rows]

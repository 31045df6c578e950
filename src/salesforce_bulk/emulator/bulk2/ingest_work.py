"""What becomes of an ingest job once its upload is complete. Source: bulk-api-2.md section 4.

The clock drives it. The upload is processed in internal batches of 10,000 rows, each in steps between which the counters can
be seen to move and an abort takes effect. Rows go to the database 200 at a time, each 200 a transaction of its own.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Final

from salesforce_bulk.wire.names import NULL_CELL, Job2State

from ..clock import Clock
from ..faults import Faults
from ..faults.work import GAVE_UP
from ..limits import Limits
from ..store import MISSING, NULL, Cell, ColumnNotFound, Plan, RowError, Store
from ..store.applied import Applied, forget
from ..store.plan import TRANSACTION_ROWS
from ..store.rows import LOCKED
from .ingest_csv import Record, has_foreign_line_end, read_records
from .ingest_results import FAILED, SUCCESSFUL, ResultWriter
from .jobs import Job2, Jobs2
from .options import Bulk2Options
from .requests import DELIMITERS, LINE_ENDS
from .worker import JobWorker

log = logging.getLogger(__name__)

UPLOAD: Final = "upload"
#: Recorded.
WRONG_LINE_END: Final = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}"
#: As in Bulk API 1.0, where the text is recorded; for 2.0 the guide gives the code only.
OUT_OF_BATCHES: Final = "ApiBatchItems Limit exceeded"
#: "Retried up to 20 times, then Failed" (bulk-api-2.md 4); the text by analogy with that of Bulk API 1.0.
RETRIED_TOO_OFTEN: Final = "InternalServerError : Retried more than twenty times"
OUT_OF_RECORDS: Final = "Max number of records per 24 hrs has been exceeded"


class JobFault(Exception):
    """What ends a whole job. The text is its ``errorMessage``."""

    def __init__(self, message: str, state: str = Job2State.FAILED) -> None:
        super().__init__(message)
        self.state = state


class _Run:
    """A job under way: its rows still to come, and where outcomes go."""

    def __init__(
        self, job: Job2, plan: Plan, rows: Iterator[Record], writer: ResultWriter, width: int, applied: Applied
    ) -> None:
        self.job = job
        self.plan = plan
        self.rows = rows
        self.writer = writer
        self.width = width
        self.applied = applied
        #: Rows that have been passed, and those of them that failed. Behind the job's counters while rows are passed again
        #: that were done before a restart.
        self.done = 0
        self.failed = 0
        #: Of the internal batch under way: its time, its rows that could not get a lock, and how often it was put back.
        self.seconds = 0.0
        self.locked = 0
        self.tries = 0
        self.lock = threading.Lock()
        self.files = ExitStack()


class IngestWorker(JobWorker):
    work = "ingest2.job"

    def __init__(
        self, store: Store, jobs: Jobs2, clock: Clock, limits: Limits, options: Bulk2Options, faults: Faults
    ) -> None:
        super().__init__(store, jobs, clock, limits, options, faults)
        self._runs: dict[str, _Run] = {}

    def settle(self, job: Job2) -> None:
        """Of a job that goes no further: wait for the step under way, and write down what it did."""
        run = self._runs.pop(job.id, None)
        if (
            run is None and job.processed > job.kept
        ):  # restarted, and not begun again: what was done goes into its results
            run = self._prepare(job)
            while run is not None and run.applied.known[0]:
                self._rows(run)
        if run is not None:
            with run.lock:
                self._keep(run)
                run.files.close()

    def suspend(self) -> None:
        """Before the org stops: nothing stays in memory alone."""
        for run in list(self._runs.values()):
            self.settle(run.job)

    def recover(self, job: Job2) -> None:
        """After a restart: from the first row, of which those that were done before are not done again."""
        if job.state == Job2State.UPLOAD_COMPLETE:
            self.accept(job)
        elif job.state == Job2State.IN_PROGRESS:
            with self.jobs.lock:
                # What is written down is what was done: a counter may be behind it.
                job.processed, job.failed = Applied(self.store, job.id).known
                job.kept = 0
                for kind in (SUCCESSFUL, FAILED):
                    self.jobs.file(job, kind).unlink(missing_ok=True)
                self.jobs.save(job)
            self.clock.later(0.0, lambda: self._perform(job))
        elif job.has_ended:
            forget(self.store, job.id)  # it may have been killed before it came to that

    # --- from state to state ------------------------------------------------------------------------------------------

    def _end(self, job: Job2, state: str, message: str | None = None) -> None:
        with self.jobs.lock:
            if self.jobs.has(job) and not job.has_ended:
                job.total_ms = job.api_ms + bool(job.processed)
                job.message = message
                self.jobs.change(job, state, self.clock.now())
        forget(self.store, job.id)

    def _first_seconds(self) -> float:
        return self._step_seconds()

    def _step_seconds(self) -> float:
        """An internal batch takes ``limits.work_seconds`` at least, of which each step has its share."""
        steps = math.ceil(self.limits.internal_batch_rows / max(1, self.options.step_rows))
        return self.limits.work_seconds / max(1, steps)

    # --- the upload ---------------------------------------------------------------------------------------------------

    def _perform(self, job: Job2) -> None:
        try:
            run = self._prepare(job)
        except JobFault as fault:
            self._end(job, fault.state, str(fault))
        except Exception:
            self._broken(job)
        else:
            if run is None:
                self._end(job, Job2State.JOB_COMPLETE)
                return
            with self.jobs.lock:
                if not self.jobs.has(job) or job.has_ended:
                    run.files.close()
                    return
                self._runs[job.id] = run
            self._step(run)

    def _prepare(self, job: Job2) -> _Run | None:
        """Read the header. None when there is no row at all."""
        path, line_end = self.jobs.file(job, UPLOAD), LINE_ENDS[job.line_ending]
        with path.open("rb") as source:
            if has_foreign_line_end(source, line_end, in_values=not self.options.breaks_in_values):
                raise JobFault(WRONG_LINE_END.format(job.line_ending))
        sobject = self.store.schema.object(job.object)
        if sobject is None:
            raise JobFault(f"InvalidJob : Unable to find object: {job.object}")
        files = ExitStack()
        source = files.enter_context(path.open("rb"))
        stretches = read_records(source, DELIMITERS[job.delimiter], line_end, self.limits)
        rows = (record for stretch in stretches for record in stretch)
        try:
            if (first := next(rows, None)) is None:
                files.close()
                return None
            columns = list(first[0])
            self._check_header(columns)
            plan = self.store.prepare(job.operation, sobject, columns, external_id=job.external_id)
        except ColumnNotFound as error:
            files.close()
            raise JobFault(f"InvalidBatch : Field name not found : {error.name}") from error
        except BaseException:
            files.close()
            raise
        fault = self.faults.of_work(job.id)
        if fault.locks:
            plan.locked = fault.happened
        if self.limits.row_seconds > 0:
            locks, seconds = self.store.locks, TRANSACTION_ROWS * self.limits.row_seconds
            plan.hold = lambda ids: locks.hold(ids, job.id, seconds, self.limits.lock_patience_seconds)
        writer = ResultWriter(
            job, sobject, columns, in_order=self.options.in_order, blanks=self.options.blanks_miscased
        )
        run = _Run(job, plan, rows, writer, len(columns), Applied(self.store, job.id))
        run.files = files
        return run

    def _check_header(self, columns: Sequence[str]) -> None:
        if len(columns) > self.limits.record_columns:
            text = f"Exceeded max number of columns per record : {self.limits.record_columns}"
            raise JobFault(f"InvalidBatch : Failed to parse CSV. {text}")
        length = sum(map(len, columns)) + len(columns) - 1
        if length > self.limits.header_characters:
            raise JobFault(f"InvalidBatch : Failed to parse CSV. Exceeded max length for the header: {length}")

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _step(self, run: _Run) -> None:
        job = run.job
        try:
            with run.lock:
                if self._runs.get(job.id) is not run or job.has_ended:
                    return
                self.store.locks.release(job.id)
                more = self._rows(run)
                while more and run.applied.known[0]:
                    more = self._rows(run)
                pause = self._pause(run) if more else 0.0
                if not more:
                    self._keep(run)
        except JobFault as fault:
            self._finish(run, fault.state, str(fault) or None)
        except Exception:
            self.settle(job)
            self._broken(job)
        else:
            if more:
                self.clock.later(pause, lambda: self._step(run))
            else:
                self._finish(run, Job2State.JOB_COMPLETE)

    def _finish(self, run: _Run, state: str, message: str | None = None) -> None:
        self.settle(run.job)
        self.store.locks.release(run.job.id)
        self._end(run.job, state, message)

    def _rows(self, run: _Run) -> bool:
        """Process the rows of one step. False when there are no more."""
        job = run.job
        whole = self.limits.internal_batch_rows
        in_batch = run.done % whole
        fault = self.faults.of_work(job.id)
        # What was done before a restart is passed at once.
        wanted = min(run.applied.known[0] or self._step_rows(), whole - in_batch)
        records = list(islice(run.rows, max(1, fault.left(run.done, wanted))))
        if not records:
            return False
        if fault.strikes(run.done):
            raise JobFault("", Job2State.ABORTED) if fault.ends == "job-aborted" else JobFault(GAVE_UP)
        if not in_batch:
            if self.limits.bulk_batches.remaining <= 0:
                raise JobFault(f"ExceededQuota : {OUT_OF_BATCHES}")
            self.limits.bulk_batches.use()
            run.seconds, run.locked, run.tries = 0.0, 0, 0
        allowed = min(len(records), self.limits.bulk_records.remaining)
        self.limits.bulk_records.use(allowed)
        begun = time.perf_counter()
        results = run.applied.apply(run.plan, (self._cells(record, run.width) for record in records[:allowed]))
        run.failed += run.writer.add(results, [cells for cells, _ in records[:allowed]])
        run.done += allowed
        run.seconds += allowed * self.limits.row_seconds
        run.locked += sum(result.errors[0].code == LOCKED for result in results if result.errors)
        spent = math.ceil((time.perf_counter() - begun) * 1_000)
        with self.jobs.lock:
            job.processed, job.failed = max(job.processed, run.done), max(job.failed, run.failed)
            job.api_ms += spent
            if in_batch + allowed == whole:
                self._keep(run)
            elif self.jobs.has(job):
                self.jobs.save(job)
        if allowed < len(records):
            raise JobFault(f"ExceededQuota : {OUT_OF_RECORDS}")
        return True

    def _step_rows(self) -> int:
        return min(self.options.step_rows, TRANSACTION_ROWS) if self.limits.row_seconds > 0 else self.options.step_rows

    def _pause(self, run: _Run) -> float:
        """Seconds until the next step. An internal batch whose time is up, or with too many locks, is put back and goes on
        with its remaining rows later; too often, and the job has failed."""
        rows = self._step_rows()
        seconds = self._step_seconds() + rows * self.limits.row_seconds
        in_batch = run.done % self.limits.internal_batch_rows
        is_locked = run.locked > self.limits.batch_lock_failures
        if not in_batch or not (is_locked or run.seconds >= self.limits.internal_batch_seconds):
            return seconds
        run.tries += 1
        if run.tries > self.limits.internal_batch_retries:
            raise JobFault(GAVE_UP if is_locked else RETRIED_TOO_OFTEN)
        run.seconds, run.locked = 0.0, 0
        with self.jobs.lock:
            run.job.retries += 1
            if self.jobs.has(run.job):
                self.jobs.save(run.job)
        return seconds + self.limits.queue_seconds

    @staticmethod
    def _cells(record: Record, width: int) -> Sequence[Cell] | RowError:
        """Empty says nothing, ``#N/A`` says null."""
        cells, error = record
        if error is not None:
            return error
        if len(cells) > width:
            return RowError("INVALID_FIELD", f"The row has {len(cells)} values, the header has {width}")
        if "" in cells or NULL_CELL in cells:
            return [MISSING if cell == "" else NULL if cell == NULL_CELL else cell for cell in cells]
        return cells

    def _keep(self, run: _Run) -> None:
        """Write down the outcomes of the internal batch so far."""
        job = run.job
        with self.jobs.lock:
            if self.jobs.has(job):
                with (
                    self.jobs.file(job, SUCCESSFUL).open("ab") as successful,
                    self.jobs.file(job, FAILED).open("ab") as failed,
                ):
                    run.writer.write(successful, failed)
                job.kept = run.done
                self.jobs.save(job)

    def _broken(self, job: Job2) -> None:
        if self.jobs.has(job):  # its files may just have been deleted with it
            log.exception("job %s failed", job.id)
        self._end(job, Job2State.FAILED, "InternalServerError : An unexpected error occurred")

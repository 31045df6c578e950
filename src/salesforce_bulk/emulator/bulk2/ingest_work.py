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
from functools import partial
from itertools import islice
from typing import Final

from salesforce_bulk.wire.names import NULL_CELL, Job2State

from ..clock import Clock
from ..faults import Faults
from ..faults.work import GAVE_UP
from ..limits import Limits
from ..store import MISSING, NULL, Cell, ColumnNotFound, Plan, RowError, Store
from ..store.applied import Applied, forget
from .ingest_csv import Record, has_foreign_line_end, read_records
from .ingest_results import FAILED, SUCCESSFUL, ResultWriter
from .jobs import Job2, Jobs2
from .options import Bulk2Options
from .requests import DELIMITERS, LINE_ENDS

log = logging.getLogger(__name__)

UPLOAD: Final = "upload"
#: Recorded.
WRONG_LINE_END: Final = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}"
#: As in Bulk API 1.0, where the text is recorded; for 2.0 the guide gives the code only.
OUT_OF_BATCHES: Final = "ApiBatchItems Limit exceeded"
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
        self.lock = threading.Lock()
        self.files = ExitStack()


class IngestWorker:
    def __init__(
        self, store: Store, jobs: Jobs2, clock: Clock, limits: Limits, options: Bulk2Options, faults: Faults
    ) -> None:
        self.store = store
        self.jobs = jobs
        self.clock = clock
        self.limits = limits
        self.options = options
        self.faults = faults
        self._runs: dict[str, _Run] = {}

    def accept(self, job: Job2) -> None:
        self.clock.later(self.limits.queue_seconds, lambda: self._begin(job))

    def settle(self, job: Job2) -> None:
        """Of a job that goes no further: wait for the step under way, and write down what it did."""
        run = self._runs.pop(job.id, None)
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
                job.processed = job.failed = job.kept = 0
                for kind in (SUCCESSFUL, FAILED):
                    self.jobs.file(job, kind).unlink(missing_ok=True)
                self.jobs.save(job)
            self.clock.later(0.0, lambda: self._open(job))
        elif job.has_ended:
            forget(self.store, job.id)  # it may have been killed before it came to that

    # --- from state to state ------------------------------------------------------------------------------------------

    def _begin(self, job: Job2) -> None:
        with self.jobs.lock:
            if not self.jobs.has(job) or job.state != Job2State.UPLOAD_COMPLETE:
                return
            self.jobs.change(job, Job2State.IN_PROGRESS, self.clock.now())
        open_it = partial(self.clock.later, self._step_seconds(), lambda: self._open(job))
        self.faults.begin("ingest2.job", (job.id,), f"{job.operation} {job.object}", open_it)

    def _end(self, job: Job2, state: str, message: str | None = None) -> None:
        with self.jobs.lock:
            if self.jobs.has(job) and not job.has_ended:
                job.total_ms = job.api_ms + bool(job.processed)
                job.message = message
                self.jobs.change(job, state, self.clock.now())
        forget(self.store, job.id)

    def _step_seconds(self) -> float:
        """An internal batch takes ``limits.work_seconds`` at least, of which each step has its share."""
        steps = math.ceil(self.limits.internal_batch_rows / max(1, self.options.step_rows))
        return self.limits.work_seconds / max(1, steps)

    # --- the upload ---------------------------------------------------------------------------------------------------

    def _open(self, job: Job2) -> None:
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
                more = self._rows(run)
                if not more:
                    self._keep(run)
        except JobFault as fault:
            self._finish(run, fault.state, str(fault) or None)
        except Exception:
            self.settle(job)
            self._broken(job)
        else:
            if more:
                self.clock.later(self._step_seconds(), lambda: self._step(run))
            else:
                self._finish(run, Job2State.JOB_COMPLETE)

    def _finish(self, run: _Run, state: str, message: str | None = None) -> None:
        self.settle(run.job)
        self._end(run.job, state, message)

    def _rows(self, run: _Run) -> bool:
        """Process the rows of one step. False when there are no more."""
        job = run.job
        whole = self.limits.internal_batch_rows
        in_batch = job.processed % whole
        fault = self.faults.of_work(job.id)
        wanted = min(self.options.step_rows, whole - in_batch)
        records = list(islice(run.rows, max(1, fault.left(job.processed, wanted))))
        if not records:
            return False
        if fault.strikes(job.processed):
            raise JobFault("", Job2State.ABORTED) if fault.ends == "job-aborted" else JobFault(GAVE_UP)
        if not in_batch:
            if self.limits.bulk_batches.remaining <= 0:
                raise JobFault(f"ExceededQuota : {OUT_OF_BATCHES}")
            self.limits.bulk_batches.use()
        allowed = min(len(records), self.limits.bulk_records.remaining)
        self.limits.bulk_records.use(allowed)
        begun = time.perf_counter()
        results = run.applied.apply(run.plan, (self._cells(record, run.width) for record in records[:allowed]))
        failed = run.writer.add(results, [cells for cells, _ in records[:allowed]])
        spent = math.ceil((time.perf_counter() - begun) * 1_000)
        with self.jobs.lock:
            job.processed += allowed
            job.failed += failed
            job.api_ms += spent
            if in_batch + allowed == whole:
                self._keep(run)
            elif self.jobs.has(job):
                self.jobs.save(job)
        if allowed < len(records):
            raise JobFault(f"ExceededQuota : {OUT_OF_RECORDS}")
        return True

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
                job.kept = job.processed
                self.jobs.save(job)

    def _broken(self, job: Job2) -> None:
        if self.jobs.has(job):  # its files may just have been deleted with it
            log.exception("job %s failed", job.id)
        self._end(job, Job2State.FAILED, "InternalServerError : An unexpected error occurred")

"""What becomes of a query job: it waits, it runs, its result is kept. Source: bulk-api-2.md 3 and 4."""

from __future__ import annotations

import logging
import math
import time
from typing import Final

from salesforce_bulk.wire.names import Job2State, Operation

from .. import soql
from ..answers.rest import JobAnswer
from ..bulk1.pk_chunking import SUPPORTED, can_chunk
from .jobs import Job2
from .query_pages import Spool
from .worker import JobWorker

log = logging.getLogger(__name__)

#: Of the refusals that Bulk API 1.0 words as a missing feature, 2.0 words this one otherwise (recorded).
_SUBSELECT: Final = "Aggregate Relationships not supported in Bulk Query with CSV content type"
_SUBSELECT_V2: Final = "Aggregate Relationships not supported in Bulk V2 Query with CSV content type"


class QueryWorker(JobWorker):
    work = "query2.job"

    def compile(self, text: str, operation: str) -> tuple[soql.Compiled, bool]:
        """*text* ready to run, and whether the service could cut it up by primary key."""
        try:
            query = soql.parse(text)
            compiled = soql.compile_query(
                query,
                self.store.schema,
                dialect="bulk_csv",
                all_rows=operation == Operation.QUERY_ALL,
                now=self.clock.now(),
            )
        except soql.SoqlError as error:
            raise refusal(error) from error
        if not compiled.root.bulk:
            text = f"Entity '{compiled.root.name}' is not supported by the Bulk API."
            raise JobAnswer(400, "INVALIDENTITY", text)
        name = compiled.root.name
        return compiled, can_chunk(query) and (compiled.root.custom or name in SUPPORTED)

    def recover(self, job: Job2) -> None:
        """After a restart: a query has no effect, so it is run again."""
        if job.state == Job2State.UPLOAD_COMPLETE:
            self.accept(job)
        elif job.state == Job2State.IN_PROGRESS:
            self.clock.later(0.0, lambda: self._perform(job))

    def spool(self, job: Job2) -> Spool:
        return Spool(self.jobs.file(job, "rows"), self.jobs.file(job, "index"))

    def _first_seconds(self) -> float:
        return self.limits.work_seconds

    def _perform(self, job: Job2) -> None:
        begun = time.perf_counter()
        state, message, found = Job2State.JOB_COMPLETE, None, 0
        fault = self.faults.of_work(job.id)
        try:
            if fault.strikes(0):
                state = Job2State.ABORTED if fault.ends == "job-aborted" else Job2State.FAILED
            elif self.options.query_failure is not None:
                state, message = Job2State.FAILED, self.options.query_failure or None
            else:
                found = self._run(job)
        except Exception:
            if self.jobs.has(job):  # its files may just have been deleted with it
                log.exception("query job %s failed", job.id)
            state = Job2State.FAILED
        with self.jobs.lock:
            if not self.jobs.has(job):  # aborted and deleted meanwhile
                self.jobs.remove(job)
            if job.has_ended or not self.jobs.has(job):
                return
            job.processed = found
            job.total_ms = math.ceil((time.perf_counter() - begun) * 1_000)
            job.message = message
            self.jobs.change(job, state, self.clock.now())

    def _run(self, job: Job2) -> int:
        if not self.jobs.has(job) or job.has_ended:
            return 0
        compiled, _ = self.compile(job.query, job.operation)
        spool = self.spool(job)
        with self.store.reader() as connection:
            records = compiled.run(connection).records
            found = spool.write(job, compiled, records, exponents=self.options.exponents)
        self.limits.query_storage.use(math.ceil(spool.size / 1_024))
        return found


def refusal(error: soql.SoqlError) -> JobAnswer:
    """A query that is refused at once, in the words of 2.0 (bulk-api-2.md 7)."""
    code, message = error.code, error.message
    if message == _SUBSELECT:
        message = _SUBSELECT_V2
    if error.feature or code == "FUNCTIONALITY_NOT_ENABLED":
        code = "API_ERROR"
    return JobAnswer(400, code, message)

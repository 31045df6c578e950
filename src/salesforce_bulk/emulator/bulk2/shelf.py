"""What ingest and query jobs of Bulk API 2.0 have in common: finding one, the end of one, and the lists."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from salesforce_bulk.wire import paths
from salesforce_bulk.wire.names import Job2State, JobType

from ..answers.rest import JobAnswer, document, not_found
from ..bulk1.jobs import Jobs
from ..clock import Clock
from ..faults import Faults
from ..http.messages import Reply, Request
from ..ids import to18
from ..limits import Limits
from ..store import Store
from .jobs import Job2, Jobs2
from .options import Bulk2Options
from .replies import classic, job_list, listed

#: What a state is called in "Aborting already Completed Job not allowed" (recorded); the others as they are.
_STATE_WORDS: Final = {Job2State.JOB_COMPLETE: "Completed"}


class Shelf:
    """What both kinds of jobs need, and the lists that have been begun."""

    def __init__(
        self,
        store: Store,
        classic_jobs: Jobs,
        jobs: Jobs2,
        clock: Clock,
        limits: Limits,
        options: Bulk2Options,
        faults: Faults,
    ) -> None:
        self.store = store
        self.classic = classic_jobs
        self.jobs = jobs
        self.clock = clock
        self.limits = limits
        self.options = options
        self.faults = faults
        #: Of a list too long for one page: its records, by the first part of the locator.
        self._lists: dict[str, list[dict[str, Any]]] = {}
        #: Whether users see the jobs of others: the permission "Manage Data Integrations".
        self.sees_all: Callable[[], bool] = lambda: False

    def find(self, any_id: str, type: str, user_id: str) -> Job2:
        """Another user's job is none (field notes B 4.2)."""
        job = self.jobs.get(any_id)
        if job is None or job.type != type or self._expired(job):
            raise not_found()
        if job.created_by != user_id and not self.sees_all():
            raise not_found()
        return job

    def change(self, job: Job2, state: str) -> None:
        self.jobs.change(job, state, self.clock.now())

    def age(self, job: Job2) -> float:
        return self.clock.now().timestamp() - job.created

    def _expired(self, job: Job2) -> bool:
        """Seven days after its end a job is gone, and seven days after its creation one that never ended."""
        since = job.modified if job.has_ended else job.created
        if self.clock.now().timestamp() - since <= self.limits.retention.total_seconds():
            return False
        self.jobs.remove(job)
        return True

    def delete(self, job: Job2, states: Collection[str]) -> Reply:
        with self.jobs.lock:
            if job.state not in states:
                text = "Error encountered when deleting the job because the job is not terminated"
                raise JobAnswer(400, "API_ERROR", text)
            self.jobs.remove(job)
        return Reply(204)

    # --- lists --------------------------------------------------------------------------------------------------------

    def list_jobs(self, request: Request, version: str, types: Collection[str], *, queries: bool) -> Reply:
        """The jobs of *types*, and those of Bulk API 1.0 (of queries only, if so)."""
        said = request.parameters()
        locator = said.get("queryLocator")
        if locator is None:
            return self._page(request, version, None, self._records(said, types, queries), 0)
        name, _, place = locator.partition("-")
        offset = whole_number(place)
        if name not in self._lists or offset is None:
            raise JobAnswer(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request, version, name, self._lists[name], offset)

    def _records(self, said: dict[str, str], types: Collection[str], queries: bool) -> list[dict[str, Any]]:
        wanted = said.get("jobType")
        chunked = said.get("isPkChunkingEnabled", "").lower()
        if wanted == JobType.V2_INGEST or (wanted == JobType.V2_QUERY and queries):
            types = (wanted,)
        elif wanted is not None:
            types = ()
        records = []
        if wanted in (None, JobType.CLASSIC):
            now, days = self.clock.now().timestamp(), self.limits.retention.total_seconds()
            for job in self.classic.all():
                if now - job.youngest > days:
                    continue
                is_chunked = job.chunking is not None
                if (job.is_query or not queries) and chunked in ("", str(is_chunked).lower()):
                    records.append(classic(job))
        if chunked != "true":  # 2.0 has no such header
            records += [listed(job) for job in self.jobs.all(types) if not self._expired(job)]
        return records

    def _page(
        self, request: Request, version: str, name: str | None, records: list[dict[str, Any]], offset: int
    ) -> Reply:
        end = offset + self.limits.listing_page
        more = None
        if end < len(records):
            if name is None:
                name = to18(self.jobs.new_id("01g")[:15])
                self._lists[name] = records
            # The guide shows the ingest resource here for lists of queries, too.
            more = f"{paths.INGEST_JOBS.format(version=version)}?queryLocator={name}-{end}"
        return document(job_list(records[offset:end], more), pretty=request.wants_pretty())

    def forget(self) -> None:
        self._lists.clear()


def refuse_change(doing: str, job: Job2) -> JobAnswer:
    """``Aborting already Completed Job not allowed``: two such texts are recorded, the others are of the same make."""
    word = _STATE_WORDS.get(job.state, job.state)
    return JobAnswer(400, "INVALIDJOBSTATE", f"{doing} already {word} Job not allowed")


def whole_number(text: str) -> int | None:
    """A number as clients send one, and nothing that only Python takes for one."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None


def too_old_for(version: str, first: float) -> bool:
    return float(version) < first

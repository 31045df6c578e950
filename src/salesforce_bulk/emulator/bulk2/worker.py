"""What ingest and query jobs have in common: what they work with, and how they come from the queue to their beginning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

from salesforce_bulk.wire.names import Job2State

from ..clock import Clock
from ..faults import Faults
from ..limits import Limits
from ..store import Store
from .jobs import Job2, Jobs2
from .options import Bulk2Options


class JobWorker(ABC):
    #: What plans of faults call its work.
    work: str

    def __init__(
        self, store: Store, jobs: Jobs2, clock: Clock, limits: Limits, options: Bulk2Options, faults: Faults
    ) -> None:
        self.store = store
        self.jobs = jobs
        self.clock = clock
        self.limits = limits
        self.options = options
        self.faults = faults

    def accept(self, job: Job2) -> None:
        self.clock.later(self.limits.queue_seconds, lambda: self._begin(job))

    def _begin(self, job: Job2) -> None:
        with self.jobs.lock:
            if not self.jobs.has(job) or job.state != Job2State.UPLOAD_COMPLETE:
                return
            self.jobs.change(job, Job2State.IN_PROGRESS, self.clock.now())
        perform = partial(self.clock.later, self._first_seconds(), lambda: self._perform(job))
        self.faults.begin(self.work, (job.id,), f"{job.operation} {job.object}", perform)

    @abstractmethod
    def _first_seconds(self) -> float:
        """From the beginning of a job to its first effect."""

    @abstractmethod
    def _perform(self, job: Job2) -> None:
        """Do its work, or the first stretch of it."""

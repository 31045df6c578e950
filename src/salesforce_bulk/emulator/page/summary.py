"""What the page tells of a job, whichever API it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from salesforce_bulk.wire.names import BatchState, Job2State, JobState

from ..bulk1.jobs import Batch, Job, Jobs
from ..bulk2.jobs import Job2, Jobs2

#: The job types as Setup's page "Bulk Data Load Jobs" calls them.
V1: Final = "Bulk V1"
V2: Final = "Bulk V2"
V2_QUERY: Final = "Bulk V2 Query"

_PENDING: Final = frozenset({BatchState.QUEUED, BatchState.IN_PROGRESS})
_READ_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Summary:
    id: str
    api: str
    operation: str
    object: str
    state: str
    #: It can still change by itself or by a request: what Setup's page calls in progress.
    is_open: bool
    #: 0 to 100; None while nobody can tell.
    progress: int | None
    processed: int
    failed: int
    created_by: str
    #: Seconds since 1970.
    created: float
    ended: float | None


def summaries(classic: Jobs, jobs: Jobs2, oldest: float) -> list[Summary]:
    """All jobs, youngest first; of those whose last change is before *oldest*, a real org knows nothing any more."""
    found = [of_classic(job, classic.batches(job)) for job in classic.all() if job.youngest >= oldest]
    found += [of_job2(job, jobs) for job in jobs.all() if (job.modified if job.has_ended else job.created) >= oldest]
    return sorted(found, key=lambda summary: (summary.created, summary.id), reverse=True)


def of_classic(job: Job, batches: Sequence[Batch]) -> Summary:
    pending = sum(batch.state in _PENDING for batch in batches)
    is_open = job.state == JobState.OPEN or pending > 0
    # The original of a chunked query is processed by others.
    counted = [batch for batch in batches if not batch.chunked]
    done = sum(batch.state not in _PENDING for batch in counted)
    return Summary(
        id=job.id,
        api=V1,
        operation=job.operation,
        object=job.object,
        state=job.state,
        is_open=is_open,
        progress=done * 100 // len(counted) if counted else None if is_open else 100,
        processed=sum(batch.processed for batch in batches),
        failed=sum(batch.failed for batch in batches),
        created_by=job.created_by,
        created=job.created,
        ended=None if is_open else max([job.modified, *(batch.modified for batch in batches)]),
    )


def of_job2(job: Job2, jobs: Jobs2) -> Summary:
    return Summary(
        id=job.id,
        api=V2_QUERY if job.is_query else V2,
        operation=job.operation,
        object=job.object,
        state=job.state,
        is_open=not job.has_ended,
        progress=_progress(job, jobs),
        processed=job.processed,
        failed=job.failed,
        created_by=job.created_by,
        created=job.created,
        ended=job.modified if job.has_ended else None,
    )


def _progress(job: Job2, jobs: Jobs2) -> int | None:
    if job.state == Job2State.JOB_COMPLETE:
        return 100
    if job.state == Job2State.OPEN or job.is_query:
        return None
    lines = _lines(jobs.file(job, "upload"))
    return min(99, job.processed * 100 // max(1, lines - 1)) if lines is not None else None


def _lines(upload: Path) -> int | None:
    try:
        status = upload.stat()
    except OSError:  # nothing was uploaded, or the job was deleted meanwhile
        return None
    return _count_lines(upload, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _count_lines(upload: Path, size: int, changed: int) -> int | None:
    """Near enough for a bar: line ends within values count as well. *size* and *changed* tell files of one name apart."""
    lines = 0
    try:
        with upload.open("rb") as source:
            while piece := source.read(_READ_BYTES):
                lines += piece.count(b"\n")
    except OSError:
        return None
    return lines

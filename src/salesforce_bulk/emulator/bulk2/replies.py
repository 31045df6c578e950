"""What Bulk API 2.0 says about a job: which members, in which order, in which state. Source: bulk-api-2.md 2 and 3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from salesforce_bulk.wire import paths
from salesforce_bulk.wire.names import Job2State, JobType

from ..bulk1.jobs import Job
from .jobs import Job2

#: Seen on ingest jobs at 61.0, not at 60.0.
FIRST_VERSION_WITH_CHUNKING: Final = 61.0
#: The counters are recorded from InProgress on.
_WITHOUT_COUNTERS: Final = (Job2State.OPEN, Job2State.UPLOAD_COMPLETE)


def short(job: Job2) -> dict[str, Any]:
    """As PATCH answers: no line ending, no delimiter, no job type."""
    members: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": _time(job.created),
        "systemModstamp": _time(job.modified),
        "state": job.state,
    }
    if job.external_id is not None:
        members["externalIdFieldName"] = job.external_id
    if job.assignment_rule is not None:
        members["assignmentRuleId"] = job.assignment_rule
    return {**members, "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(job.api_version)}


def created(job: Job2) -> dict[str, Any]:
    """As POST answers: with the place for the data while the job waits for any."""
    return {**short(job), **_content_url(job), **_dialect(job)}


def listed(job: Job2) -> dict[str, Any]:
    return {**short(job), "jobType": job.type, **_dialect(job)}


def full(job: Job2) -> dict[str, Any]:
    """As GET answers."""
    members = {**short(job), "jobType": job.type, **_content_url(job), **_dialect(job)}
    if job.state not in _WITHOUT_COUNTERS:
        members["numberRecordsProcessed"] = job.processed
        if not job.is_query:
            members["numberRecordsFailed"] = job.failed
    members["retries"] = job.retries
    members["totalProcessingTime"] = job.total_ms
    if not job.is_query:
        members["apiActiveProcessingTime"] = job.api_ms
        members["apexProcessingTime"] = 0
    if job.is_query or float(job.api_version) >= FIRST_VERSION_WITH_CHUNKING:
        members["isPkChunkingSupported"] = job.chunkable
    if job.message:
        members["errorMessage"] = job.message
    return members


def classic(job: Job) -> dict[str, Any]:
    """A job of Bulk API 1.0 in the list."""
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": _time(job.created),
        "systemModstamp": _time(job.modified),
        "state": job.state,
        **({"externalIdFieldName": job.external_id} if job.external_id else {}),
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        "apiVersion": float(job.api_version),
        "jobType": JobType.CLASSIC,
    }


def job_list(records: Sequence[dict[str, Any]], more: str | None) -> dict[str, Any]:
    return {"done": more is None, "records": list(records), "nextRecordsUrl": more}


def _content_url(job: Job2) -> dict[str, Any]:
    """Without a leading slash (recorded), and while the job is open only."""
    if job.state != Job2State.OPEN:
        return {}
    return {"contentUrl": paths.INGEST_BATCHES.format(version=job.api_version, job=job.id).lstrip("/")}


def _dialect(job: Job2) -> dict[str, Any]:
    return {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}


def _time(seconds: float) -> str:
    """The milliseconds are always 000."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

"""A job by its id alone, whichever of the APIs made it: the ids of all of them begin with 750.

Each API answers for its own jobs. Which refusal it has for another's is not recorded, so a 400 counts like a 404; and
should a list or an answer say ``Classic``, that is Bulk API 1.0 (guide, "Get Information About All Jobs").
"""

from __future__ import annotations

from typing import Final

from ..errors import ApiError
from ..records import Job2Info, JobInfo
from ..wire.names import Job2State, JobState, JobType
from . import bulk1, ingest2, jobs2, query2
from .messages import Call, Flow

AnyJob = Job2Info | JobInfo

_NOT_HERE: Final = (400, 404)


def is_query(info: AnyJob) -> bool:
    return info.operation.startswith("query")


def find_job(job: str) -> Flow[AnyJob]:
    """The job as it is now: asked for as an ingest job, as a query job, and as one of Bulk API 1.0.

    Raises:
        ApiError: No API knows it (404, NOT_FOUND), or one of them refused to say.
    """
    for request in (ingest2.get_job(job), query2.get_job(job)):
        try:
            info = yield from jobs2.ask_job(request)
        except ApiError as error:
            if error.status_code not in _NOT_HERE:
                raise
            continue
        if info.job_type != JobType.CLASSIC:
            return info
        break
    try:
        return (yield from bulk1.ask_job(bulk1.get_job(job)))
    except ApiError as error:
        if error.status_code not in _NOT_HERE:
            raise
        raise ApiError(
            f"The org has no job {job}: neither Bulk API 2.0 nor Bulk API 1.0 knows it ({error.error_code}).\n"
            "Nothing was changed.\n"
            "Check the id, and that it is this org's; jobs are kept for 7 days, and only their creator sees them.",
            status_code=404,
            error_code="NOT_FOUND",
            body=error.body,
        ) from error


def look_again(info: AnyJob) -> Flow[AnyJob]:
    """The same job as it is now."""
    if isinstance(info, JobInfo):
        return (yield from bulk1.ask_job(bulk1.get_job(info.id)))
    get = query2.get_job if is_query(info) else ingest2.get_job
    return (yield from jobs2.ask_job(get(info.id)))


def abort(info: AnyJob) -> Flow[AnyJob]:
    """Abort the job. One that is aborted already is what was wanted: a first try may have been heard, its answer lost."""
    if isinstance(info, JobInfo):
        return (yield from bulk1.end_job(info.id, JobState.ABORTED))
    try:
        yield Call((query2.abort_job if is_query(info) else ingest2.abort_job)(info.id))
    except ApiError as error:
        now = yield from look_again(info)
        if now.state == Job2State.ABORTED:
            return now
        raise ApiError(
            f"Job {info.id} was not aborted: it is {now.state}. The org said {error.error_code}: {_said(error)}\n"
            "What it applied stays applied.\nAn ended job can be deleted; that leaves its records as they are.",
            status_code=error.status_code,
            error_code=error.error_code,
            body=error.body,
            applied=error.applied,
        ) from error
    # The answer to an abort has no counters.
    return (yield from look_again(info))


def delete(info: Job2Info) -> Flow[None]:
    """Delete a job of Bulk API 2.0 and its stored data. One that is gone already is what was wanted."""
    try:
        yield Call((query2.delete_job if is_query(info) else ingest2.delete_job)(info.id))
    except ApiError as error:
        if error.status_code == 404:
            return
        raise ApiError(
            f"Job {info.id} was not deleted. The org said {error.error_code}: {_said(error)}\n"
            "The job and its results are still there.\nAbort it, or wait for its end, and delete it then.",
            status_code=error.status_code,
            error_code=error.error_code,
            body=error.body,
            applied=error.applied,
        ) from error


def _said(error: ApiError) -> str:
    """The org's own text, out of the message that was made of it."""
    return str(error).partition("\n")[0].partition(f"{error.error_code}: ")[2]


def rows_in_results(info: Job2Info, kind: str) -> int | None:
    """How many rows the result file of this *kind* must have by what the job says; None: it does not say."""
    if info.state != Job2State.JOB_COMPLETE or info.records_processed is None:
        return None
    if is_query(info):
        return info.records_processed
    if info.records_failed is None:
        return None
    return {"succeeded": info.records_processed - info.records_failed, "failed": info.records_failed}.get(kind)

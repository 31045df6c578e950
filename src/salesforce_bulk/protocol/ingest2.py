"""Bulk API 2.0, ingest: its requests and its flows.

API: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest".
"""

from __future__ import annotations

from typing import Final

from ..errors import AnswerLost, AnswerMalformed, ApiError, SalesforceBulkError, UsageError
from ..records import Body, IngestSpec, Job2Info
from ..wire import headers, paths
from ..wire.names import Job2State, Mime, Operation
from .jobs2 import ask_job, await_end, call, dialect_fields
from .messages import Auth, Call, Flow, Request

OPERATIONS: Final = (
    Operation.INSERT,
    Operation.UPDATE,
    Operation.UPSERT,
    Operation.DELETE,
    Operation.HARD_DELETE,
)

#: How often a part is sent in a job of its own before its upload is given up: each time the answer to the upload was
#: lost, the job was still open, and so had no effect.
UPLOAD_TRIES: Final = 3


def create_job(spec: IngestSpec) -> Request:
    """The call "Create a Job"."""
    said = f"Nothing was sent: {spec.operation!r} of {spec.sobject!r}"
    if spec.operation not in OPERATIONS:
        raise UsageError(f"{said}: there is no such operation. There are {', '.join(OPERATIONS)}, spelled exactly so.")
    if (spec.operation == Operation.UPSERT) is not bool(spec.external_id):
        raise UsageError(f"{said}: an upsert, and only an upsert, needs the name of an external id field (or 'Id').")
    document = {"object": spec.sobject, "operation": spec.operation}
    if spec.external_id:
        document["externalIdFieldName"] = spec.external_id
    if spec.assignment_rule_id:
        document["assignmentRuleId"] = spec.assignment_rule_id
    return call("ingest2.create_job", "POST", paths.INGEST_JOBS, document={**document, **dialect_fields(spec.dialect)})


def upload(job: str, body: Body) -> Request:
    """The call "Upload Job Data": once a job."""
    return Request(
        "ingest2.upload",
        "PUT",
        paths.INGEST_BATCHES,
        {"job": job},
        {headers.CONTENT_TYPE: Mime.CSV, headers.ACCEPT: Mime.JSON},
        body,
        auth=Auth.BEARER,
    )


def mark_upload_complete(job: str) -> Request:
    """The call "Upload Complete": the job goes into the queue."""
    return call(
        "ingest2.upload_complete", "PATCH", paths.INGEST_JOB, job, document={"state": Job2State.UPLOAD_COMPLETE}
    )


def abort_job(job: str) -> Request:
    """The call "Abort". What was applied stays applied."""
    return call("ingest2.abort_job", "PATCH", paths.INGEST_JOB, job, document={"state": Job2State.ABORTED})


def get_job(job: str) -> Request:
    """The call "Get Job Info"."""
    return call("ingest2.get_job", "GET", paths.INGEST_JOB, job)


def list_jobs() -> Request:
    """The call "Get All Jobs". Jobs of Bulk API 1.0 are among them."""
    return call("ingest2.list_jobs", "GET", paths.INGEST_JOBS)


def delete_job(job: str) -> Request:
    """The call "Delete a Job": the job and its stored data, not the records."""
    return call("ingest2.delete_job", "DELETE", paths.INGEST_JOB, job)


def successful_results(job: str) -> Request:
    return call("ingest2.results", "GET", paths.SUCCESSFUL_RESULTS, job, accept=Mime.CSV)


def failed_results(job: str) -> Request:
    return call("ingest2.results", "GET", paths.FAILED_RESULTS, job, accept=Mime.CSV)


def unprocessed_records(job: str) -> Request:
    return call("ingest2.results", "GET", paths.UNPROCESSED_RECORDS, job, accept=Mime.CSV)


# -- flows ------------------------------------------------------------------------------------------------------------


def submit_part(spec: IngestSpec, body: Body) -> Flow[Job2Info]:
    """Create a job, send it *body*, and set it going. One part, one job: the org refuses a second upload.

    When the answer to the upload is lost the job is still open and has had no effect: it is aborted, and the part goes
    out again in another one.
    """
    for tries in range(1, UPLOAD_TRIES + 1):
        job = (yield from ask_job(create_job(spec))).id
        try:
            yield Call(upload(job, body))
        except SalesforceBulkError as error:
            yield from _give_up(job)
            passing = isinstance(error, AnswerLost | AnswerMalformed) or (
                isinstance(error, ApiError) and error.status_code >= 500
            )
            if not passing or body.spent or tries == UPLOAD_TRIES:
                raise
            continue
        return (yield from complete_upload(job))
    raise AssertionError("the last try returns or raises")


def _give_up(job: str) -> Flow[None]:
    """Abort a job whose upload failed. If that fails too the job stays open, without effect, until the org cleans up."""
    try:
        yield Call(abort_job(job))
    except SalesforceBulkError:
        return


def complete_upload(job: str) -> Flow[Job2Info]:
    """Mark the upload complete. When the answer is lost, the state of the job says whether it was heard."""
    for tries in range(1, UPLOAD_TRIES + 1):
        try:
            return (yield from ask_job(mark_upload_complete(job)))
        except (AnswerLost, AnswerMalformed, ApiError) as error:
            if isinstance(error, ApiError) and error.applied is False:
                raise
            info = yield from ask_job(get_job(job))
            if info.state != Job2State.OPEN:
                return info
            if tries == UPLOAD_TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def await_job(job: str, *, limit_seconds: float, longest_pause: float) -> Flow[Job2Info]:
    """Look at an ingest job until it has ended."""
    return (yield from await_end(get_job(job), job, limit_seconds=limit_seconds, longest_pause=longest_pause))

"""Bulk API 2.0, ingest: its requests and its flows.

API: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest".
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from ..errors import AnswerLost, AnswerMalformed, ApiError, SalesforceBulkError, UsageError
from ..facts import JobGivenUp, JobLost, JobMade, PartSent, UploadBegun
from ..records import Body, IngestSpec, Job2Info
from ..wire import headers, paths
from ..wire.names import Job2State, Mime, Operation
from .jobs2 import ask_job, await_end, call, dialect_fields
from .messages import Auth, Call, Flow, LastWord, Note, Request, Stopped

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

#: "Creating Jobs and Uploading Data in One Request": characters, in total. We count the job and the frame, too.
MULTIPART_CHARACTERS: Final = 100_000


def create_job(spec: IngestSpec) -> Request:
    """The call "Create a Job"."""
    return call("ingest2.create_job", "POST", paths.INGEST_JOBS, document=_document(spec))


def create_job_with_data(spec: IngestSpec, csv: bytes) -> Request:
    """The call "Create a Job" with the data in the same request, which also sets the job going. *csv*: header and rows.

    Raises:
        UsageError: The request would have more characters than the call takes, or *csv* is not UTF-8. Nothing was sent.
    """
    job = json.dumps(_document(spec)).encode()
    # A text cannot well contain its own checksum, so the boundary stands nowhere inside the parts.
    boundary = sha256(job + csv).hexdigest()
    frame = (
        f'--{boundary}\r\nContent-Type: {Mime.JSON}\r\nContent-Disposition: form-data; name="job"\r\n\r\n',
        f"\r\n--{boundary}\r\nContent-Type: {Mime.CSV}\r\n"
        'Content-Disposition: form-data; name="content"; filename="content"\r\n\r\n',
        f"\r\n--{boundary}--\r\n",
    )
    body = b"".join((frame[0].encode(), job, frame[1].encode(), csv, frame[2].encode()))
    try:
        characters = len(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError("The data is not UTF-8, which is all that the API takes. Nothing was sent.") from error
    if characters > MULTIPART_CHARACTERS:
        raise UsageError(
            f"A job and its data in one request may have {MULTIPART_CHARACTERS} characters; these have {characters}. "
            "Nothing was sent. Create the job, and upload the data after it."
        )
    return Request(
        "ingest2.create_job_with_data",
        "POST",
        paths.INGEST_JOBS,
        {},
        {headers.CONTENT_TYPE: f"{Mime.MULTIPART}; boundary={boundary}", headers.ACCEPT: Mime.JSON},
        Body.of(body),
        auth=Auth.BEARER,
    )


def _document(spec: IngestSpec) -> dict[str, str]:
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
    return {**document, **dialect_fields(spec.dialect)}


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


def submit_part(spec: IngestSpec, body: Body, part: int = 0) -> Flow[Job2Info]:
    """Create a job, send it *body*, and set it going. One part, one job: the org refuses a second upload.

    When the answer to the making of a job is lost, another one is made: the first, if there is one, stays empty. When the
    answer to the upload is lost the job is still open and has had no effect: it is aborted, and the part goes out again in
    another one. When the work is left before the job was set going, the job is aborted, too.
    """
    for tries in range(1, UPLOAD_TRIES + 1):
        try:
            job = (yield from ask_job(create_job(spec))).id
        except (AnswerLost, AnswerMalformed) as error:
            if error.applied is False or tries == UPLOAD_TRIES:
                raise
            yield Note(JobLost("bulk2", part))
            continue
        # Before any byte leaves: dying above this line orphans an empty job; below it, we know whom to ask.
        yield from _noted(JobMade(job, "bulk2", part))
        yield Note(UploadBegun(part, job))
        try:
            yield Call(upload(job, body))
        except Exception as error:  # those of the rows' own source, too
            yield from _give_up(job, part)
            passing = isinstance(error, AnswerLost | AnswerMalformed) or (
                isinstance(error, ApiError) and error.status_code >= 500
            )
            if not passing or body.spent or tries == UPLOAD_TRIES:
                raise
            continue
        try:
            info = yield from complete_upload(job)
        except Stopped as stopped:
            if not stopped.has_begun:
                yield from _give_up(job, part)
            raise
        yield Note(PartSent(part, job))
        return info
    raise AssertionError("the last try returns or raises")


def _noted(made: JobMade) -> Flow[None]:
    """A job that nobody could find again, for it cannot be written down, is not left open."""
    try:
        yield Note(made)
    except SalesforceBulkError:
        yield LastWord(abort_job(made.job))
        raise


def settle_part(spec: IngestSpec, body: Body, part: int, job: str) -> Flow[Job2Info]:
    """A part that somebody else began to send: to *job*, if it was set going, else in another one.

    An open job is aborted first, and looked at again: should the dead process's last word arrive only now, it is too late
    to have an effect, or the job's counters tell of one.
    """
    info = yield from ask_job(get_job(job))
    if info.state == Job2State.OPEN:
        yield from _give_up(job, part)
        info = yield from ask_job(get_job(job))
        if not info.records_processed and info.state in (Job2State.OPEN, Job2State.ABORTED):
            return (yield from submit_part(spec, body, part))
    yield Note(PartSent(part, job))
    return info


def submit_at_once(spec: IngestSpec, csv: bytes) -> Flow[Job2Info]:
    """Create a job with its data and set it going, in one call instead of three. For data under 100,000 characters.

    It is never repeated: when the answer is lost, the rows may be in the org, and nothing here says in which job.
    :func:`submit_part` has no such moment, for its data goes into a job that is known and does nothing yet. After a lost
    answer the job can only be looked for: list the jobs, keep those of this object and operation that were made since, and
    compare their successful and failed results, which give the rows back, with what was sent. (The list before would tell
    which jobs are new, but costs the calls that this way saves, and other programs of the same user make jobs, too.)
    """
    return (yield from ask_job(create_job_with_data(spec, csv)))


def _give_up(job: str, part: int) -> Flow[None]:
    """Abort a job whose upload failed. If that fails too the job stays open, without effect, until the org cleans up."""
    # Noted first: from here on nobody sets the job going, so it has no effect, whether the abort is heard or not. An
    # aborted job without this note is one that somebody else aborted.
    yield Note(JobGivenUp(part, job))
    yield LastWord(abort_job(job))


def complete_upload(job: str) -> Flow[Job2Info]:
    """Mark the upload complete. When the answer is lost, the state of the job says whether it was heard.

    Raises:
        Stopped: ``has_begun`` says whether the org may have heard of it.
    """
    is_lost = False
    try:
        for tries in range(1, UPLOAD_TRIES + 1):
            try:
                return (yield from ask_job(mark_upload_complete(job)))
            except (AnswerLost, AnswerMalformed, ApiError) as error:
                if isinstance(error, ApiError) and error.applied is False:
                    raise
                is_lost = True
                info = yield from ask_job(get_job(job))
                if info.state != Job2State.OPEN:
                    return info
                if tries == UPLOAD_TRIES:
                    raise
    except Stopped as stopped:
        raise Stopped(has_begun=is_lost or stopped.has_begun) from None
    raise AssertionError("the last try returns or raises")


def await_job(job: str, *, limit_seconds: float, longest_pause: float) -> Flow[Job2Info]:
    """Look at an ingest job until it has ended."""
    return (yield from await_end(get_job(job), job, limit_seconds=limit_seconds, longest_pause=longest_pause))

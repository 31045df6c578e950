"""What takes more than one request of Bulk API 1.0: a job made, a batch found again, an end awaited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from hashlib import sha256
from typing import Final

from ...errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    BatchFailed,
    JobAborted,
    SalesforceBulkError,
    WaitTimeout,
)
from ...facts import JobLost, JobMade, PartSent, UploadBegun
from ...frozen import frozen
from ...records import BatchInfo, Body, JobInfo, JobSpec
from ...wire.names import BatchState, ExceptionCode, JobState, Mime
from ..messages import Call, Flow, LastWord, Note, Pause, Reply, Request
from ..polling import Look, intervals
from ..states import BATCH_ENDED, JOB_GIVEN_UP
from .readers import read_batch, read_batches, read_job, read_result_ids
from .requests import (
    abort_job,
    add_batch,
    batch_request,
    batch_result,
    close_job,
    create_job,
    get_batch,
    get_job,
    list_batches,
)

#: How often a job is made, or a part posted, while answers are lost.
TRIES: Final = 3


def ask_job(request: Request) -> Flow[JobInfo]:
    """Send a request that is answered with a job."""
    return read_job(request, (yield Call(request)))


def ask_batch(request: Request) -> Flow[BatchInfo]:
    """Send a request that is answered with a batch."""
    return read_batch(request, (yield Call(request)))


def make_job(spec: JobSpec, in_pass: int) -> Flow[JobInfo]:
    """Create the job of a pass over a run's parts. When the answer is lost another one is made: the first, if there is one,
    stays empty."""
    waits = intervals()
    for tries in range(1, TRIES + 1):
        try:
            job = yield from ask_job(create_job(spec))
        except (AnswerLost, AnswerMalformed) as error:
            if error.applied is False or tries == TRIES:
                raise
            yield Note(JobLost("bulk1", None, in_pass))
            yield Pause(next(waits))
            continue
        try:
            yield Note(JobMade(job.id, "bulk1", None, in_pass))
        except SalesforceBulkError:  # nobody could find it again
            yield LastWord(abort_job(job.id))
            raise
        return job
    raise AssertionError("the last try returns or raises")


def post_part(job: str, body: Body, part: int) -> Flow[str]:
    """Add a part to a job, as a batch. When the answer is lost, :func:`find_batch` tells whether it is there."""
    yield Note(UploadBegun(part, job))
    batch = (yield from ask_batch(add_batch(job, body, Mime.CSV))).id
    yield Note(PartSent(part, job, batch))
    return batch


@frozen
class Looked:
    """The batch that holds what was looked for, if there is one; and what other batches hold, by likeness."""

    batch: str | None
    others: Mapping[str, str]


def find_batch(job: str, likeness: str, known: Set[str]) -> Flow[Looked]:
    """Look among the batches of *job*, but those that are *known* to hold something else, for what :func:`like` says is the
    same. The likeness of a batch whose rows the org does not show is ""."""
    request = list_batches(job)
    others: dict[str, str] = {}
    for info in read_batches(request, (yield Call(request))):
        if info.id in known:
            continue
        try:
            reply: Reply = yield Call(batch_request(job, info.id))
        except ApiError:
            others[info.id] = ""
            continue
        found = like([reply.body])
        if found == likeness:
            return Looked(info.id, others)
        others[info.id] = found
    return Looked(None, others)


def like(pieces: Iterable[bytes]) -> str:
    """What CSV is known by: its bytes, but for a byte order mark, carriage returns, and line ends at its end. Whether the
    org gives back each of those as it was sent is not documented."""
    digest = sha256()
    ends = b""
    is_first = True
    for piece in pieces:
        data = piece.removeprefix(b"\xef\xbb\xbf") if is_first else piece
        is_first = is_first and not piece
        data = ends + data.replace(b"\r", b"")
        rest = data.rstrip(b"\n")
        digest.update(rest)
        ends = data[len(rest) :]
    return digest.hexdigest()


def end_job(job: str, state: str) -> Flow[JobInfo]:
    """Close or abort a job that may have ended already: then its present state is the answer.

    A refusal with InvalidJobState is not an error here when the job cannot take a batch any more: that was the aim.
    """
    request = close_job(job) if state == JobState.CLOSED else abort_job(job)
    try:
        return (yield from ask_job(request))
    except ApiError as error:
        if error.error_code != ExceptionCode.INVALID_JOB_STATE:
            raise
        info = yield from ask_job(get_job(job))
        if info.state in (state, *JOB_GIVEN_UP):
            return info
        raise


def leave_job(job: str, state: str) -> Flow[None]:
    """Close or abort a job that is left behind, if the org hears of it."""
    yield LastWord(close_job(job) if state == JobState.CLOSED else abort_job(job))


def await_batch(job: str, batch: str, *, limit_seconds: float, longest_pause: float) -> Flow[BatchInfo]:
    """Look at a batch until it has ended, whatever its end. Past the limit: :class:`WaitTimeout`."""
    passed = 0.0
    for pause in intervals(longest_pause):
        info = yield from ask_batch(get_batch(job, batch))
        if info.state in BATCH_ENDED:
            return info
        if passed >= limit_seconds:
            raise WaitTimeout(
                f"Batch {batch} of job {job} was still {info.state} after {limit_seconds:g} seconds.\n"
                "The org goes on with it; nothing is lost.\nWait again, with a longer limit.",
                job_id=job,
                batch_id=batch,
            )
        left = limit_seconds - passed
        passed = yield Look(min(pause, left), min(longest_pause, left))
    raise AssertionError("the intervals have no end")


def await_batches(job: str, *, limit_seconds: float, longest_pause: float, chunked: bool) -> Flow[list[BatchInfo]]:
    """Look at all batches of a job until each has ended; returns those that hold rows or results.

    With PK chunking the original batch ends as NotProcessed, and its ranges appear in the list a moment later ("PK
    Chunking"): the job is not finished until they are there and have ended too. The original is left out of the answer.
    """
    passed = 0.0
    for pause in intervals(longest_pause):
        request = list_batches(job)
        batches = read_batches(request, (yield Call(request)))
        open_ = [info for info in batches if info.state not in BATCH_ENDED]
        awaited = chunked and len(batches) == 1 and batches[0].state == BatchState.NOT_PROCESSED
        if batches and not open_ and not awaited:
            if chunked and batches[0].state == BatchState.NOT_PROCESSED:
                return batches[1:]
            return batches
        if not batches or awaited:
            info = yield from ask_job(get_job(job))
            if info.state in JOB_GIVEN_UP:
                raise JobAborted(
                    f"Job {job} is {info.state}, so its batches will not be processed.\nWhat was applied before stays "
                    "applied.\nLook at its batches for what they did, and create another job for the rest.",
                    job_id=job,
                )
        if passed >= limit_seconds:
            raise WaitTimeout(
                f"Job {job} had {len(open_)} of {len(batches)} batches unfinished after {limit_seconds:g} seconds.\n"
                "The org goes on with them; nothing is lost.\nWait again, with a longer limit.",
                job_id=job,
            )
        left = limit_seconds - passed
        passed = yield Look(min(pause, left), min(longest_pause, left))
    raise AssertionError("the intervals have no end")


def query_result_ids(job: str, batch: str) -> Flow[list[str]]:
    """The result files of a query batch that has completed. An empty list is no proof of no rows, so it is refused."""
    request = batch_result(job, batch)
    ids = read_result_ids(request, (yield Call(request)))
    if ids:
        return ids
    info = yield from ask_batch(get_batch(job, batch))
    if info.state == BatchState.COMPLETED:
        if info.records_processed == 0:
            return []
        raise malformed_list(info)
    raise batch_failed(info, job)


def malformed_list(info: BatchInfo) -> BatchFailed:
    return BatchFailed(
        f"Batch {info.id} of job {info.job_id} found {info.records_processed} records, but the org lists no result file.\n"
        "No data was changed; its rows cannot be read.\nRun the query again.",
        job_id=info.job_id,
        batch_id=info.id,
        state_message=info.state_message,
    )


def batch_failed(info: BatchInfo, job: str) -> BatchFailed:
    """The error for a batch that ended otherwise than Completed, with what became of its rows."""
    if info.state == BatchState.NOT_PROCESSED:
        means = "None of its rows was processed."
    elif info.records_processed:
        means = f"{info.records_processed} of its rows were processed before that; its results say which."
    else:
        means = "None of its rows was loaded."
    return BatchFailed(
        f"Batch {info.id} of job {job} ended {info.state}: {info.state_message or 'the org gave no reason'}.\n{means}\n"
        "Correct the cause that the message names and send the batch again in a new job.",
        job_id=job,
        batch_id=info.id,
        state_message=info.state_message,
    )

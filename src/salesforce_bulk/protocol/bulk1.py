"""Bulk API 1.0: its requests, the readers of its replies, and the flows that take more than one of them.

API: Bulk API 2.0 and Bulk API Developer Guide, part "Bulk API".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from ..documents import NotReadable, local_name, looks_like, parse_json, parse_xml
from ..errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    BatchFailed,
    JobAborted,
    SalesforceBulkError,
    UsageError,
    WaitTimeout,
)
from ..facts import JobLost, JobMade, PartSent, UploadBegun
from ..records import BatchInfo, Body, JobInfo, JobSpec, PkChunking
from ..wire import headers, paths
from ..wire.names import DATALOAD_NS, BatchState, ContentType, ExceptionCode, JobState, Mime, Operation
from .messages import Call, Flow, LastWord, Note, Pause, Reply, Request
from .polling import Look, intervals
from .refusals import malformed
from .states import BATCH_ENDED, JOB_GIVEN_UP

OPERATIONS: Final = (
    Operation.INSERT,
    Operation.UPDATE,
    Operation.UPSERT,
    Operation.DELETE,
    Operation.HARD_DELETE,
    Operation.QUERY,
    Operation.QUERY_ALL,
)
#: How often a job is made, or a part posted, while answers are lost.
TRIES: Final = 3
QUERIES: Final = frozenset({Operation.QUERY, Operation.QUERY_ALL})

#: contentType of a job -> Content-Type of its batches ("Content Type Header").
MIME: Final = {
    ContentType.CSV: Mime.CSV,
    ContentType.XML: Mime.XML,
    ContentType.JSON: Mime.JSON,
    ContentType.ZIP_CSV: Mime.ZIP_CSV,
    ContentType.ZIP_XML: Mime.ZIP_XML,
    ContentType.ZIP_JSON: Mime.ZIP_JSON,
}

_UTF8: Final = "; charset=UTF-8"
XML_TYPE: Final = Mime.XML + _UTF8
JSON_TYPE: Final = Mime.JSON + _UTF8


# -- documents ----------------------------------------------------------------------------------------------------------


def job_fields(spec: JobSpec) -> dict[str, str]:
    """The members of a job document, in the order of the schema: the org's own reader skips what is out of place."""
    fields = {
        "operation": spec.operation,
        "object": spec.sobject,
        "externalIdFieldName": spec.external_id,
        "concurrencyMode": spec.concurrency,
        "contentType": spec.content_type,
        "assignmentRuleId": spec.assignment_rule_id,
    }
    return {name: value for name, value in fields.items() if value}


def job_document(fields: Mapping[str, str]) -> bytes:
    """A ``jobInfo`` document in XML, with its declaration."""
    root = Element("jobInfo", xmlns=DATALOAD_NS)
    for name, value in fields.items():
        SubElement(root, name).text = value
    document: bytes = tostring(root, encoding="utf-8")
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + document


def _control(fields: Mapping[str, str], control: str) -> tuple[str, Body]:
    if control == "json":
        return JSON_TYPE, Body.of(json.dumps(fields, separators=(",", ":")))
    return XML_TYPE, Body.of(job_document(fields))


# -- requests -----------------------------------------------------------------------------------------------------------


def create_job(spec: JobSpec, *, control: str = "xml", extra_headers: Mapping[str, str] | None = None) -> Request:
    """ "Create a Job". *control* is the format of the job documents, ``"xml"`` or ``"json"``, whatever the rows are in."""
    _check_spec(spec)
    content_type, body = _control(job_fields(spec), control)
    extra = {headers.CONTENT_TYPE: content_type}
    if spec.pk_chunking is not None:
        chunking = spec.pk_chunking
        extra[headers.PK_CHUNKING] = chunking.header if isinstance(chunking, PkChunking) else chunking
    if spec.disable_batch_retry is not None:
        extra[headers.DISABLE_BATCH_RETRY] = "TRUE" if spec.disable_batch_retry else "FALSE"
    if spec.line_ending is not None:
        extra[headers.LINE_ENDING] = spec.line_ending
    if spec.client is not None:
        extra[headers.CALL_OPTIONS] = f"client={spec.client}"
    extra.update(extra_headers or {})
    return Request("bulk1.create_job", "POST", paths.JOBS, headers=extra, body=body)


def _check_spec(spec: JobSpec) -> None:
    """What cannot be right whatever the org: refused here, before anything is sent."""
    said = f"Nothing was sent: create_job({spec.operation!r}, {spec.sobject!r})"
    if spec.operation not in OPERATIONS:
        raise UsageError(f"{said}: there is no such operation. There are {', '.join(OPERATIONS)}, spelled exactly so.")
    if not spec.sobject or any(character in spec.sobject for character in "<>&/\\ \t\r\n\0"):
        raise UsageError(f"{said}: the object is the API name of one object, such as Account or Thing__c.")
    if spec.content_type not in MIME:
        raise UsageError(f"{said}: there is no content type {spec.content_type!r}. There are {', '.join(MIME)}.")
    if spec.concurrency not in (None, "Parallel", "Serial"):
        raise UsageError(f"{said}: concurrency is 'Parallel' or 'Serial', not {spec.concurrency!r}.")
    if spec.line_ending not in (None, "LF", "CRLF"):
        raise UsageError(f"{said}: line_ending is 'LF' or 'CRLF', not {spec.line_ending!r}.")
    if spec.operation == Operation.UPSERT and not spec.external_id:
        raise UsageError(f"{said}: an upsert needs the name of an external id field (or 'Id') to match on.")
    if spec.operation != Operation.UPSERT and spec.external_id:
        raise UsageError(f"{said}: only an upsert takes an external id field.")
    if spec.pk_chunking is not None and spec.operation not in QUERIES:
        raise UsageError(f"{said}: PK chunking is for queries.")


def get_job(job: str) -> Request:
    """ "Get Job Details"."""
    return Request("bulk1.get_job", "GET", paths.JOB, {"job": job})


def close_job(job: str, *, control: str = "xml") -> Request:
    """ "Close a Job". Queued batches go on."""
    content_type, body = _control({"state": JobState.CLOSED}, control)
    return Request("bulk1.close_job", "POST", paths.JOB, {"job": job}, {headers.CONTENT_TYPE: content_type}, body)


def abort_job(job: str, *, control: str = "xml") -> Request:
    """ "Abort a Job". What was applied stays applied."""
    content_type, body = _control({"state": JobState.ABORTED}, control)
    return Request("bulk1.abort_job", "POST", paths.JOB, {"job": job}, {headers.CONTENT_TYPE: content_type}, body)


def add_batch(job: str, body: Body, mime: str) -> Request:
    """ "Add a Batch to a Job": rows in the content type of the job, or the bare text of a query."""
    return Request("bulk1.add_batch", "POST", paths.BATCHES, {"job": job}, {headers.CONTENT_TYPE: mime + _UTF8}, body)


def get_batch(job: str, batch: str) -> Request:
    """ "Get Information for a Batch"."""
    return Request("bulk1.get_batch", "GET", paths.BATCH, {"job": job, "batch": batch})


def list_batches(job: str) -> Request:
    """ "Get Information for All Batches in a Job"."""
    return Request("bulk1.list_batches", "GET", paths.BATCHES, {"job": job})


def batch_request(job: str, batch: str) -> Request:
    """ "Get a Batch Request": the rows or the query as they were sent."""
    return Request("bulk1.batch_request", "GET", paths.BATCH_REQUEST, {"job": job, "batch": batch})


def batch_result(job: str, batch: str) -> Request:
    """ "Get Batch Results": one result a row, in the order of the rows; for a query, the ids of its result files."""
    return Request("bulk1.batch_result", "GET", paths.BATCH_RESULT, {"job": job, "batch": batch})


def query_result(job: str, batch: str, result: str) -> Request:
    """One result file of a query ("Walk Through a Bulk Query Sample"). Each has its own header row."""
    return Request("bulk1.query_result", "GET", paths.QUERY_RESULT, {"job": job, "batch": batch, "result": result})


def upload_spec(job: str, spec: Body) -> Request:
    """ "Map Data Fields": a transformation specification, before the first batch of a CSV job."""
    return Request(
        "bulk1.upload_spec", "POST", paths.SPEC, {"job": job}, {headers.CONTENT_TYPE: Mime.CSV + _UTF8}, spec
    )


# -- readers ------------------------------------------------------------------------------------------------------------


def read_document(request: Request, reply: Reply) -> Any:
    """A control reply as plain values: a dict, or a list of dicts for a list of batches.

    The format is told from the bytes: it follows the request for some calls and the job for others, and the two
    descriptions of which differ. Values are text from XML and typed from JSON, as they came.
    """
    kind = looks_like(reply.body)
    try:
        if kind == "json":
            value = parse_json(reply.body)
            if isinstance(value, dict) and isinstance(value.get("batchInfo"), list):
                return value["batchInfo"]
            if isinstance(value, dict | list):
                return value
        elif kind == "xml":
            return _plain(parse_xml(reply.body))
    except NotReadable as error:
        raise malformed(request, reply, f"it is {error}") from error
    raise malformed(request, reply, "it is neither XML nor JSON")


def _plain(root: Element) -> Any:
    name = local_name(root.tag)
    if name == "batchInfoList":
        return [_members(child) for child in root]
    if name == "result-list":
        return [(child.text or "").strip() for child in root]
    return _members(root)


def _members(element: Element) -> dict[str, Any]:
    return {local_name(child.tag): child.text for child in element}


def _required(request: Request, reply: Reply, wire: Any) -> dict[str, Any]:
    if not isinstance(wire, dict) or not wire.get("id"):
        raise malformed(request, reply, "it names no id")
    return wire


def _count(wire: Mapping[str, Any], name: str) -> int:
    try:
        return int(float(wire.get(name) or 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def job_info(wire: Mapping[str, Any]) -> JobInfo:
    return JobInfo(
        id=str(wire["id"]),
        operation=str(wire.get("operation") or ""),
        sobject=str(wire.get("object") or ""),
        state=str(wire.get("state") or ""),
        content_type=str(wire.get("contentType") or ""),
        concurrency=str(wire.get("concurrencyMode") or ""),
        batches_queued=_count(wire, "numberBatchesQueued"),
        batches_in_progress=_count(wire, "numberBatchesInProgress"),
        batches_completed=_count(wire, "numberBatchesCompleted"),
        batches_failed=_count(wire, "numberBatchesFailed"),
        batches_total=_count(wire, "numberBatchesTotal"),
        records_processed=_count(wire, "numberRecordsProcessed"),
        records_failed=_count(wire, "numberRecordsFailed"),
        wire=wire,
    )


def batch_info(wire: Mapping[str, Any]) -> BatchInfo:
    state = str(wire.get("state") or "")
    return BatchInfo(
        id=str(wire["id"]),
        job_id=str(wire.get("jobId") or ""),
        # The wire says NotProcessed; one page of the guide prints it as two words.
        state=BatchState.NOT_PROCESSED if state == "Not Processed" else state,
        state_message=str(wire.get("stateMessage") or ""),
        records_processed=_count(wire, "numberRecordsProcessed"),
        records_failed=_count(wire, "numberRecordsFailed"),
        wire=wire,
    )


def read_job(request: Request, reply: Reply) -> JobInfo:
    return job_info(_required(request, reply, read_document(request, reply)))


def read_batch(request: Request, reply: Reply) -> BatchInfo:
    return batch_info(_required(request, reply, read_document(request, reply)))


def read_batches(request: Request, reply: Reply) -> list[BatchInfo]:
    document = read_document(request, reply)
    if isinstance(document, dict):
        document = [document] if document.get("id") else []
    batches = [batch_info(_required(request, reply, wire)) for wire in document]
    if len({batch.id for batch in batches}) < len(batches):
        raise malformed(request, reply, "it lists a batch twice")
    return batches


def read_result_ids(request: Request, reply: Reply) -> list[str]:
    """The ids of the result files of a query batch, in order."""
    document = read_document(request, reply)
    if not isinstance(document, list) or not all(isinstance(item, str) for item in document):
        raise malformed(request, reply, "it is no list of result ids")
    if len(set(document)) < len(document):
        raise malformed(request, reply, "it lists a result twice")
    return [item for item in document if item]


# -- flows --------------------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
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

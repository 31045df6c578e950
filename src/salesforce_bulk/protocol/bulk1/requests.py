"""The requests of Bulk API 1.0, and the documents that they carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from ...errors import UsageError
from ...records import Body, JobSpec, PkChunking
from ...wire import headers, paths
from ...wire.names import DATALOAD_NS, ContentType, JobState, Mime, Operation
from ..messages import Request

OPERATIONS: Final = (
    Operation.INSERT,
    Operation.UPDATE,
    Operation.UPSERT,
    Operation.DELETE,
    Operation.HARD_DELETE,
    Operation.QUERY,
    Operation.QUERY_ALL,
)
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

"""The replies of Bulk API 1.0, read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from ...documents import NotReadable, local_name, looks_like, parse_json, parse_xml
from ...records import BatchInfo, JobInfo
from ...wire.names import BatchState
from ..messages import Reply, Request
from ..refusals import malformed


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
    if not isinstance(document, list) or not all(isinstance(result, str) for result in document):
        raise malformed(request, reply, "it is no list of result ids")
    if len(set(document)) < len(document):
        raise malformed(request, reply, "it lists a result twice")
    return [result for result in document if result]

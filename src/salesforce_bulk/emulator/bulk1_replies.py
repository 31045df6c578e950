"""What Bulk API 1.0 says about jobs and batches, as XML and as JSON, byte for byte as recorded.

Element order matters: Salesforce's own client reads elements in schema order and skips what is out of place.
Source: bulk-api-1.md sections 1.8, 2, 3.7, 3.10.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from salesforce_bulk.wire.names import DATALOAD_NS, BatchState, Mime

from .bulk1_jobs import Batch, Job
from .messages import Reply, Request
from .safe_xml import escape

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


class Refused(Exception):
    """A request that is not carried out. Nearly everything is a 400 here."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def error_reply(refused: Refused, *, as_json: bool, pretty: bool = False) -> Reply:
    fields = [("exceptionCode", refused.code), ("exceptionMessage", refused.message)]
    if as_json:
        return _json(dict(fields), refused.status, pretty)
    return Reply(refused.status, _document("error", fields), Mime.XML)


def job_reply(job: Job, batches: Sequence[Batch], *, as_json: bool, status: int = 200, pretty: bool = False) -> Reply:
    states = [batch.state for batch in batches]
    fields: list[tuple[str, Any]] = [
        ("id", job.id),
        ("operation", job.operation),
        ("object", job.object),
        ("createdById", job.created_by),
        ("createdDate", _time(job.created, as_json)),
        ("systemModstamp", _time(job.modified, as_json)),
        ("state", job.state),
        ("externalIdFieldName", job.external_id),
        ("concurrencyMode", job.concurrency),
        ("contentType", job.content_type),
        ("numberBatchesQueued", states.count(BatchState.QUEUED)),
        ("numberBatchesInProgress", states.count(BatchState.IN_PROGRESS)),
        ("numberBatchesCompleted", states.count(BatchState.COMPLETED)),
        ("numberBatchesFailed", states.count(BatchState.FAILED)),
        ("numberBatchesTotal", sum(not batch.chunked for batch in batches)),
        ("numberRecordsProcessed", sum(batch.processed for batch in batches)),
        ("numberRetries", job.retries),
        ("apiVersion", float(job.api_version) if as_json else job.api_version),
        ("assignmentRuleId", job.assignment_rule),
        ("numberRecordsFailed", sum(batch.failed for batch in batches)),
        ("totalProcessingTime", sum(batch.total_ms for batch in batches)),
        ("apiActiveProcessingTime", sum(batch.api_ms for batch in batches)),
        ("apexProcessingTime", sum(batch.apex_ms for batch in batches)),
    ]
    if as_json:
        return _json({**dict(fields), "fastPathEnabled": job.fast_path}, status, pretty)
    return Reply(status, _document("jobInfo", fields), Mime.XML)


def batch_reply(batch: Batch, *, as_json: bool, status: int = 200, pretty: bool = False) -> Reply:
    fields = _batch_fields(batch, as_json)
    if as_json:
        return _json(dict(fields), status, pretty)
    return Reply(status, _document("batchInfo", fields), Mime.XML)


def batch_list_reply(batches: Sequence[Batch], *, as_json: bool, pretty: bool = False) -> Reply:
    if as_json:
        return _json({"batchInfo": [dict(_batch_fields(batch, True)) for batch in batches]}, 200, pretty)
    if not batches:
        return Reply(200, f'{HEAD}<batchInfoList\n   xmlns="{DATALOAD_NS}" />'.encode(), Mime.XML)
    inner = "".join(
        f" <batchInfo>\n{_elements(_batch_fields(batch, False), indent=2)} </batchInfo>\n" for batch in batches
    )
    return Reply(200, f'{HEAD}<batchInfoList\n   xmlns="{DATALOAD_NS}">\n{inner}</batchInfoList>'.encode(), Mime.XML)


def result_list_reply(results: Sequence[str], *, as_json: bool) -> Reply:
    """One line, and without a declaration: recorded so."""
    if as_json:
        return _json(list(results), 200, pretty=False)
    inner = "".join(f"<result>{result}</result>" for result in results)
    return Reply(200, f'<result-list xmlns="{DATALOAD_NS}">{inner}</result-list>'.encode(), Mime.XML)


def wants_pretty(request: Request) -> bool:
    return request.header("x-prettyprint") in {"1", "true"}


def _batch_fields(batch: Batch, as_json: bool) -> list[tuple[str, Any]]:
    return [
        ("id", batch.id),
        ("jobId", batch.job_id),
        ("state", batch.state),
        ("stateMessage", batch.message),
        ("createdDate", _time(batch.created, as_json)),
        ("systemModstamp", _time(batch.modified, as_json)),
        ("numberRecordsProcessed", batch.processed),
        ("numberRecordsFailed", batch.failed),
        ("totalProcessingTime", batch.total_ms),
        ("apiActiveProcessingTime", batch.api_ms),
        ("apexProcessingTime", batch.apex_ms),
    ]


def _time(seconds: float, as_json: bool) -> str:
    """The milliseconds are always 000."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000" + ("+0000" if as_json else "Z"))


def _document(root: str, fields: Sequence[tuple[str, Any]]) -> bytes:
    return f'{HEAD}<{root}\n   xmlns="{DATALOAD_NS}">\n{_elements(fields, indent=1)}</{root}>'.encode()


def _elements(fields: Sequence[tuple[str, Any]], indent: int) -> str:
    """What is unset is absent in XML, and null in JSON."""
    margin = " " * indent
    return "".join(f"{margin}<{name}>{escape(str(value))}</{name}>\n" for name, value in fields if value is not None)


def _json(value: Any, status: int, pretty: bool) -> Reply:
    separators = (",", " : ") if pretty else (",", ":")
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=separators, indent=2 if pretty else None)
    return Reply(status, text.encode("utf-8", "replace"), Mime.JSON)

"""What Bulk API 1.0 says about jobs and batches, as XML and as JSON, byte for byte as recorded.

Element order matters: Salesforce's own client reads elements in schema order and skips what is out of place.
Source: bulk-api-1.md sections 1.8, 2, 3.7, 3.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from salesforce_bulk.wire.names import DATALOAD_NS, BatchState, Mime

from ..answers.bulk1 import HEAD, json_document, xml_document, xml_elements
from ..http.messages import Reply
from .jobs import Batch, Job


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
        return json_document({**dict(fields), "fastPathEnabled": job.fast_path}, status, pretty)
    return Reply(status, xml_document("jobInfo", fields), Mime.XML)


def batch_reply(batch: Batch, *, as_json: bool, status: int = 200, pretty: bool = False) -> Reply:
    fields = _batch_fields(batch, as_json)
    if as_json:
        return json_document(dict(fields), status, pretty)
    return Reply(status, xml_document("batchInfo", fields), Mime.XML)


def batch_list_reply(batches: Sequence[Batch], *, as_json: bool, pretty: bool = False) -> Reply:
    if as_json:
        return json_document({"batchInfo": [dict(_batch_fields(batch, True)) for batch in batches]}, 200, pretty)
    if not batches:
        return Reply(200, f'{HEAD}<batchInfoList\n   xmlns="{DATALOAD_NS}" />'.encode(), Mime.XML)
    inner = "".join(
        f" <batchInfo>\n{xml_elements(_batch_fields(batch, False), indent=2)} </batchInfo>\n" for batch in batches
    )
    return Reply(200, f'{HEAD}<batchInfoList\n   xmlns="{DATALOAD_NS}">\n{inner}</batchInfoList>'.encode(), Mime.XML)


def result_list_reply(results: Sequence[str], *, as_json: bool) -> Reply:
    """One line, and without a declaration: recorded so."""
    if as_json:
        return json_document(list(results), 200, pretty=False)
    inner = "".join(f"<result>{result}</result>" for result in results)
    return Reply(200, f'<result-list xmlns="{DATALOAD_NS}">{inner}</result-list>'.encode(), Mime.XML)


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

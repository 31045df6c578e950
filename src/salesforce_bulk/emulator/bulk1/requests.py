"""What a client may say about a job. Source: bulk-api-1.md 2.1, 3.1, 3.3."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from salesforce_bulk.wire.names import DATALOAD_NS, Concurrency, ContentType, ExceptionCode, Mime, Operation

from ..answers.bulk1 import Refused, is_json
from ..http.messages import Request
from ..safe_xml import BadXml, local_name, parse

OPERATIONS = frozenset(
    {
        Operation.INSERT,
        Operation.UPDATE,
        Operation.UPSERT,
        Operation.DELETE,
        Operation.HARD_DELETE,
        Operation.QUERY,
        Operation.QUERY_ALL,
    }
)
CONTENT_TYPES = (
    ContentType.XML,
    ContentType.CSV,
    ContentType.JSON,
    ContentType.ZIP_XML,
    ContentType.ZIP_CSV,
    ContentType.ZIP_JSON,
)
CONCURRENCY = (Concurrency.PARALLEL, Concurrency.SERIAL)
#: JSON came with 36.0: at 35.0 the service answers that it is not supported.
FIRST_JSON_VERSION = 36.0

BY_CLIENT = ("operation", "object", "externalIdFieldName", "concurrencyMode", "contentType", "assignmentRuleId")
BY_SERVER = (
    "id",
    "createdById",
    "createdDate",
    "systemModstamp",
    "numberBatchesQueued",
    "numberBatchesInProgress",
    "numberBatchesCompleted",
    "numberBatchesFailed",
    "numberBatchesTotal",
    "numberRecordsProcessed",
    "numberRetries",
    "apiVersion",
    "numberRecordsFailed",
    "totalProcessingTime",
    "apiActiveProcessingTime",
    "apexProcessingTime",
)
#: Salesforce's own client writes its whole record: these say nothing.
UNSET = (None, "", 0, 0.0, False, "0", "0.0", "false")


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    operation: str
    object: str
    content_type: str
    concurrency: str
    external_id: str | None
    assignment_rule: str | None
    fast_path: bool


def read_job_request(request: Request, api_version: str) -> JobRequest:
    said = _read(request)
    for name in BY_SERVER:
        if said.get(name) not in UNSET:
            raise _bad_job(f"{name[0].upper()}{name[1:]} cannot be specified")
    if said.get("state") not in (None, "Open"):
        raise _unreadable()
    operation = said.get("operation")
    if operation not in OPERATIONS or not isinstance(said.get("object"), str) or not said["object"]:
        raise _unreadable()
    content_type = _one_of(said.get("contentType"), CONTENT_TYPES)
    concurrency = _one_of(said.get("concurrencyMode"), CONCURRENCY)
    if content_type in {ContentType.JSON, ContentType.ZIP_JSON} and float(api_version) < FIRST_JSON_VERSION:
        raise _bad_job("JSON content type is not supported")
    return JobRequest(
        operation=str(operation),
        object=said["object"],
        content_type=content_type,
        concurrency=concurrency,
        external_id=_text(said.get("externalIdFieldName")),
        assignment_rule=_text(said.get("assignmentRuleId")),
        fast_path=said.get("fastPathEnabled") in (True, "true"),
    )


def read_new_state(request: Request) -> str:
    """The state a job is to go to. Nothing else may be said."""
    said = _read(request)
    for name in (*BY_CLIENT, *BY_SERVER):
        if name != "id" and said.get(name) not in UNSET:
            raise _bad_job(f"{name[0].upper()}{name[1:]} cannot be specified")
    state = said.get("state")
    if not isinstance(state, str) or not state:
        raise _unreadable()
    return state


def _read(request: Request) -> dict[str, Any]:
    # A control call takes XML under text/csv too: the guide's own close call does it.
    if request.mime() not in {"", Mime.XML, "text/xml", Mime.CSV, Mime.JSON}:
        raise Refused(
            ExceptionCode.UNSUPPORTED_CONTENT_TYPE, f"Unsupported content type: {request.header('content-type')}"
        )
    data = request.body.read()
    return _read_json(data) if is_json(request) else _read_xml(data)


def _read_json(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _unreadable() from error
    if not isinstance(said, dict):
        raise _unreadable()
    return said


def _read_xml(data: bytes) -> dict[str, Any]:
    try:
        root = parse(data)
    except BadXml as error:
        raise Refused(ExceptionCode.INVALID_XML, f"Unable to parse Job: {error}") from error
    if root.tag != f"{{{DATALOAD_NS}}}jobInfo":
        raise _unreadable()
    return {local_name(element): (element.text or "").strip() for element in root}


def _one_of(value: Any, choices: tuple[str, ...]) -> str:
    """A name, or in JSON its ordinal; the first when nothing is said."""
    if value in (None, ""):
        return choices[0]
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return choices[value]
    if value not in choices:
        raise _unreadable()
    return str(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _unreadable() -> Refused:
    return _bad_job("Unable to parse Job")


def _bad_job(message: str) -> Refused:
    return Refused(ExceptionCode.INVALID_JOB, message)

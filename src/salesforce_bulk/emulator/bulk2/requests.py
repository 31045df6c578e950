"""What a request to make a job asks for. Source: bulk-api-2.md 2.1, 2.2, 3.1."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from salesforce_bulk.wire.names import Delimiter, LineEnding, Mime, Operation

from ..answers.rest import JobAnswer, parse_object, read_object
from ..http.messages import Request
from ..limits import Limits

#: What stands between the values, by its name in a job.
DELIMITERS: Final = {
    Delimiter.COMMA: ",",
    Delimiter.SEMICOLON: ";",
    Delimiter.PIPE: "|",
    Delimiter.TAB: "\t",
    Delimiter.CARET: "^",
    Delimiter.BACKQUOTE: "`",
}
LINE_ENDS: Final = {LineEnding.LF: "\n", LineEnding.CRLF: "\r\n"}
INGEST_OPERATIONS: Final = (
    Operation.INSERT, Operation.DELETE, Operation.HARD_DELETE, Operation.UPDATE, Operation.UPSERT
)  # fmt: skip
QUERY_OPERATIONS: Final = (Operation.QUERY, Operation.QUERY_ALL)


@dataclass(frozen=True)
class IngestRequest:
    operation: str
    object: str
    delimiter: str
    line_ending: str
    external_id: str | None
    assignment_rule: str | None
    #: The data of a multipart request.
    data: bytes | None = None


@dataclass(frozen=True)
class QueryRequest:
    operation: str
    query: str
    delimiter: str
    line_ending: str


def read_ingest_request(request: Request, limits: Limits) -> IngestRequest:
    if request.mime() == Mime.MULTIPART:
        job, data = _parts(request, limits)
        return _ingest(parse_object(job), data)
    return _ingest(read_object(request), None)


def _ingest(said: Mapping[str, Any], data: bytes | None) -> IngestRequest:
    operation = _one_of(said, "operation", INGEST_OPERATIONS, None)
    sobject = _text(said, "object")
    if not sobject:
        raise JobAnswer(400, "INVALIDJOB", "Unable to find object: null")
    external_id = _text(said, "externalIdFieldName")
    if operation == Operation.UPSERT and not external_id:
        raise JobAnswer(
            400, "INVALIDJOB", f"External ID was blank for {sobject}. An External ID must be specified for upsert."
        )
    if operation != Operation.UPSERT and external_id:
        raise JobAnswer(400, "INVALIDJOB", "External ID can be specified only for upsert.")
    return IngestRequest(
        operation=operation,
        object=sobject,
        external_id=external_id,
        assignment_rule=_text(said, "assignmentRuleId"),
        data=data,
        **_dialect(said),
    )


def read_query_request(request: Request) -> QueryRequest:
    said = read_object(request)
    operation = _one_of(said, "operation", QUERY_OPERATIONS, None)
    return QueryRequest(operation, _text(said, "query") or "", **_dialect(said))


def read_state(request: Request) -> str:
    return _text(read_object(request), "state") or ""


def _dialect(said: Mapping[str, Any]) -> dict[str, str]:
    _one_of(said, "contentType", ("CSV",), "CSV")
    return {
        "delimiter": _one_of(said, "columnDelimiter", DELIMITERS, Delimiter.COMMA),
        "line_ending": _one_of(said, "lineEnding", LINE_ENDS, LineEnding.LF),
    }


def _text(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise JobAnswer(400, "JSON_PARSER_ERROR", f"{name} is no text")


def _one_of(said: Mapping[str, Any], name: str, known: Collection[str], default: str | None) -> str:
    value = _text(said, name) or default
    if value is None:
        raise JobAnswer(400, "JSON_PARSER_ERROR", f"{name} is missing")
    if value not in known:
        raise JobAnswer(400, "JSON_PARSER_ERROR", f"{value} is no {name}. There are {', '.join(known)}")
    return value


# --- data along with the job ------------------------------------------------------------------------------------------


def _parts(request: Request, limits: Limits) -> tuple[bytes, bytes]:
    """The job and its data, from the parts ``job`` and ``content``, in this order."""
    found = re.search(r'boundary="?([^";]+)"?', request.header("content-type"))
    if found is None:
        raise JobAnswer(400, "INVALIDJOB", "The multipart request names no boundary")
    body = request.body.read()
    if request.body.damaged:
        raise JobAnswer(400, "CLIENTINPUTERROR", "Failed to read request. Not in GZIP format")
    if len(body.decode("utf-8", "replace")) > limits.multipart_characters:
        raise JobAnswer(
            400, "CLIENTINPUTERROR", f"Failed to read request. Exceeded max size limit of {limits.multipart_characters}"
        )
    mark = b"--" + found[1].strip().encode("latin-1", "replace")
    pieces = re.split(rb"(?:^|\r?\n)" + re.escape(mark), body)
    if len(pieces) != 4 or not pieces[-1].startswith(b"--"):
        raise JobAnswer(400, "INVALIDJOB", "A multipart request has two parts: job and content")
    parts = [_part(piece) for piece in pieces[1:3]]
    if [name for name, _ in parts] != ["job", "content"]:
        raise JobAnswer(400, "INVALIDJOB", "The parts of a multipart request are job and content, in this order")
    return parts[0][1], parts[1][1]


def _part(piece: bytes) -> tuple[str, bytes]:
    head, _, content = _pair(piece)
    name = re.search(rb'name="?([^";\r\n]+)"?', head)
    # The guide's sample ends in a blank line, which is no part of the data.
    return (name[1].decode("utf-8", "replace") if name else ""), content.rstrip(b"\r\n")


def _pair(piece: bytes) -> tuple[bytes, bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", piece)
    return (piece[: found.start()], found[0], piece[found.end() :]) if found else (piece, b"", b"")

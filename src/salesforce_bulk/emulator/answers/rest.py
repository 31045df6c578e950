"""How REST and Bulk API 2.0 say no, and what they say alike."""

from __future__ import annotations

import json
from typing import Any

from ..http.messages import Reply, Request

#: The text of every 404 of REST and of Bulk API 2.0.
NOTHING_THERE = "The requested resource does not exist"


class Answer(Exception):
    """A refusal in REST's form: an array of one error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.reply = document([{"message": message, "errorCode": code}], status)


class JobAnswer(Answer):
    """The same from ``/jobs``, where the code stands first (bulk-api-2.md 8)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.reply = document([{"errorCode": code, "message": message}], status)


def not_found() -> JobAnswer:
    return JobAnswer(404, "NOT_FOUND", NOTHING_THERE)


def document(value: Any, status: int = 200, *, pretty: bool = False) -> Reply:
    """*value* as JSON: compact, or as recorded with ``X-PrettyPrint``, on lines and with blanks around the colon."""
    text = json.dumps(
        value,
        ensure_ascii=False,
        indent=2 if pretty else None,
        separators=(",", " : ") if pretty else (",", ":"),
    )
    return Reply(status, text.encode("utf-8", "replace"), "application/json;charset=UTF-8")


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that a request carries."""
    if request.body.damaged:
        raise JobAnswer(400, "JSON_PARSER_ERROR", "Failed to read request. Not in GZIP format")
    if request.mime() not in {"application/json", ""}:
        raise JobAnswer(
            415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {request.header('content-type')} is not supported"
        )
    return parse_object(request.body.read())


def parse_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise JobAnswer(400, "JSON_PARSER_ERROR", f"The request cannot be read as JSON: {error}") from error
    if not isinstance(value, dict):
        raise JobAnswer(400, "JSON_PARSER_ERROR", "The request is no JSON object")
    return value

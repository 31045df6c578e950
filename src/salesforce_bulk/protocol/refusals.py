"""A reply that says no -> the right error, with what it means and what to do.

Codes and texts: Bulk API guide, "Errors"; field notes, 21-26 and 60-64.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from ..documents import NotReadable, local_name, looks_like, parse_json, parse_xml
from ..errors import AnswerMalformed, ApiError, SalesforceBulkError, SessionExpired
from ..session import masked
from ..wire.names import ExceptionCode as Code
from .cures2 import CURES2
from .messages import Auth, Reply, Request
from .repeat import PASSING_STATUSES, may_repeat

#: How much of a body that is not ours to understand is shown.
SHOWN_CHARACTERS: Final = 300

_SENT_NOTHING: Final = "No data was changed by this call."
_BATCH_CALLS: Final = frozenset({"bulk1.add_batch"})

#: What to do, by the org's own code. ``{subject}`` is the call in words.
CURES: Final[dict[str, str]] = {
    Code.CLIENT_INPUT_ERROR: (
        "A batch needs at least one row, and at most 10,000 records and 10,000,000 bytes: send fewer rows in a batch."
    ),
    Code.EXCEEDED_QUOTA: (
        "The org's allocation of batches for 24 hours is used up: wait, or send more rows in fewer batches."
    ),
    Code.FEATURE_NOT_ENABLED: "Ask an administrator for the permission or feature that the message names.",
    Code.GONE: "This API version is retired: choose API_version 31.0 or newer.",
    Code.HTTPS_REQUIRED: "Use an https address.",
    Code.INVALID_BATCH: "Check the batch id, and ask for results only when the batch has ended.",
    Code.INVALID_ENTITY: "This object cannot be used with the Bulk API: use the REST API for it.",
    Code.INVALID_JOB: (
        "Check the object, the operation and the job id; jobs are kept for 7 days, and only their creator sees them."
    ),
    Code.INVALID_JOB_STATE: "The job is no longer open: create another job for further batches.",
    Code.INVALID_OPERATION: "Check the operation and the address.",
    Code.INVALID_URL: "The host must be the org's own, https://NAME.my.salesforce.com, without a path.",
    Code.INVALID_USER: "Only the user who created a job may use it; batches and results need the same login.",
    Code.INVALID_VERSION: "Choose an API version from 31.0 to the newest of the org, the same for all calls of a job.",
    Code.UNSUPPORTED_CONTENT_TYPE: "Send a batch in the content type of its job.",
}

_EXPIRED_CURE: Final = "Log in again and go on: jobs and batches are unaffected. The same user must do it."
#: 401s that a new session does not cure; renewing on them made other clients loop (auth reference, 7).
NOT_CURED_BY_RENEWAL: Final = ("not valid for use with the REST API", "Connected app is not attached to Agent")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The code and text of an error body, whatever its format."""

    code: str
    text: str


def read_refusal(body: bytes) -> Refusal | None:
    """Code and text of an error body of any of the APIs: XML or JSON, an object or a list. None: it is no such body."""
    kind = looks_like(body)
    try:
        if kind == "json":
            return _from_json(parse_json(body))
        if kind == "xml":
            root = parse_xml(body)
            found = {local_name(element.tag): (element.text or "").strip() for element in root.iter()}
            code = found.get("exceptionCode") or found.get("errorCode") or found.get("faultcode", "")
            text = found.get("exceptionMessage") or found.get("message") or found.get("faultstring", "")
            return Refusal(code.rpartition(":")[2], text) if code else None
    except NotReadable:
        return None
    return None


def _from_json(value: Any) -> Refusal | None:
    if isinstance(value, list):
        value = value[0] if value else None
    if not isinstance(value, dict):
        return None
    code = value.get("exceptionCode") or value.get("errorCode") or value.get("error")
    text = value.get("exceptionMessage") or value.get("message") or value.get("error_description") or ""
    return Refusal(str(code), str(text)) if code else None


def refusal(request: Request, reply: Reply) -> SalesforceBulkError | None:
    """The error that *reply* means for *request*; None when it says yes."""
    if reply.status < 300:
        return None
    error = _error(request, reply)
    asked = reply.headers.get("retry-after", "")
    if asked.isdigit():
        error.retry_after_seconds = float(asked)
    return error


def _error(request: Request, reply: Reply) -> SalesforceBulkError:
    text = masked(reply.body.decode("utf-8", "replace"))
    read = read_refusal(reply.body)
    if 300 <= reply.status < 400:
        return _redirected(request, reply, text)
    if read is None:
        return _not_ours(request, reply, text)
    message = f"{request} was refused with HTTP {reply.status} {read.code}: {masked(read.text)}"
    if _is_expiry(reply, read):
        return SessionExpired(
            f"{message}\n{_SENT_NOTHING}\n{_EXPIRED_CURE}",
            error_code=read.code,
            status_code=reply.status,
            body=text,
        )
    applied = _applied(request, reply.status)
    means = _SENT_NOTHING if applied is False else "The org may have acted on it."
    if request.name in _BATCH_CALLS and applied is False:
        means = "No row of this batch was loaded; batches sent before are unaffected."
    cure = (CURES2 if request.name.startswith(("ingest2.", "query2.")) else CURES).get(read.code, "")
    return ApiError(
        "\n".join(line for line in (message, means, cure) if line),
        status_code=reply.status,
        error_code=read.code,
        body=text,
        applied=applied,
        # A login that is refused in so many words (a SOAP fault is an HTTP 500) is final: trying again locks the user out.
        repeatable=reply.status in PASSING_STATUSES and may_repeat(request.name) and request.auth is not Auth.NONE,
    )


def _applied(request: Request, status: int) -> bool | None:
    """A refusal with 4xx was not acted on; what a 5xx leaves behind of a request that writes is unknown."""
    return None if status >= 500 and request.method != "GET" else False


def _is_expiry(reply: Reply, read: Refusal) -> bool:
    """Bulk API 1.0 says so with HTTP 400, the REST API with 401; both by their code, never by the text."""
    if read.code == Code.INVALID_SESSION_ID:
        return True
    return (
        reply.status == 401
        and read.code == "INVALID_SESSION_ID"
        and not any(text in read.text for text in NOT_CURED_BY_RENEWAL)
    )


def _redirected(request: Request, reply: Reply, text: str) -> SalesforceBulkError:
    target = re.sub(r"[?#].*", "", reply.headers.get("location", ""))
    where = f" to {masked(target)}" if target else ""
    return ApiError(
        f"{request} was redirected with HTTP {reply.status}{where}.\n{_SENT_NOTHING} The session was not sent there.\n"
        "If the org has moved or was renamed, use its present address.",
        status_code=reply.status,
        body=text,
    )


def _not_ours(request: Request, reply: Reply, text: str) -> SalesforceBulkError:
    kind = looks_like(reply.body)
    what = {"html": "a page of HTML", "empty": "nothing"}.get(kind, "something that is not an answer of the API")
    shown = " ".join(re.sub(r"<[^>]*>", " ", text).split())[:SHOWN_CHARACTERS]
    applied = _applied(request, reply.status)
    means = (
        _SENT_NOTHING if applied is False else "The org may have acted on it; look at the job before sending it again."
    )
    return AnswerMalformed(
        f"{request} was answered with HTTP {reply.status} and {what}"
        + (f": {shown}" if shown else ".")
        + f"\n{means}\nA server in front of the org may be down for maintenance, or the host is not the org's API host.",
        status_code=reply.status,
        body=text,
        applied=applied,
        repeatable=reply.status in PASSING_STATUSES and may_repeat(request.name),
    )


def malformed(request: Request, reply: Reply, what: str) -> AnswerMalformed:
    """*reply* says yes and is yet not the document that *request* is answered with."""
    text = masked(reply.body.decode("utf-8", "replace"))
    kind = looks_like(reply.body)
    shown = " ".join(re.sub(r"<[^>]*>", " ", text).split())[:SHOWN_CHARACTERS]
    page = " (a page of HTML; is the host the org's API host?)" if kind == "html" else ""
    return AnswerMalformed(
        f"{request} was answered with HTTP {reply.status}, but {what}{page}: {shown}\n"
        + (
            "Nothing was changed."
            if request.method == "GET"
            else "The org may have acted on it; look at the job before sending it again."
        ),
        status_code=reply.status,
        body=text,
        applied=False if request.method == "GET" else None,
    )

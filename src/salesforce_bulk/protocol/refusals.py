"""A reply that says no -> the right error, with what it means and what to do.

Codes and texts: Bulk API guide, "Errors"; field notes, 21-26 and 60-64.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from ..documents import NotReadable, local_name, looks_like, parse_json, parse_xml, whole_number
from ..errors import AnswerMalformed, ApiError, LimitReached, SalesforceBulkError, SessionExpired
from ..frozen import frozen
from ..session import masked
from ..wire import headers
from ..wire.names import ExceptionCode as Code
from .cures2 import CURES2, NO_SUCH_ADDRESS, NO_SUCH_OBJECT
from .messages import Reply, Request
from .repeat import PASSING_STATUSES, may_repeat

#: How much of a body that is not ours to understand is shown.
SHOWN_CHARACTERS: Final = 300

#: Up to the next "<" at most: a body of nothing else takes time in proportion to its length, not to its square.
_TAG: Final = re.compile(r"<[^<>]*>")

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
#: Allowances of calls, queries, records and batches (guide, "Limits"; field notes, 62).
LIMITS: Final = frozenset({Code.EXCEEDED_QUOTA, "EXCEEDEDQUOTA", "LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED"})
#: In the text of the one limit that passes within seconds (REST reference, 7).
CONCURRENT: Final = "ConcurrentRequests"
_CROWDED_CURE: Final = (
    "Too many calls are under way in the org at the same time: try again when some of them have ended."
)
#: 401s that a new session does not cure, by their text, and what does; renewing on them made other clients loop (auth
#: reference, 7).
NOT_CURED_BY_RENEWAL: Final = {
    "not valid for use with the REST API": (
        "The session is of a kind that the API does not take, or lacks the scope api: log in for the API. Another session of "
        "the same kind does not help."
    ),
    "Connected app is not attached to Agent": (
        "The connected app is not allowed here: ask an administrator. Another session does not help."
    ),
}


@frozen
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
    error.retry_after_seconds = _asked_to_wait(reply)
    return error


def _asked_to_wait(reply: Reply) -> float | None:
    """``Retry-After``: seconds, or a date, which is counted from the reply's own (RFC 9110, 10.2.3)."""
    asked = reply.headers.get(headers.RETRY_AFTER.lower(), "").strip()
    seconds = whole_number(asked)
    if seconds is not None:
        return float(seconds)
    try:
        until, now = (parsedate_to_datetime(text) for text in (asked, reply.headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


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
    cure = _cure(request, read.code)
    if reply.status == 401:
        cure = next((cure for text, cure in NOT_CURED_BY_RENEWAL.items() if text in read.text), cure)
    kind: type[ApiError] = ApiError
    is_crowded = read.code in LIMITS and CONCURRENT in read.text
    if read.code in LIMITS:
        kind = LimitReached
        cure = _CROWDED_CURE if is_crowded else cure or CURES2["REQUEST_LIMIT_EXCEEDED"]
    return kind(
        "\n".join(line for line in (message, means, cure) if line),
        status_code=reply.status,
        error_code=read.code,
        body=text,
        applied=applied,
        repeatable=is_crowded or _is_passing(request, reply.status, applied),
    )


def _cure(request: Request, code: str) -> str:
    if request.name.startswith(("bulk1.", "login.")):
        return CURES.get(code, "")
    if code == "NOT_FOUND" and "job" not in request.ids:
        return NO_SUCH_OBJECT if request.name == "rest.describe" else NO_SUCH_ADDRESS
    return CURES2.get(code, "")


def _is_passing(request: Request, status: int, applied: bool | None) -> bool:
    """Whether asking again may help and does no harm: a request that only reads, or one that did not arrive."""
    # A login that is refused in so many words (a SOAP fault is an HTTP 500) is final: trying again locks the user out.
    if status == 500 and _is_login(request):
        return False
    return status in PASSING_STATUSES and (may_repeat(request.name) or applied is False)


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


def _is_login(request: Request) -> bool:
    return request.name.startswith("login.")


def _shown(text: str) -> str:
    """The beginning of a body without markup, and without what a terminal would act on."""
    plain = " ".join(_TAG.sub(" ", text).split())[:SHOWN_CHARACTERS]
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in plain)


def _redirected(request: Request, reply: Reply, text: str) -> SalesforceBulkError:
    target = re.sub(r"[?#].*", "", reply.headers.get(headers.LOCATION.lower(), ""))
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
    shown = _shown(text)
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
        repeatable=_is_passing(request, reply.status, applied),
    )


#: Requests that may be repeated and are answered with a document, which can be told from a damaged one.
DOCUMENTS: Final = frozenset(
    {
        "bulk1.get_job", "bulk1.close_job", "bulk1.abort_job", "bulk1.get_batch", "bulk1.list_batches",
        "ingest2.abort_job", "ingest2.get_job", "ingest2.list_jobs",
        "query2.create_job", "query2.get_job", "query2.list_jobs", "query2.abort_job", "query2.result_pages",
        "login.soap", "login.oauth",
        "rest.versions", "rest.describe", "rest.objects", "rest.limits", "rest.query", "rest.query_more",
    }
)  # fmt: skip


def damaged(request: Request, reply: Reply) -> AnswerMalformed | None:
    """*reply* says yes, but is cut off, or comes from something between the org and us, as an error that asking again may get
    over; None: it is a document, or *request* is not answered with one."""
    if request.name not in DOCUMENTS:
        return None
    kind = looks_like(reply.body)
    try:
        if kind == "json":
            parse_json(reply.body)
        elif kind == "xml":
            parse_xml(reply.body)
        else:
            raise NotReadable(_WHAT.get(kind, "neither XML nor JSON"))
    except NotReadable as error:
        found = malformed(request, reply, f"it is {error}")
        # A page in the place of a login says that this is no login host; it will be there again.
        found.repeatable = not (kind == "html" and _is_login(request))
        return found
    return None


_WHAT: Final = {"html": "a page of HTML", "empty": "empty"}


def no_data(request: Request, reply: Reply) -> AnswerMalformed:
    """A page of HTML in the place of rows."""
    found = malformed(request, reply, "it is no CSV")
    found.repeatable = True
    return found


def is_page(head: Mapping[str, str]) -> bool:
    """Whether a page of HTML comes, by its head."""
    return "html" in head.get("content-type", "").lower()


def malformed(request: Request, reply: Reply, what: str) -> AnswerMalformed:
    """*reply* says yes and is yet not the document that *request* is answered with."""
    text = masked(reply.body.decode("utf-8", "replace"))
    kind = looks_like(reply.body)
    shown = _shown(text)
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

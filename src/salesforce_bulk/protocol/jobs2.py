"""What ingest and query jobs of Bulk API 2.0 have in common: their document, their list, waiting for their end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from ..documents import NotReadable, parse_json, whole_number
from ..errors import UsageError, WaitTimeout
from ..records import Body, Dialect, Job2Info
from ..wire import headers
from ..wire.names import Delimiter, Job2State, LineEnding, Mime
from .messages import Auth, Call, Flow, Pause, Reply, Request
from .polling import Look, intervals
from .refusals import malformed
from .states import JOB2_ENDED

JSON_TYPE: Final = Mime.JSON + "; charset=UTF-8"

DELIMITERS: Final = {
    ",": Delimiter.COMMA,
    ";": Delimiter.SEMICOLON,
    "|": Delimiter.PIPE,
    "\t": Delimiter.TAB,
    "^": Delimiter.CARET,
    "`": Delimiter.BACKQUOTE,
}
#: How often the numbers of a job that has ended are asked for once more, in some four seconds, until they are believed.
LOOKS_AT_NUMBERS: Final = 6
LINE_ENDINGS: Final = {"\n": LineEnding.LF, "\r\n": LineEnding.CRLF}


def dialect_fields(dialect: Dialect) -> dict[str, str]:
    """The members of a job that say how its CSV is written."""
    if dialect.delimiter not in DELIMITERS:
        raise UsageError(
            f"The API has no delimiter {dialect.delimiter!r}. Nothing was sent. It has {' '.join(DELIMITERS)}."
        )
    if dialect.line_ending not in LINE_ENDINGS:
        raise UsageError("Lines end in LF or CRLF in this API. Nothing was sent.")
    return {
        "contentType": "CSV",
        "columnDelimiter": DELIMITERS[dialect.delimiter],
        "lineEnding": LINE_ENDINGS[dialect.line_ending],
    }


def call(
    name: str,
    method: str,
    path: str,
    job: str | None = None,
    document: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    accept: str = Mime.JSON,
) -> Request:
    """A request of the REST framework: bearer token, JSON in and out."""
    extra = {headers.ACCEPT: accept}
    if document is not None:
        extra[headers.CONTENT_TYPE] = JSON_TYPE
    return Request(
        name,
        method,
        path,
        {"job": job} if job else {},
        extra,
        None if document is None else Body.of(json.dumps(document)),
        params or {},
        Auth.BEARER,
    )


def read_json(request: Request, reply: Reply) -> Any:
    try:
        return parse_json(reply.body)
    except NotReadable as error:
        raise malformed(request, reply, f"it is {error}") from error


def job_info(wire: Mapping[str, Any]) -> Job2Info:
    return Job2Info(
        id=str(wire["id"]),
        operation=str(wire.get("operation") or ""),
        sobject=str(wire.get("object") or ""),
        state=str(wire.get("state") or ""),
        job_type=str(wire.get("jobType") or ""),
        records_processed=_count(wire, "numberRecordsProcessed"),
        records_failed=_count(wire, "numberRecordsFailed"),
        error_message=str(wire.get("errorMessage") or ""),
        wire=wire,
    )


def _count(wire: Mapping[str, Any], name: str) -> int | None:
    value = wire.get(name)
    return whole_number(str(value).strip()) if isinstance(value, int | float | str) else None


def read_job(request: Request, reply: Reply) -> Job2Info:
    wire = read_json(request, reply)
    if not isinstance(wire, dict) or not wire.get("id"):
        raise malformed(request, reply, "it names no job")
    return job_info(wire)


def ask_job(request: Request) -> Flow[Job2Info]:
    """Send a request that is answered with a job."""
    return read_job(request, (yield Call(request)))


def ask_until(get: Request, is_counted: Callable[[Job2Info], bool]) -> Flow[Job2Info]:
    """Look at a job that has ended until its numbers are as they should be: they can lag behind its end. A few times at most;
    what it says last."""
    for pause in islice(intervals(), LOOKS_AT_NUMBERS):
        info = yield from ask_job(get)
        if is_counted(info):
            return info
        yield Pause(pause)
    return (yield from ask_job(get))


def next_page(request: Request, locator: str) -> Request:
    """The request for the page of a list that *locator* names; *request* is that for the first one."""
    return replace(request, params={**request.params, "queryLocator": locator})


def read_page(request: Request, reply: Reply) -> tuple[list[Job2Info], str | None]:
    """The jobs of a page, and the locator of the next one. Of the link only the locator is taken."""
    page = read_json(request, reply)
    if not isinstance(page, dict) or not isinstance(page.get("records"), list):
        raise malformed(request, reply, "it is no list of jobs")
    jobs = [job_info(wire) for wire in page["records"] if isinstance(wire, dict) and wire.get("id")]
    locator = None if page.get("done") is True else locator_of(page.get("nextRecordsUrl"), "queryLocator")
    if locator is None and page.get("done") is False:
        raise malformed(request, reply, "it is not the last page and names no next one")
    return jobs, locator


def list_jobs(request: Request) -> Flow[list[Job2Info]]:
    """All jobs of a list, page by page."""
    jobs: list[Job2Info] = []
    seen: set[str] = set()
    while True:
        reply: Reply = yield Call(request)
        page, locator = read_page(request, reply)
        jobs += page
        if locator is None:
            return jobs
        if locator in seen:
            raise malformed(request, reply, "its link to the next page leads in a circle")
        seen.add(locator)
        request = next_page(request, locator)


def locator_of(link: Any, name: str) -> str | None:
    """The locator in a link of a reply. Nothing else of a link is used, so it cannot lead a token elsewhere."""
    if not isinstance(link, str) or not link:
        return None
    try:
        values = parse_qs(urlsplit(link).query).get(name)
    except ValueError:  # no URL at all
        return None
    return values[0] if values else None


def await_end(get: Request, job: str, *, limit_seconds: float, longest_pause: float) -> Flow[Job2Info]:
    """Look at a job until it has ended, whatever its end. Past the limit: :class:`WaitTimeout`."""
    passed = 0.0
    for pause in intervals(longest_pause):
        info = yield from ask_job(get)
        if info.state in JOB2_ENDED:
            return info
        if info.state == Job2State.OPEN:
            raise UsageError(f"Job {job} is still Open: its upload was never marked complete, so it would never end.")
        if passed >= limit_seconds:
            raise WaitTimeout(
                f"Job {job} was still {info.state} after {limit_seconds:g} seconds.\n"
                "The org goes on with it; nothing is lost.\nWait again, with a longer limit.",
                job_id=job,
            )
        left = limit_seconds - passed
        passed = yield Look(min(pause, left), min(longest_pause, left))
    raise AssertionError("the intervals have no end")

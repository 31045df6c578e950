"""Bulk API 2.0, query: its requests, the readers of its pages, and its flows.

API: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Query".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..documents import whole_number
from ..errors import AnswerMalformed, ApiError, UsageError
from ..frozen import frozen
from ..records import Job2Info, QuerySpec
from ..wire import headers, paths
from ..wire.names import NO_LOCATOR, Job2State, Mime, Operation
from .jobs2 import await_end, call, dialect_fields, locator_of, read_json
from .messages import Call, Flow, LastWord, Reply, Request
from .refusals import malformed

#: What is said where links to result pages are not offered is not documented: refusals that are no passing ones.
_NO_LINKS: Final = frozenset({400, 403, 404, 405, 409, 410, 501})


def create_job(spec: QuerySpec) -> Request:
    """The call "Create a Query Job". The query is checked at once."""
    if not spec.soql.strip():
        raise UsageError("The query is empty. Nothing was sent.")
    operation = Operation.QUERY_ALL if spec.all_rows else Operation.QUERY
    document = {"operation": operation, "query": spec.soql, **dialect_fields(spec.dialect)}
    return call("query2.create_job", "POST", paths.QUERY_JOBS, document=document)


def get_job(job: str) -> Request:
    """The call "Get Information About a Query Job"."""
    return call("query2.get_job", "GET", paths.QUERY_JOB, job)


def list_jobs() -> Request:
    """The call "Get Information About All Query Jobs"."""
    return call("query2.list_jobs", "GET", paths.QUERY_JOBS)


def abort_job(job: str) -> Request:
    """The call "Abort a Query Job"."""
    return call("query2.abort_job", "PATCH", paths.QUERY_JOB, job, document={"state": Job2State.ABORTED})


def delete_job(job: str) -> Request:
    """The call "Delete a Query Job"."""
    return call("query2.delete_job", "DELETE", paths.QUERY_JOB, job)


def results(job: str, locator: str | None = None, max_records: int | None = None) -> Request:
    """The call "Get Results for a Query Job": one page; the first one without a locator."""
    params = {}
    if locator is not None:
        params["locator"] = locator
    if max_records is not None:
        params["maxRecords"] = str(max_records)
    return call("query2.results", "GET", paths.RESULTS, job, params=params, accept=Mime.CSV)


def result_pages(job: str, locator: str | None = None) -> Request:
    """The call "Get Parallel Results for a Query Job": up to five links to pages."""
    params = {} if locator is None else {"locator": locator}
    return call("query2.result_pages", "GET", paths.RESULT_PAGES, job, params=params)


# -- readers ------------------------------------------------------------------------------------------------------------


def next_locator(head: Mapping[str, str]) -> str | None:
    """The locator of the page after the one with these headers. The last page says ``null``, or nothing."""
    locator = head.get(headers.LOCATOR.lower(), "").strip()
    return None if locator in ("", NO_LOCATOR) else locator


def page_rows(head: Mapping[str, str]) -> int | None:
    """How many rows the page with these headers says it has."""
    return whole_number(head.get(headers.NUMBER_OF_RECORDS.lower(), "").strip())


@frozen
class Links:
    """Locators of result pages, and of the next group of links."""

    pages: tuple[str | None, ...]
    next_group: str | None


def read_links(request: Request, reply: Reply) -> Links:
    """Both shapes that have been seen: resultPages/resultUrl as documented, resultChunks/resultLink as observed."""
    document = read_json(request, reply)
    if not isinstance(document, dict):
        raise malformed(request, reply, "it is no list of result pages")
    entries = document.get("resultPages", document.get("resultChunks"))
    if not isinstance(entries, list):
        raise malformed(request, reply, "it lists no result pages")
    following = None
    if document.get("done") is not True:
        following = locator_of(document.get("nextRecordsUrl") or document.get("nextRecordUrl"), "locator")
        if following is None and document.get("done") is False:
            raise malformed(request, reply, "it is not the last group of links and names no next one")
    return Links(tuple(_page_locator(request, reply, entry) for entry in entries), following)


def _page_locator(request: Request, reply: Reply, entry: Any) -> str | None:
    link = (entry.get("resultUrl") or entry.get("resultLink")) if isinstance(entry, dict) else None
    if not isinstance(link, str):
        raise malformed(request, reply, "it lists a result page without a link")
    return locator_of(link, "locator")


# -- flows --------------------------------------------------------------------------------------------------------------


def leave_job(job: str) -> Flow[None]:
    """Abort a query job that is left behind before its end, if the org hears of it."""
    yield LastWord(abort_job(job))


def await_job(job: str, *, limit_seconds: float, longest_pause: float) -> Flow[Job2Info]:
    """Look at a query job until it has ended."""
    return (yield from await_end(get_job(job), job, limit_seconds=limit_seconds, longest_pause=longest_pause))


def all_links(job: str) -> Flow[list[str | None] | None]:
    """The locators of all result pages, in order; None where the org does not offer them (then go from page to page)."""
    pages: list[str | None] = []
    group: str | None = None
    seen: set[str] = set()
    while True:
        request = result_pages(job, group)
        try:
            reply: Reply = yield Call(request)
        except (ApiError, AnswerMalformed) as refused:
            # Needs API 58.0, and in some orgs a preference ("Get Parallel Results").
            if refused.status_code not in _NO_LINKS:
                raise
            return None
        links = read_links(request, reply)
        pages += links.pages
        if len(set(pages)) < len(pages):
            raise malformed(request, reply, "it lists a page twice")
        if links.next_group is None:
            return pages
        if links.next_group in seen:
            raise malformed(request, reply, "its link to the next group leads in a circle")
        seen.add(links.next_group)
        group = links.next_group

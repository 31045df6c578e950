"""Bulk API 2.0, query: the calls under ``/jobs/query``. Source: bulk-api-2.md section 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from salesforce_bulk.wire import headers, paths
from salesforce_bulk.wire.names import NO_LOCATOR, Job2State, JobType

from ..answers.rest import JobAnswer, document, not_found
from ..http.messages import Reply, Request
from ..http.routing import Call
from ..ids import to18
from .jobs import ENDED, Job2
from .query_pages import Place, header_line, read_locator, write_locator
from .query_work import QueryWorker
from .replies import created, full, short
from .requests import read_query_request, read_state
from .shelf import Shelf, refuse_change, too_old_for, whole_number

FIRST_VERSION: Final = 47.0
FIRST_VERSION_WITH_LINKS: Final = 58.0
_LISTED: Final = (JobType.V2_QUERY,)


class Query2:
    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.jobs = shelf.jobs
        self.limits = shelf.limits
        self.options = shelf.options
        self.worker = QueryWorker(shelf.store, shelf.jobs, shelf.clock, shelf.limits, shelf.options, shelf.faults)

    def calls(self) -> tuple[Call, ...]:
        return (
            ("query2.create_job", "POST", paths.QUERY_JOBS, self._create),
            ("query2.list_jobs", "GET", paths.QUERY_JOBS, self._list),
            ("query2.get_job", "GET", paths.QUERY_JOB, self._get),
            ("query2.abort_job", "PATCH", paths.QUERY_JOB, self._abort),
            ("query2.delete_job", "DELETE", paths.QUERY_JOB, self._delete),
            ("query2.results", "GET", paths.RESULTS, self._results),
            ("query2.result_pages", "GET", paths.RESULT_PAGES, self._result_pages),
        )

    def start(self) -> None:
        for job in self.jobs.all(_LISTED):
            self.worker.recover(job)

    def _find(self, request: Request, any_id: str) -> Job2:
        return self.shelf.find(any_id, JobType.V2_QUERY, request.user_id)

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _create(self, request: Request, version: str) -> Reply:
        if too_old_for(version, FIRST_VERSION):
            raise not_found()
        wanted = read_query_request(request)
        if not wanted.query.strip():
            raise JobAnswer(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
        compiled, chunkable = self.worker.compile(wanted.query, wanted.operation)
        self._check_allocations()
        now = self.shelf.clock.now().timestamp()
        job = Job2(
            id=self.jobs.new_id("750"),
            type=JobType.V2_QUERY,
            operation=wanted.operation,
            object=compiled.root.name,
            created_by=request.user_id,
            created=now,
            modified=now,
            api_version=version,
            state=Job2State.UPLOAD_COMPLETE,
            line_ending=wanted.line_ending,
            delimiter=wanted.delimiter,
            query=wanted.query,
            chunkable=chunkable,
            result=to18(self.jobs.new_id("0Ga")[:15]),
        )
        job.header = header_line(job, compiled)
        self.jobs.save(job)
        self.worker.accept(job)
        return document(created(job), pretty=request.wants_pretty())

    def _check_allocations(self) -> None:
        # Refused ones are counted as well: the number in brackets is recorded above the limit.
        self.limits.query_jobs.use()
        used, most = self.limits.query_jobs.used, self.limits.query_jobs.maximum
        if used > most:
            text = f"Max bulk v2 query jobs ({most}) per 24 hrs has been reached ({used})"
            raise JobAnswer(400, "LIMIT_EXCEEDED", text)
        if self.limits.query_storage.remaining <= 0:
            most = self.limits.query_storage.maximum
            text = f"Max bulk v2 query result size stored ({most}) kb per 24 hrs has been exceeded"
            raise JobAnswer(400, "LIMIT_EXCEEDED", text)

    def _list(self, request: Request, version: str) -> Reply:
        return self.shelf.list_jobs(request, version, _LISTED, queries=True)

    def _get(self, request: Request, version: str, job: str) -> Reply:
        with self.jobs.lock:
            return document(full(self._find(request, job)), pretty=request.wants_pretty())

    def _abort(self, request: Request, version: str, job: str) -> Reply:
        found = self._find(request, job)
        state = read_state(request)
        if state != Job2State.ABORTED:
            raise JobAnswer(400, "INVALIDJOBSTATE", f"Invalid job state: {state}")
        with self.jobs.lock:
            if found.has_ended:
                raise refuse_change("Aborting", found)
            self.shelf.change(found, state)
            return document(short(found), pretty=request.wants_pretty())

    def _delete(self, request: Request, version: str, job: str) -> Reply:
        return self.shelf.delete(self._find(request, job), ENDED)

    # --- results ------------------------------------------------------------------------------------------------------

    def _complete(self, request: Request, any_id: str, version: str) -> Job2:
        return self._checked(self._find(request, any_id), version)

    def _checked(self, job: Job2, version: str) -> Job2:
        if version != job.api_version:
            # The status is documented, the rest is not.
            text = f"The job was created with version {job.api_version}, not {version}"
            raise JobAnswer(409, "CONFLICT", text)
        if job.state != Job2State.JOB_COMPLETE:
            raise JobAnswer(400, "INVALIDJOBSTATE", f"Results are not available, the Job is {job.state}")
        return job

    def whole(self, job: Job2) -> Iterator[bytes]:
        """All pages of a result in one, for the page of the local org. Raises `JobAnswer` while there is none."""
        found = self._checked(job, job.api_version)
        rows = self.worker.spool(found).page(0, found.processed)

        def body() -> Iterator[bytes]:
            yield found.header.encode()
            yield from rows

        return body()

    def _results(self, request: Request, version: str, job: str) -> Reply:
        found = self._complete(request, job, version)
        said = request.parameters()
        place = self._place(found, said.get("locator"))
        most = self.options.page_rows
        if "maxRecords" in said:
            most = whole_number(said["maxRecords"]) or 0
            if not most:
                raise JobAnswer(400, "API_ERROR", f"maxRecords is {said['maxRecords']}, and can be 1 or more")
        end = min(place.start + most, found.processed if place.end is None else place.end)
        more = write_locator(found, Place(end, place.end if place.end != end else None))
        rows = self.worker.spool(found).page(place.start, end)

        def body() -> Iterator[bytes]:
            yield found.header.encode()
            yield from rows

        said_headers = [(headers.NUMBER_OF_RECORDS, str(end - place.start))]
        if end < found.processed:
            said_headers.insert(0, (headers.LOCATOR, more))
        elif self.options.end_locator == "null":
            said_headers.insert(0, (headers.LOCATOR, NO_LOCATOR))
        if self.options.lower_case_headers:
            said_headers = [(name.lower(), value) for name, value in said_headers]
        return Reply(200, body(), "text/csv; charset=UTF-8", said_headers)

    def _place(self, job: Job2, locator: str | None) -> Place:
        if locator is None:
            return Place(0)
        place = read_locator(job, locator)
        if place is None or place.start > job.processed or (place.end or 0) > job.processed:
            raise JobAnswer(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return place

    def _result_pages(self, request: Request, version: str, job: str) -> Reply:
        """Links to pages, a few at a time. A page got by a link never reaches into the next one."""
        if too_old_for(version, FIRST_VERSION_WITH_LINKS) or self.options.links == "missing":
            raise not_found()
        found = self._complete(request, job, version)
        start = self._place(found, request.parameters().get("locator")).start
        rows, base = self.options.page_rows, paths.RESULTS.format(version=version, job=found.id)
        starts = range(start, max(found.processed, start + 1), rows)
        links = []
        for first in starts[: self.options.links_at_once]:
            locator = write_locator(found, Place(first, min(first + rows, found.processed)))
            links.append(f"{base}?locator={locator}")
        after = starts[self.options.links_at_once :]
        more: str | None = None
        if after:
            # The guide's sample spells this path in lower case.
            path = paths.RESULT_PAGES.format(version=version, job=found.id).replace("resultPages", "resultpages")
            more = f"{path}?locator={write_locator(found, Place(after[0]))}"
        answer: dict[str, Any]
        if self.options.links == "observed":
            short_links = [link.removeprefix(paths.RESOURCES.format(version=version)) for link in links]
            answer = {"resultChunks": [{"resultLink": link} for link in short_links]}
        else:
            answer = {"resultPages": [{"resultUrl": link} for link in links]}
        return document({**answer, "nextRecordsUrl": more, "done": more is None}, pretty=request.wants_pretty())

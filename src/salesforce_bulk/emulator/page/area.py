"""The paths of the page, and who may see it.

It shows what the org holds without asking for a token. So it is shown only while the org listens on a loopback address, and
only under the name of one: a page from elsewhere, whose name was made to lead here (DNS rebinding), comes with its own name.
Other pages cannot read it, for it allows no origin; they cannot frame it; and nothing here changes anything.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from ..answers.rest import JobAnswer
from ..bulk1.jobs import Batch, Job, Jobs
from ..bulk2.ingest import Ingest2
from ..bulk2.query import Query2
from ..faults import Faults
from ..http.files import file_pieces
from ..http.messages import Reply, Request
from ..http.routing import Area, route
from ..store import Store
from .html import e
from .jobs import JobPages
from .layout import SAFETY, Page, html_reply
from .objects import ObjectPages
from .org import OrgPage

_FOLDER: Final = Path(__file__).parent
_FILES: Final = {
    "page.css": "text/css; charset=UTF-8", "page.js": "text/javascript; charset=UTF-8", "page.svg": "image/svg+xml",
}  # fmt: skip


class PageArea(Area):
    prefix = "/"
    beside = True

    def __init__(
        self,
        store: Store,
        classic: Jobs,
        ingest: Ingest2,
        query: Query2,
        faults: Faults,
        organization: str,
        is_local: Callable[[], bool],
        counts: Callable[[], Mapping[str, int]],
    ) -> None:
        """*is_local*: whether the org listens on a loopback address."""
        shelf = ingest.shelf
        self.classic = classic
        self.ingest = ingest
        self.query = query
        self.organization = organization
        self.is_local = is_local
        self.jobs = JobPages(
            classic,
            shelf.jobs,
            now=lambda: shelf.clock.now().timestamp(),
            oldest=lambda: (shelf.clock.now() - shelf.limits.retention).timestamp(),
            user=lambda id18: store.user.username if id18 == store.user.id else id18,
        )
        self.objects = ObjectPages(store)
        self.org = OrgPage(shelf.limits, faults, counts)
        self.routes = (
            route("page.jobs", "GET", "/", self._jobs),
            route("page.job", "GET", "/jobs/{job}", self._job),
            route("page.file", "GET", "/jobs/{job}/{kind}", self._file2),
            route("page.request", "GET", "/jobs/{job}/batches/{batch}/request", self._request),
            route("page.result", "GET", "/jobs/{job}/batches/{batch}/result", self._result),
            route("page.results", "GET", "/jobs/{job}/batches/{batch}/results/{result}", self._query_result),
            route("page.objects", "GET", "/objects", self._objects),
            route("page.records", "GET", "/objects/{name}", self._records),
            route("page.record", "GET", "/objects/{name}/{record}", self._record),
            route("page.org", "GET", "/org", self._org),
            *(route("page.static", "GET", f"/{name}", self._static) for name in _FILES),
        )

    # --- who may see it -----------------------------------------------------------------------------------------------

    def before(self, request: Request) -> Reply | None:
        if self.is_local() and request.target.startswith("/") and _is_loopback(request.host):
            return None
        text = (
            "This page shows all that the local org holds, and asks for no password. It is there for browsers on the machine "
            "that the org runs on, while the org listens on a loopback address, under the name localhost or 127.0.0.1.\n"
        )
        return Reply(403, text.encode(), "text/plain; charset=UTF-8", list(SAFETY))

    def not_found(self, request: Request) -> Reply:
        return Reply(404, b"", "text/html; charset=UTF-8")

    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        return Reply(405, b"", "text/html; charset=UTF-8", [("Allow", ", ".join(allowed))])

    def failed(self, request: Request, error: Exception) -> Reply:
        return Reply(
            500, b"The page could not be made. The log of the local org says why.\n", "text/plain; charset=UTF-8"
        )

    # --- pages --------------------------------------------------------------------------------------------------------

    def _shown(self, page: Page | None) -> Reply:
        if page is not None:
            return html_reply(page, self.organization)
        nothing = Page(
            "Nothing here", e("p", "There is no such job, object, record or file in this org, or no longer."), ""
        )
        return html_reply(nothing, self.organization, 404)

    def _jobs(self, request: Request) -> Reply:
        return self._shown(self.jobs.all(request.parameters()))

    def _job(self, request: Request, job: str) -> Reply:
        return self._shown(self.jobs.one(job, request.parameters()))

    def _objects(self, request: Request) -> Reply:
        return self._shown(self.objects.all(request.parameters()))

    def _records(self, request: Request, name: str) -> Reply:
        return self._shown(self.objects.records(name, parse_qsl(request.query)))

    def _record(self, request: Request, name: str, record: str) -> Reply:
        return self._shown(self.objects.record(name, record))

    def _org(self, request: Request) -> Reply:
        return self._shown(self.org.page())

    def _static(self, request: Request) -> Reply:
        name = request.path.strip("/").lower()
        return Reply(200, (_FOLDER / name).read_bytes(), _FILES[name], list(SAFETY))

    # --- downloads ----------------------------------------------------------------------------------------------------

    def _file2(self, request: Request, job: str, kind: str) -> Reply:
        """What was uploaded to a job of Bulk API 2.0, or what it made."""
        found = self.ingest.jobs.get(job)
        if found is None:
            return self._shown(None)
        try:
            if found.is_query and kind == "results":
                return _download(self.query.whole(found), f"{found.id}-results.csv")
            if not found.is_query and kind == "upload" and found.uploads:
                return _download(file_pieces(self.ingest.jobs.file(found, kind)), f"{found.id}-upload.csv")
            if not found.is_query and kind in ("successful", "failed", "unprocessed"):
                return _download(self.ingest.whole(found, kind), f"{found.id}-{kind}.csv")
        except (JobAnswer, FileNotFoundError):  # it has no results, or was deleted meanwhile
            pass
        return self._shown(None)

    def _request(self, request: Request, job: str, batch: str) -> Reply:
        return self._batch_file(job, batch, "request", self.classic.request_file)

    def _result(self, request: Request, job: str, batch: str) -> Reply:
        return self._batch_file(job, batch, "result", self.classic.result_file)

    def _query_result(self, request: Request, job: str, batch: str, result: str) -> Reply:
        def path(found: Batch) -> Path | None:
            return self.classic.query_file(result) if result in found.results else None

        return self._batch_file(job, batch, result, path)

    def _batch_file(self, job: str, batch: str, kind: str, path: Callable[[Batch], Path | None]) -> Reply:
        owner, found = self.classic.job(job), self.classic.batch(batch)
        if owner is None or found is None or found.job_id != owner.id or (file := path(found)) is None:
            return self._shown(None)
        try:
            return _download(file_pieces(file), f"{found.id}-{kind}.{_ending(owner, kind)}")
        except FileNotFoundError:  # not made yet, or the job was deleted meanwhile
            return self._shown(None)


def _ending(job: Job, kind: str) -> str:
    if kind == "request" and job.is_query:
        return "soql"
    return "zip" if kind == "request" and job.is_zip else job.row_format.lower()


def _download(pieces: Iterable[bytes], name: str) -> Reply:
    """To be kept, never to be shown: what stands in it may be made for a browser to run."""
    said = [*SAFETY, ("Content-Disposition", f'attachment; filename="{name}"')]
    return Reply(200, pieces, "application/octet-stream", said)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

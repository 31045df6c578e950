"""The list of jobs, and a page for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from salesforce_bulk.wire.names import BatchState, ContentType, Job2State

from ..bulk1.jobs import Batch, Job, Jobs
from ..bulk2.jobs import Job2, Jobs2
from . import row_errors
from .html import Child, Html, address, duration, e, facts, link, moment, table, whole
from .layout import LATER, SOON, Page, pages
from .summary import Summary, of_classic, of_job2, summaries

#: Jobs that have ended, and batches, on one page. Of open jobs as many are shown as anyone would look at.
PAGE_ROWS: Final = 50
OPEN_ROWS: Final = 200
_FILTERS: Final = (("object", "Object"), ("operation", "Operation"), ("api", "Job type"), ("state", "Status"))
_HEADS: Final = (
    "Job ID", "Object", "Operation", "Job type", "Status", "Progress", "Records processed", "Records failed", "Start time",
)  # fmt: skip
_NUMBERS: Final = (6, 7)
_TONES: Final = {
    **dict.fromkeys(("JobComplete", "Completed", "Closed"), "good"),
    **dict.fromkeys(("Failed", "Aborted", "Not Processed", "NotProcessed"), "bad"),
    **dict.fromkeys(("InProgress", "UploadComplete", "Queued"), "busy"),
}


class JobPages:
    """*now*: the org's time in seconds since 1970; *oldest*: when the jobs ended that a real org is about to forget;
    *user*: the name of a user, by id."""

    def __init__(
        self,
        classic: Jobs,
        jobs: Jobs2,
        now: Callable[[], float],
        oldest: Callable[[], float],
        user: Callable[[str], str],
    ) -> None:
        self.classic = classic
        self.jobs = jobs
        self.now = now
        self.oldest = oldest
        self.user = user

    # --- the list -----------------------------------------------------------------------------------------------------

    def all(self, said: dict[str, str]) -> Page:
        found = summaries(self.classic, self.jobs, self.oldest())
        wanted = [job for job in found if all(said.get(name) in (None, "", getattr(job, name)) for name, _ in _FILTERS)]
        running = [job for job in wanted if job.is_open]
        ended = [job for job in wanted if not job.is_open]
        last = max(1, -(-len(ended) // PAGE_ROWS))
        number = _page_number(said, last)
        shown = ended[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
        target = address("", pairs=[(name, said[name]) for name, _ in _FILTERS if said.get(name)])
        body = [
            self._filters(found, said),
            e("h2", "In progress"),
            table(
                _counted("open job", len(running), OPEN_ROWS),
                [*_HEADS, "Submitted by"],
                map(self._open_row, running[:OPEN_ROWS]),
                id="open-jobs",
                numbers=_NUMBERS,
                empty="No job is open, waits or is worked on.",
            ),
            e("h2", "Completed"),
            table(
                _counted("completed job", len(ended)),
                [*_HEADS, "End time", "Time to complete", "Submitted by"],
                map(self._ended_row, shown),
                id="ended-jobs",
                numbers=(*_NUMBERS, 10),
                empty="No job has ended in the last seven days.",
            ),
            pages(number, last, f"{target}{'&' if '?' in target else '?'}page="),
        ]
        failed = sum(job.state == Job2State.FAILED for job in ended)
        status = f"{len(running)} in progress, {len(ended)} completed, {failed} of them failed."
        return Page("Bulk data load jobs", body, "Jobs", status, SOON if running else LATER)

    def _filters(self, found: Sequence[Summary], said: dict[str, str]) -> Html:
        def choice(name: str, label: str) -> Html:
            values = sorted({str(getattr(job, name)) for job in found} | ({said[name]} if said.get(name) else set()))
            options = [e("option", value, value=value, selected=said.get(name) == value) for value in values]
            return e(
                "div",
                e("label", label, for_=f"filter-{name}"),
                e("select", e("option", "All", value=""), options, name=name, id=f"filter-{name}"),
            )

        return e(
            "form",
            [choice(name, label) for name, label in _FILTERS],
            e("div", e("button", "Filter", type="submit"), " ", link("Show all", "/")),
            method="get",
            action="/",
            class_="filters",
            role="search",
            aria_label="Filter jobs",
        )

    def _row(self, job: Summary) -> list[Child]:
        return [
            link(job.id, address("jobs", job.id), id=f"job-{job.id}"),
            job.object,
            job.operation,
            job.api,
            tone(job.state),
            bar(job.progress, job.id),
            whole(job.processed),
            whole(job.failed),
            moment(job.created),
        ]

    def _open_row(self, job: Summary) -> list[Child]:
        return [*self._row(job), self.user(job.created_by)]

    def _ended_row(self, job: Summary) -> list[Child]:
        took = duration(job.ended - job.created) if job.ended is not None else "–"
        return [*self._row(job), moment(job.ended), took, self.user(job.created_by)]

    # --- one ----------------------------------------------------------------------------------------------------------

    def one(self, any_id: str, said: dict[str, str]) -> Page | None:
        """None when there is no such job."""
        classic, job2 = self.classic.job(any_id), self.jobs.get(any_id)
        if classic is not None:
            batches = self.classic.batches(classic)
            return self._page(
                of_classic(classic, batches),
                _classic_facts(classic, batches),
                [self._batches(classic, batches, said), _errors(row_errors.of_classic(self.classic, classic, batches))],
            )
        if job2 is not None:
            return self._page(
                of_job2(job2, self.jobs),
                _job2_facts(job2),
                [self._files(job2), _errors(row_errors.of_job2(self.jobs, job2))],
            )
        return None

    def _page(self, job: Summary, more: Iterable[tuple[Child, Child]], below: Child) -> Page:
        took = duration((job.ended if job.ended is not None else self.now()) - job.created)
        pairs: list[tuple[Child, Child]] = [
            ("Job ID", job.id),
            ("Job type", job.api),
            ("Object", link(job.object, address("objects", job.object))),
            ("Operation", job.operation),
            ("Status", tone(job.state)),
            ("Progress", bar(job.progress, job.id)),
            ("Records processed", whole(job.processed)),
            ("Records failed", whole(job.failed)),
            ("Submitted by", self.user(job.created_by)),
            ("Start time", moment(job.created)),
            ("End time", moment(job.ended) if job.ended is not None else None),
            ("Time to complete" if job.ended is not None else "Time so far", took),
            *more,
        ]
        status = f"{job.state}: {whole(job.processed)} records processed, {whole(job.failed)} failed."
        body = [e("h2", "Details"), facts(pairs), below]
        return Page(f"Job {job.id}", body, "Jobs", status, SOON if job.is_open else None)

    def _files(self, job: Job2) -> Html:
        def download(text: str, kind: str) -> Html:
            return e("li", link(text, address("jobs", job.id, kind), id=kind, download=True))

        ended = job.state in (Job2State.JOB_COMPLETE, Job2State.FAILED, Job2State.ABORTED)
        if job.is_query:
            found = [download("Results", "results")] if job.state == Job2State.JOB_COMPLETE else []
        else:
            found = [download("Uploaded data", "upload")] if job.uploads else []
            if ended and job.uploads:
                found += [
                    download("Successful records", "successful"),
                    download("Failed records", "failed"),
                    download("Unprocessed records", "unprocessed"),
                ]
        inner = e("ul", found) if found else e("p", "There is nothing to download yet.", class_="quiet")
        return Html(e("h2", "Downloads") + inner)

    def _batches(self, job: Job, batches: Sequence[Batch], said: dict[str, str]) -> Html:
        last = max(1, -(-len(batches) // PAGE_ROWS))
        number = _page_number(said, last)
        shown = batches[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
        heads = (
            "Batch ID", "Status", "Processed", "Failed", "Request", "Result", "Start time", "End time",
            "Processing time", "Message",
        )  # fmt: skip
        listed = table(
            _counted("batch", len(batches)),
            heads,
            (self._batch(job, batch) for batch in shown),
            id="batches",
            numbers=(2, 3, 8),
            empty="No batch was added yet.",
        )
        return Html(e("h2", "Batches") + listed + pages(number, last, f"{address('jobs', job.id)}?page="))

    def _batch(self, job: Job, batch: Batch) -> list[Child]:
        def download(text: str, *words: str) -> Html:
            label = f"{text} of batch {batch.id}"
            target = address("jobs", job.id, "batches", batch.id, *words)
            return link(text, target, id="-".join((batch.id, *words)), download=True, aria_label=label)

        results: list[Child] = []
        if job.is_query:
            for place, result in enumerate(batch.results, 1):
                results += [download(f"Result {place}", "results", result), " "]
        elif batch.state == BatchState.COMPLETED or (batch.state == BatchState.FAILED and batch.processed):
            results = [download("Result", "result")]
        has_ended = batch.state in {BatchState.COMPLETED, BatchState.FAILED, BatchState.NOT_PROCESSED}
        return [
            batch.id,
            tone(batch.state),
            whole(batch.processed),
            whole(batch.failed),
            download("Request", "request") if not batch.is_chunk else "–",
            results or "–",
            moment(batch.created),
            moment(batch.modified if has_ended else None),
            f"{whole(batch.total_ms)} ms",
            batch.message or "",
        ]


def _classic_facts(job: Job, batches: Sequence[Batch]) -> list[tuple[Child, Child]]:
    states = Counter(batch.state for batch in batches)
    return [
        ("External ID field", job.external_id),
        ("Content type", job.content_type),
        ("Concurrency mode", job.concurrency),
        ("API version", job.api_version),
        ("Assignment rule", job.assignment_rule),
        ("PK chunking", "on" if job.chunking is not None else None),
        ("Line ending", job.line_ending),
        ("Transformation spec", "uploaded" if job.spec else None),
        ("Queued batches", states[BatchState.QUEUED]),
        ("In progress batches", states[BatchState.IN_PROGRESS]),
        ("Completed batches", states[BatchState.COMPLETED]),
        ("Failed batches", states[BatchState.FAILED]),
        ("Not processed batches", states[BatchState.NOT_PROCESSED]),
        ("Retries", job.retries),
        ("Total processing time", f"{whole(sum(batch.total_ms for batch in batches))} ms"),
        ("API active processing time", f"{whole(sum(batch.api_ms for batch in batches))} ms"),
        ("Apex processing time", f"{whole(sum(batch.apex_ms for batch in batches))} ms"),
        ("Last change", moment(job.modified)),
    ]


def _job2_facts(job: Job2) -> list[tuple[Child, Child]]:
    return [
        ("Error", job.message),
        ("Query", e("code", job.query) if job.query else None),
        ("External ID field", job.external_id),
        ("Content type", ContentType.CSV),
        ("Concurrency mode", "Parallel"),
        ("API version", job.api_version),
        ("Column delimiter", job.delimiter),
        ("Line ending", job.line_ending),
        ("Assignment rule", job.assignment_rule),
        ("Uploads", None if job.is_query else job.uploads),
        ("Total processing time", f"{whole(job.total_ms)} ms"),
        ("API active processing time", None if job.is_query else f"{whole(job.api_ms)} ms"),
        ("Apex processing time", None if job.is_query else "0 ms"),
        ("Last change", moment(job.modified)),
    ]


def _errors(counted: Counter[str]) -> Html:
    if not counted:
        return Html("")
    seen = counted.total()
    about = f"the first {whole(seen)}" if seen == row_errors.MOST_ROWS else whole(seen)
    listed = table(
        f"Of {about} failed records", ("Error", "Records"), ([text, whole(n)] for text, n in counted.most_common(50)),
        id="errors", numbers=(1,),
    )  # fmt: skip
    return Html(e("h2", "Errors of records") + listed)


def tone(state: str) -> Html:
    return e("span", state, class_=f"state {_TONES.get(state, 'plain')}")


def bar(progress: int | None, id: str) -> Child:
    if progress is None:
        return "–"
    shown = e("progress", f"{progress}%", value=progress, max=100, aria_label=f"Progress of job {id}")
    return [shown, " ", e("span", f"{progress}%", class_="percent")]


def _counted(what: str, number: int, most: int | None = None) -> str:
    plural = what if number == 1 else f"{what}es" if what.endswith("ch") else f"{what}s"
    of = f", of which the youngest {most} are shown" if most is not None and number > most else ""
    return f"{whole(number)} {plural}{of}"


def _page_number(said: dict[str, str], last: int) -> int:
    text = said.get("page", "")
    return min(max(int(text), 1), last) if text.isascii() and text.isdecimal() and len(text) < 10 else 1

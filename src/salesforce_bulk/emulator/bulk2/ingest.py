"""Bulk API 2.0, ingest: the calls under ``/jobs/ingest``. Source: bulk-api-2.md section 2."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from salesforce_bulk.wire import paths
from salesforce_bulk.wire.names import Job2State, JobType, Mime, Operation

from ..answers.rest import JobAnswer, document, not_found
from ..http.files import file_pieces
from ..http.messages import Reply, Request
from ..http.routing import Call
from .ingest_csv import header_of, read_records
from .ingest_results import FAILED, SUCCESSFUL, head, quoted_lines
from .ingest_work import OUT_OF_BATCHES, OUT_OF_RECORDS, UPLOAD, WRONG_LINE_END, IngestWorker
from .jobs import Job2
from .replies import created, full, short
from .requests import DELIMITERS, LINE_ENDS, read_ingest_request, read_state
from .shelf import Shelf, refuse_change, too_old_for

FIRST_VERSION: Final = 41.0
#: ``GET /jobs/ingest`` without ``jobType``: ingest jobs of 2.0, and those of 1.0.
_LISTED: Final = (JobType.V2_INGEST,)
_DELETABLE: Final = (Job2State.UPLOAD_COMPLETE, Job2State.JOB_COMPLETE, Job2State.ABORTED, Job2State.FAILED)


class Ingest2:
    def __init__(self, shelf: Shelf, may_hard_delete: Callable[[], bool]) -> None:
        self.shelf = shelf
        self.jobs = shelf.jobs
        self.limits = shelf.limits
        self.options = shelf.options
        self.may_hard_delete = may_hard_delete
        self.worker = IngestWorker(shelf.store, shelf.jobs, shelf.clock, shelf.limits, shelf.options, shelf.faults)

    def calls(self) -> tuple[Call, ...]:
        return (
            ("ingest2.create_job", "POST", paths.INGEST_JOBS, self._create),
            ("ingest2.list_jobs", "GET", paths.INGEST_JOBS, self._list),
            ("ingest2.get_job", "GET", paths.INGEST_JOB, self._get),
            # What a PATCH is for stands in its body: _change names it.
            ("ingest2.upload_complete", "PATCH", paths.INGEST_JOB, self._change),
            ("ingest2.delete_job", "DELETE", paths.INGEST_JOB, self._delete),
            ("ingest2.upload", "PUT", paths.INGEST_BATCHES, self._upload),
            ("ingest2.successful_results", "GET", paths.SUCCESSFUL_RESULTS, self._successful),
            ("ingest2.failed_results", "GET", paths.FAILED_RESULTS, self._failed),
            ("ingest2.unprocessed_records", "GET", paths.UNPROCESSED_RECORDS, self._unprocessed),
        )

    def start(self) -> None:
        for job in self.jobs.all(_LISTED):
            self.worker.recover(job)

    def _find(self, request: Request, any_id: str) -> Job2:
        return self.shelf.find(any_id, JobType.V2_INGEST, request.user_id)

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _create(self, request: Request, version: str) -> Reply:
        if too_old_for(version, FIRST_VERSION):
            raise not_found()
        wanted = read_ingest_request(request, self.limits)
        sobject = self.shelf.store.schema.object(wanted.object)
        if sobject is None:
            raise JobAnswer(400, "INVALIDJOB", f"Unable to find object: {wanted.object}")
        if not sobject.bulk:
            raise JobAnswer(400, "INVALIDENTITY", f"Entity '{sobject.name}' is not supported by the Bulk API.")
        if wanted.operation == Operation.HARD_DELETE and not self.may_hard_delete():
            raise JobAnswer(
                400,
                "FEATURENOTENABLED",
                "hardDelete operation requires special user profile permission, please contact your system administrator",
            )
        if wanted.data is not None:
            self._check_allocations()
        now = self.shelf.clock.now().timestamp()
        job = Job2(
            id=self.jobs.new_id("750"),
            type=JobType.V2_INGEST,
            operation=wanted.operation,
            object=sobject.name,
            created_by=request.user_id,
            created=now,
            modified=now,
            api_version=version,
            state=Job2State.OPEN,
            external_id=wanted.external_id,
            assignment_rule=wanted.assignment_rule,
            line_ending=wanted.line_ending,
            delimiter=wanted.delimiter,
        )
        if wanted.data is not None:
            job.uploads = 1
            job.state = Job2State.UPLOAD_COMPLETE
            self.jobs.file(job, UPLOAD).write_bytes(wanted.data)
        self.jobs.save(job)
        if wanted.data is not None:
            self.worker.accept(job)
        return document(created(job), pretty=request.wants_pretty())

    def _list(self, request: Request, version: str) -> Reply:
        return self.shelf.list_jobs(request, version, _LISTED, queries=False)

    def _get(self, request: Request, version: str, job: str) -> Reply:
        with self.jobs.lock:
            return document(full(self._find(request, job)), pretty=request.wants_pretty())

    def _delete(self, request: Request, version: str, job: str) -> Reply:
        return self.shelf.delete(self._find(request, job), _DELETABLE)

    def _change(self, request: Request, version: str, job: str) -> Reply:
        found = self._find(request, job)
        state = read_state(request)
        if state == Job2State.ABORTED:
            request.operation = "ingest2.abort_job"
            with self.jobs.lock:
                if found.has_ended:
                    raise refuse_change("Aborting", found)
                self.shelf.change(found, state)
            self.worker.settle(found)
        elif state == Job2State.UPLOAD_COMPLETE:
            with self.jobs.lock:
                self._check_closing(found)
                self.shelf.change(found, state)
            self.worker.accept(found)
        else:
            raise JobAnswer(400, "INVALIDJOBSTATE", f"Invalid job state: {state}")
        with self.jobs.lock:
            return document(short(found), pretty=request.wants_pretty())

    def _check_closing(self, job: Job2) -> None:
        if job.state != Job2State.OPEN:
            raise refuse_change("Closing", job)
        if not job.uploads:
            raise JobAnswer(400, "INVALIDJOBSTATE", "Closing a Job without data not allowed")
        self._check_age(job)
        if job.uploads > 1:
            # As received, with its spelling and the 15-character id.
            raise JobAnswer(
                400,
                "INVALIDJOB",
                f"Found multipe contents for job: <{job.id[:15]}>, please 'Close' / 'Abort' / 'Delete' the current Job "
                "then create a new Job and make sure you only do 'PUT' once on a given Job.",
            )

    def _check_age(self, job: Job2) -> None:
        if self.shelf.age(job) > self.limits.job_open.total_seconds():
            raise JobAnswer(400, "INVALIDJOBSTATE", "The Job is older than 24 hours")

    def _check_allocations(self) -> None:
        if self.limits.bulk_batches.remaining <= 0:
            raise JobAnswer(400, "EXCEEDEDQUOTA", OUT_OF_BATCHES)
        if self.limits.bulk_records.remaining <= 0:
            raise JobAnswer(400, "EXCEEDEDQUOTA", OUT_OF_RECORDS)

    # --- data in ------------------------------------------------------------------------------------------------------

    def _upload(self, request: Request, version: str, job: str) -> Reply:
        found = self._find(request, job)
        if request.mime() != Mime.CSV:
            raise JobAnswer(
                415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {request.header('content-type')} is not supported"
            )
        if request.body.damaged:
            raise JobAnswer(400, "CLIENTINPUTERROR", "Failed to read request. Not in GZIP format")
        if request.body.exceeded or request.body.size > self.limits.upload_bytes:
            text = f"Failed to read request. Exceeded max size limit of {self.limits.upload_bytes}"
            raise JobAnswer(400, "CLIENTINPUTERROR", text)
        with self.jobs.lock:
            if found.state != Job2State.OPEN:
                raise refuse_change("Uploading to", found)
            self._check_age(found)
            self._check_allocations()
            if found.uploads and self.options.second_upload == "at_upload":
                raise JobAnswer(400, "INVALIDJOB", "Found multiple contents for job")
            with self.jobs.file(found, UPLOAD).open("wb") as kept:
                shutil.copyfileobj(request.body.open(), kept)
            found.uploads += 1
            self.jobs.save(found)
        return Reply(201)

    # --- results out --------------------------------------------------------------------------------------------------

    def _successful(self, request: Request, version: str, job: str) -> Reply:
        return self._result(self._find(request, job), SUCCESSFUL)

    def _failed(self, request: Request, version: str, job: str) -> Reply:
        return self._result(self._find(request, job), FAILED)

    def _unprocessed(self, request: Request, version: str, job: str) -> Reply:
        return self._result(self._find(request, job), "unprocessed")

    def whole(self, job: Job2, kind: str) -> Iterable[bytes]:
        """The bytes of a result, for the page of the local org. Raises `JobAnswer` while there is none."""
        body = self._result(job, kind).body
        return [body] if isinstance(body, bytes) else body

    def _result(self, job: Job2, kind: str) -> Reply:
        # The rows that an aborted job wrote are a matter of dispute: the guide says no, clients have seen them.
        aborted = job.state == Job2State.ABORTED and (kind == "unprocessed" or self.options.aborted_has_results)
        if not aborted and job.state not in (Job2State.JOB_COMPLETE, Job2State.FAILED):
            raise JobAnswer(400, "INVALIDJOBSTATE", f"Results are not available, the Job is {job.state}")
        header = self._header(job)
        path = self.jobs.file(job, kind)
        if kind == "unprocessed":
            rows = self._unprocessed_rows(job)
        else:
            rows = file_pieces(path) if path.exists() else iter(())

        def body() -> Iterator[bytes]:
            yield head(job, kind, header).encode("utf-8", "replace")
            yield from rows

        # Recorded without a charset; it is UTF-8.
        return Reply(200, body(), Mime.CSV)

    def _header(self, job: Job2) -> str:
        path = self.jobs.file(job, UPLOAD)
        if not path.exists():
            return ""
        with path.open("rb") as source:
            return header_of(source, self._line_end(job))

    def _line_end(self, job: Job2) -> str:
        """How the lines of the upload end: of a job that failed for it, as its first line does."""
        said = LINE_ENDS[job.line_ending]
        if job.message == WRONG_LINE_END.format(job.line_ending):
            with self.jobs.file(job, UPLOAD).open("rb") as source:
                first = source.readline(self.limits.header_characters)
            return "\r\n" if first.endswith(b"\r\n") else "\n"
        return said

    def _unprocessed_rows(self, job: Job2) -> Iterator[bytes]:
        """The rows that were never tried: read again from the upload."""
        path = self.jobs.file(job, UPLOAD)
        if not path.exists() or job.state == Job2State.JOB_COMPLETE:
            return
        skip, width = job.processed, 0
        with path.open("rb") as source:
            for stretch in read_records(source, DELIMITERS[job.delimiter], self._line_end(job), self.limits):
                records = [cells for cells, _ in stretch]
                if not width and records:
                    width = len(records.pop(0))
                rows = [[*cells[:width], *[""] * (width - len(cells))] for cells in records[skip:]]
                skip = max(0, skip - len(records))
                yield "".join(quoted_lines(rows, job)).encode("utf-8", "replace")

"""Bulk API 1.0: the calls under ``/services/async``. Source: bulk-api-1.md sections 1 to 3."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from salesforce_bulk.wire import headers, paths
from salesforce_bulk.wire.names import BatchState, ContentType, ExceptionCode, JobState, Mime, Operation

from ..answers.bulk1 import Refused, error_reply, is_json
from ..clock import Clock
from ..faults import Faults
from ..http.files import file_pieces
from ..http.messages import Reply, Request
from ..http.routing import Area, route
from ..limits import Limits
from ..login.sessions import Sessions
from ..store import Store
from .jobs import Batch, Job, Jobs
from .pk_chunking import read_chunking
from .replies import batch_list_reply, batch_reply, job_reply, result_list_reply
from .requests import read_job_request, read_new_state
from .rows import BatchFault
from .spec import read_spec
from .work import Worker
from .xsd import ASYNC_API_XSD

FIRST_VERSION: Final = 31.0
LATEST_VERSION: Final = 68.0
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9])?")

BATCH_MIMES: Final = {
    ContentType.CSV: Mime.CSV,
    ContentType.XML: Mime.XML,
    ContentType.JSON: Mime.JSON,
    ContentType.ZIP_CSV: Mime.ZIP_CSV,
    ContentType.ZIP_XML: Mime.ZIP_XML,
    ContentType.ZIP_JSON: Mime.ZIP_JSON,
}


@dataclass
class Permissions:
    """What the user and the org may do."""

    #: "API Enabled": without it, no API but the login takes a session.
    api: bool = True
    hard_delete: bool = True
    #: "Manage Data Integrations": to abort the jobs of others.
    manage_data_integrations: bool = False
    bulk_query: bool = True
    bulk_api: bool = True
    #: Undocumented whether ``Authorization: Bearer`` alone works here (U1): refused unless switched on.
    bearer: bool = False


Call = Callable[..., Reply]


class Bulk1Area(Area):
    prefix = "/services/async"

    def __init__(
        self, store: Store, sessions: Sessions, jobs: Jobs, clock: Clock, limits: Limits, faults: Faults
    ) -> None:
        self.store = store
        self.sessions = sessions
        self.jobs = jobs
        self.clock = clock
        self.limits = limits
        self.permissions = Permissions()
        self.worker = Worker(store, jobs, clock, limits, faults)
        self.routes = (
            route("bulk1.create_job", "POST", paths.JOBS, self._call(self._create)),
            route("bulk1.get_job", "GET", paths.JOB, self._call(self._get_job)),
            route("bulk1.update_job", "POST", paths.JOB, self._call(self._update)),
            route("bulk1.add_batch", "POST", paths.BATCHES, self._call(self._add_batch)),
            route("bulk1.list_batches", "GET", paths.BATCHES, self._call(self._list_batches)),
            route("bulk1.get_batch", "GET", paths.BATCH, self._call(self._get_batch)),
            route("bulk1.batch_request", "GET", paths.BATCH_REQUEST, self._call(self._batch_request)),
            route("bulk1.batch_result", "GET", paths.BATCH_RESULT, self._call(self._batch_result)),
            route("bulk1.query_result", "GET", paths.QUERY_RESULT, self._call(self._query_result)),
            route("bulk1.upload_spec", "POST", paths.SPEC, self._call(self._upload_spec)),
            route("bulk1.schema", "GET", paths.SCHEMA, self._call(self._schema)),
        )

    # --- common to all calls ------------------------------------------------------------------------------------------

    def _call(self, perform: Call) -> Call:
        """What every call has in common: the session, the version, the job if there is one, and the manner of refusal."""

        def handler(request: Request, version: str, job: str | None = None, **names: str) -> Reply:
            as_json = is_json(request)
            self.limits.api_requests.use()
            try:
                if request.body.unknown_encoding:
                    raise Refused(ExceptionCode.CLIENT_INPUT_ERROR, "Content-Encoding is not gzip", 415)
                if request.body.damaged:
                    raise Refused(ExceptionCode.CLIENT_INPUT_ERROR, "Failed to read request. Not in GZIP format")
                self._check_session(request)
                checked = _checked_version(version)
                if not (self.permissions.api and self.permissions.bulk_api):
                    raise Refused(ExceptionCode.FEATURE_NOT_ENABLED, "Async API not enabled")
                if job is None:
                    return perform(request, checked)
                found = self._find_job(job)
                as_json = found.is_json
                if found.api_version != checked:
                    raise Refused(
                        ExceptionCode.INVALID_VERSION,
                        f"The job was created with version {found.api_version}, not {checked}",
                    )
                self._check_user(request, found)
                if "batch" in names:
                    return perform(request, found, self._find_batch(found, names.pop("batch")), **names)
                return perform(request, found, **names)
            except Refused as refused:
                return error_reply(refused, as_json=as_json, pretty=request.wants_pretty())

        return handler

    def not_found(self, request: Request) -> Reply:
        words = [word for word in request.path.split("/") if word][3:]
        found = words[0] if words else ""
        if found != "job":
            refused = Refused(ExceptionCode.INVALID_URL, f"Failed to parse URL. Was expecting 'job' but found:{found}")
        else:
            refused = Refused(ExceptionCode.INVALID_URL, f"Failed to parse URL. Not expecting:{'/'.join(words[2:])}")
        return error_reply(refused, as_json=is_json(request))

    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        return Reply(405, b"", Mime.XML, [("Allow", ", ".join(allowed))])

    def failed(self, request: Request, error: Exception) -> Reply:
        refused = Refused(ExceptionCode.INTERNAL_SERVER_ERROR, "An unexpected error occurred", 500)
        return error_reply(refused, as_json=is_json(request))

    def _check_session(self, request: Request) -> None:
        token = request.header("x-sfdc-session").strip()
        if not token and self.permissions.bearer:
            token = request.header("authorization").removeprefix("Bearer ").strip()
        if not token:
            raise Refused(ExceptionCode.INVALID_SESSION_ID, "Unable to find session id")
        session = self.sessions.find(token)
        if session is None:
            raise Refused(ExceptionCode.INVALID_SESSION_ID, "Invalid session id")
        request.user_id = session.user_id

    def _check_user(self, request: Request, job: Job) -> None:
        """Only who created a job may use it; others may abort it, with a permission ("Limits", "JobInfo"). The text is ours."""
        if job.created_by == request.user_id:
            return
        aborts = request.operation == "bulk1.update_job" and self.permissions.manage_data_integrations
        if not aborts or read_new_state(request) != JobState.ABORTED:
            raise Refused(ExceptionCode.INVALID_USER, f"The job was created by another user: {job.created_by}")

    def _find_job(self, any_id: str) -> Job:
        job = self.jobs.job(any_id)
        if job is not None and self._age(job.youngest) > self.limits.retention.total_seconds():
            self.jobs.remove(job)
            job = None
        if job is None:
            raise Refused(ExceptionCode.INVALID_JOB, f"Invalid job id: {any_id}")
        return job

    def _find_batch(self, job: Job, any_id: str) -> Batch:
        batch = self.jobs.batch(any_id)
        if batch is None or batch.job_id != job.id:
            raise Refused(ExceptionCode.INVALID_BATCH, f"Invalid batch id: {any_id}")
        return batch

    def _age(self, moment: float) -> float:
        return self.clock.now().timestamp() - moment

    # --- jobs ---------------------------------------------------------------------------------------------------------

    def _create(self, request: Request, version: str) -> Reply:
        wanted = read_job_request(request, version)
        sobject = self.store.schema.object(wanted.object)
        if sobject is None:
            raise Refused(ExceptionCode.INVALID_JOB, f"Unable to find object: {wanted.object}")
        if not sobject.bulk:
            raise Refused(ExceptionCode.INVALID_ENTITY, f"Entity '{sobject.name}' is not supported by the Bulk API.")
        self._check_operation(wanted.operation)
        if wanted.operation == Operation.UPSERT and not wanted.external_id:
            raise Refused(
                ExceptionCode.INVALID_JOB,
                f"External ID was blank for {sobject.name}. An External ID must be specified for upsert.",
            )
        if wanted.operation != Operation.UPSERT and wanted.external_id:
            raise Refused(ExceptionCode.INVALID_JOB, "External ID can be specified only for upsert.")
        is_query = wanted.operation in {Operation.QUERY, Operation.QUERY_ALL}
        now = self.clock.now().timestamp()
        job = Job(
            id=self.jobs.new_id("750"),
            operation=wanted.operation,
            object=sobject.name,
            created_by=request.user_id,
            created=now,
            modified=now,
            youngest=now,
            api_version=version,
            content_type=wanted.content_type,
            external_id=wanted.external_id,
            concurrency=wanted.concurrency,
            assignment_rule=wanted.assignment_rule,
            fast_path=wanted.fast_path,
            chunking=read_chunking(request.header("sforce-enable-pkchunking"), self.limits) if is_query else None,
            line_ending=request.header("sforce-line-ending").strip().upper() or None,
            disable_retry=request.header("sforce-disable-batch-retry").strip().upper() == "TRUE",
        )
        with self.jobs.lock:
            self.jobs.save(job)
        reply = job_reply(job, [], as_json=is_json(request), status=201, pretty=request.wants_pretty())
        reply.headers.append((headers.LOCATION, paths.JOB.format(version=version, job=job.id)))
        return reply

    def _check_operation(self, operation: str) -> None:
        if operation == Operation.HARD_DELETE and not self.permissions.hard_delete:
            raise Refused(
                ExceptionCode.FEATURE_NOT_ENABLED,
                "hardDelete operation requires special user profile permission, please contact your system administrator",
            )
        if operation in {Operation.QUERY, Operation.QUERY_ALL} and not self.permissions.bulk_query:
            raise Refused(
                ExceptionCode.FEATURE_NOT_ENABLED, f"{operation} operation requires the org permission BulkApiQuery"
            )

    def _get_job(self, request: Request, job: Job) -> Reply:
        with self.jobs.lock:
            return job_reply(job, self.jobs.batches(job), as_json=job.is_json, pretty=request.wants_pretty())

    def _update(self, request: Request, job: Job) -> Reply:
        state = read_new_state(request)
        with self.jobs.lock:
            if state not in {JobState.CLOSED, JobState.ABORTED}:
                raise Refused(ExceptionCode.INVALID_JOB_STATE, f"Invalid job state: {state}")
            doing = "Closing" if state == JobState.CLOSED else "Aborting"
            if job.state in {JobState.ABORTED, JobState.FAILED} or job.state == state:
                # Recorded for closing an aborted job; the others are of the same make (U3).
                raise Refused(ExceptionCode.INVALID_JOB_STATE, f"{doing} already {job.state.lower()} Job not allowed")
            job.state = state
            job.modified = self.clock.now().timestamp()
            self.jobs.save(job)
            if state == JobState.ABORTED:
                self.worker.drop_queued(job)
            # Rule 1: this answer has the form of the question, not of the job.
            return job_reply(job, self.jobs.batches(job), as_json=is_json(request), pretty=request.wants_pretty())

    # --- batches ------------------------------------------------------------------------------------------------------

    def _add_batch(self, request: Request, job: Job) -> Reply:
        # A batch that is refused because the job is closed counts against the allocation, too.
        remaining = self.limits.bulk_batches.remaining
        self.limits.bulk_batches.use()
        if job.state != JobState.OPEN:
            raise Refused(
                ExceptionCode.INVALID_JOB_STATE,
                f"Failed to create batch, since the Job is not Open. Current job state is '{job.state}'",
            )
        if self._age(job.created) > self.limits.job_open.total_seconds():
            raise Refused(
                ExceptionCode.INVALID_JOB_STATE, "Failed to create batch, since the Job is older than 24 hours"
            )
        _check_batch_type(request, job)
        if remaining <= 0:
            raise Refused(ExceptionCode.EXCEEDED_QUOTA, "ApiBatchItems Limit exceeded")
        if request.body.exceeded or request.body.size > self.limits.batch_bytes:
            raise Refused(
                ExceptionCode.CLIENT_INPUT_ERROR,
                f"Failed to read request. Exceeded max size limit of {self.limits.batch_bytes}",
            )
        if request.body.size == 0:
            raise Refused(ExceptionCode.CLIENT_INPUT_ERROR, "Unable to find any data to create batch")
        now = self.clock.now().timestamp()
        batch = Batch(
            id=self.jobs.new_id("751"),
            job_id=job.id,
            created=now,
            modified=now,
            content_type=request.header("content-type"),
        )
        with self.jobs.request_file(batch).open("wb") as kept:
            shutil.copyfileobj(request.body.open(), kept)
        with self.jobs.lock:
            job.youngest = now
            self.jobs.save(job, batch)
        reply = batch_reply(batch, as_json=job.is_json, status=201, pretty=request.wants_pretty())
        location = paths.BATCH.format(version=job.api_version, job=job.id, batch=batch.id)
        reply.headers.append((headers.LOCATION, location))
        self.worker.accept(batch)
        return reply

    def _list_batches(self, request: Request, job: Job) -> Reply:
        with self.jobs.lock:
            return batch_list_reply(self.jobs.batches(job), as_json=job.is_json, pretty=request.wants_pretty())

    def _get_batch(self, request: Request, job: Job, batch: Batch) -> Reply:
        with self.jobs.lock:
            return batch_reply(batch, as_json=job.is_json, pretty=request.wants_pretty())

    def _batch_request(self, request: Request, job: Job, batch: Batch) -> Reply:
        # Of a zip batch the zip comes back, under the type it was sent with (U13).
        mime = batch.content_type if job.is_zip else BATCH_MIMES[job.content_type]
        return Reply(200, file_pieces(self.jobs.request_file(batch)), mime)

    def _batch_result(self, request: Request, job: Job, batch: Batch) -> Reply:
        if job.is_query:
            # The list of a failed query is empty, with 200 (recorded for JSON).
            if batch.state in {BatchState.COMPLETED, BatchState.FAILED}:
                return result_list_reply(batch.results, as_json=job.is_json)
        elif batch.state == BatchState.COMPLETED or (batch.state == BatchState.FAILED and batch.processed):
            return Reply(200, file_pieces(self.jobs.result_file(batch)), BATCH_MIMES[job.row_format])
        raise Refused(ExceptionCode.INVALID_BATCH, "Records not processed")

    def _query_result(self, request: Request, job: Job, batch: Batch, result: str) -> Reply:
        if result[:15] not in batch.results:
            raise Refused(ExceptionCode.INVALID_BATCH, f"Invalid result id: {result}")
        mime = "text/csv; charset=UTF-8" if job.row_format == ContentType.CSV else BATCH_MIMES[job.row_format]
        return Reply(200, file_pieces(self.jobs.query_file(result[:15])), mime)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _upload_spec(self, request: Request, job: Job) -> Reply:
        if request.mime() != Mime.CSV:
            raise Refused(
                ExceptionCode.UNSUPPORTED_CONTENT_TYPE, f"Unsupported content type: {request.header('content-type')}"
            )
        if job.content_type != ContentType.CSV or job.is_query:
            raise Refused(ExceptionCode.INVALID_JOB, "A transformation spec is for CSV jobs only")
        text = request.body.read().decode("utf-8", "replace")
        if len(text) >= self.limits.spec_characters:
            raise Refused(
                ExceptionCode.CLIENT_INPUT_ERROR, f"The spec is not under {self.limits.spec_characters} characters"
            )
        try:
            read_spec(text, self.limits)
        except BatchFault as fault:
            raise Refused(ExceptionCode.CLIENT_INPUT_ERROR, str(fault).partition(" : ")[2]) from fault
        with self.jobs.lock:
            job.spec = text
            self.jobs.save(job)
        location = f"{paths.SPEC.format(version=job.api_version, job=job.id)}/{self.jobs.new_id('0Aj')}"
        return Reply(201, b"", "text/plain", [(headers.LOCATION, location)])

    def _schema(self, request: Request, version: str) -> Reply:
        return Reply(200, ASYNC_API_XSD.encode(), Mime.XML)


def _checked_version(text: str) -> str:
    """``66.0``, without a v. Retired ones are gone, others never were (U12)."""
    if not _VERSION.fullmatch(text):
        raise Refused(ExceptionCode.INVALID_VERSION, f"Invalid version: {text}")
    number = float(text)
    if number < FIRST_VERSION:
        raise Refused(ExceptionCode.GONE, f"API version {number} is no longer supported", 410)
    if number > LATEST_VERSION or number % 1:
        raise Refused(ExceptionCode.INVALID_VERSION, f"Invalid version: {text}")
    return str(number)


def _check_batch_type(request: Request, job: Job) -> None:
    mime = request.mime()
    expected = BATCH_MIMES[job.content_type]
    if mime == expected or (mime == "text/xml" and expected == Mime.XML):
        return
    if mime not in BATCH_MIMES.values():
        raise Refused(
            ExceptionCode.UNSUPPORTED_CONTENT_TYPE, f"Unsupported content type: {request.header('content-type')}"
        )
    # U10: a known type that is not the job's.
    raise Refused(
        ExceptionCode.INVALID_BATCH, f"The batch is {mime}, and the content type of the job is {job.content_type}"
    )

"""The front door: ``connect()`` opens an org, whose verbs load and query whole tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import fields, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from .engine.drive import Clock, Driver, Fetched, Traffic
from .errors import AnswerMalformed, ApiError, LimitReached, UsageError
from .logins import Login
from .opening.access import LoginHost, SessionAccess
from .opening.targets import login_for
from .options import DEFAULT_OPTIONS, JOB_SECONDS, LONGEST_POLL_SECONDS, LoadOptions, TransportOptions
from .protocol import ingest2, jobs2, query2, rest
from .protocol.messages import Flow, Reply, Request
from .session import Access, checked_version
from .transport.base import Transport
from .wire.names import Operation

if TYPE_CHECKING:
    from .check import CheckReport
    from .data.source import Nulls
    from .records import Job2Info, PkChunking
    from .results import IngestResult, QueryResult
    from .verbs.jobs import Job
    from .verbs.reading import Api, Types
    from .verbs.runs import Run
    from .verbs.setting import Setting

Progress = Callable[[Mapping[str, Any]], Any] | None

T = TypeVar("T")

#: There is no such object, its describe may not be seen, or there are no describes.
_NOT_SHOWN: Final = (400, 403, 404, 405, 501)


class Org:
    """An org that requests can be made of. A context manager; safe to share between threads."""

    def __init__(self, access: Access, driver: Driver) -> None:
        self._access = access
        self._driver = driver
        self._described: dict[str, dict[str, Any]] = {}

    def perform(self, flow: Flow[T]) -> T:
        """Run a flow of ``salesforce_bulk.protocol`` and return its result."""
        return self._driver.perform(flow)

    def call(self, request: Request) -> Reply:
        """Make one request and read its whole answer."""
        return self._driver.call(request)

    def stream(self, request: Request) -> Iterator[bytes]:
        """Make one GET request; its body in pieces, in constant memory. Breaking off costs a re-fetch, not the rows."""
        return self._driver.stream(request)

    def fetch(self, request: Request) -> Fetched:
        """Make one GET request and read the head of its answer; the body as by :meth:`stream`."""
        return self._driver.fetch(request)

    def pausing(self, by: Callable[[Callable[[float], None]], Callable[[float], None]]) -> Org:
        """The same org, whose pauses *by* makes of its own: so that somebody who waits can be woken."""
        other = copy(self)
        other._driver = replace(self._driver, clock=replace(self._driver.clock, sleep=by(self._driver.clock.sleep)))
        return other

    # -- verbs --------------------------------------------------------------------------------------------------------

    def query(
        self,
        soql: str,
        *,
        deleted: bool = False,
        types: Types = "describe",
        api: Api = "auto",
        page_rows: int | None = None,
        pk_chunking: PkChunking | None = None,
        keep: bool = False,
        job_seconds: float = JOB_SECONDS,
        run_seconds: float | None = None,
        longest_poll_seconds: float = LONGEST_POLL_SECONDS,
    ) -> QueryResult:
        """Run a query; its rows are read from the result when they are asked for.

        Args:
            soql: The query. Rows keep the order in which the org gives them.
            deleted: Deleted and archived records, too.
            types: ``"describe"`` types the columns as the org describes them; ``"text"`` gives text as sent.
            api: ``"bulk2"``, ``"bulk1"`` or ``"rest"``. ``"auto"`` takes Bulk API 2.0, and REST for what no bulk query takes:
                aggregate functions, GROUP BY, OFFSET, TYPEOF, FIELDS(ALL), compound fields; the receipt says why. By REST,
                ``COUNT()`` is one row, a compound field is its JSON, and a query inside the select list is refused.
            page_rows: Rows that the org should put in a page; by default it says itself how it cuts the result. REST takes
                200 to 2,000.
            pk_chunking: Let the org cut the query into ranges of ids (Bulk API 1.0).
            keep: Keep each page in a run folder as it is read, with a journal: when the program dies, or the result breaks off,
                ``sf.resume_query(run_id)`` goes on with the same job and fetches only the pages that are missing. The id is
                ``receipt["run_id"]``, ``error.run_id``, or in :meth:`runs`. Takes room on the disk, for 30 days after its end.
            job_seconds: How long to wait for the job, which goes on without us then: ``sf.job(error.job_id)``.
            run_seconds: How long the whole verb may take until there is a result to read. When it is up, or when the verb is
                broken off (Ctrl-C, an error), the job is aborted: nobody would read what it finds.
            longest_poll_seconds: Looks at the job come at least this often.

        Raises:
            UsageError: The call cannot be right; nothing was sent.
            ApiError: The org refused the query.
            JobFailed: The org gave up on the job.
            WaitTimeout: The job goes on without us, or was aborted: the error says which.

        API: Bulk API 2.0 guide, "Create a Query Job".
        """
        from .verbs.reading import query

        return query(
            self._setting(),
            soql,
            deleted=deleted,
            types=types,
            api=api,
            page_rows=page_rows,
            pk_chunking=pk_chunking,
            keep=keep,
            job_seconds=job_seconds,
            run_seconds=run_seconds,
            longest_poll_seconds=longest_poll_seconds,
        )

    def insert(
        self, sobject: str, rows: Any, *, nulls: Nulls = "ignore", on_progress: Progress = None, **options: Any
    ) -> IngestResult:
        """Make a record of every row. See :meth:`upsert` for the arguments that all loads share."""
        return self._write(Operation.INSERT, sobject, rows, None, nulls, on_progress, options)

    def update(
        self, sobject: str, rows: Any, *, nulls: Nulls = "ignore", on_progress: Progress = None, **options: Any
    ) -> IngestResult:
        """Change the records that the column ``Id`` names. See :meth:`upsert`."""
        return self._write(Operation.UPDATE, sobject, rows, None, nulls, on_progress, options)

    def upsert(
        self,
        sobject: str,
        rows: Any,
        *,
        external_id: str,
        nulls: Nulls = "ignore",
        on_progress: Progress = None,
        **options: Any,
    ) -> IngestResult:
        """Insert or update records, matched on an external id field. Returns when every row has an outcome.

        Streams: memory stays near a few blocks of each part under way, however many rows; parts wait on disk.

        Args:
            sobject: API name of the object.
            rows: Dicts (a list, a generator), a path to CSV, JSON lines, Parquet or Arrow (``.gz`` too), an Arrow stream or
                a data frame. Columns are field API names; related records by external id: ``Account.Key__c``.
            external_id: API name of the external id field; every row has a value in it.
            nulls: ``"ignore"`` leaves the field of a missing value as it is; ``"clear"`` empties it.
            on_progress: Called with counts when a part has ended.
            options: Fields of :class:`.options.LoadOptions`: ``api`` (``"auto"``, ``"bulk2"``, ``"bulk1"``, ``"rest"``),
                ``retries`` (for rows that the org refused for a passing reason), ``part_rows``, ``part_bytes``,
                ``parallel_jobs``, ``serial``, ``assignment_rule_id``, ``rename`` (columns of the input: old name -> new one),
                ``job_seconds`` (for one job), ``run_seconds`` (for the whole verb), ``longest_poll_seconds``.

        Returns:
            One outcome a row, in the order of *rows*. A refused record is a result, not an exception:
            ``raise_for_failures()``.

        Raises:
            UsageError: The call cannot be right; nothing was sent.
            JobFailed: The org gave up on a part; ``.result`` says what was applied.
            WaitTimeout: A job goes on without us, or the time of the verb is up.
            ReconciliationError: What the org answered does not add up.

        Each error of a run that has begun has its ``run_id``: ``sf.resume(error.run_id)`` goes on with it.

        API: Bulk API 2.0 guide, "Create a Job".
        """
        return self._write(Operation.UPSERT, sobject, rows, external_id, nulls, on_progress, options)

    def delete(self, sobject: str, rows: Any, *, on_progress: Progress = None, **options: Any) -> IngestResult:
        """Delete the records that the column ``Id`` names, into the recycle bin. Other columns stay here."""
        return self._write(Operation.DELETE, sobject, rows, None, "ignore", on_progress, options)

    def hard_delete(self, sobject: str, rows: Any, *, on_progress: Progress = None, **options: Any) -> IngestResult:
        """Delete past the recycle bin. The user needs the permission "Bulk API Hard Delete"."""
        return self._write(Operation.HARD_DELETE, sobject, rows, None, "ignore", on_progress, options)

    def resume(
        self, run_id: str, rows: Any = None, *, on_progress: Progress = None, run_seconds: float | None = None
    ) -> IngestResult:
        """Go on with a load that broke off, wherever it did: no row is lost, and no record is made twice.

        A run that has ended gives its result again.

        Args:
            run_id: Its id, from the error, ``result.run_id`` or :meth:`runs`.
            rows: All rows again, from the first. Only needed where they came from this program and not all of them had been
                read; those that were are compared and not sent again.
            on_progress: As for a load.
            run_seconds: How long this resume may take. That of the load held for the load.

        Returns:
            What the load would have returned; ``receipt["resumed"]`` counts the resumes.

        Raises:
            JournalLocked: Another process is at work on the run.
            SourceChanged: The file, or *rows*, are not those of the run. Nothing more was sent.
            ResultsExpired: The org has forgotten a job whose outcomes are not known here.
            AnswerLost: REST was asked for, and nobody can tell whether rows were made; all else has been done.
            JournalError: There is no such run, it is for another org, or rows were never read.
        """
        from .verbs.resuming import resume

        return resume(self._setting(), run_id, rows, on_progress, run_seconds)

    def resume_query(self, run_id: str, *, types: Types = "describe") -> QueryResult:
        """Go on with a query that was begun with ``keep``: the same job, the same rows.

        Args:
            run_id: Its id.
            types: As for :meth:`query`.

        Raises:
            JournalLocked: Another process reads it, or another reader in this one.
            ResultsExpired: The org has forgotten the job: it keeps results for seven days. Pages that are here are not all.
            JournalError: There is no such run, or it is for another org.
        """
        from .verbs.reading import resume_query

        return resume_query(self._setting(), run_id, types)

    def runs(self) -> list[Run]:
        """The loads, and the queries that keep their pages, of this machine's folder of runs, the oldest first, of all orgs:
        finished, unfinished and running."""
        from .verbs.runs import runs

        return runs()

    def check(
        self,
        operation: str,
        sobject: str,
        rows: Any,
        *,
        external_id: str | None = None,
        nulls: Nulls = "ignore",
        rename: Mapping[str, str] | None = None,
        show_values: bool = False,
    ) -> CheckReport:
        """What would go wrong with a load, and what it would cost. Sends no data. An iterator of rows is used up.

        Args:
            operation: ``"insert"``, ``"update"``, ``"upsert"``, ``"delete"`` or ``"hard_delete"``.
            sobject, rows, external_id, nulls, rename: As the load will have them: see :meth:`upsert`.
            show_values: Let the report quote up to three values a problem. Without it, it holds no field values.

        Returns:
            A report that can be printed. ``.ok``: nothing was found that would be refused.

        Raises:
            UsageError: The call cannot be right, or the input cannot be read at all.
        """
        from .check import check

        return check(
            operation,
            sobject,
            rows,
            external_id=external_id,
            nulls=nulls,
            rename=rename,
            show_values=show_values,
            describe_of=self._described_or_none,
            objects=self.describe,
            limits=self.limits,
        )

    def describe(self, sobject: str | None = None) -> dict[str, Any]:
        """What the org says of an object and its fields; without a name, its list of objects. Asked once."""
        key = (sobject or "").lower()
        if key not in self._described:
            request = rest.describe(sobject) if sobject else rest.objects()
            self._described[key] = self.perform(rest.ask_document(request, dict))
        return self._described[key]

    def limits(self) -> dict[str, Any]:
        """The org's limits, each with ``Max`` and ``Remaining``. They lag by minutes."""
        found: dict[str, Any] = self.perform(rest.ask_document(rest.limits(), dict))
        return found

    def jobs(self) -> list[Job2Info]:
        """The jobs of the last seven days that the org lists: ingest and query jobs, and those of Bulk API 1.0 (``job_type``
        "Classic"). Their order is not defined."""
        lists = (self.perform(jobs2.list_jobs(request)) for request in (ingest2.list_jobs(), query2.list_jobs()))
        return list({job.id: job for jobs in lists for job in jobs}.values())

    def job(self, job_id: str) -> Job:
        """A job by its id, whichever API made it: what it is, ``abort()``, ``delete()``, ``results(path, kind)``.

        Raises:
            UsageError: That is no id of a job; nothing was sent.
            ApiError: The org has no such job (``NOT_FOUND``).
        """
        from .verbs.jobs import Job

        return Job.find(self._driver, job_id)

    def _write(
        self,
        operation: str,
        sobject: str,
        rows: Any,
        external_id: str | None,
        nulls: Nulls,
        on_progress: Progress,
        options: dict[str, Any],
    ) -> IngestResult:
        known = {field.name for field in fields(LoadOptions)}
        unknown = sorted(set(options) - known)
        if unknown:
            raise UsageError(
                f"There is no option {unknown[0]!r}. Nothing was sent. There are {', '.join(sorted(known))}."
            )
        from .verbs.writing import write

        return write(
            self._setting(),
            operation,
            sobject,
            rows,
            external_id=external_id,
            nulls=nulls,
            options=LoadOptions(**options),
            on_progress=on_progress,
        )

    def _setting(self) -> Setting:
        from .verbs.setting import Setting

        # Each run counts its own traffic.
        return Setting(replace(self._driver, traffic=Traffic()), self._described_if_shown, self._organization)

    def _described_or_none(self, sobject: str) -> dict[str, Any] | None:
        try:
            return self.describe(sobject)
        except ApiError as error:
            if error.status_code == 404:
                return None
            raise

    def _described_if_shown(self, sobject: str) -> dict[str, Any] | None:
        """None, too, where the user may not see the describe: that is no reason not to read or load what they may."""
        try:
            return self.describe(sobject)
        except (ApiError, AnswerMalformed) as error:
            if error.status_code in _NOT_SHOWN and not isinstance(error, LimitReached):
                return None
            raise

    def _organization(self) -> str | None:
        session = getattr(self._access, "session", None)
        return session().organization_id if session is not None else None

    def close(self) -> None:
        """Give up the connections. The session stays valid: other programs may share it."""
        self._driver.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Org {type(self._access).__name__}>"


def _network(options: TransportOptions) -> Transport:
    # Imported when it is first needed: it is two thirds of the time that importing us would take.
    from .transport.http import HttpTransport

    return HttpTransport(options)


def open_org(
    access: Access | None,
    options: TransportOptions = DEFAULT_OPTIONS,
    *,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> Org:
    """An org by an access of one's own; by ``None``, the login hosts, which need no session."""
    access = access or LoginHost()
    return Org(access, Driver(access, transport or _network(options), options, clock or Clock()))


def connect(
    target: str | None = None,
    *,
    login: Login | None = None,
    api_version: str | None = None,
    options: TransportOptions = DEFAULT_OPTIONS,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> Org:
    """Open an org.

    ``connect("local")`` is the embedded local org, ``connect("local:DIR")`` keeps its data in DIR; ``connect("staging")`` is an
    alias of the Salesforce CLI. ``connect()`` takes what the environment names, ``SFBULK_INSTANCE_URL`` with
    ``SFBULK_ACCESS_TOKEN`` or ``SFBULK_ORG`` (any target), else the Salesforce CLI's default org.

    Args:
        target: Which org; not together with *login*. The address of an org takes its token from ``SFBULK_ACCESS_TOKEN``.
        login: How to log in: ``AccessToken``, ``ClientCredentials``, ``JwtBearer``, ``RefreshToken``, ``Password``,
            ``OAuthPassword`` or ``SalesforceCli``. The login itself happens at the first request.
        api_version: Such as ``"66.0"``. Without it (and without ``SFBULK_API_VERSION``) the newest that the org offers,
            up to the newest that this package was tested with. It stays the same as long as the org is open.
        options: Time limits and tries of one exchange.
        transport: Something else than the network, for tests.
        clock: Something else than real time, for tests.

    Raises:
        UsageError: The call cannot be right; nothing was sent.
    """
    if login is not None and target is not None:
        raise UsageError("Either a target or a login says which org to open, not both. Nothing was sent.")
    login = login or login_for(target or "", os.environ)
    if not isinstance(login, Login):
        raise UsageError(f"login takes one of the records of salesforce_bulk.logins, not {type(login).__name__}.")
    version = api_version or os.environ.get("SFBULK_API_VERSION") or None
    transport = transport or _network(options)
    host = open_org(None, options, transport=transport, clock=clock)
    access = SessionAccess(login, host.perform, checked_version(version) if version else None)
    return open_org(access, options, transport=transport, clock=clock)

"""The door: the verbs of an org, awaited."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ..client import Org, Progress, connect
from ..engine.drive import Clock
from ..errors import JobError
from ..options import DEFAULT_OPTIONS, JOB_SECONDS, LONGEST_POLL_SECONDS, TransportOptions
from ..results import IngestResult
from .crossing import runs_of
from .jobs import AsyncJob
from .results import AsyncIngestResult, AsyncQueryResult
from .threads import Threads, woken

if TYPE_CHECKING:
    from ..check import CheckReport
    from ..data.source import Nulls
    from ..logins import Login
    from ..records import Job2Info, PkChunking
    from ..transport.base import Transport
    from ..verbs.reading import Api, Types
    from ..verbs.runs import Run


class AsyncOrg:
    """The verbs of :class:`.Org`, awaited; their arguments and errors are described there. An async context manager.

    ``rows`` may also be an async generator of dicts: it is asked for the next few hundred rows when those before are used up.
    ``on_progress`` is called in the event loop. Safe to use from many coroutines of one event loop.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._threads = Threads()

    async def query(
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
    ) -> AsyncQueryResult:
        """See ``Org.query``. Cancelled, it stops to wait, and the org's job is aborted."""
        stop = threading.Event()
        org = self._org.pausing(lambda sleep: woken(sleep, stop))
        result = await self._threads.run(
            lambda: org.query(
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
            ),
            stop,
        )
        return AsyncQueryResult(result, self._threads)

    async def insert(
        self, sobject: str, rows: Any, *, nulls: Nulls = "ignore", on_progress: Progress = None, **options: Any
    ) -> AsyncIngestResult:
        """See ``Org.insert``."""
        return await self._load(self._org.insert, sobject, rows, on_progress, nulls=nulls, **options)

    async def update(
        self, sobject: str, rows: Any, *, nulls: Nulls = "ignore", on_progress: Progress = None, **options: Any
    ) -> AsyncIngestResult:
        """See ``Org.update``."""
        return await self._load(self._org.update, sobject, rows, on_progress, nulls=nulls, **options)

    async def upsert(
        self,
        sobject: str,
        rows: Any,
        *,
        external_id: str,
        nulls: Nulls = "ignore",
        on_progress: Progress = None,
        **options: Any,
    ) -> AsyncIngestResult:
        """See ``Org.upsert``."""
        return await self._load(
            self._org.upsert, sobject, rows, on_progress, external_id=external_id, nulls=nulls, **options
        )

    async def delete(
        self, sobject: str, rows: Any, *, on_progress: Progress = None, **options: Any
    ) -> AsyncIngestResult:
        """See ``Org.delete``."""
        return await self._load(self._org.delete, sobject, rows, on_progress, **options)

    async def hard_delete(
        self, sobject: str, rows: Any, *, on_progress: Progress = None, **options: Any
    ) -> AsyncIngestResult:
        """See ``Org.hard_delete``."""
        return await self._load(self._org.hard_delete, sobject, rows, on_progress, **options)

    async def resume(
        self, run_id: str, rows: Any = None, *, on_progress: Progress = None, run_seconds: float | None = None
    ) -> AsyncIngestResult:
        """See ``Org.resume``."""
        return await self._load(self._org.resume, run_id, rows, on_progress, run_seconds=run_seconds)

    async def resume_query(self, run_id: str, *, types: Types = "describe") -> AsyncQueryResult:
        """See ``Org.resume_query``."""
        stop = threading.Event()
        org = self._org.pausing(lambda sleep: woken(sleep, stop))
        result = await self._threads.run(lambda: org.resume_query(run_id, types=types), stop)
        return AsyncQueryResult(result, self._threads)

    async def runs(self) -> list[Run]:
        """See ``Org.runs``."""
        return await self._threads.run(self._org.runs)

    async def check(
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
        """See ``Org.check``."""
        stop = threading.Event()
        given, own = _given(rows, stop)
        try:
            return await self._threads.run(
                lambda: self._org.check(
                    operation,
                    sobject,
                    given,
                    external_id=external_id,
                    nulls=nulls,
                    rename=rename,
                    show_values=show_values,
                ),
                own=own,
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    async def describe(self, sobject: str | None = None) -> dict[str, Any]:
        """See ``Org.describe``."""
        return await self._threads.run(lambda: self._org.describe(sobject))

    async def limits(self) -> dict[str, Any]:
        """See ``Org.limits``."""
        return await self._threads.run(self._org.limits)

    async def job(self, job_id: str) -> AsyncJob:
        """See ``Org.job``."""
        return AsyncJob(await self._threads.run(lambda: self._org.job(job_id)), self._threads)

    async def jobs(self) -> list[Job2Info]:
        """See ``Org.jobs``."""
        return await self._threads.run(self._org.jobs)

    async def _load(
        self, verb: Callable[..., IngestResult], sobject: str, rows: Any, on_progress: Progress, **options: Any
    ) -> AsyncIngestResult:
        stop = threading.Event()
        given, own = _given(rows, stop)
        told = _told(on_progress)
        try:
            result = await self._threads.run(lambda: verb(sobject, given, on_progress=told, **options), own=own)
        except asyncio.CancelledError:
            stop.set()  # ends the source if it is the event loop's; a load goes on: see the head of the package
            raise
        except JobError as error:
            if isinstance(error.result, IngestResult):
                error.result = AsyncIngestResult(error.result, self._threads)
            raise
        return AsyncIngestResult(result, self._threads)

    async def close(self) -> None:
        """Wait for what is under way, loads whose await was cancelled among it, and give up the connections."""
        await self._threads.close()
        self._org.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._org).replace("<", "<Async", 1)


def _given(rows: Any, stop: threading.Event) -> tuple[Any, bool]:
    """*rows* for a worker thread, and whether reading them takes the event loop."""
    if isinstance(rows, AsyncQueryResult):
        return rows._result, False
    if hasattr(rows, "__aiter__"):
        return runs_of(rows, asyncio.get_running_loop(), stop), True
    return rows, False


def _told(on_progress: Progress) -> Progress:
    if on_progress is None:
        return None
    loop = asyncio.get_running_loop()

    def tell(counts: Mapping[str, Any]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(on_progress, counts)

    return tell


def connect_async(
    target: str | None = None,
    *,
    login: Login | None = None,
    api_version: str | None = None,
    options: TransportOptions = DEFAULT_OPTIONS,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> AsyncOrg:
    """Open an org for asyncio: ``async with connect_async("staging") as sf``. See ``connect``: no request is made yet."""
    return AsyncOrg(
        connect(target, login=login, api_version=api_version, options=options, transport=transport, clock=clock)
    )

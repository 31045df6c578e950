"""The front door for asyncio: the verbs of ``Org``, awaited.

A verb is a few small requests for each hundred megabytes, and work for the processor and the disk: each runs in a worker
thread as it is, and the event loop only waits for it (docs/decisions/0007-async.md). Rows cross over in runs of a few hundred.
No rule about orgs, jobs or rows stands here.

**Cancellation.** A read that is cancelled stops at its next piece, closes its connections, and removes its file; the cancelled
``await`` returns when it has. A load that is cancelled goes on to its end in its thread, for what the org has taken cannot be
taken back, and its receipt is in the run folder; leaving ``async with`` waits for it. With rows from an async generator it ends
early instead, as it does when the generator raises: what was sent stays sent, and no more rows are asked for. The other verbs
go on to their end. What has not begun when it is cancelled does not begin.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Literal, Self, TypeVar

from .client import Org, Progress, connect
from .engine.drive import Clock
from .errors import JobError
from .options import DEFAULT_OPTIONS, JOB_SECONDS, LONGEST_POLL_SECONDS, TransportOptions
from .results import IngestResult, QueryResult

if TYPE_CHECKING:
    from .check import CheckReport
    from .data.source import Nulls
    from .logins import Login
    from .protocol.any_job import AnyJob
    from .records import Job2Info, Outcome, PkChunking
    from .results import Only
    from .transport.base import Transport
    from .verbs.jobs import Job, Kind
    from .verbs.reading import Api, Types
    from .verbs.runs import Run

#: Rows that cross between a thread and the event loop at once: handing them over costs some 100 us, and a run of them keeps
#: the loop busy for less than a millisecond.
RUN_ROWS: Final = 500
#: Verbs and reads that are under way at once; more of them wait for their turn.
THREADS: Final = 16
#: How often a thread that waits for the event loop looks whether there still is one.
LOOK_SECONDS: Final = 0.25

T = TypeVar("T")


class _Stopped(Exception):
    """Ends a call whose await was cancelled. Nobody sees it."""


class _Threads:
    """The worker threads of an org, and what runs in them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "salesforce-bulk")
        self._running: set[Future[Any]] = set()

    def start(self, call: Callable[[], T], *, own: bool = False) -> Future[T]:
        """*own*: in a thread of its own. What waits for the event loop must not hold up what the event loop waits for."""
        if own:
            alone = ThreadPoolExecutor(1, "salesforce-bulk-alone")
            future = alone.submit(call)
            alone.shutdown(wait=False)
        else:
            future = self._pool.submit(call)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return future

    async def run(self, call: Callable[[], T], stop: threading.Event | None = None, *, own: bool = False) -> T:
        """Await *call*. Cancelled: it does not begin, or *stop* is set and its end awaited; without *stop* it runs on."""
        future = self.start(call, own=own)
        under_way = _awaitable(future)
        try:
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            if not future.cancel() and stop is not None:
                stop.set()
                await asyncio.wait({under_way})
            raise

    async def close(self) -> None:
        if running := [_awaitable(future) for future in tuple(self._running)]:
            await asyncio.wait(running)
        self._pool.shutdown(wait=False)


def _awaitable(future: Future[T]) -> asyncio.Future[T]:
    """For the event loop. What nobody awaits any more is no error of the loop's."""
    wrapped = asyncio.wrap_future(future)
    wrapped.add_done_callback(lambda done: done.cancelled() or done.exception())
    return wrapped


async def _crossing(threads: _Threads, source: Iterable[T], run_rows: int, stop: threading.Event) -> AsyncIterator[T]:
    """What *source* gives, a run at a time; the next run is made while one is used up. *source* never runs in the loop."""
    iterator = iter(source)
    one_at_a_time = threading.Lock()

    def next_run() -> list[T]:
        with one_at_a_time:
            return list(islice(iterator, run_rows))

    def end() -> None:
        with one_at_a_time:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    try:
        ahead = _awaitable(threads.start(next_run))
        # The last run may be full: only the empty one after it is the end, and there the counting is done.
        while run := await asyncio.shield(ahead):
            ahead = _awaitable(threads.start(next_run))
            for row in run:
                yield row
    finally:
        stop.set()
        # Also when the org has been closed meanwhile, and to its end also when this await is cancelled again.
        await asyncio.shield(_awaitable(threads.start(end, own=True)))


def _watched(result: QueryResult) -> tuple[QueryResult, threading.Event]:
    """The same result, which stops being read when the event is set."""
    stop = threading.Event()

    def pieces(page: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for piece in page:
                if stop.is_set():
                    raise _Stopped
                yield piece
        finally:
            close = getattr(page, "close", None)
            if close is not None:
                close()

    return result.through(pieces), stop


class AsyncQueryResult:
    """The rows of a query; see ``QueryResult``, whose methods these are, awaited.

    ``async for row in result``, ``async for batch in result.batches()``. For polars, duckdb and others that take Arrow
    streams: ``await result.to_arrow()``.
    """

    def __init__(self, result: QueryResult, threads: _Threads) -> None:
        self._result = result
        self._threads = threads

    @property
    def receipt(self) -> dict[str, Any]:
        return self._result.receipt

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        result, stop = _watched(self._result)
        return _crossing(self._threads, result, RUN_ROWS, stop)

    def batches(self) -> AsyncIterator[Any]:
        result, stop = _watched(self._result)
        return _crossing(self._threads, result.batches(), 1, stop)

    async def to_arrow(self) -> Any:
        return await self._read(lambda result: result.to_arrow())

    async def to_pandas(self, **options: Any) -> Any:
        return await self._read(lambda result: result.to_pandas(**options))

    async def to_polars(self) -> Any:
        return await self._read(lambda result: result.to_polars())

    async def to_csv(self, path: str | Path) -> int:
        return await self._read(lambda result: result.to_csv(path))

    async def write_csv(self, file: IO[bytes]) -> int:
        return await self._read(lambda result: result.write_csv(file))

    async def to_jsonl(self, path: str | Path) -> int:
        return await self._read(lambda result: result.to_jsonl(path))

    async def to_parquet(self, path: str | Path) -> int:
        return await self._read(lambda result: result.to_parquet(path))

    async def to_arrow_file(self, path: str | Path) -> int:
        return await self._read(lambda result: result.to_arrow_file(path))

    async def _read(self, read: Callable[[QueryResult], T]) -> T:
        result, stop = _watched(self._result)
        return await self._threads.run(lambda: read(result), stop)

    def __repr__(self) -> str:
        return repr(self._result).replace("<", "<Async", 1)


class AsyncIngestResult:
    """One outcome for each row of the input; see ``IngestResult``, whose methods these are, awaited.

    ``async for outcome in result``. The counts, ``receipt`` and ``run_id`` are plain attributes.
    """

    def __init__(self, result: IngestResult, threads: _Threads) -> None:
        self._result = result
        self._threads = threads
        self.succeeded = result.succeeded
        self.failed = result.failed
        self.unprocessed = result.unprocessed
        self.receipt = result.receipt
        self.run_id = result.run_id

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return _crossing(self._threads, self._result, RUN_ROWS, threading.Event())

    def __len__(self) -> int:
        return len(self._result)

    def failures(self) -> AsyncIterator[Outcome]:
        return _crossing(self._threads, self._result.failures(), RUN_ROWS, threading.Event())

    async def raise_for_failures(self) -> None:
        await self._threads.run(self._result.raise_for_failures)

    async def to_csv(self, path: str | Path, *, only: Only | None = None) -> int:
        return await self._threads.run(lambda: self._result.to_csv(path, only=only))

    async def to_arrow(self) -> Any:
        return await self._threads.run(self._result.to_arrow)

    def __repr__(self) -> str:
        return repr(self._result).replace("<", "<Async", 1)


class AsyncJob:
    """A job of the org; see ``Job``, whose methods these are, awaited. ``info`` and what is read from it are plain."""

    def __init__(self, job: Job, threads: _Threads) -> None:
        self._job = job
        self._threads = threads

    @property
    def info(self) -> AnyJob:
        return self._job.info

    @property
    def id(self) -> str:
        return self._job.id

    @property
    def api(self) -> Literal["bulk2", "bulk1"]:
        return self._job.api

    @property
    def operation(self) -> str:
        return self._job.operation

    @property
    def sobject(self) -> str:
        return self._job.sobject

    @property
    def state(self) -> str:
        return self._job.state

    @property
    def records_processed(self) -> int | None:
        return self._job.records_processed

    @property
    def records_failed(self) -> int | None:
        return self._job.records_failed

    @property
    def is_query(self) -> bool:
        return self._job.is_query

    async def refresh(self) -> AsyncJob:
        await self._threads.run(self._job.refresh)
        return self

    async def abort(self) -> AsyncJob:
        await self._threads.run(self._job.abort)
        return self

    async def delete(self) -> None:
        await self._threads.run(self._job.delete)

    async def results(self, path: str | Path, kind: Kind | None = None) -> int:
        return await self._threads.run(lambda: self._job.results(path, kind))

    def __repr__(self) -> str:
        return repr(self._job).replace("<", "<Async", 1)


def _runs_of(rows: Any, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> Iterator[Any]:
    """The rows of an async iterable, for a worker thread: a run at a time, the next when one is used up."""
    source = aiter(rows)

    async def run() -> tuple[list[Any], bool]:
        held: list[Any] = []
        async for row in source:
            held.append(row)
            if len(held) >= RUN_ROWS:
                return held, True
        return held, False

    more = True
    try:
        while more:
            if stop.is_set():
                raise _Stopped
            held, more = _in_loop(run(), loop, stop)
            yield from held
    finally:
        close = getattr(source, "aclose", None)
        if close is not None and not loop.is_closed():
            asyncio.run_coroutine_threadsafe(_closed(close), loop)


async def _closed(close: Callable[[], Awaitable[Any]]) -> None:
    await close()


def _in_loop(coroutine: Any, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> Any:
    """The coroutine's result, from another thread. The load may outlive the loop, and its await."""
    try:
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    except RuntimeError:
        coroutine.close()
        raise _Stopped from None
    while True:
        try:
            return future.result(LOOK_SECONDS)
        except TimeoutError:
            if future.done():
                raise  # the source's own
            if stop.is_set() or loop.is_closed():
                future.cancel()
                raise _Stopped from None


class AsyncOrg:
    """The verbs of :class:`.Org`, awaited; their arguments and errors are described there. An async context manager.

    ``rows`` may also be an async generator of dicts: it is asked for the next few hundred rows when those before are used up.
    ``on_progress`` is called in the event loop. Safe to use from many coroutines of one event loop.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._threads = _Threads()

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
        org = self._org.pausing(lambda sleep: _woken(sleep, stop))
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
        org = self._org.pausing(lambda sleep: _woken(sleep, stop))
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
            stop.set()  # of the source, if it is the event loop's: see above
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
        return _runs_of(rows, asyncio.get_running_loop(), stop), True
    return rows, False


def _told(on_progress: Progress) -> Progress:
    if on_progress is None:
        return None
    loop = asyncio.get_running_loop()

    def tell(counts: Mapping[str, Any]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(on_progress, counts)

    return tell


def _woken(sleep: Callable[[float], None], stop: threading.Event) -> Callable[[float], None]:
    """*sleep*, which *stop* ends."""

    def pause(seconds: float) -> None:
        if sleep is time.sleep:
            stop.wait(seconds)
        else:
            sleep(seconds)
        if stop.is_set():
            raise _Stopped

    return pause


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

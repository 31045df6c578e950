"""What the verbs hand back, read without holding up the event loop."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from ..results import IngestResult, QueryResult
from .crossing import RUN_ROWS, crossing
from .threads import Stopped, Threads

if TYPE_CHECKING:
    from ..records import Outcome
    from ..results import Only

T = TypeVar("T")


class AsyncQueryResult:
    """The rows of a query; see ``QueryResult``, whose methods these are, awaited.

    ``async for row in result``, ``async for batch in result.batches()``. For polars, duckdb and others that take Arrow
    streams: ``await result.to_arrow()``.
    """

    def __init__(self, result: QueryResult, threads: Threads) -> None:
        self._result = result
        self._threads = threads

    @property
    def receipt(self) -> dict[str, Any]:
        return self._result.receipt

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        result, stop = _watched(self._result)
        return crossing(self._threads, result, RUN_ROWS, stop)

    def batches(self) -> AsyncIterator[Any]:
        result, stop = _watched(self._result)
        return crossing(self._threads, result.batches(), 1, stop)

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

    def __init__(self, result: IngestResult, threads: Threads) -> None:
        self._result = result
        self._threads = threads
        self.succeeded = result.succeeded
        self.failed = result.failed
        self.unprocessed = result.unprocessed
        self.receipt = result.receipt
        self.run_id = result.run_id

    def __aiter__(self) -> AsyncIterator[Outcome]:
        return crossing(self._threads, self._result, RUN_ROWS, threading.Event())

    def __len__(self) -> int:
        return len(self._result)

    def failures(self) -> AsyncIterator[Outcome]:
        return crossing(self._threads, self._result.failures(), RUN_ROWS, threading.Event())

    async def raise_for_failures(self) -> None:
        await self._threads.run(self._result.raise_for_failures)

    async def to_csv(self, path: str | Path, *, only: Only | None = None) -> int:
        return await self._threads.run(lambda: self._result.to_csv(path, only=only))

    async def to_arrow(self) -> Any:
        return await self._threads.run(self._result.to_arrow)

    def __repr__(self) -> str:
        return repr(self._result).replace("<", "<Async", 1)


def _watched(result: QueryResult) -> tuple[QueryResult, threading.Event]:
    """The same result, which stops being read when the event is set."""
    stop = threading.Event()

    def pieces(page: Iterable[bytes]) -> Iterator[bytes]:
        try:
            for piece in page:
                if stop.is_set():
                    raise Stopped
                yield piece
        finally:
            close = getattr(page, "close", None)
            if close is not None:
                close()

    return result.through(pieces), stop

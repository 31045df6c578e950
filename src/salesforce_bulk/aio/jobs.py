"""A job of the org, awaited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .threads import Threads

if TYPE_CHECKING:
    from ..protocol.any_job import AnyJob
    from ..verbs.jobs import Job, Kind


class AsyncJob:
    """A job of the org; see ``Job``, whose methods these are, awaited. ``info`` and what is read from it are plain."""

    def __init__(self, job: Job, threads: Threads) -> None:
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

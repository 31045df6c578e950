"""``runs``: which runs there are, and how far they have come."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ..engine.resume import Left, left_of
from ..errors import JournalError
from ..facts import Fact
from ..frozen import frozen
from ..journal.folder import RunFolder, all_runs, old_runs
from ..journal.journal import is_locked, read
from ..wire.names import Operation
from .keeping import VERB, read_pages

#: Runs that have ended are kept for so long: outcomes are asked for in the days after a load, and the org itself keeps the
#: results of a job for seven ("Get Job Successful Record Results"). A run that has not ended is never removed.
KEEP_SECONDS: Final = 30 * 24 * 3600.0

RunState = Literal["finished", "unfinished", "running"]


@frozen
class Run:
    """One run: ``parts`` that the input was cut into by now, of which ``settled`` have their outcomes, and counts of rows.

    Of a query that keeps its pages (``operation`` is ``"query"`` or ``"queryAll"``): its pages and rows that are here by now.
    """

    run_id: str
    operation: str
    sobject: str
    org_id: str | None
    host: str
    started_at: str
    state: RunState
    parts: int
    settled: int
    succeeded: int
    failed: int
    unprocessed: int

    def __repr__(self) -> str:
        what = f"<Run {self.run_id} {self.operation} {self.sobject}: {self.settled}/{self.parts}"
        if self.operation in (Operation.QUERY, Operation.QUERY_ALL):
            return f"{what} pages, {self.succeeded:_} rows>"
        return f"{what} parts, {self.succeeded:_} ok, {self.failed:_} failed>"


def runs() -> list[Run]:
    """All runs whose journal can be read, the oldest first."""
    found = []
    for folder in all_runs():
        try:
            about, facts = read(folder.path)
        except JournalError:
            continue
        if about.get("verb") == "load":
            found.append(_load(folder, about, left_of(facts)))
        elif about.get("verb") == VERB:
            found.append(_query(folder, about, facts))
    return sorted(found, key=lambda run: (run.started_at, run.run_id))


def _load(folder: RunFolder, about: Mapping[str, Any], left: Left) -> Run:
    parts = left.of_pass(1)
    settled = [part.settled for part in parts if part.settled is not None]
    counts = [sum(getattr(fact, name) for fact in settled) for name in ("succeeded", "failed", "unprocessed")]
    if left.ended is not None:
        # Outcomes that were put off are not written down, but they are counted.
        counts = [left.ended.succeeded, left.ended.failed, left.ended.unprocessed]
    return _run(folder, about, left, len(parts), len(parts) if left.ended is not None else len(settled), counts)


def _query(folder: RunFolder, about: Mapping[str, Any], facts: Sequence[Fact]) -> Run:
    pages = read_pages(facts)
    return _run(folder, about, left_of(facts), len(pages), len(pages), [sum(page.rows for page in pages), 0, 0])


def _run(
    folder: RunFolder, about: Mapping[str, Any], left: Left, parts: int, settled: int, counts: Sequence[int]
) -> Run:
    state: RunState = "finished"
    if left.ended is None:
        state = "running" if is_locked(folder.path) else "unfinished"
    return Run(
        folder.run_id,
        about["operation"],
        about["object"],
        about["org_id"],
        about["host"],
        about["started_at"],
        state,
        parts,
        settled,
        *counts,
    )


def remove_old_runs() -> Sequence[str]:
    """Remove the runs that ended long ago; their ids."""
    removed = []
    for folder in old_runs(KEEP_SECONDS, time.time()):
        try:
            _, facts = read(folder.path)
        except JournalError:
            continue  # whatever it is, nobody has said that it may go
        if left_of(facts).ended is not None:
            folder.remove()
            removed.append(folder.run_id)
    return removed

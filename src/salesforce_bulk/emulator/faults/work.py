"""Faults of what the org does by itself: a job that fails midway, a batch that is not processed, rows that are locked.

A worker asks once, when the work begins, and is given what is to befall it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

End = Literal["job-failed", "job-aborted", "not-processed"]

#: Kind -> the work that can meet it. ``-after``: its number counts rows.
WORK: Final[dict[str, tuple[str, ...]]] = {
    "job-failed": ("ingest2.job", "query2.job", "bulk1.batch"),
    "job-failed-after": ("ingest2.job", "bulk1.batch"),
    "job-aborted": ("ingest2.job", "query2.job", "bulk1.batch"),
    "job-aborted-after": ("ingest2.job",),
    "not-processed": ("bulk1.batch",),
    "slow": ("ingest2.job", "query2.job", "bulk1.batch"),
    "lock": ("ingest2.job", "bulk1.batch", "collections.save"),
}
WORK_NAMES: Final = frozenset(name for names in WORK.values() for name in names)
#: What the numbers of these kinds count; the others take none.
WORK_COUNTS: Final = {"job-failed-after": "rows", "job-aborted-after": "rows", "slow": "looks"}
#: Looks at a slow job, without a number.
LOOKS: Final = 3
#: A text of an error guide (bulk-api-1.md 12.2), for want of a recording of a job that failed midway.
GAVE_UP: Final = "TooManyLockFailure : Too many lock failure 200 Trying again later."


@dataclass(frozen=True)
class WorkFault:
    """What is to befall one job, batch or call; mostly nothing."""

    ends: End | None = None
    #: Rows that are done before it ends.
    rows: int = 0
    #: While others look at it, it stays as it is.
    looks: int = 0
    locks: bool = False
    #: To be called when it has come to pass.
    happened: Callable[[], None] = lambda: None

    def left(self, done: int, wanted: int) -> int:
        """How many of *wanted* rows may be done after *done* of them, before it ends."""
        return wanted if self.ends is None else max(0, min(wanted, self.rows - done))

    def strikes(self, done: int) -> bool:
        """Whether the work is to end now, after *done* rows. Asked only where there is more to do."""
        if self.ends is None or done < self.rows:
            return False
        self.happened()
        return True


NO_FAULT: Final = WorkFault()


def work_fault(kind: str, number: int | None, happened: Callable[[], None]) -> WorkFault:
    match kind:
        case "slow":
            return WorkFault(looks=LOOKS if number is None else number, happened=happened)
        case "lock":
            return WorkFault(locks=True, happened=happened)
        case "not-processed":
            return WorkFault("not-processed", happened=happened)
        case "job-aborted" | "job-aborted-after":
            return WorkFault("job-aborted", number or 0, happened=happened)
    return WorkFault("job-failed", number or 0, happened=happened)

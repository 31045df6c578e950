"""What every verb works with, and the account that it gives of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..data.source import Source
from ..engine.again import Pass
from ..engine.drive import Driver
from ..engine.ingest import PartDone, totals
from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class Setting:
    """The driver of a run, and what is known of the org. ``describe_of``: None for an object that the org does not have."""

    driver: Driver
    describe_of: Callable[[str], Mapping[str, Any] | None]
    organization_id: Callable[[], str | None]

    def receipt(self, operation: str, sobject: str, api: str, why: str, run_id: str | None = None) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "operation": operation,
            "object": sobject,
            "api": api,
            "why": why,
            "org_id": self.organization_id(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": 0.0,
            "rows": {},
            "jobs": [],
            **self.traffic(),
            "complete": False,
            "errors": [],
        }

    def traffic(self) -> dict[str, int]:
        traffic = self.driver.traffic
        return {
            "requests": traffic.requests,
            "bytes_sent": traffic.bytes_sent,
            "bytes_received": traffic.bytes_received,
            "retries": traffic.retries,
        }


def progress(done: Sequence[PartDone]) -> dict[str, int]:
    succeeded, failed, unprocessed = totals(done)
    return {"parts": len(done), "succeeded": succeeded, "failed": failed, "unprocessed": unprocessed}


def jobs_of(this: Pass, done: Iterable[PartDone]) -> list[dict[str, Any]]:
    """The jobs (1.0: batches) of a pass; the calls of a collection are none."""
    return [
        {
            "id": part.job,
            "state": part.state,
            "rows": part.rows,
            "first_row": part.first_row,
            "said": part.said,
            "pass": this.number,
        }
        for part in done
        if part.job
    ]


def attempt(this: Pass, done: Sequence[PartDone]) -> dict[str, Any]:
    succeeded, failed, unprocessed = totals(done)
    return {
        "pass": this.number,
        "rows": sum(part.rows for part in done),
        "api": this.api,
        "serial": this.serial,
        "succeeded": succeeded,
        "still_failed": failed + unprocessed,
    }


def told(source: Source) -> dict[str, Any]:
    detected = source.detected
    return {
        "kind": detected.kind,
        "encoding": detected.encoding,
        "delimiter": detected.delimiter,
        "line_ending": detected.line_ending,
        "notes": list(detected.notes),
    }


def errors_of(done: Sequence[PartDone]) -> list[dict[str, Any]]:
    """The kinds of errors, the most frequent first, each with a row to look at."""
    counts: Counter[str] = Counter()
    examples: dict[str, int] = {}
    for part in done:
        if part.failed:
            for outcome in part.outcomes():
                if outcome.state == "failed":
                    counts[outcome.code] += 1
                    examples.setdefault(outcome.code, outcome.row)
    return [{"code": code, "count": count, "example_row": examples[code]} for code, count in counts.most_common()]


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UsageError(f"{name} is one of {', '.join(map(repr, choices))}, not {value!r}. Nothing was sent.")

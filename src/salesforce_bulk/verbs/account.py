"""The account that a load gives of itself: its progress, and what its receipt says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..data.source import Source
from ..engine.again import Pass
from ..engine.ingest import PartDone, totals


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
            for outcome in part.failures():
                if outcome.state == "failed":
                    counts[outcome.code] += 1
                    examples.setdefault(outcome.code, outcome.row)
    return [{"code": code, "count": count, "example_row": examples[code]} for code, count in counts.most_common()]

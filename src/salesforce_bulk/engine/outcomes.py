"""Outcomes of a part on disk: one short line a row, in the order of the rows.

``c`` and ``u`` with the id of a record that was created or updated; ``f`` with what the org said, as JSON; ``-`` for a row
that was not tried.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..records import Outcome, State

#: Lines are gathered before they are written.
_LINES = 10_000


def write_outcomes(path: Path, outcomes: Iterable[Outcome]) -> Counter[State]:
    """Write them; how many there are of each state."""
    counts: Counter[State] = Counter()
    lines: list[str] = []
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for outcome in outcomes:
            counts[outcome.state] += 1
            lines.append(line_of(outcome))
            if len(lines) >= _LINES:
                file.write("\n".join(lines) + "\n")
                lines.clear()
        if lines:
            file.write("\n".join(lines) + "\n")
    return counts


def read_outcomes(path: Path, first_row: int) -> Iterator[Outcome]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for row, line in enumerate(file, first_row):
            yield outcome_of(row, line.rstrip("\n"))


def line_of(outcome: Outcome) -> str:
    """An outcome as its line, without its row, which is where it stands."""
    if outcome.state == "succeeded":
        return ("c" if outcome.created else "u") + (outcome.id or "")
    if outcome.state == "unprocessed":
        return "-"
    return "f" + json.dumps([outcome.id, outcome.code, outcome.message, outcome.fields])


def outcome_of(row: int, line: str) -> Outcome:
    """What :func:`line_of` wrote."""
    kind, rest = line[:1], line[1:]
    if kind == "-":
        return Outcome(row, "unprocessed")
    if kind == "f":
        identity, code, message, fields = json.loads(rest)
        return Outcome(row, "failed", id=identity, code=code, message=message, fields=tuple(fields))
    return Outcome(row, "succeeded", id=rest or None, created=kind == "c")

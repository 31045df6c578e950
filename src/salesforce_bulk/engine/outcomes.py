"""Outcomes of a part on disk, as lines: see :mod:`..outcome_lines`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ..journal.folder import whole_file
from ..outcome_lines import OutcomeLines, failures_in, line_of, outcomes_in
from ..records import Outcome, State

#: Lines are gathered before they are written.
_LINES: Final = 10_000
_READ_BYTES: Final = 1024 * 1024


def write_outcomes(path: Path, outcomes: Iterable[Outcome]) -> Counter[State]:
    """Write them, all or none; how many there are of each state."""
    counts: Counter[State] = Counter()
    with whole_file(path) as file:
        if isinstance(outcomes, OutcomeLines):
            for block in outcomes.blocks():
                file.write(block)
            counts.update(
                {"succeeded": outcomes.succeeded, "failed": outcomes.failed, "unprocessed": outcomes.unprocessed}
            )
            return counts
        lines: list[str] = []
        for outcome in outcomes:
            counts[outcome.state] += 1
            lines.append(line_of(outcome))
            if len(lines) >= _LINES:
                file.write(("\n".join(lines) + "\n").encode("utf-8"))
                lines.clear()
        if lines:
            file.write(("\n".join(lines) + "\n").encode("utf-8"))
    return counts


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines in blocks of about 1 MiB; each ends where a line does."""
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            yield block + file.readline()


def read_outcomes(path: Path, first_row: int) -> Iterator[Outcome]:
    return outcomes_in(read_lines(path), first_row)


def read_failures(path: Path, first_row: int) -> Iterator[Outcome]:
    """The outcomes that are not "succeeded"."""
    return failures_in(read_lines(path), first_row)

"""Outcomes as text: one short line a row, in the order of the rows. This is how they are kept on disk, and how they travel.

``c`` and ``u`` with the id of a record that was created or updated, ``s`` where nobody knows which of the two; ``f`` with what
the org said, as JSON; ``-`` for a row that was not tried. The row is not written: it is where the line stands. Nearly all rows
of a load end alike, so what reads many of them works on blocks of lines and looks closer only at those that did not succeed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from .errors import MalformedResult
from .frozen import frozen
from .records import Outcome

_KINDS: Final[dict[bool | None, str]] = {True: "c", False: "u", None: "s"}
_CREATED: Final = {kind: created for created, kind in _KINDS.items()}
_NOT_DONE: Final = re.compile(rb"\n(?=[f-])")


def line_of(outcome: Outcome) -> str:
    """An outcome as its line, without its row and without a line end.

    Raises:
        MalformedResult: The id has a line break, which would make two rows of one.
    """
    if outcome.state == "succeeded":
        identity = outcome.id or ""
        if "\n" in identity:
            raise MalformedResult(
                f"The id of the record that row {outcome.row} became has a line break, so it is none: the org's answer is "
                "damaged.\nThe row was applied, by what the answer says.\nFetch the results again.",
                row=outcome.row,
            )
        return _KINDS[outcome.created] + identity
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
    return Outcome(row, "succeeded", id=rest or None, created=_CREATED[kind])


def outcomes_in(blocks: Iterable[bytes], first_row: int) -> Iterator[Outcome]:
    """All outcomes. Every line of a block ends in LF."""
    row = first_row
    for block in blocks:
        lines = block.decode("utf-8").split("\n")[:-1]
        yield from map(outcome_of, range(row, row + len(lines)), lines)
        row += len(lines)


def failures_in(blocks: Iterable[bytes], first_row: int) -> Iterator[Outcome]:
    """The outcomes that are not "succeeded". The other lines are only counted."""
    row = first_row
    for block in blocks:
        text = b"\n" + block
        counted = 0
        for found in _NOT_DONE.finditer(text):
            row += text.count(b"\n", counted, found.start())
            counted = found.start()
            line = text[counted + 1 : text.find(b"\n", counted + 1)]
            yield outcome_of(row, line.decode("utf-8"))
        row += text.count(b"\n", counted, len(text) - 1)


@frozen
class OutcomeLines:
    """The outcomes of a part as blocks of lines, counted. ``blocks()`` gives them anew each time."""

    first_row: int
    succeeded: int
    failed: int
    unprocessed: int
    blocks: Callable[[], Iterable[bytes]]

    def __iter__(self) -> Iterator[Outcome]:
        return outcomes_in(self.blocks(), self.first_row)

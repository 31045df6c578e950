"""Answers as outcomes: in the order of the rows, or as they were matched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ..errors import ReconciliationError
from ..records import Outcome, RecordError, RowResult

UNKNOWN, CREATED, DONE, FAILED, NOT_TRIED = range(5)
#: To which file each of them belongs.
ENDS: Final = (None, 0, 0, 1, 2)


def by_position(results: Iterable[RowResult], rows: int, *, first_row: int = 0) -> Iterator[Outcome]:
    """The outcomes of a part whose answers come in the order of its rows (Bulk API 1.0, REST).

    Nothing is given before all answers were counted: with one too few, any of them may belong to another row.

    Raises:
        ReconciliationError: There are more or fewer answers than rows.
    """
    answers = list(results)
    if len(answers) != rows:
        raise ReconciliationError(
            f"{rows} rows were sent (from row {first_row} on), and the org gave {len(answers)} results. Which result belongs "
            "to which row is not certain, so none was assigned. Fetch the results again.",
            numbers={"sent": rows, "results": len(answers)},
        )
    return (_outcome(row, answer) for row, answer in enumerate(answers, first_row))


def _outcome(row: int, answer: RowResult) -> Outcome:
    if answer.success:
        return Outcome(row, "succeeded", id=answer.id, created=answer.created)
    return refused(row, answer.id, answer.errors)


def refused(row: int, identity: str | None, errors: Sequence[RecordError]) -> Outcome:
    """The outcome of a row that the org refused, with all that it said."""
    code, message, fields = told(errors)
    return Outcome(row, "failed", id=identity, code=code, message=message, fields=fields)


def told(errors: Sequence[RecordError]) -> tuple[str, str, tuple[str, ...]]:
    """Several errors as one: the code of the first, all messages, all fields."""
    if not errors:
        return "", "", ()
    messages = [errors[0].message, *(f"{error.code}: {error.message}" for error in errors[1:])]
    fields = dict.fromkeys(field for error in errors for field in error.fields)
    return errors[0].code, "; ".join(messages), tuple(fields)


class Matched:
    """One outcome for each row, in the order of the input; may be iterated again.

    Attributes:
        succeeded, failed, unprocessed: How many; together they are all rows.
        indistinguishable: Rows that equal another row in all that the org echoed and ended otherwise, or whose echo fits
            several rows: each of them has one of the outcomes of its group, in order, but which one is not certain.
    """

    def __init__(self, rows: Callable[[int], int]) -> None:
        #: The row of the input that stands at a place.
        self.row_at = rows
        self.states = bytearray()
        self.ids: list[str | None] = []
        self.errors: dict[int, int] = {}
        self.texts: list[tuple[str, str, tuple[str, ...]]] = []
        self.succeeded = self.failed = self.unprocessed = 0
        self.indistinguishable: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self.states)

    def __iter__(self) -> Iterator[Outcome]:
        for place, state in enumerate(self.states):
            row = self.row_at(place)
            if state == NOT_TRIED:
                yield Outcome(row, "unprocessed")
                continue
            identity = self.ids[place]
            if state == FAILED:
                code, message, fields = self.texts[self.errors[place]]
                yield Outcome(row, "failed", id=identity, code=code, message=message, fields=fields)
            else:
                yield Outcome(row, "succeeded", id=identity, created=state == CREATED)

    def __repr__(self) -> str:
        return f"<Matched {self.succeeded} succeeded, {self.failed} failed, {self.unprocessed} unprocessed>"

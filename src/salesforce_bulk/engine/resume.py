"""What remains to be done of a run: a pure function of its facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from enum import Enum

from ..facts import (
    Fact,
    InputRead,
    JobGivenUp,
    JobLost,
    JobMade,
    PartEnded,
    PartKept,
    PartSent,
    PartSettled,
    PassMerged,
    RunEnded,
    RunResumed,
    UploadBegun,
)
from ..frozen import frozen


class Stage(Enum):
    """How far a part has come."""

    #: Nothing of it is in the org, or in a job that was given up: it is sent.
    TO_SEND = "to send"
    #: It may be in the org: the job, or the 1.0 job's batches, are looked at. Without a job (REST), nothing can be.
    TO_LOOK = "to look at"
    #: The org has it: its end is waited for.
    TO_AWAIT = "to await"
    #: It has ended: its outcomes are fetched.
    TO_SETTLE = "to settle"
    SETTLED = "settled"


@frozen
class PartLeft:
    """A part, how far it has come, and where it is now.

    ``first`` is how it was settled after its own sending, ``settled`` how it stands by now.
    """

    kept: PartKept
    stage: Stage = Stage.TO_SEND
    job: str = ""
    batch: str | None = None
    ended: PartEnded | None = None
    first: PartSettled | None = None
    settled: PartSettled | None = None


@frozen
class Left:
    """What is known of a run. ``parts`` are those of all passes, by number."""

    parts: Sequence[PartLeft] = ()
    #: None: the input has not been read to its end.
    input_read: InputRead | None = None
    #: The jobs of Bulk API 1.0 that were made for a pass, in their order.
    jobs: dict[int, list[str]] = field(default_factory=dict)
    merged: frozenset[int] = frozenset()
    jobs_lost: int = 0
    resumed: int = 0
    ended: RunEnded | None = None

    def of_pass(self, number: int) -> list[PartLeft]:
        return [part for part in self.parts if part.kept.in_pass == number]

    @property
    def rows(self) -> int:
        """So many rows of the input are in parts."""
        return sum(part.kept.rows for part in self.of_pass(1))


def left_of(facts: Iterable[Fact]) -> Left:
    """What remains of the run that these facts tell of. Later facts of a part stand above earlier ones."""
    parts: dict[int, PartLeft] = {}
    left = Left()
    for fact in facts:
        match fact:
            case PartKept():
                parts[fact.part] = PartLeft(fact)
            case JobMade(part=None):
                left.jobs.setdefault(fact.in_pass, []).append(fact.job)
            case JobMade(part=int(number)) | UploadBegun(part=number):
                parts[number] = replace(parts[number], stage=Stage.TO_LOOK, job=fact.job, batch=None)
            case JobGivenUp():
                parts[fact.part] = replace(parts[fact.part], stage=Stage.TO_SEND, job="", batch=None)
            case PartSent():
                parts[fact.part] = replace(parts[fact.part], stage=Stage.TO_AWAIT, job=fact.job, batch=fact.batch)
            case PartEnded():
                parts[fact.part] = replace(parts[fact.part], stage=Stage.TO_SETTLE, job=fact.job, ended=fact)
            case PartSettled():
                part = parts[fact.part]
                parts[fact.part] = replace(part, stage=Stage.SETTLED, first=part.first or fact, settled=fact)
            case InputRead():
                left = replace(left, input_read=fact)
            case PassMerged():
                left = replace(left, merged=left.merged | {fact.in_pass})
            case JobLost():
                left = replace(left, jobs_lost=left.jobs_lost + 1)
            case RunResumed():
                left = replace(left, resumed=left.resumed + 1)
            case RunEnded():
                left = replace(left, ended=fact)
    return replace(left, parts=tuple(parts[number] for number in sorted(parts)))

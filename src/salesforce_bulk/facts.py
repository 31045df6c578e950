"""What a journal holds: facts, in the order in which they came about. They are only ever added.

What remains to be done of a run is a function of its facts (``engine/resume.py``). Each is written down, and on the disk,
before the step that builds on it: dying above a fact repeats a step that had no effect, dying below it, we know whom to ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final, TypeAlias

from .frozen import frozen


@frozen
class PartKept:
    """The bytes of a part can be had again: those of the input's file from *start* to *stop* behind the header, else those
    of the run's folder. ``sha256`` is that of all its bytes, where they were seen; ``sample`` that of its beginning and its
    end, where they were not. Parts of a later pass hold rows that were sent before."""

    part: int
    first_row: int
    rows: int
    bytes: int
    sha256: str | None = None
    start: int | None = None
    stop: int | None = None
    in_pass: int = 1
    sample: str | None = None


@frozen
class InputRead:
    """The input was read to its end: there are no other parts."""

    parts: int
    rows: int


@frozen
class JobMade:
    """A job was made: for a part, or, in Bulk API 1.0, for all parts of a pass."""

    job: str
    api: str
    part: int | None = None
    in_pass: int = 1


@frozen
class UploadBegun:
    """From here on the org may have bytes of the part."""

    part: int
    job: str


@frozen
class JobLost:
    """The answer to the making of a job was lost: perhaps an empty one stays open in the org. It touches no data."""

    api: str
    part: int | None = None
    in_pass: int = 1


@frozen
class JobGivenUp:
    """A job that has had no effect and will have none: nobody sets it going any more, and the part goes out in another one.

    Noted before it is aborted. Without a job (REST): the call was refused as a whole.
    """

    part: int
    job: str


@frozen
class PartSent:
    """The org has the part and works on it: ``batch`` in Bulk API 1.0, the job in 2.0."""

    part: int
    job: str
    batch: str | None = None


@frozen
class PartEnded:
    """The job or batch of the part has ended, and will not change any more."""

    part: int
    job: str
    state: str
    said: str = ""
    processed: int | None = None
    failed: int | None = None


@frozen
class PartSettled:
    """The outcomes of the part's rows are in the run's folder. Noted anew when a later pass has changed some of them;
    ``again`` of the rows may be sent once more."""

    part: int
    succeeded: int
    failed: int
    unprocessed: int
    again: int = 0


@frozen
class PassMerged:
    """The outcomes of the rows that a pass sent again have taken the place of those before."""

    in_pass: int


@frozen
class PageRead:
    """A page of a query's result stands in the run's folder: its rows, the size and the SHA-256 of its bytes, and the locator
    of the page after it; None: it is the last one. A later fact of a page stands above an earlier one."""

    page: int
    rows: int
    bytes: int
    sha256: str
    locator: str | None = None


@frozen
class RunResumed:
    """A process went on with the run."""


@frozen
class RunEnded:
    """Nothing of the run remains to be done."""

    succeeded: int = 0
    failed: int = 0
    unprocessed: int = 0


Fact: TypeAlias = (
    PartKept
    | InputRead
    | JobMade
    | UploadBegun
    | JobLost
    | JobGivenUp
    | PartSent
    | PartEnded
    | PartSettled
    | PassMerged
    | PageRead
    | RunResumed
    | RunEnded
)
KINDS: Final[dict[str, Callable[..., Fact]]] = {
    kind.__name__: kind
    for kind in (
        PartKept,
        InputRead,
        JobMade,
        UploadBegun,
        JobLost,
        JobGivenUp,
        PartSent,
        PartEnded,
        PartSettled,
        PassMerged,
        PageRead,
        RunResumed,
        RunEnded,
    )
}


def as_text(fact: Fact) -> tuple[str, str]:
    """The kind of a fact, and the rest of it as JSON, without what is not set."""
    told = {field.name: getattr(fact, field.name) for field in fields(fact)}
    return type(fact).__name__, json.dumps({name: value for name, value in told.items() if value is not None})


def from_text(kind: str, told: str) -> Fact:
    """The fact that :func:`as_text` wrote."""
    values: dict[str, Any] = json.loads(told)
    return KINDS[kind](**values)

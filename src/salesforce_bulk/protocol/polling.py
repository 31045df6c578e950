"""How long to wait between two looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..frozen import frozen
from .messages import Pause

#: A job of a few rows is done after half a second, a large one after minutes (field notes, 15 and 16): look soon, then
#: ever more rarely. Each look costs one API call.
FIRST_SECONDS: Final = 0.2
GROWTH: Final = 1.5
LONGEST_SECONDS: Final = 10.0


@frozen
class Look(Pause):
    """Wait until the next look at a job. The driver may wait up to ``longest`` instead, when many jobs wait."""

    longest: float


def intervals(longest: float = LONGEST_SECONDS, first: float = FIRST_SECONDS) -> Iterator[float]:
    """Pauses in seconds, without end: *first*, then growing up to *longest*."""
    pause = min(first, longest)
    while True:
        yield pause
        pause = min(pause * GROWTH, longest)

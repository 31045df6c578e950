"""How long to wait, when others wait too; and when to leave an org the rest of its calls."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ..errors import LimitReached
from ..wire import headers

#: So many jobs are looked at as often as each of them likes; of more, each is looked at less often, so that all together
#: cost no more calls.
UNHINDERED_JOBS: Final = 4
#: What the org said of its calls holds so long.
FRESH_SECONDS: Final = 60.0
#: In some orgs more follows: "; per-app-api-usage=17/250(appName=...)" (field notes, 66).
_USAGE: Final = re.compile(r"(?<![\w-])api-usage=([0-9]{1,18})/([0-9]{1,18})(?![0-9])")


@dataclass(slots=True)
class Looks:
    """One budget of looks for all jobs under way. Counted from several threads."""

    waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @contextmanager
    def stretched(self, seconds: float, longest: float) -> Iterator[float]:
        """How long one of those that wait is to wait, at least *seconds* and at most *longest*."""
        with self._lock:
            self.waiting += 1
            waiting = self.waiting
        try:
            yield max(seconds, min(seconds * max(1.0, waiting / UNHINDERED_JOBS), longest))
        finally:
            with self._lock:
                self.waiting -= 1


@dataclass(slots=True)
class Usage:
    """What the org says of its API calls for 24 hours: used, and allowed. 0 and 0: it has not said."""

    used: int = 0
    allowed: int = 0
    #: When it was said.
    at: float = 0.0

    def heed(self, head: Mapping[str, str], now: float) -> None:
        """Read it from the headers of a reply, whose names are lower-case, that has come *now*."""
        found = _USAGE.search(head.get(headers.LIMIT_INFO.lower(), ""))
        if found:
            self.used, self.allowed, self.at = int(found[1]), int(found[2]), now

    def check(self, stop_at: float | None, request: object, now: float) -> None:
        """
        Raises:
            LimitReached: The share *stop_at* is used up.
        """
        if stop_at is None or not self.allowed or self.used < stop_at * self.allowed:
            return
        if now - self.at > FRESH_SECONDS:
            return  # the next reply says how it is by now
        raise LimitReached(
            f"{self.used} of the org's {self.allowed} API calls for 24 hours are used up, and stop_at_usage is {stop_at:g}.\n"
            f"{request} was not made; jobs that were set going go on, and keep their results for 7 days.\n"
            "Go on when calls are free again, or with a higher stop_at_usage.",
            status_code=0,
        )

"""Records that a transaction holds while it lasts, in the org's time: who else wants one waits, and in the end in vain.

Source: bulk-api-1.md 10.3 ("General Guidelines for Data Loads"). Rows are written in no time at all unless the org is told how
long they take (``limits.row_seconds``); so nothing is held, and nobody waits, unless a test asks for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class Locks:
    now: Callable[[], datetime]
    _held: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, ids: Iterable[str], holder: str, seconds: float, patience: float) -> str | None:
        """Take all of *ids* for *holder*, for so long; or tell one that another keeps for more than *patience* seconds."""
        now = self.now()
        wanted = list(ids)
        with self._lock:
            for id in wanted:
                other, until = self._held.get(id, (holder, now))
                if other != holder and until > now + timedelta(seconds=patience):
                    return id
            if seconds > 0:
                until = now + timedelta(seconds=seconds)
                self._held |= dict.fromkeys(wanted, (holder, until))
        return None

    def release(self, holder: str) -> None:
        with self._lock:
            self._held = {id: held for id, held in self._held.items() if held[0] != holder}

    def clear(self) -> None:
        with self._lock:
            self._held = {}

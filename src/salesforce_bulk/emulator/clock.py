"""The org's time, and what is due when.

Everything that takes a while in a real org (a batch waiting in the queue, sub-batches appearing) is an action given to the
clock. It runs in real time by default. Paused, it stands still until a test moves it: what falls due is then done, in order,
before ``advance`` returns, so a test sees each state without sleeping.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final

WORKERS: Final = 4

Action = Callable[[], None]


class Clock:
    def __init__(self, start: datetime | None = None) -> None:
        self._begun_ahead = self._ahead = start - datetime.now(UTC) if start else timedelta()
        self._stands_at: datetime | None = None
        self._due: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._running = 0
        self._stopped = True
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        state = "paused" if self._stands_at else "running"
        return f"<Clock {state} at {self.now():%Y-%m-%dT%H:%M:%S}Z, {len(self._due)} due>"

    def now(self) -> datetime:
        return self._stands_at or datetime.now(UTC) + self._ahead

    def later(self, seconds: float, action: Action) -> None:
        """Do *action* when *seconds* have passed."""
        with self._changed:
            heapq.heappush(self._due, (self.now() + timedelta(seconds=seconds), next(self._numbers), action))
            self._changed.notify_all()

    def pause(self) -> None:
        """Stand still. Actions under way are finished first."""
        with self._changed:
            self._stands_at = self.now()
            self._changed.wait_for(lambda: self._running == 0)

    def resume(self) -> None:
        """Go on in real time, from the moment at which the clock stands."""
        with self._changed:
            if self._stands_at:
                self._ahead = self._stands_at - datetime.now(UTC)
                self._stands_at = None
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Move on. Paused: returns when all that fell due is done. Running: jumps, and goes on from there."""
        with self._changed:
            if self._stands_at is None:
                self._ahead += timedelta(seconds=seconds)
                self._changed.notify_all()
                return
            until = self._stands_at + timedelta(seconds=seconds)
        while (action := self._next_until(until)) is not None:
            action()

    def start(self) -> None:
        with self._changed:
            if not self._stopped:
                return
            self._stopped = False
        self._pool = ThreadPoolExecutor(WORKERS, "local-org-worker")
        self._thread = threading.Thread(target=self._run, name="local-org-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop working. What is under way is finished, what is not yet due is dropped."""
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            self._due.clear()
            self._changed.notify_all()
        if self._thread:
            self._thread.join()
        if self._pool:
            self._pool.shutdown(wait=True)

    def reset(self) -> None:
        """Drop all that is due, after finishing what is under way, and run on as if nobody had moved or paused the clock."""
        with self._changed:
            self._due.clear()
            self._changed.wait_for(lambda: self._running == 0)
            self._due.clear()
            self._ahead, self._stands_at = self._begun_ahead, None
            self._changed.notify_all()

    def _next_until(self, until: datetime) -> Action | None:
        with self._changed:
            if not self._due or self._due[0][0] > until:
                self._stands_at = until
                return None
            moment, _, action = heapq.heappop(self._due)
            self._stands_at = max(moment, self._stands_at or moment)
            return action

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and not self._is_something_due():
                    self._changed.wait(self._pause_seconds())
                if self._stopped:
                    return
                action = heapq.heappop(self._due)[2]
                self._running += 1
            assert self._pool is not None
            self._pool.submit(self._perform, action)

    def _is_something_due(self) -> bool:
        return self._stands_at is None and bool(self._due) and self._due[0][0] <= self.now()

    def _pause_seconds(self) -> float | None:
        if self._stands_at or not self._due:
            return None
        return max(0.0, (self._due[0][0] - self.now()).total_seconds())

    def _perform(self, action: Action) -> None:
        try:
            action()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

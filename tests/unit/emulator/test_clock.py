"""The local org's clock."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from salesforce_bulk.emulator import Clock

START = datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)


def test_a_paused_clock_moves_only_when_moved() -> None:
    """What falls due is done in order, at its own time, before ``advance`` returns."""
    clock = Clock(START)
    clock.pause()
    begun = clock.now()
    done: list[tuple[str, float]] = []

    def note(name: str) -> None:
        done.append((name, (clock.now() - begun).total_seconds()))

    clock.later(2, lambda: note("second"))
    clock.later(1, lambda: (note("first"), clock.later(0.5, lambda: note("between"))))
    clock.later(9, lambda: note("never"))
    clock.advance(3)

    assert done == [("first", 1), ("between", 1.5), ("second", 2)]
    assert clock.now() - begun == timedelta(seconds=3)


def test_a_running_clock_does_what_is_due() -> None:
    """On its own threads; jumping ahead makes things due."""
    clock = Clock()
    clock.start()
    done = threading.Event()
    clock.later(3_600, done.set)
    clock.advance(3_600)

    assert done.wait(10)
    clock.stop()


def test_a_reset_clock_shows_the_time_as_if_nobody_had_moved_it() -> None:
    """It runs, and nothing is due."""
    clock = Clock(START)
    clock.pause()
    clock.later(1, lambda: None)
    clock.advance(0.5)
    clock.resume()
    clock.advance(86_400)
    clock.pause()
    clock.reset()

    assert timedelta() <= clock.now() - START < timedelta(hours=1)
    assert repr(clock).startswith("<Clock running at ")
    assert repr(clock).endswith(", 0 due>")


def test_resuming_goes_on_from_where_it_stood() -> None:
    """Not from the time of the machine."""
    clock = Clock(START)
    clock.pause()
    clock.advance(86_400)
    clock.resume()

    assert timedelta() <= clock.now() - START - timedelta(days=1) < timedelta(seconds=60)

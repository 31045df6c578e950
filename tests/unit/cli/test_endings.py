"""Signals that end a command as Ctrl-C does."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from salesforce_bulk.cli.endings import Ended, ending_on_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as Unix has them")


@pytest.fixture
def unheard() -> Iterator[None]:
    """Nobody has said anything about these signals, even where the tests themselves run under nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("unheard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_an_error_in_the_main_thread_and_the_second_is_ignored(number: signal.Signals) -> None:
    """A clean end has begun, and is not broken off by the same order given twice. Afterwards all is as before."""
    with ending_on_signals():
        with pytest.raises(Ended) as ended:
            signal.raise_signal(number)
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)

    assert (f"Ended by {number.name}.", number) == (str(ended.value), ended.value.signal)
    assert isinstance(ended.value, KeyboardInterrupt)
    assert signal.SIG_DFL is signal.getsignal(number)


def test_what_somebody_else_has_said_about_a_signal_stands() -> None:
    """nohup has SIGHUP ignored; a program of its own may do something else on SIGTERM."""
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        with ending_on_signals():
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
        assert ([1], signal.SIG_IGN) == (heard, signal.getsignal(signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before[0])
        signal.signal(signal.SIGTERM, before[1])


def test_another_thread_changes_nothing() -> None:
    """Python handles signals in the main thread alone."""
    found: list[object] = []

    def within() -> None:
        with ending_on_signals():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()

    assert [signal.SIG_DFL] == found

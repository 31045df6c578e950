"""Waiting for parts: what has ended, and signals that come meanwhile."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import Future

import pytest

from salesforce_bulk.engine.stop import waited


def ended() -> Future[int]:
    future: Future[int] = Future()
    future.set_result(1)
    return future


def test_one_that_has_ended_is_enough() -> None:
    first, second = ended(), Future[int]()

    assert {first} == waited([first, second])


def test_all_are_waited_for_where_that_is_asked() -> None:
    first, second = ended(), Future[int]()
    threading.Timer(0.01, second.set_result, [2]).start()

    assert {first, second} == waited([first, second], for_all=True)


def test_there_is_nothing_to_wait_for() -> None:
    assert set() == waited([])


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system sends no signals to threads")
@pytest.mark.parametrize("for_all", [False, True])
def test_a_signal_that_does_not_end_the_wait_is_heard_all_the_same(for_all: bool) -> None:
    """It came in another thread, as one that comes just before the wait begins: the lock is waited for on and on."""
    other = threading.Timer(0.05, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT))
    other.start()

    with pytest.raises(KeyboardInterrupt):
        waited([Future[int]()], for_all=for_all)

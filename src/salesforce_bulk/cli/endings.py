"""Signals that ask a program to end: they end it as Ctrl-C does, so that a run stops clean and can be gone on with.

Only a program may say what a signal does to its process, so no verb of the library comes here by itself.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

#: What service managers, containers and schedulers send first, and what a terminal sends when it is closed.
ENDING: Final = tuple(number for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if (number := getattr(signal, name, None)))


class Ended(KeyboardInterrupt):
    """The process was asked to end by ``signal``."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"Ended by {self.signal.name}.")


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Within, the first of :data:`ENDING` raises :class:`Ended` in the main thread; those after it are ignored, for a clean end
    has begun (whoever cannot wait for it has SIGKILL). Ctrl-C stays what it is: a second one breaks the clean end off.

    A signal that somebody else has said something about, or that is ignored (``nohup``), stays as it is. In another thread than
    the main one nothing is changed, for Python handles no signals there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    mine = [number for number in ENDING if signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, _: FrameType | None) -> None:
        for other in mine:
            signal.signal(other, signal.SIG_IGN)
        raise Ended(number)

    for number in mine:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)

"""Leaving work where it is, when the program is to end: the org goes on with what it has, and the journal knows it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from .drive import Driver


class Stopped(Exception):
    """Ends what a thread is doing between two steps. Not one of our errors, so no flow takes it for an answer."""


class Stop:
    """Tells the threads of a run to end: those that wait are woken, the others end before their next step."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def now(self) -> None:
        self._event.set()

    def check(self) -> None:
        """
        Raises:
            Stopped: The work is to be left where it is.
        """
        if self._event.is_set():
            raise Stopped

    def heeded_by(self, driver: Driver) -> Driver:
        """The same driver, whose pauses and steps end with this."""
        sleep = driver.clock.sleep

        def pause(seconds: float) -> None:
            if sleep is time.sleep:
                self._event.wait(seconds)
            else:
                sleep(seconds)
            self.check()

        return replace(driver, clock=replace(driver.clock, sleep=pause), go_on=self.check)

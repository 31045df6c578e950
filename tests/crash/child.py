"""Performs a load and dies, or is asked to end, at step *k* of it; with k = 0 it tells how many steps there are.

A step is the begin or the end of what touches the world: a request, a note in the journal, a file that is brought to the disk,
takes its name or is removed. They are seen by the interpreter's own profiler, so the code is what it always is.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from salesforce_bulk.cli.endings import ending_on_signals
from salesforce_bulk.engine.drive import Driver
from salesforce_bulk.journal.journal import Journal
from salesforce_bulk.transport.http import HttpTransport
from tests.crash.loads import ENDED, Load, die, opened

#: Functions whose begin and end are steps.
OURS = {
    HttpTransport.send.__code__: "request",
    Driver._whole.__code__: "answer",
    Journal.note.__code__: "note",
    Journal.create.__func__.__code__: "journal",  # type: ignore[attr-defined]
}
THEIRS = {"fsync", "replace", "unlink", "mkdir"}


class Steps:
    def __init__(self, last: int, end: Callable[[], None]) -> None:
        self.count = 0
        self._last = last
        self._end = end
        self._lock = threading.Lock()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "return"):
            if frame.f_code not in OURS:
                return
        elif getattr(argument, "__module__", None) != "posix" or argument.__name__ not in THEIRS:
            return
        with self._lock:
            self.count += 1
            if self.count == self._last:
                self._end()


def ask_to_end(name: str) -> None:
    """From whatever thread: what a signal does, it does in the main one."""
    os.kill(os.getpid(), getattr(signal, name))


def main() -> None:
    told = json.loads(sys.argv[1])
    steps = Steps(told["k"], die if told["how"] == "die" else lambda: ask_to_end(told["how"]))
    load = Load(**told["load"])
    # A shell has the processes that it starts in the background ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with opened(told["url"], told["token"]) as sf, ending_on_signals():
        try:
            threading.setprofile(steps)
            sys.setprofile(steps)
            load.perform(sf, Path(told["path"]))
        except KeyboardInterrupt as ended:
            print(type(ended).__name__, *getattr(ended, "__notes__", ()), sep="\n")
            sys.exit(ENDED)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
    print(steps.count)


main()

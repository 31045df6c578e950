"""What the benchmarks share: processes that are measured whole, runs in turn, and what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
MB = 1_000_000


@dataclass(frozen=True)
class Run:
    """One process, from its start to its end: its time, its processor time, its peak.

    What it says itself is in ``said``: a JSON object, the last line that it prints. ``rows``: how many it handled. ``seconds``,
    ``cpu_seconds``: those of the part of its work that counts, where that is not all of it. ``object_bytes``: the size
    of what it made, or was given, and holds.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    said: dict[str, Any]

    @property
    def inner(self) -> Run:
        return Run(self.said["seconds"], self.said["cpu_seconds"], self.peak_bytes, self.said)


@dataclass(frozen=True)
class Program:
    """A command, and an environment; ``name`` is what a reader knows it by. ``inner``: it times its own work."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] | None = None
    inner: bool = False


def run(program: Program) -> Run:
    """Run it in a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="sfbulk-bench-") as folder, tempfile.TemporaryFile("w+") as said:
        environment = dict(os.environ if program.environment is None else program.environment)
        # Programs run from compiled code, as installed ones do, and leave none of it in the tree.
        environment |= {
            "SFBULK_HOME": folder,
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "sfbulk-bench-code"),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        began = perf_counter()
        process = subprocess.Popen(program.command, stdout=said, env=environment, cwd=folder, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().splitlines()
    if process.returncode:
        raise SystemExit(f"{program.name} ended with {process.returncode}: {' '.join(map(str, program.command))}")
    # Of the whole process, and of those it waited for. Never less than ours was when it started: keep this process small.
    peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
    told = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    done = Run(seconds, usage.ru_utime + usage.ru_stime, peak, told)
    return done.inner if program.inner else done


def in_turn(count: int, programs: Sequence[Program], what: str) -> list[list[Run]]:
    """Each program *count* times, A B C A B C ...: what disturbs the machine for a while disturbs all."""
    done: list[list[Run]] = [[] for _ in programs]
    for number in range(count):
        say(f"{what}: {number + 1} of {count}")
        for runs, program in zip(done, programs, strict=True):
            runs.append(run(program))
    return done


@dataclass(frozen=True)
class Ratio:
    """The median of the ratios of the pairs, the least and the greatest, and the same of processor time."""

    value: float
    least: float
    greatest: float
    processor: float

    @classmethod
    def of(cls, ours: Sequence[Run], beside: Sequence[Run]) -> Ratio:
        both = list(zip(ours, beside, strict=True))
        ratios = [a.seconds / b.seconds for a, b in both]
        return cls(
            median(ratios), min(ratios), max(ratios), median(a.cpu_seconds / max(b.cpu_seconds, 0.001) for a, b in both)
        )

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.least:.2f}-{self.greatest:.2f})"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server in a process of its own; gives its URL."""
    command = [sys.executable, str(HERE / "server.py"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def server_seconds(url: str) -> float:
    """The processor time that the server has taken."""
    with urllib.request.urlopen(url + "/measured") as reply:
        return float(json.load(reply)["cpu_seconds"])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(rows: Sequence[Sequence[str]]) -> str:
    """As Markdown, and readable as it is; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]])

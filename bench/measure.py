"""What the benchmarks share: fresh processes, pairs of runs, and the table."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """One process that did a task once: the time of the task, the peak of the process."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    rows: int
    received: int = 0


@dataclass(frozen=True)
class Line:
    task: str
    ours: str
    beside: str
    ratio: str
    processor: str = ""
    promised: str = ""
    peak: str = ""


class Stopwatch:
    """Around the task, in the process that does it; then print(watch.report(rows))."""

    def __enter__(self) -> Stopwatch:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds, self.cpu_seconds = time.perf_counter() - self._wall, time.process_time() - self._cpu

    def report(self, rows: int, received: int = 0) -> str:
        return json.dumps(
            {
                "seconds": self.seconds,
                "cpu_seconds": self.cpu_seconds,
                "peak_bytes": peak_bytes(),
                "rows": rows,
                "received": received,
            }
        )


def peak_bytes() -> int:
    """The largest resident size that this process had; 0 where the system does not say."""
    try:
        # Not ru_maxrss, where there is a choice: on Linux that begins with the size of the process that started this one.
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def run(script: str, *arguments: object, python: str = sys.executable) -> Run:
    """Run ``bench/<script> --child arguments`` in a process of its own."""
    environment = dict(os.environ)
    if python != sys.executable:
        environment.pop("PYTHONPATH", None)  # another library's environment: nothing of ours is to be found there
    command = [python, str(HERE / script), "--child", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
    return Run(**json.loads(done.stdout))


@contextlib.contextmanager
def serving(folder: Path, rows: int, *, made_of: int | None = None, gzip: bool = False) -> Iterator[str]:
    """A server in a process of its own; gives its URL."""
    command = [sys.executable, str(HERE / "server.py"), str(folder), str(rows), "--made-of", str(made_of or rows)]
    if gzip:
        command.append("--gzip")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def measured(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url + "/measured") as reply:
        values: dict[str, Any] = json.load(reply)
        return values


@dataclass(frozen=True)
class Pairs:
    """Runs A B A B ...: what disturbs the machine for a while disturbs both."""

    ours: list[Run]
    beside: list[Run]

    def line(self, task: str, name: str, *, promised: float | None = None) -> Line:
        """The medians; a ratio is the median of the ratios of the pairs, the least and the greatest behind it."""
        both = list(zip(self.ours, self.beside, strict=True))
        ratios = [ours.seconds / beside.seconds for ours, beside in both]
        processor = [ours.cpu_seconds / beside.cpu_seconds for ours, beside in both]
        return Line(
            task,
            f"{median(run.seconds for run in self.ours):.2f} s",
            f"{median(run.seconds for run in self.beside):.2f} s {name}",
            f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
            f"{median(processor):.2f}",
            f"at most {promised:g}" if promised is not None else "",
            size(max(run.peak_bytes for run in self.ours)),
        )


def pairs(count: int, ours: Callable[[], Run], beside: Callable[[], Run], what: str) -> Pairs:
    done = Pairs([], [])
    for number in range(count):
        say(f"{what}: pair {number + 1} of {count}")
        done.ours.append(ours())
        done.beside.append(beside())
        if done.ours[-1].rows != done.beside[-1].rows or done.ours[-1].received != done.beside[-1].received:
            raise SystemExit(f"{what}: the two did not do the same: {done.ours[-1]}, {done.beside[-1]}")
    return done


def growth(task: str, runs: dict[int, Run]) -> Line:
    """The peak at the most rows beside the peak at the fewest."""
    fewest, most = min(runs), max(runs)
    peaks = [runs[rows].peak_bytes for rows in (fewest, most)]
    return Line(
        f"{task}, peak memory",
        f"{size(peaks[1])} at {most:,} rows",
        f"{size(peaks[0])} at {fewest:,} rows",
        f"{peaks[1] / peaks[0]:.2f}" if peaks[0] else "?",
        promised="constant",
        peak=", ".join(size(runs[rows].peak_bytes) for rows in sorted(runs)),
    )


def size(count: int) -> str:
    return f"{count / 1_000_000:.0f} MB" if count else "?"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(lines: list[Line]) -> str:
    """As Markdown, and readable as it is."""
    rows = [("task", "ours", "beside it", "ratio", "of processor time", "promised", "peak memory of ours")]
    rows += [
        (line.task, line.ours, line.beside, line.ratio, line.processor, line.promised, line.peak) for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]])


@contextlib.contextmanager
def old_library() -> Iterator[str | None]:
    """An environment with release 2.2.0 of the old library in it; gives its Python, or None where it cannot be had."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        say("installing salesforce-bulk 2.2.0 in an environment of its own")
        install = [
            str(python),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "salesforce-bulk==2.2.0",
        ]
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
            subprocess.run([str(python), "-c", "import salesforce_bulk"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            say(f"it cannot be installed here ({error}); its lines are left out")
            yield None
        else:
            yield str(python)


#: Takes a folder for its files, the number of pairs, and the old library's Python, if it is there.
Benchmark = Callable[[Path, int, str | None], list[Line]]


def main(description: str | None, *benchmarks: Benchmark) -> None:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--pairs", type=int, default=5, help="how often each ratio is taken (default: 5)")
    parser.add_argument("--peer", action="store_true", help="also beside the old library, release 2.2.0; a minute more")
    options = parser.parse_args()
    lines: list[Line] = []
    with old_library() if options.peer else contextlib.nullcontext() as old:
        for benchmark in benchmarks:
            with tempfile.TemporaryDirectory() as folder:
                lines += benchmark(Path(folder), options.pairs, old)
    print(table(lines))

"""All benchmarks, one table: what bench/run starts."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from data import FORMAT, Made
from measure import HERE, MB, Program, Ratio, Run, in_turn, run, say, server_seconds, serving, table
from plan import GOAL_ROWS, GROWING, GROWTH, STARTS, TASKS, Place, Task, data_home, is_there, peak_goal

HEAD = ("task", "ours", "beside it", "ratio", "of processor time", "goal", "peak memory", "goal")
Line = tuple[str, str, str, str, str, str, str, str]


def measured(task: Task, place: Place, pairs: int, *, peer: bool) -> list[Line]:
    """A line for each program beside the task; none when there is no such program here."""
    names = [name for name in task.goals if is_there(name, peer=peer)]
    if not names:
        return []
    if task.checked:
        say(f"{task.text}: checking the content")
        run(task.program(place, check=True, rows=place.made.page_rows))
    ours, *others = in_turn(pairs, [task.program(place), *(task.beside(name, place) for name in names)], task.text)
    rows = task.rows(place)
    for name, runs in [(task.text, ours), *zip(names, others, strict=True)]:
        for one in runs:
            if one.said.get("rows", rows) != rows:
                raise SystemExit(f"{name} handled {one.said['rows']} rows, not {rows}")
    lines: list[Line] = []
    for name, runs in zip(names, others, strict=True):
        ratio = Ratio.of(ours, runs)
        goal = task.goals[name]
        shown = peak(task, ours, place.made.rows) if name == names[0] else ("", "")
        lines.append(
            (
                task.shown(place),
                f"{median(one.seconds for one in ours):.2f} s",
                f"{median(one.seconds for one in runs):.2f} s {name}",
                str(ratio),
                f"{ratio.processor:.2f}",
                "" if goal is None else judged(ratio.value <= goal, f"at most {goal:g}", place.made.rows),
                *shown,
            )
        )
    return lines


def peak(task: Task, ours: list[Run], rows: int) -> tuple[str, str]:
    """The greatest peak of the runs, and whether it is within the goal."""
    greatest = max(one.peak_bytes for one in ours)
    held = max(one.said["object_bytes"] for one in ours)
    shown = f"{greatest / MB:.0f} MB"
    goal = peak_goal(task, held)
    if goal is None:
        return shown, ""
    if task.holds:
        return f"{shown}, {task.holds} {held / MB:.0f} MB", judged(
            greatest <= goal, f"{task.holds} + {task.peak_mb} MB", rows
        )
    return shown, judged(greatest <= goal, f"{task.peak_mb} MB", rows)


def judged(is_met: bool, goal: str, rows: int = GOAL_ROWS) -> str:
    """The goals are for so many rows: at another number a run says nothing of them."""
    if rows != GOAL_ROWS:
        return goal
    return f"{goal}: {'met' if is_met else 'NOT met'}"


def growth(text: str, function: str, place: Place) -> Line:
    """The peak at five times the rows beside the peak at half of them."""
    few, many = place.made.rows // 2, place.made.rows * 5
    say(f"{text}: the peak at {few:,} and at {many:,} rows")
    peaks = []
    for rows in (few, many):
        done = run(place.ours(text, function, rows))
        if done.said["rows"] != rows:
            raise SystemExit(f"{text} handled {done.said['rows']} rows, not {rows}")
        peaks.append(done.peak_bytes)
    ratio = peaks[1] / peaks[0]
    return (
        f"memory: {text}",
        f"{many:,} rows",
        f"{few:,} rows",
        f"{ratio:.2f}",
        "",
        judged(ratio <= GROWTH, f"at most {GROWTH}", place.made.rows),
        ", ".join(f"{one / MB:.0f} MB" for one in reversed(peaks)),
        "",
    )


def start(name: str, command: list[str], beside: list[str] | None, goal: int, pairs: int) -> Line:
    """How much longer it takes to start something."""
    programs = [Program(name, [sys.executable, *command])]
    if beside is not None:
        programs.append(Program("python", [sys.executable, *beside]))
    run(programs[0])  # once for the caches: nobody measures the first start after an installation
    ours, *others = in_turn(pairs, programs, name)
    seconds = median(one.seconds - (others[0][number].seconds if others else 0) for number, one in enumerate(ours))
    return (
        name,
        f"{median(one.seconds for one in ours) * 1000:.0f} ms",
        f"{median(one.seconds for one in others[0]) * 1000:.0f} ms python" if others else "",
        f"{seconds * 1000:.0f} ms more" if others else "",
        "",
        judged(seconds * 1000 <= goal, f"at most {goal} ms{' more' if others else ''}"),
        f"{max(one.peak_bytes for one in ours) / MB:.0f} MB",
        "",
    )


def data(rows: int) -> Made:
    """Made when it is not there, in a process of its own, so that this one stays small."""
    folder = data_home() / f"{rows}-{FORMAT}"
    if not (folder / "made.json").exists():
        say(f"making {rows:,} rows in {folder}, once")
        subprocess.run([sys.executable, str(HERE / "data.py"), str(folder), str(rows)], check=True)
    return Made.open(folder)


def lines(options: argparse.Namespace) -> Iterator[Line]:
    wanted = re.compile(options.only, re.IGNORECASE).search
    for name, command, beside, goal in STARTS:
        if wanted(name):
            yield start(name, command, beside, goal, options.pairs)
    tasks = [task for task in TASKS if wanted(f"{task.text} {task.function}")]
    growing = [(text, function) for text, function in GROWING if options.memory and wanted(f"memory: {text}")]
    if not tasks and not growing:
        return
    made = data(options.rows)
    with serving(made.folder) as url:
        place = Place(made, url)
        for task in tasks:
            yield from measured(task, place, options.pairs, peer=options.peer)
        for text, function in growing:
            yield growth(text, function, place)
        say(f"processor time of the server: {server_seconds(url):.1f} s in all")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="how often each ratio is taken (default: 5)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: 1,000,000")
    parser.add_argument("--only", default="", metavar="REGEX", help="only the tasks whose name has a match")
    parser.add_argument("--peer", action="store_true", help="also beside simple-salesforce and the old library 2.2.0")
    parser.add_argument(
        "--memory", action="store_true", help="also the peaks at five times the rows and at half of them"
    )
    options = parser.parse_args()
    missing = [name for name in ("curl", "gzip", "zcat") if shutil.which(name) is None]
    if missing:
        raise SystemExit(f"The benchmarks run beside {', '.join(missing)}, which is not here.")
    rows = list(lines(options))
    if not rows:
        raise SystemExit(f"No task has a match for {options.only!r}; some need --peer, or --memory.")
    print(table([HEAD, *rows]))


if __name__ == "__main__":
    main()

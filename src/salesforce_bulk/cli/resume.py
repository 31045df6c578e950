"""``sfbulk resume``: go on with a load that broke off."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import given
from .common import Commands, add_run_seconds, command, opened
from .console import Console
from .outcomes import add_outcomes, finished
from .progress import Progress

if TYPE_CHECKING:
    from ..results import IngestResult


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "resume",
        "go on with a load that broke off",
        "Go on with a load, wherever it broke off: no row is lost, and no record is made twice. A run that has ended gives "
        "its result again.",
    )
    parser.add_argument(
        "run_id", metavar="RUN", nargs="?", help="id of the run; default: the latest that is unfinished"
    )
    parser.add_argument(
        "--rows",
        metavar="FILE",
        type=Path,
        help="the rows of the run, all of them, where its own file is elsewhere by now",
    )
    add_outcomes(parser)
    add_run_seconds(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    run_id = chosen.run_id or _latest(console)
    with opened(chosen) as org:

        def load() -> IngestResult:
            with Progress(console, chosen.progress, f"resume {run_id}") as progress:
                return org.resume(run_id, chosen.rows, on_progress=progress.loaded, run_seconds=chosen.run_seconds)

        code = finished(console, chosen.outcomes, load)
    given.forget(run_id)
    return code


def _latest(console: Console) -> str:
    """
    Raises:
        UsageError: There is none. Nothing was sent.
    """
    from ..verbs.runs import runs

    unfinished = [run for run in runs() if run.state == "unfinished" and not run.operation.startswith("query")]
    if not unfinished:
        raise UsageError("No run is unfinished. Nothing was sent. `sfbulk runs` lists all.")
    latest = unfinished[-1]
    console.note(f"going on with run {latest.run_id}: {latest.operation} {latest.sobject}, begun {latest.started_at}")
    return latest.run_id

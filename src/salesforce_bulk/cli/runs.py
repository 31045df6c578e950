"""``sfbulk runs``: the loads that this machine knows of, and the queries whose pages it keeps."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from .common import Commands, command
from .console import Console, table
from .exits import OK

if TYPE_CHECKING:
    from ..verbs.runs import Run

_HEADS: Final = ("run", "state", "operation", "object", "parts", "succeeded", "failed", "unprocessed", "started at")


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "runs",
        "the runs of this machine: finished, unfinished, running",
        "The loads whose journals are kept on this machine (in SFBULK_HOME), of all orgs, and the queries that programs keep "
        "the pages of; the oldest first. Of a query, parts are pages, and its rows count as succeeded. No org is asked.",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:  # noqa: ARG001 -- all commands are called so
    from ..verbs.runs import runs

    found = runs()
    console.report(
        table(_HEADS, [_line(run) for run in found]) if found else "There are no runs.",
        [document_of(run) for run in found],
    )
    return OK


def _line(run: Run) -> tuple[object, ...]:
    parts = f"{run.settled}/{run.parts}"
    counts = run.succeeded, run.failed, run.unprocessed
    return run.run_id, run.state, run.operation, run.sobject, parts, *counts, run.started_at


def document_of(run: Run) -> dict[str, Any]:
    """A run in the words of a receipt."""
    told = asdict(run)
    told["object"] = told.pop("sobject")
    told["rows"] = {name: told.pop(name) for name in ("succeeded", "failed", "unprocessed")}
    return told

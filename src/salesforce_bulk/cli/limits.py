"""``sfbulk limits``: what the org allows in a time, and what is left of it."""

from __future__ import annotations

import argparse

from .common import Commands, command, opened
from .console import Console, table
from .exits import OK


def add_to(commands: Commands) -> None:
    parser = command(commands, "limits", "the org's limits, and what is left of them. They lag by minutes")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org:
        told = org.limits()
    lines = [
        (name, limit.get("Remaining"), limit.get("Max"))
        for name, limit in sorted(told.items())
        if isinstance(limit, dict)
    ]
    console.report(table(("limit", "remaining", "of"), lines), told)
    return OK

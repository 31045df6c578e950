"""``sfbulk versions``: the API versions that the org offers."""

from __future__ import annotations

import argparse

from .common import Commands, command, opened
from .console import Console, table
from .exits import OK


def add_to(commands: Commands) -> None:
    parser = command(commands, "versions", "the API versions that the org offers")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    from ..protocol.rest import ask_document, versions

    with opened(chosen) as org:
        told = org.perform(ask_document(versions(""), list))
    lines = [(one.get("version"), one.get("label"), one.get("url")) for one in told if isinstance(one, dict)]
    console.report(table(("version", "label", "address"), lines), told)
    return OK

"""``sfbulk check``: what would go wrong with a load, and what it would cost."""

from __future__ import annotations

import argparse

from . import given
from .common import Commands, command, opened
from .console import Console
from .exits import OK, USAGE
from .mapping import add_map, renamed


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "check",
        "what would go wrong with a load, and what it would cost; sends no data",
        "Compare the rows of a file with what the org says of the object. Sends no data. Exits with 2 when errors are found.",
    )
    parser.add_argument(
        "operation",
        metavar="OPERATION",
        choices=("insert", "update", "upsert", "delete", "hard-delete"),
        help="insert, update, upsert, delete or hard-delete",
    )
    parser.add_argument("sobject", metavar="OBJECT", help="API name of the object")
    parser.add_argument("file", metavar="FILE", help="as for the load; -: CSV from stdin")
    parser.add_argument("--external-id", metavar="FIELD", help="of an upsert: API name of the external id field")
    parser.add_argument("--nulls", choices=("ignore", "clear"), default="ignore", help="as for the load")
    add_map(parser)
    parser.add_argument("--show-values", action="store_true", help="quote up to three values a problem")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org, given.rows(chosen.file) as path:
        report = org.check(
            chosen.operation,
            chosen.sobject,
            path,
            external_id=chosen.external_id,
            nulls=chosen.nulls,
            rename=renamed(chosen.map or ()),
            show_values=chosen.show_values,
        )
    console.report(str(report), report.to_dict())
    return OK if report.ok else USAGE

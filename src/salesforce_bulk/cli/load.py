"""``sfbulk insert``, ``update``, ``upsert``, ``delete``, ``hard-delete``: a file into the org, one outcome a row."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final, cast

from ..errors import UsageError
from . import given
from .common import Commands, add_run_seconds, command, opened
from .console import Console
from .mapping import add_map, renamed
from .outcomes import add_outcomes, finished
from .progress import Progress

if TYPE_CHECKING:
    from ..results import IngestResult

_VERBS: Final = {
    "insert": "make a record of every row",
    "update": "change the records that the column Id names",
    "upsert": "insert or update records, matched on an external id field",
    "delete": "delete the records that the column Id names, into the recycle bin",
    "hard-delete": "delete past the recycle bin the records that the column Id names",
}
_DELETIONS: Final = ("delete", "hard-delete")

#: Options that go to the verb as they are.
_OPTIONS: Final = (
    "api",
    "retries",
    "part_rows",
    "part_bytes",
    "parallel_jobs",
    "serial",
    "assignment_rule_id",
    "job_seconds",
    "run_seconds",
)


def add_to(commands: Commands) -> None:
    for name, help in _VERBS.items():
        parser = command(
            commands,
            name,
            help,
            f"{help[0].upper()}{help[1:]}. Each row ends in exactly one outcome. A load that breaks off, wherever it does, "
            "is gone on with by `sfbulk resume`.",
        )
        parser.add_argument("sobject", metavar="OBJECT", help="API name of the object")
        parser.add_argument(
            "file",
            metavar="FILE",
            help="CSV, JSON lines, Parquet or Arrow, .gz too; columns are field API names. -: CSV from stdin",
        )
        if name == "upsert":
            parser.add_argument(
                "--external-id", metavar="FIELD", required=True, help="API name of the external id field"
            )
        if name not in _DELETIONS:
            parser.add_argument(
                "--nulls",
                choices=("ignore", "clear"),
                default="ignore",
                help="what an empty value does: ignore leaves the field as it is (the default), clear empties it",
            )
            parser.add_argument("--assignment-rule-id", metavar="ID", help="for cases and leads")
        add_map(parser)
        add_outcomes(parser)
        parser.add_argument(
            "--api",
            choices=("auto", "bulk2", "bulk1", "rest"),
            help="how the rows travel; default: Bulk API 2.0, and 1.0 with --serial",
        )
        parser.add_argument(
            "--retries",
            metavar="N",
            type=int,
            help="how many times more rows are sent that the org refused for a passing reason; default: 0",
        )
        parser.add_argument("--part-rows", metavar="N", type=int, help="rows a part (a job, a batch) at the most")
        parser.add_argument("--part-bytes", metavar="N", type=int, help="bytes a part at the most, before compression")
        parser.add_argument("--parallel-jobs", metavar="N", type=int, help="parts on their way at once; default: 4")
        parser.add_argument(
            "--serial", action="store_true", default=None, help="one batch after the other (Bulk API 1.0)"
        )
        parser.add_argument(
            "--job-seconds", metavar="S", type=float, help="how long to wait for one job; default: a day"
        )
        add_run_seconds(parser)
        parser.set_defaults(run=run, verb=name)


def run(chosen: argparse.Namespace, console: Console) -> int:
    verb = chosen.verb
    if verb == "hard-delete" and chosen.file != "-":
        question = f"The records of {chosen.sobject} that {chosen.file} names will be gone for good."
        if not console.confirm(question):
            raise UsageError("Not confirmed. Nothing was sent.")
    options = {name: getattr(chosen, name, None) for name in _OPTIONS}
    arguments: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if verb not in _DELETIONS:
        arguments["nulls"] = chosen.nulls
    if verb == "upsert":
        arguments["external_id"] = chosen.external_id
    if chosen.map:
        arguments["rename"] = renamed(chosen.map)
    with opened(chosen) as org, given.rows(chosen.file) as path:
        method = getattr(org, verb.replace("-", "_"))

        def load() -> IngestResult:
            with Progress(console, chosen.progress, f"{verb} {chosen.sobject}") as progress:
                return cast("IngestResult", method(chosen.sobject, path, on_progress=progress.loaded, **arguments))

        return finished(console, chosen.outcomes, load, is_input_kept=chosen.file != "-")

"""``sfbulk jobs``: the org's jobs, of every API."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from .common import Commands, command, opened
from .console import Console, counted, printable, table
from .exits import OK

if TYPE_CHECKING:
    from ..records import Job2Info
    from ..verbs.jobs import Job

_HEADS: Final = ("job", "type", "operation", "object", "state", "created")


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "jobs",
        "the org's jobs: list, show, abort, delete, results",
        "The jobs of the last seven days that the org lists, of every API, whoever made them. Without a command: list.",
    )
    verbs = parser.add_subparsers(dest="jobs_command", metavar="COMMAND")
    parser.set_defaults(run=run_list)
    command(verbs, "list", "list them").set_defaults(run=run_list)
    for name, help, run in (
        ("show", "all that the org says of one", run_show),
        ("abort", "stop one; what it applied stays applied", run_abort),
        ("delete", "delete one and its results, not the records", run_delete),
        ("results", "the results of one, as the org sends them", run_results),
    ):
        one = command(verbs, name, help)
        one.add_argument("job_id", metavar="JOB", help="id of the job, 750...")
        one.set_defaults(run=run)
    one.add_argument("--output", "-o", metavar="FILE", type=Path, help="a CSV file; default: stdout")
    one.add_argument(
        "--kind",
        choices=("succeeded", "failed", "unprocessed"),
        help="of a load by Bulk API 2.0, which has one file for each",
    )


def run_list(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org:
        jobs = sorted(org.jobs(), key=lambda job: str(job.wire.get("createdDate", "")))
    text = table(_HEADS, [_line(job) for job in jobs]) if jobs else "There are no jobs."
    console.report(text, [dict(job.wire) for job in jobs])
    return OK


def _line(job: Job2Info) -> tuple[object, ...]:
    """The list has no counters: "Get All Jobs" leaves them out, for query jobs the type, too."""
    return job.id, job.job_type or "V2Query", job.operation, job.sobject, job.state, job.wire.get("createdDate", "")


def run_show(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org:
        _show(console, org.job(chosen.job_id))
    return OK


def run_abort(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org:
        _show(console, org.job(chosen.job_id).abort())
    return OK


def run_delete(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org:
        job = org.job(chosen.job_id)
        if not console.confirm(f"Job {job.id} and its results will be gone."):
            raise UsageError("Not confirmed. Nothing was deleted.")
        job.delete()
    console.report(f"job {job.id} is deleted", {"id": job.id, "deleted": True})
    return OK


def run_results(chosen: argparse.Namespace, console: Console) -> int:
    if chosen.output is None and console.json:
        raise UsageError("--json and the rows both go to stdout. Nothing was sent. Write the rows to a file: -o FILE.")
    with opened(chosen) as org, tempfile.TemporaryDirectory(prefix="sfbulk-") as folder:
        # Counted before the first byte goes out.
        path = chosen.output or Path(folder, "results.csv")
        count = org.job(chosen.job_id).results(path, chosen.kind)
        if chosen.output is None:
            _copy(path, console)
            return OK
    console.report(f"{counted(count)} in {path}", {"id": chosen.job_id, "file": str(path), "rows": count})
    return OK


def _copy(path: Path, console: Console) -> None:
    with console.writing(), path.open("rb") as file:
        shutil.copyfileobj(file, console.data)
        console.data.flush()


def _show(console: Console, job: Job) -> None:
    wire: Mapping[str, Any] = job.info.wire
    width = max(map(len, wire), default=0)
    console.report(
        "\n".join(f"{name.ljust(width)}  {printable(str(value))}" for name, value in wire.items()), dict(wire)
    )

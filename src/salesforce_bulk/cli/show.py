"""``sfbulk show``: one run, as its journal and its receipt tell of it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import JournalError
from .common import Commands, command
from .console import Console, counted, printable
from .exits import OK
from .runs import document_of

if TYPE_CHECKING:
    from ..verbs.runs import Run


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "show",
        "one run: how far it has come, its jobs and its errors",
        "One load, or a query that a program keeps the pages of, as its journal and its receipt on this machine tell of it. No "
        "org is asked.",
    )
    parser.add_argument("run_id", metavar="RUN", help="id of the run")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    from ..journal.folder import RunFolder
    from ..journal.journal import read
    from ..verbs.runs import runs

    folder = RunFolder.of(chosen.run_id)
    found = next((run for run in runs() if run.run_id == chosen.run_id), None)
    if found is None:
        read(folder.path)  # which says what is wrong with it
        raise JournalError(f"Run {chosen.run_id} is no load. Nothing was sent.")
    receipt = folder.read_receipt()
    # A run that was killed has no receipt, or one of an earlier try: its journal knows better.
    told = {**receipt, **document_of(found)} if found.state != "finished" else {**document_of(found), **receipt}
    console.report("\n".join(_lines(found, receipt)), told)
    return OK


def _lines(run: Run, receipt: Mapping[str, Any]) -> Iterator[str]:
    is_query = run.operation.startswith("query")
    yield f"run          {run.run_id} ({run.state})"
    yield f"{'query' if is_query else 'load':<13}{run.operation} {run.sobject}"
    yield f"org          {' at '.join(filter(None, (run.org_id, run.host)))}"
    yield f"started at   {run.started_at}"
    if is_query:
        yield f"pages        {run.parts} kept, of {counted(run.succeeded)}"
        if run.state == "unfinished":
            yield f"go on with   sf.resume_query({run.run_id!r}), in a program"
        return
    yield f"parts        {run.settled} of {run.parts} settled"
    yield f"rows         {run.succeeded:_} succeeded, {run.failed:_} failed, {run.unprocessed:_} unprocessed"
    for job in receipt.get("jobs", ()):
        said = f": {job['said']}" if job.get("said") else ""
        yield f"job          {job['id']} {job['state']}, {counted(job['rows'])}{printable(said)}"
    for error in receipt.get("errors", ()):
        yield f"error        {printable(error['code'])}: {counted(error['count'])}, such as row {error['example_row']}"
    if run.state == "unfinished":
        yield f"go on with   sfbulk resume {run.run_id}"

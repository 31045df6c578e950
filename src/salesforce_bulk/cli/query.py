"""``sfbulk query``: the rows of a query, to stdout or into a file."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from .common import Commands, add_run_seconds, command, opened
from .console import Console, as_json, counted
from .exits import OK
from .progress import Progress

if TYPE_CHECKING:
    from ..results import QueryResult

_WRITERS: Final[dict[str, Callable[[QueryResult, Path], int]]] = {
    ".csv": lambda result, path: result.to_csv(path),
    ".jsonl": lambda result, path: result.to_jsonl(path),
    ".parquet": lambda result, path: result.to_parquet(path),
    ".arrow": lambda result, path: result.to_arrow_file(path),
}


#: Those that pyarrow writes.
_ARROW: Final = (".parquet", ".arrow")


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "query",
        "run a query; its rows as CSV to stdout, or into a file",
        "Run a query. Its rows go to stdout as CSV, as they come, or into a file, which appears when it is complete. With "
        "--json and no file, the receipt has them, as records. Rows keep the order in which the org gives them, and are "
        "counted against what the org says.",
    )
    parser.add_argument("soql", metavar="SOQL", help='the query, such as "SELECT Id, Name FROM Account"')
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        default="-",
        help="FILE.csv, FILE.parquet, FILE.jsonl or FILE.arrow; default: CSV on stdout",
    )
    parser.add_argument("--deleted", action="store_true", help="deleted and archived records, too")
    parser.add_argument(
        "--api",
        choices=("auto", "bulk2", "bulk1", "rest"),
        default="auto",
        help="how the rows travel; default: Bulk API 2.0, and REST for what no bulk query takes",
    )
    parser.add_argument(
        "--types",
        choices=("describe", "text"),
        default="describe",
        help="of the columns in typed files: as the org describes the fields, or text as sent",
    )
    parser.add_argument("--page-rows", metavar="N", type=int, help="rows a page; default: as the org likes")
    parser.add_argument(
        "--pk-chunking", action="store_true", help="let the org cut the query into ranges of ids (Bulk API 1.0)"
    )
    parser.add_argument("--job-seconds", metavar="S", type=float, help="how long to wait for the job; default: a day")
    add_run_seconds(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    to_stdout = chosen.output == "-"
    write = None if to_stdout else _writer(chosen.output)
    # On a terminal, a line on the way would stand among the rows.
    how = "none" if to_stdout and chosen.progress == "auto" and sys.stdout.isatty() else chosen.progress
    with opened(chosen) as org, Progress(console, how, "query") as progress:
        result = org.query(chosen.soql, **_options(chosen))
        watched = result.through(progress.watch) if progress.is_wanted else result
        if write is None:
            return (_to_document if console.json else _to_stdout)(watched, console)
        count = write(watched, Path(chosen.output))
    console.say(f"{counted(count)} in {chosen.output}")
    if console.verbose:
        console.say(f"by {result.receipt['api']}: {result.receipt['why']}; {result.receipt['requests']} requests")
    if console.json:
        console.document(result.receipt)
    return OK


def _options(chosen: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {
        "deleted": chosen.deleted,
        "api": chosen.api,
        "types": chosen.types,
        "page_rows": chosen.page_rows,
        "run_seconds": chosen.run_seconds,
    }
    if chosen.pk_chunking:
        from ..records import PkChunking

        options["pk_chunking"] = PkChunking()
    if chosen.job_seconds is not None:
        options["job_seconds"] = chosen.job_seconds
    return options


def _writer(output: str) -> Callable[[QueryResult, Path], int]:
    """
    Raises:
        UsageError: Nothing can be written there. Nothing was sent.
    """
    kinds = ", ".join(_WRITERS)
    if "://" in output:
        raise UsageError(f"Databases are not written to yet. Nothing was sent. -o takes a file: {kinds}.")
    path = Path(output)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(f"{output} is of no kind that can be written. Nothing was sent. -o takes a file: {kinds}.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise UsageError(f"{output} cannot be written: {why}. Nothing was sent.")
    if path.suffix.lower() in _ARROW and find_spec("pyarrow") is None:
        raise UsageError(f"{output} needs pyarrow: pip install 'salesforce-bulk[arrow]'. Nothing was sent.")
    return writer


def _to_stdout(result: QueryResult, console: Console) -> int:
    """As they come: what is not complete in the end is an error, and the rows before it have been read by then."""
    with console.writing():
        result.write_csv(console.data)
        console.data.flush()
    return OK


def _to_document(result: QueryResult, console: Console) -> int:
    """The receipt with the rows in it, as ``records``. Nothing is said before all of them are there and counted."""
    with tempfile.TemporaryDirectory(prefix="sfbulk-") as folder:
        path = Path(folder, "records.jsonl")
        result.to_jsonl(path)
        with console.writing(), path.open("rb") as lines:
            before = b'{"records": [\n'
            for line in lines:
                console.data.write(before + line.rstrip(b"\n"))
                before = b",\n"
            end = b"\n], " if before == b",\n" else b'{"records": [], '
            console.data.write(end + as_json(result.receipt).removeprefix("{").encode() + b"\n")
            console.data.flush()
    return OK

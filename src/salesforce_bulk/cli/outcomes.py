"""What a load hands back on the command line: a summary or the receipt, and files of its rows by what became of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import JobError, OutputError, UsageError
from .console import Console, counted, printable
from .exits import exit_code_of_rows

if TYPE_CHECKING:
    from ..results import IngestResult, Only

_KINDS: Final[tuple[Only, ...]] = ("succeeded", "failed", "unprocessed")
#: How many of the rows that failed are shown.
_SHOWN: Final = 3


def add_outcomes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--outcomes",
        metavar="DIR",
        type=Path,
        help="write succeeded.csv, failed.csv and unprocessed.csv there: the rows of the input, with sf__Id, sf__Created "
        "and sf__Error",
    )


def finished(
    console: Console, folder: Path | None, load: Callable[[], IngestResult], *, is_input_kept: bool = True
) -> int:
    """Perform *load*, tell what came of it, and say with which code to exit. A job that failed is told of, too, before its
    error goes on.
    """
    if folder is not None:
        _make(folder)
    try:
        result = load()
    except JobError as error:
        if error.result is not None:
            _tell(console, error.result, folder, is_input_kept=is_input_kept)
        raise
    _tell(console, result, folder, is_input_kept=is_input_kept)
    if console.json:
        console.document(result.receipt)
    return exit_code_of_rows(result.failed, result.unprocessed)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"No outcomes can be written to {folder} ({error.strerror or error}). Nothing was sent."
        ) from error


def _tell(console: Console, result: IngestResult, folder: Path | None, *, is_input_kept: bool) -> None:
    """
    Raises:
        OutputError: The load is done, and the files of its outcomes are not there.
    """
    for line in summary(console, result):
        console.say(line)
    if folder is None:
        if (result.failed or result.unprocessed) and is_input_kept:
            console.say(console.ours(f"sf.resume({result.run_id!r}) --outcomes DIR writes down which rows they are"))
        return
    try:
        for kind in _KINDS:
            count = result.to_csv(folder / f"{kind}.csv", only=kind)
            console.say(f"{counted(count)} in {folder / f'{kind}.csv'}")
    except OutputError as error:
        error.run_id = result.run_id
        error.add_note(f"The load is done. Write its outcomes: sf.resume({result.run_id!r}) --outcomes DIR")
        raise


def summary(console: Console, result: IngestResult) -> Iterator[str]:
    """Lines for people."""
    receipt = result.receipt
    failed = f"{result.failed:_} failed"
    yield (
        f"{receipt['operation']} {receipt['object']}: {result.succeeded:_} succeeded, "
        f"{console.red(failed) if result.failed else failed}, {result.unprocessed:_} unprocessed (run {result.run_id})"
    )
    for error in receipt["errors"]:
        yield f"  {printable(error['code'])}: {counted(error['count'])}"
    for outcome in islice((one for one in result.failures() if one.state == "failed"), _SHOWN):
        yield f"  row {outcome.row}: {printable(f'{outcome.code} {outcome.message}')}"
    if console.verbose:
        yield f"  by {receipt['api']}: {receipt['why']}"
        for job in receipt["jobs"]:
            yield f"  {job['id']} {job['state']}: {counted(job['rows'])}"
        yield (
            f"  {receipt['requests']:_} requests, {receipt['retries']:_} of them repeated; {receipt['bytes_sent']:_} bytes "
            f"sent, {receipt['bytes_received']:_} received; {receipt['seconds']:.1f} s"
        )

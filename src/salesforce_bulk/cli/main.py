"""``sfbulk``: reads the command line and calls the command."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from ..__version__ import __version__
from ..errors import JobError, JournalError, SalesforceBulkError
from . import check, describe, jobs, limits, load, local, query, resume, runs, show, versions
from .common import add_common
from .console import Console
from .endings import ending_on_signals
from .exits import BUG, MEANINGS, exit_code_of_error

#: In the order of the help. What a command needs is imported when it runs.
_COMMANDS: Final = (query, load, check, resume, runs, show, jobs, describe, limits, versions, local)


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="sfbulk",
        description="Move data in and out of Salesforce.",
        epilog="exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items()),
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"sfbulk {__version__}", help="say the version")
    add_common(root)
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for one in _COMMANDS:
        one.add_to(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us: what we say goes nowhere
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 -- it stays open
    chosen = parser().parse_args(arguments)
    console = Console(chosen)
    try:
        with ending_on_signals():
            return int(chosen.run(chosen, console))
    except (SalesforceBulkError, KeyboardInterrupt, OSError) as error:
        code = exit_code_of_error(error)
        console.error(error, code, _receipt_of(error) if console.json else None)
        return code
    except Exception:
        console.bug(traceback.format_exc(), BUG)
        return BUG


def _receipt_of(error: BaseException) -> Mapping[str, Any] | None:
    """The receipt of the run that ended with *error*, if there was one."""
    if isinstance(error, JobError) and error.result is not None:
        receipt: Mapping[str, Any] = error.result.receipt
        return receipt
    run_id = getattr(error, "run_id", None)
    if run_id is None:
        return None
    from ..journal.folder import RunFolder

    with suppress(JournalError):
        return RunFolder.of(run_id).read_receipt()
    return None


if __name__ == "__main__":
    sys.exit(main())

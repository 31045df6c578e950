"""``sfbulk``: reads the command line and calls the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..__version__ import __version__
from ..errors import UsageError
from . import local

#: Exit codes that we promise. The others come with the commands that need them.
OK, BUG, USAGE = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="sfbulk", description="Move data in and out of Salesforce.")
    root.add_argument("--version", action="version", version=f"sfbulk {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    local.add_to(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except UsageError as error:
        print(error, file=sys.stderr)
        return USAGE


if __name__ == "__main__":
    sys.exit(main())

"""``--map``: columns of the input under the names of the fields that they are for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..errors import UsageError

#: Between the field and the column.
_SIGN: Final = "="


def add_map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        metavar="NEW=OLD",
        action="append",
        help="the field NEW takes the column OLD; again for others, or a FILE with one a line",
    )


def renamed(given: Iterable[str]) -> dict[str, str]:
    """Old names of columns -> new ones.

    Raises:
        UsageError: One of them names no column and field, or one column is to have two names. Nothing was sent.
    """
    found: dict[str, str] = {}
    for text in given:
        lines = [text] if _SIGN in text else _lines(Path(text))
        for line in lines:
            new, sign, old = (part.strip() for part in line.partition(_SIGN))
            if not (new and sign and old):
                raise UsageError(f"--map takes NEW=OLD, not {line!r}. Nothing was sent.")
            if found.setdefault(old, new) != new:
                raise UsageError(f"--map gives the column {old!r} two names, {found[old]} and {new}. Nothing was sent.")
    return found


def _lines(path: Path) -> list[str]:
    """What a file holds, but for empty lines and those that begin with #."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--map takes NEW=OLD, or a file with one a line, and {path} cannot be read ({why}). Nothing was sent."
        ) from error
    return [line for line in lines if line.strip() and not line.startswith("#")]

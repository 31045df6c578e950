"""The form of a row in which it equals its echo: without all that the org may change when it writes it anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final

from ..wire.names import NULL_CELL

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


def picker(places: Sequence[int], width: int) -> Callable[[Sequence[str]], Sequence[str]]:
    """Takes the cells at *places* out of a row; cells that a short row lacks are empty."""
    if list(places) == list(range(width)):
        return lambda row: row if len(row) == width else [*row, *[""] * (width - len(row))][:width]
    if len(places) > 1 and list(places) == list(range(places[0], width)):
        first = places[0]
        return lambda row: row[first:] if len(row) == width else [*row, *[""] * (width - len(row))][first:width]
    get: Any = itemgetter(*places) if len(places) > 1 else lambda row: tuple(row[place] for place in places)

    def picked(row: Sequence[str]) -> Sequence[str]:
        try:
            return get(row)  # type: ignore[no-any-return]
        except IndexError:
            return get([*row, *[""] * width])  # type: ignore[no-any-return]

    return picked


def broken(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def canonical(cells: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The cells without all that an echo may change."""
    return tuple([_same(cell, name) for cell, name in zip(cells, names, strict=False)])


def _same(cell: str, name: str) -> str:
    if not cell or cell == NULL_CELL:
        return ""
    cell = broken(cell).strip()
    if name == "id":
        return cell[:15]  # 15 and 18 characters name the same record
    if _NUMBER.match(cell):
        return _number(cell)
    lower = cell.lower()
    if lower in ("true", "false"):
        return lower
    if _DATETIME.match(cell):
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            return cell
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return cell


def _number(cell: str) -> str:
    try:
        return float.__repr__(float(cell))
    except ValueError:
        return cell

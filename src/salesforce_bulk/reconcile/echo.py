"""The three result files, and how the org echoes in them what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, Protocol

from ..errors import ReconciliationError
from ..frozen import frozen
from ..wire.names import NULL_CELL

#: So many rows of a file are looked at to find the columns that the org writes in its own way.
LOOK_ROWS: Final = 1_000
#: As Java writes a double: 0.0, 150.25, 9.12260031E8.
_DOUBLE: Final = re.compile(r"-?\d+\.\d+(?:E-?\d+)?\Z", re.ASCII)


class Rows(Protocol):
    """A result file as rows: its header and its cells. A file of no bytes has no columns and no rows."""

    @property
    def columns(self) -> Sequence[str]: ...

    def __iter__(self) -> Iterator[Sequence[str]]: ...


@frozen
class Echo:
    """What a part and its result files are compared by."""

    #: The columns that every file with rows echoes, by their places in what was sent.
    shared: tuple[int, ...]
    #: Those of them whose values the org writes as Java writes a double, by their places in *shared*.
    doubles: tuple[int, ...]
    #: ``#N/A`` comes back as it was sent; else it comes back as nothing.
    keeps_null: bool


def echo_of(columns: Sequence[str], files: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> Echo:
    """How the org echoes these columns, from the headers and the first :data:`LOOK_ROWS` rows of the three files.

    Raises:
        ReconciliationError: The files have none of the columns that were sent.
    """
    return echo_of_files(columns, [File(kind, header, look) for kind, (header, look) in enumerate(files)])


def echo_of_files(columns: Sequence[str], files: Sequence[File]) -> Echo:
    names = [name.lower() for name in columns]
    answered = [file for file in files if file.look]
    shared = tuple(place for place, name in enumerate(names) if all(name in file.columns for file in answered))
    if answered and columns and not shared:
        raise ReconciliationError(
            "The result files have none of the columns that were sent; they belong to another job. No outcome was "
            "assigned. Fetch them again."
        )
    doubles = tuple(place for place, sent in enumerate(shared) if _is_double(names[sent], answered))
    return Echo(shared, doubles, any(NULL_CELL in row for file in answered for row in file.look))


class File:
    """One result file: where its columns are, and its rows."""

    def __init__(self, kind: int, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.kind = kind
        places = {name.strip("\0").lower(): place for place, name in reversed(list(enumerate(columns)))}
        self.columns = places
        self.identity = places.get("sf__id")
        self.created = places.get("sf__created")
        self.error = places.get("sf__error")
        self.count = 0
        self._rows = iter(rows) if places else iter(())
        self.look: list[Sequence[str]] = list(islice(self._rows, LOOK_ROWS))

    def __iter__(self) -> Iterator[Sequence[str]]:
        for row in chain(self.look, self._rows):
            self.count += 1
            yield row


def _is_double(name: str, files: Iterable[File]) -> bool:
    """Whether the org writes all values of a column as Java writes a double."""
    seen = False
    for file in files:
        if file.kind != 0:
            continue
        place = file.columns[name]
        for row in file.look:
            cell = row[place] if place < len(row) else ""
            if cell and cell != NULL_CELL:
                if _DOUBLE.match(cell) is None:
                    return False
                seen = True
    return seen

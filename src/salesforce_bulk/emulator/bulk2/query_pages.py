"""The result of a query job: computed once, kept in two files, read in pages of any size from any row on.

``rows`` holds the lines as they are sent, ``index`` where each begins (8 bytes a line, one more for the end). A page is a
stretch of the first file, so sending it is copying. Source: bulk-api-2.md 3.6, 3.7, 6.2.
"""

from __future__ import annotations

import base64
import csv
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

from ..http.files import file_pieces
from ..rendering.values import java_double, number, text_of
from ..soql import Column, Compiled
from .jobs import Job2
from .requests import DELIMITERS, LINE_ENDS

#: Records rendered at a time.
SLICE: Final = 1_000
#: Up to this version columns are sorted by name.
LAST_VERSION_WITH_SORTED_COLUMNS: Final = 49.0
_OFFSET_BYTES: Final = 8
_NUMBERS: Final = ("double", "currency", "percent")


@dataclass(frozen=True)
class Place:
    """What a locator stands for: the first row of a page and, in a link, the row before which it ends."""

    start: int
    end: int | None = None


def write_locator(job: Job2, place: Place) -> str:
    """Opaque; recorded as unpadded base64 of ``0:{id of a result file}:1``."""
    numbers = f"{place.start}" if place.end is None else f"{place.start}-{place.end}"
    return base64.urlsafe_b64encode(f"0:{job.result}:{numbers}".encode()).decode().rstrip("=")


def read_locator(job: Job2, text: str) -> Place | None:
    """None when it is no locator of this job."""
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return None
    found = re.fullmatch(rf"0:{job.result}:(\d{{1,15}})(?:-(\d{{1,15}}))?", plain, re.ASCII)
    return Place(int(found[1]), int(found[2]) if found[2] else None) if found else None


class Spool:
    """The kept result of a query job."""

    def __init__(self, rows: Path, index: Path) -> None:
        self._rows = rows
        self._index = index

    def write(self, job: Job2, compiled: Compiled, records: Iterator[Sequence[Any]], *, exponents: bool) -> int:
        """Render *records*, a slice at a time, until the job is aborted. Returns how many there are."""
        render = renderer(job, compiled, exponents=exponents)
        position = 0
        with self._rows.open("wb") as rows, self._index.open("wb") as index:
            while not job.has_ended and (some := list(islice(records, SLICE))):
                lines = render(some)
                text = "".join(lines)
                data = text.encode("utf-8", "replace")
                lengths = (
                    map(len, lines) if len(data) == len(text) else (len(x.encode("utf-8", "replace")) for x in lines)
                )
                # The start of each line; that of the line after the last comes with the next slice, or at the end.
                starts = array("Q", accumulate(lengths, initial=position))
                position = starts.pop()
                starts.tofile(index)
                rows.write(data)
            array("Q", [position]).tofile(index)
        return self._index.stat().st_size // _OFFSET_BYTES - 1

    @property
    def size(self) -> int:
        return self._rows.stat().st_size

    def page(self, start: int, end: int) -> Iterator[bytes]:
        """Lines *start* up to *end*."""
        with self._index.open("rb") as index:
            first, last = _offset(index, start), _offset(index, end)
        return file_pieces(self._rows, first, last)


def _offset(index: IO[bytes], number: int) -> int:
    index.seek(number * _OFFSET_BYTES)
    return array("Q", index.read(_OFFSET_BYTES))[0]


def shown_places(job: Job2, compiled: Compiled) -> list[int]:
    """The columns in the order in which they are sent."""
    places = list(range(len(compiled.columns)))
    if float(job.api_version) <= LAST_VERSION_WITH_SORTED_COLUMNS:
        places.sort(key=lambda place: compiled.columns[place].name.lower())
    return places


def header_line(job: Job2, compiled: Compiled) -> str:
    names = [f'"{compiled.columns[place].name}"' for place in shown_places(job, compiled)]
    return DELIMITERS[job.delimiter].join(names) + LINE_ENDS[job.line_ending]


def renderer(job: Job2, compiled: Compiled, *, exponents: bool) -> Callable[[list[Sequence[Any]]], list[str]]:
    """Records to lines. All is quoted, null is ``""``."""
    places = shown_places(job, compiled)
    writers = [_text(compiled.columns[place], exponents=exponents) for place in places]
    dialect: dict[str, Any] = {
        "delimiter": DELIMITERS[job.delimiter], "lineterminator": LINE_ENDS[job.line_ending], "quoting": csv.QUOTE_ALL,
    }  # fmt: skip

    def render(records: list[Sequence[Any]]) -> list[str]:
        # Column by column: most are text and need nothing.
        columns = list(zip(*records, strict=True))
        shown: list[Sequence[Any]] = []
        for place, text in zip(places, writers, strict=True):
            values = columns[place]
            shown.append(values if text is None else [None if value is None else text(value) for value in values])
        lines: list[str] = []
        csv.writer(SimpleNamespace(write=lines.append), **dialect).writerows(zip(*shown, strict=True))
        return lines

    return render


def _text(column: Column, *, exponents: bool) -> Callable[[Any], str] | None:
    """How values of *column* are written; None when they are text already."""
    if column.type in _NUMBERS:
        return (lambda value: java_double(float(value))) if exponents else number
    text = text_of(column)
    return None if text is str else text

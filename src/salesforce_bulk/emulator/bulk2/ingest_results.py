"""The result files of an ingest job. Source: bulk-api-2.md 6.1.

The sf__ columns stand in quotes, the uploaded header follows as it was uploaded, every value is quoted. Delimiter and line
end are those of the job.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import IO, Final

from salesforce_bulk.wire.names import ResultColumn

from ..rendering.row_errors import error_cell, escaped
from ..rendering.values import java_double
from ..schema import SObject
from ..store import SaveResult
from .jobs import Job2
from .requests import DELIMITERS, LINE_ENDS

SUCCESSFUL: Final = "successful"
FAILED: Final = "failed"
_FIRST: Final = {
    SUCCESSFUL: (ResultColumn.ID, ResultColumn.CREATED),
    FAILED: (ResultColumn.ID, ResultColumn.ERROR),
}
#: The first version whose failedResults have sf__Id, "as documented".
FIRST_VERSION_WITH_FAILED_IDS: Final = 53.0
_NUMBERS: Final = frozenset({"double", "currency", "percent"})


def head(job: Job2, kind: str, header: str) -> str:
    """The first line. Nothing at all when nothing was uploaded."""
    if not header:
        return ""
    columns = [f'"{name}"' for name in _FIRST.get(kind, ()) if kind == SUCCESSFUL or _shows(job, name)]
    return DELIMITERS[job.delimiter].join([*columns, header]) + LINE_ENDS[job.line_ending]


def quoted_lines(rows: Iterable[Sequence[str | None]], job: Job2) -> list[str]:
    """Each row as a line of quoted values."""
    lines: list[str] = []
    csv.writer(
        SimpleNamespace(write=lines.append),
        delimiter=DELIMITERS[job.delimiter],
        quoting=csv.QUOTE_ALL,
        lineterminator=LINE_ENDS[job.line_ending],
    ).writerows(rows)
    return lines


class ResultWriter:
    """Gathers the outcomes of one internal batch, and writes them when it is full."""

    def __init__(self, job: Job2, sobject: SObject, columns: Sequence[str], *, in_order: bool, blanks: bool) -> None:
        self.job = job
        self._in_order = in_order
        self._width = len(columns)
        fields = [sobject.field(name) for name in columns]
        self._numbers = [place for place, field in enumerate(fields) if field is not None and field.type in _NUMBERS]
        self._blank = [
            place for place, field in enumerate(fields) if blanks and field is not None and field.name != columns[place]
        ]
        self._with_id = _shows(job, ResultColumn.ID)
        self._successful: list[str] = []
        self._failed: list[str] = []

    def add(self, results: Sequence[SaveResult], records: Sequence[Sequence[str]]) -> int:
        """Take the outcomes of some rows. Returns how many failed."""
        successful: list[list[str | None]] = []
        failed: list[list[str | None]] = []
        for result, record in zip(results, records, strict=True):
            cells = self._echo(record)
            if result.success:
                successful.append([result.id, "true" if result.created else "false", *cells])
            else:
                for place in self._blank:
                    cells[place] = ""
                errors = escaped(error_cell(result.errors))
                failed.append([result.id or "", errors, *cells] if self._with_id else [errors, *cells])
        self._successful += quoted_lines(successful, self.job)
        self._failed += quoted_lines(failed, self.job)
        return len(failed)

    def write(self, successful: IO[bytes], failed: IO[bytes]) -> None:
        """End the batch: what was gathered goes into the files."""
        for lines, file in ((self._successful, successful), (self._failed, failed)):
            ordered = lines if self._in_order else another_order(lines)
            file.write("".join(ordered).encode("utf-8", "replace"))
            file.flush()
            lines.clear()

    def _echo(self, record: Sequence[str]) -> list[str]:
        """The values as the org read them: numbers come back as Java writes them."""
        cells = list(record[: self._width])
        if len(cells) < self._width:
            cells += [""] * (self._width - len(cells))
        for place in self._numbers:
            if cells[place]:
                cells[place] = _number(cells[place])
        return cells


def another_order(lines: Sequence[str]) -> list[str]:
    """Every third line from the third on, from the second, from the first: never the order of the upload, always alike."""
    return [*lines[2::3], *lines[1::3], *lines[::3]]


def _shows(job: Job2, name: str) -> bool:
    return name != ResultColumn.ID or float(job.api_version) >= FIRST_VERSION_WITH_FAILED_IDS


def _number(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return text
    # What float() takes and the org does not (an underscore, "nan") stays as it was sent.
    return java_double(value) if text[-1:].isdigit() or text[-1:] == "." else text

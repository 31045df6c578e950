"""CSV results -> rows. The text of every cell arrives as it was sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from ..errors import MalformedResult
from ..wire.names import NO_RECORDS
from .quoted import CUT_AT_COMMA, blocks_of_rows
from .streams import PieceReader, Texts, without_bom

# The csv module refuses cells of more than 131,072 characters, a limit that belongs to the whole process. It guards
# against a file whose quote never closes; here the longest cell is bounded by the file, and a query result file is at
# most 1 GB (limits quick reference). So that is how far we raise it, and only if the program has not gone further.
MAX_CELL_CHARACTERS: Final = 1_000_000_000


def raise_csv_limit() -> None:
    """For whoever calls the csv module."""
    if csv.field_size_limit() < MAX_CELL_CHARACTERS:
        csv.field_size_limit(MAX_CELL_CHARACTERS)


def _raw_rows(pieces: Iterable[bytes]) -> Iterator[list[str]]:
    """The records, blank lines left out ("Prepare CSV Files": they are skipped)."""
    raise_csv_limit()
    return chain.from_iterable(blocks_of_rows(Texts(pieces)))


def _malformed(error: Exception, row: int) -> Exception:
    """What *error* says about the file, as ours. An error that comes from elsewhere is handed back unchanged.

    *row* counts from 0; -1 is the header.
    """
    where = "the header" if row < 0 else f"row {row}"
    number = None if row < 0 else row
    if isinstance(error, UnicodeDecodeError):
        return MalformedResult(
            f"The CSV result is not valid UTF-8 after {where}: it is cut off or damaged. "
            "Its rows from there on were not read. Fetch the result again.",
            row=number,
        )
    if isinstance(error, csv.Error):
        return MalformedResult(
            f"The CSV result is broken in {where}: {error}. It is cut off or damaged; "
            "its rows from there on were not read. Fetch the result again.",
            row=number,
        )
    if "values to unpack" in str(error):
        return _wrong_width(row)
    return error


def _wrong_width(row: int) -> MalformedResult:
    return MalformedResult(
        f"Row {row} of the CSV result has more or fewer cells than the header has columns. It is cut off or damaged; "
        "its rows from there on were not read. Fetch the result again.",
        row=row,
    )


class CsvRecords:
    """An iterator of rows, each a list of ``str``; the header is ``columns``.

    Nothing is read before the first row or ``columns`` is asked for. A body of no bytes has no columns and no rows, and
    so has the sentence that the org sends for a query without rows.

    Raises:
        MalformedResult: Invalid UTF-8, a quote that never closes, or a row that does not fit the header. A file
            that was cut off inside a row is never a short result.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._rows = _raw_rows(pieces)
        self._columns: list[str] | None = None
        self._next: Callable[[], list[str]] | None = None

    @property
    def columns(self) -> list[str]:
        if self._columns is None:
            self._columns = _read_header(self._rows)
            if not self._columns:
                self._rows = iter(())
        return self._columns

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        if self._next is None:
            self._next = self._checked(len(self.columns)).__next__
        return self._next()

    def _checked(self, width: int) -> Iterator[list[str]]:
        row = 0
        try:
            for cells in self._rows:
                if len(cells) != width:
                    raise _wrong_width(row)
                yield cells
                row += 1
        except (ValueError, csv.Error) as error:
            ours = _malformed(error, row)
            if ours is error:
                raise
            raise ours from error

    def __repr__(self) -> str:
        return "<CsvRecords>" if self._columns is None else f"<CsvRecords {len(self._columns)} columns>"


def _read_header(rows: Iterator[list[str]]) -> list[str]:
    try:
        header = next(rows, [])
        if header == [NO_RECORDS]:
            if next(rows, None) is not None:
                raise MalformedResult(f"The CSV result says {NO_RECORDS!r} and yet goes on. Fetch the result again.")
            return []
    except (ValueError, csv.Error) as error:
        ours = _malformed(error, -1)
        if ours is error:
            raise
        raise ours from error
    return header


_Maker = Callable[[Iterator[list[str]], Callable[[Exception, int], Exception]], Iterator[dict[str, str]]]


@lru_cache(maxsize=64)
def _dict_maker(columns: tuple[str, ...]) -> _Maker:
    """A generator function made for these columns: ``{'Id': v0, 'Name': v1, ...} for v0, v1, ... in rows``.

    Taking a row apart by name costs 1.2 us for 25 columns, ``dict(zip())`` costs 2.0, and the width of the row is checked
    on the way. Column names enter the source only through ``repr``, so they are literals whatever they contain.
    """
    variables = [f"v{number}" for number in range(len(columns))]
    items = ", ".join(f"{column!r}: {variable}" for column, variable in zip(columns, variables, strict=True))
    source = (
        "def dicts(rows, malformed):\n"
        " row = 0\n"
        " try:\n"
        f"  for {', '.join(variables)}, in rows:\n"
        f"   yield {{{items}}}\n"
        "   row += 1\n"
        " except (ValueError, Error) as error:\n"
        "  ours = malformed(error, row)\n"
        "  if ours is error:\n"
        "   raise\n"
        "  raise ours from error\n"
    )
    names: dict[str, Any] = {"Error": csv.Error}
    exec(source, names)  # noqa: S102 -- see above: literals only
    made: _Maker = names["dicts"]
    return made


class DictRows:
    """An iterator of dicts, as ``csv.DictReader`` gives them, but whole: see :class:`CsvRecords`.

    ``for row in DictRows(pieces)`` runs at the speed of the generator behind it.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._rows = _raw_rows(pieces)
        self._fieldnames: list[str] | None = None
        self._dicts: Iterator[dict[str, str]] | None = None

    @property
    def fieldnames(self) -> list[str]:
        if self._fieldnames is None:
            self._fieldnames = _read_header(self._rows)
        return self._fieldnames

    def __iter__(self) -> Iterator[dict[str, str]]:
        if self._dicts is None:
            columns = tuple(self.fieldnames)
            self._dicts = _dict_maker(columns)(self._rows, _malformed) if columns else iter(())
        return self._dicts

    def __next__(self) -> dict[str, str]:
        return next(self._dicts if self._dicts is not None else iter(self))

    def __repr__(self) -> str:
        return "<DictRows>" if self._fieldnames is None else f"<DictRows {len(self._fieldnames)} columns>"


def record_texts(pieces: Iterable[bytes]) -> Iterator[str]:
    """The text of each CSV record, header first, without its line end. Line breaks inside quotes stay.

    Blank lines are left out, and so is the sentence for "no rows" when it stands alone.
    """
    # A line ends at LF, CRLF or CR, and at nothing else (not at U+2028). Its end is kept as it is.
    lines = io.TextIOWrapper(PieceReader(without_bom(pieces)), encoding="utf-8", newline="")
    records = _records(lines)
    first = next(records, None)
    if first is None:
        return
    if first.strip('"') == NO_RECORDS:
        second = next(records, None)
        if second is None:
            return
        records = chain([second], records)
    yield first
    yield from records


def _records(lines: Iterator[str]) -> Iterator[str]:
    held: list[str] = []
    row = -1
    is_quoted: bool | None = None
    try:
        for line in lines:
            if is_quoted is None:
                is_quoted = line.startswith('"')
            # A record ends where the number of quotes so far is even. Most lines are a whole record.
            if line.count('"') % 2 == (1 if not held else 0):
                held.append(line)
                continue
            if held:
                held.append(line)
                line = "".join(held)
                held = []
            text = line.removesuffix("\n").removesuffix("\r") if line[-1] in "\r\n" else line
            if is_quoted and line.endswith(","):
                raise _malformed(csv.Error(CUT_AT_COMMA), row)
            if text:
                yield text
                row += 1
    except UnicodeDecodeError as error:
        raise _malformed(error, row) from error
    if held:
        raise _malformed(csv.Error("unexpected end of data"), row)

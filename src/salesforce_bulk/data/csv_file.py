"""A CSV file as a source of rows.

Three ways, the first that serves: the file's own bytes; its text with its record ends and encoding mended, cells untouched;
its cells read and written anew (another delimiter, a choice of columns, empty cells cleared).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..errors import BadValue, SourceChanged, UsageError
from ..records import Dialect
from ..wire.names import NULL_CELL
from .decode import raise_csv_limit
from .input_file import raw_pieces, regular, text_of_file, utf8_pieces
from .record_ends import Sides
from .record_text import gathered_records, record_writer
from .sniff import Look, look_at
from .source import BLOCK_BYTES, Block, Choice, Detected, Source

_NAMES: Final = {"\n": "LF", "\r\n": "CRLF"}


class CsvFile(Source):
    """A CSV file. See :class:`Source`."""

    def __init__(
        self, path: Path, choice: Choice, *, encoding: str | None = None, delimiter: str | None = None
    ) -> None:
        self._path = path
        self._choice = choice
        self._state = _state(path)
        self._look = look = look_at(path, encoding=encoding, delimiter=delimiter)
        self._places = choice.chosen(look.columns)
        self.columns = choice.named([look.columns[place] for place in self._places])
        self.dialect = Dialect(look.delimiter, look.line_ending)
        self.passthrough = self._is_plain and look.encoding == "utf-8" and not look.compressed and self._keeps_ends
        self.places = look.places
        self.detected = Detected(
            kind="CSV",
            encoding=look.encoding,
            delimiter=look.delimiter,
            line_ending=look.record_ends,
            value_line_breaks=look.value_breaks,
            compressed=look.compressed,
            notes=(*look.notes, *_about_ends(look, choice)),
        )

    @property
    def _is_plain(self) -> bool:
        """Every cell goes out as it stands in the file."""
        return self._choice.nulls == "ignore" and self._choice.only is None

    @property
    def _keeps_ends(self) -> bool:
        breaks = self._look.value_breaks
        return self._look.ends_fit and (
            self._choice.line_breaks == "keep" or breaks is None or breaks == _NAMES[self.dialect.line_ending]
        )

    def blocks(self, dialect: Dialect) -> Iterator[Block]:
        if self.passthrough and dialect == self.dialect:
            return self._own_bytes()
        if self._is_plain and dialect.delimiter == self.dialect.delimiter:
            return self._mended(dialect)
        return self._written(dialect)

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        self._check_unchanged()
        held = b""
        try:
            for data in raw_pieces(self._path, start, stop):
                if held:
                    yield held
                held = data
        except (UsageError, OSError):
            self._check_unchanged()
            raise
        # Before the last piece goes out: without it the others are nothing.
        self._check_unchanged()
        yield held

    def _check_unchanged(self) -> None:
        """Raise unless the file is, for all that can be told without reading it, the one that was looked at."""
        try:
            is_same = self._state == _state(self._path)
        except UsageError:
            is_same = False
        if not is_same:
            raise SourceChanged(
                f"{self._path} is not the file any more that was looked at: it was written to, or another one took its "
                "place.\nWhat was read of it since then was not applied; what had been sent before was.\nLoad a file that "
                "nobody writes to. The receipt of the run names the jobs that have ended, with their rows."
            )

    def as_given(self) -> Source:
        if self._choice == Choice():
            return self  # the whole file was looked at, and that takes its time
        return CsvFile(self._path, Choice(), encoding=self._look.encoding, delimiter=self._look.delimiter)

    def _own_bytes(self) -> Iterator[Block]:
        at = self._look.text_start + self._look.rows_start
        for data in raw_pieces(self._path, at):
            yield Block(data, None, at)
            at += len(data)

    def _mended(self, dialect: Dialect) -> Iterator[Block]:
        pieces = _without(utf8_pieces(self._path, self._look.encoding, self._look.text_start), self._look.rows_start)
        for data in mended(pieces, dialect.line_ending, values=self._choice.line_breaks == "normalise"):
            yield Block(data)

    def _written(self, dialect: Dialect) -> Iterator[Block]:
        record = record_writer(dialect, normalise=self._choice.line_breaks == "normalise")
        for data, count in gathered_records(map(record, self._cells()), BLOCK_BYTES):
            yield Block(data, count)

    def rows_again(self) -> Iterator[list[str]]:
        return map(list, self._cells())

    def _cells(self) -> Iterator[Sequence[str]]:
        """The cells as they are sent; line breaks inside them as they are."""
        rows: Iterator[Sequence[str]] = self._rows()
        if self._choice.only is not None:
            rows = self._picked(rows)
        if self._choice.nulls == "clear":
            rows = ([cell or NULL_CELL for cell in row] for row in rows)
        return rows

    def _rows(self) -> Iterator[list[str]]:
        """The cells of the file, blank lines left out."""
        raise_csv_limit()
        number = -1
        with text_of_file(self._path, self._look.encoding, self._look.text_start) as file:
            left = self._look.rows_start
            while left > 0:
                left -= len(file.readline().encode("utf-8"))
            reader = csv.reader(file, delimiter=self._look.delimiter, strict=True)
            try:
                for row in reader:
                    if row:
                        number += 1
                        yield row
            except csv.Error as error:
                raise BadValue(
                    f"Row {number + 1} of {self._path} is no CSV: {error}. It was not sent.", row=number + 1
                ) from error

    def _picked(self, rows: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
        width = len(self._look.columns)
        for number, row in enumerate(rows):
            if len(row) > width:
                raise BadValue(
                    f"Row {number} has {len(row)} cells, and the header has {width} columns: which cell belongs to which "
                    "column is not certain. It was not sent.",
                    row=number,
                )
            if len(row) < width:
                row = [*row, *[""] * (width - len(row))]
            yield [row[place] for place in self._places]


def _state(path: Path) -> tuple[int, int, int]:
    """Changes when somebody writes to the file or puts another one in its place."""
    about = regular(path)
    return about.st_size, about.st_mtime_ns, about.st_ino


def _without(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The pieces without their first *count* bytes."""
    for piece in pieces:
        if count >= len(piece):
            count -= len(piece)
        elif count:
            yield piece[count:]
            count = 0
        else:
            yield piece


def _ended(data: bytes, end: bytes) -> bytes:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data if end == b"\n" else data.replace(b"\n", end)


def mended(pieces: Iterator[bytes], line_ending: str, *, values: bool = False) -> Iterator[bytes]:
    """CSV text with one kind of record end. Line breaks inside quotes are kept, unless *values* is true."""
    end = line_ending.encode("ascii")
    sides = Sides()
    held = b""
    for piece in pieces:
        data = held + piece
        # Half of CRLF may be yet to come.
        held = b"\r" if data.endswith(b"\r") else b""
        yield _mended_piece(data[: len(data) - len(held)], end, sides, values=values)
    if held:
        yield _mended_piece(held, end, sides, values=values)


def _mended_piece(data: bytes, end: bytes, sides: Sides, *, values: bool) -> bytes:
    if values:
        return _ended(data, end)
    if end == b"\n" and b"\r" not in data:
        sides.inside ^= data.count(b'"') % 2 == 1
        return data
    runs = sides.split(data)
    runs[sides.first :: 2] = [_ended(run, end) for run in runs[sides.first :: 2]]
    return b'"'.join(runs)


def _about_ends(look: Look, choice: Choice) -> Iterator[str]:
    wanted = _NAMES[look.line_ending]
    if not look.ends_fit:
        yield f"Rows end in {look.record_ends}; they are sent with {wanted}."
    if look.value_breaks is not None and look.value_breaks != wanted:
        if choice.line_breaks == "normalise":
            yield f"Line breaks inside values are {look.value_breaks}; they are sent as {wanted}."
        else:
            yield (
                f"Line breaks inside values are {look.value_breaks}, the job's line ending is {wanted}. They are sent "
                "unchanged; if the org refuses them, line_breaks='normalise' makes them one."
            )

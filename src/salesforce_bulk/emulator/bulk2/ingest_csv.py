"""CSV as Bulk API 2.0 reads it. Source: bulk-api-2.md section 5.

The file may be large, so it is read in stretches of whole records. Nearly all stretches are in order and are taken apart by
the ``csv`` module; one that is not goes through a reader that knows what is wrong with which row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import IO, Final

from ..limits import Limits
from ..store import RowError

#: Bytes read at a time.
STRETCH: Final = 1 << 20

#: The cells of a row, and what is wrong with it, if anything.
Record = tuple[Sequence[str], RowError | None]

#: No text is on record for these; the service refuses such a row and no other (plugin-data's live tests; the guide).
_UNESCAPED: Final = RowError("INVALID_FIELD", "Found unescaped quote. A value with quote should be within a quote")
_AFTER_QUOTE: Final = RowError("INVALID_FIELD", "Not expecting more text after end quote")
_OPEN_QUOTE: Final = RowError("INVALID_FIELD", "EOF reached before closing an opened quote")


# --- line ends --------------------------------------------------------------------------------------------------------


def has_foreign_line_end(source: IO[bytes], line_end: str, *, in_values: bool) -> bool:
    """Whether a line of the file ends otherwise than the job says. *in_values*: look inside quotes, too.

    Under LF a carriage return is wrong; under CRLF a line feed without one is, while a lone carriage return passes.
    """
    inside = 0
    while piece := source.read(STRETCH):
        while piece.endswith(b"\r"):
            following = source.read(1)
            piece += following
            if not following:
                break
        quotes = piece.count(b'"')
        suspect = b"\r" in piece if line_end == "\n" else piece.count(b"\n") != piece.count(b"\r\n")
        if suspect:
            parts = [piece] if in_values or not (quotes or inside) else piece.split(b'"')[inside::2]
            if any(b"\r" in part if line_end == "\n" else part.count(b"\n") != part.count(b"\r\n") for part in parts):
                return True
        inside ^= quotes & 1
    return False


# --- records ----------------------------------------------------------------------------------------------------------


def read_records(source: IO[bytes], delimiter: str, line_end: str, limits: Limits) -> Iterator[list[Record]]:
    """The records of the file in stretches, header included. Blank lines are skipped."""
    for text in _stretches(source, line_end):
        yield [
            record if record[1] is not None or len(text) < limits.cell_characters else _checked(record, limits)
            for record in _records(text, delimiter, line_end)
        ]


def _records(text: str, delimiter: str, line_end: str) -> Iterator[Record]:
    if '"' not in text:
        for line in text.split(line_end):
            if line:
                yield line.split(delimiter), None
        return
    if _grammar(delimiter, line_end).fullmatch(text):
        try:
            yield from ((cells, None) for cells in list(_quick(text, delimiter)) if cells)
            return
        except csv.Error:  # a cell that is too large for the csv module
            pass
    yield from _careful(text, delimiter, line_end)


def _quick(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter)


@lru_cache(maxsize=16)
def _grammar(delimiter: str, line_end: str) -> re.Pattern[str]:
    """A stretch without a fault."""
    between, end = re.escape(delimiter), re.escape(line_end)
    cell = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^{between}"\r\n]*+)'
    return re.compile(rf"(?:{cell}(?:{between}|{end}|\Z))*+")


@lru_cache(maxsize=16)
def _patterns(delimiter: str, line_end: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    between, end = re.escape(delimiter), re.escape(line_end)
    quoted = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"')
    plain = re.compile(rf"(?:(?!{end})[^{between}])*+")
    return quoted, plain


def _careful(text: str, delimiter: str, line_end: str) -> Iterator[Record]:
    """Record by record. A faulty one ends where its line ends."""
    quoted, plain = _patterns(delimiter, line_end)
    position, end = 0, len(text)
    while position < end:
        cells: list[str] = []
        error: RowError | None = None
        while True:
            if text.startswith('"', position):
                found = quoted.match(text, position)
                if found is None:
                    error = _OPEN_QUOTE
                    cells.append(text[position + 1 :])
                    position = end
                    break
                cells.append(found[1].replace('""', '"'))
                position = found.end()
                rest = plain.match(text, position)
                if rest is not None and rest[0]:
                    error = error or _AFTER_QUOTE
                    cells[-1] += rest[0]
                    position = rest.end()
            else:
                bare = plain.match(text, position)
                assert bare is not None
                cells.append(bare[0])
                position = bare.end()
                if '"' in bare[0]:
                    error = error or _UNESCAPED
            if text.startswith(line_end, position):
                position += len(line_end)
                break
            if position >= end:
                break
            position += len(delimiter)
        if cells != [""] or error is not None:
            yield cells, error


def _stretches(source: IO[bytes], line_end: str) -> Iterator[str]:
    """The text in pieces that end where a record ends. Bytes that are not UTF-8 become U+FFFD."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    held: list[str] = []
    odd = 0
    while data := source.read(STRETCH):
        text = decode(data)
        quotes = text.count('"')
        cut = _last_end(text, line_end, (odd + quotes) & 1)
        if cut < 0:
            held.append(text)
            odd ^= quotes & 1
            continue
        yield "".join(held) + text[:cut]
        held = [text[cut:]]
        odd = held[0].count('"') & 1
    held.append(decode(b"", True))
    if last := "".join(held):
        yield last


def _last_end(text: str, line_end: str, odd: int) -> int:
    """Where in *text* the last record ends, or -1. *odd*: a quote is open at the end of *text*."""
    end = len(text)
    while (place := text.rfind(line_end, 0, end)) >= 0:
        odd ^= text.count('"', place, end) & 1
        if not odd:
            return place + len(line_end)
        end = place
    return -1


def _checked(record: Record, limits: Limits) -> Record:
    cells, _ = record
    length = sum(map(len, cells))
    if length > limits.cell_characters and (longest := max(map(len, cells))) > limits.cell_characters:
        return cells, RowError("INVALID_FIELD", f"Exceeded max field size: {longest}")
    if length > limits.record_characters:
        text = (
            f"Exceeded max length for one record: {length}. "
            f"Max length for one record should be less than or equal to {limits.record_characters}"
        )
        return cells, RowError("INVALID_FIELD", text)
    return record


def header_of(source: IO[bytes], line_end: str) -> str:
    """The header as it was uploaded, without its line end."""
    text = source.read(STRETCH).decode("utf-8", "replace").lstrip(line_end)
    odd, position = 0, 0
    while (place := text.find(line_end, position)) >= 0:
        odd ^= text.count('"', position, place) & 1
        if not odd:
            return text[:place]
        position = place + len(line_end)
    return text

"""CSV in the form the org sends -- every cell quoted, LF -- taken apart by ``str.split``, a block at a time.

``csv.reader`` walks through every character; ``split`` searches, and makes the same cells in about half the time. It
may be used only where no cell holds a quote, and that is proved before a row goes out: a row of N cells has 2N quotes
as borders, so when it has N cells and no more quotes than that, none is left to be inside a cell. It is proved for a
whole block at once if possible, else row by row, and rows for which it does not hold go through ``csv.reader``. A file
in another form goes through ``csv.reader`` altogether.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from .streams import TEXT_BYTES, Texts

#: Where cells are quoted, a file that ends behind a comma was cut there: to csv.reader it would be one empty cell more.
CUT_AT_COMMA: Final = "it ends behind a comma"

#: Between two rows, and between two cells, of the org's form.
_ROWS: Final = '"\n"'
_CELLS: Final = '","'


def blocks_of_rows(texts: Texts) -> Iterator[Iterable[list[str]]]:
    """Rows, in blocks; blank lines are left out.

    Raises:
        csv.Error: A quote that never closes, or text after a closing quote.
        UnicodeDecodeError: Not UTF-8.
    """
    text = texts.more(0)
    is_quoted = in_form = text.startswith('"')
    width = 0
    while text:
        # What follows the cut begins with a quote, as a record does; if the cut was wrong, the counts below say so.
        # The first quote opens a cell and cannot close it, so the search begins behind it.
        cut = text.rfind(_ROWS, 1)
        if not in_form or (cut < 0 and (texts.ended or (not width and len(text) >= TEXT_BYTES))):
            yield filter(None, csv.reader(_lines(text, texts, is_quoted), strict=True))
            return
        if cut < 0:
            # At least doubled: no character is looked at more than a few times.
            text += texts.more(len(text))
            continue
        block, rest = text[1:cut], text[cut + 2 :]
        lines = block.split(_ROWS)
        width = width or lines[0].count(_CELLS) + 1
        quotes, borders = block.count('"'), 2 * width * len(lines) - 2
        if quotes == borders:
            rows = [line.split(_CELLS) for line in lines]
            if {width} == set(map(len, rows)):
                yield rows
                text = rest + texts.more(len(rest))
                continue
        if quotes - borders > len(lines) // 4:
            # Quotes inside the cells of many rows: trying costs more than it saves.
            in_form = False
            continue
        rows, done, in_form = _row_by_row(lines, width)
        yield rows
        if done < len(lines):
            rest = '"' + _ROWS.join(lines[done:]) + '"\n' + rest
        # Nothing taken and nothing to come: csv.reader says what is wrong with it.
        in_form = in_form and not (done == 0 and texts.ended)
        text = rest + texts.more(len(rest))


def _by_reader(lines: list[str]) -> list[list[str]]:
    # A string may hold more than one line, as long as the breaks are inside quotes; else it is a csv.Error.
    return list(filter(None, csv.reader([f'"{line}"\n' for line in lines], strict=True)))


def _row_by_row(lines: list[str], width: int) -> tuple[list[list[str]], int, bool]:
    """The rows, how many of the lines they took, and whether the file is still in the org's form behind them."""
    rows: list[list[str]] = []
    start = 0
    while start < len(lines):
        line = lines[start]
        cells = line.split(_CELLS)
        if len(cells) == width and line.count('"') == 2 * width - 2:
            rows.append(cells)
            start += 1
            continue
        quotes = 0
        for stop in range(start, len(lines)):
            quotes += lines[stop].count('"')
            if quotes % 2 == 0:
                break
        else:
            return rows, start, True
        try:
            rows += _by_reader(lines[start : stop + 1])
        except csv.Error:
            return rows, start, False
        start = stop + 1
    return rows, start, True


def _split(text: str) -> Iterable[str]:
    """The lines of a text that ends with one. Without CR, ``split`` finds them in half the time."""
    if "\r" in text or not text:
        return io.StringIO(text, newline="")
    return [line + "\n" for line in text[:-1].split("\n")]


def _lines(text: str, texts: Texts, is_quoted: bool) -> Iterator[str]:
    """Physical lines: they end at LF, CRLF or CR, and at nothing else (not at U+2028)."""
    while not texts.ended:
        # CR at the very end may be half of CRLF, and is not taken for a line end.
        cut = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
        yield from _split(text[:cut])
        text = text[cut:]
        text += texts.more(len(text))
    for line in io.StringIO(text, newline=""):
        if is_quoted and line[-1] == ",":
            raise csv.Error(CUT_AT_COMMA)
        yield line

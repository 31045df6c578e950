"""CSV in the form the org sends -- every cell quoted, LF -- taken apart by ``str.split``, a block at a time.

``csv.reader`` walks through every character; ``split`` searches, and makes the same cells in about half the time. It
may be used only where no cell holds a quote, and that is proved for each block before a row of it goes out: R rows of
N cells need 2NR quotes as borders, so when every row has N cells and there are 2NR quotes in all, none is left to be
inside a cell. A block where this does not hold goes through ``csv.reader``, up to the next record end.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from .streams import Texts

#: Where cells are quoted, a file that ends behind a comma was cut there: to csv.reader it would be one empty cell more.
CUT_AT_COMMA: Final = "it ends behind a comma"


def blocks_of_rows(texts: Texts) -> Iterator[Iterable[list[str]]]:
    """Rows, in blocks; blank lines are left out.

    Raises:
        csv.Error: A quote that never closes, or text after a closing quote.
        UnicodeDecodeError: Not UTF-8.
    """
    text = texts.more(0)
    is_quoted = text.startswith('"')
    width = 0
    while text:
        # What follows the cut begins with a quote, as a record does; if the cut was wrong, the count below says so.
        cut = text.rfind('"\n"')
        if cut > 0 and text[0] == '"':
            block = text[1:cut]
            rows = [line.split('","') for line in block.split('"\n"')]
            width = width or len(rows[0])
            if block.count('"') == 2 * width * len(rows) - 2 and {width} == set(map(len, rows)):
                yield rows
                text = text[cut + 2 :]
                text += texts.more(len(text))
                continue
        records = _Records(text, texts, is_quoted=is_quoted)
        yield records
        # At least doubled when there was no whole record: no character is looked at more than a few times.
        text = records.rest
        text += texts.more(len(text))


class _Records:
    """The records in a text, by ``csv.reader``. The last one is finished from what follows; ``rest`` is after it."""

    def __init__(self, text: str, texts: Texts, *, is_quoted: bool) -> None:
        self.rest = text
        self._is_quoted = is_quoted
        self._texts = texts
        self._in_record = False

    def __iter__(self) -> Iterator[list[str]]:
        reader = csv.reader(self._lines(), strict=True)
        while True:
            self._in_record = False
            row = next(reader, None)
            if row is None:
                return
            if row:
                yield row

    def _lines(self) -> Iterator[str]:
        while True:
            cut = len(self.rest) if self._texts.ended else _last_line_end(self.rest)
            text, self.rest = self.rest[:cut], self.rest[cut:]
            for line in io.StringIO(text, newline=""):
                if self._is_quoted and line[-1] == ",":
                    raise csv.Error(CUT_AT_COMMA)
                self._in_record = True
                yield line
            # Asked for more: by a record that is not complete, or by one that has not begun?
            if not self._in_record or (self._texts.ended and not self.rest):
                return
            self.rest += self._texts.more(len(self.rest))


def _last_line_end(text: str) -> int:
    """Where the last whole line ends. CR at the very end may be half of CRLF, and is not taken for one."""
    return max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1

"""One row of texts -> one CSV record, in the dialect of a job. A cell is quoted where it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ..errors import BadValue
from ..records import Dialect

_BREAK: Final = re.compile(r"\r\n|\r|\n")

Writer = Callable[[Sequence[str]], str]


def record_writer(dialect: Dialect, *, normalise: bool = False) -> Writer:
    """A function that writes records. With *normalise*, line breaks inside cells become those of the dialect.

    It raises TypeError when a cell is not text.
    """
    delimiter, end = dialect.delimiter, dialect.line_ending
    join = delimiter.join

    def quoted(cell: str) -> str:
        if delimiter in cell or '"' in cell or "\n" in cell or "\r" in cell:
            return '"' + cell.replace('"', '""') + '"'
        return cell

    def record(cells: Sequence[str]) -> str:
        text = join(cells)
        # Looked at as a whole: most records need no quotes.
        if "\n" in text or "\r" in text:
            if normalise:
                cells = [_BREAK.sub(end, cell) for cell in cells]
        elif '"' not in text:
            # Most of the others only have delimiters.
            if text.count(delimiter) != len(cells) - 1:
                return join([f'"{cell}"' if delimiter in cell else cell for cell in cells]) + end
            # A record of one empty cell would be a blank line, and those are skipped.
            return text + end if text else '""' + end
        return join([quoted(cell) for cell in cells]) + end

    return record


def encoded(lines: Iterable[str], first: int) -> bytes:
    """Records as UTF-8; *first* is the number of the first row among them."""
    held = list(lines)
    try:
        return "".join(held).encode("utf-8")
    except UnicodeEncodeError:
        for number, line in enumerate(held, first):
            try:
                line.encode("utf-8")
            except UnicodeEncodeError as error:
                raise BadValue(
                    f"Row {number} holds half of a surrogate pair, which is no character. It was not sent.", row=number
                ) from error
        raise


def gathered_records(records: Iterable[str], size: int) -> Iterator[tuple[bytes, int]]:
    """Records joined to blocks of about *size* bytes, each with the number of its rows."""
    held: list[str] = []
    count = first = 0
    for text in records:
        held.append(text)
        count += len(text)
        if count >= size:
            yield encoded(held, first), len(held)
            first += len(held)
            held, count = [], 0
    if held:
        yield encoded(held, first), len(held)

"""One row of texts -> one CSV record, in the dialect of a job. A cell is quoted where it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ..errors import BadValue
from ..records import Dialect

_BREAK: Final = re.compile(r"\r\n|\r|\n")

Writer = Callable[[Sequence[str]], str]
#: Several rows of texts -> their records.
ListWriter = Callable[[Sequence[Sequence[str]]], list[str]]


def record_writer(dialect: Dialect, *, normalise: bool = False) -> Writer:
    """A function that writes records. With *normalise*, line breaks inside cells become those of the dialect.

    It raises TypeError when a cell is not text.
    """
    join = dialect.delimiter.join
    finished = _finisher(dialect, normalise)
    return lambda cells: finished(cells, join(cells))


def list_writer(dialect: Dialect, *, normalise: bool = False) -> ListWriter:
    """The same for several rows of as many cells each, column by column: most columns have no cell that must be quoted, and
    one look at all of it says so. Of a hundred rows, in half the time.
    """
    delimiter, end = dialect.delimiter, dialect.line_ending
    join = delimiter.join

    def records(rows: Sequence[Sequence[str]]) -> list[str]:
        if not rows:
            return []
        columns = [_written(column, delimiter, end if normalise else None) for column in zip(*rows, strict=True)]
        if len(columns) == 1:
            # A record of one empty cell would be a blank line, and those are skipped.
            return [(cell or '""') + end for cell in columns[0]]
        columns[-1] = [cell + end for cell in columns[-1]]
        return list(map(join, zip(*columns, strict=True)))

    return records


def _written(column: Sequence[str], delimiter: str, break_: str | None) -> Sequence[str]:
    """The cells of a column, quoted where they must be; line breaks inside them become *break_*, if there is one.

    It raises TypeError when a cell is not text.
    """
    text = "".join(column)
    if "\n" in text or "\r" in text:
        if break_ is not None:
            column = [_BREAK.sub(break_, cell) for cell in column]
        return [
            _quoted(cell) if "\n" in cell or delimiter in cell or '"' in cell or "\r" in cell else cell
            for cell in column
        ]
    if '"' in text:
        return [_quoted(cell) if '"' in cell or delimiter in cell else cell for cell in column]
    if delimiter in text:
        return [f'"{cell}"' if delimiter in cell else cell for cell in column]
    return column


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _finisher(dialect: Dialect, normalise: bool) -> Callable[[Sequence[str], str], str]:
    """A function that makes the record of a row out of its cells and of these joined by delimiters."""
    delimiter, end = dialect.delimiter, dialect.line_ending
    join = delimiter.join

    def finished(cells: Sequence[str], text: str) -> str:
        # Looked at as a whole first: most records need no quotes, and most of the others only have delimiters.
        if "\n" in text or "\r" in text:
            if normalise:
                cells = [_BREAK.sub(end, cell) for cell in cells]
            return (
                join(
                    [
                        _quoted(cell) if "\n" in cell or delimiter in cell or '"' in cell or "\r" in cell else cell
                        for cell in cells
                    ]
                )
                + end
            )
        if '"' in text:
            return join([_quoted(cell) if '"' in cell or delimiter in cell else cell for cell in cells]) + end
        if text.count(delimiter) != len(cells) - 1:
            return join([f'"{cell}"' if delimiter in cell else cell for cell in cells]) + end
        # A record of one empty cell would be a blank line, and those are skipped.
        return text + end if text else '""' + end

    return finished


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
    return gathered_lists(([record] for record in records), size)


def gathered_lists(lists: Iterable[list[str]], size: int) -> Iterator[tuple[bytes, int]]:
    """The same of records that come several at once."""
    held: list[str] = []
    count = first = 0
    for records in lists:
        held += records
        count += sum(map(len, records))
        if count >= size:
            yield encoded(held, first), len(held)
            first += len(held)
            held, count = [], 0
    if held:
        yield encoded(held, first), len(held)

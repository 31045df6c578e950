"""Two ways of reading the same CSV give the same rows, or both refuse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .bounds import outcome_of
from .decoders import (
    DECODERS,
    Pieces,
    columns_of_bytes,
    json_lines,
    json_lines_by_row,
    rows_by_arrow,
    rows_by_csv,
    text_rows,
    text_rows_by_arrow,
    text_table,
)

REFUSED: Final = "refused"


def same_rows(pieces: Pieces) -> None:
    """With and without pyarrow."""
    _agree(_said(rows_by_csv, pieces), _said(rows_by_arrow, pieces), pieces)
    plain = _said(text_rows, pieces)
    _agree(plain, _said(text_rows_by_arrow, pieces), pieces)
    _agree(plain, _said(text_table, pieces), pieces)


def same_json_lines(pieces: Pieces) -> None:
    """By column and by row."""
    _agree(_said(json_lines_by_row, pieces), _said(json_lines, pieces), pieces)


def same_texts(pieces: Pieces) -> None:
    """As dicts, as records, in blocks, as columns. Blocks that end behind a comma are refused, bare ones, too."""
    plain = _said(DECODERS["DictRows"], pieces)
    blocks = _said(text_rows, pieces)
    if blocks == REFUSED != plain and pieces[-1].endswith(b","):
        return
    if REFUSED in (blocks, plain):
        _agree(plain, blocks, pieces)
    else:
        # An empty cell is None in the one and "" in the other.
        assert [{name: cell or None for name, cell in row.items()} for row in plain] == blocks
    fast = columns_of_bytes(pieces)
    if fast is not None:
        _agree(_said(DECODERS["CsvRecords"], pieces), fast, pieces)


def _said(read: Callable[[Pieces], Any], pieces: Pieces) -> Any:
    """What is read, or that it is refused."""
    value, error = outcome_of(lambda: read(pieces))
    return REFUSED if error is not None else value


def _agree(careful: Any, fast: Any, pieces: Pieces) -> None:
    """What both read is the same, and what one refuses the other refuses, too; but where text stands beside quotes in a cell.

    ``a"b`` is as it stands to the careful reader, and to the fast ones, which cut blocks where quotes are even, it may open a
    quote; ``"a"b`` is an error to the careful one, and pyarrow joins the two, and has no way to be told not to.
    """
    if careful != fast and REFUSED in (careful, fast):
        text = b"".join(pieces)
        outside = text.split(b'"')[::2]
        assert b'"' in text and any(part.strip(b",\r\n") for part in outside), (careful, fast)  # noqa: PT018
    else:
        assert careful == fast

"""Whether a page of results that came whole is whole."""

from __future__ import annotations

from collections.abc import Sequence

from ..data.row_count import RecordCounter


def is_sound(pieces: Sequence[bytes], rows: int | None) -> bool:
    """Whether it ends at the end of a row, and has so many *rows*, the header apart."""
    counter = RecordCounter()
    for piece in pieces:
        counter.feed(piece)
    return not counter.is_open and (rows is None or max(0, counter.records - 1) == rows)

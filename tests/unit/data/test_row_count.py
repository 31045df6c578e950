"""Records counted by the parity of quotes."""

from __future__ import annotations

import csv
import io

import pytest
from cuts import TEXTS, cut, whole_and_single
from hypothesis import example, given
from hypothesis import strategies as st
from org_csv import quoted

from salesforce_bulk.data import row_count
from salesforce_bulk.data.row_count import RecordCounter

try:
    import numpy  # noqa: F401
except ImportError:
    WAYS = [row_count.split_count]
else:
    WAYS = [row_count.split_count, row_count.numpy_count()]


@given(
    st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=6),
    st.booleans(),
    st.lists(st.integers(0, 6), max_size=2),
    st.data(),
)
@example([["", "\n"], ['"\n"', ""], ["\r", "\r\n"]], False, [], None)
@example([["a", "b"]] * 70, True, [0, 3], None)
def test_as_many_records_as_the_csv_module_finds(
    table: list[list[str]], without_last_end: bool, blanks: list[int], draws: st.DataObject | None
) -> None:
    """However cut, whatever is in the cells, blank lines or not, with a last line end or not."""
    lines = [quoted([row]) for row in table]
    for at in blanks:
        lines.insert(min(at, len(lines)), b"\n")
    data = b"".join(lines)
    if without_last_end:
        data = data.removesuffix(b"\n")
    expected = sum(1 for row in csv.reader(io.StringIO(data.decode(), newline="")) if row)
    assert expected == len(table)
    for way in WAYS:
        for pieces in [*whole_and_single(data), draws.draw(cut(data)) if draws else [data]]:
            counter = RecordCounter(way)
            for piece in pieces:
                counter.feed(piece)
            assert counter.records == expected
            assert not counter.is_open


@pytest.mark.parametrize("way", WAYS)
def test_an_open_quote_is_seen(way: object) -> None:
    """A file that is cut off inside a cell."""
    counter = RecordCounter(way)  # type: ignore[arg-type]
    counter.feed(b'"a","b"\n"c\n')
    assert counter.is_open
    assert (counter.ended, counter.records, counter.last) == (1, 2, b"\n")


def test_the_way_changes_in_the_middle_without_a_miscount() -> None:
    """Numpy takes over when a result proves to be large."""
    piece = quoted([["a\nb", '"']] * 10_000)
    counter = RecordCounter(numpy_bytes=3 * len(piece))
    for _ in range(7):
        counter.feed(piece[:50_001])
        counter.feed(piece[50_001:])
    assert counter.records == 70_000

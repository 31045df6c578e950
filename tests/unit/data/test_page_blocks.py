"""Pages -> blocks that end where records end."""

from __future__ import annotations

import csv
import io

import pytest
from cuts import TEXTS, cut, whole_and_single
from hypothesis import example, given
from hypothesis import strategies as st
from org_csv import page, quoted

from salesforce_bulk.data.blocks import PageBlocks
from salesforce_bulk.errors import MalformedResult


def rows_of(data: bytes | memoryview) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(str(data, "utf-8"), newline=""), strict=True) if row]


@given(
    st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=6),
    st.integers(1, 60),
    st.sampled_from(["\n", "\r\n"]),
    st.data(),
)
@example([["", ""], [",", "\n"], ['"\n', '\n"'], ["a,", ""], ['a,"\n"b', ""]], 1, "\n", None)
def test_every_block_is_whole_records(
    table: list[list[str]], block_bytes: int, end: str, draws: st.DataObject | None
) -> None:
    """However the bytes are cut and whatever is in the cells: no block begins or ends inside a record."""
    data = page(["A", "B"], table).decode().replace('"\n', f'"{end}') if not table else None
    data_bytes = quoted([["A", "B"], *table])
    if end == "\r\n":
        data_bytes = b"".join(quoted([row])[:-1] + b"\r\n" for row in [["A", "B"], *table])
    assert data is None or data.encode() == data_bytes
    for pieces in [*whole_and_single(data_bytes), draws.draw(cut(data_bytes)) if draws else [data_bytes]]:
        blocks = PageBlocks([pieces], block_bytes)
        assert blocks.header == ("A", "B")
        assert [row for block in blocks for row in rows_of(block)] == table


@pytest.mark.parametrize("last", ["", ",", "\n", "a,\n", '"'])
def test_blocks_stay_small_where_certain_record_ends_are_rare(last: str) -> None:
    """A last column that is always empty, or ends in a comma: then quotes are counted."""
    table = [["x" * 50, last]] * 1_000
    blocks = list(PageBlocks([[page(["A", "B"], table)]], 1_000))
    assert [row for block in blocks for row in rows_of(block)] == table
    assert max(map(len, blocks)) <= 1_000


def test_a_record_larger_than_a_block_is_a_block() -> None:
    """It is never cut."""
    table = [["a", "b"], ["x\n" * 5_000, '"'], ["c", "d"]]
    for pieces in whole_and_single(page(["A", "B"], table)):
        blocks = list(PageBlocks([pieces], 100))
        assert [row for block in blocks for row in rows_of(block)] == table


def test_pages_follow_each_other_without_their_headers() -> None:
    """Also one without rows, one without a last line end, one without bytes, and the sentence for "no rows"."""
    pages = [
        [page(["A"], [["1"]])],
        [page(["A"], [])],
        [],
        [b"Records not found for this query"],
        [b'"A"'],
        [page(["A"], [["2"]]).removesuffix(b"\n")],
        [b"\xef\xbb\xbf" + page(["A"], [["3"]])],
    ]
    blocks = PageBlocks(pages)
    assert blocks.header == ("A",)
    assert list(blocks) == [b'"1"\n', b'"2"', b'"3"\n']


@pytest.mark.parametrize("pages", [[], [[]], [[b""]], [[b"Records not found for this query\n"]]])
def test_nothing_at_all_has_no_header(pages: list[list[bytes]]) -> None:
    """And no blocks."""
    blocks = PageBlocks(pages)
    assert blocks.header == ()
    assert list(blocks) == []


def test_a_page_with_other_columns_is_refused() -> None:
    """Columns are not matched by guess."""
    blocks = PageBlocks([[page(["A", "B"], [["1", "2"]])], [page(["B", "A"], [["2", "1"]])]])
    with pytest.raises(MalformedResult) as caught:
        list(blocks)
    assert str(caught.value) == (
        "Page 1 of the result has other columns than the pages before it. It was not read. Run the query again."
    )


@pytest.mark.parametrize("rest", [b'"3","4', b'"3","', b'"3",', b'"3","4""', b'"'])
def test_a_page_that_is_cut_off_inside_a_row_is_refused(rest: bytes) -> None:
    """A cut page is never a short page."""
    with pytest.raises(MalformedResult) as caught:
        list(PageBlocks([[page(["A", "B"], [["1", "2"]]) + rest]]))
    assert str(caught.value) == (
        "Page 0 of the result ends inside a row: it is cut off. Its last rows are missing. Fetch the result again."
    )


@pytest.mark.parametrize("head", [b'"A', b'"A","\xff"\n', b'"A"x"\n'])
def test_a_broken_header_is_refused(head: bytes) -> None:
    """Cut off, not UTF-8, or no CSV."""
    with pytest.raises(MalformedResult) as caught:
        list(PageBlocks([[head]]))
    assert str(caught.value) == (
        "The header of page 0 of the result is broken: it is cut off or damaged. "
        "The page was not read. Fetch the result again."
    )


def test_pages_are_closed_when_read_and_when_given_up() -> None:
    """Each one as soon as it is done with; nothing is opened after that."""
    log: list[str] = []

    class Body:
        def __init__(self, number: int) -> None:
            self.number = number

        def __iter__(self) -> object:
            log.append(f"open {self.number}")
            return iter([page(["A"], [["1"]] * 3)])

        def close(self) -> None:
            log.append(f"close {self.number}")

    blocks = PageBlocks(map(Body, range(3)), 1)
    for _ in range(4):
        next(blocks)
    blocks.close()
    assert log == ["open 0", "close 0", "open 1", "close 1"]

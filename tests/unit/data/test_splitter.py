"""Cutting CSV at record ends."""

from __future__ import annotations

import csv
import io

import pytest
from cuts import TEXTS
from hypothesis import example, given
from hypothesis import strategies as st

from salesforce_bulk.data.splitter import count_records, split_records

ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """CSV text, and its records."""
    end = draw(ENDS)
    rows = draw(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=8))
    style = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    records = []
    for row in rows:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=style).writerow(row)
        records.append(text.getvalue().removesuffix("\r\n") + end)
    text = "".join(records)
    return (text if draw(st.booleans()) else text.removesuffix(end)), records


@given(files(), st.integers(-1, 4), st.integers(-1, 4))
@example(('h\n"a\n\n""b""\r\n"\n2', ["h\n", '"a\n\n""b""\r\n"\n', "2"]), 1, 1)
def test_joined_pieces_are_the_text_and_no_record_is_cut(file: tuple[str, list[str]], first: int, then: int) -> None:
    """Sizes are kept, the header is repeated, the bytes of str and of bytes are the same."""
    text, records = file
    header = records[0] if len(records) > 1 else text
    pieces = split_records(text, first, then)
    assert all(piece.startswith(header) for piece in pieces)
    assert header + "".join(piece[len(header) :] for piece in pieces) == text
    sizes = [len(list(csv.reader(io.StringIO(piece, newline=""), strict=True))) - 1 for piece in pieces]
    assert sum(sizes) == len(records) - 1
    wanted = [max(first, 1)] + [max(then, 1)] * (len(pieces) - 1)
    assert sizes[:-1] == wanted[:-1]
    assert sizes[-1] <= wanted[-1]
    assert [piece.decode() for piece in split_records(text.encode(), first, then)] == pieces


def test_the_sizes_of_the_old_split() -> None:
    """batch_size 3: two records, then three each."""
    text = "h\n1\n2\n3\n4\n5\n6"
    assert split_records(text, 2, 3) == ["h\n1\n2\n", "h\n3\n4\n5\n", "h\n6"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("h", ["h"]),
        ("h\n", ["h\n"]),
        ('"h\n1",b\n2,3\n', ['"h\n1",b\n2,3\n']),
        ("h\n1\n\n2\n\n", ["h\n1\n\n", "h\n2\n\n"]),
        ("\n\nh\n1\n2", ["\n\nh\n1\n", "\n\nh\n2"]),
        ('h\n1\n"2\n3', ["h\n1\n", 'h\n"2\n3']),
        ('"h', ['"h']),
        ("h\na\u2028b\x85c\x0bd\n", ["h\na\u2028b\x85c\x0bd\n"]),
    ],
)
def test_edges(text: str, pieces: list[str]) -> None:
    """Nothing, a header alone, blank lines, an open quote, and what only looks like a line end."""
    assert split_records(text, 1, 1) == pieces
    assert split_records(text.encode(), 1, 1) == [piece.encode() for piece in pieces]


class Dripping:
    """A file that gives a few bytes or characters at a time."""

    def __init__(self, content: str | bytes, size: int) -> None:
        self._content, self._size, self._at = content, size, 0

    def read(self, size: int = -1) -> str | bytes:
        self._at += self._size
        return self._content[self._at - self._size : self._at]


@given(files(), st.integers(1, 9))
def test_records_are_counted_outside_quotes(file: tuple[str, list[str]], size: int) -> None:
    """In text and in bytes, however they come in."""
    text, records = file
    expected = len([row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row])
    assert expected == len(records)
    for content in (text, text.encode()):
        assert count_records(Dripping(content, size)) == expected  # type: ignore[arg-type]
        assert count_records(Dripping(content, 1000)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("\n\r\n\r", 0), ("a", 1), ("a\r\nb\rc\nd", 4), ('"\n"', 1), ('"\n', 1), ('\n"a"\n\n""', 2)],
)
def test_counts(text: str, count: int) -> None:
    """Blank lines are none, the last one needs no line end."""
    for size in (1, 2, 100):
        assert count_records(Dripping(text, size)) == count  # type: ignore[arg-type]


def test_a_large_file_is_streamed() -> None:
    """Blocks of a megabyte, whatever stands at their borders."""
    row = '"' + "x\n" * 700_000 + '"\r\n'
    assert count_records(io.BytesIO(("h\r\n" + row * 3).encode())) == 4
    assert count_records(io.StringIO("h\n" + "1\n" * 600, newline="")) == 601

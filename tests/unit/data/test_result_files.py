"""Result files in any dialect, one after the other."""

from __future__ import annotations

import csv
import io

import pytest
from cuts import TEXTS, cut
from hypothesis import example, given
from hypothesis import strategies as st

from salesforce_bulk.data.result_files import write_result_files
from salesforce_bulk.errors import MalformedResult


def file_of(rows: list[list[str]], delimiter: str, end: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


@given(
    st.lists(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4), min_size=1, max_size=3),
    st.sampled_from(",;|\t^`"),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.data(),
)
@example([[], [["", "\n"]], []], "|", "\r\n", [False, False, False], None)
def test_the_header_once_and_every_row(
    tables: list[list[list[str]]], delimiter: str, end: str, ends: list[bool], draws: st.DataObject | None
) -> None:
    """Byte by byte, however the pieces are cut, and where a file has no last line end."""
    bodies = [file_of([["A", "B"], *table], delimiter, end) for table in tables]
    bodies = [body if whole else body.removesuffix(end.encode()) for body, whole in zip(bodies, ends, strict=False)]
    pieces = [draws.draw(cut(body)) if draws else [body] for body in bodies]
    file = io.BytesIO()

    count = write_result_files(pieces, file)

    rows = [row for table in tables for row in table]
    assert len(rows) == count
    assert file_of([["A", "B"], *rows], delimiter, end).removesuffix(end.encode()) == file.getvalue().removesuffix(
        end.encode()
    )


@pytest.mark.parametrize("files", [[], [[]], [[b""], [b""]], [[b"Records not found for this query"]]])
def test_nothing_is_nothing(files: list[list[bytes]]) -> None:
    """There is not even a header."""
    file = io.BytesIO()

    assert 0 == write_result_files(files, file)
    assert b"" == file.getvalue()


def test_other_columns_and_a_file_that_is_cut_off() -> None:
    """They are no result."""
    with pytest.raises(MalformedResult, match="Page 1 of the result has other columns"):
        write_result_files([[b'"A"|"B"\n'], [b'"A"|"C"\n']], io.BytesIO())
    with pytest.raises(MalformedResult, match="Page 0 of the result ends inside a row"):
        write_result_files([[b'"A"|"B"\n"1"|"2']], io.BytesIO())

"""Rows with their outcomes beside them: the cells of the input are those of the file, to the character."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesforce_bulk.data.beside import record_lists, write_beside
from salesforce_bulk.data.sources import open_source
from salesforce_bulk.errors import UsageError
from salesforce_bulk.outcome_lines import line_of
from salesforce_bulk.records import Dialect, Outcome, State

OUTCOMES = [
    Outcome(0, "succeeded", id="001A", created=True),
    Outcome(1, "succeeded", id="001B"),
    Outcome(2, "failed", id="001C", code="BAD", message='no, "really"\nnot', fields=("A", "B")),
    Outcome(3, "unprocessed"),
    Outcome(4, "failed", code="BAD", message="nothing"),
    Outcome(5, "succeeded"),
]
CELLS = [
    ("001A", "true", ""),
    ("001B", "false", ""),
    ("001C", "false", 'BAD:no, "really"\nnot:A,B --'),
    ("", "", "unprocessed"),
    ("", "false", "BAD:nothing: --"),
    ("", "false", ""),
]


def lines(outcomes: list[Outcome]) -> list[bytes]:
    return ["".join(f"{line_of(outcome)}\n" for outcome in outcomes).encode()] if outcomes else []


def written(rows: Any, outcomes: list[Outcome], only: State | None = None) -> list[list[str]]:
    file, by_arrays = io.BytesIO(), io.BytesIO()
    count = write_beside(open_source(rows).as_given(), lines(outcomes), file, only)
    assert count == write_beside(open_source(rows).as_given(), lines(outcomes), by_arrays, only, is_large=True)
    assert file.getvalue() == by_arrays.getvalue()
    cells = list(csv.reader(io.StringIO(file.getvalue().decode(), newline="")))
    assert count == len(cells) - 1
    return cells


def test_every_kind_of_outcome() -> None:
    rows = [{"Name": f"n{row}", "Size__c": row} for row in range(6)]

    assert [
        ["Name", "Size__c", "sf__Id", "sf__Created", "sf__Error"],
        *([f"n{row}", str(row), *CELLS[row]] for row in range(6)),
    ] == written(rows, OUTCOMES)


@pytest.mark.parametrize(
    ("only", "rows"), [("succeeded", [0, 1, 5]), ("failed", [2, 4]), ("unprocessed", [3])], ids=lambda value: str(value)
)
def test_rows_that_ended_so_and_no_others(only: State, rows: list[int]) -> None:
    given_rows = [{"Name": f"n{row}"} for row in range(6)]

    assert [[f"n{row}", *CELLS[row]] for row in rows] == written(given_rows, OUTCOMES, only)[1:]


@pytest.mark.parametrize("count", [5, 7, 0])
def test_an_input_that_has_changed_is_an_error(count: int) -> None:
    rows = [{"Name": f"n{row}"} for row in range(6)]
    outcomes = (OUTCOMES * 2)[:count]

    with pytest.raises(UsageError) as caught:
        written(rows, outcomes)
    assert (
        "The input has not as many rows as were sent: it was changed since. No file was written. The outcomes themselves "
        "are whole: iterate over the result, or put the input back as it was."
    ) == str(caught.value)


TEXT = st.one_of(
    st.sampled_from(
        ["", "a", '"', 'a","b', "\n", "\r\n", "\r", "a\nb", "\x00", "\u2028", "007", " ", ";", "#N/A", "NULL"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)


def file_text(rows: list[list[str]], dialect: Dialect, *, last_end: bool) -> bytes:
    def quoted(cell: str) -> str:
        must = not cell or any(mark in cell for mark in '"\r\n' + dialect.delimiter)
        return '"' + cell.replace('"', '""') + '"' if must else cell

    text = dialect.line_ending.join(dialect.delimiter.join(map(quoted, row)) for row in rows)
    return (text + dialect.line_ending * last_end).encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=20),
    delimiter=st.sampled_from([",", ";", "\t"]),
    line_ending=st.sampled_from(["\n", "\r\n"]),
    last_end=st.booleans(),
    kinds=st.data(),
)
def test_cells_stay_what_they_are(
    tmp_path: Path,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    line_ending: str,
    last_end: bool,
    kinds: st.DataObject,
) -> None:
    """Line breaks of all kinds, NUL, quotes, empty cells, leading zeros; whatever the delimiter and the ends of rows."""
    path = tmp_path / "rows.csv"
    header = ["Name", "Text__c", "Other__c"]
    cells = [list(row) for row in rows]
    path.write_bytes(file_text([header, *cells], Dialect(delimiter, line_ending), last_end=last_end))
    mine = kinds.draw(st.lists(st.sampled_from(OUTCOMES), min_size=len(rows), max_size=len(rows)))

    assert [
        [*header, "sf__Id", "sf__Created", "sf__Error"],
        *([*row, *CELLS[outcome.row]] for row, outcome in zip(cells, mine, strict=True)),
    ] == written(path, mine)


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=20), st.booleans(), st.integers(1, 40))
def test_records_are_found_however_the_blocks_are_cut(rows: list[list[str]], last_end: bool, size: int) -> None:
    text = file_text(rows, Dialect(), last_end=last_end) if rows else b""

    found = [
        record for some in record_lists(text[at : at + size] for at in range(0, len(text), size)) for record in some
    ]

    assert [file_text([row], Dialect(), last_end=False) for row in rows] == found


def test_blank_lines_are_no_records() -> None:
    assert [[b"a", b'"b\n\nc"', b"d"]] == list(record_lists([b'\na\n\n"b\n\nc"\n\nd\n\n']))


def test_rows_that_are_too_short_or_too_long(tmp_path: Path) -> None:
    """Each outcome stands in its own columns. What a row has too much of comes behind it."""
    path = tmp_path / "rows.csv"
    path.write_text('A,B,C\n1\n1,"2,x"\n1,2,\n1,2,3,4,"5,\ny"\n,,,\n"a""b,",",",","\n')
    given = [["1", "", ""], ["1", "2,x", ""], ["1", "2", ""], ["1", "2", "3"], ["", "", ""], ['a"b,', ",", ","]]
    more = [[], [], [], ["4", "5,\ny"], [""], []]
    # The file has rows of every kind of outcome, in their order.
    expected = [[*given[row], *CELLS[row], *more[row]] for row in range(6)]

    assert [["A", "B", "C", "sf__Id", "sf__Created", "sf__Error"], *expected] == written(path, OUTCOMES)
    assert [expected[2], expected[4]] == written(path, OUTCOMES, "failed")[1:]

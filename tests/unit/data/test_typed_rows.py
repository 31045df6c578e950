"""Result pages -> typed dict rows, with pyarrow and without it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from cuts import cut, whole_and_single
from hypothesis import example, given, settings
from hypothesis import strategies as st
from org_csv import as_first_sent, page, results

from salesforce_bulk.data.schema import Column, ColumnType, text_columns
from salesforce_bulk.data.typed import TypedDictRows
from salesforce_bulk.errors import MalformedResult

try:
    import pyarrow  # noqa: F401
except ImportError:
    WAYS = [False]
else:
    WAYS = [False, True]

WORDS = [
    ["NA", "NULL"],
    ["N/A", "#N/A"],
    ["null", "None"],
    ["", ""],
    ["0042", " x "],
    ["\r", "\r\n"],
    ["\x00", "\u2028"],
]


def exact(rows: Any) -> list[list[Any]]:
    return [[(name, as_first_sent(value)) for name, value in row.items()] for row in rows]


@settings(deadline=None)  # pyarrow is imported in the first one
@given(results(), st.data())
@example(((Column("A"), Column("B")), [WORDS], [{"A": a or None, "B": b or None} for a, b in WORDS]), None)
def test_rows_are_the_values_whichever_way_they_are_read(
    drawn: tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]], draws: st.DataObject | None
) -> None:
    """Every type, every text, pages cut anywhere: with and without pyarrow the rows are those that the org meant."""
    columns, tables, rows = drawn
    bodies = [page(columns, table) for table in tables]
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        return
    for way in WAYS:
        for pages in [
            [[body] for body in bodies],
            [whole_and_single(body)[1] for body in bodies],
            [draws.draw(cut(body)) if draws else [body] for body in bodies],
        ]:
            found = TypedDictRows(pages, columns, use_pyarrow=way)
            assert exact(found) == exact(rows)
            assert found.fallbacks == {}


@settings(deadline=None)
@given(results())
def test_text_rows_are_the_cells(drawn: tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]]) -> None:
    """As they were sent, whatever their type; only an empty cell is None."""
    columns, tables, _ = drawn
    names = [column.name for column in columns]
    cells = [row for table in tables for row in table]
    for way in WAYS:
        found = TypedDictRows([[page(columns, table)] for table in tables], use_pyarrow=way)
        assert list(found) == [{name: cell or None for name, cell in zip(names, row, strict=True)} for row in cells]


@pytest.mark.parametrize("way", WAYS)
def test_a_value_that_does_not_fit_is_its_text_and_its_column_is_listed(way: bool) -> None:
    """Rows before it are gone, so the value alone is affected; a number too long for a float is a Decimal."""
    columns = [Column("A", ColumnType.DATE), Column("B", ColumnType.DOUBLE), Column("C", ColumnType.INTEGER)]
    table = [["2026-11-02", "1.5", "1"], ["soon", "123456789012345678.5", "2"], ["", "N/A", "3.0"]]
    rows = TypedDictRows([[page(columns, table)]], columns, use_pyarrow=way)
    first, second, third = rows
    assert first["A"].isoformat() == "2026-11-02"
    assert second == {"A": "soon", "B": Decimal("123456789012345678.5"), "C": 2}
    assert third == {"A": None, "B": "N/A", "C": 3}
    assert rows.fallbacks == {"A": 1, "B": 2}


@pytest.mark.parametrize("way", WAYS)
def test_columns_may_be_found_when_the_header_is_known(way: bool) -> None:
    """A function of the header; it is asked once."""
    headers: list[tuple[str, ...]] = []

    def columns(header: Any) -> Any:
        headers.append(tuple(header))
        return [Column(name, ColumnType.INTEGER) for name in header]

    pages = [[page(["A", "B"], [["1", "2"]])], [page(["A", "B"], [["3", ""]])]]
    assert list(TypedDictRows(pages, columns, use_pyarrow=way)) == [{"A": 1, "B": 2}, {"A": 3, "B": None}]
    assert headers == [("A", "B")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pages", [[], [[]], [[b"Records not found for this query"]], [[b'"A","B"\n']]])
def test_a_result_without_rows_has_none(pages: Any, way: bool) -> None:
    """Header only, no bytes, or the sentence for it."""
    assert list(TypedDictRows(pages, text_columns, use_pyarrow=way)) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("row", [b'"5"\n', b'"5","6","7"\n', b'"5","\xff"\n'])
def test_a_broken_row_is_named(row: bytes, typed: bool, way: bool) -> None:
    """Its number counts over all pages; what stands in it is not shown."""
    columns = [Column("A"), Column("B", ColumnType.INTEGER if typed else ColumnType.TEXT)]
    good = page(columns, [["1", "2"], ["3", "4"]])
    rows = TypedDictRows([[good], [good + row + b'"7","8"\n']], columns, use_pyarrow=way)
    with pytest.raises(MalformedResult) as caught:
        list(rows)
    assert str(caught.value) == (
        "Row 4 of the CSV result is broken: it is cut off or damaged. The rows from there on were not read. "
        "Fetch the result again."
    )
    assert caught.value.row == 4


@pytest.mark.parametrize("way", WAYS)
def test_other_columns_than_given_are_refused(way: bool) -> None:
    """Types would go to the wrong columns."""
    with pytest.raises(MalformedResult, match="other columns than were expected"):
        list(TypedDictRows([[page(["A", "B"], [])], [page(["A", "B"], [["1", "2"]])]], [Column("A")], use_pyarrow=way))


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_read_as_they_are_asked_for(way: bool) -> None:
    """A long result is never held, and closing it closes its page."""
    closed: list[str] = []
    body = page(["A"], [["x" * 1_000]] * 2_000)

    def pieces() -> Iterator[bytes]:
        try:
            yield body
            while True:
                yield body[4:]
        finally:
            closed.append("page")

    rows = TypedDictRows([pieces()], use_pyarrow=way)
    assert [len(next(rows)["A"]) for _ in range(5_000)] == [1_000] * 5_000
    rows.close()
    assert closed == ["page"]
    assert list(rows) == []


def test_reprs() -> None:
    """One line of state."""
    assert repr(TypedDictRows([], use_pyarrow=False)) == "<TypedDictRows without pyarrow>"

"""Result pages -> Arrow batches and tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cuts import cut
from hypothesis import example, given, settings
from hypothesis import strategies as st
from org_csv import as_first_sent, page, results
from test_converters import NEARLY

from salesforce_bulk.data.converters import DoesNotFit, values
from salesforce_bulk.data.schema import Column, ColumnType
from salesforce_bulk.errors import BadValue, MalformedResult

pa = pytest.importorskip("pyarrow")
from salesforce_bulk.data.arrow import batches, to_table, until_it_fits  # noqa: E402
from salesforce_bulk.data.arrow_types import arrow_schema, typed_array  # noqa: E402

TYPED = [type_ for type_ in ColumnType if type_ is not ColumnType.TEXT]
DATE = Column("Born", ColumnType.DATE)
NAME = Column("Name")
GOOD = [["Ada", "1815-12-10"]] * 50
BAD = ["Eve", "unknown"]


def exact(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [[(name, as_first_sent(value)) for name, value in row.items()] for row in rows]


@settings(deadline=None)  # pyarrow is imported in the first one
@given(results(), st.integers(1, 80), st.sampled_from([0, 2]), st.data())
@example(
    ((NAME,), [[["NA"], ["NULL"], ["N/A"], [""], ["\r"], ["\x00"], ["\u2028"], ["0042"], ['"']], []], []), 1, 2, None
)
def test_a_table_holds_the_values(
    drawn: tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]],
    block_bytes: int,
    threads: int,
    draws: st.DataObject | None,
) -> None:
    """Every type, every text, blocks and pieces of any size: the table's rows are those that the org meant."""
    columns, tables, rows = drawn
    rows = rows or [{"Name": cell or None} for table in tables for (cell,) in table]
    bodies = [page(columns, table) for table in tables]
    pages = [draws.draw(cut(body)) if draws else [body] for body in bodies]
    table, fallbacks = to_table(lambda: pages, columns, threads=threads, block_bytes=block_bytes)
    assert table.schema == arrow_schema(columns)
    assert fallbacks == ()
    found = [
        {column.name: cells[at] for column, cells in zip(columns, map(_plain, table.columns), strict=True)}
        for at in range(table.num_rows)
    ]
    if len({column.name for column in columns}) == len(columns):
        assert exact(found) == exact(rows)


def _plain(column: Any) -> list[Any]:
    cells = column.to_pylist()
    return [cell.astimezone(UTC) if isinstance(cell, datetime) else cell for cell in cells]


@settings(deadline=None)
@given(st.sampled_from(TYPED), st.lists(NEARLY | st.just(""), min_size=1, max_size=3))
@example(ColumnType.INTEGER, ["0x1F"])
@example(ColumnType.INTEGER, ["9007199254740993.0"])
@example(ColumnType.INTEGER, ["1E18", "123456789012E7"])
@example(ColumnType.DATE, ["0000-01-01"])
def test_arrow_means_by_a_text_what_python_means(type_: ColumnType, texts: list[str]) -> None:
    """Its casts take other texts than Python's; here both take the same, and give the same."""
    array = pa.array([text or None for text in texts], pa.string())
    try:
        expected = values(texts, type_)
    except DoesNotFit:
        with pytest.raises(DoesNotFit):
            typed_array(array, type_)
    else:
        assert list(map(as_first_sent, _plain(typed_array(array, type_)))) == list(map(as_first_sent, expected))


@pytest.mark.parametrize("type_", TYPED)
def test_a_column_of_nulls_has_its_type(type_: ColumnType) -> None:
    """Also a block in which nothing stands."""
    for cells in ([], [None], [None, None]):
        found = typed_array(pa.array(cells, pa.string()), type_)
        assert found.type == arrow_schema((Column("x", type_),)).field(0).type
        assert found.to_pylist() == cells


def test_years_beyond_nanoseconds() -> None:
    """1700 and 4000 are years to the org, and to milliseconds."""
    texts = ["1700-01-01T00:00:00.000Z", "4000-12-31T23:59:59.999+0000"]
    found = typed_array(pa.array(texts), ColumnType.DATETIME)
    assert [moment.year for moment in found.to_pylist()] == [1700, 4000]


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("at", [0, 10, 49])
def test_a_table_turns_a_column_into_text_from_its_first_row(at: int, threads: int) -> None:
    """Exactly as it was sent, other columns typed; the pages are opened again only when the first block did not tell."""
    opened = 0
    table = [*GOOD[:at], BAD, *GOOD[at:]]

    def open_pages() -> list[list[bytes]]:
        nonlocal opened
        opened += 1
        return [[page((NAME, DATE), table[:20])], [page((NAME, DATE), table[20:])]]

    found, fallbacks = to_table(open_pages, (NAME, DATE), threads=threads, block_bytes=100)
    assert fallbacks == ("Born",)
    assert [[row["Name"], row["Born"]] for row in found.to_pylist()] == table
    assert found.schema == arrow_schema((NAME, Column("Born")))
    assert opened == (1 if at == 0 else 2)


def test_a_table_is_read_at_most_twice() -> None:
    """All columns with misfits are found on the way."""
    opened = 0
    columns = [Column(name, ColumnType.INTEGER) for name in "ABC"]
    table = [["1", "1", "1"]] * 50 + [["x", "1", "1"]] + [["1", "1", "1"]] * 50 + [["1", "y", "1"]]

    def open_pages() -> list[list[bytes]]:
        nonlocal opened
        opened += 1
        return [[page(columns, table)]]

    found, fallbacks = to_table(open_pages, columns, block_bytes=100)
    assert fallbacks == ("A", "B")
    assert opened == 2
    assert found.schema.types == [pa.string(), pa.string(), pa.int64()]


def test_a_stream_has_one_schema() -> None:
    """What the first block shows is in it; the schema is known before a batch is asked for."""
    stream = batches([[page((NAME, DATE), [BAD, *GOOD])]], (NAME, DATE), block_bytes=100)
    assert stream.schema == arrow_schema((NAME, Column("Born")))
    assert stream.fallbacks == ("Born",)
    found = list(stream)
    assert len(found) > 1
    assert {batch.schema for batch in found} == {stream.schema} or all(batch.schema == stream.schema for batch in found)
    assert [row["Born"] for batch in found for row in batch.to_pylist()] == ["unknown", *["1815-12-10"] * 50]


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_a_misfit_after_the_first_batch_is_an_error(threads: int) -> None:
    """It names row and column, not the value; nothing of its batch has been handed out."""
    pages = [[page((NAME, DATE), GOOD)], [page((NAME, DATE), [*GOOD, BAD])]]
    stream = batches(pages, (NAME, DATE), threads=threads, block_bytes=100)
    rows = 0
    with pytest.raises(BadValue) as caught:
        for batch in stream:
            rows += batch.num_rows
    assert str(caught.value) == (
        "Row 100, column 'Born': the value is no date, and earlier rows were handed out with that type. "
        "The rows from there on were not. Read the result again with this column as text."
    )
    assert (caught.value.row, caught.value.column) == (100, "Born")
    assert 90 <= rows <= 100


def test_an_attempt_is_made_again_with_one_more_column_as_text() -> None:
    """Until it fits; another error ends it."""
    columns = [Column("A", ColumnType.INTEGER), Column("B", ColumnType.INTEGER), Column("C", ColumnType.INTEGER)]
    table = [["1", "1", "1"]] * 50 + [["x", "1", "1"]] + [["1", "1", "1"]] * 50 + [["1", "y", "1"]]
    made: list[int] = []

    def attempt(these: Any) -> list[Any]:
        made.append(0)
        return list(batches([[page(columns, table)]], these, block_bytes=100))

    assert until_it_fits(columns, attempt)[0].schema.types == [pa.string(), pa.string(), pa.int64()]
    assert len(made) == 3

    def fails(these: Any) -> None:
        raise BadValue("of another kind")

    with pytest.raises(BadValue, match="of another kind"):
        until_it_fits(columns, fails)


@pytest.mark.parametrize("pages", [[], [[]], [[b"Records not found for this query"]]])
def test_nothing_at_all_is_a_table_without_columns(pages: Any) -> None:
    """And no batches."""
    assert to_table(lambda: pages, lambda header: [Column(name) for name in header])[0].shape == (0, 0)
    assert list(batches(pages)) == []


def test_a_result_without_rows_has_its_schema() -> None:
    """A header is enough."""
    table, _ = to_table(lambda: [[page((NAME, DATE), [])]], (NAME, DATE))
    assert table.schema == arrow_schema((NAME, DATE))
    assert batches([[page((NAME, DATE), [])]], (NAME, DATE)).reader().read_all().schema == table.schema


@pytest.mark.parametrize("threads", [0, 2])
def test_a_broken_row_is_named_by_its_number_in_the_result(threads: int) -> None:
    """However many blocks and pages were before it."""
    pages = [[page((NAME, DATE), GOOD)], [page((NAME, DATE), GOOD) + b'"x"\n' + page((NAME, DATE), GOOD)]]
    with pytest.raises(MalformedResult) as caught:
        list(batches(pages, (NAME, DATE), threads=threads, block_bytes=100))
    assert caught.value.row == 100


def test_anything_with_arrow_inside_takes_a_stream() -> None:
    """By the C stream interface of its reader."""
    reader = batches([[page((NAME, DATE), GOOD)]], (NAME, DATE)).reader()
    assert pa.table(reader).num_rows == 50


def test_a_stream_that_is_given_up_closes_its_page_and_leaves_no_thread() -> None:
    """Memory and connections are given back at once."""
    before = threading.active_count()
    closed: list[str] = []
    body = page((NAME, DATE), GOOD)

    def pieces() -> Iterator[bytes]:
        try:
            yield body
            while True:
                yield body[len(page((NAME, DATE), [])) :]
        finally:
            closed.append("page")

    stream = batches([pieces()], (NAME, DATE), block_bytes=1_000)
    next(stream)
    next(stream)
    stream.close()
    assert closed == ["page"]
    assert threading.active_count() == before
    assert list(stream) == []

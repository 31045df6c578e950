"""Results -> files."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from cuts import TEXTS, cut, whole_and_single
from hypothesis import example, given, settings
from hypothesis import strategies as st
from org_csv import page, quoted, results

from salesforce_bulk.data.arrow import batches, to_table
from salesforce_bulk.data.arrow_types import arrow_schema
from salesforce_bulk.data.schema import Column, ColumnType
from salesforce_bulk.data.sinks import write_arrow, write_csv, write_jsonl, write_parquet
from salesforce_bulk.data.typed import TypedDictRows
from salesforce_bulk.errors import MalformedResult, UsageError


@given(
    st.lists(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.data(),
)
@example([[["", "\n"]], [], [['"', "\r"]]], [True, True, False], None)
def test_csv_is_the_pages_glued_together(
    tables: list[list[list[str]]], ends: list[bool], draws: st.DataObject | None
) -> None:
    """The header once, every row byte by byte as it came, counted; also when a page has no last line end."""
    bodies = [page(["A", "B"], table) for table in tables]
    bodies = [body if end else body.removesuffix(b"\n") for body, end in zip(bodies, ends, strict=False)]
    rows = [row for table in tables for row in table]
    cuts = list(zip(*map(whole_and_single, bodies), strict=True))
    for pages in [*cuts, [draws.draw(cut(body)) if draws else [body] for body in bodies]]:
        file = io.BytesIO()
        assert write_csv(pages, file) == len(rows)
        written = file.getvalue()
        assert written.removesuffix(b"\n") == quoted([["A", "B"], *rows]).removesuffix(b"\n")
        if all(ends):
            assert written == quoted([["A", "B"], *rows])


def test_pieces_are_gathered_and_written_at_once() -> None:
    """A piece that is larger than the room goes out as it is."""
    large = quoted([["4" * 1_000]] * 1_200)
    pieces = [page(["A"], [["1"]]), quoted([["2"]] * 1_000), quoted([["3"]] * 1_000), large]
    written: list[bytes] = []

    class File:
        def write(self, data: bytes | memoryview, /) -> None:
            written.append(bytes(data))

    assert write_csv([pieces], File()) == 3_201
    assert [b"".join(pieces[:3]), large] == written


@pytest.mark.parametrize("pages", [[], [[]], [[b"Records not found for this query"]]])
def test_nothing_at_all_writes_nothing(pages: Any) -> None:
    """There is not even a header."""
    file = io.BytesIO()
    assert write_csv(pages, file) == 0
    assert file.getvalue() == b""


@pytest.mark.parametrize("rest", [b'"3","4', b'"3",', b'"'])
def test_a_page_that_is_cut_off_is_no_file(rest: bytes) -> None:
    """The writer says so; the file is not whole."""
    good = page(["A", "B"], [["1", "2"]])
    with pytest.raises(MalformedResult, match="Page 1 of the result ends inside a row"):
        write_csv([[good], [good + rest], [good]], io.BytesIO())


def test_a_page_with_other_columns_is_no_part_of_the_file() -> None:
    """Its rows would stand under the wrong names."""
    with pytest.raises(MalformedResult, match="Page 1 of the result has other columns"):
        write_csv([[page(["A", "B"], [])], [page(["A", "C"], [["1", "2"]])]], io.BytesIO())


ROW = {
    "text": 'é\u2028"\n\x00',
    "bool": True,
    "int": 2**53 + 1,
    "float": 1250000.5,
    "decimal": Decimal("123456789012345678.50"),
    "date": date(2026, 11, 2),
    "datetime": datetime(2026, 11, 2, 9, 15, 27, 250_000, tzinfo=UTC),
    "time": time(9, 15),
    "none": None,
}


def test_json_lines_keep_every_value() -> None:
    """Numbers as numbers, what JSON has no type for in the org's own form; one line a row."""
    file = io.BytesIO()
    assert write_jsonl([ROW, {}], file) == 2
    first, second, rest = file.getvalue().decode("utf-8").split("\n")
    assert json.loads(first) == {
        **ROW,
        "decimal": "123456789012345678.50",
        "date": "2026-11-02",
        "datetime": "2026-11-02T09:15:27.250Z",
        "time": "09:15:00.000Z",
    }
    assert (second, rest) == ("{}", "")


@settings(deadline=None)
@given(results())
def test_json_lines_of_typed_rows_can_always_be_written(
    drawn: tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]],
) -> None:
    """Whatever the org holds."""
    columns, tables, rows = drawn
    file = io.BytesIO()
    pages = [[page(columns, table)] for table in tables]
    assert write_jsonl(TypedDictRows(pages, columns, use_pyarrow=False), file) == len(rows)
    assert file.getvalue().count(b"\n") == len(rows)


def _pages(columns: tuple[Column, ...], tables: list[list[list[str]]]) -> list[list[bytes]]:
    return [[page(columns, table)] for table in tables]


@settings(deadline=None)
@given(results(), st.sampled_from(["zstd", "snappy"]))
def test_parquet_and_arrow_files_hold_the_table(
    drawn: tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]], compression: Any
) -> None:
    """Schema and values, dictionaries or not, rows or not."""
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    columns, tables, _ = drawn
    columns = tuple(Column(f"c{at}", column.type) for at, column in enumerate(columns))
    pages = _pages(columns, tables)
    table, _ = to_table(lambda: pages, columns)
    file = io.BytesIO()
    assert write_parquet(batches(pages, columns, block_bytes=40), file, compression=compression) == table.num_rows
    assert pyarrow.parquet.read_table(io.BytesIO(file.getvalue())).equals(table)
    file = io.BytesIO()
    assert write_arrow(batches(pages, columns, block_bytes=40), file) == table.num_rows
    assert pa.ipc.open_file(pa.BufferReader(file.getvalue())).read_all().equals(table)


def test_parquet_row_groups_and_dictionaries() -> None:
    """Small batches are gathered; a column of ever new values has no dictionary, one of a few words has."""
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    columns = (Column("Id"), Column("Kind"), Column("Born", ColumnType.DATE))
    table = [[f"{number:018}", f"kind {number % 7}", ""] for number in range(30_000)]
    file = io.BytesIO()
    write_parquet(batches([[page(columns, table)]], columns, block_bytes=10_000), file)
    found = pyarrow.parquet.ParquetFile(io.BytesIO(file.getvalue())).metadata
    assert found.num_row_groups == 1
    group = found.row_group(0)
    has_dictionary = ["RLE_DICTIONARY" in group.column(at).encodings for at in range(2)]
    assert has_dictionary == [False, True]


def test_polars_pandas_and_duckdb_take_a_stream() -> None:
    """By the Arrow C stream, values unchanged."""
    pytest.importorskip("pyarrow")
    columns = (Column("Name"), Column("N", ColumnType.INTEGER), Column("At", ColumnType.DATETIME))
    pages = _pages(columns, [[["NA", "47.0", "4000-12-31T23:59:59.999Z"], ["", "", ""]]])

    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(batches(pages, columns).reader())
    assert frame["N"].to_list() == [47, None]
    assert frame["Name"].to_list() == ["NA", None]
    assert frame["At"][0].year == 4000

    pytest.importorskip("pandas")
    pandas_frame = to_table(lambda: pages, columns)[0].to_pandas()
    assert pandas_frame["Name"][0] == "NA"
    assert pandas_frame["At"][0].year == 4000

    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.register("stream", batches(pages, columns).reader())
    assert connection.sql("select N, Name from stream").fetchall() == [(47, "NA"), (None, None)]


def test_without_pyarrow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and CSV do not need it; tables and Parquet do, and say so before anything is read."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    columns = (Column("A", ColumnType.INTEGER),)
    pages = _pages(columns, [[["1"]]])
    assert list(TypedDictRows(pages, columns)) == [{"A": 1}]
    with pytest.raises(UsageError) as caught:
        batches(pages, columns)
    assert str(caught.value) == (
        "An Arrow table needs pyarrow; pip install 'salesforce-bulk[arrow]'. Nothing was read."
    )
    with pytest.raises(UsageError, match="An Arrow table needs pyarrow"):
        arrow_schema(columns)

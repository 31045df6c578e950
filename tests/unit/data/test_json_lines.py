"""JSON lines by columns are, byte by byte, those that are written row by row."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from cuts import TEXTS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from org_csv import page, results

from salesforce_bulk.data.json_lines import write_json_lines
from salesforce_bulk.data.schema import Column, ColumnType
from salesforce_bulk.data.sinks import write_jsonl
from salesforce_bulk.data.typed import TypedDictRows
from salesforce_bulk.errors import MalformedResult

#: Texts in which one type may look like another, or nearly like itself.
# fmt: off
STRANGE = st.sampled_from([
    "0", "-0", "0.0", "-0.0", "00", "007", "1", "-1", "+1", "1.", ".5", "-.5", "0.5", "0.50", "0.05", "0.0001",
    "0.00001", "0.00012", "0.00010", "1e5", "1E5", "1.5E-7", "1250000.0", "1250000.10", "123456789012345.0",
    "1234567890123456.0", "12345678901234.56", "123456789012345.67", "1e15", "1e16", "1E400", "-1E400", "1e-400",
    "9007199254740993", "9007199254740993.0", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "999999999999999999", "0.1", "0.30000000000000004", "nan", "inf", "-inf", "0x1F", "1_0", "true", "false", "True",
    "TRUE", "2026-11-02", "2026-02-30", "0001-01-01", "9999-12-31", "2026-11-02T09:15:27.000Z",
    "2026-11-02T09:15:27Z", "2026-11-02T09:15Z", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000+0100",
    "9999-12-31T23:59:59.999Z", "2026-11-02T24:00:00.000Z", "2026-11-02T09:15:27.123+0200",
    "1969-12-31T23:59:59.999Z", "09:15:00.000Z", "09:15:00", "24:00:00.000Z", "١٢", "１２", "", " 1", "1 ", "1\n",
    "\n", '"', "\\", "\x00", "\x1f", "\x7f", "\u2028", "é\t", "2026-11-02 09:15:27.000Z",
])
# fmt: on


def both(
    pages: Any, columns: Any, **how: Any
) -> tuple[tuple[bytes, int, dict[str, int]], tuple[bytes, int, dict[str, int]]]:
    rows, mine = TypedDictRows(pages, columns, use_pyarrow=False), io.BytesIO()
    count = write_jsonl(rows, mine)
    file = io.BytesIO()
    found = write_json_lines(pages, columns, file, **how)
    return (mine.getvalue(), count, rows.fallbacks), (file.getvalue(), *found)


@settings(deadline=None)
@given(results(), st.sampled_from([(0, 40), (2, 40), (2, 1_000_000)]))
def test_what_the_org_writes(
    drawn: tuple[tuple[Column, ...], list[list[list[str]]], list[dict[str, Any]]], how: tuple[int, int]
) -> None:
    """Every type, in every spelling, however the pages are cut into blocks."""
    columns, tables, rows = drawn
    pages = [[page(columns, table)] for table in tables]

    by_row, by_column = both(pages, columns, threads=how[0], block_bytes=how[1])

    assert by_row == by_column
    assert len(rows) == by_column[1]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(list(ColumnType)), st.lists(STRANGE | TEXTS, max_size=8), st.sampled_from([40, 1_000_000]))
@example(ColumnType.DOUBLE, ["-0.0", "0.5", "0.50"], 40)
@example(ColumnType.DATETIME, ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", ""], 40)
@example(ColumnType.INTEGER, ["9223372036854775808", "999999999999999999"], 40)
def test_what_is_of_another_type(type_: ColumnType, cells: list[str], block_bytes: int) -> None:
    """The same values, the same number of misfits."""
    columns = (Column("A", type_), Column("B"))
    pages = [[page(columns, [[cell, "b"] for cell in cells])]]

    by_row, by_column = both(pages, columns, block_bytes=block_bytes)

    assert by_row == by_column


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 17))
def test_every_float_in_every_rounding(value: float, digits: int) -> None:
    """A text is left alone only where Python writes the same one."""
    columns = (Column("A", ColumnType.DOUBLE),)
    texts = [repr(value), f"{value:.{digits}f}", f"{value:.{digits}g}"]

    by_row, by_column = both([[page(columns, [[text] for text in texts if len(text) < 400])]], columns)

    assert by_row == by_column


@pytest.mark.parametrize("names", [["A", "A"], ['"', "\\"], ["é\n", "{}"]])
def test_names(names: list[str]) -> None:
    """Escaped; one that comes twice is one member."""
    columns = tuple(map(Column, names))

    by_row, by_column = both([[page(columns, [["1", "2"]])]], columns)

    assert by_row == by_column


@pytest.mark.parametrize("pages", [[], [[]], [[b"Records not found for this query"]], [[b'"A"\n']]])
def test_no_rows(pages: Any) -> None:
    """No lines."""
    file = io.BytesIO()

    assert (0, {}) == write_json_lines(pages, lambda header: tuple(map(Column, header)), file)
    assert b"" == file.getvalue()


def test_a_broken_row_is_named_by_its_place_in_the_result() -> None:
    """Counted over blocks and pages."""
    columns = (Column("A"), Column("B"))
    good = page(columns, [["1", "2"]] * 3)

    with pytest.raises(MalformedResult) as caught:
        write_json_lines([[good], [good + b'"3"\n']], columns, io.BytesIO(), block_bytes=10)

    assert 6 == caught.value.row


def test_without_pyarrow_the_lines_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row."""
    columns = (Column("A", ColumnType.INTEGER), Column("B"))
    pages = [[page(columns, [["1", 'é"'], ["x", ""]])]]
    with_it, without = io.BytesIO(), io.BytesIO()

    found = write_json_lines(pages, columns, with_it)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    assert (2, {"A": 1}) == found == write_json_lines(pages, columns, without)
    assert b'{"A":1,"B":"\xc3\xa9\\""}\n{"A":"x","B":null}\n' == with_it.getvalue() == without.getvalue()

"""``CsvDictsAdapter``. legacy-api.md 2.3, 3.2 last line."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict, defaultdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import salesforce_bulk
import salesforce_bulkipy
from salesforce_bulk import CsvDictsAdapter


def made_by_csv(rows: list[dict[str, Any]]) -> list[bytes]:
    """What 2.2.0 yields for *rows*: the csv module with the same dialect, UTF-8, one piece a row."""
    pieces = []
    for number, row in enumerate(rows):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0].keys()), quoting=csv.QUOTE_NONNUMERIC)
        if number == 0:
            writer.writeheader()
        writer.writerow(row)
        pieces.append(text.getvalue().encode("utf-8"))
    return pieces


def test_one_piece_a_record_the_header_with_the_first() -> None:
    """2.3: columns are the keys of the first dict in its order; comma, CRLF, all strings quoted; UTF-8 bytes."""
    pieces = list(CsvDictsAdapter(iter([{"b": "Zoë", "a": 'say "no"'}, {"a": "x", "b": "y"}])))
    assert ['"b","a"\r\n"Zoë","say ""no"""\r\n'.encode(), b'"y","x"\r\n'] == pieces


def test_values_that_are_not_text() -> None:
    """2.3: numbers and booleans bare (``1.5``, ``True``), ``None`` is ``""``."""
    row = {"a": 1, "b": 1.5, "c": True, "d": None, "e": Decimal("2.50"), "f": date(2020, 1, 2), "g": ""}
    (piece,) = CsvDictsAdapter(iter([row]))
    assert b'1,1.5,True,"",2.50,"2020-01-02",""\r\n' == piece.partition(b"\r\n")[2]


def test_missing_and_further_keys() -> None:
    """2.3: a missing key is ``""``; an extra key in a later dict is a ValueError, so that no column is lost."""
    adapter = CsvDictsAdapter(
        iter([{"a": "1", "b": "2"}, {"b": "3"}, {"a": "4", "c": "5"}, {"a": "6", "b": "7", "c": "8"}])
    )
    next(adapter)
    assert b'"","3"\r\n' == next(adapter)
    with pytest.raises(ValueError, match="'c'"):
        next(adapter)
    with pytest.raises(ValueError, match="'c'"):
        next(adapter)


def test_next_in_both_spellings_and_a_repeated_header() -> None:
    """2.3 and 3.2: ``next``, ``__next__``, ``write_header()`` before the next record; it is its own iterator."""
    adapter = CsvDictsAdapter(iter([{"a": 1}, {"a": 2}, {"a": 3}]))
    assert iter(adapter) is adapter
    assert b'"a"\r\n1\r\n' == adapter.next()
    adapter.write_header()
    assert b'"a"\r\n2\r\n' == next(adapter)
    assert b"3\r\n" == next(adapter)
    with pytest.raises(StopIteration):
        next(adapter)


def test_the_source_is_an_iterator() -> None:
    """2.3: a list is a TypeError, as in 2.x; no rows are no pieces."""
    with pytest.raises(TypeError):
        next(CsvDictsAdapter([{"a": 1}]))  # type: ignore[arg-type]
    assert [] == list(CsvDictsAdapter(iter([])))


def test_both_packages_have_the_same_one() -> None:
    """4 "Unicode CSV"."""
    assert salesforce_bulk.CsvDictsAdapter is salesforce_bulkipy.CsvDictsAdapter


def test_a_row_is_not_changed() -> None:
    """Reading a key that is missing from a defaultdict would add it."""
    row: dict[str, str] = defaultdict(str, a="1")
    adapter = CsvDictsAdapter(iter([{"a": "0", "b": "1"}, row]))
    assert b'"1",""\r\n' == list(adapter)[1]
    assert ["a"] == list(row)


CELLS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(["", '"', '""', ",", "\r\n", "\r", "\n", " ", "\u2028", "#N/A", "\0", "'"])
)
COLUMNS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=5, unique=True)


@given(st.data())
def test_the_bytes_are_those_of_the_csv_module(data: st.DataObject) -> None:
    """2.3 "Dialect" and 3.2: for any rows, with any keys missing, the same bytes as 2.2.0's."""
    columns = data.draw(COLUMNS)
    first = data.draw(st.fixed_dictionaries(dict.fromkeys(columns, CELLS)))
    later = data.draw(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(columns, CELLS)), max_size=4))
    rows: list[dict[str, Any]] = [first, *later]
    assert made_by_csv(rows) == list(CsvDictsAdapter(iter(rows)))
    assert made_by_csv(rows) == list(CsvDictsAdapter(OrderedDict(row) for row in rows))


def test_kinds_that_the_fast_ways_do_not_know() -> None:
    """Sub-classes of str and int, and objects: as the csv module writes them."""

    class Word(str):
        pass

    class Number(int):
        pass

    class Thing:
        def __str__(self) -> str:
            return "a thing"

    rows = [{"a": Word('x"y'), "b": Number(3), "c": Thing(), "d": datetime(2020, 1, 2)}]
    assert made_by_csv(rows) == list(CsvDictsAdapter(iter(rows)))

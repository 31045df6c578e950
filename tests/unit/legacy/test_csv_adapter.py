"""The old CsvDictsAdapter. The bytes were taken from salesforce-bulk 2.2.0 (csv.DictWriter, QUOTE_NONNUMERIC)."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict, defaultdict
from datetime import date, datetime, time
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.legacy.csv_adapter import CsvDictsAdapter


def pieces(*rows: dict[object, object]) -> list[bytes]:
    return list(CsvDictsAdapter(iter(rows)))


def test_the_readme_example() -> None:
    """The header comes with the first record; one piece a record."""
    assert pieces({"Id": "1", "Name": "Ada"}, {"Name": "Bo", "Id": "2"}) == [
        b'"Id","Name"\r\n"1","Ada"\r\n',
        b'"2","Bo"\r\n',
    ]


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("", b'""'),
        (None, b'""'),
        (1, b"1"),
        (1.5, b"1.5"),
        (1e300, b"1e+300"),
        (float("nan"), b"nan"),
        (True, b"True"),
        (Decimal("1E+3"), b"1E+3"),
        (Fraction(1, 2), b"1/2"),
        (Level.HIGH, b"3"),
        (1j, b"1j"),
        ('say "x"', b'"say ""x"""'),
        ("a\r\nb,c", b'"a\r\nb,c"'),
        ("é\u2028\0😀", '"é\u2028\0😀"'.encode()),
        ("#N/A", b'"#N/A"'),
        (date(2026, 2, 7), b'"2026-02-07"'),
        (datetime(2026, 2, 7, 9), b'"2026-02-07 09:00:00"'),
        (time(9), b'"09:00:00"'),
        (b"x", b"\"b'x'\""),
        (["a", 1], b"\"['a', 1]\""),
    ],
)
def test_golden_cells(value: object, cell: bytes) -> None:
    """Text is quoted, numbers and booleans are bare, None is empty text, the rest is its str()."""
    assert pieces({"A": value}) == [b'"A"\r\n' + cell + b"\r\n"]
    assert pieces({"A": "x", "B": value, "C": 2}) == [b'"A","B","C"\r\n"x",' + cell + b",2\r\n"]


def test_a_missing_key_is_empty_and_an_extra_one_an_error() -> None:
    """As csv.DictWriter says it."""
    adapter = CsvDictsAdapter(iter([{"A": "1", "B": 2}, {"B": 3}, {}, {"A": "4", "C": "secret"}, {"A": "5"}]))
    assert [next(adapter), next(adapter), next(adapter)] == [b'"A","B"\r\n"1",2\r\n', b'"",3\r\n', b'"",""\r\n']
    with pytest.raises(ValueError, match=r"^dict contains fields not in fieldnames: 'C'$"):
        next(adapter)
    assert next(adapter) == b'"5",""\r\n'


def test_columns_of_any_kind() -> None:
    """Numbers as names are bare, names with quotes are doubled, no column at all is an empty line."""
    assert pieces({1: "x", 'a"b': 2}) == [b'1,"a""b"\r\n"x",2\r\n']
    assert pieces({}, {}) == [b"\r\n\r\n", b"\r\n"]


def test_write_header_repeats_it_before_the_next_record() -> None:
    """Once for each call."""
    adapter = CsvDictsAdapter(iter([{"A": 1}] * 4))
    adapter.write_header()
    got = [next(adapter), next(adapter)]
    adapter.write_header()
    adapter.write_header()
    got += adapter
    assert got == [b'"A"\r\n1\r\n', b"1\r\n", b'"A"\r\n1\r\n', b"1\r\n"]


def test_both_spellings_of_next() -> None:
    """Python 2's and Python 3's."""
    adapter = CsvDictsAdapter(iter([{"A": 1}, {"A": 2}]))
    assert iter(adapter) is adapter
    assert adapter.next() == b'"A"\r\n1\r\n'
    assert adapter.__next__() == b"2\r\n"
    with pytest.raises(StopIteration):
        adapter.next()


def test_the_source_must_be_an_iterator() -> None:
    """A list is refused at the first record."""
    adapter = CsvDictsAdapter([{"A": 1}])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'list' object is not an iterator"):
        next(adapter)


def test_rows_are_not_changed() -> None:
    """Looking a key up in a defaultdict would add it."""
    row = defaultdict(str, B=1)
    assert pieces({"A": 1, "B": 2}, row, OrderedDict(B=1, A=2)) == [b'"A","B"\r\n1,2\r\n', b'"",1\r\n', b"2,1\r\n"]
    assert dict(row) == {"B": 1}


CELLS = st.one_of(
    st.text(alphabet='",\r\n#\0\u2028é', max_size=6),
    st.none(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.decimals(),
    st.datetimes(),
    st.binary(max_size=3),
    st.fractions(),
)


@given(st.lists(st.fixed_dictionaries({"A": CELLS, "B": CELLS}, optional={"C": CELLS}), min_size=1))
def test_the_bytes_are_those_of_the_csv_module(rows: list[dict[str, object]]) -> None:
    """Every row, by either way of writing it."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["A", "B", "C"], quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(rows)
    first = {"A": None, "B": None, "C": None}
    ours = CsvDictsAdapter(iter([first, *rows]))
    head = next(ours).removesuffix(b'"","",""\r\n')
    assert head + b"".join(ours) == text.getvalue().encode()

"""Dicts and JSON lines as sources: columns, values, nulls, what is refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cuts import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.decode import CsvRecords
from salesforce_bulk.data.parts import BULK2, parts
from salesforce_bulk.data.sources import LOOK_AHEAD_ROWS, Source, open_source
from salesforce_bulk.errors import BadValue, SourceChanged, UsageError
from salesforce_bulk.records import CLEAR, Dialect

COMMA = Dialect()


def sent(source: Source, dialect: Dialect = COMMA) -> bytes:
    """All that goes out."""
    return source.header(dialect) + b"".join(block.data for block in source.blocks(dialect))


def cells(source: Source) -> list[list[str]]:
    return list(CsvRecords([sent(source)]))


def generator(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from rows


KINDS: list[Callable[[list[dict[str, Any]]], Any]] = [list, tuple, generator]
kinds = pytest.mark.parametrize("kind", KINDS, ids=["list", "tuple", "generator"])


@kinds
def test_columns_are_those_of_all_rows(kind: Callable[[Any], Any]) -> None:
    """Not those of the first row only."""
    source = open_source(kind([{"A": "1"}, {"B": "2", "A": "3"}, {}, {"C": "4"}]))

    assert ("A", "B", "C") == source.columns
    assert b"A,B,C\n1,,\n3,2,\n,,\n,,4\n" == sent(source)


@kinds
@pytest.mark.parametrize(
    ("nulls", "expected"),
    [("ignore", ["", "", "", "", "#N/A", "#N/A"]), ("clear", ["", "#N/A", "#N/A", "", "#N/A", "#N/A"])],
)
def test_three_states_of_a_value(kind: Callable[[Any], Any], nulls: Any, expected: list[str]) -> None:
    """Not there, None and NaN, "", CLEAR, and the text #N/A."""
    rows = [
        {"K": 1},
        {"K": 2, "V": None},
        {"K": 3, "V": math.nan},
        {"K": 4, "V": ""},
        {"K": 5, "V": CLEAR},
        {"K": 6, "V": "#N/A"},
    ]

    assert expected == [row[1] for row in cells(open_source(kind(rows), nulls=nulls))]


def test_values_become_text() -> None:
    row = {
        "a": True,
        "b": Decimal("1.10"),
        "c": date(2026, 2, 7),
        "d": datetime(2026, 2, 7, 9, 5, tzinfo=UTC),
        "e": 1.5,
        "f": 10**20,
        "g": Decimal("NaN"),
    }

    assert [["true", "1.10", "2026-02-07", "2026-02-07T09:05:00.000Z", "1.5", "1" + "0" * 20, ""]] == cells(
        open_source([row])
    )


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (datetime(2026, 2, 7, 9, 5), "time zone"),
        (math.inf, "finite"),
        (b"x", "Attachments"),
        ([1], "no form"),
        ("\ud800", "surrogate"),
    ],
)
def test_values_that_cannot_be_sent(value: Any, why: str) -> None:
    """Named by row and column, never by themselves."""
    source = open_source([{"A": "x", "B": 1}, {"A": "y", "B": value}])
    with pytest.raises(BadValue, match=why) as caught:
        sent(source)
    assert 1 == caught.value.row


@pytest.mark.parametrize("nested", [True, False])
def test_parents(nested: bool) -> None:
    """Nested or dotted; a parent that is None has no column of its own, and clears what its columns would set."""
    rows: list[dict[str, Any]] = [
        {"Name": "a", "Account": None},
        {"Name": "b", "Account": {"Key__c": "A-1"}} if nested else {"Name": "b", "Account.Key__c": "A-1"},
        {"Name": "c"},
    ]
    if not nested:
        rows[0] = {"Name": "a", "Account.Key__c": None}

    assert b"Name,Account.Key__c\na,\nb,A-1\nc,\n" == sent(open_source(rows))
    assert b"Name,Account.Key__c\na,#N/A\nb,A-1\nc,\n" == sent(open_source(rows, nulls="clear"))


def test_other_mappings_are_rows_too() -> None:
    assert b"A,B\n1,2\n" == sent(open_source([OrderedDict(A=1, B=2)]))


def test_a_column_that_comes_late_in_a_generator() -> None:
    """The header is out: an error that names row and column, and no value lost. A list has no such trouble."""
    rows: list[dict[str, Any]] = [{"A": "x"}] * LOOK_AHEAD_ROWS
    rows.append({"A": "y", "B": "z"})

    assert ("A", "B") == open_source(rows).columns
    source = open_source(generator(rows))
    with pytest.raises(BadValue, match=f"Row {LOOK_AHEAD_ROWS} has a column 'B'") as caught:
        sent(source)
    assert (LOOK_AHEAD_ROWS, "B") == (caught.value.row, caught.value.column)
    assert sent(open_source(rows)) == sent(open_source(generator(rows), columns=["A", "B"]))


def test_a_late_column_without_a_value_is_no_loss() -> None:
    rows: list[dict[str, Any]] = [{"A": "x"}] * LOOK_AHEAD_ROWS
    rows.append({"A": "y", "B": None})
    assert LOOK_AHEAD_ROWS + 1 == len(cells(open_source(generator(rows))))
    with pytest.raises(BadValue, match="'B'"):
        sent(open_source(generator(rows), nulls="clear"))


def test_declared_columns_hold_for_lists() -> None:
    assert b"B,A\n,1\n" == sent(open_source([{"A": 1}], columns=["B", "A"]))
    with pytest.raises(BadValue, match="'C'"):
        sent(open_source([{"A": 1, "C": 2}], columns=["A"]))


def test_a_generator_is_read_once() -> None:
    """A second reading is an error, never an empty result."""
    source = open_source(generator([{"A": 1}]))
    assert not source.reopenable
    sent(source)
    for again in (lambda: sent(source), source.rows_again, source.as_given):
        with pytest.raises(UsageError, match="one-time"):
            again()


def test_rows_are_read_again() -> None:
    source = open_source([{"A": None, "B": 'x"\n'}, {"A": True}], nulls="clear", rename={"A": "Z"})
    for _ in range(2):
        assert [["#N/A", 'x"\n'], ["true", ""]] == list(source.rows_again())
    assert b'A,B\n,"x""\n"\ntrue,\n' == sent(source.as_given())


def test_only_some_columns_under_other_names() -> None:
    source = open_source([{"Id": 1, "x": 2}, {"x": 3}], only=["x", "Id"], rename={"x": "X__c"})
    assert b"X__c,Id\n2,1\n3,\n" == sent(source)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ({"A": 1}, {}, "One dict is one row"),
        (5, {}, "not int"),
        (b"A\n1", {}, "not bytes"),
        ([[1]], {}, "Row 0 is a list"),
        ([{"A": 1}], {"nulls": "keep"}, "nulls is"),
        ([{"A": 1}], {"line_breaks": "x"}, "line_breaks is"),
        ([{"Name": 1, "NAME": 2}], {}, "'Name' and 'NAME'"),
        ([{"": 1}], {}, "Column 1 of 1 has no name"),
        ([{1: 1}], {}, "not by a int"),
        ([{"A": 1}], {"only": ["Id"]}, "no column 'Id'"),
        ([{"A": 1}], {"rename": {"B": "C"}}, "no column 'B'"),
    ],
)
def test_what_cannot_be_rows(rows: Any, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(rows, **options)


@given(st.lists(st.dictionaries(st.sampled_from("ABC"), TEXTS), min_size=1, max_size=6), st.sampled_from(",;|\t^`"))
def test_what_is_read_is_what_was_written(rows: list[dict[str, str]], delimiter: str) -> None:
    """decode(encode(x)) == x, in each dialect, for a list and for a generator."""
    source = open_source(rows)
    if not source.columns:
        return
    expected = [[row.get(name, "") for name in source.columns] for row in rows]

    assert expected == cells(source)
    assert sent(source) == sent(open_source(generator(rows)))
    for end in ("\n", "\r\n"):
        text = io.StringIO(sent(source, Dialect(delimiter, end)).decode(), newline="")
        assert [list(source.columns), *expected] == list(csv.reader(text, delimiter=delimiter))


def test_line_breaks_are_kept_unless_asked() -> None:
    rows = [{"A": "a\r\nb\nc\rd"}]
    assert b'A\n"a\r\nb\nc\rd"\n' == sent(open_source(rows))
    assert b'A\n"a\nb\nc\nd"\n' == sent(open_source(rows, line_breaks="normalise"))
    crlf = Dialect(",", "\r\n")
    assert b'A\r\n"a\r\nb\r\nc\r\nd"\r\n' == sent(open_source(rows, line_breaks="normalise"), crlf)


@pytest.mark.parametrize("packed", [False, True])
def test_json_lines(tmp_path: Path, packed: bool) -> None:
    """Numbers as they are written, columns of the whole file, blank lines left out."""
    text = '\ufeff{"A": 0.10, "B": null}\n\n{"A": 12345678901234567890.5, "P": {"K": "\\u2028x"}}\r\n{"C": true, "A": -0.0}'
    path = tmp_path / ("rows.jsonl.gz" if packed else "rows.ndjson")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    source = open_source(path)

    assert "A,B,P.K,C\n0.10,,,\n12345678901234567890.5,,\u2028x,\n-0.0,,,true\n" == sent(source).decode()
    assert ("JSON lines", packed) == (source.detected.kind, source.detected.compressed)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('[{"A": 1}]', UsageError, "JSON array"),
        ('{"A": 1}\n{"A": ', BadValue, "Row 1 is no JSON"),
        ('{"A": NaN}', BadValue, "NaN"),
        ("5", UsageError, "Row 0 is a int"),
    ],
)
def test_json_lines_that_are_none(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(error, match=message):
        open_source(path)


def test_big_integers_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"A": 10**25}))
    assert [["1" + "0" * 25]] == cells(open_source(path))


# -- rows that would get lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [list, iter])
def test_rows_without_columns_are_no_empty_input(kind: Callable[[Any], Any]) -> None:
    with pytest.raises(UsageError) as refused:
        list(parts(open_source(kind([{}, {}])), BULK2, COMMA))

    assert "The rows have no columns, so there is nothing to send of them. Nothing was sent." == str(refused.value)
    assert [] == list(parts(open_source(kind([])), BULK2, COMMA))
    assert b"N\n\nx\n" == sent(open_source(kind([{}, {"N": "x"}]))).replace(b'""', b"")


@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("turned", [False, True])
def test_a_column_that_is_nested_and_dotted_in_one_row(kind: Callable[[Any], Any], turned: bool) -> None:
    """Which of the two values is meant, nobody knows."""
    row = {"Account": {"K": "a"}, "Account.K": "b"}
    rows = [{"Account.K": "c"}, dict(reversed(row.items())) if turned else row]
    with pytest.raises(BadValue) as refused:
        sent(open_source(kind(rows)))

    assert (
        "Row 1, column 'Account.K': it is named twice in this row, nested and dotted. The batch was not sent."
        == str(refused.value)
    )


@pytest.mark.parametrize("name", ["Id", "ID", "id"])
def test_a_column_that_is_asked_for_may_be_spelled_in_another_case(name: str) -> None:
    """As the org matches it; its own spelling comes first, and of two others none is guessed."""
    assert [["001"]] == cells(open_source([{"Name": "x", name: "001"}], only=["Id"]))
    assert [["002"]] == cells(open_source([{"id": "001", "Id": "002"}], only=["Id"]))
    with pytest.raises(UsageError) as refused:
        open_source([{"ID": "001", "id": "002"}], only=["Id"])

    assert "The rows have no column 'Id'. They have: 'ID', 'id'. Nothing was sent." == str(refused.value)


class OneTime:
    """Rows that can be iterated once, and do not say so."""

    def __init__(self, rows: list[dict[str, Any]], *, is_same: bool) -> None:
        self._rows, self._is_same = iter(rows), is_same

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._rows if self._is_same else (row for row in self._rows)


def test_rows_that_can_be_iterated_once_are_no_empty_input() -> None:
    """They are found out beforehand, or when fewer rows come than were looked at."""
    rows = [{"N": "a"}, {"N": "b"}]
    assert [["a"], ["b"]] == cells(open_source(OneTime(rows, is_same=True)))

    with pytest.raises(SourceChanged) as changed:
        sent(open_source(OneTime(rows, is_same=False)))
    assert (
        "There were 2 rows when they were looked at, and 0 when they were sent: they can be iterated only once, or were changed "
        "meanwhile.\nThe others were not sent.\nHand in a list, or an iterator, which is read once."
    ) == str(changed.value)

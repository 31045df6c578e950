"""Rows -> CSV, XML and JSON batches."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import pytest
from cuts import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.decode import DictRows
from salesforce_bulk.data.encode import csv_pieces, json_batch, xml_batch
from salesforce_bulk.errors import BadValue, UsageError
from salesforce_bulk.records import CLEAR, PIECE_BYTES

XML_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
)


def as_csv(*rows: Any, **options: Any) -> str:
    return b"".join(csv_pieces(rows, **options)).decode()


def as_xml(row: dict[str, Any]) -> str:
    return xml_batch([row]).decode().removeprefix(XML_HEAD + "<sObject>").removesuffix("</sObject>\n</sObjects>")


def as_json(row: dict[str, Any]) -> str:
    return json_batch([row]).decode()[1:-1]


ENCODERS: list[Callable[[dict[str, Any]], str]] = [as_csv, as_xml, as_json]


class Colour(StrEnum):
    RED = "red, dark"


class Level(IntEnum):
    HIGH = 3


VALUES = [
    ("text", "text", '"text"'),
    ("", "", '""'),
    ("0042", "0042", '"0042"'),
    (42, "42", "42"),
    (10**30, "1" + "0" * 30, "1" + "0" * 30),
    (-1.5, "-1.5", "-1.5"),
    (1e300, "1e+300", "1e+300"),
    (Decimal("1E+3"), "1000", "1000"),
    (Decimal("0.00000001"), "0.00000001", "0.00000001"),
    (Decimal("12345678901234567890.10"), "12345678901234567890.10", "12345678901234567890.10"),
    (True, "true", "true"),
    (False, "false", "false"),
    (date(2026, 2, 7), "2026-02-07", '"2026-02-07"'),
    (datetime(2026, 2, 7, 9, 5, tzinfo=UTC), "2026-02-07T09:05:00.000Z", '"2026-02-07T09:05:00.000Z"'),
    (
        datetime(2026, 2, 7, 23, 30, 1, 999_999, timezone(timedelta(hours=-2))),
        "2026-02-08T01:30:01.999Z",
        '"2026-02-08T01:30:01.999Z"',
    ),
    (time(9, 5), "09:05:00.000Z", '"09:05:00.000Z"'),
    (Level.HIGH, "3", "3"),
]


@pytest.mark.parametrize(("value", "text", "token"), VALUES)
def test_each_type_has_one_form(value: object, text: str, token: str) -> None:
    """The same text in CSV and XML; in JSON numbers and booleans are bare."""
    cell = text or '""'
    assert as_csv({"A__c": value}) == f"A__c\n{cell}\n"
    assert as_xml({"A__c": value}) == f"<A__c>{text}</A__c>"
    assert as_json({"A__c": value}) == f'{{"A__c":{token}}}'


def test_a_text_of_another_class_is_its_text() -> None:
    """An enum member is not its name."""
    assert as_csv({"A": Colour.RED, "B": 1}) == 'A,B\n"red, dark",1\n'
    assert as_xml({"A": Colour.RED}) == "<A>red, dark</A>"
    assert as_json({"A": Colour.RED}) == '{"A":"red, dark"}'


def test_none_leaves_a_field_alone_and_clear_empties_it() -> None:
    """Empty and #N/A; absent and nil; absent and null."""
    row = {"A": None, "B": CLEAR, "C": "x"}
    assert as_csv(row) == "A,B,C\n,#N/A,x\n"
    assert as_xml(row) == '<B xsi:nil="true"/><C>x</C>'
    assert as_json(row) == '{"B":null,"C":"x"}'


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        Decimal("NaN"),
        Decimal("-Infinity"),
        datetime(2026, 1, 1),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        time(1, tzinfo=timezone(timedelta(hours=1))),
        b"bytes",
        ["list"],
        object(),
        1j,
        timedelta(1),
    ],
)
@pytest.mark.parametrize("encode", ENCODERS)
def test_what_the_api_cannot_carry_is_refused(value: object, encode: Callable[[dict[str, Any]], str]) -> None:
    """The error names row, column and type, and never the value."""
    with pytest.raises(BadValue) as caught:
        encode({"Good": "x", "Secret__c": value})
    assert (caught.value.row, caught.value.column) == (0, "Secret__c")
    assert type(value).__name__ in str(caught.value)
    assert repr(value) not in str(caught.value)


@pytest.mark.parametrize("encode", ENCODERS)
def test_half_a_surrogate_pair_is_refused(encode: Callable[[dict[str, Any]], str]) -> None:
    """It is no character, in no format."""
    with pytest.raises(BadValue) as caught:
        encode({"A": "x\ud800y"})
    assert caught.value.row == 0
    assert "\ud800" not in str(caught.value)


def test_the_row_of_a_bad_text_is_found_among_many() -> None:
    """Also behind the first piece."""
    rows = [{"A": "x" * 1000}] * 200 + [{"A": "\udfff"}] + [{"A": "y"}] * 10
    with pytest.raises(BadValue) as caught:
        list(csv_pieces(rows))
    assert caught.value.row == 200


@pytest.mark.parametrize(
    ("row", "columns", "cells"),
    [
        ({"Account": {"Key__c": "A"}}, "Account.Key__c", "A"),
        ({"Account.Key__c": "A"}, "Account.Key__c", "A"),
        ({"Lead:Who.Email": "e"}, "Lead:Who.Email", "e"),
        ({"Who": {"attributes": {"type": "Lead"}, "Email": "e"}}, "Lead:Who.Email", "e"),
        ({"attributes": {"type": "Task"}, "Subject": "s"}, "Subject", "s"),
        ({"Owner": {"Id": 1}, "Account": MappingProxyType({"Key__c": None})}, "Owner.Id,Account.Key__c", "1,"),
    ],
)
def test_parents_as_columns(row: dict[str, Any], columns: str, cells: str) -> None:
    """Nested or dotted, with the type of a polymorphic one."""
    assert as_csv(row) == f"{columns}\n{cells}\n"


@pytest.mark.parametrize(
    ("row", "xml", "text"),
    [
        (
            {"Account": {"Key__c": "A"}},
            "<Account><sObject><Key__c>A</Key__c></sObject></Account>",
            '{"Account":{"Key__c":"A"}}',
        ),
        (
            {"Account.Key__c": "A"},
            "<Account><sObject><Key__c>A</Key__c></sObject></Account>",
            '{"Account":{"Key__c":"A"}}',
        ),
        (
            {"Lead:Who.Email": "e"},
            "<Who><sObject><type>Lead</type><Email>e</Email></sObject></Who>",
            '{"Who":{"attributes":{"type":"Lead"},"Email":"e"}}',
        ),
        (
            {"Who": {"attributes": {"type": "Lead"}, "Email": "e"}},
            "<Who><sObject><type>Lead</type><Email>e</Email></sObject></Who>",
            '{"Who":{"attributes":{"type":"Lead"},"Email":"e"}}',
        ),
        ({"Account": {"Key__c": None}, "Name": "n"}, "<Name>n</Name>", '{"Name":"n"}'),
        (
            {"Account": {"Key__c": CLEAR}},
            '<Account><sObject><Key__c xsi:nil="true"/></sObject></Account>',
            '{"Account":{"Key__c":null}}',
        ),
    ],
)
def test_parents_as_elements_and_objects(row: dict[str, Any], xml: str, text: str) -> None:
    """The guide's shapes."""
    assert as_xml(row) == xml
    assert as_json(row) == text


@pytest.mark.parametrize("encode", ENCODERS)
def test_a_parent_of_a_parent_is_refused(encode: Callable[[dict[str, Any]], str]) -> None:
    """One level only."""
    with pytest.raises(BadValue) as caught:
        encode({"Account": {"Owner": {"Id": "1"}}})
    assert caught.value.column == "Account.Owner"


@pytest.mark.parametrize("row", [{"Who.Email": "a", "Lead:Who.Phone": "b"}, {"Who": "005", "Who.Email": "a"}])
@pytest.mark.parametrize("encode", [as_xml, as_json])
def test_a_parent_is_named_in_one_way(row: dict[str, Any], encode: Callable[[dict[str, Any]], str]) -> None:
    """Two types, or a value and a parent, cannot both be meant."""
    with pytest.raises(BadValue, match="named twice"):
        encode(row)


def test_a_row_may_lack_columns_and_not_have_others() -> None:
    """A value is never dropped in silence."""
    assert as_csv({"A": "1", "B": "2"}, {"B": "3"}, {}) == "A,B\n1,2\n,3\n,\n"
    with pytest.raises(BadValue) as caught:
        as_csv({"A": "1"}, {"A": "2", "C": "secret"})
    assert (caught.value.row, caught.value.column) == (1, "C")
    with pytest.raises(BadValue) as caught:
        as_csv({"A": "1"}, {"C": "secret"})
    assert caught.value.column == "C"


def test_columns_can_be_named() -> None:
    """Their order is the caller's; a header without rows is a header."""
    assert as_csv({"B": "2", "A": "1"}, columns=["A", "B", "C"]) == "A,B,C\n1,2,\n"
    assert as_csv(columns=["A"]) == "A\n"
    assert as_csv() == ""
    for columns in ([], ["A", "A"]):
        with pytest.raises(UsageError):
            as_csv({}, columns=columns)


def test_any_mapping_is_a_row_and_stays_as_it_is() -> None:
    """A defaultdict is not filled by looking into it."""
    row = defaultdict(str, B="2", X="x")
    del row["X"]
    assert (
        as_csv({"A": "1", "B": "2"}, row, OrderedDict(B="b", A="a"), MappingProxyType({"A": 1}))
        == "A,B\n1,2\n,2\na,b\n1,\n"
    )
    assert dict(row) == {"B": "2"}


def test_quotes_only_where_they_are_needed() -> None:
    """Comma, quote, LF and CR need them; spaces do not, and one empty value alone does."""
    assert as_csv({"A": "a,b", "B": 'say "x"', "C": "l\nm", "D": "l\rm", "E": " s ", "F": "#N/A"}) == (
        'A,B,C,D,E,F\n"a,b","say ""x""","l\nm","l\rm", s ,#N/A\n'
    )
    assert as_csv({"A": "a,b", "B": "c"}) == 'A,B\n"a,b",c\n'
    assert as_csv({"A": ""}, {"A": None}) == 'A\n""\n""\n'
    assert as_csv({"A": "x", "B": None, "C": 'q"'}, quote_all=True) == '"A","B","C"\n"x","","q"""\n'


def test_pieces_have_a_size_that_is_good_to_send() -> None:
    """One HTTP chunk a row would cost more than the row."""
    pieces = list(csv_pieces({"A": "x" * 100} for _ in range(5000)))
    assert all(PIECE_BYTES <= len(piece) < PIECE_BYTES + 200 for piece in pieces[:-1])
    assert len(pieces) == 8


ROWS = st.lists(TEXTS, min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, TEXTS)), min_size=1, max_size=5)
)


@given(ROWS, st.booleans())
def test_csv_reads_back_as_it_was(rows: list[dict[str, str]], quote_all: bool) -> None:
    """By us and by the csv module."""
    data = b"".join(csv_pieces(rows, quote_all=quote_all))
    if data.startswith(b"\xef\xbb\xbf"):
        return  # a column whose name begins with a byte order mark
    assert list(DictRows([data])) == rows
    assert list(csv.DictReader(io.StringIO(data.decode(), newline=""))) == rows


@given(st.dictionaries(TEXTS.filter(lambda name: "." not in name), TEXTS | st.integers() | st.booleans(), max_size=4))
def test_json_reads_back_as_it_was(row: dict[str, object]) -> None:
    """Every character survives."""
    assert json.loads(json_batch([row, row])) == [row, row]


@given(st.text())
def test_xml_reads_back_as_it_was_or_is_refused(text: str) -> None:
    """CR survives; what XML cannot hold is refused before anything is sent."""
    try:
        data = xml_batch([{"Name": text}])
    except BadValue:
        assert any(ord(letter) < 0x20 or letter in "\ufffe\uffff" or "\ud800" <= letter <= "\udfff" for letter in text)
        return
    assert (ElementTree.fromstring(data)[0][0].text or "") == text


@pytest.mark.parametrize("text", ["\0", "\x01", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_characters_that_xml_does_not_have_are_refused(text: str) -> None:
    """Not even a reference could carry them."""
    with pytest.raises(BadValue, match="CSV or JSON"):
        as_xml({"Name": text})


@pytest.mark.parametrize("name", ["a><b", "1a", "", "a b", "xsi:nil", "Nä"])
def test_a_name_that_is_no_tag_is_refused(name: str) -> None:
    """Nothing from a key reaches the markup."""
    for row in ({name: "x"}, {"Owner": {name: "x"}}, {f"{name}:Who.Email": "x"} if name else {"": "x"}):
        if name == "xsi:nil" and "xsi:nil:Who.Email" in row:
            continue
        with pytest.raises(BadValue):
            xml_batch([row])


def test_whole_batches() -> None:
    """Several rows, and none."""
    assert xml_batch([{"A": "<&>\r\n"}, {"B": "é"}]).decode() == (
        f"{XML_HEAD}<sObject><A>&lt;&amp;&gt;&#13;\n</A></sObject>\n<sObject><B>é</B></sObject>\n</sObjects>"
    )
    assert json_batch([{"A": "é\0"}, {"B": 1}]).decode() == '[{"A":"é\\u0000"},\n{"B":1}]'
    assert json_batch([]) == b"[]"

"""JSON results -> records and row results."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from cuts import TEXTS, cut, whole_and_single
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.json_rows import json_records, json_results
from salesforce_bulk.errors import MalformedResult
from salesforce_bulk.records import RecordError, RowResult

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
RECORDS = st.lists(st.dictionaries(TEXTS, VALUES | st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4), max_size=5)


@given(RECORDS, st.booleans(), st.sampled_from([None, 2]), st.data())
def test_records_are_the_same_however_the_bytes_are_cut(
    records: list[dict[str, object]], ascii_only: bool, indent: int | None, draws: st.DataObject
) -> None:
    """With escapes or without, pretty-printed or not."""
    data = json.dumps(records, ensure_ascii=ascii_only, indent=indent).encode()
    for pieces in [*whole_and_single(data), draws.draw(cut(data))]:
        assert list(json_records(pieces)) == records


def test_attributes_are_left_out_unless_wanted() -> None:
    """Of the record and of its parents."""
    about = {"type": "Event", "url": "/x"}
    records = [{"attributes": about, "Id": "1", "Who": {"attributes": about, "Email": None}, "What": None}]
    data = json.dumps(records).encode()
    assert list(json_records([data])) == [{"Id": "1", "Who": {"Email": None}, "What": None}]
    assert list(json_records([data], attributes=True)) == records


def test_numbers_can_keep_every_digit() -> None:
    """Money, as the caller likes it."""
    assert list(json_records([b'[{"A":12345678901234567890.10}]'], parse_float=Decimal)) == [
        {"A": Decimal("12345678901234567890.10")}
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b" [ ] \n", b"\xef\xbb\xbf[]", b"Records not found for this query"])
def test_no_records(data: bytes) -> None:
    """Nothing, an empty array, or the sentence."""
    for pieces in whole_and_single(data):
        assert list(json_records(pieces)) == []


@pytest.mark.parametrize(
    "data",
    [
        b"[", b'[{"a":1}', b'[{"a":1},', b'[{"a":1},]', b'[{"a":1}{"a":2}]', b'[{"a":1}] x', b"[1]", b'{"a":1}', b"[[]]",
        b'[{"a":', b'[{"a', b'[{"a":"b\\', b'[{"a":"\\u12', b'[{"a":tru', b'[{"a":1.', b'[{"a":NaN}]', b'[{"a":-Infinity}]',
        b'[{"a":"\xff"}]', b'[{"a":"\xc3', b'[{"a":"b\nc"}]', b"[{'a':1}]", b"null",
    ],
)  # fmt: skip
def test_what_is_broken_or_cut_off_is_refused(data: bytes) -> None:
    """Never a short result."""
    for pieces in whole_and_single(data):
        with pytest.raises(MalformedResult):
            list(json_records(pieces))


def test_every_proper_prefix_is_refused() -> None:
    """Only the last bracket makes it whole."""
    data = json.dumps([{"a": [1.5, -2e10, True, None], "é": {"b": '\\"\u2028'}}] * 2).encode()
    for size in range(1, len(data)):
        with pytest.raises(MalformedResult):
            list(json_records([data[:size]]))


def test_a_fault_is_found_where_it_is_and_not_at_the_end_of_the_file() -> None:
    """Constant memory, also for garbage."""

    def pieces():  # type: ignore[no-untyped-def]
        yield b'[{"a":1},{"a":oops' + b" " * 100_000
        raise AssertionError("read too far")

    records = json_records(pieces())
    assert next(records) == {"a": 1}
    with pytest.raises(MalformedResult) as caught:
        next(records)
    assert caught.value.row == 1


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    """A record of the org is two or three deep."""
    with pytest.raises(MalformedResult, match="nested too deeply"):
        list(json_records([b'[{"a":' + b"[" * 100_000]))


def test_a_large_record_in_small_pieces_takes_linear_time() -> None:
    """5 MB in pieces of 1 KB; looked at anew for each piece it would be 12 GB."""
    cell = "x" * 5_000_000
    data = json.dumps([{"a": cell}, {"a": "b"}]).encode()
    assert list(json_records(data[at : at + 1024] for at in range(0, len(data), 1024))) == [{"a": cell}, {"a": "b"}]


def test_the_recorded_results() -> None:
    """Extra members are tolerated, and missing ones."""
    data = (
        b'[{"success":true,"created":true,"id":"003Rm00000Vn8cDIAR","errors":[]},'
        b'{"success":false,"created":false,"id":null,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING",'
        b'"message":"Required fields are missing: [LastName]","fields":["LastName"],"extendedErrorDetails":null}]},'
        b'{"success":false,"errors":[{"message":"m"}],"new":1}]'
    )
    for pieces in whole_and_single(data):
        assert list(json_results(pieces)) == [
            RowResult("003Rm00000Vn8cDIAR", True, True),
            RowResult(
                None,
                False,
                False,
                (RecordError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName",)),),
            ),
            RowResult(None, False, False, (RecordError("", "m"),)),
        ]


@pytest.mark.parametrize("data", [b"[{}]", b'[{"success":"true"}]', b'[{"success":null}]'])
def test_a_result_without_an_answer_is_refused(data: bytes) -> None:
    """Neither true nor false is not a failure: it is not known."""
    with pytest.raises(MalformedResult) as caught:
        list(json_results([data]))
    assert (caught.value.row, caught.value.column) == (0, "success")

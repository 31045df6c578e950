"""The org's answers to the rows of a CSV batch."""

from __future__ import annotations

import pytest
from cuts import whole_and_single
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.results import csv_results, parse_errors
from salesforce_bulk.errors import MalformedResult
from salesforce_bulk.records import RecordError, RowResult

DOCUMENTED = b""""Id","Success","Created","Error"
"003Rm00000Vn8cDIAR","true","true",""
"003Rm00000Vn8cEIAR","true","false",""
"","false","false","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
"""


def test_the_documented_results() -> None:
    """Created, updated, refused."""
    refused = RecordError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName",))
    for pieces in whole_and_single(DOCUMENTED):
        assert list(csv_results(pieces)) == [
            RowResult("003Rm00000Vn8cDIAR", True, True),
            RowResult("003Rm00000Vn8cEIAR", True, False),
            RowResult(None, False, False, (refused,)),
        ]


def test_columns_are_found_by_name() -> None:
    """In any order, with more of them, and without ``Created``, which a delete may not have."""
    data = b'"Error","Extra","Success","Id"\n"","x","true","1"\n'
    assert list(csv_results([data])) == [RowResult("1", True, False)]


def test_padding_with_nul_is_taken_off() -> None:
    """Several clients met it."""
    data = b'"Id","Success","Created","Error"\n"1\0","true\0\0","\0false",""\n'
    assert list(csv_results([data])) == [RowResult("1", True, False)]


@pytest.mark.parametrize(
    "data",
    [b'"Success"\n"true"\n', b'"Id"\n"1"\n', b'"Id","Success"\n"1","perhaps"\n', b'"Id","Success"\n"1","true"\n"2"\n'],
)
def test_what_is_no_batch_result_is_refused(data: bytes) -> None:
    """Other columns, no answer, or cut off."""
    with pytest.raises(MalformedResult):
        list(csv_results([data]))


def test_an_empty_result_has_no_rows() -> None:
    """Whether that can be is for whoever knows how many rows were sent."""
    assert list(csv_results([])) == []
    assert list(csv_results([b'"Id","Success","Created","Error"\n'])) == []


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", ()),
        ("  ", ()),
        ("A_B:message:F1,F2 --", (RecordError("A_B", "message", ("F1", "F2")),)),
        ("A_B:message:F1, F2__c --", (RecordError("A_B", "message", ("F1", "F2__c")),)),
        (
            "INVALID_FIELD:Foreign key external ID: Z-9 not found for field Badge__c in entity Contact:--",
            (
                RecordError(
                    "INVALID_FIELD", "Foreign key external ID: Z-9 not found for field Badge__c in entity Contact"
                ),
            ),
        ),
        ("A:one:F --B:two:--", (RecordError("A", "one", ("F",)), RecordError("B", "two"))),
        ("A:one:--B:two:F --", (RecordError("A", "one"), RecordError("B", "two", ("F",)))),
        ("A:one:F -- B:two:G --", (RecordError("A", "one", ("F",)), RecordError("B", "two", ("G",)))),
        ("A:with -- dashes:F --", (RecordError("A", "with -- dashes", ("F",)),)),
        ("A:two\nlines:F --\n", (RecordError("A", "two\nlines", ("F",)),)),
        ("A::--", (RecordError("A", ""),)),
        ("something else", (RecordError("", "something else"),)),
        ("A:no end", (RecordError("", "A:no end"),)),
        ("A:one:F --and more", (RecordError("", "A:one:F --and more"),)),
        ("lower:case:F --", (RecordError("", "lower:case:F --"),)),
        ("A --", (RecordError("", "A --"),)),
    ],
)
def test_error_cells(text: str, errors: tuple[RecordError, ...]) -> None:
    """``CODE:message:fields --``; any other text is kept whole, without a code."""
    assert parse_errors(text) == errors


@given(st.text() | st.text(alphabet="AB:_,- \n"))
def test_any_error_cell_is_read(text: str) -> None:
    """It never raises, and says something whenever there is something."""
    assert bool(parse_errors(text)) == bool(text.strip())


@given(
    st.lists(
        st.builds(
            RecordError,
            st.sampled_from(["UNABLE_TO_LOCK_ROW", "X1"]),
            st.text(alphabet='ab: ,"[]\n'),
            st.lists(st.sampled_from(["Name", "Key__c", "Owner.Name"])).map(tuple),
        )
    )
)
def test_errors_that_follow_one_another_are_told_apart(errors: list[RecordError]) -> None:
    """The single form, several times."""
    text = "".join(
        f"{error.code}:{error.message}:{','.join(error.fields)}{' ' if error.fields else ''}--" for error in errors
    )
    assert parse_errors(text) == tuple(errors)

"""Ids: the checksum, and an order that is the order of creation."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.emulator.ids import DIGITS, normalise, number_of, numbered, to18

IDS = st.text(DIGITS, min_size=15, max_size=15)


@pytest.mark.parametrize(
    ("id15", "id18"),
    [
        # rest-support.md section 8, "check values"
        ("750ak000009AVi5", "750ak000009AVi5AAG"),
        ("001D000000IRFma", "001D000000IRFmaIAH"),
        ("0GaHn000005s2T4", "0GaHn000005s2T4KAI"),
        ("750R0000000zlh9", "750R0000000zlh9IAA"),
    ],
)
def test_the_checksum_is_the_real_one(id15: str, id18: str) -> None:
    """Recorded ids get their recorded last three characters."""
    assert to18(id15) == id18


@given(IDS)
def test_both_forms_of_an_id_are_one_id(id15: str) -> None:
    """15 and 18 characters normalise to the same, and so does an 18-character id that lost its case."""
    id18 = to18(id15)
    assert normalise(id15) == normalise(id18) == normalise(id18.lower()) == normalise(id18.upper()) == id18


@pytest.mark.parametrize(
    "text", ["", "001", "001D000000IRFm", "001D000000IRFma!", "001D000000IRFmaIAHx", "001D000000IRFm\u00e9"]
)
def test_what_is_no_id(text: str) -> None:
    """A wrong length or a strange character is no id."""
    assert normalise(text) is None


def test_a_digit_that_claims_to_be_a_capital_is_no_id() -> None:
    """The checksum must fit the id."""
    assert normalise("001D000000IRFma" + "5AA") is None


@given(st.integers(0, 62**7), st.integers(1, 200))
def test_ids_ascend_and_remember_their_number(start: int, count: int) -> None:
    """A later id is greater, byte by byte, and none comes twice."""
    made = list(islice(numbered("001", start), count))
    assert made == sorted(set(made))
    assert [number_of(id18) for id18 in made] == list(range(start, start + count))
    assert all(to18(id18[:15]) == id18 for id18 in made)

"""What passes and what does not."""

from __future__ import annotations

import pytest

from salesforce_bulk.protocol.passing import PASSING, is_passing, may_try_rest_again
from salesforce_bulk.records import Outcome


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_row_that_was_refused_for_the_moment(code: str) -> None:
    assert is_passing(Outcome(0, "failed", code=code), rest=False)
    assert not is_passing(Outcome(0, "succeeded", code=code), rest=True)


@pytest.mark.parametrize("code", ["REQUIRED_FIELD_MISSING", "DUPLICATE_VALUE", "ENTITY_IS_LOCKED", ""])
def test_a_row_that_will_be_refused_again(code: str) -> None:
    """A record that is locked for approval stays locked: ENTITY_IS_LOCKED is no row lock."""
    assert not is_passing(Outcome(0, "failed", code=code), rest=True)


@pytest.mark.parametrize(
    ("state", "said", "again"),
    [
        ("Failed", "TooManyLockFailure : Too many lock failure 200 Trying again later.", True),
        ("Failed", "InternalServerError : Retried more than thirty times", True),
        ("Failed", "InternalServerError : Tried more than thirty times", True),
        ("Failed", "Timeout : ", True),
        ("Failed", "InvalidBatch : Field name not found : Timeout", False),
        ("Failed", "ExceededQuota : no more", False),
        ("Failed", "", False),
        ("Aborted", "Timeout", False),
        ("NotProcessed", "", False),
        ("JobComplete", "", True),
    ],
)
def test_rows_that_were_not_tried(state: str, said: str, again: bool) -> None:
    assert again == may_try_rest_again(state, said)
    assert again == is_passing(Outcome(0, "unprocessed"), rest=may_try_rest_again(state, said))

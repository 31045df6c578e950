"""Any bytes as a reply give a value or one of our errors, and never another exception, nor a flow without end."""

from __future__ import annotations

import pytest
from hypothesis import given

from .bounds import examples, outcome_of
from .readers import READERS
from .replies import AnyReply, any_replies


@pytest.mark.parametrize("name", list(READERS))
@examples(40)
@given(reply=any_replies)
def test_a_reader_gives_a_value_or_one_of_our_errors(name: str, reply: AnyReply) -> None:
    """Whatever its status, headers and body are."""
    outcome_of(lambda: READERS[name](reply))

"""What every test here asks for: a value or one of our errors, within a bounded number of steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from hypothesis import settings

from salesforce_bulk.errors import SalesforceBulkError
from salesforce_bulk.protocol.messages import Call, Flow, Pause, Reply
from salesforce_bulk.protocol.refusals import refusal
from salesforce_bulk.session import filled

from .replies import AnyReply

#: More than any flow needs to see that an org does not come to an end: looks at a job grow apart to 30 s, and limits are 600 s.
MOST_STEPS: Final = 500


def examples(count: int) -> settings:
    """So many examples of each property, or SFBULK_FUZZ_TIMES as many: see scripts/fuzz."""
    return settings(max_examples=count * int(os.environ.get("SFBULK_FUZZ_TIMES", "1")))


class Endless(AssertionError):
    """A flow goes on and on."""


def outcome_of(make: Callable[[], Any]) -> tuple[Any, SalesforceBulkError | None]:
    """What *make* returns, or the error of ours that it raises. Any other exception is the test's failure."""
    found: SalesforceBulkError | None = None
    value: Any = None
    try:
        value = make()
    except SalesforceBulkError as error:
        found = error
    assert found is None or str(found).strip(), f"{type(found).__name__} without a message"
    return value, found


def played(flow: Flow[Any], reply: AnyReply) -> Any:
    """Perform *flow*, every call of which gets the same *reply*, and pass the time that it waits."""
    passed = 0.0
    try:
        step = next(flow)
        for _ in range(MOST_STEPS):
            if isinstance(step, Call):
                assert str(step.request)
                filled(step.request, "66.0")  # the address can be made, whatever the ids are
                whole = Reply(reply.status, reply.headers, reply.body)
                refused = refusal(step.request, whole)
                step = flow.throw(refused) if refused is not None else flow.send(whole)
            elif isinstance(step, Pause):
                assert 0 <= step.seconds <= 3600
                passed += step.seconds
                step = flow.send(passed)
            else:
                step = flow.send(None)
    except StopIteration as done:
        return done.value
    raise Endless(f"{MOST_STEPS} steps and no end")

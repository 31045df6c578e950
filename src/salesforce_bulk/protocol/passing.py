"""Which refusals pass: the same row, sent again a little later, may well be taken.

The org says of each of these rows that it was not applied, so sending them again makes nothing twice, inserts included.
"""

from __future__ import annotations

import re
from typing import Final

from ..records import Outcome
from ..wire.names import BatchState, Job2State

#: Row errors, and where they are said to pass. A code that stands nowhere in our sources is not here.
PASSING: Final[dict[str, str]] = {
    "UNABLE_TO_LOCK_ROW": "Somebody holds the record, or its parent (Bulk API guide, data load guidelines; field notes, 67).",
    "API_TEMPORARILY_UNAVAILABLE": "Row-level, and worth a retry (field notes, 67).",
    "REQUEST_RUNNING_TOO_LONG": "The time of one request ran out (limits quick reference); a row code of the vendor's client.",
    "QUERY_TIMEOUT": "A query that the save needed took too long (users' reports); a row code of the vendor's client.",
    "SERVER_UNAVAILABLE": "The org is overloaded or in maintenance (REST guide, status 503).",
}

#: What is said of a batch or job that the org tried again and again, and then left: locks, time, its own retries. "Retried"
#: and "Tried more than N times" are both on record (bulk-api-1.md 12.2, U14). A code stands in front: a column
#: may be called Timeout.
_GIVEN_UP: Final = re.compile(
    r"\A\s*(?:TooManyLockFailure|Timeout)\s*:|\btoo many lock failure\b|\b(?:re)?tried more than\b", re.IGNORECASE
)

_ENDED_WELL: Final = frozenset({Job2State.JOB_COMPLETE, BatchState.COMPLETED})


def may_try_rest_again(state: str, said: str) -> bool:
    """May the rows be sent again that a part with this end did not try?

    Not those of a job that somebody aborted, or that can never work (a column that does not exist, a used-up allocation).
    """
    return state in _ENDED_WELL or (state == BatchState.FAILED and _GIVEN_UP.search(said) is not None)


def is_passing(outcome: Outcome, *, rest: bool) -> bool:
    """May the row of *outcome* be sent again? *rest* is what :func:`may_try_rest_again` says of its part."""
    return outcome.code in PASSING if outcome.state == "failed" else rest and outcome.state == "unprocessed"

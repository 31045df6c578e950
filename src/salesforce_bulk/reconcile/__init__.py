"""Sent rows x the org's answers -> one outcome per row, or an error. Never a guess that is not told, never silence.

Bulk API 1.0 and REST answer in the order of the rows: there the number of answers must be right. Bulk API 2.0 answers with
three files in no order ("Get Job Successful Record Results"), which echo the columns that were sent: there rows are matched
by content, as a multiset. An echo is parsed and written anew by the org, so it can differ from what was sent in ways that
are known (numbers as Java writes a double, line breaks, ``#N/A``); what is compared is a form in which these are equal.
"""

from __future__ import annotations

from .content import Subset, by_content
from .counting import check_counts
from .echo import LOOK_ROWS, Echo, Rows, echo_of
from .outcomes import Matched, by_position, refused

__all__ = [
    "LOOK_ROWS",
    "Echo",
    "Matched",
    "Rows",
    "Subset",
    "by_content",
    "by_position",
    "check_counts",
    "echo_of",
    "refused",
]

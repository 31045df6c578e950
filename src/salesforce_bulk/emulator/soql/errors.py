"""What the service says of a query it will not run."""

from __future__ import annotations

from typing import Final

from salesforce_bulk.wire.names import ExceptionCode

# Read off ten recorded messages: the line of the error is shown from the last blank or comma at least 31 characters
# before the caret to the first one at least 30 characters after it.
_SHOWN_BEFORE: Final = 31
_SHOWN_AFTER: Final = 30
_BREAKS: Final = " ,\t"


class SoqlError(Exception):
    """A query that the service refuses.

    Attributes:
        code: The error code of REST and Bulk API 2.0, and of the text inside a batch's ``stateMessage``.
        message: The service's text, with the place of the error where the service shows one.
        feature: True when Bulk API 1.0 reports the refusal as ``FeatureNotEnabled`` and not as an invalid query.
    """

    def __init__(self, code: str, message: str, *, feature: bool = False) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.feature = feature

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def state_message(self) -> str:
        """The ``stateMessage`` of the Bulk API 1.0 batch that held the query."""
        if self.feature:
            return f"{ExceptionCode.FEATURE_NOT_ENABLED} : {self.message}"
        return f"{ExceptionCode.INVALID_BATCH} : Failed to process query: {self.code}: {self.message}"


def located(code: str, text: str, position: int, says: str) -> SoqlError:
    """An error at *position* of the query *text*, with the service's caret under it.

    Recorded: ``\\nSELECT Id, Bogus FROM Account\\n           ^\\nERROR at Row:1:Column:12\\nNo such column …``
    """
    row = text.count("\n", 0, position) + 1
    line_start = text.rfind("\n", 0, position) + 1
    line_end = text.find("\n", position)
    line = text[line_start : len(text) if line_end < 0 else line_end]
    caret = position - line_start
    first = max((line.rfind(mark, 0, max(0, caret - _SHOWN_BEFORE + 1)) for mark in _BREAKS), default=-1) + 1
    ends = [end for mark in _BREAKS if (end := line.find(mark, caret + _SHOWN_AFTER)) >= 0]
    shown = line[first : min(ends, default=len(line))]
    return SoqlError(code, f"\n{shown}\n{' ' * (caret - first)}^\nERROR at Row:{row}:Column:{caret + 1}\n{says}")


def unexpected(text: str, position: int, says: str) -> SoqlError:
    """A syntax error. The service counts the column of these from 0, so its caret stands one character early.

    Recorded: ``SELECT * FROM Account`` is refused at ``Column:7``.
    """
    return located("MALFORMED_QUERY", text, max(0, position - 1), says)

"""The org's answers to the rows of a CSV batch."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from ..errors import MalformedResult
from ..records import RecordError, RowResult
from .decode import CsvRecords

__all__ = ["RecordError", "RowResult", "csv_results", "parse_errors", "parse_result_errors", "truth"]

# "CODE:message:F1,F2 --", or "CODE:message:--" without fields. How several errors share a cell has not been recorded
# (bulk-api-1, U18); they are read as following one another, so one ends where the next code or the end of the text is.
_END: Final = re.compile(r"(?:(?<=:)| )--(?=\s*(?:\Z|[A-Z][A-Z0-9_]*:))")
_CODE: Final = re.compile(r"\s*([A-Z][A-Z0-9_]*):")


def parse_errors(text: str) -> tuple[RecordError, ...]:
    """What an ``Error`` cell says. Never raises: text of another shape is one error without a code, whole."""
    if not text.strip():
        return ()
    errors: list[RecordError] = []
    start = 0
    for end in _END.finditer(text):
        error = _one_error(text[start : end.start()])
        if error is None:
            break
        errors.append(error)
        start = end.end()
    if start < len(text) and text[start:].strip():
        return (RecordError("", text),)
    return tuple(errors)


def parse_result_errors(text: str) -> tuple[RecordError, ...]:
    """What an ``sf__Error`` cell of Bulk API 2.0 says. There the text is HTML-escaped (field notes, 4.3)."""
    if "&" not in text:
        return parse_errors(text)
    return tuple(replace(error, message=_unescaped(error.message)) for error in parse_errors(text))


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a reference to a character whose number has thousands of digits
        return text


def _one_error(text: str) -> RecordError | None:
    """*text* without its closing ``--``: the code up to the first colon, the fields after the last."""
    code = _CODE.match(text)
    if code is None:
        return None
    message, colon, fields = text[code.end() :].rpartition(":")
    if not colon:
        return None
    return RecordError(code[1], message, tuple(name.strip() for name in fields.split(",") if name.strip()))


def truth(text: str | None, row: int, column: str) -> bool:
    """``true`` or ``false``, as the org writes them. Anything else is not an answer."""
    word = (text or "").strip().lower()
    if word not in ("true", "false"):
        raise MalformedResult(
            f"Row {row} of the results has neither true nor false in {column!r}. "
            "What became of the rows from there on is not known; fetch the result again.",
            row=row,
            column=column,
        )
    return word == "true"


def csv_results(pieces: Iterable[bytes]) -> Iterator[RowResult]:
    """One result per input row, in input order. Columns are found by name; without ``Created`` nothing was created.

    Padding with NUL characters, seen by several clients, is taken off.
    """
    records = CsvRecords(pieces)
    places = {name.strip("\0").lower(): place for place, name in enumerate(records.columns)}
    if not places:
        return
    for column in ("Id", "Success"):
        if column.lower() not in places:
            raise MalformedResult(
                f"The batch result has no column {column!r}; it is no batch result. Fetch it again.", column=column
            )
    identity, success = places["id"], places["success"]
    created, error = places.get("created"), places.get("error")
    for row, cells in enumerate(records):
        yield RowResult(
            id=cells[identity].strip("\0") or None,
            success=truth(cells[success].strip("\0"), row, "Success"),
            created=created is not None and truth(cells[created].strip("\0"), row, "Created"),
            errors=parse_errors(cells[error].strip("\0")) if error is not None else (),
        )

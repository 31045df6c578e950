"""CSV as the service reads it. Written for the org alone: the client has another.

The rules and texts are those of the parser that Salesforce publishes with its own client (bulk-api-1.md 6.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..limits import Limits

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PLAIN: Final = re.compile(r'[^,"\r\n]*')
_QUOTED: Final = re.compile(r'"([^"]*(?:""[^"]*)*)"')


class BadCsv(Exception):
    """A fault that fails the whole batch."""


def read_csv(text: str, limits: Limits) -> Iterator[list[str]]:
    """The records of *text*, header included. Blank lines are skipped; so is a line of one empty quoted value."""
    characters = records = 0
    for record in _plain_records(text) if '"' not in text else _records(text):
        if len(record) == 1 and not record[0]:
            continue
        length = sum(map(len, record))
        if len(record) > limits.record_columns:
            raise BadCsv(f"Exceeded max number of columns per record : {limits.record_columns}")
        if length > limits.cell_characters:
            longest = max(map(len, record))
            if longest > limits.cell_characters:
                raise BadCsv(f"Exceeded max field size: {longest}")
        if length > limits.record_characters:
            raise BadCsv(
                f"Exceeded max length for one record: {length}. "
                f"Max length for one record should be less than or equal to {limits.record_characters}"
            )
        characters += length
        if characters > limits.batch_characters:
            raise BadCsv(
                f"Exceeded max file size: {characters}. "
                f"Max file size in characters should be less than or equal to {limits.batch_characters}"
            )
        records += 1
        if records > limits.batch_rows:
            raise BadCsv(
                f"Exceeded number of records : {records}. "
                f"Number of records should be less than or equal to {limits.batch_rows}"
            )
        yield record


def _plain_records(text: str) -> Iterator[list[str]]:
    return (line.split(",") for line in _LINE_END.split(text))


def _records(text: str) -> Iterator[list[str]]:
    position, end = 0, len(text)
    while position < end:
        found = _LINE_END.search(text, position)
        line_end = found.start() if found else end
        if text.find('"', position, line_end) < 0:
            yield text[position:line_end].split(",")
            position = found.end() if found else end
        else:
            record, position = _record(text, position)
            yield record


def _record(text: str, position: int) -> tuple[list[str], int]:
    """The record that begins at *position*, and where the next one begins."""
    values: list[str] = []
    while True:
        if text.startswith('"', position):
            if (quoted := _QUOTED.match(text, position)) is None:
                raise BadCsv("EOF reached before closing an opened quote")
            value = quoted[1]
            values.append(value.replace('""', '"') if '"' in value else value)
            position = quoted.end()
        else:
            plain = _PLAIN.match(text, position)
            assert plain is not None
            values.append(plain[0])
            position = plain.end()
            if text.startswith('"', position):
                raise BadCsv("Found unescaped quote. A value with quote should be within a quote")
        if position == len(text):
            return values, position
        if text[position] == ",":
            position += 1
        elif (line_end := _LINE_END.match(text, position)) is not None:
            return values, line_end.end()
        else:
            raise BadCsv("Not expecting more text after end quote")

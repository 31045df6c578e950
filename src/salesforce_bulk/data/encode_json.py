"""Rows -> the JSON of one batch. API: Bulk API guide, "Valid XML and JSON Records"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from ..errors import BadValue
from ..records import CLEAR
from .relations import gathered_parents
from .values import kind_of, text_of


def json_batch(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows as one JSON array. None leaves a field out; ``CLEAR`` is ``null``. Numbers keep every digit.

    Raises:
        BadValue: A value that the API cannot carry; the first one met, with its row and column.
    """
    parts = []
    for number, row in enumerate(rows):
        text = "{" + ",".join([_member(name, value, number) for name, value in gathered_parents(row, number)]) + "}"
        try:
            parts.append(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise BadValue(
                f"Row {number} holds half of a surrogate pair, which is no character. The batch was not sent.",
                row=number,
            ) from error
    return b"[" + b",\n".join(parts) + b"]"


def _member(name: str, value: Any, row: int) -> str:
    if isinstance(value, tuple):
        kind, fields = value
        members = [f'"attributes":{{"type":{encode_basestring(kind)}}}'] if kind else []
        members += [_pair(inner, inner_value, row, f"{name}.{inner}") for inner, inner_value in fields.items()]
        return f"{encode_basestring(name)}:{{{','.join(members)}}}"
    return _pair(name, value, row, name)


def _pair(name: str, value: Any, row: int, column: str) -> str:
    if value is CLEAR:
        return f"{encode_basestring(name)}:null"
    text = text_of(value, row, column)
    if kind_of(value) not in (int, float, bool, Decimal):
        text = encode_basestring(text)
    return f"{encode_basestring(name)}:{text}"

r"""Conditions -> SQL, with the values bound as parameters in the order of the text.

SOQL knows true and false only. A comparison with an empty field is false, but ``!=``, ``NOT IN`` and ``EXCLUDES``, which an
empty field satisfies; ``NOT`` turns what is not true into true. SQLite's third value stays inside the comparisons.

Text is compared without regard to case. ASCII values use SQLite's NOCASE; the others, and every ordering, compare
``str.lower`` of both sides (the function ``soql_fold`` that :mod:`.compile` registers).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from .. import ids
from .dates import literal_range
from .errors import SoqlError
from .quoting import like_pattern
from .scope import Operand, Scope
from .syntax import (
    AllOf,
    AnyOf,
    BareId,
    Boolean,
    Compare,
    Condition,
    Currency,
    Date,
    DateLiteral,
    DateTime,
    In,
    Includes,
    Not,
    Null,
    Number,
    Query,
    Target,
    Text,
    Time,
    Value,
)

#: Conditions inside conditions. The service's own bound is not published; its text for "too complicated" is.
MAX_DEPTH: Final = 100
#: "4,000 characters for each string within a WHERE clause" (Limits Quick Reference).
MAX_TEXT: Final = 4_000

Bound = str | int | float
_TYPE_NAMES: Final = {"datetime": "dateTime", "currency": "double", "percent": "double", "long": "int"}


def fold(text: Bound | None) -> Bound | None:
    return text.lower() if isinstance(text, str) else text


def options(text: Bound | None) -> Bound | None:
    """A multi-select value with its options in one order: ``A;B`` equals ``B;A``."""
    return ";".join(sorted(text.lower().split(";"))) if isinstance(text, str) else text


def distance(latitude: float | None, longitude: float | None, north: float, east: float, radius: float) -> float | None:
    """Along the surface of a globe of *radius*, from a place to a point, both in degrees (haversine formula)."""
    if latitude is None or longitude is None:
        return None
    a, b = math.radians(latitude), math.radians(north)
    turn = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(east - longitude) / 2) ** 2
    return 2 * radius * math.asin(math.sqrt(min(1.0, turn)))


class Filters:
    """The conditions of one query. *parameters* belongs to the whole statement; *subquery* writes an inner SELECT."""

    def __init__(
        self,
        scope: Scope,
        parameters: list[Bound],
        now: datetime,
        subquery: Callable[[Query, int], str],
        operand: Callable[[Target], Operand],
    ) -> None:
        self._scope = scope
        self._parameters = parameters
        self._now = now
        self._subquery = subquery
        self._operand = operand

    def sql(self, condition: Condition, depth: int = 0, *, under_or: bool = False) -> str:
        if depth > MAX_DEPTH:
            raise SoqlError(
                "QUERY_TOO_COMPLICATED",
                "Query is either selecting too many fields or the filter conditions are too complicated.",
            )
        if isinstance(condition, AllOf):
            return joined("AND", [self.sql(part, depth + 1, under_or=under_or) for part in condition.parts])
        if isinstance(condition, AnyOf):
            return joined("OR", [self.sql(part, depth + 1, under_or=True) for part in condition.parts])
        if isinstance(condition, Not):
            return f"({self.sql(condition.part, depth + 1, under_or=under_or)} IS NOT TRUE)"
        operand = self._operand(condition.target)
        if operand.field is not None and not (operand.field.filterable and operand.field.stored):
            says = f"field '{operand.name}' can not be filtered in a query call"
            raise self._scope.wrong("INVALID_FIELD", operand.position, says)
        if isinstance(condition, Compare):
            return self._compare(operand, condition.operator, condition.value)
        if isinstance(condition, Includes):
            return self._includes(operand, condition.values, condition.negated)
        return self._in(operand, condition, under_or)

    def _bind(self, value: Bound) -> str:
        self._parameters.append(value)
        return "?"

    def _compare(self, operand: Operand, operator: str, value: Value) -> str:
        kind = operand.kind
        if operator == "LIKE":
            return self._like(operand, value)
        if operator not in ("=", "!=") and kind in ("boolean", "multipicklist"):
            raise self._bad_operator(operand)
        empty = isinstance(value, Null) or (
            isinstance(value, Text) and not value.value and kind in ("text", "multipicklist")
        )
        if empty and kind != "boolean":
            return f"{operand.sql} IS {'NOT ' if operator == '!=' else ''}NULL" if operator in ("=", "!=") else "FALSE"
        if isinstance(value, DateLiteral) and kind in ("date", "datetime"):
            return self._in_range(operand, operator, value)
        bound = self._value(operand, value)
        if kind == "boolean":  # "null matches FALSE values" ("Use null in WHERE")
            return f"COALESCE({operand.sql}, 0) {operator} {self._bind(bound)}"
        left, right = operand.sql, "?"
        if kind == "multipicklist":
            left = f"soql_options({left})"
        elif kind == "text" and not (operand.field and operand.field.case_sensitive):
            if operator in ("=", "!=") and str(bound).isascii():
                right = "? COLLATE NOCASE"
            else:
                left, bound = f"soql_fold({left})", str(bound).lower()
        self._bind(bound)
        return f"{left} {'IS NOT' if operator == '!=' else operator} {right}"

    def _in_range(self, operand: Operand, operator: str, literal: DateLiteral) -> str:
        start, end = self._range(operand, literal)
        sql = operand.sql
        if operator == "=":
            return f"({sql} >= {self._bind(start)} AND {sql} < {self._bind(end)})"
        if operator == "!=":
            return f"(({sql} >= {self._bind(start)} AND {sql} < {self._bind(end)}) IS NOT TRUE)"
        # Before the range, or after it: < and >= look at its start, <= and > at its end.
        if operator in ("<", ">="):
            return f"{sql} {operator} {self._bind(start)}"
        return f"{sql} {'<' if operator == '<=' else '>='} {self._bind(end)}"

    def _range(self, operand: Operand, literal: DateLiteral) -> tuple[Bound, Bound]:
        span = literal_range(literal.name, literal.count, self._now)
        return span.dates() if operand.kind == "date" else span.milliseconds()

    def _like(self, operand: Operand, value: Value) -> str:
        if operand.kind != "text":
            raise self._bad_operator(operand)
        if not isinstance(value, Text):
            raise self._bad_value(operand)
        pattern = like_pattern(value.raw)
        self._check_length(pattern)
        if pattern.isascii():
            return f"{operand.sql} LIKE {self._bind(pattern)} ESCAPE '\\'"
        return f"soql_fold({operand.sql}) LIKE {self._bind(pattern.lower())} ESCAPE '\\'"

    def _in(self, operand: Operand, condition: In, under_or: bool) -> str:
        sql = operand.sql
        if isinstance(condition.members, Query):
            if under_or:
                says = "Semi join sub-selects are not allowed with the 'OR' operator"
                raise self._scope.wrong("MALFORMED_QUERY", operand.position, says)
            if operand.kind != "id":
                raise self._bad_operator(operand)
            inner = self._subquery(condition.members, operand.position)
            return f"({sql} IS NULL OR {sql} NOT IN ({inner}))" if condition.negated else f"{sql} IN ({inner})"
        values: list[Bound] = []
        tests = []
        for member in condition.members:
            if isinstance(member, Null) or (isinstance(member, Text) and not member.value and operand.kind == "text"):
                tests.append(f"{sql} IS NULL")
            elif isinstance(member, DateLiteral) and operand.kind in ("date", "datetime"):
                tests.append(self._in_range(operand, "=", member))
            else:
                values.append(self._value(operand, member))
        if values:
            tests.append(self._among(operand, values))
        anywhere = joined("OR", tests)
        return f"({anywhere} IS NOT TRUE)" if condition.negated else anywhere

    def _among(self, operand: Operand, values: list[Bound]) -> str:
        """One bound list, however long: SQLite reads it as a table."""
        left = operand.sql
        if operand.kind == "boolean":
            left = f"COALESCE({left}, 0)"
        elif operand.kind == "multipicklist":
            left = f"soql_options({left})"
        elif operand.kind == "text" and not (operand.field and operand.field.case_sensitive):
            if all(str(value).isascii() for value in values):
                left = f"{left} COLLATE NOCASE"
            else:
                left, values = f"soql_fold({left})", [str(value).lower() for value in values]
        return f"{left} IN (SELECT value FROM json_each({self._bind(json.dumps(values))}))"

    def _includes(self, operand: Operand, values: Sequence[Value], negated: bool) -> str:
        if operand.kind != "multipicklist":
            says = "includes or excludes operator only valid on multipicklist field"
            raise self._scope.wrong("INVALID_QUERY_FILTER_OPERATOR", operand.position, says)
        held = f"';' || soql_fold({operand.sql}) || ';'"
        groups = []
        for value in values:
            if not isinstance(value, Text):
                raise self._bad_value(operand)
            wanted = value.value.lower().split(";")  # 'A;B': both of them
            groups.append(joined("AND", [f"instr({held}, {self._bind(f';{one};')}) > 0" for one in wanted]))
        anywhere = joined("OR", groups)
        return f"({anywhere} IS NOT TRUE)" if negated else anywhere

    def _value(self, operand: Operand, value: Value) -> Bound:
        """*value* as the column stores it."""
        kind = operand.kind
        if kind == "id" and isinstance(value, Text | BareId | Number):
            text = value.value if isinstance(value, Text) else value.text
            found = ids.normalise(text)
            if found is None:
                says = f"invalid ID field: {text}"
                raise self._scope.wrong("INVALID_QUERY_FILTER_OPERATOR", operand.position, says)
            return found
        if kind == "text" and isinstance(value, Text):
            self._check_length(value.value)
            return value.value
        if kind == "multipicklist" and isinstance(value, Text):
            return str(options(value.value))
        if kind == "number" and isinstance(value, Number | Currency):
            number = value.value if isinstance(value, Number) else value.amount
            return max(
                -sys.float_info.max, min(number, sys.float_info.max)
            )  # JSON, which lists travel in, has no infinity
        if kind == "boolean" and isinstance(value, Boolean | Null):
            return int(isinstance(value, Boolean) and value.value)
        if kind == "date" and isinstance(value, Date):
            return value.value.isoformat()
        if (kind == "datetime" and isinstance(value, DateTime)) or (kind == "time" and isinstance(value, Time)):
            return value.milliseconds
        raise self._bad_value(operand)

    def _check_length(self, text: str) -> None:
        if len(text) > MAX_TEXT:
            raise SoqlError("MALFORMED_QUERY", f"String literal is longer than {MAX_TEXT} characters")

    def _bad_value(self, operand: Operand) -> SoqlError:
        if operand.kind in ("text", "multipicklist", "id"):
            wanted = "ID" if operand.kind == "id" else "string"
            must = f"must be of type {wanted} and should be enclosed in quotes"
        else:
            must = f"must be of type {_TYPE_NAMES.get(operand.type, operand.type)} and should not be enclosed in quotes"
        says = f"value of filter criterion for field '{operand.name}' {must}"
        return self._scope.wrong("INVALID_FIELD", operand.position, says)

    def _bad_operator(self, operand: Operand) -> SoqlError:
        name = "id" if operand.kind == "id" else operand.type
        return self._scope.wrong("INVALID_QUERY_FILTER_OPERATOR", operand.position, f"invalid operator on {name} field")


def joined(word: str, parts: Sequence[str]) -> str:
    """*parts* in one expression that is no deeper than it must be: SQLite stops at a depth of 1,000."""
    parts = list(parts)
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [f"({left} {word} {right})" for left, right in pairs] + (parts[-1:] if len(parts) % 2 else [])
    return parts[0]

"""Runs the grammar: tokens -> the records of :mod:`.syntax`, and syntax errors in the service's words.

The records are made while the parser runs, which keeps its own stack: conditions may nest as deep as they like.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from .dates import is_counted_literal, is_literal, milliseconds
from .errors import SoqlError, located, unexpected
from .quoting import QUOTED, IllegalEscape, like_pattern, unescape
from .syntax import (
    AllOf,
    AnyOf,
    BareId,
    Boolean,
    Call,
    Compare,
    Currency,
    Date,
    DateLiteral,
    DateTime,
    Fields,
    In,
    Includes,
    Not,
    Null,
    Number,
    OrderBy,
    Path,
    Query,
    Selected,
    Source,
    Target,
    Text,
    Time,
    TypeOf,
    Value,
)


class _Piece(NamedTuple):
    """A clause on its way to its place in a :class:`Query`."""

    clause: str
    value: Any


class _Wrong(Exception):
    """Something that the grammar lets through and the service does not."""

    def __init__(self, word: Callable[[str, int, str], SoqlError], position: int, says: str) -> None:
        super().__init__(says)
        self.word, self.position, self.says = word, position, says


def _malformed(text: str, position: int, says: str) -> SoqlError:
    return located("MALFORMED_QUERY", text, position, says)


class _Builder(Transformer[Token, Any]):
    """Makes the records, rule by rule, while the parser runs. Holds no state: one serves every thread."""

    def query(self, parts: list[Any]) -> Query:
        pieces: dict[str, Any] = {}
        tail = []
        for part in parts[1:]:
            if isinstance(part, _Piece):
                if part.clause == "tail":
                    tail.append(part.value)
                else:
                    pieces[part.clause] = part.value
        group, having = pieces.pop("group", ((), None))
        return Query(group=group, having=having, tail=tuple(tail), position=_at(parts[0]), **pieces)

    def select_list(self, parts: list[Any]) -> _Piece:
        return _Piece("select", tuple(parts))

    def field_item(self, parts: list[Token]) -> Selected:
        return Selected(self.path(parts[:1]), *self._alias(parts[1:]))

    def call_item(self, parts: list[Any]) -> Selected | Fields:
        call = parts[0]
        if call.name == "FIELDS" and len(call.arguments) == 1 and isinstance(call.arguments[0], Path):
            kind = str(call.arguments[0]).upper()
            if kind in ("ALL", "STANDARD", "CUSTOM") and len(parts) == 1:
                return Fields(kind, call.position)
            raise _Wrong(unexpected, call.arguments[0].position, f"unexpected token: '{call.arguments[0]}'")
        return Selected(call, *self._alias(parts[1:]))

    def subquery(self, parts: list[Query]) -> Query:
        return parts[0]

    def typeof_item(self, parts: list[Any]) -> TypeOf:
        whens = tuple(part for part in parts[2:-1] if isinstance(part, tuple) and not isinstance(part, _Piece))
        otherwise = next((part.value for part in parts if isinstance(part, _Piece)), ())
        return TypeOf(self.path(parts[1:2]), whens, otherwise, _at(parts[0]))

    def typeof_when(self, parts: list[Any]) -> tuple[Path, tuple[Path, ...]]:
        return self.path(parts[1:2]), parts[3]

    def typeof_else(self, parts: list[Any]) -> _Piece:
        return _Piece("else", parts[1])

    def path_list(self, parts: list[Token]) -> tuple[Path, ...]:
        return tuple(self.path([part]) for part in parts)

    def call(self, parts: list[Any]) -> Call:
        return Call(parts[0].upper(), tuple(parts[1:]), _at(parts[0]))

    def path(self, parts: list[Token]) -> Path:
        token = parts[0]
        return Path(tuple(name.strip() for name in token.split(".")), _at(token))

    def source(self, parts: list[Source]) -> _Piece:
        return _Piece("sources", tuple(parts))

    def source_item(self, parts: list[Token]) -> Source:
        return Source(self.path(parts[:1]), self._alias(parts[1:])[0])

    def scope(self, parts: list[Token]) -> _Piece:
        return _Piece("scope", str(parts[1]))

    def where(self, parts: list[Any]) -> _Piece:
        return _Piece("where", parts[1])

    def all_of(self, parts: list[Any]) -> AllOf:
        return AllOf(tuple(part for part in parts if not isinstance(part, Token)))

    def any_of(self, parts: list[Any]) -> AnyOf:
        return AnyOf(tuple(part for part in parts if not isinstance(part, Token)))

    def not_(self, parts: list[Any]) -> Not:
        return Not(parts[1])

    def comparison(self, parts: list[Any]) -> Compare:
        target, operator, value = parts
        operator = "!=" if operator == "<>" else operator.upper()
        if operator == "LIKE":
            self._checked(like_pattern, value)
        else:
            value = self._read(value)
        return Compare(target, operator, value)

    def membership(self, parts: list[Any]) -> In:
        members = parts[-1]
        return In(parts[0], members, negated=len(parts) == 4)

    def inclusion(self, parts: list[Any]) -> Includes:
        return Includes(parts[0], parts[2], negated=parts[1].upper() == "EXCLUDES")

    def value_list(self, parts: list[Any]) -> tuple[Value, ...]:
        out: list[Value] = []
        for part in parts:
            if isinstance(part, _Piece):
                start, run = part.value
                for quoted in QUOTED.finditer(run):
                    out.append(self._read(Text(quoted[1], "", start + quoted.start())))
            else:
                out.append(part)
        return tuple(out)

    def text(self, parts: list[Token]) -> Text:
        return Text(parts[0][1:-1], "", _at(parts[0]))

    def texts(self, parts: list[Token]) -> _Piece:
        return _Piece("texts", (_at(parts[0]), str(parts[0])))

    def number(self, parts: list[Token]) -> Number:
        return Number(str(parts[0]), _at(parts[0]))

    def boolean(self, parts: list[Token]) -> Boolean:
        return Boolean(parts[0].upper() == "TRUE", _at(parts[0]))

    def null(self, parts: list[Token]) -> Null:
        return Null(_at(parts[0]))

    def date(self, parts: list[Token]) -> Date:
        try:
            return Date(date.fromisoformat(parts[0]), _at(parts[0]))
        except ValueError:
            raise self._bad_date(parts[0]) from None

    def datetime(self, parts: list[Token]) -> DateTime:
        try:
            return DateTime(milliseconds(datetime.fromisoformat(_six_digits(parts[0].upper()))), _at(parts[0]))
        except ValueError:
            raise self._bad_date(parts[0]) from None

    def time(self, parts: list[Token]) -> Time:
        try:
            moment = time.fromisoformat(_six_digits(parts[0].upper().removesuffix("Z")))
        except ValueError:
            raise self._bad_date(parts[0]) from None
        seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
        return Time(seconds * 1000 + moment.microsecond // 1000, _at(parts[0]))

    def bare_id(self, parts: list[Token]) -> BareId:
        return BareId(str(parts[0]), _at(parts[0]))

    def currency(self, parts: list[Token]) -> Currency:
        return Currency(parts[0][:3].upper(), float(parts[0][3:]), _at(parts[0]))

    def word(self, parts: list[Token]) -> DateLiteral:
        name, _, count = (piece.strip() for piece in parts[0].partition(":"))
        if is_counted_literal(name) and count:
            return DateLiteral(name.upper(), int(count[:9]), _at(parts[0]))
        if is_literal(name) and not count:
            return DateLiteral(name.upper(), None, _at(parts[0]))
        raise _Wrong(unexpected, _at(parts[0]), f"expecting a colon, found '{name}'")

    def bind(self, parts: list[Token]) -> Value:
        raise _Wrong(_malformed, _at(parts[0]), "Bind variables only allowed in Apex code")

    def group(self, parts: list[Any]) -> _Piece:
        return _Piece("group", (parts[1], parts[3] if len(parts) > 2 else None))

    def group_list(self, parts: list[Target]) -> tuple[Target, ...]:
        return tuple(parts)

    def order(self, parts: list[Any]) -> _Piece:
        return _Piece("order", tuple(parts[1:]))

    def order_item(self, parts: list[Any]) -> OrderBy:
        words = " ".join(part.upper() for part in parts[1:])
        return OrderBy(parts[0], "DESC" in words, words.endswith("LAST"))

    def limit(self, parts: list[Token]) -> _Piece:
        return _Piece("limit", _rows(parts[1]))

    def offset(self, parts: list[Token]) -> _Piece:
        return _Piece("offset", _rows(parts[1]))

    def tail(self, parts: list[Token]) -> _Piece:
        return _Piece("tail", " ".join(parts[0].upper().split()))

    def with_clause(self, parts: list[Any]) -> _Piece:
        return _Piece("with_mode", " ".join(parts[1].upper().split()))

    def _alias(self, tokens: list[Token]) -> tuple[str | None, int]:
        if not tokens:
            return None, 0
        if "." in tokens[0]:
            raise _Wrong(unexpected, _at(tokens[0]) + tokens[0].index("."), "unexpected token: '.'")
        return str(tokens[0]), _at(tokens[0])

    def _read(self, value: Value) -> Value:
        """Give a quoted value its meaning. Not done for ``LIKE``, whose escapes are its own."""
        if isinstance(value, Text):
            return Text(value.raw, self._checked(unescape, value), value.position)
        return value

    def _checked(self, read: Any, value: Text) -> str:
        try:
            return str(read(value.raw))
        except IllegalEscape as error:
            says = f"Invalid string literal '{value.raw}'. Illegal character sequence '{error}' in string literal."
            raise _Wrong(_malformed, value.position, says) from None

    def _bad_date(self, token: Token) -> _Wrong:
        return _Wrong(_malformed, _at(token), f"Invalid date: {token}")


def _at(token: Token) -> int:
    return token.start_pos or 0


def _rows(token: Token) -> int:
    """A number of rows. Beyond any number that SQLite could count to, one is as good as another."""
    return min(int(token[:40]), (1 << 63) - 1)


def _six_digits(text: str) -> str:
    """A fraction of any length, as Python reads it."""
    return re.sub(r"\.(\d+)", lambda found: f".{found[1][:6]:0<6}", text)


@cache
def _parser() -> Lark:
    """Built once, at the first query (about a tenth of a second)."""
    grammar = files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=False, transformer=_Builder())


_FOUND: Final = re.compile(r"'[^'\\]*(?:\\.[^'\\]*)*'|\w+|<=|>=|<>|!=|\S", re.DOTALL)
_KNOWN_MARKS: Final = frozenset("()',.:=<>!*+-/%?[]{}|^\\")


def read(text: str) -> Query:
    """See :func:`.syntax.parse`."""
    try:
        query: Query = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedToken as error:
        raise _wording(text, error, error.token) from None
    except UnexpectedCharacters as error:
        raise _wording(text, error, None) from None
    except _Wrong as wrong:
        raise wrong.word(text, wrong.position, wrong.says) from None
    return replace(query, text=text)


def _wording(text: str, error: UnexpectedInput, token: Token | None) -> SoqlError:
    if token is not None and token.type == "$END":
        return unexpected(text, len(text), "unexpected token: '<EOF>'")
    position = error.pos_in_stream or 0
    found = _FOUND.match(text, position)
    shown = found[0] if found else text[position]
    if not shown[0].isalnum() and shown[0] != "_" and shown[0] not in _KNOWN_MARKS:
        line_start = text.rfind("\n", 0, position) + 1
        row = text.count("\n", 0, position) + 1
        says = f"line {row}:{position - line_start} no viable alternative at character '{shown}'"
        return SoqlError("MALFORMED_QUERY", says)
    return unexpected(text, position, f"unexpected token: '{shown}'")

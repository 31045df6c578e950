"""The AST of a query: plain records. Nothing here knows an object, a field or the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

_INT_DIGITS: Final = 18


def _position() -> Any:
    return field(default=0, compare=False, repr=False)


# --- what is named ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Path:
    """``Owner.Profile.Name``: relationships, then a field. Spelled as in the query."""

    names: tuple[str, ...]
    position: int = _position()

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call:
    """``COUNT(Id)``, ``toLabel(Status)``, ``CALENDAR_YEAR(convertTimezone(CreatedDate))``. The name is upper case."""

    name: str
    arguments: tuple[Path | Call | Number | Text, ...]
    position: int = _position()


Target = Path | Call


# --- values -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted value. *raw* is what stood between the quotes."""

    raw: str
    value: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Number:
    text: str
    position: int = _position()

    @property
    def value(self) -> int | float:
        whole = self.text.lstrip("+-").isdecimal() and len(self.text) <= _INT_DIGITS
        return int(self.text) if whole else float(self.text)


@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Null:
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Date:
    value: date
    position: int = _position()


@dataclass(frozen=True, slots=True)
class DateTime:
    milliseconds: int
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Time:
    milliseconds: int
    position: int = _position()


@dataclass(frozen=True, slots=True)
class DateLiteral:
    """``TODAY``, ``LAST_N_DAYS:7``."""

    name: str
    count: int | None = None
    position: int = _position()


@dataclass(frozen=True, slots=True)
class BareId:
    """An id without quotes, as PK chunking writes it."""

    text: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Currency:
    """``USD5000``."""

    code: str
    amount: float
    position: int = _position()


Value = Text | Number | Boolean | Null | Date | DateTime | Time | DateLiteral | BareId | Currency


# --- conditions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compare:
    """*operator* is one of ``= != < <= > >= LIKE``; ``<>`` is read as ``!=``."""

    target: Target
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    target: Target
    members: tuple[Value, ...] | Query
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Includes:
    """``INCLUDES``, or ``EXCLUDES`` when *negated*."""

    target: Target
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition = Compare | In | Includes | AllOf | AnyOf | Not


# --- clauses ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selected:
    """A field or a function of the select list."""

    target: Target
    alias: str | None = None
    alias_position: int = _position()


@dataclass(frozen=True, slots=True)
class Fields:
    """``FIELDS(ALL)``, ``FIELDS(STANDARD)``, ``FIELDS(CUSTOM)``."""

    kind: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class TypeOf:
    relationship: Path
    whens: tuple[tuple[Path, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...] = ()
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Source:
    """``Account a``; after the first, ``a.Owner o``."""

    path: Path
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class OrderBy:
    target: Target
    descending: bool = False
    nulls_last: bool = False  # "By default, null values are sorted first", whichever the direction


@dataclass(frozen=True, slots=True)
class Query:
    """*text* is the whole query that the positions count in; a query inside another has none of its own."""

    select: tuple[Selected | Fields | TypeOf | Query, ...]
    sources: tuple[Source, ...]
    scope: str | None = None
    where: Condition | None = None
    with_mode: str | None = None
    group: tuple[Target, ...] = ()
    having: Condition | None = None
    order: tuple[OrderBy, ...] = ()
    limit: int | None = None
    offset: int | None = None
    tail: tuple[str, ...] = ()
    text: str = field(default="", compare=False, repr=False)
    position: int = _position()

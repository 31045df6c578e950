"""The little that the client reads of a query: its object, its select list, and whether a bulk query can be asked for it.

The org reads the rest. Texts inside quotes are never looked at, and what cannot be read is left to the org.
API: Bulk API 2.0 guide, "Create a Query Job", on what SOQL a bulk query takes; SOQL reference, "SELECT".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from ..errors import UsageError
from ..frozen import frozen
from ..records import Selected

_OBJECT: Final = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_NESTED: Final = re.compile(r"\([^()]*\)")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL)
_MARK: Final = re.compile(r"'(?:\\.|[^'\\])*'|[\w.:]+|[(),]", re.DOTALL)

AGGREGATES: Final = frozenset({"count", "count_distinct", "sum", "avg", "min", "max"})
_FIELDS: Final = re.compile(r"all|custom|standard", re.IGNORECASE)
#: What may follow FROM and its object, so is no alias.
_CLAUSES: Final = frozenset({"using", "where", "with", "group", "having", "order", "limit", "offset", "for", "update"})


def object_of(soql: str | bytes) -> str:
    """The object that a query reads: the word after its own FROM, not that of a query inside it, nor of a text."""
    text = soql.decode("utf-8") if isinstance(soql, bytes) else soql
    text = _QUOTED.sub("''", text)
    while text != (outer := _NESTED.sub(" ", text)):
        text = outer
    found = _OBJECT.search(text)
    if found is None:
        raise UsageError("The query has no FROM, so no job can be created for it. Nothing was sent.")
    return found[1]


@frozen
class Shape:
    """What a query asks for.

    ``selected``: the entries of its select list, in order. ``fields``: the kind of a ``FIELDS(...)`` among them, in lower
    case, or "": which columns it stands for, only the org knows. ``nested``: a query inside the list.
    ``only_rest``: why no bulk query answers it, or "".
    """

    selected: tuple[Selected, ...] = ()
    fields: str = ""
    nested: bool = False
    only_rest: str = ""

    @property
    def is_count(self) -> bool:
        """``SELECT COUNT() FROM ...``."""
        return [("count", "")] == [(entry.function, entry.path) for entry in self.selected] and not self.fields


def shape_of(soql: str) -> Shape:
    """Never an error: of what is no query, nothing is known, and the org says what is wrong with it."""
    marks = _MARK.findall(soql)
    words = [mark.lower() for mark in marks]
    end = next((at for at, depth in _depths(marks) if depth == 0 and words[at] == "from"), None)
    if end is None or words[0] != "select":
        return Shape()
    aliases = _aliases(marks[end + 1 :])
    selected: list[Selected] = []
    reasons: list[str] = []
    fields, nested, unnamed = "", False, 0
    after = words[end + 1 :]
    rest = [after[at] for at, depth in _depths(marks[end + 1 :]) if depth == 0]
    if any(pair == ("group", "by") for pair in pairwise(rest)):
        reasons.append("GROUP BY")
    for entry in _entries(marks[1:end]):
        first = entry[0].lower()
        if entry[0] == "(":
            nested = True
            reasons.append("a query inside its select list")
        elif first == "typeof":
            selected += _typeof(entry)
            reasons.append("TYPEOF")
        elif len(entry) > 1 and entry[1] == "(":
            inside = entry[2 : _closing(entry)]
            alias = entry[_closing(entry) + 1 :]
            if first == "fields" and inside and _FIELDS.fullmatch(inside[0]):
                fields = inside[0].lower()
                if fields != "standard":
                    reasons.append(f"FIELDS({fields.upper()})")
                continue
            if first in AGGREGATES:
                reasons.append(f"{first.upper()}()")
            path = _field_in(inside, aliases)
            if alias:
                name = alias[-1]
            elif first in _KEEP_THE_NAME:
                name = path
            else:
                name, unnamed = f"expr{unnamed}", unnamed + 1
            selected.append(Selected(name, path, first))
        else:
            path = _own(entry[0], aliases)
            selected.append(Selected(entry[-1] if len(entry) > 1 else path, path))
    if any(word == "offset" and _is_number(after) for word, after in pairwise(rest)):
        reasons.append("OFFSET")
    if "GROUP BY" in reasons or any(entry.function in AGGREGATES for entry in selected):
        # Records of a grouped query have no parents: their fields stand under their own names.
        selected = [replace(entry, name=entry.name.rpartition(".")[2]) for entry in selected]
    return Shape(tuple(selected), fields, nested, reasons[0] if reasons else "")


#: Functions whose column bears the name of the field inside; that of others is an alias, or expr0, expr1, ...
_KEEP_THE_NAME: Final = frozenset({"tolabel", "format", "convertcurrency"})


def _depths(marks: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of the marks (words, parentheses, commas, texts), and how many parentheses are open there."""
    depth = 0
    for at, mark in enumerate(marks):
        depth -= mark == ")"
        yield at, depth
        depth += mark == "("


def _entries(marks: Sequence[str]) -> Iterator[list[str]]:
    entry: list[str] = []
    in_typeof = False
    for at, depth in _depths(marks):
        mark = marks[at]
        in_typeof = (in_typeof or mark.lower() == "typeof") and mark.lower() != "end"
        if mark == "," and depth == 0 and not in_typeof:
            if entry:
                yield entry
            entry = []
        else:
            entry.append(mark)
    if entry:
        yield entry


def _closing(entry: Sequence[str]) -> int:
    """Where the first parenthesis of *entry* is closed."""
    return next((at for at, depth in _depths(entry) if depth == 0 and entry[at] == ")"), len(entry))


def _field_in(marks: Sequence[str], aliases: dict[str, str]) -> str:
    """The first field among the arguments of a function, and of functions in it."""
    for at, mark in enumerate(marks):
        if (mark[0].isalpha() or mark[0] == "_") and marks[at + 1 : at + 2] != ["("]:
            return _own(mark, aliases)
    return ""


def _typeof(entry: Sequence[str]) -> Iterator[Selected]:
    """``TYPEOF What WHEN Account THEN Phone, Name ELSE Id END``: the fields of all branches, each once."""
    seen: set[str] = set()
    names = False
    for mark in entry[2:]:
        word = mark.lower()
        if word in ("then", "else"):
            names = True
        elif word in ("when", "end"):
            names = False
        elif names and mark != "," and word not in seen:
            seen.add(word)
            yield Selected(f"{entry[1]}.{mark}", f"{entry[1]}.{mark}")


def _aliases(marks: Sequence[str]) -> dict[str, str]:
    """What names stand for in front of a field: ``FROM Contact c, c.Account a`` gives c the object itself, a its Account."""
    found: dict[str, str] = {}
    if not marks:
        return found
    found[marks[0].lower()] = ""
    for number, entry in enumerate(_entries(marks)):
        names = [mark for mark in entry if mark.lower() != "as"][:2]
        if len(names) == 2 and names[1].lower() not in _CLAUSES and names[1] not in ("(", ")"):
            found[names[1].lower()] = "" if number == 0 else _own(names[0], found)
        if len(entry) > 3 or (len(names) == 2 and names[1].lower() in _CLAUSES):
            break
    return found


def _own(path: str, aliases: dict[str, str]) -> str:
    first, dot, rest = path.partition(".")
    if not dot or first.lower() not in aliases:
        return path
    parent = aliases[first.lower()]
    return f"{parent}.{rest}" if parent else rest


def _is_number(word: str) -> bool:
    return word.isdigit() or word.startswith(":")

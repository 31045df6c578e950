"""Transformation specs: how a job takes CSV made for something else. Source: bulk-api-1.md section 9."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..limits import Limits
from ..schema import SObject
from .rows import BatchFault, Rows, csv_cells, csv_records

HEADER = ("salesforce field", "csv header", "value", "hint")
#: Java date patterns in common use, to Python's.
_PATTERN = re.compile(r"y+|M+|d+|H+|h+|m+|s+|S+|a|Z|X+|'[^']*'|.")
_DIRECTIVES = {
    "y": "%Y", "yy": "%y", "yyyy": "%Y", "M": "%m", "MM": "%m", "MMM": "%b", "MMMM": "%B", "d": "%d", "dd": "%d",
    "H": "%H", "HH": "%H", "h": "%I", "hh": "%I", "m": "%M", "mm": "%M", "s": "%S", "ss": "%S", "S": "%f", "SSS": "%f",
    "a": "%p", "Z": "%z", "X": "%z", "XX": "%z", "XXX": "%z",
}  # fmt: skip


@dataclass(frozen=True)
class Mapping:
    field: str
    header: str
    value: str
    hint: str


def read_spec(text: str, limits: Limits) -> list[Mapping]:
    """Raises `BatchFault` when it is no spec."""
    header, records = csv_records(text, limits)
    if tuple(name.strip().lower() for name in header) != HEADER:
        raise BatchFault("The spec does not begin with: Salesforce Field,Csv Header,Value,Hint")
    return [Mapping(*(record + [""] * 4)[:4]) for record in records]


def transform(text: str, spec: list[Mapping], sobject: SObject, limits: Limits) -> Rows:
    """The rows of a foreign CSV. What the spec does not name is left out (uncertain: FIDELITY.md)."""
    header, records = csv_records(text, limits)
    places = {name.lower(): place for place, name in reversed(list(enumerate(header)))}
    columns: list[str] = []
    readers: list[Callable[[list[str]], list[str]]] = []
    for mapping in spec:
        place = places.get(mapping.header.lower()) if mapping.header else None
        if mapping.field.lower() == "name" and sobject.field("LastName") and sobject.field("FirstName"):
            columns += ["FirstName", "LastName"]
            readers.append(_name_reader(place, mapping.value))
        else:
            columns.append(mapping.field)
            readers.append(_reader(place, mapping.value, _converter(mapping, sobject)))
    made = [[cell for read in readers for cell in read(record)] for record in records]
    return Rows(columns, csv_cells(columns, made))


def _reader(place: int | None, otherwise: str, convert: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    def read(record: list[str]) -> list[str]:
        cell = _cell(record, place)
        return [convert(cell) if cell else otherwise]

    return read


def _name_reader(place: int | None, otherwise: str) -> Callable[[list[str]], list[str]]:
    return lambda record: split_name(_cell(record, place) or otherwise)


def split_name(name: str) -> list[str]:
    """First and last name of "Last, First" or "First Last"."""
    if "," in name:
        last, _, first = name.partition(",")
    else:
        first, _, last = name.rpartition(" ")
    return [first.strip(), last.strip()]


def _cell(record: list[str], place: int | None) -> str:
    return record[place] if place is not None and place < len(record) else ""


def _converter(mapping: Mapping, sobject: SObject) -> Callable[[str], str]:
    field = sobject.field(mapping.field)
    if not mapping.hint or field is None:
        return str
    if field.type == "boolean":
        try:
            truth = re.compile(mapping.hint)
        except re.error as error:
            raise BatchFault(f"The hint is no regular expression: {mapping.hint}") from error
        return lambda cell: "true" if truth.fullmatch(cell) else "false"
    if field.type in {"date", "datetime"}:
        pattern = "".join(_directive(part) for part in _PATTERN.findall(mapping.hint))
        return lambda cell: _reformatted(cell, pattern, field.type)
    return str


def _directive(part: str) -> str:
    if part.startswith("'"):
        return (part[1:-1] or "'").replace("%", "%%")
    return _DIRECTIVES.get(part, part.replace("%", "%%"))


def _reformatted(cell: str, pattern: str, type: str) -> str:
    """A date that does not match its hint stays as it is, and fails its row."""
    if cell == "#N/A":
        return cell
    try:
        moment = datetime.strptime(cell, pattern)  # noqa: DTZ007 -- a zone is added below when none is read
    except ValueError:
        return cell
    if type == "date":
        return moment.date().isoformat()
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat(timespec="milliseconds")

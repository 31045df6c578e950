"""The cells of a part -> the records of a REST collection, so that each cell means what it means in CSV.

An empty cell leaves its field alone, so it is left out; ``#N/A`` empties it: ``null``. Numbers and booleans are written as
such where the org describes the field so: whether REST takes them as JSON strings is not documented. What cannot be read as
the field's type goes out as a string, and the org says so.
API: REST API guide, "sObject Collections"; Bulk API guide, "Prepare CSV Files", "Relationship Fields in Records".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, DecimalException
from typing import Any, Final

from ..errors import BadValue
from ..frozen import frozen
from ..wire.names import NULL_CELL, Operation

Describe = Callable[[str], Mapping[str, Any] | None]

_BOOLEANS: Final = {"true": "true", "1": "true", "false": "false", "0": "false"}
#: XML Schema, which is what CSV takes: no separators, no NaN.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


@frozen
class _Column:
    """Where the cells of a column go. ``parent`` is the name of a relationship, ``field`` then a field of the parent."""

    given: str
    field: str
    type: str
    parent: str = ""
    parent_type: str = ""
    #: The lookup field behind a relationship, where the org describes it.
    lookup: str = ""


def lookup_columns(columns: Sequence[str], described: Mapping[str, Any] | None, key: str | None) -> tuple[int, ...]:
    """The places of the columns that name other records, and of the one that names the record itself."""
    references = {str(field["name"]).lower() for field in _fields(described) if field.get("type") == "reference"}
    if key:
        references.add(key.lower())
    return tuple(place for place, name in enumerate(columns) if "." in name or name.lower() in references)


class CollectionRecords:
    """Writes rows as records of one object, each with what it is known by: see ``protocol.collections.Entry``."""

    def __init__(
        self, columns: Sequence[str], operation: str, sobject: str, external_id: str | None, describe: Describe
    ) -> None:
        wanted = external_id if operation == Operation.UPSERT else None if operation == Operation.INSERT else "Id"
        names = [name.lower() for name in columns]
        self._width = len(names)
        self._key = names.index(wanted.lower()) if wanted and wanted.lower() in names else None
        self._head = '{"attributes":{"type":' + _text(sobject) + "}"
        # A delete sends ids and nothing else.
        self._columns = [] if operation == Operation.DELETE else _planned(columns, sobject, describe)

    def __call__(self, rows: Iterable[Sequence[str]], first_row: int = 0) -> Iterator[tuple[bytes, str]]:
        for row, cells in enumerate(rows, first_row):
            if len(cells) > self._width:
                raise BadValue(
                    f"Row {row} has {len(cells)} cells, and there are {self._width} columns. Its part was not sent. Correct "
                    "the row, or take api='bulk2', where the org refuses it alone.",
                    row=row,
                )
            key = cells[self._key] if self._key is not None and self._key < len(cells) else ""
            yield self._record(cells, row).encode("utf-8"), key

    def _record(self, cells: Sequence[str], row: int) -> str:
        members = [self._head]
        parents: dict[str, tuple[str, list[str]]] = {}
        for column, cell in zip(self._columns, cells, strict=False):
            if not cell:
                continue
            if column.parent and not (cell == NULL_CELL and column.lookup):
                kind, inner = parents.setdefault(column.parent, (column.parent_type, []))
                if kind != column.parent_type:
                    raise BadValue(
                        f"Row {row}, column {column.given!r}: {column.parent!r} is named twice in this row, in two ways. "
                        "It was not sent.",
                        row=row,
                        column=column.given,
                    )
                inner.append(f"{_text(column.field)}:{_value(cell, column.type)}")
            else:
                # No parent any more: the lookup itself is emptied. How a nested record would say so is not documented.
                members.append(f"{_text(column.lookup or column.field)}:{_value(cell, column.type)}")
        for name, (kind, inner) in parents.items():
            about = [f'"attributes":{{"type":{_text(kind)}}}'] if kind else []
            members.append(f"{_text(name)}:{{{','.join(about + inner)}}}")
        return ",".join(members) + "}"


def _planned(columns: Sequence[str], sobject: str, describe: Describe) -> list[_Column]:
    described = describe(sobject)
    fields = {str(field["name"]).lower(): field for field in _fields(described)}
    relationships = {
        str(field["relationshipName"]).lower(): field for field in fields.values() if field.get("relationshipName")
    }
    planned = []
    for given in columns:
        path, dot, name = given.partition(".")
        if not dot:
            # The org matches columns of CSV without regard to case; of JSON members that is not said.
            found = fields.get(given.lower(), {})
            field = "id" if given.lower() == "id" else str(found.get("name", given))
            planned.append(_Column(given, field, str(found.get("type", ""))))
            continue
        kind, _, relationship = path.rpartition(":")
        lookup = relationships.get(relationship.lower(), {})
        targets: Sequence[str] = lookup.get("referenceTo") or []
        parent = kind or (targets[0] if len(targets) == 1 else "")
        theirs = _fields(describe(parent)) if parent else ()
        found = next((field for field in theirs if str(field["name"]).lower() == name.lower()), {})
        planned.append(
            _Column(
                given,
                str(found.get("name", name)),
                str(found.get("type", "")),
                str(lookup.get("relationshipName", relationship)),
                kind,
                str(lookup.get("name", "")),
            )
        )
    return planned


def _fields(described: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    return (described or {}).get("fields") or ()


def _value(cell: str, kind: str) -> str:
    if cell == NULL_CELL:
        return "null"
    if kind == "boolean":
        return _BOOLEANS.get(cell.lower()) or _text(cell)
    if (kind in ("double", "currency", "percent") and _NUMBER.fullmatch(cell)) or (
        kind in ("int", "long") and _INTEGER.fullmatch(cell)
    ):
        try:
            return str(Decimal(cell))  # every digit is kept, and JSON has no "+5", "007" or "5."
        except DecimalException:
            return _text(cell)
    return _text(cell)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

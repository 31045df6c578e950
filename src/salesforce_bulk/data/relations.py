"""Related records by external id: nested (``{"Owner": {"Id": ...}}``) and dotted (``"Owner.Id"``) spellings.

``Lead:Who.Email`` names the type of a polymorphic parent in a column; in a nested dict it stands in
``{"Who": {"attributes": {"type": "Lead"}, "Email": ...}}``, as in the org's own JSON.
API: Bulk API guide, "Relationship Fields in a Header Row", "Relationship Fields in Records".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import BadValue

#: The type of a polymorphic parent, or "", and the fields that identify it.
Parent = tuple[str, dict[str, Any]]


def is_flat(row: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, Mapping) for value in row.values())


def flat(row: Mapping[str, Any], number: int) -> Iterator[tuple[str, Any]]:
    """The columns of *row*, parents dotted. ``attributes`` of the row itself is no field and is left out."""
    for name, value in row.items():
        if not isinstance(value, Mapping):
            yield name, value
            continue
        if name == "attributes":
            continue
        about = value.get("attributes")
        kind = about.get("type") if isinstance(about, Mapping) else None
        prefix = f"{kind}:{name}." if kind else f"{name}."
        for inner, inner_value in value.items():
            if inner == "attributes":
                continue
            if isinstance(inner_value, Mapping):
                raise BadValue(
                    f"Row {number}, column {prefix + inner!r}: a parent can be named by its own fields only, "
                    "not by those of its parent. The batch was not sent.",
                    row=number,
                    column=prefix + inner,
                )
            if prefix + inner in row:
                raise BadValue(
                    f"Row {number}, column {prefix + inner!r}: it is named twice in this row, nested and dotted. "
                    "The batch was not sent.",
                    row=number,
                    column=prefix + inner,
                )
            yield prefix + inner, inner_value


def gathered_parents(row: Mapping[str, Any], number: int) -> list[tuple[str, Any]]:
    """The fields of *row* that are not None, in order; what belongs to one parent together, as a :data:`Parent`."""
    fields: dict[str, Any] = {}
    for name, value in flat(row, number):
        if value is None:
            continue
        path, dot, field = name.partition(".")
        if not dot:
            fields[name] = value
            continue
        kind, _, parent = path.rpartition(":")
        known = fields.setdefault(parent, (kind, {}))
        if not isinstance(known, tuple) or known[0] != kind:
            raise BadValue(
                f"Row {number}, column {name!r}: {parent!r} is named twice in this row, in two ways. "
                "The batch was not sent.",
                row=number,
                column=name,
            )
        known[1][field] = value
    return list(fields.items())

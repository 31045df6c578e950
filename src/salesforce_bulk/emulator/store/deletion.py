"""What goes with a record when it is deleted.

Source: bulk-api-1.md 4 (cascades to children that can be deleted, fails if a child cannot); the recorded describe of
Account says which children are which (``cascadeDelete``, ``restrictedDelete``). A plain lookup is emptied.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from ..schema import Field, Schema, SObject
from .values import RowError, SqlValue

#: Ids named in one statement; SQLite takes 32,766 parameters at most.
_AT_ONCE: Final = 10_000


def delete_records(
    connection: sqlite3.Connection, schema: Schema, sobject: SObject, targets: Sequence[str], stamps: Mapping[str, SqlValue],
    *, hard: bool,
) -> dict[str, RowError]:  # fmt: skip
    """Delete *targets* and what hangs on them, to the recycle bin or for good. Returns why some were not deleted."""
    refused = _refusals(connection, schema, sobject, targets)
    going = [target for target in targets if target not in refused]
    if going:
        _delete(connection, schema, sobject, going, stamps, hard)
    return refused


def _refusals(
    connection: sqlite3.Connection, schema: Schema, sobject: SObject, targets: Sequence[str]
) -> dict[str, RowError]:
    refused: dict[str, RowError] = {}
    if not sobject.deletable:
        error = RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        return dict.fromkeys(targets, error)
    for child, field in schema.children(sobject):
        if not field.restricted_delete or not targets:
            continue
        children: dict[str, list[str]] = {}
        sql = (
            f'SELECT p.Id, p."{_name(sobject)}", c."{_name(child)}" FROM "{child.name}" c JOIN "{sobject.name}" p '
            f'ON p.Id = c."{field.name}" WHERE {_among("c", field, targets)}{_alive("c", child)} ORDER BY c.Id'
        )
        names: dict[str, str] = {}
        for parent, name, child_name in connection.execute(sql, targets):
            names[parent] = name
            children.setdefault(parent, []).append(child_name)
        for parent, blocking in children.items():
            message = (
                f"Your attempt to delete {names[parent]} could not be completed because it is associated with the following "
                f"{child.label_plural.lower()}.: {', '.join(blocking)}"
            )
            refused.setdefault(parent, RowError("DELETE_FAILED", message))
    return refused


def _delete(
    connection: sqlite3.Connection, schema: Schema, sobject: SObject, targets: Sequence[str], stamps: Mapping[str, SqlValue],
    hard: bool,
) -> None:  # fmt: skip
    for child, field in schema.children(sobject):
        if field.formula or not field.stored:
            continue
        if field.cascade_delete:
            sql = f'SELECT Id FROM "{child.name}" c WHERE {_among("c", field, targets)}'
            alive = "" if hard else _alive("c", child)
            grandchildren = [id18 for (id18,) in connection.execute(sql + alive, targets)]
            for first in range(0, len(grandchildren), _AT_ONCE):
                _delete(connection, schema, child, grandchildren[first : first + _AT_ONCE], stamps, hard)
        elif field.nillable and field.updateable:
            sql = f'UPDATE "{child.name}" AS c SET "{field.name}" = NULL WHERE {_among("c", field, targets)}'
            connection.execute(sql + ("" if hard else _alive("c", child)), targets)
    where = f"WHERE Id IN ({', '.join('?' * len(targets))})"
    if hard or not sobject.has_recycle_bin:
        connection.execute(f'DELETE FROM "{sobject.name}" {where}', targets)
        return
    changes: dict[str, SqlValue] = {"IsDeleted": 1, **stamps}
    assignments = ", ".join(f'"{name}" = ?' for name in changes)
    connection.execute(f'UPDATE "{sobject.name}" SET {assignments} {where}', [*changes.values(), *targets])


def _among(alias: str, field: Field, targets: Sequence[str]) -> str:
    return f'{alias}."{field.name}" IN ({", ".join("?" * len(targets))})'


def _alive(alias: str, sobject: SObject) -> str:
    return f" AND {alias}.IsDeleted = 0" if sobject.has_recycle_bin else ""


def _name(sobject: SObject) -> str:
    return next((field.name for field in sobject.fields.values() if field.name_field), "Id")

"""The columns of a batch: which field each one fills.

Source: bulk-api-1.md 6.1: the first column that is unknown or cannot be written fails the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from salesforce_bulk.wire.names import Operation

from ..schema import Field, Schema, SObject
from .values import Converter, RowError, converter, id_prefixes, null_error

DELETIONS: Final = (Operation.DELETE, Operation.HARD_DELETE)


class ColumnNotFound(Exception):
    """A column that is no field, cannot be written, or is missing. *name* as the batch spells it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Field name not found : {name}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Column:
    field: Field
    convert: Converter
    #: What refuses a null in any row, or None.
    null: RowError | None
    #: For a relationship column: the object to look in, and the field to look by.
    parent: SObject | None = None
    lookup: Field | None = None


def read_columns(schema: Schema, sobject: SObject, operation: str, names: Sequence[str]) -> list[Column]:
    columns: list[Column] = []
    for index, name in enumerate(names):
        column = _read(schema, sobject, operation, index, name)
        if any(column.field is other.field for other in columns):  # one field filled twice (field-notes.md 46)
            raise ColumnNotFound(name)
        columns.append(column)
    return columns


def key_place(sobject: SObject, operation: str, columns: Sequence[Column], external_id: str | None) -> int | None:
    """The place of the column that says which record a row means; None for an insert."""
    if operation == Operation.INSERT:
        return None
    name = external_id if operation == Operation.UPSERT and external_id else "Id"
    field = sobject.field(name)
    for place, column in enumerate(columns):
        if column.field is field and column.parent is None and field.id_lookup:
            return place
    raise ColumnNotFound(name)


def _read(schema: Schema, sobject: SObject, operation: str, index: int, name: str) -> Column:
    kind, _, rest = name.rpartition(":")
    relationship, dot, lookup = rest.partition(".")
    if dot:
        return _read_relationship(schema, sobject, operation, index, name, (kind, relationship, lookup))
    field = sobject.field(name)
    if field is None or not _accepts(operation, field):
        raise ColumnNotFound(name)
    targets = [schema.object(target) for target in field.reference_to]
    prefixes = frozenset({sobject.key_prefix}) if field.type == "id" else id_prefixes(targets)
    return Column(field, converter(field, index, prefixes), null_error(field))


def _read_relationship(
    schema: Schema, sobject: SObject, operation: str, index: int, name: str, parts: tuple[str, str, str]
) -> Column:
    """``Rel.Field``, or ``Type:Rel.Field``; the type stands there exactly if the parent can be of several objects."""
    kind, relationship, lookup_name = parts
    field = sobject.relationship(relationship)
    if field is None or not _accepts(operation, field) or bool(kind) != field.polymorphic:
        raise ColumnNotFound(name)
    wanted = kind or field.reference_to[0]
    parent = schema.object(wanted) if wanted.lower() in map(str.lower, field.reference_to) else None
    lookup = parent.field(lookup_name) if parent else None
    if parent is None or lookup is None or not lookup.id_lookup:
        raise ColumnNotFound(name)
    if lookup.type == "id":  # the reference itself by another name
        return Column(field, converter(field, index, frozenset({parent.key_prefix})), None)
    return Column(field, converter(lookup, index), None, parent, lookup)


def _accepts(operation: str, field: Field) -> bool:
    if field.type == "id":
        return True
    match operation:
        case Operation.INSERT:
            return field.stored and field.createable
        case Operation.UPDATE:
            return field.stored and field.updateable
        case Operation.UPSERT:
            return field.stored and (field.createable or field.updateable or field.id_lookup)
        case _:
            return False

"""A row on its way into the database, what becomes of it, and the errors that it can meet on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..schema import Field
from .values import MISSING, RowError

#: The code of a row that could not get hold of a parent.
LOCKED: Final = "UNABLE_TO_LOCK_ROW"

NO_ID: Final = RowError("MISSING_ARGUMENT", "Id not specified in an update call")
ID_IN_INSERT: Final = RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
NO_SUCH_RECORD: Final = RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
IS_DELETED: Final = RowError("ENTITY_IS_DELETED", "entity is deleted")


@dataclass(frozen=True, slots=True)
class SaveResult:
    id: str | None
    success: bool
    created: bool = False
    errors: tuple[RowError, ...] = ()


class Row:
    """A row on its way into the database: its values by column, and what has become of it so far."""

    __slots__ = ("created", "error", "id", "values")

    def __init__(self, values: list[Any], error: RowError | None) -> None:
        self.values = values  # SqlValue, or MISSING
        self.error = error
        self.id: str | None = None
        self.created = False

    def result(self) -> SaveResult:
        if self.error is not None:
            return SaveResult(None if self.created else self.id, False, False, (self.error,))
        return SaveResult(self.id, True, self.created)


def good(rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row.error is None)


def is_empty(value: object) -> bool:
    return value is MISSING or value is None


def several(field: Field, matches: list[str]) -> RowError:
    message = f"{field.label}: more than one record found for external id field: [{', '.join(matches)}]"
    return RowError("DUPLICATE_EXTERNAL_ID", message, (field.name,))


def unable_to_lock(id: str) -> RowError:
    return RowError(LOCKED, f"unable to obtain exclusive access to this record or 1 records: {id}")


def not_writable(names: list[str]) -> RowError:
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and verify that "
        "it is read/write for your profile or permission set."
    )
    return RowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, tuple(names))

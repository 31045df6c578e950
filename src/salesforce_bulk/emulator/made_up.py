"""Records made up for a test that says how many and not which: nothing in them but what the object requires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .schema import Field, SObject

#: The fields that the org takes for an address of a user, though their type is text.
_ADDRESSES = frozenset({"username"})


def made_up(sobject: SObject, numbers: range, parent: Callable[[Field], str]) -> list[dict[str, Any]]:
    """A record for each of *numbers*, by which its texts differ from those of all others. *parent* gives the id for a lookup
    that must not be empty. An object that requires nothing gets a name, where it has one."""
    fields = [field for field in sobject.fields.values() if field.required_on_create]
    if not fields and (name := sobject.field("Name")) is not None and name.createable:
        fields = [name]
    parents = {field.name: parent(field) for field in fields if field.type == "reference"}
    return [
        {field.name: parents.get(field.name) or _value(field, sobject, number) for field in fields}
        for number in numbers
    ]


def _value(field: Field, sobject: SObject, number: int) -> Any:
    if field.picklist_values:
        return field.picklist_values[0]
    match field.type:
        case "date":
            return "2026-01-01"
        case "datetime":
            return "2026-01-01T00:00:00.000Z"
        case "time":
            return "12:00:00.000Z"
        case "boolean":
            return False
        case "int" | "long":
            return number % 10 ** (field.digits or 8)
        case "double" | "currency" | "percent":
            return number % 10 ** max(1, field.precision - field.scale)
        case "email":
            return f"someone{number}@example.com"
        case "phone":
            return f"+1 555 {number:07}"
        case "url":
            return f"https://example.com/{number}"
        case "base64":
            return f"{sobject.label} {number}".encode()
    if field.name.lower() in _ADDRESSES:
        return f"someone{number}@example.com"
    return _fitting(sobject.label, number, field.length)


def _fitting(label: str, number: int, length: int) -> str:
    """Of the two, the number must stay whole."""
    return f"{label[: max(0, length - len(f' {number}'))]} {number}".strip()

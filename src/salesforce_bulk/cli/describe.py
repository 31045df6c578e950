"""``sfbulk describe``: the org's objects, or the fields of one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, Final

from .common import Commands, command, opened
from .console import Console, table
from .exits import OK

_FIELD_HEADS: Final = ("field", "type", "length", "required", "create", "update", "external id", "refers to")


def add_to(commands: Commands) -> None:
    parser = command(
        commands,
        "describe",
        "the org's objects, or the fields of one",
        "The org's objects, or the fields of one. With --json all that the org says; of one object it is what "
        "`sfbulk local serve --schema` takes.",
    )
    parser.add_argument("sobject", metavar="OBJECT", nargs="?", help="API name of an object; default: list all objects")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    with opened(chosen) as org:
        told = org.describe(chosen.sobject)
    console.report(_fields(told) if chosen.sobject else _objects(told), told)
    return OK


def _objects(told: Mapping[str, Any]) -> str:
    lines = [(one.get("name"), one.get("label"), bool(one.get("custom"))) for one in told.get("sobjects", ())]
    return table(("object", "label", "custom"), lines)


def _fields(told: Mapping[str, Any]) -> str:
    return table(
        _FIELD_HEADS,
        [
            (
                field.get("name"),
                field.get("type"),
                field.get("length") or None,
                # Without a value a new record cannot be made.
                field.get("createable", False)
                and not field.get("nillable", True)
                and not field.get("defaultedOnCreate", False),
                bool(field.get("createable")),
                bool(field.get("updateable")),
                bool(field.get("externalId")),
                ", ".join(field.get("referenceTo") or ()),
            )
            for field in told.get("fields", ())
        ],
    )

"""What the org knows of its objects and fields.

A `Schema` is never changed: ``with_object`` and ``with_field`` return another one. The standard objects are written down in
``standard/*.toml``; any other org can be read from its own describe answers with ``Schema.load``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from .loading import load_objects
from .objects import COMPOUND_TYPES, TEXT_TYPES, Field, RecordType, SObject
from .standard import read_objects

__all__ = ["COMPOUND_TYPES", "TEXT_TYPES", "Field", "RecordType", "SObject", "Schema"]


class Schema:
    def __init__(self, objects: Iterable[SObject]) -> None:
        self._objects = {sobject.name.lower(): sobject for sobject in objects}
        self._prefixes = {sobject.key_prefix: sobject for sobject in self._objects.values() if sobject.key_prefix}

    @classmethod
    def standard(cls) -> Schema:
        """The standard objects, and the few custom fields of ours that ``standard/*.toml`` adds to them."""
        return cls(read_objects())

    @classmethod
    def load(cls, describes: Iterable[Mapping[str, Any]]) -> Schema:
        """The objects of another org, from its describe answers (with ``childRelationships``).

        Formula fields stay empty, since describe does not tell how to work them out; but what the standard objects here work
        out themselves (a contact's full name) they do there as well. What no org lacks (users, say) is added if not described.
        """
        return cls(load_objects(describes, read_objects()))

    @property
    def objects(self) -> Iterable[SObject]:
        return self._objects.values()

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._objects.values())

    def object(self, name: str) -> SObject | None:
        """The object called *name*, in any case."""
        return self._objects.get(name.lower())

    def by_prefix(self, prefix: str) -> SObject | None:
        """The object whose ids begin with *prefix*."""
        return self._prefixes.get(prefix)

    def children(self, parent: SObject) -> list[tuple[SObject, Field]]:
        """Every (object, reference field) that points at *parent*."""
        return [(child, f) for child in self for f in child.fields.values() if parent.name in f.reference_to]

    def with_object(self, sobject: SObject) -> Schema:
        """This schema and *sobject*, which takes the place of one with the same name."""
        return Schema([*(o for o in self if o.name != sobject.name), sobject])

    def with_field(self, sobject: str, *fields: Field) -> Schema:
        """This schema, with *fields* added to (or changed in) the object called *sobject*."""
        changed = self.object(sobject)
        if changed is None:
            raise KeyError(sobject)
        for field in fields:
            changed = changed.with_field(field)
        return Schema(changed if o.name == changed.name else o for o in self)

    def with_record_types(self, sobject: str, *names: str, default: str | None = None) -> Schema:
        """This schema, with record types on the object called *sobject*, and the field that names one.

        *default*: the one that a new record has if nobody says; None: the master record type.
        """
        changed = self.object(sobject)
        if changed is None:
            raise KeyError(sobject)
        taken = sum(len(known.record_types) for known in self)
        kinds = tuple(
            RecordType(_record_type_id(taken + number), name, re.sub(r"\W+", "_", name), is_default=name == default)
            for number, name in enumerate(names, 1)
        )
        reference = Field(
            "RecordTypeId", "reference", "Record Type ID", reference_to=("RecordType",), relationship_name="RecordType",
            defaulted_on_create=True,
        )  # fmt: skip
        changed = replace(changed.with_field(reference), record_types=(*changed.record_types, *kinds))
        return self.with_object(changed)

    def __repr__(self) -> str:
        return f"<Schema {len(self._objects)} objects>"


#: What ids of 18 characters end in, by the capitals among each five (rest-support.md 8).
_CHECKS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def _record_type_id(number: int) -> str:
    """In a range of its own, so that no record that is made later meets it. The room does not know of ``ids``."""
    first = f"012Lo0RT{number:07d}"
    groups = (first[place : place + 5] for place in (0, 5, 10))
    return first + "".join(_CHECKS[sum(1 << n for n, mark in enumerate(group) if mark.isupper())] for group in groups)

"""What the org says of its objects and fields, by names in any case; and the names nearest to a wrong one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..errors import ApiError, TransportError
from .tally import NEAREST

Describe = Mapping[str, Any]


class Described:
    """A describe answer, by names in any case."""

    def __init__(self, wire: Describe) -> None:
        self.wire = wire
        self.name = str(wire.get("name") or "")
        self.prefix = str(wire.get("keyPrefix") or "")
        all_fields: Sequence[Describe] = wire.get("fields") or ()
        self.fields = {str(one["name"]).lower(): one for one in all_fields}
        self.parents = {
            str(one["relationshipName"]).lower(): one
            for one in all_fields
            if one.get("relationshipName") and one.get("referenceTo")
        }

    def may(self, permission: str) -> bool:
        return self.wire.get(permission) is not False


class Objects:
    """What the org says of its objects, asked as late and as seldom as can be."""

    def __init__(self, describe_of: Callable[[str], Describe | None], objects: Callable[[], Mapping[str, Any]]) -> None:
        self._describe_of = describe_of
        self._objects = objects
        self._known: dict[str, Described | None] = {}
        self._listed: dict[str, str] | None = None

    def object(self, name: str) -> Described | None:
        if name not in self._known:
            wire = self._describe_of(name)
            self._known[name] = None if wire is None else Described(wire)
        return self._known[name]

    def listed(self) -> dict[str, str]:
        """The objects and their key prefixes; nothing when the org does not tell."""
        if self._listed is None:
            try:
                listed = self._objects().get("sobjects") or ()
            except (ApiError, TransportError):
                listed = ()
            self._listed = {str(one["name"]): str(one.get("keyPrefix") or "") for one in listed}
        return self._listed

    def prefixes(self, targets: Iterable[str]) -> frozenset[str]:
        """What ids of *targets* begin with; empty when it is not known of all of them."""
        listed = self.listed()
        found = [listed.get(name, "") for name in targets]
        return frozenset(found) if all(found) else frozenset()

    def owners(self, cell: str) -> list[str]:
        """The objects to which an id belongs, by its first three characters."""
        return [name for name, prefix in self.listed().items() if prefix and prefix == cell[:3]]


def is_lookup(one: Describe) -> bool:
    return bool(one.get("idLookup") or one.get("externalId"))


def is_required(one: Describe) -> bool:
    """REST notes, 3.2: required on insert <=> createable && !nillable && !defaultedOnCreate."""
    return bool(one.get("createable")) and not one.get("nillable", True) and not one.get("defaultedOnCreate")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    by_folded: dict[str, list[str]] = {}
    for one in names:
        by_folded.setdefault(_folded(one), []).append(one)
    found = get_close_matches(_folded(name), by_folded, NEAREST, 0.6)
    return [one for folded in found for one in by_folded[folded]][:NEAREST]


def nearest_fields(name: str, fields: Iterable[Describe]) -> list[str]:
    """Fields with this label come first: people export reports."""
    all_fields = list(fields)
    labelled = [str(one["name"]) for one in all_fields if _folded(str(one.get("label") or "")) == _folded(name)]
    return list(dict.fromkeys([*labelled, *nearest(name, (str(one["name"]) for one in all_fields))]))[:NEAREST]


def _folded(name: str) -> str:
    """What is left when people write a name from memory: no case, no spaces, no ``__c``."""
    return name.strip().lower().removesuffix("__c").replace(" ", "").replace("_", "")

"""What an object and a field are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

TEXT_TYPES: Final = frozenset(
    {
        "string",
        "textarea",
        "picklist",
        "multipicklist",
        "combobox",
        "email",
        "phone",
        "url",
        "encryptedstring",
        "anyType",
    }
)
#: Types whose value lives in other fields: they can be described, but neither stored, written nor selected in bulk.
COMPOUND_TYPES: Final = frozenset({"address", "location"})
#: What a length is when nobody says one: describe gives 18 for ids, and the platform's own for the others.
_LENGTHS: Final = {
    "id": 18, "reference": 18, "picklist": 255, "multipicklist": 4099, "email": 80, "phone": 40, "url": 255, "string": 255,
    "textarea": 32000, "combobox": 255, "encryptedstring": 175,
}  # fmt: skip

Value = str | int | float | bool | bytes | None


@dataclass(frozen=True, slots=True)
class Field:
    """One field. The attributes are those of a describe answer (rest-support.md 3.2), under their Python names.

    Only *name* and *type* must be given: a label is made from the name, and length, precision and scale from the type.
    """

    name: str
    type: str = "string"
    label: str = ""
    length: int = -1
    precision: int = -1
    scale: int = -1
    digits: int = -1
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    default: Value = None
    external_id: bool = False
    id_lookup: bool = False
    unique: bool = False
    case_sensitive: bool = False
    picklist_values: tuple[str, ...] = ()
    restricted_picklist: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    #: What the parent calls its children over this reference (``Contacts``), and what becomes of them when it is deleted.
    child_relationship: str | None = None
    cascade_delete: bool = False
    restricted_delete: bool = False
    calculated: bool = False
    auto_number: bool = False
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    name_field: bool = False
    compound_name: str | None = None
    extra_type_info: str | None = None
    #: Ours: an SQL expression over the other columns, for what the org works out itself (a contact's full name).
    formula: str | None = None
    #: Of an auto-number, which describe does not tell: ``INV-{0000}``. Without it, eight digits as in a new org's cases.
    display_format: str | None = None
    #: The describe answer that the field was read from, to be given again as it is.
    described: Mapping[str, Any] | None = dataclasses.field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        def settle(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        is_number = self.type in ("double", "currency", "percent")
        if not self.label:
            settle("label", self.name.removesuffix("__c").replace("_", " "))
        if self.length < 0:
            settle("length", _LENGTHS.get(self.type, 0))
        if self.precision < 0:
            settle("precision", 18 if is_number else 0)
        if self.scale < 0:
            settle("scale", 2 if is_number and self.type != "percent" else 0)
        if self.digits < 0:
            settle("digits", {"int": 8, "long": 18}.get(self.type, 0))
        if self.external_id:  # every external id field can be looked up by (rest-support.md 3.2)
            settle("id_lookup", True)
        if self.type == "boolean":  # a checkbox is true or false, never empty
            settle("nillable", False)
            settle("defaulted_on_create", True)
            if self.default is None:
                settle("default", False)
        if self.formula or self.calculated or self.auto_number:
            settle("createable", False)
            settle("updateable", False)
        # As recorded: a short text area (a street) is like any text, a long one is good for nothing but reading.
        is_long = self.type == "base64" or (self.type == "textarea" and self.length > 255)
        if is_long or is_number or self.type in ("datetime", "multipicklist", "address", "location"):
            settle("groupable", False)
        if is_long or self.type in ("multipicklist", "address", "location"):
            settle("sortable", False)
        if is_long or self.type == "location":
            settle("filterable", False)

    @property
    def custom(self) -> bool:
        return self.name.endswith(("__c", "__s"))

    @property
    def required_on_create(self) -> bool:
        return self.createable and not self.nillable and not self.defaulted_on_create

    @property
    def stored(self) -> bool:
        """Has a column. Compound fields do not; their components do."""
        return self.type not in COMPOUND_TYPES

    @property
    def polymorphic(self) -> bool:
        return len(self.reference_to) > 1

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES


@dataclass(frozen=True, slots=True)
class RecordType:
    """A kind of records of an object. *available*: to the user; the default one is what a new record has if nobody says."""

    id: str
    name: str
    developer_name: str
    available: bool = True
    active: bool = True
    is_default: bool = False


@dataclass(frozen=True)
class SObject:
    """One object and its fields. Make a custom one with `SObject.define`, which adds the fields that every object has."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: Mapping[str, Field]
    queryable: bool = True
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    #: False: Bulk API answers "Entity '...' is not supported by the Bulk API."
    bulk: bool = True
    #: Those besides the master one, which every object has.
    record_types: tuple[RecordType, ...] = ()
    #: The describe answer that the object was read from, but for its fields.
    described: Mapping[str, Any] | None = dataclasses.field(default=None, compare=False, repr=False)

    @classmethod
    def define(
        cls, name: str, key_prefix: str, fields: Sequence[Field], *, label: str = "", owned: bool = True
    ) -> SObject:
        """A custom object: *fields*, and those that every custom object has unless they are given."""
        label = label or name.removesuffix("__c").replace("_", " ")
        given = {field.name for field in fields}
        before, after = system_fields("Record ID", owner=("Group", "User") if owned else ())
        first = [field for field in before if field.name not in given]
        if "Name" not in given:
            first.append(
                Field(
                    "Name", length=80, label=f"{label} Name", name_field=True, id_lookup=True, defaulted_on_create=True
                )
            )
        last = [field for field in after if field.name not in given]
        return cls(name, label, f"{label}s", key_prefix, by_name([*first, *last, *fields]))

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    def field(self, name: str) -> Field | None:
        """The field called *name*, in any case."""
        return self.fields.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """The reference field whose parent is called *name* (``Account``, ``Account__r``), in any case."""
        return self._relationships.get(name.lower())

    @cached_property
    def _relationships(self) -> dict[str, Field]:
        return {f.relationship_name.lower(): f for f in self.fields.values() if f.relationship_name}

    @property
    def has_recycle_bin(self) -> bool:
        return "isdeleted" in self.fields

    @property
    def default_record_type(self) -> str | None:
        """Its id; None: the master record type, which is an empty field."""
        return next((known.id for known in self.record_types if known.is_default), None)

    def with_field(self, field: Field) -> SObject:
        return replace(self, fields={**self.fields, field.name.lower(): field})

    def __repr__(self) -> str:
        return f"<SObject {self.name}: {len(self.fields)} fields>"


def by_name(fields: Iterable[Field]) -> dict[str, Field]:
    return {field.name.lower(): field for field in fields}


def system_fields(
    id_label: str, *, owner: tuple[str, ...] = (), without: Sequence[str] = ()
) -> tuple[list[Field], list[Field]]:
    """The fields the org fills in itself: those that stand first in a describe, and those that stand last."""

    def stamp(name: str, type: str, label: str, relationship: str | None = None) -> Field:
        return Field(
            name, type, label, nillable=False, createable=False, updateable=False, defaulted_on_create=True,
            reference_to=("User",) if relationship else (), relationship_name=relationship,
        )  # fmt: skip

    first = [
        replace(stamp("Id", "id", id_label), id_lookup=True),
        stamp("IsDeleted", "boolean", "Deleted"),
    ]
    if owner:
        first.append(
            Field("OwnerId", "reference", "Owner ID", nillable=False, defaulted_on_create=True,
                  reference_to=owner, relationship_name="Owner")
        )  # fmt: skip
    last = [
        stamp("CreatedDate", "datetime", "Created Date"),
        stamp("CreatedById", "reference", "Created By ID", "CreatedBy"),
        stamp("LastModifiedDate", "datetime", "Last Modified Date"),
        stamp("LastModifiedById", "reference", "Last Modified By ID", "LastModifiedBy"),
        stamp("SystemModstamp", "datetime", "System Modstamp"),
    ]
    return [f for f in first if f.name not in without], [f for f in last if f.name not in without]

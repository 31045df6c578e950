"""The standard objects, one TOML file each: their main fields, with the types, lengths and picklists of a new org.

Source: the describe answers recorded by CumulusCI, and the Object Reference. A line may say, besides the attributes of
`Field`: ``required`` (not nillable), ``read_only``, ``create_only``, ``values`` (of a picklist), ``to`` and ``relationship``
(of a reference), ``children`` (what the parent calls them). A field of type ``address`` stands for its nine fields.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, Final

from ..objects import Field, SObject, by_name, system_fields

_RENAMED: Final = {
    "values": "picklist_values", "restricted": "restricted_picklist", "to": "reference_to", "relationship": "relationship_name",
    "children": "child_relationship", "compound": "compound_name", "external": "external_id", "extra": "extra_type_info",
}  # fmt: skip


def read_objects() -> list[SObject]:
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".toml"))
    read = (_read(tomllib.loads(file.read_text("utf-8"))) for file in files)
    return sorted(read, key=lambda sobject: sobject.name)


def _read(table: Mapping[str, Any]) -> SObject:
    first, last = system_fields(
        table.get("id_label", f"{table['label']} ID"),
        owner=tuple(table.get("owner", ())),
        without=table.get("without", ()),
    )
    fields = [field for name, line in table["fields"].items() for field in _read_line(name, line)]
    owner = [field for field in first if field.name == "OwnerId"]
    flags = {
        flag: table[flag] for flag in ("queryable", "createable", "updateable", "deletable", "bulk") if flag in table
    }
    return SObject(
        name=table["name"],
        label=table["label"],
        label_plural=table["plural"],
        key_prefix=table["prefix"],
        fields=by_name(
            [
                *(field for field in first if field.name != "OwnerId"),
                *(field for field in fields if not field.custom),
                *owner,
                *last,
                *(field for field in fields if field.custom),
            ]
        ),
        **flags,
    )


def _read_line(name: str, line: Mapping[str, Any]) -> Iterator[Field]:
    given = dict(line)
    if given.get("type") == "address":
        yield from _address(name, given["label"])
        return
    attributes: dict[str, Any] = {}
    if "to" in given:
        attributes["type"] = "reference"
        attributes["relationship_name"] = name.removesuffix("Id")
    if "values" in given:
        attributes["type"] = "picklist"
    if "formula" in given:
        attributes["nillable"] = given.pop("nillable", True)
    if given.pop("required", False):
        attributes["nillable"] = False
    if given.pop("read_only", False):
        attributes["createable"] = attributes["updateable"] = False
    if given.pop("create_only", False):
        attributes["updateable"] = False
    if "default" in given:
        attributes["defaulted_on_create"] = True
    for key, value in given.items():
        attributes[_RENAMED.get(key, key)] = tuple(value) if isinstance(value, list) else value
    yield Field(name, **attributes)


def _address(name: str, label: str) -> Iterator[Field]:
    """The nine fields of an address: ``BillingAddress`` has ``BillingStreet``, ``BillingCity`` and so on."""
    stem = name.removesuffix("Address")
    label = f"{label} " if label else ""

    def part(suffix: str, type: str, said: str, **attributes: Any) -> Field:
        return Field(stem + suffix, type, label + said, compound_name=name, **attributes)

    yield part("Street", "textarea", "Street", length=255, extra_type_info="plaintextarea")
    yield part("City", "string", "City", length=40)
    yield part("State", "string", "State/Province", length=80)
    yield part("PostalCode", "string", "Zip/Postal Code", length=20)
    yield part("Country", "string", "Country", length=80)
    yield part("Latitude", "double", "Latitude", precision=18, scale=15)
    yield part("Longitude", "double", "Longitude", precision=18, scale=15)
    yield part(
        "GeocodeAccuracy", "picklist", "Geocode Accuracy", length=40, restricted_picklist=True,
        picklist_values=(
            "Address", "NearAddress", "Block", "Street", "ExtendedZip", "Zip", "Neighborhood", "City", "County", "State",
            "Unknown",
        ),
    )  # fmt: skip
    yield Field(name, "address", f"{label}Address", createable=False, updateable=False)

"""Another org's objects, read from its describe answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Final

from .objects import Field, RecordType, SObject, by_name

#: What the store puts into every new org.
_ALWAYS_THERE: Final = ("User", "Profile", "Organization", "Pricebook2")


def load_objects(describes: Iterable[Mapping[str, Any]], standard: Iterable[SObject]) -> Iterator[SObject]:
    """*standard*: the standard objects, which know what describe does not tell."""
    answers = list(describes)
    twins = {sobject.name.lower(): sobject for sobject in standard}
    # What becomes of children is told by the parent, not by the child.
    children = {
        (child["childSObject"], child["field"]): child
        for answer in answers
        for child in answer.get("childRelationships") or ()
    }
    for answer in answers:
        yield _read_object(answer, children, twins.get(answer["name"].lower()))
    described = {answer["name"] for answer in answers}
    needed = {*_ALWAYS_THERE, *(["RecordType"] if any(map(_record_types, answers)) else [])}
    yield from (sobject for sobject in twins.values() if sobject.name in needed and sobject.name not in described)


def _read_object(
    answer: Mapping[str, Any], children: Mapping[tuple[str, str], Mapping[str, Any]], twin: SObject | None
) -> SObject:
    present = {d["name"] for d in answer["fields"]}
    return SObject(
        name=answer["name"],
        label=answer.get("label") or answer["name"],
        label_plural=answer.get("labelPlural") or answer["name"],
        key_prefix=answer.get("keyPrefix") or "",
        fields=by_name(
            _read_field(
                d, children.get((answer["name"], d["name"]), {}), twin.field(d["name"]) if twin else None, present
            )
            for d in answer["fields"]
        ),
        queryable=answer.get("queryable", True),
        createable=answer.get("createable", True),
        updateable=answer.get("updateable", True),
        deletable=answer.get("deletable", True),
        bulk=twin.bulk if twin else True,
        record_types=_record_types(answer),
        described={key: value for key, value in answer.items() if key not in ("fields", "urls")},
    )


def _record_types(answer: Mapping[str, Any]) -> tuple[RecordType, ...]:
    """``recordTypeInfos`` but for the master one, which is no record."""
    return tuple(
        RecordType(
            info["recordTypeId"],
            info["name"],
            info.get("developerName") or info["name"],
            available=info.get("available", True),
            active=info.get("active", True),
            is_default=info.get("defaultRecordTypeMapping", False),
        )
        for info in answer.get("recordTypeInfos") or ()
        if not info.get("master") and info.get("recordTypeId")
    )


def _read_field(d: Mapping[str, Any], child: Mapping[str, Any], twin: Field | None, present: Set[str]) -> Field:
    get = d.get
    return Field(
        name=d["name"],
        type=d["type"],
        label=get("label") or "",
        length=get("length", -1),
        precision=get("precision", -1),
        scale=get("scale", -1),
        digits=get("digits", -1),
        nillable=get("nillable", True),
        createable=get("createable", True),
        updateable=get("updateable", True),
        defaulted_on_create=get("defaultedOnCreate", False),
        default=get("defaultValue") if get("defaultValue") is not None else _default_of(get("picklistValues")),
        external_id=get("externalId", False),
        id_lookup=get("idLookup", False),
        unique=get("unique", False),
        case_sensitive=get("caseSensitive", False),
        picklist_values=tuple(v["value"] for v in get("picklistValues") or () if v.get("active", True)),
        restricted_picklist=get("restrictedPicklist", False),
        reference_to=tuple(get("referenceTo") or ()),
        relationship_name=get("relationshipName"),
        child_relationship=child.get("relationshipName"),
        cascade_delete=child.get("cascadeDelete", False),
        restricted_delete=child.get("restrictedDelete", False),
        calculated=get("calculated", False),
        auto_number=get("autoNumber", False),
        filterable=get("filterable", True),
        sortable=get("sortable", True),
        groupable=get("groupable", True),
        name_field=get("nameField", False),
        compound_name=get("compoundFieldName"),
        extra_type_info=get("extraTypeInfo"),
        formula=_formula(twin, present),
        described=d,
    )


def _formula(twin: Field | None, present: Set[str]) -> str | None:
    """What the standard field of the same name says, if the fields it speaks of are visible."""
    if twin is None or twin.formula is None:
        return None
    spoken_of = re.findall(r"[A-Z][a-z]\w+", re.sub(r"'[^']*'", "", twin.formula))
    return twin.formula if present >= set(spoken_of) else None


def _default_of(picklist: Sequence[Mapping[str, Any]] | None) -> str | None:
    return next((value["value"] for value in picklist or () if value.get("defaultValue")), None)

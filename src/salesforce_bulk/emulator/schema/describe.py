"""Describe answers, key for key in the recorded order.

Source: rest-support.md 3.1 and 3.2 (recorded by CumulusCI). What the local org has no notion of (layouts, record types,
feeds) takes the value it has in an org that does not use it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .objects import Field, RecordType, SObject

#: The record type of all records that have none.
MASTER_ID: Final = "012000000000000AAA"
#: From rest-support.md section 9. What is not listed is text.
SOAP_TYPES: Final = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "long": "xsd:long",
    "double": "xsd:double", "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "time": "xsd:time", "base64": "xsd:base64Binary", "address": "urn:address", "location": "urn:location",
    "anyType": "xsd:anyType",
}  # fmt: skip


def soap_type(field: Field) -> str:
    return SOAP_TYPES.get(field.type, "xsd:string")


def listing(sobject: SObject, version: str) -> dict[str, Any]:
    answer = _listing(sobject, version)
    return answer | {key: value for key, value in (sobject.described or {}).items() if key in answer}


def _listing(sobject: SObject, version: str) -> dict[str, Any]:
    path = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix or None,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": sobject.createable,
        "mergeable": sobject.name in ("Account", "Contact", "Lead", "Case"),
        "mruEnabled": sobject.createable,
        "name": sobject.name,
        "queryable": sobject.queryable,
        "replicateable": True,
        "retrieveable": True,
        "searchable": sobject.createable,
        "triggerable": sobject.createable,
        "undeletable": sobject.deletable and sobject.has_recycle_bin,
        "updateable": sobject.updateable,
        "urls": {"rowTemplate": path + "/{ID}", "describe": path + "/describe", "sobject": path},
    }


def describe(sobject: SObject, version: str, children: Iterable[tuple[SObject, Field]] = ()) -> dict[str, Any]:
    listed = listing(sobject, version)
    answer: dict[str, Any] = {
        "actionOverrides": [],
        "childRelationships": [_child(child, field) for child, field in children],
        "compactLayoutable": sobject.createable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(field) for field in sobject.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(sobject, version),
        "searchLayoutable": sobject.createable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {sobject.label_plural.lower()}", "name": "everything"}],
        **listed,
    }
    # What another org said of itself is said again. The recorded order is the alphabetical one.
    answer |= sobject.described or {}
    return {key: answer[key] for key in sorted(answer)}


def _record_types(sobject: SObject, version: str) -> list[dict[str, Any]]:
    """The master one stands last, and only beside others."""
    if not sobject.record_types:
        return []
    path = f"/services/data/v{version}/sobjects/{sobject.name}/describe/layouts/"
    default = sobject.default_record_type
    master = RecordType(MASTER_ID, "Master", "Master", is_default=default is None)
    return [
        {
            "active": known.active,
            "available": known.available,
            "defaultRecordTypeMapping": known.is_default,
            "developerName": known.developer_name,
            "master": known is master,
            "name": known.name,
            "recordTypeId": known.id,
            "urls": {"layout": path + known.id},
        }
        for known in (*sobject.record_types, master)
    ]


def _child(child: SObject, field: Field) -> dict[str, Any]:
    return {
        "cascadeDelete": field.cascade_delete,
        "childSObject": child.name,
        "deprecatedAndHidden": False,
        "field": field.name,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": field.child_relationship,
        "restrictedDelete": field.restricted_delete,
    }


def describe_field(field: Field) -> dict[str, Any]:
    if field.described is None:
        return _describe_field(field)
    answer = {**_describe_field(field), **field.described}
    return {key: answer[key] for key in sorted(answer)}


def _describe_field(field: Field) -> dict[str, Any]:
    is_id = field.type in ("id", "reference")
    is_compound = not field.stored
    return {
        "aggregatable": field.groupable or field.type in ("double", "currency", "percent", "datetime"),
        "aiPredictionField": False,
        "autoNumber": field.auto_number,
        # Three bytes a character, and an id has no others than ASCII (recorded).
        "byteLength": field.length if is_id else field.length * 3,
        "calculated": field.calculated,
        "calculatedFormula": None,
        "cascadeDelete": field.cascade_delete,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound_name,
        "controllerName": None,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default if field.type == "boolean" else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": field.defaulted_on_create,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.digits,
        "displayLocationInDecimal": False,
        "encrypted": field.type == "encryptedstring",
        "externalId": field.external_id,
        "extraTypeInfo": field.extra_type_info,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name_field,
        "namePointing": field.polymorphic,
        "nillable": field.nillable,
        "permissionable": field.nillable and (field.createable or is_compound),
        "picklistValues": [
            {"active": True, "defaultValue": value == field.default, "label": value, "validFor": None, "value": value}
            for value in field.picklist_values
        ],
        "polymorphicForeignKey": field.polymorphic,
        "precision": field.precision,
        "queryByDistance": is_compound,
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": None,
        "restrictedDelete": field.restricted_delete,
        "restrictedPicklist": field.restricted_picklist,
        "scale": field.scale,
        "searchPrefilterable": is_id and field.type == "reference",
        "soapType": soap_type(field),
        "sortable": field.sortable,
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }

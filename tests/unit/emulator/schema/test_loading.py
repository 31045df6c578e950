"""Another org's objects, as describe tells them: everything is told again, and records are kept by its rules.

The shapes are those of the recorded describe answers (rest-support.md 3.2); the object is invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.schema import Field, Schema, SObject

#: A text field of no distinction, with all keys.
PLAIN = json.loads(
    """{"aggregatable":true,"aiPredictionField":false,"autoNumber":false,"byteLength":765,"calculated":false,
    "calculatedFormula":null,"cascadeDelete":false,"caseSensitive":false,"compoundFieldName":null,"controllerName":null,
    "createable":true,"custom":true,"defaultValue":null,"defaultValueFormula":null,"defaultedOnCreate":false,
    "dependentPicklist":false,"deprecatedAndHidden":false,"digits":0,"displayLocationInDecimal":false,"encrypted":false,
    "externalId":false,"extraTypeInfo":null,"filterable":true,"filteredLookupInfo":null,
    "formulaTreatNullNumberAsZero":false,"groupable":true,"highScaleNumber":false,"htmlFormatted":false,"idLookup":false,
    "inlineHelpText":null,"label":"","length":255,"mask":null,"maskType":null,"name":"","nameField":false,
    "namePointing":false,"nillable":true,"permissionable":true,"picklistValues":[],"polymorphicForeignKey":false,
    "precision":0,"queryByDistance":false,"referenceTargetField":null,"referenceTo":[],"relationshipName":null,
    "relationshipOrder":null,"restrictedDelete":false,"restrictedPicklist":false,"scale":0,"searchPrefilterable":false,
    "soapType":"xsd:string","sortable":true,"type":"string","unique":false,"updateable":true,
    "writeRequiresMasterRead":false}"""
)
ID = {"type": "id", "soapType": "tns:ID", "length": 18, "byteLength": 18, "idLookup": True, "nillable": False}
OURS = {"createable": False, "updateable": False, "custom": False, "defaultedOnCreate": True, "nillable": False}
NUMBER = {"type": "double", "soapType": "xsd:double", "length": 0, "byteLength": 0, "precision": 18}
REFERENCE = {"type": "reference", "soapType": "tns:ID", "length": 18, "byteLength": 18}
STAMP = {"type": "datetime", "soapType": "xsd:dateTime", "length": 0, "byteLength": 0, **OURS}


def option(value: str, valid_for: str | None = None, *, active: bool = True, default: bool = False) -> dict[str, Any]:
    return {"active": active, "defaultValue": default, "label": value.title(), "validFor": valid_for, "value": value}


def field(name: str, **told: Any) -> dict[str, Any]:
    return {**PLAIN, "name": name, "label": name.removesuffix("__c").replace("_", " "), **told}


def parts(stem: str, compound: str) -> list[dict[str, Any]]:
    """The components of a custom address."""
    return [
        field(f"{stem}Street__s", type="textarea", extraTypeInfo="plaintextarea", compoundFieldName=compound),
        field(f"{stem}City__s", length=40, compoundFieldName=compound),
        field(f"{stem}PostalCode__s", length=20, compoundFieldName=compound),
        field(f"{stem}CountryCode__s", type="picklist", length=10, compoundFieldName=compound),
        field(f"{stem}Latitude__s", **NUMBER, scale=15, compoundFieldName=compound),
        field(f"{stem}Longitude__s", **NUMBER, scale=15, compoundFieldName=compound),
    ]


COMPOUND = {
    "createable": False,
    "updateable": False,
    "length": 0,
    "byteLength": 0,
    "queryByDistance": True,
    "sortable": False,
}
FIELDS = [
    field("Id", **{**ID, **OURS}),
    field("OwnerId", **REFERENCE, custom=False, nillable=False, defaultedOnCreate=True, referenceTo=["Group", "User"],
          relationshipName="Owner", polymorphicForeignKey=True, namePointing=True),
    field("IsDeleted", type="boolean", soapType="xsd:boolean", defaultValue=False, length=0, **OURS),
    field("Name", custom=False, autoNumber=True, nameField=True, idLookup=True, length=80, createable=False, updateable=False,
          nillable=False, defaultedOnCreate=True),
    field("RecordTypeId", **REFERENCE, custom=False, defaultedOnCreate=True, referenceTo=["RecordType"],
          relationshipName="RecordType"),
    field("CreatedDate", **STAMP),
    field("SystemModstamp", **STAMP),
    field("Site__c", type="address", soapType="urn:address", **COMPOUND),
    *parts("Site__", "Site__c"),
    field("Loc__c", type="location", soapType="urn:location", displayLocationInDecimal=True, **COMPOUND),
    field("Loc__Latitude__s", **NUMBER, scale=15, compoundFieldName="Loc__c"),
    field("Loc__Longitude__s", **NUMBER, scale=15, compoundFieldName="Loc__c"),
    field("Secret__c", type="encryptedstring", length=175, byteLength=525, mask="*", maskType="lastFour", encrypted=True,
          filterable=False, sortable=False, groupable=False),
    field("Region__c", type="picklist", picklistValues=[option("EMEA", default=True), option("APAC"), option("OLD", active=False)],
          restrictedPicklist=True),
    field("Country__c", type="picklist", controllerName="Region__c", dependentPicklist=True, restrictedPicklist=True,
          picklistValues=[option("Spain", "gAAA"), option("Japan", "QAAA")]),
    field("Tags__c", type="multipicklist", length=4099, byteLength=12297, precision=4, groupable=False, sortable=False,
          picklistValues=[option("Red"), option("Blue")]),
    field("Notes__c", type="textarea", length=32768, byteLength=98304, extraTypeInfo="richtextarea", htmlFormatted=True,
          filterable=False, groupable=False, sortable=False),
    field("Total__c", **NUMBER, scale=2, calculated=True, calculatedFormula="Net__c * 1.2", createable=False, updateable=False),
    field("Net__c", type="currency", soapType="xsd:double", length=0, byteLength=0, precision=18, scale=2,
          defaultValueFormula="100", defaultedOnCreate=True, inlineHelpText="Without tax"),
    field("Serial__c", type="long", soapType="xsd:long", length=0, byteLength=0, digits=18),
    field("At__c", type="time", soapType="xsd:time", length=0, byteLength=0),
    field("Scan__c", type="base64", soapType="xsd:base64Binary", length=10485760, filterable=False, sortable=False,
          groupable=False),
    field("Key__c", externalId=True, idLookup=True, unique=True, caseSensitive=True, length=40),
    field("About__c", **REFERENCE, referenceTo=["Invoice__c", "User"], relationshipName="About__r", polymorphicForeignKey=True),
]  # fmt: skip
RECORD_TYPES = [
    {"active": True, "available": True, "defaultRecordTypeMapping": True, "developerName": "Goods", "master": False,
     "name": "Goods", "recordTypeId": "012Fk000000Aa1BIAS", "urls": {"layout": "/services/data/v60.0/goods"}},
    {"active": True, "available": False, "defaultRecordTypeMapping": False, "developerName": "Secret", "master": False,
     "name": "Secret", "recordTypeId": "012Fk000000Aa1CIAS", "urls": {"layout": "/services/data/v60.0/secret"}},
    {"active": True, "available": True, "defaultRecordTypeMapping": False, "developerName": "Master", "master": True,
     "name": "Master", "recordTypeId": "012000000000000AAA", "urls": {"layout": "/services/data/v60.0/master"}},
]  # fmt: skip
INVOICE: dict[str, Any] = {
    "actionOverrides": [], "activateable": False, "associateEntityType": None, "associateParentEntity": None,
    "childRelationships": [
        {"cascadeDelete": True, "childSObject": "Invoice__History", "deprecatedAndHidden": False, "field": "ParentId",
         "junctionIdListNames": [], "junctionReferenceTo": [], "relationshipName": "Histories", "restrictedDelete": False},
    ],
    "compactLayoutable": True, "createable": True, "custom": True, "customSetting": False, "deepCloneable": False,
    "defaultImplementation": None, "deletable": True, "deprecatedAndHidden": False, "extendedBy": None,
    "extendsInterfaces": None, "feedEnabled": True, "fields": FIELDS, "hasSubtypes": False, "implementedBy": None,
    "implementsInterfaces": None, "isInterface": False, "isSubtype": False, "keyPrefix": "a0X", "label": "Invoice",
    "labelPlural": "Invoices", "layoutable": True, "listviewable": None, "lookupLayoutable": None, "mergeable": False,
    "mruEnabled": True, "name": "Invoice__c", "namedLayoutInfos": [], "networkScopeFieldName": None, "queryable": True,
    "recordTypeInfos": RECORD_TYPES, "replicateable": True, "retrieveable": True, "searchLayoutable": True,
    "searchable": True, "sobjectDescribeOption": "FULL", "supportedScopes": [{"label": "My invoices", "name": "mine"}],
    "triggerable": True, "undeletable": True, "updateable": True,
    "urls": {"describe": "/services/data/v60.0/sobjects/Invoice__c/describe"},
}  # fmt: skip
HISTORY: dict[str, Any] = {
    **INVOICE,
    "name": "Invoice__History",
    "keyPrefix": "017",
    "label": "History: Invoice",
    "associateEntityType": "History",
    "associateParentEntity": "Invoice__c",
    "createable": False,
    "updateable": False,
    "deletable": False,
    "recordTypeInfos": [],
    "childRelationships": [],
    "fields": [
        field("Id", **{**ID, **OURS}),
        field("IsDeleted", type="boolean", soapType="xsd:boolean", defaultValue=False, length=0, **OURS),
        field("ParentId", **{**REFERENCE, **OURS}, referenceTo=["Invoice__c"], relationshipName="Parent"),
        field("NewValue", type="anyType", soapType="xsd:anyType", custom=False, createable=False, updateable=False),
    ],
}


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg(schema=Schema.load([INVOICE, HISTORY])) as org:
        org.clock.pause()
        yield org


@pytest.mark.parametrize("told", [INVOICE, HISTORY], ids=lambda told: told["name"])
def test_what_another_org_told_is_told_again(org: LocalOrg, told: dict[str, Any]) -> None:
    """Field by field and key by key, dependent picklists, formulas, masks, record types and all; only paths are our own."""
    found = Talk2(org).ask("GET", f"sobjects/{told['name']}/describe").json()

    assert told["fields"] == found["fields"]
    assert {**told, "urls": None} == {**found, "urls": None}
    assert f"/services/data/v66.0/sobjects/{told['name']}/describe" == found["urls"]["describe"]


def test_records_are_kept_by_the_rules_of_the_other_org(org: LocalOrg) -> None:
    """Numbers, defaults, parts of places and addresses, parents of several objects; what is calculated stays empty."""
    talk = Talk2(org)
    job = talk.load(
        "insert",
        "Key__c,Secret__c,Region__c,Country__c,Tags__c,Site__City__s,Loc__Latitude__s,Loc__Longitude__s,At__c,Serial__c,About__c\n"
        f"k,1234,APAC,Japan,Red;Blue,Bath,51.38,-2.36,09:15:27.000Z,123456789012345678,{org.store.user.id}\n",
        "Invoice__c",
    )
    assert [] == talk.rows(job, "failedResults")

    [found] = org.rows(
        "SELECT Name, Secret__c, Region__c, Country__c, Tags__c, Site__c, Loc__c, At__c, Serial__c, Total__c, RecordType.Name, "
        "About__r.Name, Owner.Name FROM Invoice__c"
    )
    assert {"latitude": 51.38, "longitude": -2.36} == found["Loc__c"]
    assert "Bath" == found["Site__c"]["city"]
    assert ("APAC", "Japan", "Red;Blue") == (found["Region__c"], found["Country__c"], found["Tags__c"])
    assert ("00001000", 123456789012345678, None) == (found["Name"], found["Serial__c"], found["Total__c"])
    assert ({"Name": "Goods"}, {"Name": "Local Admin"}) == (found["RecordType"], found["About__r"])


@pytest.mark.parametrize(
    ("header", "row", "error"),
    [
        (
            "Region__c",
            "OLD",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:bad value for restricted picklist field: OLD:Region__c --",
        ),
        (
            "Secret__c",
            "x" * 176,
            f"STRING_TOO_LONG:Secret: data value too large: {'x' * 176} (max length=175):Secret__c --",
        ),
        (
            "RecordTypeId",
            "012Fk000000Aa1CIAS",
            "INVALID_CROSS_REFERENCE_KEY:RecordTypeId: this ID value isn't valid for the user: 012Fk000000Aa1CIAS:RecordTypeId --",
        ),
        (
            "About__c",
            "001000000000001AAA",
            "FIELD_INTEGRITY_EXCEPTION:About: id value of incorrect type: 001000000000001AAA:About__c --",
        ),
    ],
    ids=["picklist", "encrypted", "record-type", "reference"],
)
def test_records_against_the_rules_are_refused(org: LocalOrg, header: str, row: str, error: str) -> None:
    """With the codes and texts of the service."""
    talk = Talk2(org)
    job = talk.load("insert", f"{header}\n{row}\n", "Invoice__c")

    assert [error] == [refused["sf__Error"] for refused in talk.rows(job, "failedResults")]


@pytest.mark.parametrize("column", ["Name", "Total__c", "Site__c", "Loc__c"])
def test_what_cannot_be_written_is_no_column(org: LocalOrg, column: str) -> None:
    """Auto-numbers, formulas, compounds."""
    talk = Talk2(org)
    job = talk.load("insert", f"{column}\nx\n", "Invoice__c")

    assert f"InvalidBatch : Field name not found : {column}" == talk.info(job)["errorMessage"]


def test_record_types_of_our_own() -> None:
    """A new record has the default one; the records of RecordType are there to be queried."""
    schema = Schema.standard().with_record_types("Account", "Partner", "End Customer", default="Partner")
    with LocalOrg(schema=schema) as org:
        org.clock.pause()
        org.holds("Account", [{"Name": "A"}])

        assert [{"RecordType": {"DeveloperName": "Partner"}}] == org.rows(
            "SELECT RecordType.DeveloperName FROM Account"
        )
        assert ["End_Customer", "Partner"] == [
            row["DeveloperName"] for row in org.rows("SELECT DeveloperName FROM RecordType ORDER BY DeveloperName")
        ]
        described = Talk2(org).ask("GET", "sobjects/Account/describe").json()["recordTypeInfos"]
        assert [("Partner", True), ("End Customer", False), ("Master", False)] == [
            (info["name"], info["defaultRecordTypeMapping"]) for info in described
        ]


def test_auto_numbers_in_a_form_of_our_own() -> None:
    """As many digits as there are zeros, or more."""
    number = Field("Name", auto_number=True, name_field=True, nillable=False, display_format="INV-{000}")
    schema = Schema.standard().with_object(SObject.define("Bill__c", "a0B", [number]))
    with LocalOrg(schema=schema) as org:
        org.holds("Bill__c", [{}] * 1_001)

        found = [row["Name"] for row in org.rows("SELECT Name FROM Bill__c")]
        assert ("INV-001", "INV-999", "INV-1001") == (found[0], found[998], found[-1])

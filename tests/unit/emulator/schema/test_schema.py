"""The schema: what the org says of its objects, and other orgs read from what they say."""

from __future__ import annotations

import json

import pytest

from salesforce_bulk.emulator.schema import Field, Schema, SObject
from salesforce_bulk.emulator.schema.describe import describe, listing

STANDARD = Schema.standard()

#: rest-support.md 3.1, 3.2: keys in recorded order.
LISTING_KEYS = (
    "activateable associateEntityType associateParentEntity createable custom customSetting deepCloneable deletable "
    "deprecatedAndHidden feedEnabled hasSubtypes isInterface isSubtype keyPrefix label labelPlural layoutable mergeable "
    "mruEnabled name queryable replicateable retrieveable searchable triggerable undeletable updateable urls"
)
DESCRIBE_KEYS = (
    "actionOverrides activateable associateEntityType associateParentEntity childRelationships "
    "compactLayoutable createable custom customSetting deepCloneable defaultImplementation deletable "
    "deprecatedAndHidden extendedBy extendsInterfaces feedEnabled fields hasSubtypes implementedBy "
    "implementsInterfaces isInterface isSubtype keyPrefix label labelPlural layoutable listviewable "
    "lookupLayoutable mergeable mruEnabled name namedLayoutInfos networkScopeFieldName queryable "
    "recordTypeInfos replicateable retrieveable searchLayoutable searchable sobjectDescribeOption "
    "supportedScopes triggerable undeletable updateable urls"
)
ACCOUNT_ID = """{"aggregatable":true,"aiPredictionField":false,"autoNumber":false,"byteLength":18,"calculated":false,
"calculatedFormula":null,"cascadeDelete":false,"caseSensitive":false,"compoundFieldName":null,"controllerName":null,
"createable":false,"custom":false,"defaultValue":null,"defaultValueFormula":null,"defaultedOnCreate":true,
"dependentPicklist":false,"deprecatedAndHidden":false,"digits":0,"displayLocationInDecimal":false,"encrypted":false,
"externalId":false,"extraTypeInfo":null,"filterable":true,"filteredLookupInfo":null,"formulaTreatNullNumberAsZero":false,
"groupable":true,"highScaleNumber":false,"htmlFormatted":false,"idLookup":true,"inlineHelpText":null,"label":"Account ID",
"length":18,"mask":null,"maskType":null,"name":"Id","nameField":false,"namePointing":false,"nillable":false,
"permissionable":false,"picklistValues":[],"polymorphicForeignKey":false,"precision":0,"queryByDistance":false,
"referenceTargetField":null,"referenceTo":[],"relationshipName":null,"relationshipOrder":null,"restrictedDelete":false,
"restrictedPicklist":false,"scale":0,"searchPrefilterable":false,"soapType":"tns:ID","sortable":true,"type":"id",
"unique":false,"updateable":false,"writeRequiresMasterRead":false}"""


def account() -> SObject:
    sobject = STANDARD.object("Account")
    assert sobject is not None
    return sobject


def field(sobject: str, name: str) -> Field:
    found = STANDARD.object(sobject)
    assert found is not None
    known = found.field(name)
    assert known is not None
    return known


def test_names_are_found_in_any_case() -> None:
    """Objects, fields and relationships do not mind the case of letters."""
    assert STANDARD.object("aCCount") is account()
    assert account().field("BILLINGSTREET") is account().field("BillingStreet")
    assert account().relationship("parent") is account().field("ParentId")
    assert STANDARD.by_prefix("001") is account()
    assert STANDARD.object("Nope") is None
    assert account().field("Nope") is None
    assert account().relationship("ParentId") is None


@pytest.mark.parametrize("sobject", STANDARD.objects, ids=lambda sobject: sobject.name)
def test_every_reference_leads_somewhere(sobject: SObject) -> None:
    """The objects that fields point at exist, and every reference has a relationship name."""
    for known in sobject.fields.values():
        if known.type == "reference":
            assert known.relationship_name
            assert all(STANDARD.object(target) for target in known.reference_to), known.name


def test_prefixes_are_unique() -> None:
    """An id tells its object."""
    prefixes = [sobject.key_prefix for sobject in STANDARD.objects]
    assert len(prefixes) == len(set(prefixes))


def test_the_listing_has_the_recorded_keys() -> None:
    """Every key, in the recorded order."""
    listed = listing(account(), "68.0")
    assert list(listed) == LISTING_KEYS.split()
    assert listed["urls"]["rowTemplate"] == "/services/data/v68.0/sobjects/Account/{ID}"


def test_the_describe_has_the_recorded_keys() -> None:
    """Every key, in the recorded order."""
    answer = describe(account(), "68.0", STANDARD.children(account()))
    assert list(answer) == DESCRIBE_KEYS.split()
    contacts = next(child for child in answer["childRelationships"] if child["relationshipName"] == "Contacts")
    assert (contacts["childSObject"], contacts["field"], contacts["cascadeDelete"]) == ("Contact", "AccountId", True)


def test_the_id_of_account_is_described_as_recorded() -> None:
    """Key for key and value for value."""
    described = describe(account(), "68.0")["fields"][0]
    recorded = json.loads(ACCOUNT_ID)
    assert described == recorded
    assert list(described) == list(recorded)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # rest-support.md 3.2, "Recorded samples"
        ("AnnualRevenue", {"type": "currency", "soapType": "xsd:double", "precision": 18, "scale": 0}),
        ("BillingLatitude", {"type": "double", "precision": 18, "scale": 15, "compoundFieldName": "BillingAddress"}),
        ("NumberOfEmployees", {"type": "int", "digits": 8, "precision": 0}),
        ("Description", {"type": "textarea", "length": 32000, "byteLength": 96000}),
        ("Name", {"type": "string", "length": 255, "byteLength": 765, "nillable": False}),
        ("OwnerId", {"type": "reference", "length": 18, "referenceTo": ["User"], "defaultedOnCreate": True}),
        ("BillingStreet", {"type": "textarea", "length": 255, "groupable": True, "label": "Billing Street"}),
        ("BillingAddress", {"type": "address", "createable": False, "sortable": False, "queryByDistance": True}),
    ],
)
def test_fields_are_described_as_recorded(name: str, expected: dict[str, object]) -> None:
    """What CumulusCI recorded of these fields."""
    described = next(f for f in describe(account(), "68.0")["fields"] if f["name"] == name)
    assert {key: described[key] for key in expected} == expected


def test_required_on_create() -> None:
    """Createable, not nillable, and nothing else fills it in."""
    assert field("Contact", "LastName").required_on_create
    assert not field("Contact", "OwnerId").required_on_create
    assert not field("Contact", "Name").required_on_create
    assert not field("Account", "Active__c").required_on_create


def test_an_org_survives_its_own_describe() -> None:
    """What another org describes is understood: load(describe(x)) describes the same."""
    answers = [describe(sobject, "68.0", STANDARD.children(sobject)) for sobject in STANDARD]
    loaded = Schema.load(answers)
    assert [describe(sobject, "68.0", loaded.children(sobject)) for sobject in loaded] == answers
    assert loaded.object("Contact") == STANDARD.object("Contact")


def test_an_org_that_hides_fields() -> None:
    """A name that cannot be worked out stays empty, and users are there though nobody described them."""
    contact = STANDARD.object("Contact")
    assert contact is not None
    answer = describe(contact, "68.0")
    answer["fields"] = [described for described in answer["fields"] if described["name"] != "FirstName"]
    loaded = Schema.load([answer])
    hidden = loaded.object("Contact")
    assert hidden is not None
    assert hidden.fields["name"].formula is None
    assert not hidden.fields["name"].createable
    assert loaded.object("User") is not None


def test_a_schema_grows_without_changing() -> None:
    """with_object and with_field give another schema."""
    widget = SObject.define("Widget__c", "a01", [Field("Size__c", "int")])
    grown = STANDARD.with_object(widget).with_field("account", Field("Extra__c", external_id=True, unique=True))

    assert grown.object("widget__c") is widget
    assert [f for f in ("id", "ownerid", "isdeleted", "name", "createddate", "size__c") if f not in widget.fields] == []
    extra = grown.object("Account").field("extra__c")  # type: ignore[union-attr]
    assert extra is not None
    assert extra.id_lookup
    assert STANDARD.object("Widget__c") is None
    assert account().field("Extra__c") is None

"""Queries that parse and are refused all the same: each with its code and its whole text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from salesforce_bulk.emulator.schema import Field, Schema
from salesforce_bulk.emulator.soql import SoqlError, compile_query, parse

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SCHEMA = Schema.standard().with_field("Thing__c", Field("Place__c", "location"))
SCHEMA = SCHEMA.with_object(replace(SCHEMA.object("Note"), queryable=False))

NO_COLUMN = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)
NO_RELATIONSHIP = (
    "in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom "
    "relationship name. Please reference your WSDL or the describe call for the appropriate names."
)
NO_OBJECT = (
    "is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


def refusal(text: str, dialect="rest") -> SoqlError:
    with pytest.raises(SoqlError) as caught:
        compile_query(parse(text), SCHEMA, dialect=dialect, all_rows=False, now=NOW)
    return caught.value


def shown(line: str, caret: int, column: int, says: str, row: int = 1) -> str:
    return f"\n{line}\n{' ' * caret}^\nERROR at Row:{row}:Column:{column}\n{says}"


REFUSED = [
    (  # recorded (bulk-api-1.md 12.2)
        "SELECT Id, Bogus FROM Account",
        "INVALID_FIELD",
        shown("SELECT Id, Bogus FROM Account", 11, 12, f"No such column 'Bogus' on entity 'Account'. {NO_COLUMN}"),
    ),
    (
        "SELECT Id,\n  Bogus FROM Account",
        "INVALID_FIELD",
        shown("  Bogus FROM Account", 2, 3, f"No such column 'Bogus' on entity 'Account'. {NO_COLUMN}", row=2),
    ),
    (  # recorded (elasticio's Salesforce component): Contact123 at column 16
        "SELECT Id FROM Contact123",
        "INVALID_TYPE",
        shown("SELECT Id FROM Contact123", 15, 16, f"sObject type 'Contact123' {NO_OBJECT}"),
    ),
    (
        "SELECT Id, Name, BillingCity, BillingCountry, Owner.Bogus, Phone, Fax, Website, Description FROM Account",
        "INVALID_FIELD",
        shown(
            " BillingCity, BillingCountry, Owner.Bogus, Phone, Fax, Website", 30, 47,
            f"No such column 'Bogus' on entity 'User'. {NO_COLUMN}",
        ),
    ),
    (  # recorded shape (SFDX-Data-Move-Utility issue 432)
        "SELECT Nobody.Name FROM Account",
        "INVALID_FIELD",
        shown("SELECT Nobody.Name FROM Account", 7, 8, f"Didn't understand relationship 'Nobody' {NO_RELATIONSHIP}"),
    ),
    (
        "SELECT Who.Bogus FROM Task",
        "INVALID_FIELD",
        shown("SELECT Who.Bogus FROM Task", 7, 8, f"No such column 'Bogus' on entity 'Name'. {NO_COLUMN}"),
    ),
    (  # recorded (EloquentSalesForce issue 68)
        "select Id, ProductCode from Product2 where ProductCode = 3999",
        "INVALID_FIELD",
        shown(
            "ProductCode from Product2 where ProductCode = 3999", 32, 44,
            "value of filter criterion for field 'ProductCode' must be of type string and should be enclosed in quotes",
        ),
    ),
    (  # recorded text
        "SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'",
        "INVALID_FIELD",
        shown(
            "SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", 29, 30,
            "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
    ),
    (
        "SELECT Id FROM Account WHERE Founded__c = 2026-01-01T00:00:00Z",
        "INVALID_FIELD",
        shown(
            "SELECT Id FROM Account WHERE Founded__c = 2026-01-01T00:00:00Z", 29, 30,
            "value of filter criterion for field 'Founded__c' must be of type date and should not be enclosed in quotes",
        ),
    ),
    (
        "SELECT Id FROM Account WHERE Active__c = 'true'",
        "INVALID_FIELD",
        shown(
            "SELECT Id FROM Account WHERE Active__c = 'true'", 29, 30,
            "value of filter criterion for field 'Active__c' must be of type boolean and should not be enclosed in quotes",
        ),
    ),
    (
        "SELECT Id FROM Account WHERE NumberOfEmployees IN (1, 'two')",
        "INVALID_FIELD",
        shown(
            "SELECT Id FROM Account WHERE NumberOfEmployees IN (1, 'two')", 29, 30,
            "value of filter criterion for field 'NumberOfEmployees' must be of type int and should not be enclosed in quotes",
        ),
    ),
    (  # recorded text (salesforcedx-apex issue 153)
        "SELECT Id FROM Account WHERE OwnerId = '7075A0000BiWZjxx'",
        "INVALID_QUERY_FILTER_OPERATOR",
        shown(
            "SELECT Id FROM Account WHERE OwnerId = '7075A0000BiWZjxx'", 29, 30, "invalid ID field: 7075A0000BiWZjxx"
        ),
    ),
    (  # recorded text (LightningFlowComponents issue 255)
        "SELECT Id FROM Account WHERE Id LIKE '001%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        shown("SELECT Id FROM Account WHERE Id LIKE '001%'", 29, 30, "invalid operator on id field"),
    ),
    (
        "SELECT Id FROM Account WHERE Tags__c LIKE 'N%'",
        "INVALID_QUERY_FILTER_OPERATOR",
        shown("SELECT Id FROM Account WHERE Tags__c LIKE 'N%'", 29, 30, "invalid operator on multipicklist field"),
    ),
    (
        "SELECT Id FROM Account WHERE Name INCLUDES ('x')",
        "INVALID_QUERY_FILTER_OPERATOR",
        shown(
            "SELECT Id FROM Account WHERE Name INCLUDES ('x')", 29, 30,
            "includes or excludes operator only valid on multipicklist field",
        ),
    ),
    (  # recorded text (open-cti-demo-adapter issue 31)
        "SELECT Id FROM Account WHERE LongText__c = 'x'",
        "INVALID_FIELD",
        shown(
            "SELECT Id FROM Account WHERE LongText__c = 'x'", 29, 30,
            "field 'LongText__c' can not be filtered in a query call",
        ),
    ),
    (
        "SELECT Id FROM Account ORDER BY Tags__c",
        "MALFORMED_QUERY",
        shown(
            "SELECT Id FROM Account ORDER BY Tags__c", 32, 33, "field 'Tags__c' can not be sorted in a query call"
        ),
    ),
    (
        "SELECT Tags__c, COUNT(Id) FROM Account GROUP BY Tags__c",
        "MALFORMED_QUERY",
        shown("COUNT(Id) FROM Account GROUP BY Tags__c", 32, 49, "field 'Tags__c' can not be grouped in a query call"),
    ),
    (
        "SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account",
        "MALFORMED_QUERY",
        shown(
            "SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name", 7, 8,
            "The relationship path Parent.Parent.Parent.Parent.Parent.Parent.Name has more than 5 levels",
        ),
    ),
    ("SELECT Id, Name, id FROM Account", "MALFORMED_QUERY", "duplicate field selected: Id"),
    ("SELECT Id, FIELDS(ALL) FROM Account LIMIT 200", "MALFORMED_QUERY", "duplicate field selected: Id"),
    ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "The SOQL FIELDS function must have a LIMIT of at most 200"),
    (  # recorded text (soql-parser-js issue 75)
        "SELECT Name n FROM Account",
        "MALFORMED_QUERY",
        shown("SELECT Name n FROM Account", 12, 13, "only aggregate expressions use field aliasing"),
    ),
    (
        "SELECT Name, COUNT(Id) FROM Account",
        "MALFORMED_QUERY",
        shown("SELECT Name, COUNT(Id) FROM Account", 7, 8, "Field must be grouped or aggregated: Name"),
    ),
    (  # recorded text (IlluminatedCloud issue 1824)
        "SELECT COUNT(Id) FROM Account GROUP BY Id",
        "MALFORMED_QUERY",
        shown("SELECT COUNT(Id) FROM Account GROUP BY Id", 13, 14, "Grouped field should not be aggregated: Id"),
    ),
    (
        "SELECT SUM(Name) FROM Account",
        "MALFORMED_QUERY",
        shown("SELECT SUM(Name) FROM Account", 11, 12, "field Name does not support aggregate operator SUM"),
    ),
    ("SELECT MAX(Name) a, MIN(Name) A FROM Account", "MALFORMED_QUERY", "duplicate alias: A"),
    (
        "SELECT MAX(Score__c) FROM Account LIMIT 1",
        "MALFORMED_QUERY",
        "Non-grouped query that uses overall aggregate functions cannot also use LIMIT",
    ),
    (
        "SELECT Id FROM Account WHERE Name = 'x' OR Id IN (SELECT AccountId FROM Contact)",
        "MALFORMED_QUERY",
        shown(
            "FROM Account WHERE Name = 'x' OR Id IN (SELECT AccountId FROM Contact)", 33, 44,
            "Semi join sub-selects are not allowed with the 'OR' operator",
        ),
    ),
    (
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT WhoId FROM Task))",
        "MALFORMED_QUERY",
        shown(
            "(SELECT AccountId FROM Contact WHERE Id IN (SELECT WhoId FROM Task))", 37, 73,
            "Nesting of semi join sub-selects is not supported",
        ),
    ),
    (
        "SELECT Id FROM Account WHERE Bogus(Name) = 'x'",
        "MALFORMED_QUERY",
        shown("SELECT Id FROM Account WHERE Bogus(Name) = 'x'", 33, 34, "unexpected token: '('"),
    ),
    ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
    ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "ALL ROWS not allowed in this context"),
    ("SELECT Id FROM Note", "INVALID_TYPE_FOR_OPERATION", "entity type Note does not support query"),
    (
        "SELECT Id FROM Account WHERE " + "(NOT " * 200 + "Name = 'x'" + ")" * 200,
        "QUERY_TOO_COMPLICATED",
        "Query is either selecting too many fields or the filter conditions are too complicated.",
    ),
    (
        "SELECT Id FROM Account WHERE Name = '" + "x" * 4_001 + "'",
        "MALFORMED_QUERY",
        "String literal is longer than 4000 characters",
    ),
    # What the service serves and the local org does not
    (
        "SELECT Id, (SELECT Id, (SELECT Id FROM Tasks) FROM Contacts) FROM Account",
        "FUNCTIONALITY_NOT_ENABLED",
        "The local org does not serve queries inside a query of children",
    ),
    (
        "SELECT TYPEOF What WHEN Account THEN Owner.Name END FROM Task",
        "FUNCTIONALITY_NOT_ENABLED",
        "The local org does not serve paths in TYPEOF",
    ),
    ("SELECT FORMAT(Score__c) FROM Account", "FUNCTIONALITY_NOT_ENABLED", "The local org does not serve FORMAT()"),
    (
        "SELECT Id FROM Account USING SCOPE mine",
        "FUNCTIONALITY_NOT_ENABLED",
        "The local org does not serve USING SCOPE mine",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "message"), REFUSED, ids=[text[:60] for text, _, _ in REFUSED])
def test_what_is_refused_in_every_dialect(text, code, message):
    """The code and the whole text, caret and all."""
    error = refusal(text)

    assert (error.code, error.message, error.feature) == (code, message, False)


CSV_ONLY = "Aggregate Relationships not supported in Bulk Query with CSV content type"
BULK_REFUSED = [
    ("SELECT BillingAddress FROM Account", "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query",
     "InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting compound data not supported in Bulk Query"),
    ("SELECT Parent.BillingAddress FROM Account", "FUNCTIONALITY_NOT_ENABLED",
     "Selecting compound data not supported in Bulk Query",
     "InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting compound data not supported in Bulk Query"),
    ("SELECT Body FROM Attachment", "FUNCTIONALITY_NOT_ENABLED", "Binary field not supported",
     "FeatureNotEnabled : Binary field not supported"),
    ("SELECT COUNT(Id) FROM Account", "FUNCTIONALITY_NOT_ENABLED", "Aggregate queries not supported in Bulk Query",
     "FeatureNotEnabled : Aggregate queries not supported in Bulk Query"),
    ("SELECT COUNT() FROM Account", "FUNCTIONALITY_NOT_ENABLED", "Aggregate queries not supported in Bulk Query",
     "FeatureNotEnabled : Aggregate queries not supported in Bulk Query"),
    ("SELECT Name FROM Account GROUP BY Name", "FUNCTIONALITY_NOT_ENABLED", "Aggregate queries not supported in Bulk Query",
     "FeatureNotEnabled : Aggregate queries not supported in Bulk Query"),
    ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "FUNCTIONALITY_NOT_ENABLED", "OFFSET not supported in Bulk Query",
     "FeatureNotEnabled : OFFSET not supported in Bulk Query"),
    ("SELECT FIELDS(ALL) FROM Account LIMIT 5", "MALFORMED_QUERY",
     "The SOQL FIELDS function is not supported with an unbounded set of fields in this API",
     "InvalidBatch : Failed to process query: MALFORMED_QUERY: "
     "The SOQL FIELDS function is not supported with an unbounded set of fields in this API"),
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["bulk_csv", "bulk_json"])
@pytest.mark.parametrize(("text", "code", "message", "state"), BULK_REFUSED, ids=[row[0] for row in BULK_REFUSED])
def test_what_bulk_refuses(dialect, text, code, message, state):
    """REST serves it; a batch fails with this state message."""
    error = refusal(text, dialect)

    assert (error.code, error.message, error.state_message) == (code, message, state)
    compile_query(parse(text), SCHEMA, dialect="rest", all_rows=False, now=NOW)


def test_child_records_and_typeof_in_a_csv_job():
    """The recorded text names the content type; in JSON it is the local org that does not serve them."""
    child = "SELECT Id, (SELECT Id FROM Contacts) FROM Account"
    typeof = "SELECT TYPEOF What WHEN Account THEN Phone END FROM Task"

    assert refusal(child, "bulk_csv").state_message == f"FeatureNotEnabled : {CSV_ONLY}"
    assert refusal(typeof, "bulk_csv").state_message == "FeatureNotEnabled : TYPEOF not supported in Bulk Query"
    assert str(refusal(child, "bulk_json")) == (
        "FUNCTIONALITY_NOT_ENABLED: The local org does not serve queries inside the select list"
    )
    compile_query(parse(typeof), SCHEMA, dialect="bulk_json", all_rows=False, now=NOW)


def test_an_invalid_query_fails_its_batch():
    """The stateMessage of a query with a fault names the code of the fault."""
    assert refusal("SELECT Bogus FROM Account", "bulk_csv").state_message == (
        "InvalidBatch : Failed to process query: INVALID_FIELD: \nSELECT Bogus FROM Account\n       ^\n"
        f"ERROR at Row:1:Column:8\nNo such column 'Bogus' on entity 'Account'. {NO_COLUMN}"
    )

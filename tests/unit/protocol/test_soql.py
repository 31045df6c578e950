"""What the client reads of a query: its object, its select list, and whether a bulk query can be asked for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.errors import UsageError
from salesforce_bulk.protocol.soql import Shape, object_of, shape_of
from salesforce_bulk.records import Selected


@pytest.mark.parametrize(
    ("soql", "sobject"),
    [
        ("SELECT Id FROM Account", "Account"),
        (b"select id from\n\tThing__c where Name = 'x'", "Thing__c"),
        ("SELECT Id, (SELECT Id FROM Contacts WHERE Name = 'a) FROM Lead') FROM Account", "Account"),
        ("SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account)", "Contact"),
        ("SELECT Name FROM ns__Thing__c WHERE Note__c = 'it\\'s from Mars'", "ns__Thing__c"),
    ],
)
def test_the_object_is_that_of_the_outer_query(soql: str | bytes, sobject: str) -> None:
    assert sobject == object_of(soql)


@pytest.mark.parametrize("soql", ["", "SELECT Id", "SELECT Id, (SELECT Id FROM Contacts)"])
def test_a_query_without_an_object_is_refused(soql: str) -> None:
    with pytest.raises(UsageError, match="The query has no FROM"):
        object_of(soql)


@pytest.mark.parametrize(
    ("soql", "reason"),
    [
        ("SELECT Id, Name FROM Account", ""),
        ("SELECT Id FROM Account WHERE Name = 'GROUP BY' AND Site = 'it\\'s OFFSET 3'", ""),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact GROUP BY AccountId)", ""),
        ("SELECT Id FROM Group ORDER BY Name", ""),
        ("SELECT toLabel(Status), FORMAT(Amount) FROM Lead", ""),
        ("SELECT FIELDS(STANDARD) FROM Account", ""),
        ("SELECT Count__c, Offset__c FROM Thing__c WHERE Offset__c = 1", ""),
        ("select count() from Account", "COUNT()"),
        ("SELECT Name, SUM(Amount) FROM Opportunity GROUP BY Name", "GROUP BY"),
        ("SELECT MAX(Amount) FROM Opportunity", "MAX()"),
        ("SELECT COUNT_DISTINCT(Name) FROM Account", "COUNT_DISTINCT()"),
        ("SELECT Id FROM Account ORDER BY Name LIMIT 10 OFFSET 20", "OFFSET"),
        ("SELECT TYPEOF What WHEN Account THEN Phone, Name ELSE Name END FROM Event", "TYPEOF"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "a query inside its select list"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 200", "FIELDS(ALL)"),
        ("SELECT fields( custom ) FROM Account LIMIT 200", "FIELDS(CUSTOM)"),
        ("FIND {x} IN ALL FIELDS", ""),
        ("", ""),
    ],
)
def test_what_no_bulk_query_takes(soql: str, reason: str) -> None:
    """Words inside texts and in queries of the WHERE clause do not count; what is no query is left to the org."""
    assert reason == shape_of(soql).only_rest


@pytest.mark.parametrize(
    ("soql", "selected"),
    [
        ("SELECT Id,  Owner.Name\n FROM Account", [("Id", "Id", ""), ("Owner.Name", "Owner.Name", "")]),
        (
            "SELECT a.Id, Account.Name, o.Name, a.Parent.Name FROM Account AS a, a.Owner o WHERE a.Name = 'x'",
            [
                ("Id", "Id", ""),
                ("Name", "Name", ""),
                ("Owner.Name", "Owner.Name", ""),
                ("Parent.Name", "Parent.Name", ""),
            ],
        ),
        ("SELECT Id FROM Account WHERE Name = 'x'", [("Id", "Id", "")]),
        (
            "SELECT Owner.Name, Type t, COUNT(Id), MAX(Amount) m, CALENDAR_YEAR(CloseDate) FROM Opportunity GROUP BY Owner.Name",
            [
                ("Name", "Owner.Name", ""),
                ("t", "Type", ""),
                ("expr0", "Id", "count"),
                ("m", "Amount", "max"),
                ("expr1", "CloseDate", "calendar_year"),
            ],
        ),
        ("SELECT COUNT() FROM Account", [("expr0", "", "count")]),
        (
            "SELECT FORMAT(convertCurrency(Amount)) shown, toLabel(StageName), DISTANCE(Spot__c, GEOLOCATION(1.5, 2), 'mi') d FROM X",
            [("shown", "Amount", "format"), ("StageName", "StageName", "tolabel"), ("d", "Spot__c", "distance")],
        ),
        (
            "SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Lead THEN Name ELSE Id END, Subject FROM Event",
            [
                ("What.Phone", "What.Phone", ""),
                ("What.Name", "What.Name", ""),
                ("What.Id", "What.Id", ""),
                ("Subject", "Subject", ""),
            ],
        ),
    ],
)
def test_the_select_list(soql: str, selected: list[tuple[str, str, str]]) -> None:
    """The column that each entry makes, the field it is of, and the function around it."""
    assert [Selected(*entry) for entry in selected] == list(shape_of(soql).selected)


@given(st.text("SELECT(),.'\\ FROMabGOUPBYTYPEOFENDfieldsoffset0", max_size=60))
def test_whatever_the_text_it_is_read(soql: str) -> None:
    """What cannot be told of it is left open; the org will say what is wrong with it."""
    assert isinstance(shape_of("SELECT " + soql), Shape)
    assert isinstance(shape_of(soql), Shape)

"""Which object a job has to be made for."""

from __future__ import annotations

import pytest

from salesforce_bulk.errors import UsageError
from salesforce_bulk.protocol.soql import object_of


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

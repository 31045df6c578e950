"""What only REST serves: the children of records, TYPEOF, subtotals; and places, which all APIs do."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        org.clock.pause()
        first, _ = org.holds("Account", [{"Name": "Mill", "Phone": "1"}, {"Name": "Dune"}])
        people = [{"LastName": name, "AccountId": first} for name in "BCA"]
        org.holds("Contact", [*people, {"LastName": "Lone"}])
        [deal] = org.holds("Opportunity", [{"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-03-02"}])
        org.holds("Task", [{"Subject": "x", "WhatId": first}, {"Subject": "y", "WhatId": deal}, {"Subject": "z"}])
        yield org


def asked(org: LocalOrg, soql: str) -> object:
    return Talk2(org).ask("GET", f"query?q={quote(soql)}").json()


def test_children_stand_in_a_result_of_their_own(org: LocalOrg) -> None:
    """One for each parent, null where there are none; WHERE, ORDER BY and LIMIT are the children's."""
    found = asked(
        org,
        "SELECT Name, (SELECT LastName FROM Contacts WHERE LastName != 'C' ORDER BY LastName) FROM Account ORDER BY Name DESC",
    )

    assert isinstance(found, dict)
    mill, dune = found["records"]
    assert ("Dune", None) == (dune["Name"], dune["Contacts"])
    assert (2, True) == (mill["Contacts"]["totalSize"], mill["Contacts"]["done"])
    assert ["A", "B"] == [contact["LastName"] for contact in mill["Contacts"]["records"]]
    assert ["attributes", "LastName"] == list(mill["Contacts"]["records"][0])
    assert "Contact" == mill["Contacts"]["records"][0]["attributes"]["type"]


def test_a_limit_counts_the_children_of_one_parent(org: LocalOrg) -> None:
    """Not those of all."""
    assert [{"Name": "Mill", "Contacts": [{"LastName": "B"}]}] == org.rows(
        "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1 OFFSET 1) FROM Account WHERE Name = 'Mill'"
    )


def test_the_reference_to_the_parent_can_be_selected_besides(org: LocalOrg) -> None:
    """It is shown once."""
    [found] = org.rows("SELECT Id, (SELECT AccountId FROM Contacts) FROM Account WHERE Name = 'Mill'")

    assert [{"AccountId": found["Id"]}] * 3 == found["Contacts"]


def test_a_relationship_that_is_none(org: LocalOrg) -> None:
    """INVALID_TYPE, at its place."""
    found = asked(org, "SELECT Id, (SELECT Id FROM People) FROM Account")

    assert [
        {
            "message": "\nSELECT Id, (SELECT Id FROM People) FROM Account\n                           ^\n"
            "ERROR at Row:1:Column:28\nDidn't understand relationship 'People' in FROM part of query call. If you are "
            "attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please "
            "reference your WSDL or the describe call for the appropriate names.",
            "errorCode": "INVALID_TYPE",
        }
    ] == found


def test_typeof_shows_the_fields_of_each_kind(org: LocalOrg) -> None:
    """ELSE is for the kinds that are not named; no parent is null."""
    rows = org.rows(
        "SELECT Subject, TYPEOF What WHEN Account THEN Phone, Name WHEN Case THEN CaseNumber ELSE Name END FROM Task "
        "ORDER BY Subject"
    )

    assert [
        {"Subject": "x", "What": {"Phone": "1", "Name": "Mill"}},
        {"Subject": "y", "What": {"Name": "Deal"}},
        {"Subject": "z", "What": None},
    ] == rows


def test_typeof_without_else_shows_no_field_of_other_kinds(org: LocalOrg) -> None:
    """They have their attributes only."""
    rows = org.rows("SELECT TYPEOF What WHEN Account THEN Phone END FROM Task ORDER BY Subject")

    assert [{"What": {"Phone": "1"}}, {"What": {}}, {"What": None}] == rows


def test_typeof_in_a_job_of_json(org: LocalOrg) -> None:
    """A recording shows it, though the guide says no."""
    talk = Talk(org)
    [body] = talk.query("SELECT Subject, TYPEOF What WHEN Account THEN Phone END FROM Task", "JSON", sobject="Task")

    assert b'"Subject":"x","What":{"attributes":{"type":"Account","url"' in body
    assert b'"Phone":"1"' in body


def totals(org: LocalOrg, group: str) -> list[tuple[object, ...]]:
    org.holds(
        "Lead", [{"LastName": "x", "Company": "c", "LeadSource": s, "Rating": r} for s, r in ("ab", "ab", "ac", "dc")]
    )
    rows = org.rows(
        "SELECT LeadSource, Rating, GROUPING(LeadSource) s, GROUPING(Rating) r, COUNT(Id) n FROM Lead "
        f"GROUP BY {group}(LeadSource, Rating) ORDER BY GROUPING(LeadSource), LeadSource, GROUPING(Rating), Rating"
    )
    return [tuple(row.values()) for row in rows]


def test_rollup_gives_subtotals(org: LocalOrg) -> None:
    """Of each beginning of the list, and of all; GROUPING tells them from empty fields."""
    assert [
        ("a", "b", 0, 0, 2),
        ("a", "c", 0, 0, 1),
        ("a", None, 0, 1, 3),
        ("d", "c", 0, 0, 1),
        ("d", None, 0, 1, 1),
        (None, None, 1, 1, 4),
    ] == totals(org, "ROLLUP")


def test_cube_gives_subtotals_of_all_combinations(org: LocalOrg) -> None:
    """Those of the second field alone, too."""
    found = totals(org, "CUBE")

    assert [(None, "b", 1, 0, 2), (None, "c", 1, 0, 2), (None, None, 1, 1, 4)] == found[-3:]
    assert 8 == len(found)


def test_places_within_a_distance(org: LocalOrg) -> None:
    """In miles or kilometres; a record without a place is at none."""
    places = {"Bath": (51.38, -2.36), "Bristol": (51.45, -2.59), "Oslo": (59.91, 10.75)}
    org.holds(
        "Account",
        [{"Name": n, "BillingLatitude": north, "BillingLongitude": east} for n, (north, east) in places.items()],
    )
    near = "DISTANCE(BillingAddress, GEOLOCATION(51.38, -2.36), '{}')"

    def found(condition: str) -> list[str]:
        order = near.format("km")
        return [row["Name"] for row in org.rows(f"SELECT Name FROM Account WHERE {condition} ORDER BY {order} DESC")]

    assert ["Bristol", "Bath"] == found(f"{near.format('mi')} < 12")
    assert ["Bristol", "Bath"] == found(f"{near.format('km')} < 19")
    assert ["Bath"] == found(f"{near.format('km')} < 17")
    assert ["Oslo"] == found(f"{near.format('mi')} > 500")


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact", "MALFORMED_QUERY"),
        ("SELECT TYPEOF What WHEN Contact THEN Name END FROM Task", "INVALID_TYPE"),
        ("SELECT TYPEOF What WHEN Account THEN Amount END FROM Task", "INVALID_FIELD"),
        ("SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account", "MALFORMED_QUERY"),
        ("SELECT COUNT(Id) FROM Account GROUP BY ROLLUP(Name, Site, Sic, Type)", "MALFORMED_QUERY"),
        ("SELECT GROUPING(Site), COUNT(Id) FROM Account GROUP BY ROLLUP(Name)", "MALFORMED_QUERY"),
    ],
)
def test_what_neither_takes(org: LocalOrg, soql: str, code: str) -> None:
    """A parent of one kind, a kind that is none, a field of another kind, an aggregate of children, subtotals of
    too much."""
    found = asked(org, soql)

    assert isinstance(found, list)
    assert code == found[0]["errorCode"]

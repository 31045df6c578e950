"""Small loads through REST collections: the same rows leave the same records as through the two bulk APIs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.raw_server import raw_server, resets, says

from salesforce_bulk import CLEAR, AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerLost, BadValue, JobFailed, UsageError

APIS = ["rest", "bulk2", "bulk1"]
NASTY = 'quote " comma , LF \n tab \t NUL \0 backslash \\ U+2028 \u2028 emoji 👩‍🚀 日本'


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


#: One row a value, each with what has been seen to differ between CSV and JSON.
ROWS: list[dict[str, Any]] = [
    {"Name": NASTY, "LongText__c": NASTY * 100},
    {"Name": "007", "AccountNumber": "0012", "Site": "true", "Sic": "1e5"},
    {"Name": " blanks ", "Site": " x "},
    {"Name": "words", "Site": "null", "Description": "None", "Sic": "NA"},
    {"Name": "true", "Active__c": True},
    {"Name": "false", "Active__c": False},
    {"Name": "as text", "Active__c": "TRUE", "NumberOfEmployees": "0042", "Score__c": "+1.5E2"},
    {"Name": "one", "Active__c": "1", "Score__c": ".5"},
    {"Name": "int", "NumberOfEmployees": 12345678},
    {"Name": "float", "Score__c": 0.1, "AnnualRevenue": 9.12260031e8},
    {"Name": "decimal", "Score__c": Decimal("12345678901234.56"), "AnnualRevenue": Decimal("-7")},
    {"Name": "date", "Founded__c": date(1999, 12, 31)},
    {"Name": "datetime", "Visited__c": datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)},
    {"Name": "offset", "Visited__c": "2026-01-02T03:04:05+02:00"},
    {"Name": "time", "Opens__c": time(8, 30)},
    {"Name": "multipicklist", "Tags__c": "New;Key", "Colour__c": "Red"},
    {"Name": "missing"},
    {"Name": "none", "Site": None, "NumberOfEmployees": None, "Active__c": None},
    {"Name": "clear", "Site": CLEAR, "NumberOfEmployees": CLEAR, "Founded__c": CLEAR},
    # and rows that are refused
    {"Name": None, "Site": "no name"},
    {"Name": "no number", "NumberOfEmployees": "many"},
    {"Name": "half", "NumberOfEmployees": "1.0"},
    {"Name": "no boolean", "Active__c": "perhaps"},
    {"Name": "no date", "Founded__c": "soon"},
    {"Name": "no boolean at all", "Active__c": CLEAR},
    {"Name": "no colour", "Colour__c": "Mauve"},
    {},
]
FIELDS = (
    "Name, LongText__c, AccountNumber, Site, Description, Sic, Active__c, NumberOfEmployees, Score__c, AnnualRevenue, "
    "Founded__c, Visited__c, Opens__c, Tags__c, Colour__c"
)


def told(result: Any) -> list[tuple[Any, ...]]:
    """What the outcomes say, but for ids and texts: a text names the column by its place, and records have fewer of them."""
    return [
        (outcome.row, outcome.state, bool(outcome.id), outcome.created, outcome.code, outcome.fields)
        for outcome in result
    ]


def test_the_same_rows_make_the_same_records_through_every_api(sf: Org, local_org: LocalOrg) -> None:
    """Value by value, and refusal by refusal."""
    made, outcomes = [], []
    for api in APIS:
        outcomes.append(told(sf.insert("Account", ROWS, api=api)))
        made.append(local_org.rows(f"SELECT {FIELDS} FROM Account ORDER BY Id"))
        local_org.reset()
        sf = connect(login=AccessToken(local_org.access_token, instance_url=local_org.url))

    assert made[0] == made[1] == made[2]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert 19 == len(made[0])
    assert NASTY == made[0][0]["Name"]


@pytest.mark.parametrize("nulls", ["ignore", "clear"])
def test_the_same_rows_change_the_same_records_through_every_api(sf: Org, local_org: LocalOrg, nulls: Any) -> None:
    """A missing value leaves the field alone, CLEAR empties it, None does as ``nulls`` says."""
    before = {"Site": "here", "NumberOfEmployees": 3, "Active__c": True, "Founded__c": "2000-01-01", "Score__c": 1.5}
    changes = [
        {"Site": None, "NumberOfEmployees": 7},
        {"Site": CLEAR, "NumberOfEmployees": CLEAR, "Founded__c": CLEAR},
        {"Site": "", "Active__c": False},
        {"Score__c": Decimal("2.50")},
        {"Active__c": CLEAR},
        {},
        {"Id": None, "Site": "nobody"},
        {"Id": "001Lo0000000009AAA", "Site": "nobody"},
    ]
    left, outcomes = [], []
    for api in APIS:
        ids = local_org.holds("Account", [{"Name": f"{api} {n}", **before} for n in range(len(changes))])
        rows = [{"Id": id, **change} for id, change in zip(ids, changes, strict=True)]
        outcomes.append(told(sf.update("Account", rows, nulls=nulls, api=api)))
        listed = ", ".join(f"'{id}'" for id in ids)
        left.append(
            local_org.rows(
                "SELECT Site, NumberOfEmployees, Active__c, Founded__c, Score__c FROM Account "
                f"WHERE Id IN ({listed}) ORDER BY Id"
            )
        )

    assert left[0] == left[1] == left[2]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert (None if nulls == "clear" else "here") == left[0][0]["Site"]
    assert [(None, None, None), ("here", 3, "2000-01-01")] == [
        (row["Site"], row["NumberOfEmployees"], row["Founded__c"]) for row in left[0][1:3]
    ]


def test_the_same_rows_are_upserted_through_every_api(sf: Org, local_org: LocalOrg) -> None:
    """By a key that is there, one that is not, and none at all, which makes a record."""
    left, outcomes = [], []
    for api in APIS:
        local_org.holds("Account", [{"Key__c": f"{api}-0", "Name": "old", "Site": "here"}])
        rows = [
            {"Key__c": f"{api}-0", "Name": "new", "Site": CLEAR},
            {"Key__c": f"{api}-1", "Name": "made", "Site": None},
            {"Key__c": None, "Name": "no key"},
            {"Key__c": f"{api}-2", "Site": "no name"},
        ]
        outcomes.append(told(sf.upsert("Account", rows, external_id="Key__c", api=api)))
        left.append([row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")])

    assert ["succeeded", "succeeded", "succeeded", "failed"] == [state for _, state, *_ in outcomes[0]]
    assert [False, True, True, False] == [created for _, _, _, created, *_ in outcomes[0]]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert [
        ["made", "new", "no key"],
        sorted(["made", "new", "no key"] * 2),
        sorted(["made", "new", "no key"] * 3),
    ] == left


def test_parents_are_named_and_taken_away_through_every_api(sf: Org, local_org: LocalOrg) -> None:
    """By an external id, in a column or a nested dict; of several types, with the type in front; cleared with the lookup."""
    local_org.holds("Account", [{"Name": "parent", "Key__c": "A-17"}])
    (lead,) = local_org.holds("Lead", [{"LastName": "L", "Company": "C", "Email": "lead@example.org"}])
    for api in APIS:
        contacts = [
            {"Badge__c": f"{api}-0", "LastName": "dotted", "Account.Key__c": "A-17"},
            {"Badge__c": f"{api}-1", "LastName": "other case", "account.key__C": "A-17"},
            {"Badge__c": f"{api}-2", "LastName": "nobody's", "Account.Key__c": "A-18"},
        ]
        results = [sf.upsert("Contact", [row], external_id="Badge__c", api=api) for row in contacts]
        nested = [{"Badge__c": f"{api}-3", "LastName": "nested", "Account": {"Key__c": "A-17"}}]
        results.append(sf.upsert("Contact", nested, external_id="Badge__c", api=api))
        away = [{"Badge__c": f"{api}-0", "LastName": "none", "Account.Key__c": CLEAR}]
        results.append(sf.upsert("Contact", away, external_id="Badge__c", api=api))
        event = {"Subject": api, "Lead:Who.Email": "lead@example.org", "DurationInMinutes": "15"}
        results.append(sf.insert("Event", [event], api=api))

        assert [1, 1, 0, 1, 1, 1] == [result.succeeded for result in results], api
        assert [(outcome.code, outcome.fields) for outcome in results[2]] == [("INVALID_FIELD", ())]
        assert [("nested", "parent"), ("none", None), ("other case", "parent")] == [
            (row["LastName"], row["Account.Name"])
            for row in sf.query(
                f"SELECT LastName, Account.Name FROM Contact WHERE Badge__c LIKE '{api}-%' ORDER BY LastName"
            )
        ]
        assert [lead] == [row["WhoId"] for row in local_org.rows(f"SELECT WhoId FROM Event WHERE Subject = '{api}'")]


def test_records_are_deleted_through_every_api(sf: Org, local_org: LocalOrg) -> None:
    left = []
    for api in APIS:
        ids = local_org.holds("Account", 4)
        result = sf.delete("Account", [{"Id": ids[0], "Name": "x"}, {"Id": ids[2][:15]}, {"Id": ids[0]}], api=api)
        left.append([(outcome.state, outcome.code, outcome.id) for outcome in result])
        left[-1] = [(state, code, id and ids.index(id)) for state, code, id in left[-1]]

    assert [("succeeded", "", 0), ("succeeded", "", 2), ("failed", "ENTITY_IS_DELETED", 0)] == left[0]
    assert left[0] == left[1] == left[2]
    assert 6 == len(local_org.rows("SELECT Id FROM Account"))


def test_a_row_without_an_id_takes_no_place_in_a_list_of_ids(sf: Org, local_org: LocalOrg) -> None:
    """It would shift the answers by one; an id with a comma would be two of them."""
    one, two, three = local_org.holds("Account", 3)

    result = sf.delete(
        "Account", [{"Id": None}, {"Id": one}, {"Id": f"{two},{three}"}, {"Id": CLEAR}, {"Id": two}], api="rest"
    )

    assert [
        (0, "failed", "MISSING_ARGUMENT", None),
        (1, "succeeded", "", one),
        (2, "failed", "MALFORMED_ID", None),
        (3, "failed", "MISSING_ARGUMENT", None),
        (4, "succeeded", "", two),
    ] == [(outcome.row, outcome.state, outcome.code, outcome.id) for outcome in result]
    assert [three] == [row["Id"] for row in local_org.rows("SELECT Id FROM Account")]


@pytest.mark.parametrize("operation", ["delete", "insert"])
def test_a_load_in_several_calls(sf: Org, local_org: LocalOrg, operation: str) -> None:
    """200 rows a call; each outcome is that of its row."""
    rows: Any = [{"Name": f"n{n}"} for n in range(501)]
    if operation == "delete":
        rows = [{"Id": id} for id in local_org.holds("Account", rows)]

    result = getattr(sf, operation)("Account", rows, api="rest")

    assert list(range(501)) == [outcome.row for outcome in result]
    assert 501 == result.succeeded
    assert 3 == local_org.requests(f"collections.{operation}")
    assert 0 == local_org.requests("ingest2.create_job")
    if operation == "insert":
        assert [f"n{n}" for n in range(501)] == [
            {row["Id"]: row["Name"] for row in local_org.rows("SELECT Id, Name FROM Account")}[outcome.id]
            for outcome in result
        ]


# -- which API ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "options", "api"),
    [
        ([{"Key__c": str(n), "Name": "x"} for n in range(200)], {}, "rest"),
        (({"Key__c": "1", "Name": "x"},), {}, "rest"),
        ([{"Key__c": "1", "Name": "x"}, {"Key__c": None, "Name": "x"}], {}, "bulk2"),
        ([{"Key__c": str(n), "Name": "x"} for n in range(201)], {}, "bulk2"),
        (iter([{"Key__c": "1", "Name": "x"}]), {}, "bulk2"),
        ([{"Key__c": "1", "Name": "x"}], {"part_rows": 1}, "bulk2"),
        ([{"Key__c": "1", "Name": "x"}], {"part_bytes": 1_000}, "bulk2"),
        ([{"Key__c": "1", "Name": "x"}], {"assignment_rule_id": "01QRm000000AAAA"}, "bulk2"),
        ([{"Key__c": "1", "Name": "x"}], {"serial": True}, "bulk1"),
    ],
)
def test_a_small_input_that_can_be_sent_twice_goes_out_in_one_call(
    sf: Org, rows: Any, options: dict[str, Any], api: str
) -> None:
    """A row without a key would be made twice, so such rows go out in a job."""
    result = sf.upsert("Account", rows, external_id="Key__c", **options)

    assert api == result.receipt["api"]
    assert result.succeeded
    if api == "rest":
        assert "200 rows at most: one REST call" == result.receipt["why"]
        assert [] == result.receipt["jobs"]
        assert 1 == result.receipt["requests"]  # beside the describe, which an org is asked for once


def test_a_small_insert_goes_out_in_a_job(sf: Org, local_org: LocalOrg) -> None:
    """It can be asked what it did when an answer is lost; updates and deletes can be sent twice."""
    result = sf.insert("Account", [{"Name": "x"}])
    (made,) = result

    assert ("bulk2", "an insert: a job can be asked what it did when an answer is lost") == (
        result.receipt["api"],
        result.receipt["why"],
    )
    assert "rest" == sf.update("Account", [{"Id": made.id, "Name": "y"}]).receipt["api"]
    assert "rest" == sf.delete("Account", [{"Id": made.id}]).receipt["api"]


def test_a_path_is_not_small_because_its_name_is(sf: Org, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Name\nx\n")

    assert ["bulk2", "bulk2"] == [sf.insert("Account", given).receipt["api"] for given in (path, str(path))]


def test_hard_delete_is_no_rest_call(sf: Org, local_org: LocalOrg) -> None:
    ids = local_org.holds("Account", 1)

    with pytest.raises(UsageError, match=r"REST has no hard delete. Nothing was sent. Leave api out"):
        sf.hard_delete("Account", [{"Id": ids[0]}], api="rest")
    assert "bulk2" == sf.hard_delete("Account", [{"Id": ids[0]}]).receipt["api"]


def test_rest_has_no_serial_mode(sf: Org) -> None:
    with pytest.raises(UsageError, match="REST has no serial mode"):
        sf.insert("Account", [{"Name": "x"}], api="rest", serial=True)


# -- what the org says no to --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_a_column_that_does_not_exist_fails_the_part(sf: Org, local_org: LocalOrg, api: str) -> None:
    """The same error, whatever the API: no row was tried."""
    with pytest.raises(JobFailed, match="Nmae") as failed:
        sf.insert("Account", [{"Name": "x", "Nmae": "y"}, {"Name": "z", "Nmae": "y"}], api=api)

    assert (0, 0, 2) == (
        failed.value.result.succeeded,
        failed.value.result.failed,
        failed.value.result.unprocessed,
    )
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_a_parent_that_is_named_in_two_ways(sf: Org, local_org: LocalOrg) -> None:
    with pytest.raises(
        BadValue, match=r"Row 1, column 'Contact:Who.Email': 'Who' is named twice in this row"
    ) as refused:
        sf.insert(
            "Event",
            [
                {"Lead:Who.Email": "a@example.org", "Contact:Who.Email": None},
                {"Lead:Who.Email": "a@example.org", "Contact:Who.Email": "b@example.org"},
            ],
            api="rest",
        )
    assert 1 == refused.value.row
    assert [] == local_org.rows("SELECT Id FROM Event")


def test_an_insert_whose_answer_was_lost_is_not_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the org tells what was made; the message says so, and of how many rows."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    described = b'{"name":"Contact","fields":[]}'
    describe = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(described), described)
    with raw_server(says(describe), resets()) as server:
        login = AccessToken("00D!token", instance_url=server.url)
        with (
            connect(login=login, api_version="66.0") as sf,
            pytest.raises(AnswerLost) as lost,
        ):
            sf.insert("Contact", [{"LastName": "x"}, {"LastName": "y"}], api="rest")

    assert lost.value.applied is None
    assert not lost.value.repeatable
    assert 2 == len(server.heads)
    assert (
        "2 rows, the first of them row 0, may have been made or not. REST keeps no job that could tell, so POST "
        "/services/data/v.../composite/sobjects was not sent again.\n"
        "Look for them in the org and send those that are missing. An upsert by an external id can be repeated, and a job "
        "(api='bulk2') can be asked."
    ) == str(lost.value).partition("\n")[2]

"""Queries by REST: the same rows as the Bulk APIs give, and what those do not take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import AccessToken, Org, PkChunking, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerMalformed, ApiError, JobFailed, UsageError
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

NASTY = 'quote " comma , CRLF \r\n CR \r U+2028 \u2028 emoji 👩‍🚀 2026-01-02T03:04:05.000+0000'


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


def holds(org: LocalOrg, count: int = 3) -> None:
    org.holds(
        "Account",
        [
            {
                "Name": NASTY if n == 1 else f"{n:07}",
                "Score__c": n / 4,
                "Active__c": n % 2 == 0,
                "Founded__c": "1999-12-31",
                "Visited__c": "2026-01-02T03:04:05Z",
                "NumberOfEmployees": n,
            }
            for n in range(count)
        ],
    )


@pytest.mark.parametrize("deleted", [False, True])
def test_every_api_gives_the_same_rows(sf: Org, local_org: LocalOrg, deleted: bool, tmp_path: Path) -> None:
    """The same columns under the same names, typed and as text, and the same file."""
    holds(local_org, 2_450)
    soql = (
        "SELECT name, Id, Owner.Name, Parent.Name, Score__c, Active__c, founded__c, Visited__c, NumberOfEmployees, Owner.Id "
        "FROM Account ORDER BY Id"
    )
    if deleted:
        sf.delete("Account", [{"Id": row["Id"]} for row in sf.query("SELECT Id FROM Account LIMIT 10")])

    found = {api: sf.query(soql, api=api, deleted=deleted) for api in ("bulk2", "bulk1", "rest")}

    rows = list(found["rest"])
    assert 2_450 == len(rows)
    assert rows[1] | {"Name": NASTY, "Score__c": 0.25, "Founded__c": date(1999, 12, 31)} == rows[1]
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == rows[1]["Visited__c"]
    for api, result in found.items():
        assert rows == list(result), api
        assert list(rows[0]) == list(next(iter(result)))
        result.to_csv(tmp_path / f"{api}.csv")
        assert found["rest"].to_arrow().equals(result.to_arrow())
    assert (tmp_path / "bulk2.csv").read_bytes() == (tmp_path / "rest.csv").read_bytes()
    text = sf.query(soql, api="rest", types="text", deleted=deleted)
    assert list(sf.query(soql, api="bulk2", types="text", deleted=deleted)) == list(text)
    assert {"expected": 2_450, "received": 2_450, "written": 2_450} == found["rest"].receipt["rows"]
    assert found["rest"].receipt["complete"] is True


def test_pages_are_asked_for_by_their_locators(sf: Org, local_org: LocalOrg) -> None:
    """2,000 records a page unless the caller says otherwise, and as often as the rows are read; the first is kept."""
    holds(local_org, 4_100)

    result = sf.query("SELECT Id FROM Account", api="rest")
    assert (1, 0) == (local_org.requests("rest.query"), local_org.requests("rest.query_more"))
    assert list(result) == list(result)
    assert (1, 4) == (local_org.requests("rest.query"), local_org.requests("rest.query_more"))
    assert 4_100 == len(list(sf.query("SELECT Id FROM Account", api="rest", page_rows=500)))
    assert (2, 12) == (local_org.requests("rest.query"), local_org.requests("rest.query_more"))


@pytest.mark.parametrize(
    ("soql", "rows", "why"),
    [
        ("SELECT COUNT() FROM Account", [{"expr0": 3}], "no bulk query takes COUNT()"),
        (
            "SELECT COUNT(Id) n, MAX(Visited__c), SUM(Score__c) s FROM Account",
            [{"n": 3, "expr0": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "s": 0.75}],
            "no bulk query takes COUNT()",
        ),
        (
            "SELECT Owner.Name, COUNT(Id) FROM Account WHERE Name != 'no OFFSET 1' GROUP BY Owner.Name",
            [{"Name": "Local Admin", "expr0": 3}],
            "no bulk query takes GROUP BY",
        ),
        (
            "SELECT Score__c FROM Account ORDER BY Score__c LIMIT 1 OFFSET 2",
            [{"Score__c": 0.5}],
            "no bulk query takes OFFSET",
        ),
        (
            "SELECT BillingAddress FROM Account ORDER BY Id LIMIT 1",
            [{"BillingAddress": None}],
            "Bulk API 2.0 does not take this query (API_ERROR)",
        ),
        ("SELECT COUNT(Id) c FROM Account WHERE Name = 'none' GROUP BY Name", [], "no bulk query takes GROUP BY"),
    ],
)
def test_what_no_bulk_query_takes_goes_by_rest(
    sf: Org, local_org: LocalOrg, soql: str, rows: list[dict[str, Any]], why: str
) -> None:
    """Seen in the query, or heard from the org; the receipt says which."""
    holds(local_org)

    result = sf.query(soql)

    assert rows == list(result)
    assert ("rest", why) == (result.receipt["api"], result.receipt["why"])
    assert result.receipt["complete"] is True


def test_fields_of_every_kind(sf: Org, local_org: LocalOrg) -> None:
    """FIELDS(STANDARD) is a bulk query; compound fields come by their parts, so both APIs give the same columns."""
    holds(local_org)

    standard = sf.query("SELECT FIELDS(STANDARD) FROM Account ORDER BY Id")
    everything = sf.query("SELECT FIELDS(ALL) FROM Account ORDER BY Id LIMIT 200")

    assert ("bulk2", "rest") == (standard.receipt["api"], everything.receipt["api"])
    columns = list(next(iter(standard)))
    assert columns == list(next(iter(sf.query("SELECT FIELDS(STANDARD) FROM Account ORDER BY Id", api="rest"))))
    assert {*columns, "Score__c", "Key__c"} <= set(next(iter(everything)))
    assert not {"BillingAddress", "Spot__c"} & set(next(iter(everything)))


def test_a_result_without_rows_has_its_columns(sf: Org, tmp_path: Path) -> None:
    for api in ("bulk2", "rest"):
        result = sf.query("SELECT id, owner.name FROM Account", api=api)
        assert [] == list(result)
        assert 0 == result.to_csv(tmp_path / f"{api}.csv")
        assert b'"Id","Owner.Name"' == (tmp_path / f"{api}.csv").read_bytes().strip()


@pytest.mark.parametrize("api", ["auto", "bulk2", "rest"])
def test_what_is_wrong_with_a_query_is_said_whoever_is_asked(sf: Org, local_org: LocalOrg, api: Any) -> None:
    """A refusal that REST would give as well is not asked for twice."""
    for soql in ("SELECT Nope FROM Account", "SELECT Id FROM Accout"):
        with pytest.raises(ApiError, match=r"Nope|Accout"):
            sf.query(soql, api=api)
    assert (0 if api != "rest" else 2) == local_org.requests("rest.query")


def test_a_bulk_api_that_was_asked_for_is_not_left(sf: Org, local_org: LocalOrg) -> None:
    with pytest.raises(ApiError, match="Selecting compound data not supported in Bulk Query"):
        sf.query("SELECT BillingAddress FROM Account", api="bulk2")
    assert 0 == local_org.requests("rest.query")


def test_a_job_that_fails_for_what_it_was_asked_is_asked_by_rest(sf: Org, local_org: LocalOrg) -> None:
    """Where the org looks at the query only when it runs it. Any other failure is the job's."""
    holds(local_org)
    try:
        local_org.bulk2.query_failure = "Aggregate Relationships not supported in Bulk Query"
        result = sf.query("SELECT Id FROM Account")
        assert (3, "rest") == (len(list(result)), result.receipt["api"])
        assert "Bulk API 2.0 does not take this query (its job failed)" == result.receipt["why"]
        assert "Failed" == result.receipt["jobs"][0]["state"]

        local_org.bulk2.query_failure = "Unable to retry query"
        with pytest.raises(JobFailed, match="Unable to retry query"):
            sf.query("SELECT Id FROM Account")
    finally:
        local_org.bulk2.query_failure = None


@pytest.mark.parametrize(
    ("soql", "options", "text"),
    [
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            {},
            "A query inside the select list gives records within records, which have no columns. Nothing was sent. "
            "Query the inner object itself, with the fields of its parent: SELECT Name, Account.Name FROM Contact.",
        ),
        (
            "SELECT COUNT() FROM Account WHERE Name IN ('" + "x" * 16_000 + "')",
            {},
            "The query takes 16058 bytes in an address, and REST takes 15000. Nothing was sent. "
            "Shorten it, or ask for something that a bulk query can answer.",
        ),
        ("  ", {"api": "rest"}, "The query has no FROM, so no job can be created for it. Nothing was sent."),
        (
            "SELECT Id FROM Account",
            {"api": "rest", "pk_chunking": PkChunking(100)},
            "REST does not cut queries: pk_chunking is for Bulk API 1.0. Nothing was sent. Leave api or pk_chunking out.",
        ),
        (
            "SELECT Id FROM Account",
            {"api": "bulk2", "pk_chunking": PkChunking(100)},
            "Bulk API 2.0 cuts queries itself: pk_chunking is for Bulk API 1.0. Nothing was sent. Leave api or pk_chunking out.",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_at_once(sf: Org, soql: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as refused:
        sf.query(soql, **options)

    assert text == str(refused.value)


def scripted(*pages: dict[str, Any]) -> tuple[Org, ScriptedTransport]:
    transport = ScriptedTransport(Scripted(200, json.dumps(page).encode()) for page in pages)
    login = AccessToken("00DLo0000000001!x", instance_url="https://acme.my.salesforce.com")
    return connect(login=login, api_version="68.0", transport=transport), transport


def test_the_link_to_the_next_page_gives_its_locator_and_nothing_else() -> None:
    """It cannot lead the token to another host, nor to another resource."""
    first = {"totalSize": 2, "done": False, "records": [{"Id": "1"}]}
    last = {"totalSize": 2, "done": True, "records": [{"Id": "2"}]}
    link = "https://evil.example/services/data/v99.0/queryAll/01gFk0000034DeFIAU-2000"
    org, transport = scripted({**first, "nextRecordsUrl": link}, {"fields": []}, last)

    result = org.query("SELECT Id FROM Account", api="rest", deleted=True)

    assert ["1", "2"] == [row["Id"] for row in result]
    base = "https://acme.my.salesforce.com/services/data/v68.0"
    assert [
        f"{base}/queryAll?q=SELECT+Id+FROM+Account",
        f"{base}/sobjects/Account/describe",
        f"{base}/queryAll/01gFk0000034DeFIAU-2000",
    ] == [sent.url for sent in transport.sent]
    assert "batchSize=2000" == transport.sent[0].headers["Sforce-Query-Options"]


@pytest.mark.parametrize(
    "page",
    [
        {"totalSize": 2, "done": False, "records": []},
        {"totalSize": 2, "done": False, "records": [], "nextRecordsUrl": "/services/data/v68.0/sobjects/01g"},
        {"totalSize": None, "done": True, "records": []},
        {"totalSize": 1, "done": True, "records": ["x"]},
        {"done": True},
        [],
    ],
)
def test_an_answer_that_is_no_page_is_malformed(page: Any) -> None:
    with pytest.raises(AnswerMalformed):
        scripted(page)[0].query("SELECT Id FROM Account", api="rest")


def test_the_types_of_a_polymorphic_parent() -> None:
    """TYPEOF: the fields of all its branches are columns; a record fills those of its own."""
    records = [
        {"Id": "1", "What": {"attributes": {"type": "Account"}, "Phone": "+351"}},
        {"Id": "2", "What": {"attributes": {"type": "Lead"}, "Name": "Ana"}},
        {"Id": "3", "What": None},
    ]
    org, _ = scripted({"totalSize": 3, "done": True, "records": records}, {"fields": []})

    result = org.query("SELECT Id, TYPEOF What WHEN Account THEN Phone ELSE Name END FROM Event")

    assert [("1", "+351", None), ("2", None, "Ana"), ("3", None, None)] == [tuple(row.values()) for row in result]
    assert ["Id", "What.Phone", "What.Name"] == list(next(iter(result)))


def test_numbers_keep_the_digits_that_came() -> None:
    """No float stands between the answer and the text."""
    body = b'{"totalSize":1,"done":true,"records":[{"Big__c":12345678901234567890.123,"Small__c":0.10,"Rounded__c":1.2E7}]}'
    transport = ScriptedTransport([Scripted(200, body), Scripted(200, b'{"fields":[]}')])
    login = AccessToken("00DLo0000000001!x", instance_url="https://acme.my.salesforce.com")

    with connect(login=login, api_version="68.0", transport=transport) as org:
        row = next(iter(org.query("SELECT Big__c, Small__c, Rounded__c FROM X__c", api="rest", types="text")))

    assert {"Big__c": "12345678901234567890.123", "Small__c": "0.10", "Rounded__c": "1.2E7"} == row

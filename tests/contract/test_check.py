"""What a check says, and what the local org then does: rows that are called errors are refused, rows that are fine go in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import CLEAR, AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import JobFailed, UsageError


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


APIS = ["bulk2", "bulk1"]

#: Good and bad values of each type of field.
TEXTS = ["x", "ä" * 20, "x" * 20, "x" * 21, "#N/A ", " ", 'a "b", c', "line\nbreak", "NULL", "0", "x" * 19 + "👩"]
NUMBERS = [
    "0", "-1", "+1", "1.", ".5", "1.5", "1.25e2", "1E3", "1,5", "1 000", "$1", "5%", "nan", "INF", "1e", "e1", "--1", "0x10",
    "1_0", "١", "12.345", "1234567890123456", "99999999999999999999",
]  # fmt: skip
INTEGERS = ["0", "-7", "+7", "007", "7.0", "7.5", "7e1", "", "12345678", "123456789", "2147483648", "x", "1,000"]
BOOLEANS = ["true", "false", "TRUE", "False", "1", "0", "yes", "no", "t", "on", "2", " true"]
DATES = [
    "2026-02-03", "2024-02-29", "2026-02-29", "2026-04-31", "2026-12-31", "2026-13-01", "2026-00-10", "2026-01-00", "26-01-02",
    "2026-1-2", "20260102", "02/03/2026", "3.2.2026", "2026-02-03T00:00:00Z", "2026-02-03Z", "1600-01-01", "2026-W05-2", "today",
]  # fmt: skip
DATETIMES = [
    "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123Z", "2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05+02:00",
    "2026-01-02T03:04:05-0500", "2024-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z",
    "2026-01-02", "2026-01-02T03:04Z", "2026-01-02T25:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "1767322800000",
    "2026-01-02T03:04:05z", "2026-01-02T03:04:05 Z", "1600-01-01T00:00:00Z",
]  # fmt: skip
TIMES = [
    "09:15:27.000Z",
    "09:15:27",
    "09:15:27.5",
    "9:15:27",
    "09:15",
    "24:00:00",
    "23:59:59Z",
    "09:15:27+02:00",
    "noon",
]
COLOURS = ["Red", "Green", "red", "Rde", "Red;Green", "Red ", "RED"]
RATINGS = ["Hot", "hot", "Lukewarm"]
PARENTS = [
    "A-17",
    "001",
    "001D000000IRFm",
    "003D000000IRFma",
    "003D000000IRFmaIAH",
    "001D000000IRFmaI5H",
    "001D000000IRFmä",
]

VALUES = {
    "AccountNumber": [text * 2 for text in TEXTS],
    "Site": ["x" * 80, "x" * 81],
    "LongText__c": ["x" * 131_072],
    "Score__c": NUMBERS,
    "AnnualRevenue": NUMBERS,
    "NumberOfEmployees": INTEGERS,
    "Active__c": BOOLEANS,
    "Founded__c": DATES,
    "Visited__c": DATETIMES,
    "Opens__c": TIMES,
    "Colour__c": COLOURS,
    "Rating": RATINGS,
    "Tags__c": ["New", "New;Key", "Nwe"],
    "ParentId": PARENTS,
    "Key__c": ["K-1", "x" * 80, "x" * 81],
    "Phone": ["+49 30 1", "x" * 41],
    "Website": ["https://example.com", "x" * 256],
    "Name": ["", "n", "n" * 255, "n" * 256, "#N/A"],
}


def table() -> list[dict[str, str]]:
    return [{"Name": "n", column: value} for column, values in VALUES.items() for value in values]


@pytest.mark.parametrize("api", APIS)
def test_the_org_refuses_the_errors_and_takes_the_rest(sf: Org, api: str) -> None:
    """Row by row. What the check only warns of may go either way."""
    rows = table()
    verdicts = [sf.check("insert", "Account", [row]) for row in rows]

    outcomes = list(sf.insert("Account", rows, api=api))

    wrong = [
        (row, str(verdict.problems), outcome.code)
        for row, verdict, outcome in zip(rows, verdicts, outcomes, strict=True)
        if (not verdict.ok and outcome.state != "failed") or (not verdict.problems and outcome.state != "succeeded")
    ]
    assert [] == wrong
    assert 60 < sum(not verdict.ok for verdict in verdicts) < 120
    assert 60 < sum(not verdict.problems for verdict in verdicts)


def test_all_rows_at_once_are_judged_like_each_alone(sf: Org) -> None:
    """The quick looks at whole columns find what the looks at single values find."""
    rows = table() * 3
    alone = [sf.check("insert", "Account", [row]) for row in table()] * 3

    together = sf.check("insert", "Account", rows)

    counted = {(p.kind, p.column): p.count for p in together.problems if p.kind != "duplicate-value"}
    expected: dict[tuple[str, str | None], int] = {}
    for report in alone:
        for problem in report.problems:
            expected[problem.kind, problem.column] = expected.get((problem.kind, problem.column), 0) + problem.count
    assert expected == counted


@pytest.mark.parametrize(
    ("operation", "row", "external_id"),
    [
        ("insert", {"Nmae": "x", "Name": "n"}, None),
        ("insert", {"CreatedDate": "2026-01-02T03:04:05Z", "Name": "n"}, None),
        ("insert", {"BillingAddress": "x", "Name": "n"}, None),
        ("insert", {"ParentId": "", "Parent.Key__c": "", "Name": "n"}, None),
        ("insert", {"Parent.Site": "x", "Name": "n"}, None),
        ("insert", {"Parent.Nothing": "x", "Name": "n"}, None),
        ("insert", {"Account:Parent.Key__c": "x", "Name": "n"}, None),
        ("insert", {"Parnt.Key__c": "x", "Name": "n"}, None),
        ("update", {"Id": "001D000000IRFma", "MasterRecordId": "x"}, None),
        ("upsert", {"Key__c": "x", "Name": "n", "CreatedById": "x"}, "Key__c"),
    ],
)
@pytest.mark.parametrize("api", APIS)
def test_columns_that_are_errors_fail_the_whole_load(
    sf: Org, api: str, operation: str, row: dict[str, str], external_id: str | None
) -> None:
    report = sf.check(operation, "Account", [row], external_id=external_id)

    assert 1 == len(report.errors)
    assert 0 == report.errors[0].count
    with pytest.raises(JobFailed, match="Field name not found"):
        if external_id:
            sf.upsert("Account", [row], external_id=external_id, api=api)
        else:
            getattr(sf, operation)("Account", [row], api=api)


@pytest.mark.parametrize("api", APIS)
def test_columns_that_are_fine_are_taken(sf: Org, local_org: LocalOrg, api: str) -> None:
    local_org.holds("Account", [{"Name": "parent", "Key__c": "P"}])
    owner = local_org.rows("SELECT Username, Id FROM User")[0]
    rows = [{"LastName": "n", "Account.Key__c": "P", "OwnerId": owner["Id"]}]
    things = [{"Code__c": "c", "Account__r.Key__c": "P", "User:Owner.Id": owner["Id"]}]

    for sobject, some in (("Contact", rows), ("Thing__c", things)):
        assert "" == "\n".join(map(str, sf.check("insert", sobject, some).problems))
        assert 1 == sf.insert(sobject, some, api=api).succeeded


@pytest.mark.parametrize("api", APIS)
def test_keys_that_are_errors_are_refused(sf: Org, local_org: LocalOrg, api: str) -> None:
    first, second = local_org.holds("Account", [{"Name": "a", "Key__c": "A"}, {"Name": "b", "Key__c": "B"}])
    updates: list[dict[str, Any]] = [
        {"Id": first, "Name": "new"},
        {"Id": second[:15], "Name": "new"},
        {"Id": None, "Name": "new"},
        {"Id": "003D000000IRFma", "Name": "new"},
        {"Id": "nonsense", "Name": "new"},
        {"Id": first, "Name": CLEAR},
    ]
    upserts = [
        {"Key__c": "A", "Name": "n"},
        {"Key__c": CLEAR, "Name": "n"},
        {"Key__c": "C", "Name": "n"},
        {"Key__c": "D", "Name": "n", "Active__c": CLEAR},
    ]

    for operation, rows, key in (("update", updates, None), ("upsert", upserts, "Key__c")):
        verdicts = [sf.check(operation, "Account", [row], external_id=key) for row in rows]
        result = sf.upsert("Account", rows, external_id=key, api=api) if key else sf.update("Account", rows, api=api)
        assert [verdict.ok for verdict in verdicts] == [outcome.state == "succeeded" for outcome in result]


@pytest.mark.parametrize("api", APIS)
def test_keys_twice_are_refused(sf: Org, local_org: LocalOrg, api: str) -> None:
    ids = local_org.holds("Account", [{"Name": "a"}, {"Name": "b"}])
    twice = [{"Key__c": "A", "Name": "n"}, {"Key__c": "a", "Name": "m"}]
    deletes = [{"Id": ids[0]}, {"Id": ids[1]}, {"Id": ids[0][:15]}]

    assert not sf.check("upsert", "Account", twice, external_id="Key__c").ok
    assert not sf.check("insert", "Account", twice).ok
    assert [(2,)] == [problem.example_rows for problem in sf.check("delete", "Account", deletes).errors]

    assert 2 == sf.upsert("Account", twice, external_id="Key__c", api=api).failed
    assert 1 == sf.insert("Account", twice, api=api).failed
    assert [2] == [outcome.row for outcome in sf.delete("Account", deletes, api=api).failures()]


@pytest.mark.parametrize(("api", "calls"), [("bulk2", "bulk2"), ("bulk1", "bulk1")])
def test_the_cost_is_what_the_load_then_uses(sf: Org, local_org: LocalOrg, api: str, calls: str) -> None:
    rows = [{"Name": f"n{number}"} for number in range(20_001)]
    cost = sf.check("insert", "Account", rows).cost
    used = local_org.limits.bulk_batches.used

    receipt = sf.insert("Account", rows, api=api).receipt

    assert getattr(cost, calls).batches == local_org.limits.bulk_batches.used - used == 3
    assert getattr(cost, calls).requests <= receipt["requests"]


def test_a_check_sends_no_data(sf: Org, local_org: LocalOrg) -> None:
    """A describe, the list of objects where ids are compared, and the limits: no job, no record."""
    sf.check("upsert", "Account", [{"Key__c": "k", "Name": "n", "ParentId": ""}] * 3, external_id="Key__c")

    assert (1, 1, 1) == tuple(local_org.requests(f"rest.{name}") for name in ("describe", "sobjects", "limits"))
    assert 0 == local_org.requests("ingest2.create_job") + local_org.requests("bulk1.create_job")
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_the_limits_of_the_org_are_asked(sf: Org, local_org: LocalOrg) -> None:
    batches = local_org.limits.bulk_batches
    before, batches.maximum = batches.maximum, 1
    try:
        report = sf.check("insert", "Account", ({"Name": "n"} for _ in range(10_001)))
    finally:
        batches.maximum = before

    assert ["The load needs 2 of DailyBulkApiBatches, and 1 of 1 are left today."] == [
        problem.message for problem in report.problems
    ]


def test_an_object_that_the_org_has_not(sf: Org) -> None:
    report = sf.check("insert", "Acounts", [{"Name": "n"}])

    assert ("object", ("Account",)) == (report.problems[0].kind, report.problems[0].nearest[:1])


def test_an_input_that_cannot_be_read(sf: Org, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")

    with pytest.raises(UsageError, match="is empty: a CSV file begins with a header row"):
        sf.check("insert", "Account", tmp_path / "empty.csv")

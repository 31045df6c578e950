"""The interface that we promise, line by line: opening an org, reading, writing.

What is promised of runs (``sf.resume``, ``sf.runs``) has tests of its own.
"""

from __future__ import annotations

import csv
import gzip
import inspect
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import salesforce_bulk
from salesforce_bulk import (
    CLEAR,
    AccessToken,
    AsyncOrg,
    CheckReport,
    ClientCredentials,
    IngestResult,
    JwtBearer,
    OAuthPassword,
    Org,
    Outcome,
    Password,
    Problem,
    QueryResult,
    RefreshToken,
    SalesforceCli,
    connect,
    connect_async,
)
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import RecordsFailed, UsageError
from salesforce_bulk.session import NEWEST_TESTED_VERSION
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))


@pytest.fixture
def sf(local_org: LocalOrg) -> Iterator[Org]:
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


# -- 1. opening an org ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login",
    [
        lambda: AccessToken("00D...!...", instance_url="https://acme.my.salesforce.com"),
        lambda: ClientCredentials(instance_url="https://acme.my.salesforce.com", client_id="c", client_secret="s"),
        lambda: JwtBearer(username="u", client_id="c", private_key="k", audience="https://login.salesforce.com"),
        lambda: RefreshToken(instance_url="https://acme.my.salesforce.com", client_id="c", refresh_token="r"),
        lambda: Password(username="u", password="p", security_token="t", domain="login"),
        lambda: OAuthPassword(username="u", password="p", client_id="c", client_secret="s", domain="login"),
        lambda: SalesforceCli("alias"),
    ],
)
def test_every_login_opens_without_asking_anybody(login: Callable[[], Any]) -> None:
    """What each does is in test_connect.py."""
    with connect(login=login()) as sf:
        assert isinstance(sf, Org)


def test_the_embedded_local_org_with_a_folder(tmp_path: Path) -> None:
    with connect("local") as sf, connect(f"local:{tmp_path / 'org'}") as kept:
        sf.insert("Campaign", [{"Name": "gone"}])
        kept.insert("Campaign", [{"Name": "kept"}])
        assert ["kept"] == [row["Name"] for row in kept.query("SELECT Name FROM Campaign")]


def test_the_api_version_is_the_newest_unless_given(local_org: LocalOrg) -> None:
    login = AccessToken(local_org.access_token, instance_url=local_org.url)
    for version, spelled in ((None, NEWEST_TESTED_VERSION), ("62.0", "62.0")):
        with connect(login=login, api_version=version) as sf:
            sf.limits()
        assert f"/services/data/v{spelled}/limits" == local_org.seen[-1].path


def test_an_org_is_shared_between_threads_and_renews_its_session(local_org: LocalOrg) -> None:
    """Once for all of them."""
    login = ClientCredentials(local_org.url, local_org.client_id, local_org.client_secret)
    with connect(login=login) as sf, ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            list(threads.map(lambda n: sf.insert("Account", [{"Name": f"n{n}"}]), range(20)))
            local_org.expire_sessions()
        assert 60 == len(list(sf.query("SELECT Id FROM Account")))
    assert 4 == local_org.requests("oauth.token")


def test_connect_async_gives_an_async_org() -> None:
    """The same verbs, awaited: see test_async.py."""
    org = connect_async(login=AccessToken("00Dx!y", instance_url="https://acme.my.salesforce.com"))
    assert isinstance(org, AsyncOrg)


@pytest.mark.parametrize("url", ["http://acme.my.salesforce.com", "http://10.0.0.1"])
def test_a_token_never_goes_over_plain_http_except_to_this_machine(url: str) -> None:
    with pytest.raises(UsageError, match="never sent over plain http"):
        AccessToken("00Dx!y", instance_url=url)


# -- 2. reading ----------------------------------------------------------------------------------------------------------

SOQL = "SELECT Name, Score__c, NumberOfEmployees, Active__c, Founded__c, Visited__c FROM Account ORDER BY Id"
ROW = {
    "Name": "007",
    "Score__c": 12.5,
    "NumberOfEmployees": 3,
    "Active__c": True,
    "Founded__c": date(1999, 12, 31),
    "Visited__c": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
}
EMPTY = {**dict.fromkeys(ROW), "Name": "NULL", "Active__c": False}


@pytest.fixture
def two_accounts(local_org: LocalOrg) -> None:
    stored = {"Founded__c": "1999-12-31", "Visited__c": "2026-01-02T03:04:05Z"}
    local_org.holds("Account", [{**ROW, **stored}, {"Name": "NULL"}])


@pytest.mark.usefixtures("two_accounts")
@pytest.mark.parametrize("api", ["auto", "bulk2", "bulk1", "rest"])
def test_rows_are_typed_dicts(sf: Org, api: Any) -> None:
    result = sf.query(SOQL, deleted=False, types="describe", api=api)

    assert isinstance(result, QueryResult)
    assert [ROW, EMPTY] == list(result)
    assert [{str}, {str, type(None)}] == [
        {type(value) for value in row.values()} for row in sf.query(SOQL, types="text", api=api)
    ]


@pytest.mark.usefixtures("two_accounts")
def test_tables_and_frames(sf: Org) -> None:
    """polars, duckdb and pandas take the result itself."""
    pyarrow, pandas, polars, duckdb = map(pytest.importorskip, ("pyarrow", "pandas", "polars", "duckdb"))
    result = sf.query(SOQL)

    assert [ROW, EMPTY] == [row for batch in result.batches() for row in batch.to_pylist()]
    assert all(isinstance(batch, pyarrow.RecordBatch) for batch in result.batches())
    assert [ROW, EMPTY] == pyarrow.table(result).to_pylist() == result.to_arrow().to_pylist()
    assert ["007", "NULL"] == list(result.to_pandas()["Name"])
    assert isinstance(result.to_pandas(), pandas.DataFrame)
    assert isinstance(result.to_polars(), polars.DataFrame)
    assert ["007", "NULL"] == polars.DataFrame(result)["Name"].to_list()
    arrow = result.to_arrow()
    assert [("007",), ("NULL",)] == duckdb.sql("SELECT Name FROM arrow").fetchall()
    del arrow


@pytest.mark.usefixtures("two_accounts")
def test_files_are_renamed_when_they_are_complete(sf: Org, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    result = sf.query(SOQL)

    assert [2, 2, 2] == [
        result.to_csv(tmp_path / "a.csv"),
        result.to_parquet(tmp_path / "a.parquet"),
        result.to_jsonl(tmp_path / "a.jsonl"),
    ]
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert [list(ROW), ["007", "12.5", "3", "true", "1999-12-31", "2026-01-02T03:04:05.000Z"]] == list(
            csv.reader(file)
        )[:2]
    assert [ROW, EMPTY] == parquet.read_table(tmp_path / "a.parquet").to_pylist()
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    assert ["007", 12.5, 3, True, "1999-12-31"] == list(lines[0].values())[:5]
    assert {"a.csv", "a.parquet", "a.jsonl"} == {path.name for path in tmp_path.iterdir()} - {"home"}


def test_words_and_text_stay_what_they_are(sf: Org) -> None:
    """NA, NULL and N/A are words; newlines of every kind, NUL, U+2028, quotes and leading zeros are text."""
    texts = ["NA", "NULL", "N/A", "0012", "a\nb", "a\r\nb", "a\rb", "a\0b", "a\u2028b", 'say "x", then']
    sf.insert("Account", [{"Name": text, "Description": text} for text in texts], api="bulk2")

    assert texts == [row["Description"] for row in sf.query("SELECT Description FROM Account ORDER BY Id")]


def test_deleted_records_are_read_when_they_are_asked_for(sf: Org, local_org: LocalOrg) -> None:
    ids = local_org.holds("Account", 3)
    sf.delete("Account", [{"Id": ids[0]}])

    assert [2, 3] == [len(list(sf.query("SELECT Id FROM Account", deleted=deleted))) for deleted in (False, True)]


def test_times_and_numbers_that_no_float_holds() -> None:
    """A time of day, and a Decimal where a float would lose a digit."""
    page = b'{"totalSize":1,"done":true,"records":[{"Opens__c":"09:15:27.000Z","Sum__c":12345678901234567.89}]}'
    fields = [{"name": "Opens__c", "type": "time"}, {"name": "Sum__c", "type": "double"}]
    answers = [Scripted(200, page), Scripted(200, json.dumps({"fields": fields}).encode())]
    login = AccessToken("00Dx!y", instance_url="https://acme.my.salesforce.com")

    with connect(login=login, api_version="68.0", transport=ScriptedTransport(answers)) as org:
        rows = list(org.query("SELECT Opens__c, Sum__c FROM Shop__c", api="rest"))

    assert [{"Opens__c": time(9, 15, 27), "Sum__c": Decimal("12345678901234567.89")}] == rows


# -- 3. writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["auto", "bulk2", "bulk1", "rest"])
def test_each_verb_goes_by_each_api(sf: Org, local_org: LocalOrg, api: str) -> None:
    local_org.permissions.hard_delete = True
    rows = [{"Key__c": f"A-{n}", "Name": f"n{n}"} for n in range(3)]

    result = sf.insert("Account", rows, api=api)
    assert isinstance(result, IngestResult)
    ids = [outcome.id for outcome in result]
    assert 3 == sf.upsert("Account", rows, external_id="Key__c", api=api).succeeded
    assert 3 == sf.update("Account", [{"Id": id, "Name": "new"} for id in ids], api=api).succeeded
    assert ["new"] * 3 == [row["Name"] for row in local_org.rows("SELECT Name FROM Account")]
    assert 1 == sf.delete("Account", [{"Id": ids[0]}], api=api).succeeded
    if api != "rest":
        assert 1 == sf.hard_delete("Account", [{"Id": ids[1]}], api=api).succeeded
        assert 2 == len(local_org.rows("SELECT Id FROM Account", deleted=True))
    report = sf.check("upsert", "Account", rows, external_id="Key__c")
    assert isinstance(report, CheckReport)
    assert report.ok
    assert all(isinstance(problem, Problem) for problem in sf.check("insert", "Account", [{"Nmae": "x"}]).problems)


def _duckdb(rows: list[dict[str, Any]]) -> Any:
    duckdb, pyarrow = pytest.importorskip("duckdb"), pytest.importorskip("pyarrow")
    return duckdb.from_arrow(pyarrow.Table.from_pylist(rows))


FRAMES: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "list": list,
    "generator": lambda rows: (row for row in rows),
    "pyarrow": lambda rows: pytest.importorskip("pyarrow").Table.from_pylist(rows),
    "reader": lambda rows: pytest.importorskip("pyarrow").Table.from_pylist(rows).to_reader(),
    "pandas": lambda rows: pytest.importorskip("pandas").DataFrame(rows),
    "polars": lambda rows: pytest.importorskip("polars").DataFrame(rows),
    "duckdb": _duckdb,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_rows_of_every_kind(sf: Org, local_org: LocalOrg, kind: str) -> None:
    rows = [{"Name": f"n{n}", "Score__c": n + 0.5} for n in range(5)]

    assert 5 == sf.insert("Account", FRAMES[kind](rows)).succeeded
    assert rows == local_org.rows("SELECT Name, Score__c FROM Account ORDER BY Id")


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "in.jsonl", "in.jsonl.gz", "in.parquet"])
def test_files_of_every_kind(sf: Org, local_org: LocalOrg, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "in.parquet":
        pyarrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table({"Name": ["a", "b"]}), path)
    else:
        data = b"Name\na\nb\n" if "csv" in name else b'{"Name": "a"}\n{"Name": "b"}\n'
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    assert 2 == sf.insert("Account", path).succeeded
    assert 2 == sf.insert("Account", str(path)).succeeded
    assert ["a", "b"] * 2 == [row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Id")]


@pytest.mark.parametrize("api", ["bulk2", "bulk1", "rest"])
@pytest.mark.parametrize("parent", [{"Account.Key__c": "A-17"}, {"Account": {"Key__c": "A-17"}}])
def test_related_records_by_external_id(sf: Org, local_org: LocalOrg, parent: dict[str, Any], api: str) -> None:
    (account,) = local_org.holds("Account", [{"Name": "x", "Key__c": "A-17"}])

    assert 1 == sf.insert("Contact", [{"LastName": "y", **parent}], api=api).succeeded
    assert [{"AccountId": account}] == local_org.rows("SELECT AccountId FROM Contact")


@pytest.mark.parametrize("api", ["bulk2", "bulk1", "rest"])
def test_nulls_and_clear(sf: Org, local_org: LocalOrg, api: str) -> None:
    """A missing or None value leaves the field alone; nulls="clear" empties it; CLEAR does whatever the option."""
    ids = local_org.holds("Account", [{"Name": "x", "Site": "here"} for _ in range(3)])

    sf.update("Account", [{"Id": ids[0], "Site": None}, {"Id": ids[1], "Site": CLEAR}], nulls="ignore", api=api)
    sf.update("Account", [{"Id": ids[2], "Site": None}], nulls="clear", api=api)

    assert ["here", None, None] == [row["Site"] for row in local_org.rows("SELECT Site FROM Account ORDER BY Id")]


def test_the_options(sf: Org, local_org: LocalOrg) -> None:
    rows = [{"Name": f"n{n}"} for n in range(10)]
    told: list[Any] = []

    assert 5 == len(sf.insert("Account", rows, api="bulk2", part_rows=2, parallel_jobs=2).receipt["jobs"])
    assert 2 == len(sf.insert("Account", rows, api="bulk2", part_bytes=20).receipt["jobs"])
    assert "bulk1" == sf.insert("Account", rows, serial=True).receipt["api"]
    assert 1 == len(sf.insert("Account", rows, retries=2).receipt["attempts"])
    assert 10 == sf.insert("Lead", [{"LastName": "x", "Company": "y"}] * 10, api="bulk2").succeeded
    sf.insert("Account", rows, api="bulk2", part_rows=5, on_progress=told.append)
    assert [1, 2] == [counts["parts"] for counts in told]
    assert {"parts": 2, "succeeded": 10, "failed": 0, "unprocessed": 0}.items() <= told[-1].items()


def test_the_assignment_rule_goes_along(sf: Org, local_org: LocalOrg) -> None:
    rule = "01QLo0000000001AAA"
    sf.insert("Lead", [{"LastName": "x", "Company": "y"}], api="bulk2", assignment_rule_id=rule)

    job = next(job for job in sf.jobs() if job.operation == "insert")
    assert rule == sf.job(job.id).info.wire.get("assignmentRuleId")


def test_the_result_of_a_load(sf: Org, tmp_path: Path) -> None:
    rows = [{"Name": "a", "Site": "s"}, {"Name": None, "Site": "s"}, {"Name": "c", "Site": "s"}]

    result = sf.insert("Account", rows, api="bulk2")

    assert (2, 1, 0) == (result.succeeded, result.failed, result.unprocessed)
    outcomes = list(result)
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    assert [(0, "succeeded", True, ""), (1, "failed", False, "REQUIRED_FIELD_MISSING"), (2, "succeeded", True, "")] == [
        (outcome.row, outcome.state, bool(outcome.created), outcome.code) for outcome in outcomes
    ]
    assert ("Required fields are missing: [Name]", ("Name",)) == (outcomes[1].message, outcomes[1].fields)
    assert outcomes[0].id
    assert [1] == [outcome.row for outcome in result.failures()]
    with pytest.raises(RecordsFailed):
        result.raise_for_failures()
    assert [3, 1, 2, 0] == [
        result.to_csv(tmp_path / "outcomes.csv"),
        result.to_csv(tmp_path / "failed.csv", only="failed"),
        result.to_csv(tmp_path / "succeeded.csv", only="succeeded"),
        result.to_csv(tmp_path / "unprocessed.csv", only="unprocessed"),
    ]
    with (tmp_path / "outcomes.csv").open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert ["Name", "Site", "sf__Id", "sf__Created", "sf__Error"] == list(written[0])
    assert [outcomes[0].id, "", outcomes[2].id] == [row["sf__Id"] for row in written]
    assert 3 == result.to_arrow().num_rows
    assert result.run_id
    sf.insert("Account", [{"Name": "fine"}]).raise_for_failures()


def test_the_receipts(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """Of a load and of a query; that of a load also lies in the run's folder."""
    load = sf.insert("Account", [{"Name": "a"}, {"Name": None}, {"Name": None}], api="bulk2")
    query = sf.query("SELECT Id FROM Account")
    list(query)

    common = {
        "run_id",
        "operation",
        "object",
        "api",
        "org_id",
        "started_at",
        "seconds",
        "rows",
        "jobs",
        "requests",
        "bytes_sent",
        "bytes_received",
        "retries",
        "complete",
        "errors",
    }
    assert common <= load.receipt.keys()
    assert common <= query.receipt.keys()
    assert {"read": 3, "sent": 3, "succeeded": 1, "failed": 2, "unprocessed": 0} == load.receipt["rows"]
    assert {"expected": 1, "received": 1, "written": 1} == query.receipt["rows"]
    assert [{"code": "REQUIRED_FIELD_MISSING", "count": 2, "example_row": 1}] == load.receipt["errors"]
    for receipt in (load.receipt, query.receipt):
        assert {"id", "state", "rows"} <= receipt["jobs"][0].keys()
        assert receipt["complete"] is True
        assert local_org.organization_id[:15] == receipt["org_id"][:15]
        assert receipt["requests"] > 0
        assert receipt["bytes_received"] > 0
    stored = json.loads((tmp_path / "home" / "runs" / load.run_id / "receipt.json").read_text("utf-8"))
    assert load.receipt == stored


# -- the names -----------------------------------------------------------------------------------------------------------


def test_the_public_names() -> None:
    """Each of them is there, has a docstring, and is loaded when it is used."""
    assert [
        "CLEAR",
        "AccessToken",
        "AsyncIngestResult",
        "AsyncOrg",
        "AsyncQueryResult",
        "BulkApiError",
        "BulkBatchFailed",
        "BulkJobAborted",
        "CheckReport",
        "ClientCredentials",
        "CsvDictsAdapter",
        "IngestResult",
        "JwtBearer",
        "OAuthPassword",
        "Org",
        "Outcome",
        "Parallel",
        "Password",
        "PkChunking",
        "Problem",
        "QueryResult",
        "RefreshToken",
        "Run",
        "SalesforceBulk",
        "SalesforceCli",
        "Serial",
        "TransportOptions",
        "UploadResult",
        "__version__",
        "bulk_states",
        "connect",
        "connect_async",
        "csv_adapter",
        "errors",
        "salesforce_bulk",
        "util",
    ] == salesforce_bulk.__all__
    for name in salesforce_bulk.__all__:
        member = getattr(salesforce_bulk, name)
        if inspect.isclass(member) or inspect.isfunction(member):
            assert inspect.getdoc(member), name


def test_a_decimal_goes_in_with_all_its_digits(sf: Org, local_org: LocalOrg) -> None:
    sf.insert("Account", [{"Name": "x", "Score__c": Decimal("12.50")}], api="bulk2")

    assert [{"Score__c": 12.5}] == local_org.rows("SELECT Score__c FROM Account")

"""The verbs of an org against the local org: rows in, outcomes out; a query in, rows out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import CLEAR, AccessToken, Org, PkChunking, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import ApiError, JobFailed, RecordsFailed, UsageError


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


APIS = ["bulk2", "bulk1"]
NASTY = 'quote " comma , CRLF \r\n CR \r NUL \0 U+2028 \u2028 emoji 👩‍🚀'


@pytest.mark.parametrize("api", APIS)
def test_every_row_has_its_outcome_in_the_order_of_the_input(sf: Org, api: str) -> None:
    """Whatever the order of the org's answers; a refused record is a result, not an exception."""
    rows = [{"Key__c": f"K-{n}", "Name": "" if n % 7 == 3 else f"n{n}"} for n in range(1_000)]

    result = sf.insert("Account", rows, api=api, part_rows=300)

    outcomes = list(result)
    assert list(range(1_000)) == [outcome.row for outcome in outcomes]
    assert [("failed" if n % 7 == 3 else "succeeded") for n in range(1_000)] == [outcome.state for outcome in outcomes]
    assert (857, 143, 0) == (result.succeeded, result.failed, result.unprocessed)
    ids = {row["Key__c"]: row["Id"] for row in sf.query("SELECT Id, Key__c FROM Account")}
    assert all(ids[rows[outcome.row]["Key__c"]] == outcome.id for outcome in outcomes if outcome.state == "succeeded")
    refused = list(result.failures())
    assert ("REQUIRED_FIELD_MISSING", ("Name",)) == (refused[0].code, refused[0].fields)


@pytest.mark.parametrize("api", APIS)
def test_a_generator_is_read_once_and_nothing_of_it_is_lost(sf: Org, api: str) -> None:
    result = sf.upsert(
        "Account",
        ({"Key__c": f"K-{n}", "Name": NASTY} for n in range(501)),
        external_id="Key__c",
        api=api,
        part_rows=100,
    )

    assert (501, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert {NASTY} == {row["Name"] for row in sf.query("SELECT Name FROM Account")}
    assert 6 == len(result.receipt["jobs"])


@pytest.mark.parametrize("api", APIS)
def test_update_clears_and_leaves_alone(sf: Org, local_org: LocalOrg, api: str) -> None:
    """A missing value leaves the field as it is; CLEAR empties it; nulls="clear" makes missing mean empty."""
    ids = local_org.holds("Account", [{"Name": f"n{n}", "Site": "here"} for n in range(3)])

    sf.update(
        "Account", [{"Id": ids[0], "Site": None, "Name": "new"}, {"Id": ids[1], "Site": CLEAR, "Name": None}], api=api
    )
    sf.update("Account", [{"Id": ids[2], "Site": None}], nulls="clear", api=api)

    assert [("new", "here"), ("n1", None), ("n2", None)] == [
        (row["Name"], row["Site"]) for row in local_org.rows("SELECT Name, Site FROM Account ORDER BY Id")
    ]


def test_delete_sends_ids_and_nothing_else(sf: Org, local_org: LocalOrg) -> None:
    local_org.holds("Account", 10)

    result = sf.delete("Account", sf.query("SELECT Id, Name FROM Account"))

    assert 10 == result.succeeded
    assert [] == list(sf.query("SELECT Id FROM Account"))
    assert 10 == len(list(sf.query("SELECT Id, IsDeleted FROM Account", deleted=True)))


def test_the_rows_of_a_query_go_in_where_there_is_no_pyarrow(
    sf: Org, local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read as dicts."""
    local_org.holds("Account", [{"Name": "Mill", "Founded__c": "2026-02-07"}])
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    result = sf.insert("Account", sf.query("SELECT Name, Founded__c FROM Account"))

    assert 1 == result.succeeded
    assert 2 * [{"Name": "Mill", "Founded__c": "2026-02-07"}] == local_org.rows("SELECT Name, Founded__c FROM Account")


@pytest.mark.parametrize("api", APIS)
def test_rows_are_typed_as_the_org_describes_them(sf: Org, local_org: LocalOrg, api: str) -> None:
    local_org.holds(
        "Account",
        [
            {
                "Name": "007",
                "Score__c": 12.5,
                "Active__c": True,
                "Founded__c": "1999-12-31",
                "Visited__c": "2026-01-02T03:04:05Z",
            },
            {"Name": "NULL"},
        ],
    )

    typed = list(sf.query("SELECT Name, Score__c, Active__c, Founded__c, Visited__c FROM Account ORDER BY Id", api=api))
    text = list(sf.query("SELECT Name, Score__c, Active__c FROM Account ORDER BY Id", types="text", api=api))

    assert ["007", 12.5, True, "1999-12-31", "2026-01-02T03:04:05+00:00"] == [
        getattr(value, "isoformat", lambda value=value: value)() for value in typed[0].values()
    ]
    assert ["NULL", None, False, None, None] == list(typed[1].values())
    assert [
        {"Name": "007", "Score__c": "12.5", "Active__c": "true"},
        {"Name": "NULL", "Score__c": None, "Active__c": "false"},
    ] == text


def test_a_query_is_read_again_as_often_as_wanted(sf: Org, local_org: LocalOrg) -> None:
    local_org.holds("Account", 25)
    result = sf.query("SELECT Id FROM Account", page_rows=10)

    assert list(result) == list(result)
    assert 1 == local_org.requests("query2.create_job")
    assert 25 == result.receipt["rows"]["received"]
    assert result.receipt["complete"] is True


def test_files_appear_when_they_are_complete(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    local_org.holds("Account", [{"Name": NASTY}, {"Name": "plain"}])
    result = sf.query("SELECT Name, Active__c FROM Account ORDER BY Id", page_rows=1)

    assert 2 == result.to_csv(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [["Name", "Active__c"], [NASTY, "false"], ["plain", "false"]] == list(csv.reader(file))
    assert 2 == result.to_jsonl(tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_text("utf-8").split("\n")
    assert [{"Name": NASTY, "Active__c": False}, {"Name": "plain", "Active__c": False}] == [
        json.loads(line) for line in lines if line
    ]
    assert {"out.csv", "out.jsonl", "home"} >= {path.name for path in tmp_path.iterdir()}


def test_outcomes_beside_the_inputs_own_columns(sf: Org, tmp_path: Path) -> None:
    """All columns of the file, in its order, then what became of the row."""
    (tmp_path / "in.csv").write_bytes("\ufeffName;Site\r\nfine;ä\r\n;lost\r\n".encode())

    result = sf.insert("Account", tmp_path / "in.csv")
    result.to_csv(tmp_path / "outcomes.csv")
    result.to_csv(tmp_path / "failed.csv", only="failed")

    with (tmp_path / "outcomes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert ["Name", "Site", "sf__Id", "sf__Created", "sf__Error"] == list(rows[0])
    assert ("fine", "ä", "true", "") == (rows[0]["Name"], rows[0]["Site"], rows[0]["sf__Created"], rows[0]["sf__Error"])
    assert "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --" == rows[1]["sf__Error"]
    assert 2 == len((tmp_path / "failed.csv").read_text("utf-8").splitlines())
    assert {"kind", "delimiter"} <= set(result.receipt["input"])


def test_raise_for_failures(sf: Org) -> None:
    result = sf.insert("Account", [{"Name": "fine"}, {"Name": None}])

    with pytest.raises(RecordsFailed) as failed:
        result.raise_for_failures()

    assert (
        "1 of 2 rows were refused and 0 not tried: 1 REQUIRED_FIELD_MISSING.\n"
        "1 were applied. row 1: REQUIRED_FIELD_MISSING Required fields are missing: [Name].\n"
        "Correct those rows and send them alone: result.failures() names them."
    ) == str(failed.value)


@pytest.mark.parametrize("api", APIS)
def test_a_wrong_column_fails_the_job_and_no_row_is_called_failed(sf: Org, api: str) -> None:
    """The rows were not tried: they may be sent again when the column is right."""
    with pytest.raises(JobFailed, match="InvalidBatch : Field name not found : Nmae") as failed:
        sf.insert("Account", [{"Nmae": "x"}] * 3, api=api)

    assert (0, 0, 3) == (failed.value.result.succeeded, failed.value.result.failed, failed.value.result.unprocessed)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda sf: sf.insert("Account", [{"Id": "001", "Name": "x"}]), "An insert takes no column 'Id'"),
        (lambda sf: sf.update("Account", [{"Name": "x"}]), "The operation update needs the column 'Id'"),
        (
            lambda sf: sf.upsert("Account", [{"Name": "x"}], external_id="Key__c"),
            "The operation upsert needs the column 'Key__c'",
        ),
        (
            lambda sf: sf.insert("Account", [{"Name": "x"}], api="soap"),
            "api is one of 'auto', 'bulk2', 'bulk1', 'rest', not 'soap'",
        ),
        (lambda sf: sf.insert("Account", [{"Name": "x"}], part_row=1), "There is no option 'part_row'"),
        (lambda sf: sf.insert("Account", [{"Name": "x"}], part_rows=0), "part_rows is at least 1, not 0"),
        (lambda sf: sf.insert("Account", [{"Name": "x"}], serial=True, api="bulk2"), "Bulk API 2.0 has no serial mode"),
        (lambda sf: sf.insert("Account", [{"Name": float("nan"), "Founded__c": object()}]), "Founded__c"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    sf: Org, local_org: LocalOrg, call: Any, text: str
) -> None:
    with pytest.raises((UsageError, ValueError, Exception), match=text):
        call(sf)

    assert [] == local_org.rows("SELECT Id FROM Account")


def test_a_query_that_the_org_refuses(sf: Org) -> None:
    with pytest.raises(ApiError, match="No such column 'Nope' on entity 'Account'"):
        sf.query("SELECT Nope FROM Account")


def test_a_chunked_query_goes_through_the_first_api(sf: Org, local_org: LocalOrg) -> None:
    local_org.holds("Account", 250)

    result = sf.query("SELECT Id FROM Account", pk_chunking=PkChunking(100))

    assert 250 == len(list(result))
    assert ("bulk1", "PK chunking is asked for") == (result.receipt["api"], result.receipt["why"])
    assert 3 == len(result.receipt["jobs"])


def test_an_input_without_rows_is_done_at_once(sf: Org, local_org: LocalOrg) -> None:
    result = sf.insert("Account", [])

    assert (0, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert 0 == local_org.requests("ingest2.create_job")


def test_the_receipt_stands_in_the_run_folder(sf: Org, tmp_path: Path) -> None:
    result = sf.insert("Account", [{"Name": "x"}])

    stored = json.loads((tmp_path / "home" / "runs" / result.run_id / "receipt.json").read_text("utf-8"))
    assert stored == result.receipt
    assert {"read": 1, "sent": 1, "succeeded": 1, "failed": 0, "unprocessed": 0} == stored["rows"]
    assert stored["complete"] is True


def test_frames_of_every_kind_go_in_and_come_out(sf: Org) -> None:
    """The same cells, whatever carries them; large integers keep every digit beside a null."""
    pandas, polars, pyarrow = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    rows = {"Code__c": ["007", "é\n", "NA"], "Big__c": [2**53 - 1, None, 7], "Ready__c": [True, False, True]}
    frames = {"pandas": pandas.DataFrame(rows), "polars": polars.DataFrame(rows), "pyarrow": pyarrow.table(rows)}

    for frame in frames.values():
        assert 3 == sf.insert("Thing__c", frame).succeeded

    result = sf.query("SELECT Code__c, Big__c, Ready__c FROM Thing__c ORDER BY Id")
    expected = [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)] * 3
    if "Big__c" in result.to_arrow().column_names:
        table = result.to_arrow().to_pylist()
        assert [row["Code__c"] for row in expected] == [row["Code__c"] for row in table]
    assert [row["Code__c"] for row in expected] == list(result.to_pandas()["Code__c"])
    assert [row["Code__c"] for row in expected] == result.to_polars()["Code__c"].to_list()
    assert expected == list(result)


def test_jobs_of_both_apis_are_listed(sf: Org) -> None:
    sf.insert("Account", [{"Name": "x"}], api="bulk2")
    sf.insert("Account", [{"Name": "x"}], api="bulk1")
    sf.query("SELECT Id FROM Account")

    assert {"V2Ingest", "Classic", "V2Query"} == {job.job_type for job in sf.jobs()}
    assert 3 == len({job.id for job in sf.jobs()})


def test_a_file_with_short_rows_is_reconciled_all_the_same(sf: Org, tmp_path: Path) -> None:
    """Missing cells at the end are empty ones to the org; the account of the rows still adds up."""
    (tmp_path / "short.csv").write_text("Name,Site,Description\nfine,here,x\nshort\nalso,there\n", "utf-8")

    result = sf.insert("Account", tmp_path / "short.csv", api="bulk2")

    assert ["succeeded"] * 3 == [outcome.state for outcome in result]

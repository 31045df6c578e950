"""Pages that are too large to be held: what is wrong with them is found out at their end, when rows were handed out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.engine.extract import HELD_BYTES
from salesforce_bulk.errors import MalformedResult, ReconciliationError

SOQL = "SELECT Id, Name, Description FROM Account"
ROWS = 3_000


@pytest.fixture
def sf(local_org: LocalOrg) -> Iterator[Org]:
    local_org.holds("Account", [{"Name": f"n{n}", "Description": "x" * 100} for n in range(ROWS)])
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url), api_version="66.0") as sf:
        yield sf


def ids(local_org: LocalOrg) -> list[str]:
    return [row["Id"] for row in local_org.rows("SELECT Id FROM Account")]


@pytest.mark.parametrize("fault", ["short-page", "malformed-csv", "truncated", "wrong-count"])
@pytest.mark.parametrize("way", ["to_csv", "to_jsonl", "to_parquet", "to_arrow_file"])
def test_a_whole_file_is_read_once_more_from_its_beginning(
    local_org: LocalOrg, sf: Org, tmp_path: Path, way: str, fault: str
) -> None:
    """Nothing had been handed out, so nobody sees that it was read twice."""
    local_org.faults.plan("query2.results", fault)
    result = sf.query(SOQL)

    assert ROWS == getattr(result, way)(tmp_path / "rows")

    assert (tmp_path / "rows").stat().st_size > (HELD_BYTES if way in ("to_csv", "to_jsonl") else 0)
    assert 2 == local_org.requests("query2.results")
    assert result.receipt["complete"]
    assert {"expected": ROWS, "received": ROWS, "written": ROWS} == result.receipt["rows"]


def test_a_table_is_read_once_more(local_org: LocalOrg, sf: Org) -> None:
    local_org.faults.plan("query2.results", "short-page")

    assert ids(local_org) == sf.query(SOQL).to_arrow()["Id"].to_pylist()
    assert 2 == local_org.requests("query2.results")


def test_rows_that_were_handed_out_are_not_taken_back(local_org: LocalOrg, sf: Org) -> None:
    """They are right; that one is missing is an error at their end."""
    local_org.faults.plan("query2.results", "short-page")
    result, rows = sf.query(SOQL), []

    with pytest.raises(ReconciliationError) as short:
        rows.extend(result)

    assert (
        "The query found 3000 rows by what the job says, and 2999 were read.\n"
        "The result is not complete; no file was written.\nRead it again, or run the query again."
    ) == str(short.value)
    assert {"expected": 3_000, "received": 2_999} == short.value.numbers
    assert not result.receipt["complete"]
    assert ids(local_org) == [row["Id"] for row in result]


@pytest.mark.parametrize(("fault", "kind"), [("short-page", ReconciliationError), ("malformed-csv", MalformedResult)])
def test_what_is_wrong_twice_is_an_error_and_no_file(
    local_org: LocalOrg, sf: Org, tmp_path: Path, fault: str, kind: type[Exception]
) -> None:
    local_org.faults.plan("query2.results", fault, times=2)

    with pytest.raises(kind):
        sf.query(SOQL).to_csv(tmp_path / "rows.csv")

    assert [] == list(tmp_path.iterdir())

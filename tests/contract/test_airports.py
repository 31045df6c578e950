"""The airports of the world through every kind of input, on every API: the same cells come back."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import airportsdata
import pytest

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [
        {
            "Key__c": code,
            "Name": airport["name"] or code,
            "AccountNumber": airport["iata"] or None,
            "Site": airport["city"] or None,
            "BillingState": airport["subd"] or None,
            "BillingLatitude": airport["lat"],
            "BillingLongitude": airport["lon"],
            "Score__c": airport["elevation"],
            "Description": f'{airport["name"]}, "{airport["city"]}"\r\n{airport["tz"]}\nend',
        }
        for code, airport in airportsdata.load().items()
    ]


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


def as_csv(rows: list[Row], folder: Path) -> Path:
    path = folder / "airports.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_parquet(rows: list[Row], folder: Path) -> Path:
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(as_arrow(rows, folder), folder / "airports.parquet")
    return folder / "airports.parquet"


def as_arrow(rows: list[Row], folder: Path) -> Any:
    return pytest.importorskip("pyarrow").Table.from_pylist(rows)


KINDS: dict[str, Callable[[list[Row], Path], Any]] = {
    "csv": as_csv,
    "generator": lambda rows, folder: (dict(row) for row in rows),
    "pandas": lambda rows, folder: pytest.importorskip("pandas").DataFrame(rows),
    "polars": lambda rows, folder: pytest.importorskip("polars").DataFrame(rows, infer_schema_length=None),
    "arrow": as_arrow,
    "parquet": as_parquet,
}


@pytest.mark.parametrize("api", ["bulk2", "bulk1", "rest"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_cells_come_back(sf: Org, rows: list[Row], tmp_path: Path, kind: str, api: str) -> None:
    """Commas, quotes, line breaks of both kinds, every alphabet, numbers of many digits, missing values."""
    result = sf.insert("Account", KINDS[kind](rows, tmp_path), api=api)

    assert (len(rows), 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    found = {row["Key__c"]: row for row in sf.query(f"SELECT Id, {', '.join(rows[0])} FROM Account")}
    ids = [outcome.id for outcome in result]
    assert rows == [{name: found[row["Key__c"]][name] for name in row} for row in rows]
    assert ids == [found[row["Key__c"]]["Id"] for row in rows]

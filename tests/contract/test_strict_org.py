"""An org that takes only what the guide names, and answers as it could but seldom does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.strict_org import StrictOrg, strict_org

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.errors import ApiError

SOQL = "SELECT Id, Size__c FROM Account"
FOUND = [["Id", "Size__c"], *([f"001{at:012d}AAA", str(at)] for at in range(5))]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path))


@contextmanager
def opened(**how: Any) -> Iterator[tuple[Org, StrictOrg]]:
    with strict_org(**how) as org:
        login = AccessToken("00Dxx0000001gPL!AQ0AQ", instance_url=org.url)
        with connect(login=login, api_version="66.0") as sf:
            yield sf, org


@pytest.mark.parametrize("created", ["true", "TRUE", "True"])
@pytest.mark.parametrize("rows", [3, 12_000])
def test_that_a_record_was_made_is_said_in_any_case(created: str, rows: int) -> None:
    """In both ways of matching."""
    with opened(created=created) as (sf, _):
        result = sf.insert("Account", [{"Name": f"n {row}"} for row in range(rows)], api="bulk2")

    assert rows == result.succeeded
    assert [f"001{row:012d}AAA" for row in range(rows)] == [outcome.id for outcome in result]
    assert {True} == {outcome.created for outcome in result}


def test_rows_are_loaded_where_no_gzip_is_taken() -> None:
    """Small ones at once, large ones when they were refused."""
    with opened(takes_gzip=False) as (sf, org):
        small = sf.insert("Account", [{"Name": "x"}], api="bulk2")
        large = sf.insert("Account", [{"Name": "x" * 1_000}] * 50, api="bulk2")

    assert (1, 50) == (small.succeeded, large.succeeded)
    assert 3 == sum(call.startswith("PUT") for call in org.heard)


def test_counters_of_a_load_that_lag_behind_its_end_are_asked_for_again() -> None:
    with opened(lag=3) as (sf, _):
        result = sf.insert("Account", [{"Name": "a"}, {"Name": "b"}], api="bulk2")

    assert (2, True) == (result.succeeded, result.receipt["complete"])


def test_the_number_of_a_query_that_lags_behind_its_end_is_asked_for_again() -> None:
    with opened(lag=3, found=FOUND) as (sf, _):
        result = sf.query(SOQL)

        assert [row[0] for row in FOUND[1:]] == [row["Id"] for row in result]
    assert (5, True) == (result.receipt["rows"]["expected"], result.receipt["complete"])


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 501])
def test_where_no_links_are_offered_one_page_leads_to_the_next(status: int) -> None:
    """Whatever word it is refused with: which, is not documented."""
    with opened(links=status, found=FOUND) as (sf, _):
        assert [0, 1, 2, 3, 4] == [row["Size__c"] for row in sf.query(SOQL)]


def test_a_few_rows_become_a_job_where_no_collections_are_offered() -> None:
    """Nothing of the call was heard, and nothing of its run is left."""
    with opened() as (sf, org):
        result = sf.upsert("Account", [{"Key__c": "a"}, {"Key__c": "b"}], external_id="Key__c")

        assert [result.run_id] == [run.run_id for run in sf.runs()]
    assert (2, "bulk2", "REST is not offered for it here (HTTP 404)") == (
        result.succeeded,
        result.receipt["api"],
        result.receipt["why"],
    )
    assert 1 == sum("/composite/" in call for call in org.heard)


def test_rest_that_was_asked_for_is_not_given_up() -> None:
    with opened() as (sf, org), pytest.raises(ApiError, match="was refused with HTTP 404 NOT_FOUND"):
        sf.upsert("Account", [{"Key__c": "a"}], external_id="Key__c", api="rest")

    assert not any("/jobs/" in call for call in org.heard)


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_without_a_describe_all_is_text(status: int) -> None:
    """A user who may read the records and not their describe still reads them, and the receipt says how."""
    with opened(described=status, found=FOUND) as (sf, _):
        result = sf.query(SOQL)

        assert ["0", "1", "2", "3", "4"] == [row["Size__c"] for row in result]
    assert ["Id", "Size__c"] == result.receipt["text_columns"]

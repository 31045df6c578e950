"""Clients that were not made by us, unmodified, each in its own environment, against the local org."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesforce_bulk.emulator import LocalOrg
from tests.foreign.environments import run, run_node

pytestmark = pytest.mark.foreign

#: What Bulk API 1.0 says of a query that cannot be.
NO_COLUMN = "InvalidBatch : Failed to process query: INVALID_FIELD: \nSELECT Bogus FROM Account"


def test_simple_salesforce_does_everything_by_bulk_1(cache: Path, org: LocalOrg) -> None:
    """25,000 rows go in through JSON batches and come back the same; each of its seven verbs does what it says."""
    report = run(cache, "simple-salesforce", "simple_salesforce_bulk1.py", org)

    assert 25_000 == report["inserted"] == report["found"]
    assert report["same_names"]
    assert report["same_text"]
    assert "int" == report["created_date"]
    assert (100, 110) == (report["updated"], report["emptied"])
    assert ([10, 10], ["STRING_TOO_LONG"]) == (report["upserted"], report["not_upserted"])
    assert "k24990" == report["named"]
    assert (100, 50) == (report["deleted"], report["hard_deleted"])
    assert (24_860, [24_860, 100]) == (report["left"], report["with_deleted"])
    assert (1, True) == (report["by_rest"], report["objects"])
    assert "REQUIRED_FIELD_MISSING" == report["refused"]
    assert report["failed"].startswith(f"Error Code Failed. Response content: {NO_COLUMN}")
    assert 12 == org.requests("bulk1.add_batch")


def test_simple_salesforce_does_everything_by_bulk_2(cache: Path, org: LocalOrg) -> None:
    """25,000 rows go in through three jobs and come back in pages and in files; each of its seven verbs does what it says."""
    report = run(cache, "simple-salesforce", "simple_salesforce_bulk2.py", org)

    assert (25_000, 3) == (report["inserted"], report["jobs"])
    assert ([10, 10], []) == (report["upserted"], report["unprocessed"])
    assert ["STRING_TOO_LONG"] * 2 == report["not_upserted"]
    assert 100 == report["updated"] == report["changed"]
    assert (100, 50) == (report["deleted"], report["hard_deleted"])
    assert 24_860 == report["found"] == report["keys"] == report["downloaded"]
    assert 24_960 == report["with_deleted"]
    assert report["same_text"]
    assert report["refused"].startswith("REQUIRED_FIELD_MISSING:")
    assert report["failed"].endswith("InvalidBatch : Field name not found : Nmae")
    assert org.requests("query2.results") == report["pages"] + report["files"] + 1


def test_the_old_salesforce_bulk_does_everything(cache: Path, org: LocalOrg) -> None:
    """The released 2.2.0: six kinds of jobs; CSV, JSON and XML; a mapping; chunks by primary key; states, lists, an abort; errors
    that pickle."""
    report = run(cache, "salesforce-bulk==2.2.0", "salesforce_bulk_2_2_0.py", org)

    assert 25_000 == report["inserted"] == report["found"]
    assert (["Completed"] * 3, ["Closed", "25000"]) == (report["batches"], report["job"])
    assert report["same_names"]
    assert report["same_text"]
    assert 100 == report["updated"]
    assert ([10, 10], ["STRING_TOO_LONG"]) == (report["upserted"], report["not_upserted"])
    assert ([[True, True]], ["true"]) == (report["as_xml"], report["mapped"])
    assert 100 == report["deleted"]
    # 110 as above, and those of XML and of the mapping.
    assert (24_912, 112, [24_912, 100]) == (report["left"], report["emptied"], report["with_deleted"])
    assert (3, 24_912) == (report["chunks"], report["chunked"])
    assert ["Local Admin"] == report["as_json"]
    assert "Aborted" == report["aborted"]
    assert "<exceptionMessage>Unable to find object: Accuont</exceptionMessage>" in report["refused"]
    assert report["failed"].startswith(NO_COLUMN)
    [mapped] = org.rows("SELECT Name, Phone FROM Account WHERE Phone = '555'")
    assert {"Name": "Mapped", "Phone": "555"} == mapped


def test_jsforce_does_everything_by_bulk_1(cache: Path, org: LocalOrg) -> None:
    """25,000 rows in three jobs, seven operations, a refusal, a failure, an abort."""
    report = run_node(cache, "@jsforce/jsforce-node", "jsforce_bulk1.cjs", org)

    assert 25_000 == report["inserted"] == report["found"] == report["sameText"]
    assert ["Local Admin"] == report["owners"]
    assert (100, 110) == (report["updated"], report["emptied"])
    # One row had a key that was there, and nothing else.
    assert [11, 10] == report["upserted"]
    assert ["STRING_TOO_LONG"] == report["tooLong"]
    assert (100, 50) == (report["deleted"], report["hardDeleted"])
    assert (24_860, [24_860, 100]) == (report["left"], report["withDeleted"])
    assert "InvalidJob: Unable to find object: Accuont" == report["refused"]
    assert "Error: InvalidBatch : Field name not found : Nmae" == report["failed"]
    assert ("Open", 0, "Aborted") == (report["made"], report["batches"], report["aborted"])


def test_jsforce_does_everything_by_bulk_2(cache: Path, org: LocalOrg) -> None:
    """25,000 rows in one job, seven operations, a refusal, a failure, an abort; and a collection."""
    report = run_node(cache, "@jsforce/jsforce-node", "jsforce_bulk2.cjs", org)

    assert (25_000, 0, 0) == (report["inserted"], report["failedRows"], report["unprocessed"])
    assert ["false", "false", "true"] == report["upserted"]
    assert (100, 100, 50) == (report["updated"], report["deleted"], report["hardDeleted"])
    assert 100 == report["changed"]
    assert (24_851, [24_851, 100]) == (report["found"], report["withDeleted"])
    assert 24_850 == report["sameText"]
    assert ["Local Admin"] == report["owners"]
    assert report["failed"].endswith("InvalidBatch : Field name not found : Nmae")
    assert ("INVALID_FIELD", "Aborted", "NOT_FOUND") == (report["refused"], report["state"], report["gone"])
    assert [True, False] == report["collection"]


def test_aio_sf_logs_in_and_does_everything(cache: Path, org: LocalOrg) -> None:
    """Client credentials and their introspection, describe, limits, collections, and Bulk API 2.0 queries into rows and Parquet."""
    report = run(cache, "aio-sf==0.1.0b14", "aio_sf_everything.py", org, org.client_id, org.client_secret)

    assert 600 == report["inserted"]
    assert (10, [True, False]) == (report["updated"], report["upserted"])
    assert ["STRING_TOO_LONG"] == report["refused"]
    assert 5 == report["deleted"]
    assert (596, 601) == (report["found"], report["with_deleted"])
    assert report["same_text"]
    types = {"id": "string", "name": "string", "annualrevenue": "double"}
    assert {"rows": 596, **types} == report["parquet"]
    assert 596 == report["by_rest"]
    assert (True, 115_000) == (report["account"], report["requests"])
    assert 1 == org.requests("oauth.introspect")

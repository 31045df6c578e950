"""Checked by the type checker, never run: programs as their authors type them."""

from __future__ import annotations

from collections.abc import Iterator

from salesforce_bulk import (
    AccessToken,
    BulkApiError,
    CsvDictsAdapter,
    Org,
    SalesforceBulk,
    UploadResult,
    connect,
)
from salesforce_bulk.records import Outcome


def old(bulk: SalesforceBulk) -> list[UploadResult]:
    job: str = bulk.create_insert_job("Account", contentType="CSV", concurrency="Serial")
    batch: str = bulk.post_batch(job, CsvDictsAdapter(iter([{"Name": "x"}])))
    bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=1)
    bulk.close_job(job)
    results: list[UploadResult] = bulk.get_batch_results(batch)
    return results


def refused(error: BulkApiError) -> int | None:
    return error.status_code


def new(token: str) -> Iterator[Outcome]:
    org: Org = connect(login=AccessToken(token, instance_url="https://acme.my.salesforce.com"), api_version="66.0")
    with org as sf:
        for row in sf.query("SELECT Id FROM Account"):
            row["Id"]
        result = sf.upsert("Account", [{"Key__c": "A"}], external_id="Key__c", nulls="clear", part_rows=100)
        yield from result

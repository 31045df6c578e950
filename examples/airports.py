"""The airports of the world, in and out of an org.

Loads some 28,000 real rows (commas, quotes, every alphabet) as Accounts through Bulk API 1.0 batches, updates some, reads
them back through PK chunking, and compares every cell with the source. It runs against a local org, in this process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice

import airportsdata

from salesforce_bulk import CsvDictsAdapter, SalesforceBulk
from salesforce_bulk.emulator import LocalOrg

BATCH_ROWS = 5_000  # the service takes at most 10,000 in a batch
CHUNK_ROWS = 5_000  # ids per range of the chunked query; the service advises 100,000, which would be one range here
NUMBERS = {"BillingLatitude", "BillingLongitude", "Score__c"}

Row = dict[str, object]


def accounts() -> list[Row]:
    """The airports, as Accounts. An airport without a name goes by its code."""
    return [
        {
            "Key__c": code,
            "Name": airport["name"] or code,
            "AccountNumber": airport["iata"],
            "Sic": airport["lid"],
            "Site": airport["city"],  # a BillingCity has room for 40 characters, some towns need 47
            "BillingState": airport["subd"],
            "BillingCountry": airport["country"],
            "BillingLatitude": airport["lat"],
            "BillingLongitude": airport["lon"],
            "Score__c": airport["elevation"],
            "Description": f'{airport["name"]}, "{airport["city"]}"\ntime zone: {airport["tz"]}',
        }
        for code, airport in airportsdata.load().items()
    ]


def groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rows = iter(rows)
    while group := list(islice(rows, size)):
        yield group


def progress(text: str, *, done: bool = False) -> None:
    """One line that is written over while things run; what is done stays."""
    if sys.stderr.isatty():
        print(f"\r\033[K{'' if done else '  ' + text}", end="", file=sys.stderr, flush=True)
    if done:
        print(f"  {text}", flush=True)


def load(bulk: SalesforceBulk, job: str, rows: list[Row]) -> list[str]:
    """Send *rows* in batches and wait for them; the ids of the records, in the order of the rows."""
    began = time.monotonic()
    batches = []
    for group in groups(rows, BATCH_ROWS):
        batches.append(bulk.post_batch(job, CsvDictsAdapter(iter(group))))
        progress(f"sent {min(len(batches) * BATCH_ROWS, len(rows)):,} of {len(rows):,} rows")
    bulk.close_job(job)

    ids: list[str] = []
    for number, batch in enumerate(batches, 1):
        bulk.wait_for_batch(job, batch, timeout=300)
        results = bulk.get_batch_results(batch)
        failed = [result.error for result in results if result.success != "true"]
        if failed:
            raise SystemExit(f"{len(failed)} rows of batch {batch} failed, the first with: {failed[0]}")
        ids += [result.id for result in results]
        progress(f"{len(ids):,} rows done, batch {number} of {len(batches)}")
    progress(
        f"{len(ids):,} rows in {len(batches)} batch{'es' if len(batches) > 1 else ''}, {time.monotonic() - began:.1f} s",
        done=True,
    )
    return ids


def read_back(bulk: SalesforceBulk, columns: list[str]) -> dict[str, dict[str, str]]:
    """All accounts that have a key, by their key. The org cuts the query into ranges of ids."""
    began = time.monotonic()
    job = bulk.create_query_job("Account", contentType="CSV", pk_chunking=CHUNK_ROWS)
    batch = bulk.query(job, f"SELECT Id, {', '.join(columns)} FROM Account WHERE Key__c != NULL")
    bulk.wait_for_batch(job, batch, timeout=300, pk_chunking=True)
    found: dict[str, dict[str, str]] = {}
    ranges = [info["id"] for info in bulk.get_batch_list(job) if info["state"] == "Completed"]
    for number, chunk in enumerate(ranges, 1):
        for row in bulk.get_batch_result_iter(job, chunk, parse_csv=True):
            found[row["Key__c"]] = row
        progress(f"{len(found):,} rows read, range {number} of {len(ranges)}")
    bulk.close_job(job)
    progress(f"{len(found):,} rows in {len(ranges)} ranges of ids, {time.monotonic() - began:.1f} s", done=True)
    return found


def same(column: str, sent: object, read: str) -> bool:
    if column in NUMBERS:
        return read != "" and float(str(sent)) == float(read)
    return str(sent) == read


def main() -> None:
    rows = accounts()
    cells = sum(len(row) for row in rows)
    with LocalOrg() as org:
        print(f"Airports of the world: {len(rows):,} rows, {cells:,} cells. Local org at {org.url}")
        bulk = SalesforceBulk(sessionId=org.access_token, host=org.url)

        print("Insert, in Bulk API 1.0 batches")
        ids = load(bulk, bulk.create_insert_job("Account", contentType="CSV"), rows)

        print("Update those of Iceland")
        changes = []
        for row, record_id in zip(rows, ids, strict=True):
            if row["BillingCountry"] == "IS":
                row["Description"] = "Flugvöllur á Íslandi ✈"
                changes.append({"Id": record_id, "Description": row["Description"]})
        load(bulk, bulk.create_update_job("Account", contentType="CSV"), changes)

        print("Query, with PK chunking")
        found = read_back(bulk, list(rows[0]))

        print("Compare with the source")
        wrong = [
            (row["Key__c"], column, row[column], found.get(str(row["Key__c"]), {}).get(column))
            for row, record_id in zip(rows, ids, strict=True)
            for column in row
            if found.get(str(row["Key__c"]), {}).get("Id") != record_id
            or not same(column, row[column], found[str(row["Key__c"])][column])
        ]
        for key, column, sent, read in wrong[:5]:
            print(f"  {key} {column}: sent {sent!r}, read {read!r}", file=sys.stderr)
        print(f"  {cells - len(wrong):,} of {cells:,} cells are the same, {len(found):,} of {len(rows):,} rows")
        print(f"The code: {__file__.rpartition('/')[2]} in examples/")
        if wrong or len(found) != len(rows):
            raise SystemExit(1)


if __name__ == "__main__":
    main()

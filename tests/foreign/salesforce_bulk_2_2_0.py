"""The released salesforce-bulk 2.2.0 against a local org: insert 25,000 accounts from CSV and read them back, as CSV and JSON.

    python salesforce_bulk_2_2_0.py URL TOKEN

Runs in an environment of its own, in which ``salesforce_bulk`` is the old library. Prints one line of JSON.
"""

import json
import sys
import time
from importlib.metadata import version

import unicodecsv

from salesforce_bulk import CsvDictsAdapter, SalesforceBulk

ROWS = 25_000


def main(url: str, token: str) -> dict:
    bulk = SalesforceBulk(sessionId=token, host=url)
    begun = time.monotonic()
    rows = [{"Name": f"Old {n}, Ltd", "Description": 'say "hi"\nand é'} for n in range(ROWS)]
    job = bulk.create_insert_job("Account", contentType="CSV", concurrency="Parallel")
    batches = [bulk.post_batch(job, CsvDictsAdapter(iter(rows[n : n + 10_000]))) for n in range(0, ROWS, 10_000)]
    for batch in batches:
        bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=0.1)
    saved = [row for batch in batches for row in bulk.get_batch_results(batch, job)]
    bulk.close_job(job)
    inserted = time.monotonic()

    job = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(job, "SELECT Id, Name, Description FROM Account")
    bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=0.1)
    found = [
        row
        for file in bulk.get_all_results_for_query_batch(batch, job)
        for row in unicodecsv.DictReader(file, encoding="utf-8")
    ]
    bulk.close_job(job)

    job = bulk.create_query_job("Account", contentType="JSON")
    batch = bulk.query(job, "SELECT Id, Owner.Name FROM Account WHERE Name = 'Old 7, Ltd'")
    bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=0.1)
    as_json = [row for file in bulk.get_all_results_for_query_batch(batch, job) for row in json.loads(file.read())]
    bulk.close_job(job)
    return {
        "client": f"salesforce-bulk {version('salesforce-bulk')}",
        "inserted": sum(row.success == "true" for row in saved),
        "found": len(found),
        "same_names": {row["Name"] for row in found} == {row["Name"] for row in rows},
        "same_text": all(row["Description"] == rows[0]["Description"] for row in found),
        "as_json": len(as_json),
        "insert_seconds": round(inserted - begun, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

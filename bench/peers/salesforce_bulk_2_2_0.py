"""The old library 2.2.0, as its README uses it: python salesforce_bulk_2_2_0.py TASK URL ROWS

Runs in an environment of its own. Prints a line of JSON; ``seconds``, ``cpu_seconds``: without start-up.
"""

import json
import sys
import time
from itertools import islice
from pathlib import Path

import unicodecsv

from salesforce_bulk import CsvDictsAdapter, SalesforceBulk

sys.path.append(str(Path(__file__).parents[1]))
import data

BATCH_ROWS = 10_000


def read(bulk, rows):
    job = bulk.create_query_job("Contact", contentType="CSV")
    batch = bulk.query(job, f"SELECT Id FROM Contact LIMIT {rows}")
    bulk.close_job(job)
    count = 0
    for result in bulk.get_all_results_for_query_batch(batch):
        for _ in unicodecsv.DictReader(result, encoding="utf-8"):
            count += 1
    return count


def load(bulk, rows):
    job = bulk.create_insert_job("Contact", contentType="CSV")
    given = data.dict_rows(rows)
    sizes = [min(BATCH_ROWS, rows - first) for first in range(0, rows, BATCH_ROWS)]
    batches = [bulk.post_batch(job, CsvDictsAdapter(islice(given, size))) for size in sizes]
    bulk.close_job(job)
    count = 0
    for batch in batches:
        bulk.wait_for_batch(job, batch)
        count += len(bulk.get_batch_results(batch))
    return count


if __name__ == "__main__":
    task, url, rows = sys.argv[1:]
    wall, cpu = time.perf_counter(), time.process_time()
    found = {"read": read, "load": load}[task](SalesforceBulk(sessionId="x", host=url), int(rows))
    if found != int(rows):
        raise SystemExit(f"salesforce-bulk 2.2.0: {found} rows of {rows}")
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"rows": found, "seconds": seconds, "cpu_seconds": cpu_seconds}))

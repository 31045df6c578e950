"""The released salesforce-bulk 2.2.0 against a local org: all its operations, CSV, JSON and XML, states, lists and an abort.

    python salesforce_bulk_2_2_0.py URL TOKEN

Runs in an environment of its own, in which ``salesforce_bulk`` is the old library. Prints one line of JSON.
"""

import json
import pickle
import sys
import time
from importlib.metadata import version

import unicodecsv

from salesforce_bulk import BulkApiError, CsvDictsAdapter, SalesforceBulk
from salesforce_bulk.salesforce_bulk import BulkBatchFailed

ROWS = 25_000
TEXT = 'say "hi"\nand é'


class Old:
    def __init__(self, url: str, token: str) -> None:
        self.bulk = SalesforceBulk(sessionId=token, host=url)

    def load(self, job: str, batches: list) -> list:
        """Its rows are UploadResults."""
        posted = [self.bulk.post_batch(job, batch) for batch in batches]
        self.bulk.close_job(job)
        for batch in posted:
            self.bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=0.1)
        return [row for batch in posted for row in self.bulk.get_batch_results(batch, job)]

    def rows(self, make_job, soql: str, **options) -> list:
        """As CSV."""
        job = make_job("Account", contentType="CSV", **options)
        batch = self.bulk.query(job, soql)
        self.bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=0.1)
        self.bulk.close_job(job)
        files = self.bulk.get_all_results_for_query_batch(batch, job)
        return [row for file in files for row in unicodecsv.DictReader(file, encoding="utf-8")]


def csv_of(rows: list) -> CsvDictsAdapter:
    return CsvDictsAdapter(iter(rows))


def main(url: str, token: str) -> dict:
    old = Old(url, token)
    bulk = old.bulk
    begun = time.monotonic()
    rows = [{"Name": f"Old {n}, Ltd", "Description": TEXT, "Key__c": f"k{n}"} for n in range(ROWS)]
    job = bulk.create_insert_job("Account", contentType="CSV", concurrency="Parallel")
    saved = old.load(job, [csv_of(rows[n : n + 10_000]) for n in range(0, ROWS, 10_000)])
    inserted = time.monotonic()
    listed = bulk.get_batch_list(job)
    status = bulk.job_status(job)
    found = old.rows(bulk.create_query_job, "SELECT Id, Name, Description FROM Account")

    ids = [{"Id": row.id} for row in saved]
    job = bulk.create_update_job("Account", contentType="CSV", concurrency="Serial")
    updated = old.load(job, [csv_of([{**one, "Description": "#N/A"} for one in ids[:100]])])
    job = bulk.create_upsert_job("Account", "Key__c", contentType="JSON")
    changes = [{"Key__c": f"k{n}", "Name": f"New {n}"} for n in range(ROWS - 10, ROWS + 10)]
    changes.append({"Key__c": "k7", "Phone": "9" * 41})
    upserted = old.load(job, [json.dumps(changes)])
    job = bulk.create_delete_job("Account", contentType="CSV")
    deleted = old.load(job, [csv_of(ids[100:200])])
    xml = (
        '<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload"><sObject><Name>X</Name></sObject></sObjects>'
    )
    as_xml = old.load(bulk.create_insert_job("Account", contentType="XML"), [xml])

    job = bulk.create_insert_job("Account", contentType="CSV")
    bulk.post_mapping_file(job, b"Salesforce Field,Csv Header,Value,Hint\nName,Company,,\nPhone,,555,\n")
    mapped = old.load(job, [b"Company\nMapped\n"])

    left = old.rows(bulk.create_query_job, "SELECT Id, Description FROM Account")
    with_deleted = old.rows(bulk.create_queryall_job, "SELECT Id, IsDeleted FROM Account")
    job = bulk.create_query_job("Account", contentType="CSV", pk_chunking=10_000)
    bulk.query(job, "SELECT Id FROM Account")
    bulk.close_job(job)
    while True:
        states = [batch["state"] for batch in bulk.get_batch_list(job)]
        if "Completed" in states and not {"Queued", "InProgress"} & set(states):
            break
        time.sleep(0.1)
    chunked = 0
    for batch in bulk.get_batch_list(job):
        if batch["state"] == "Completed":
            for file in bulk.get_all_results_for_query_batch(batch["id"], job):
                chunked += len(list(unicodecsv.DictReader(file)))

    job = bulk.create_query_job("Account", contentType="JSON")
    soql = "SELECT Id, Owner.Name FROM Account WHERE Name = 'Old 7, Ltd'"
    batch = bulk.query(job, soql)
    bulk.wait_for_batch(job, batch, timeout=60, sleep_interval=0.1)
    as_json = [row for file in bulk.get_all_results_for_query_batch(batch, job) for row in json.loads(file.read())]
    bulk.close_job(job)

    job = bulk.create_insert_job("Account", contentType="CSV")
    bulk.abort_job(job)
    try:
        bulk.create_insert_job("Accuont")
        refused = ""
    except BulkApiError as error:
        refused = str(pickle.loads(pickle.dumps(error)))
    failing = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(failing, "SELECT Bogus FROM Account")
    try:
        bulk.wait_for_batch(failing, batch, timeout=60, sleep_interval=0.1)
        failed = ""
    except BulkBatchFailed as error:
        failed = error.state_message
    return {
        "client": f"salesforce-bulk {version('salesforce-bulk')}",
        "inserted": sum(row.success == "true" for row in saved),
        "batches": [batch["state"] for batch in listed],
        "job": [status["state"], status["numberRecordsProcessed"]],
        "found": len(found),
        "same_names": {row["Name"] for row in found} == {row["Name"] for row in rows},
        "same_text": all(row["Description"] == TEXT for row in found),
        "updated": sum(row.success == "true" for row in updated),
        "upserted": [sum(row.success and row.created is made for row in upserted) for made in (False, True)],
        "not_upserted": [row.error[0]["statusCode"] for row in upserted if not row.success],
        "deleted": sum(row.success == "true" for row in deleted),
        "as_xml": [(row.success, row.created) for row in as_xml],
        "mapped": [row.success for row in mapped],
        "left": len(left),
        "emptied": sum(not row["Description"] for row in left),
        "with_deleted": [sum(row["IsDeleted"] == gone for row in with_deleted) for gone in ("false", "true")],
        "chunked": chunked,
        "chunks": states.count("Completed"),
        "as_json": [row["Owner"]["Name"] for row in as_json],
        "aborted": bulk.job_state(job),
        "refused": refused,
        "failed": failed,
        "insert_seconds": round(inserted - begun, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

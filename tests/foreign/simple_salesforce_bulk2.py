"""simple-salesforce against a local org by its Bulk API 2.0 handler: all its verbs.

    python simple_salesforce_bulk2.py URL TOKEN

Runs in an environment of its own and knows nothing of salesforce_bulk. Prints one line of JSON.
"""

import csv
import io
import json
import sys
import tempfile
import time
from importlib.metadata import version

from simple_salesforce import Salesforce

ROWS = 25_000
TEXT = 'say "hi"\nand é'


def rows_of(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def main(url: str, token: str) -> dict:
    sf = Salesforce(instance=url.removeprefix("http://"), session_id=token)
    # It builds https URLs whatever it is given; they can be put right afterwards.
    for name in ("base_url", "bulk_url", "bulk2_url"):
        setattr(sf, name, getattr(sf, name).replace("https://", "http://"))
    accounts = sf.bulk2.Account
    rows = [
        {"Name": f"Foreign {n}, Ltd", "Description": TEXT, "AnnualRevenue": str(n + 0.5), "Key__c": f"k{n}"}
        for n in range(ROWS)
    ]
    begun = time.monotonic()
    jobs = accounts.insert(records=rows, batch_size=10_000, wait=1)
    inserted = time.monotonic()
    saved = [row for job in jobs for row in rows_of(accounts.get_successful_records(job["job_id"]))]

    changes = [{"Key__c": f"k{n}", "Name": "Old", "Phone": f"{n}"} for n in range(ROWS - 10, ROWS)]
    changes += [{"Key__c": f"k{n}", "Name": "New", "Phone": f"{n}"} for n in range(ROWS, ROWS + 10)]
    changes += [{"Key__c": f"k{n}", "Name": "Too long a phone", "Phone": "9" * 41} for n in range(2)]
    upsert = accounts.upsert(records=changes, external_id_field="Key__c", wait=1)[0]
    outcomes = accounts.get_all_ingest_records(upsert["job_id"])
    ids = [{"Id": row["sf__Id"]} for row in saved if int(row["Key__c"][1:]) < ROWS - 10]
    updated = accounts.update(records=[{**one, "Phone": "#N/A", "Name": "Changed"} for one in ids[:100]], wait=1)[0]
    deleted = accounts.delete(records=ids[100:200], wait=1)[0]
    hard_deleted = accounts.hard_delete(records=ids[200:250], wait=1)[0]

    pages = list(accounts.query("SELECT Id, Name, Description, Key__c, Phone FROM Account", max_records=10_000, wait=1))
    found = [row for page in pages for row in rows_of(page)]
    with tempfile.TemporaryDirectory() as folder:
        files = accounts.download("SELECT Id FROM Account", path=folder, max_records=20_000, wait=1)
        downloaded = sum(file["number_of_records"] for file in files)
    with_deleted = [row for page in accounts.query_all("SELECT Id FROM Account", wait=1) for row in rows_of(page)]
    refused = sf.bulk2.Contact.insert(records=[{"FirstName": "Nobody"}], wait=1)[0]
    failure = rows_of(sf.bulk2.Contact.get_failed_records(refused["job_id"]))[0]
    try:
        accounts.insert(records=[{"Nmae": "x"}], wait=1)
        failed = ""
    except Exception as error:
        failed = str(error)
    return {
        "client": f"simple-salesforce {version('simple-salesforce')}",
        "inserted": len(saved),
        "jobs": len(jobs),
        "upserted": [
            sum(row["sf__Created"] == made for row in outcomes["successfulRecords"]) for made in ("false", "true")
        ],
        "not_upserted": [row["sf__Error"].split(":")[0] for row in outcomes["failedRecords"]],
        "unprocessed": outcomes["unprocessedRecords"],
        "updated": updated["numberRecordsProcessed"] - updated["numberRecordsFailed"],
        "changed": sum(row["Name"] == "Changed" for row in found),
        "deleted": deleted["numberRecordsProcessed"] - deleted["numberRecordsFailed"],
        "hard_deleted": hard_deleted["numberRecordsProcessed"] - hard_deleted["numberRecordsFailed"],
        "found": len(found),
        "pages": len(pages),
        "files": len(files),
        "downloaded": downloaded,
        "with_deleted": len(with_deleted),
        "same_text": all(row["Description"] == TEXT for row in found if row["Name"].startswith("Foreign")),
        "keys": len({row["Key__c"] for row in found}),
        "refused": failure["sf__Error"],
        "failed": failed,
        "insert_seconds": round(inserted - begun, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

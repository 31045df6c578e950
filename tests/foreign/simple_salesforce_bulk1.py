"""simple-salesforce against a local org by its Bulk API 1.0 handler: all its verbs, JSON throughout.

    python simple_salesforce_bulk1.py URL TOKEN

Runs in an environment of its own and knows nothing of salesforce_bulk. Prints one line of JSON.
"""

import json
import sys
import time
from importlib.metadata import version

from simple_salesforce import Salesforce

ROWS = 25_000
TEXT = 'say "hi"\nand é'


def main(url: str, token: str) -> dict:
    sf = Salesforce(instance=url.removeprefix("http://"), session_id=token)
    # It builds https URLs whatever it is given; they can be put right afterwards.
    for name in ("base_url", "bulk_url", "bulk2_url"):
        if hasattr(sf, name):
            setattr(sf, name, getattr(sf, name).replace("https://", "http://"))
    accounts = sf.bulk.Account
    rows = [
        {"Name": f"Foreign {n}, Ltd", "Description": TEXT, "AnnualRevenue": n + 0.5, "Key__c": f"k{n}"}
        for n in range(ROWS)
    ]
    begun = time.monotonic()
    saved = accounts.insert(rows, batch_size=10_000)
    inserted = time.monotonic()
    found = accounts.query("SELECT Id, Name, Description, AnnualRevenue, CreatedDate FROM Account", wait=1)
    queried = time.monotonic()

    ids = [{"Id": row["id"]} for row in saved]
    updated = accounts.update([{**one, "Description": None} for one in ids[:100]], use_serial=True)
    changes = [{"Key__c": f"k{n}", "Phone": f"{n}"} for n in range(ROWS - 10, ROWS)]
    changes += [{"Key__c": f"k{n}", "Name": f"New {n}"} for n in range(ROWS, ROWS + 10)]
    changes += [{"Key__c": "k7", "Phone": "9" * 41}]
    upserted = accounts.upsert(changes, "Key__c", batch_size="auto", include_detailed_results=True)
    deleted = accounts.delete(ids[100:200])
    hard_deleted = accounts.hard_delete(ids[200:250])
    after = accounts.query("SELECT Id, Description FROM Account", wait=1)
    with_deleted = accounts.query_all("SELECT Id, IsDeleted FROM Account", wait=1)
    by_rest = sf.query("SELECT Id, Name FROM Account WHERE Name = 'Foreign 7, Ltd'")
    refused = sf.bulk.Contact.insert([{"FirstName": "Nobody"}])
    try:
        accounts.query("SELECT Bogus FROM Account", wait=1)
        failed = ""
    except Exception as error:
        failed = str(error)
    return {
        "client": f"simple-salesforce {version('simple-salesforce')}",
        "inserted": sum(row["success"] for row in saved),
        "found": len(found),
        "same_names": {row["Name"] for row in found} == {row["Name"] for row in rows},
        "same_text": all(row["Description"] == TEXT for row in found),
        "created_date": type(found[0]["CreatedDate"]).__name__,
        "updated": sum(row["success"] for row in updated),
        "upserted": [sum(row["success"] and row["created"] is made for row in upserted) for made in (False, True)],
        "not_upserted": [row["errors"][0]["statusCode"] for row in upserted if not row["success"]],
        "named": upserted[0].get("Key__c"),
        "deleted": sum(row["success"] for row in deleted),
        "hard_deleted": sum(row["success"] for row in hard_deleted),
        "left": len(after),
        "emptied": sum(row["Description"] is None for row in after),
        "with_deleted": [sum(row["IsDeleted"] is gone for row in with_deleted) for gone in (False, True)],
        "by_rest": by_rest["totalSize"],
        "objects": len(sf.describe()["sobjects"]) > 0,
        "refused": refused[0]["errors"][0]["statusCode"],
        "failed": failed,
        "insert_seconds": round(inserted - begun, 2),
        "query_seconds": round(queried - inserted, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

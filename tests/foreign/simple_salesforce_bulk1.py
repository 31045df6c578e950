"""simple-salesforce against a local org: insert 25,000 accounts with its Bulk API 1.0 handler and read them back.

    python simple_salesforce_bulk1.py URL TOKEN

Runs in an environment of its own and knows nothing of salesforce_bulk. Prints one line of JSON.
"""

import json
import sys
import time
from importlib.metadata import version

from simple_salesforce import Salesforce

ROWS = 25_000


def main(url: str, token: str) -> dict:
    sf = Salesforce(instance=url.removeprefix("http://"), session_id=token)
    # It builds https URLs whatever it is given; they can be put right afterwards.
    for name in ("base_url", "bulk_url", "bulk2_url"):
        if hasattr(sf, name):
            setattr(sf, name, getattr(sf, name).replace("https://", "http://"))
    rows = [
        {"Name": f"Foreign {n}, Ltd", "Description": 'say "hi"\nand é', "AnnualRevenue": n + 0.5} for n in range(ROWS)
    ]
    begun = time.monotonic()
    saved = sf.bulk.Account.insert(rows, batch_size=10_000)
    inserted = time.monotonic()
    found = sf.bulk.Account.query("SELECT Id, Name, Description, AnnualRevenue, CreatedDate FROM Account")
    queried = time.monotonic()
    by_rest = sf.query("SELECT Id, Name FROM Account WHERE Name = 'Foreign 7, Ltd'")
    refused = sf.bulk.Contact.insert([{"FirstName": "Nobody"}])
    changed = sf.bulk.Account.update([{"Id": saved[0]["id"], "Description": None}])
    names = {row["Name"] for row in found}
    return {
        "client": f"simple-salesforce {version('simple-salesforce')}",
        "inserted": sum(row["success"] for row in saved),
        "found": len(found),
        "same_names": names == {row["Name"] for row in rows},
        "same_text": all(row["Description"] == rows[0]["Description"] for row in found),
        "created_date": type(found[0]["CreatedDate"]).__name__,
        "by_rest": by_rest["totalSize"],
        "versions": len(sf.describe()["sobjects"]) > 0,
        "refused": refused[0]["errors"][0]["statusCode"],
        "updated": changed[0]["success"],
        "insert_seconds": round(inserted - begun, 2),
        "query_seconds": round(queried - inserted, 2),
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))

"""simple-salesforce with its Bulk API 2.0 handler, as its documentation says, but that it does not pause before the first look.

    python simple_salesforce_bulk2.py TASK URL ROWS LOAD_CSV

Runs in an environment of its own, in the folder that takes its files. Prints a line of JSON.
"""

import csv
import io
import json
import sys

from simple_salesforce import Salesforce

#: Its own splitter overshoots its own limit on wide rows.
BATCH_ROWS = 250_000


def main(task, url, rows, load_csv):
    sf = Salesforce(instance=url.removeprefix("http://"), session_id="x", version="62.0")
    for name in ("base_url", "bulk_url", "bulk2_url"):  # it builds https URLs whatever it is given
        setattr(sf, name, getattr(sf, name).replace("https://", "http://"))
    contacts = sf.bulk2.Contact
    soql = f"SELECT Id FROM Contact LIMIT {rows}"
    if task == "download":
        return sum(page["number_of_records"] for page in contacts.download(soql, path=".", wait=0))
    count = 0
    if task == "rows":
        for page in contacts.query(soql, wait=0):
            for _ in csv.DictReader(io.StringIO(page, newline="")):
                count += 1
        return count
    for job in contacts.insert(csv_file=load_csv, wait=0, batch_size=BATCH_ROWS):
        text = contacts.get_successful_records(job["job_id"])
        for _ in csv.DictReader(io.StringIO(text, newline="")):
            count += 1
    return count


if __name__ == "__main__":
    found = main(*sys.argv[1:])
    if found != int(sys.argv[3]):
        raise SystemExit(f"simple-salesforce: {found} rows of {sys.argv[3]}")
    print(json.dumps({"rows": found}))

"""How fast the local org is: rows in by Bulk API 2.0, rows out again, beside the sqlite3 program on the same file.

    python bench/local_org.py                  # 1,000,000 accounts, kept in a temporary folder
    python bench/local_org.py --rows 100000    # a quick look

The org is a process of its own with a folder to keep its data in, as ``sfbulk local serve --data`` starts it: each step on
the disk, so that a kill loses nothing. What asks it is plain ``http.client``, which only passes bytes on. Each load is four
jobs, one after the other; "in" is the time from the creation of the first job until the last one is JobComplete, "out"
that from the creation of the query job until the last byte of its last page. The rows that come out are counted. sqlite3
imports the same file into a table without types, ids or indexes and writes it out again: less than an org has to do, as
fast as C does it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = ["Name", "Phone", "BillingCity", "AnnualRevenue", "NumberOfEmployees", "Key__c", "Description"]
CITIES = ["Zürich", "São Paulo", "大阪市", "Athens, GA", "Đà Nẵng", "Reykjavík", ""]
PARTS = 4
BASE = "/services/data/v62.0/jobs"


def write_rows(path: Path, numbers: range) -> None:
    """Seven columns, about 80 bytes a row; quotes and commas in some values, one city in seven is empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\n")
        for n in numbers:
            city = CITIES[n % len(CITIES)]
            quoted = f'"{city}"' if "," in city else city
            file.write(
                f'"Company {n}, Ltd",+1 555 {n:07d},{quoted},{n * 1.5},{n % 5000},K-{n:08d},"said ""yes"" {n} times"\n'
            )


@dataclass
class Org:
    url: str
    token: str
    process: subprocess.Popen[str]

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=600)

    def ask(self, method: str, path: str, body: Any = None, mime: str = "application/json") -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": mime}
        if isinstance(body, dict):
            body = json.dumps(body)
        if not isinstance(body, str | None):
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        self.connection.request(method, BASE + path, body, headers)
        answer = self.connection.getresponse()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.read(500)!r}")
        return answer

    def document(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return dict(json.loads(self.ask(method, path, body).read()))

    def wait(self, path: str) -> dict[str, Any]:
        while (job := self.document("GET", path))["state"] in ("UploadComplete", "InProgress"):
            time.sleep(0.05)
        if job["state"] != "JobComplete":
            raise SystemExit(f"{path} ended {job['state']}: {job.get('errorMessage')}")
        return job

    def load(self, operation: dict[str, Any], parts: list[Path]) -> float:
        """Seconds."""
        begun = time.perf_counter()
        for part in parts:
            job = self.document("POST", "/ingest", {"object": "Account", **operation})["id"]
            with part.open("rb") as file:
                self.ask("PUT", f"/ingest/{job}/batches", file, "text/csv").read()
            self.document("PATCH", f"/ingest/{job}", {"state": "UploadComplete"})
            if failed := self.wait(f"/ingest/{job}")["numberRecordsFailed"]:
                raise SystemExit(f"{failed} rows failed")
        return time.perf_counter() - begun

    def query(self, soql: str) -> tuple[float, float, int, int]:
        """Seconds until the result is there, seconds until it is read, rows, bytes."""
        begun = time.perf_counter()
        job = self.document("POST", "/query", {"operation": "query", "query": soql})["id"]
        self.wait(f"/query/{job}")
        ready = time.perf_counter() - begun
        rows, size, locator = 0, 0, ""
        while locator != "null":
            answer = self.ask("GET", f"/query/{job}/results" + (f"?locator={locator}" if locator else ""))
            rows += int(answer.headers["Sforce-NumberOfRecords"])
            locator = answer.headers["Sforce-Locator"] or "null"
            while piece := answer.read(1 << 20):
                size += len(piece)
        return ready, time.perf_counter() - begun, rows, size


@contextmanager
def served(folder: Path) -> Iterator[Org]:
    command = [sys.executable, "-m", "salesforce_bulk.emulator", "--port", "0", "--data", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        entrance = json.loads(process.stdout.readline())
        yield Org(entrance["url"], entrance["access_token"], process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def usage_of(process: subprocess.Popen[str]) -> tuple[float, float]:
    """End *process*: its processor seconds, and the peak of its memory in MB."""
    process.terminate()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return usage.ru_utime + usage.ru_stime, peak


def sqlite_seconds(folder: Path, parts: list[Path]) -> tuple[float, float] | None:
    """Import the parts with the sqlite3 program, and write all rows out as CSV."""
    program = shutil.which("sqlite3")
    if program is None:
        return None
    file = str(folder / "beside.sqlite")
    begun = time.perf_counter()
    for number, part in enumerate(parts):
        skip = "--skip 1 " if number else ""
        subprocess.run([program, file, f'.import --csv {skip}"{part}" Account'], check=True)
    imported = time.perf_counter()
    with (folder / "beside.csv").open("wb") as out:
        subprocess.run([program, "-csv", file, "SELECT * FROM Account"], stdout=out, check=True)
    return imported - begun, time.perf_counter() - imported


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--rows", type=int, default=1_000_000)
    reader.add_argument("--upsert", action="store_true", help="then change every record by its external id, too")
    chosen = reader.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-local-org-") as name:
        folder = Path(name)
        parts = []
        for number in range(PARTS):
            part = folder / f"part{number}.csv"
            write_rows(part, range(chosen.rows * number // PARTS, chosen.rows * (number + 1) // PARTS))
            parts.append(part)
        sent = sum(part.stat().st_size for part in parts)
        print(f"{chosen.rows:,} rows of {len(COLUMNS)} columns, {sent / 1e6:.0f} MB")
        beside = sqlite_seconds(folder, parts)
        with served(folder / "org") as org:
            seconds = org.load({"operation": "insert"}, parts)
            print(f"in (insert)   {seconds:6.1f} s   {chosen.rows / seconds:9,.0f} rows/s")
            if chosen.upsert:
                seconds = org.load({"operation": "upsert", "externalIdFieldName": "Key__c"}, parts)
                print(f"in (upsert)   {seconds:6.1f} s   {chosen.rows / seconds:9,.0f} rows/s")
            ready, seconds, rows, size = org.query(f"SELECT Id, {', '.join(COLUMNS)} FROM Account")
            assert rows == chosen.rows, (rows, chosen.rows)
            print(f"out (query)   {seconds:6.1f} s   {rows / seconds:9,.0f} rows/s   {size / 1e6:.0f} MB,", end=" ")
            print(f"{ready:.1f} s until the job is complete")
            processor, peak = usage_of(org.process)
            print(f"the org took {processor:.1f} s of processor time and at most {peak:.0f} MB of memory")
        if beside:
            print(f"beside it: sqlite3 imports the file in {beside[0]:.1f} s and writes it out in {beside[1]:.1f} s")


if __name__ == "__main__":
    main()

"""A long run through bad weather: rows upserted and queried back while requests meet faults by chance, and every row counted.

    python bench/soak.py                       # 1,000,000 accounts, each request meets a fault with a probability of 5 %
    python bench/soak.py --rows 50000 --chance 0.2 --seed 7

The local org is a process of its own, with its data on the disk. Each request, logging in among them, meets one of the faults
below with that probability. A call that ends with one of our errors is gone on with: a load by ``sf.resume(run_id)``, or by
the same call where no run had begun; a query by asking again. Any other exception ends the soak. Half of the keys
are loaded before the weather begins, so that the upsert updates half of its rows and inserts the others. At the end each
record is compared with what its row was: every key once, nothing else.

Memory is that of the client, sampled while it works: its peak in each fifth of the load, which should not grow.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from salesforce_bulk import Org, Password, TransportOptions, connect
from salesforce_bulk.errors import SalesforceBulkError

T = TypeVar("T")

#: What befalls requests. Those that cannot meet a fault draw from the others.
FAULTS = [
    "reset-before", "reset-after", "reset-after-1k", "stall", "stall-after-1k",
    "truncated", "truncated-gzip", "lying-length", "lying-length-short", "garbled",
    "500", "502", "503", "503-1", "504", "429-1", "500-html", "503-empty", "html", "redirect",
    "session-expired", "session-refused", "concurrent-limit", "request-limit",
    "missing-locator", "malformed-csv", "short-page", "wrong-count",
]  # fmt: skip
COLUMNS = ["Key__c", "Name", "BillingCity", "AnnualRevenue", "Description"]
CITIES = ["Zürich", "São Paulo", "大阪市", "Athens, GA", 'Town "X"', "two\nlines", ""]
#: A load of a million rows is a hundred jobs, so that a few hundred requests meet the weather, and not twenty.
PART_ROWS = 10_000
PAGE_ROWS = 10_000
#: A server that says nothing for so long is given up; the fault "stall" takes so long each time.
READ_SECONDS = 2.0


def row(number: int, version: int) -> dict[str, Any]:
    return {
        "Key__c": f"K-{number:08d}",
        "Name": f"Company {number}, Ltd",
        "BillingCity": CITIES[number % len(CITIES)],
        "AnnualRevenue": number * 1.5,
        "Description": f'version {version} of "{number}"',
    }


def write_rows(path: Path, numbers: range, version: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row(number, version) for number in numbers)


@contextmanager
def served(folder: Path, faults: Path | None) -> Iterator[dict[str, str]]:
    """A local org, a process of its own."""
    command = [sys.executable, "-m", "salesforce_bulk.cli", "local", "serve", "--data", str(folder)]
    if faults is not None:
        command += ["--faults", str(faults)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told: dict[str, str] = {}
    for line in process.stdout:
        if found := re.match(r"(local org|user|password|security token)\s+(\S+)$", line.strip()):
            told[found[1]] = found[2]
        if line.startswith("Ctrl-C"):
            break
    try:
        yield told
    finally:
        process.terminate()
        process.communicate()


class Memory:
    """The resident memory of this process, looked at a hundred times a second."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ended.wait(0.01):
            self._samples.append((time.monotonic(), int(Path("/proc/self/statm").read_text().split()[1]) * page))

    def peaks(self, parts: int = 5) -> list[int]:
        """MB, in each part of the time."""
        first, last = self._samples[0][0], self._samples[-1][0]
        width = (last - first) / parts or 1.0
        found = [0] * parts
        for at, size in self._samples:
            part = min(parts - 1, int((at - first) / width))
            found[part] = max(found[part], size)
        return [size // 2**20 for size in found]


class Weather:
    """What was met on the way."""

    def __init__(self) -> None:
        self.errors: Counter[str] = Counter()

    def through(self, begin: Callable[[], T], go_on: Callable[[str], T] | None = None) -> T:
        """The result of *begin*, begun again or gone on with as often as it takes."""
        run: str | None = None
        for _ in range(1_000):
            try:
                return go_on(run) if run is not None and go_on is not None else begin()
            except SalesforceBulkError as error:
                self.errors[type(error).__name__] += 1
                run = error.run_id or run
        raise SystemExit(f"still not done after 1,000 tries: {dict(self.errors)}")


def opened(told: dict[str, str], options: TransportOptions) -> Org:
    login = Password(told["user"], told["password"], security_token=told["security token"], domain=told["local org"])
    return connect(login=login, options=options)


def met(told: dict[str, str]) -> str:
    """How many requests met a fault, as the org's own page has it."""
    with urllib.request.urlopen(f"{told['local org'].rstrip('/')}/org") as answer:
        text = re.sub(r"<[^>]*>|\s+", " ", answer.read().decode())
    found = [re.search(rf"([\d,]+) +{what}", text) for what in ("faults? met", "requests?,")]
    faults, requests = (one[1] if one else "?" for one in found)
    return f"{faults} of {requests} requests met a fault"


def compare(path: Path, rows: int) -> str:
    """What is wrong with the file of all records, or nothing."""
    seen = bytearray(rows)
    with path.open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            number = int(record["Key__c"][2:])
            if seen[number]:
                return f"{record['Key__c']} is there twice"
            seen[number] = 1
            expected = row(number, 2)
            found = {**record, "AnnualRevenue": float(record["AnnualRevenue"])}
            if found != expected:
                return f"{record['Key__c']} is {found}, and should be {expected}"
    missing = seen.count(0)
    return f"{missing} rows are missing, the first is K-{seen.index(0):08d}" if missing else ""


def soak(rows: int, chance: float, seed: int, folder: Path) -> int:
    data, home = folder / "org", folder / "home"
    os.environ["SFBULK_HOME"] = str(home)
    options = TransportOptions(read_seconds=READ_SECONDS, first_pause_seconds=0.05, longest_pause_seconds=1.0)
    write_rows(folder / "half.csv", range(0, rows, 2), 1)
    write_rows(folder / "all.csv", range(rows), 2)
    with served(data, None) as told, opened(told, options) as sf:
        begun = time.monotonic()
        sf.insert("Account", folder / "half.csv")
        print(f"fair weather: {rows // 2:,} rows inserted in {time.monotonic() - begun:.0f} s", flush=True)

    plan = folder / "faults.json"
    plan.write_text(json.dumps([{"request": "*", "fault": FAULTS, "chance": chance, "seed": seed}]))
    weather = Weather()
    with served(data, plan) as told, Memory() as memory:
        begun = time.monotonic()
        sf = weather.through(lambda: opened(told, options))
        result = weather.through(
            lambda: sf.upsert("Account", folder / "all.csv", external_id="Key__c", part_rows=PART_ROWS), sf.resume
        )
        loaded = time.monotonic()
        peaks = memory.peaks()
        print(f"upsert: {result.succeeded:,} succeeded, {result.failed} failed, {result.unprocessed} not tried")
        print(f"  {loaded - begun:.0f} s; {met(told)}; errors gone on from: {dict(weather.errors) or 'none'}")
        print(f"  peak memory in each fifth of the time: {', '.join(f'{peak} MB' for peak in peaks)}", flush=True)

        before = weather.errors.copy()
        out = folder / "out.csv"
        soql = f"SELECT {', '.join(COLUMNS)} FROM Account"
        count = weather.through(lambda: sf.query(soql, page_rows=PAGE_ROWS).to_csv(out))
        print(f"query: {count:,} rows in {time.monotonic() - loaded:.0f} s")
        print(f"  {met(told)} by now; errors: {dict(weather.errors - before) or 'none'}")
    wrong = compare(out, rows)
    is_right = not wrong and count == rows == result.succeeded
    print(f"compared: {wrong or f'{rows:,} rows, each once, as it was sent'}")
    grown = max(peaks[1:]) / peaks[0]
    print(f"memory: the greatest peak after the first fifth is {grown:.2f} of the first")
    return 0 if is_right else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--chance", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return soak(chosen.rows, chosen.chance, chosen.seed, Path(folder))


if __name__ == "__main__":
    sys.exit(main())

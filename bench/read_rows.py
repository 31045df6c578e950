"""Rows of a query as dicts: get_batch_result_iter(parse_csv=True), beside csv.DictReader on the same bytes in memory."""

from __future__ import annotations

import argparse
import csv
import io
import sys
import tempfile
from itertools import islice
from pathlib import Path

from measure import Line, Stopwatch, growth, old_library, pairs, run, say, serving, table

import data

ROWS = 200_000
MANY_ROWS = 1_000_000
#: Enough for the old library, which takes some 0.2 ms a row.
OLD_ROWS = 20_000


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        _CHILDREN[sys.argv[2]](*sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--peer", action="store_true", help="also the old library, release 2.2.0 (some two minutes more)")
    options = parser.parse_args()
    print(table(measure(options.pairs, peer=options.peer)))


def measure(count: int, *, peer: bool = False) -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = _against_dictreader(folder, count)
        if peer:
            with old_library(folder) as python:
                if python is not None:
                    lines.append(_against_old(folder, count, python))
    return lines


def _against_dictreader(folder: Path, count: int) -> list[Line]:
    say(f"making {ROWS:,} rows")
    data.write_results(folder, ROWS)
    lines = []
    for wire in ("plain", "gzip"):
        task = f"read rows, {wire} on the wire"
        with serving(folder, ROWS, gzip=wire == "gzip") as url:
            run("read_rows.py", "check", url, folder)
            done = pairs(count, lambda: run("read_rows.py", "ours", url), lambda: run("read_rows.py", "dictreader", folder), task)
        lines.append(done.line(f"{task}: {ROWS:,}", "csv.DictReader", promised=1.5))
        say(f"{task}: {MANY_ROWS:,} for the memory")
        with serving(folder, MANY_ROWS, made_of=ROWS, gzip=wire == "gzip") as url:
            lines.append(growth(task, {ROWS: done.ours[0], MANY_ROWS: run("read_rows.py", "ours", url)}))
    data.write_results(folder, ROWS, quotes=False)
    task = "read rows without quotes in them, gzip"
    with serving(folder, ROWS, gzip=True) as url:
        done = pairs(count, lambda: run("read_rows.py", "ours", url), lambda: run("read_rows.py", "dictreader", folder), task)
    lines.append(done.line(f"{task}: {ROWS:,}", "csv.DictReader", promised=1.5))
    return lines


def _against_old(folder: Path, count: int, python: str) -> Line:
    data.write_results(folder, OLD_ROWS)
    task = "read rows, gzip on the wire"
    with serving(folder, OLD_ROWS, gzip=True) as url:
        done = pairs(
            count,
            lambda: run("read_rows.py", "ours", url),
            lambda: run("read_rows.py", "old", url, python=python),
            f"{task}, the old library",
        )
    return done.line(f"{task}: {OLD_ROWS:,}", "salesforce-bulk 2.2.0")


# -- in a process of their own ------------------------------------------------------------------------------------------


def _query(url: str):
    from salesforce_bulk import SalesforceBulk

    bulk = SalesforceBulk(sessionId="x", host=url)
    job = bulk.create_query_job("Contact", contentType="CSV")
    batch = bulk.query(job, "SELECT Id FROM Contact")
    bulk.close_job(job)
    return bulk, job, batch


def _ours(url: str) -> None:
    bulk, job, batch = _query(url)
    rows = 0
    with Stopwatch() as watch:
        for _ in bulk.get_batch_result_iter(job, batch, parse_csv=True):
            rows += 1
    print(watch.report(rows))


def _dictreader(folder: str) -> None:
    content = (Path(folder) / "whole.csv").read_bytes()
    rows = 0
    with Stopwatch() as watch:
        for _ in csv.DictReader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")):
            rows += 1
    print(watch.report(rows))


def _old(url: str) -> None:
    """As the README of 2.2.0 reads a query."""
    import unicodecsv

    bulk, _, batch = _query(url)
    rows = 0
    with Stopwatch() as watch:
        for result in bulk.get_all_results_for_query_batch(batch):
            for _ in unicodecsv.DictReader(result, encoding="utf-8"):
                rows += 1
    print(watch.report(rows))


def _check(url: str, folder: str) -> None:
    """The two give the same rows, or there is nothing to compare."""
    bulk, job, batch = _query(url)
    with open(Path(folder) / "whole.csv", encoding="utf-8", newline="") as file, Stopwatch() as watch:
        expected = list(islice(csv.DictReader(file), 20_000))
        rows = list(islice(bulk.get_batch_result_iter(job, batch, parse_csv=True), 20_000))
    if rows != expected:
        raise SystemExit("get_batch_result_iter and csv.DictReader give other rows")
    print(watch.report(len(rows)))


_CHILDREN = {"ours": _ours, "dictreader": _dictreader, "old": _old, "check": _check}

if __name__ == "__main__":
    main()

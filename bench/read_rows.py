"""Rows of a query as dicts: get_batch_result_iter(parse_csv=True), beside csv.DictReader on the same bytes in memory."""

from __future__ import annotations

import csv
import io
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import data
from measure import Line, Pairs, Stopwatch, growth, main, measured, pairs, run, say, serving

ROWS = 200_000
MANY_ROWS = 1_000_000
#: Enough for the old library, which takes some 0.2 ms a row.
OLD_ROWS = 20_000


def measure(folder: Path, count: int, old: str | None) -> list[Line]:
    lines = _against_dictreader(folder, count)
    if old is not None:
        lines.append(_against_old(folder, count, old))
    return lines


def _against_dictreader(folder: Path, count: int) -> list[Line]:
    say(f"making {ROWS:,} rows")
    data.write_results(folder, ROWS)
    lines = []
    for wire in ("plain", "gzip"):
        task = f"read rows, {wire} on the wire"
        with serving(folder, ROWS, gzip=wire == "gzip") as url:
            run("read_rows.py", "check", url, folder)
            done = _pairs(folder, url, count, task)
            say(f"processor time of the server: {measured(url)['cpu_seconds'] / (count + 1):.2f} s a run")
        lines.append(done.line(f"{task}: {ROWS:,}", "csv.DictReader", promised=1.5))
        say(f"{task}: {MANY_ROWS:,} for the memory")
        with serving(folder, MANY_ROWS, made_of=ROWS, gzip=wire == "gzip") as url:
            lines.append(growth(task, {ROWS: done.ours[0], MANY_ROWS: run("read_rows.py", "ours", url)}))
    data.write_results(folder, ROWS, quotes=False)
    task = "read rows without quotes in them, gzip"
    with serving(folder, ROWS, gzip=True) as url:
        done = _pairs(folder, url, count, task)
    lines.append(done.line(f"{task}: {ROWS:,}", "csv.DictReader", promised=1.5))
    return lines


def _pairs(folder: Path, url: str, count: int, task: str) -> Pairs:
    return pairs(
        count, lambda: run("read_rows.py", "ours", url), lambda: run("read_rows.py", "dictreader", folder), task
    )


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


def _query(url: str) -> tuple[Any, str, str]:
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
    if sys.argv[1:2] == ["--child"]:
        _CHILDREN[sys.argv[2]](*sys.argv[3:])
    else:
        main(__doc__, measure)

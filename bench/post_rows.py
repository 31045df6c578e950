"""Dicts posted as one batch through CsvDictsAdapter, beside csv.DictWriter writing the same dicts to nowhere."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

import data
from measure import Line, Stopwatch, growth, main, measured, pairs, run, say, serving

FEW_ROWS = 50_000
ROWS = 200_000
MANY_ROWS = 800_000
OLD_ROWS = 20_000


def measure(folder: Path, count: int, old: str | None) -> list[Line]:
    lines = _against_dictwriter(folder, count)
    if old is not None:
        lines.append(_against_old(folder, count, old))
    return lines


def _against_dictwriter(folder: Path, count: int) -> list[Line]:
    lines = []
    with serving(folder, ROWS) as url:
        for kind in ("text", "typed"):
            task = f"post rows of {kind} values"
            done = pairs(
                count,
                lambda kind=kind: run("post_rows.py", "ours", url, ROWS, kind),
                lambda kind=kind: run("post_rows.py", "dictwriter", ROWS, kind),
                task,
            )
            lines.append(done.line(f"{task}: {ROWS:,}", "csv.DictWriter"))
        say(f"post rows: {FEW_ROWS:,} and {MANY_ROWS:,} for the memory")
        runs = {rows: run("post_rows.py", "ours", url, rows, "text") for rows in (FEW_ROWS, ROWS, MANY_ROWS)}
        lines.append(growth("post rows", runs))
    return lines


def _against_old(folder: Path, count: int, python: str) -> Line:
    task = "post rows and read their results"
    with serving(folder, OLD_ROWS) as url:
        done = pairs(
            count,
            lambda: run("post_rows.py", "results", url, OLD_ROWS),
            lambda: run("post_rows.py", "results", url, OLD_ROWS, python=python),
            f"{task}, the old library",
        )
    return done.line(f"{task}: {OLD_ROWS:,}", "salesforce-bulk 2.2.0")


# -- in a process of their own ------------------------------------------------------------------------------------------


def _ours(url: str, rows: str, kind: str) -> None:
    from salesforce_bulk import CsvDictsAdapter, SalesforceBulk

    bulk = SalesforceBulk(sessionId="x", host=url)
    job = bulk.create_insert_job("Contact", contentType="CSV")
    next(data.dict_rows(1, typed=kind == "typed"))  # made once, before the clock runs
    with Stopwatch() as watch:
        bulk.post_batch(job, CsvDictsAdapter(data.dict_rows(int(rows), typed=kind == "typed")))
    print(watch.report(int(rows), measured(url)["received"]))


class _Nowhere(io.RawIOBase):
    count = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.count += len(content)
        return len(content)


def _dictwriter(rows: str, kind: str) -> None:
    nowhere = _Nowhere()
    sink = io.TextIOWrapper(io.BufferedWriter(nowhere), encoding="utf-8", newline="")
    next(data.dict_rows(1, typed=kind == "typed"))
    with Stopwatch() as watch:
        writer = csv.DictWriter(sink, data.COLUMNS, quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(data.dict_rows(int(rows), typed=kind == "typed"))
        sink.flush()
    print(watch.report(int(rows), nowhere.count))


def _results(url: str, rows: str) -> None:
    """The old library and ours, by the same calls."""
    from salesforce_bulk import CsvDictsAdapter, SalesforceBulk

    bulk = SalesforceBulk(sessionId="x", host=url)
    job = bulk.create_insert_job("Contact", contentType="CSV")
    next(data.dict_rows(1))
    with Stopwatch() as watch:
        batch = bulk.post_batch(job, CsvDictsAdapter(data.dict_rows(int(rows))))
        bulk.close_job(job)
        bulk.wait_for_batch(job, batch)
        count = len(bulk.get_batch_results(batch))
    print(watch.report(count, 0))


_CHILDREN = {"ours": _ours, "dictwriter": _dictwriter, "results": _results}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _CHILDREN[sys.argv[2]](*sys.argv[3:])
    else:
        main(__doc__, measure)

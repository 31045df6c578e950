"""What is measured of ours, each task in a process of its own: python bench/tasks.py TASK URL ROWS FOLDER [--check]

FOLDER is one that data.py made; files that a task writes go to the current folder. Prints a line of JSON: ``rows``, the
``seconds`` and ``cpu_seconds`` of the task without start-up, and ``object_bytes``, the size of what is held at its end (a
table, a frame) or from its beginning (the process with a list in it). With ``--check`` the content is compared, too.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import data

#: As many as Bulk API 1.0 takes in a batch.
BATCH_ROWS = 10_000
SOQL = f"SELECT {', '.join(data.COLUMNS)} FROM Contact LIMIT "
TOKEN = "00Dbench!token"


class Task:
    """The arguments of a task, its stopwatch and what it reports."""

    def __init__(self, url: str, rows: int, made: data.Made, *, check: bool) -> None:
        self.url, self.rows, self.made, self.check = url, rows, made, check
        self.object_bytes = 0
        self.begin()

    def begin(self) -> None:
        """From here on: what came before is no part of the task."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def end(self) -> None:
        self.seconds, self.cpu_seconds = time.perf_counter() - self._wall, time.process_time() - self._cpu

    def done(self, rows: int, expected: int | None = None) -> None:
        """The task is over, and handled so many rows."""
        if not hasattr(self, "seconds"):
            self.end()
        self.same(expected or self.rows, rows, "rows")
        report = {"rows": rows, "seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        print(json.dumps({**report, "object_bytes": self.object_bytes}))

    def same(self, expected: Any, found: Any, what: str) -> None:
        if expected != found:
            shown = [str(value) if len(str(value)) < 200 else f"{str(value)[:200]}..." for value in (expected, found)]
            raise SystemExit(f"{what}: expected {shown[0]}, found {shown[1]}")

    def org(self, *, version: str = "62.0", compress: bool | None = None) -> Any:
        from salesforce_bulk import connect
        from salesforce_bulk.logins import AccessToken
        from salesforce_bulk.options import TransportOptions

        login = AccessToken(TOKEN, instance_url=self.url)
        return connect(login=login, api_version=version, options=TransportOptions(compress=compress))

    def query(self, *, types: str = "describe", version: str = "62.0") -> Any:
        return self.org(version=version).query(f"{SOQL}{self.rows}", types=types)

    def expected_rows(self) -> Iterator[dict[str, str]]:
        """The rows as csv.DictReader reads them."""
        with self.made.whole.open(encoding="utf-8", newline="") as file:
            yield from islice(csv.DictReader(file), self.rows)


_OF_TEXT: dict[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "boolean": lambda text: text == "true",
    "int": int,
    "double": float,
}


def as_typed(row: dict[str, str]) -> dict[str, Any]:
    """A row of csv.DictReader with the types that describe names; no value is None."""
    return {
        name: _OF_TEXT.get(data.TYPES.get(name, ""), str)(value) if value != "" else None for name, value in row.items()
    }


def as_columns(rows: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    values = list(rows)
    return {name: [row[name] for row in values] for name in data.COLUMNS}


# -- reading ------------------------------------------------------------------------------------------------------------


def query_csv(task: Task, *, version: str = "62.0") -> None:
    count = task.query(version=version).to_csv("out.csv")
    if task.check:
        given = task.made.whole.read_bytes()
        task.same(
            True, given.startswith(Path("out.csv").read_bytes()), "out.csv is the beginning of what the server has"
        )
        with open("out.csv", encoding="utf-8", newline="") as file:
            task.same(list(task.expected_rows()), list(csv.DictReader(file)), "out.csv")
    task.done(count)


def query_csv_page_after_page(task: Task) -> None:
    """From an org that offers no links to the pages."""
    query_csv(task, version="57.0")


def query_arrow(task: Task) -> None:
    table = task.query().to_arrow()
    task.object_bytes = table.nbytes
    if task.check:
        task.same(as_columns(map(as_typed, task.expected_rows())), table.to_pydict(), "table")
    task.done(table.num_rows)


def query_parquet(task: Task) -> None:
    count = task.query().to_parquet("out.parquet")
    if task.check:
        import pyarrow.parquet

        found = pyarrow.parquet.read_table("out.parquet").to_pydict()
        task.same(as_columns(map(as_typed, task.expected_rows())), found, "out.parquet")
    task.done(count)


def query_pandas(task: Task) -> None:
    frame = task.query().to_pandas()
    task.end()
    task.object_bytes = int(frame.memory_usage(deep=True).sum())
    if task.check:
        import pandas

        found = {
            str(name): [None if pandas.isna(value) else value for value in frame[name].tolist()]
            for name in frame.columns
        }
        task.same(as_columns(map(as_typed, task.expected_rows())), found, "frame")
    task.done(len(frame))


def _rows(task: Task, types: str) -> None:
    result = task.query(types=types)
    if task.check:
        expected = (
            as_typed(row) if types == "describe" else {name: value or None for name, value in row.items()}
            for row in task.expected_rows()
        )
        task.same(list(expected), list(result), "rows")
    count = 0
    for _ in result:
        count += 1
    task.done(count)


def rows_text(task: Task) -> None:
    _rows(task, "text")


def rows_typed(task: Task) -> None:
    _rows(task, "describe")


def rows_without_pyarrow(task: Task) -> None:
    sys.modules["pyarrow"] = None  # type: ignore[assignment]  # as if it were not installed
    _rows(task, "text")


# -- loading ------------------------------------------------------------------------------------------------------------


def _load(task: Task, rows: Any, sobject: str = "Contact", *, compress: bool | None = None, **options: Any) -> Any:
    result = task.org(compress=compress).insert(sobject, rows, **options)
    if task.check:
        ids = [f"003Qz{number % task.made.rows:010d}AAV" for number in range(task.rows)]
        task.same(ids, [outcome.id for outcome in result], "ids of the rows")
    return result


def load_csv(task: Task) -> None:
    """Plain on the wire, as beside it; until the org's counters say that each row was taken."""
    task.done(_load(task, task.made.more(task.rows), compress=False, outcomes="later").succeeded)


def load_csv_gzip(task: Task) -> None:
    count = _load(task, task.made.more(task.rows), compress=True, outcomes="later").succeeded
    if task.check:
        import urllib.request  # here, for what a measured process imports is measured

        with urllib.request.urlopen(task.url + "/measured") as reply:
            sizes = json.load(reply)
        task.same(True, sizes["wire_bytes"] < sizes["plain_bytes"] / 2, "the upload was compressed")
    task.done(count)


def _outcomes(task: Task, sobject: str) -> None:
    result = _load(task, task.made.more(task.rows), sobject)
    count = result.to_csv("outcomes.csv")
    task.done(count)
    if task.check:
        with (
            open("outcomes.csv", encoding="utf-8", newline="") as file,
            task.made.load.open(encoding="utf-8", newline="") as given,
        ):
            expected = [
                {**row, "sf__Id": f"003Qz{number:010d}AAV", "sf__Created": "true", "sf__Error": ""}
                for number, row in enumerate(islice(csv.DictReader(given), task.rows))
            ]
            task.same(expected, list(csv.DictReader(file)), "outcomes.csv")


def load_outcomes(task: Task) -> None:
    _outcomes(task, "Contact")


def load_outcomes_scattered(task: Task) -> None:
    """The results come in another order than the rows went."""
    _outcomes(task, "Scattered")


def load_list(task: Task) -> None:
    with task.made.load.open(encoding="utf-8", newline="") as file:
        rows = list(islice(csv.DictReader(file), task.rows))
    task.org()
    task.object_bytes = _held_bytes()
    task.begin()
    count = _load(task, rows, compress=False, outcomes="later").succeeded
    task.done(count)


def _held_bytes() -> int:
    """What the process holds now; where the system does not say, the most that it has held."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


# -- the old interface --------------------------------------------------------------------------------------------------


def _old_query(task: Task) -> tuple[Any, str, str]:
    from salesforce_bulk import SalesforceBulk

    bulk = SalesforceBulk(sessionId="x", host=task.url)
    job = bulk.create_query_job("Contact", contentType="CSV")
    batch = bulk.query(job, f"{SOQL}{task.rows}")
    bulk.close_job(job)
    return bulk, job, batch


def old_read(task: Task) -> None:
    bulk, job, batch = _old_query(task)
    if task.check:
        rows = list(bulk.get_batch_result_iter(job, batch, parse_csv=True))
        task.same(list(task.expected_rows()), rows, "rows")
    task.begin()
    count = 0
    for _ in bulk.get_batch_result_iter(job, batch, parse_csv=True):
        count += 1
    task.done(count)


def old_generator(task: Task) -> None:
    """Rows from a generator, in batches; then the results of each batch."""
    from salesforce_bulk import CsvDictsAdapter, SalesforceBulk

    bulk = SalesforceBulk(sessionId="x", host=task.url)
    job = bulk.create_insert_job("Contact", contentType="CSV")
    rows = data.dict_rows(task.rows)
    sizes = [BATCH_ROWS] * (task.rows // BATCH_ROWS) + [task.rows % BATCH_ROWS] * bool(task.rows % BATCH_ROWS)
    batches = [bulk.post_batch(job, CsvDictsAdapter(islice(rows, size))) for size in sizes]
    bulk.close_job(job)
    count = 0
    for batch in batches:
        bulk.wait_for_batch(job, batch)
        count += sum(result.success in (True, "true") for result in bulk.get_batch_results(batch))
    task.done(count)


def _old_post(task: Task, *, typed: bool) -> None:
    from salesforce_bulk import CsvDictsAdapter, SalesforceBulk

    bulk = SalesforceBulk(sessionId="x", host=task.url)
    job = bulk.create_insert_job("Contact", contentType="CSV")
    if task.check:
        with io.BytesIO() as sent:
            for piece in CsvDictsAdapter(data.dict_rows(task.rows, typed=typed)):
                sent.write(piece.encode() if isinstance(piece, str) else piece)
            task.same(_written(task.rows, typed=typed), sent.getvalue().decode(), "bytes")
    next(data.dict_rows(1, typed=typed))  # made once, before the clock runs
    task.begin()
    bulk.post_batch(job, CsvDictsAdapter(data.dict_rows(task.rows, typed=typed)))
    task.done(task.rows)


def old_post_text(task: Task) -> None:
    _old_post(task, typed=False)


def old_post_typed(task: Task) -> None:
    _old_post(task, typed=True)


# -- the standard library, beside it ------------------------------------------------------------------------------------


def dictreader(task: Task) -> None:
    """csv.DictReader on the same bytes, which are in memory already."""
    content = task.made.whole.read_bytes()
    task.begin()
    count = 0
    for _ in csv.DictReader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")):
        count += 1
    task.done(count)


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return len(content)


def _write(sink: io.TextIOBase, rows: int, *, typed: bool) -> None:
    writer = csv.DictWriter(sink, data.COLUMNS, quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(data.dict_rows(rows, typed=typed))
    sink.flush()


def _written(rows: int, *, typed: bool) -> str:
    sink = io.StringIO(newline="")
    _write(sink, rows, typed=typed)
    return sink.getvalue()


def _dictwriter(task: Task, *, typed: bool) -> None:
    sink = io.TextIOWrapper(io.BufferedWriter(_Nowhere()), encoding="utf-8", newline="")
    next(data.dict_rows(1, typed=typed))
    task.begin()
    _write(sink, task.rows, typed=typed)
    task.done(task.rows)


def dictwriter_text(task: Task) -> None:
    _dictwriter(task, typed=False)


def dictwriter_typed(task: Task) -> None:
    _dictwriter(task, typed=True)


def main() -> None:
    name, url, rows, folder = sys.argv[1:5]
    csv.field_size_limit(1 << 24)
    function: Callable[[Task], None] = globals()[name]
    function(Task(url, int(rows), data.Made.open(Path(folder)), check="--check" in sys.argv))


if __name__ == "__main__":
    main()

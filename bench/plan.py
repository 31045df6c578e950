"""Each task, what runs beside it, and the goals: a ratio is a goal of wall time, at most so many times the other's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data import Made
from measure import HERE, MB, Program, say

SIMPLE_SALESFORCE = "simple-salesforce"
OLD_LIBRARY = "salesforce-bulk==2.2.0"

F_GET = "curl, gzip, zcat"
F_PUT = "curl -T"
GZIP_PUT = "gzip -1, curl -T"
_SHELL = {
    F_GET: "curl -sS -H 'Accept-Encoding: gzip' {url}/whole | zcat > whole.csv",
    F_PUT: "curl -sS -T {load} {url}/sink",
    GZIP_PUT: "gzip -1 -c {load} | curl -sS -H 'Expect:' -H 'Content-Encoding: gzip' -T - {url}/sink",
}
#: The program beside a task -> what installs it, its script, and the script's task.
_PEERS = {
    "simple-salesforce download": (SIMPLE_SALESFORCE, "simple_salesforce_bulk2.py", "download"),
    "simple-salesforce query, csv.DictReader": (SIMPLE_SALESFORCE, "simple_salesforce_bulk2.py", "rows"),
    "simple-salesforce insert, results parsed": (SIMPLE_SALESFORCE, "simple_salesforce_bulk2.py", "load"),
    "salesforce-bulk 2.2.0, rows": (OLD_LIBRARY, "salesforce_bulk_2_2_0.py", "read"),
    "salesforce-bulk 2.2.0, load": (OLD_LIBRARY, "salesforce_bulk_2_2_0.py", "load"),
}
_STANDARD = {
    "csv.DictReader, in memory": "dictreader",
    "csv.DictWriter, to nowhere": "dictwriter_text",
    "csv.DictWriter, to nowhere, typed": "dictwriter_typed",
}


@dataclass(frozen=True)
class Task:
    """One line of the table, or several: one for each program beside it.

    ``goals``: the program beside it -> the greatest ratio, None for no goal. ``peak_mb``: the goal of the peak, on top of
    what the task itself holds where ``holds`` names that. ``share``: of how many of the rows (the old library is slow).
    """

    text: str
    function: str
    goals: dict[str, float | None]
    peak_mb: int | None = None
    holds: str = ""
    inner: bool = False
    checked: bool = True
    share: float = 1

    def program(self, place: Place, *, check: bool = False, rows: int | None = None) -> Program:
        return place.ours(self.text, self.function, rows or self.rows(place), inner=self.inner, check=check)

    def beside(self, name: str, place: Place) -> Program:
        return place.other(name, self.rows(place), inner=self.inner)

    def shown(self, place: Place) -> str:
        """Its name in the table."""
        return self.text if self.share == 1 else f"{self.text}: {self.rows(place):,}"

    def rows(self, place: Place) -> int:
        return max(place.made.page_rows, int(place.made.rows * self.share))


#: The number of rows that the goals are for.
GOAL_ROWS = 1_000_000

TASKS = [
    Task("query -> CSV file", "query_csv", {F_GET: 0.50, "simple-salesforce download": 0.25}, 60),
    Task("query -> CSV file, page after page", "query_csv_page_after_page", {F_GET: None}, 60),
    Task("query -> Arrow table, typed", "query_arrow", {F_GET: 0.80}, 250, "table"),
    Task("query -> Parquet, typed", "query_parquet", {F_GET: 1.15}, 450),
    Task("query -> pandas, typed", "query_pandas", {F_GET: 1.1}, 400, "frame"),
    Task(
        "query -> dict rows, text",
        "rows_text",
        {F_GET: 2.2, "simple-salesforce query, csv.DictReader": 0.5},
        220,
    ),
    Task("query -> dict rows, typed", "rows_typed", {F_GET: 2.5}, 220),
    Task("query -> dict rows, text, without pyarrow", "rows_without_pyarrow", {F_GET: 3.1}, 120),
    Task("load a CSV file, gzip on the wire", "load_csv_gzip", {GZIP_PUT: 0.45}, 80),
    Task("load a CSV file, plain on the wire", "load_csv", {F_PUT: 4}, 80),
    Task(
        "load a CSV file, outcomes written out",
        "load_outcomes",
        {F_PUT: None, "simple-salesforce insert, results parsed": 0.25},
        400,
    ),
    Task("load a CSV file, results in another order", "load_outcomes_scattered", {F_PUT: None}, 400),
    Task("load a list of dicts", "load_list", {F_PUT: 32}, 80, "list", inner=True),
    Task(
        "old interface: read rows",
        "old_read",
        {"csv.DictReader, in memory": 1.5},
        inner=True,
    ),
    Task("old interface: read some rows", "old_read", {"salesforce-bulk 2.2.0, rows": None}, inner=True, share=1 / 20),
    Task(
        "old interface: post rows of text values",
        "old_post_text",
        {"csv.DictWriter, to nowhere": None},
        inner=True,
    ),
    Task(
        "old interface: post rows of typed values",
        "old_post_typed",
        {"csv.DictWriter, to nowhere, typed": None},
        inner=True,
    ),
    Task(
        "old interface: load from a generator, results read",
        "old_generator",
        {"salesforce-bulk 2.2.0, load": 0.10},
        120,
        checked=False,
        share=1 / 10,
    ),
]

#: Five times the rows beside half of them: the peak at most so much larger.
GROWTH = 1.25
GROWING = [
    ("query -> CSV file", "query_csv"),
    ("query -> dict rows, text", "rows_text"),
    ("query -> dict rows, text, without pyarrow", "rows_without_pyarrow"),
    ("query -> Parquet, typed", "query_parquet"),
    ("load a CSV file, plain on the wire", "load_csv"),
    ("load a CSV file, outcomes written out", "load_outcomes"),
    ("old interface: read rows", "old_read"),
    ("old interface: load from a generator, results read", "old_generator"),
]

#: What starts, what it is compared with, and by how many milliseconds it may take longer.
STARTS = [
    ("import salesforce_bulk", ["-c", "import salesforce_bulk"], ["-c", "pass"], 60),
    ("sfbulk --help", ["-m", "salesforce_bulk.cli.main", "--help"], None, 150),
]


@dataclass(frozen=True)
class Place:
    """Where a run happens: the data, and a server for it."""

    made: Made
    url: str

    def ours(self, name: str, function: str, rows: int, *, inner: bool = False, check: bool = False) -> Program:
        command = [sys.executable, str(HERE / "tasks.py"), function, self.url, str(rows), str(self.made.folder)]
        return Program(name, [*command, "--check"] if check else command, inner=inner)

    def other(self, name: str, rows: int, *, inner: bool) -> Program:
        if name in _SHELL:
            return Program(name, ["sh", "-c", _SHELL[name].format(url=self.url, load=self.made.load)])
        if name in _STANDARD:
            return self.ours(name, _STANDARD[name], rows, inner=True)
        requirement, script, task = _PEERS[name]
        python = installed(requirement)
        command = [str(python), str(HERE / "peers" / script), task, self.url, str(rows)]
        if requirement == SIMPLE_SALESFORCE:
            command.append(str(self.made.load))
        # Nothing of ours is to be found there.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SFBULK"))}
        return Program(name, command, environment, inner=inner)


def is_there(name: str, *, peer: bool) -> bool:
    """Whether this program can run beside ours; those of others have to be asked for."""
    return name not in _PEERS or (peer and installed(_PEERS[name][0]) is not None)


@cache
def installed(requirement: str) -> Path | None:
    """The Python of an environment that holds *requirement*, kept where the tests keep those of foreign clients.

    None where it cannot be had.
    """
    named = os.environ.get("SFBULK_FOREIGN_CACHE")
    home = (Path(named) if named else data_home() / "peers") / requirement.replace("=", "-")
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        say(f"installing {requirement} in an environment of its own")
        command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", requirement]
        try:
            venv.create(home, with_pip=True, clear=True)
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            say(f"it cannot be installed here ({error}); its lines are left out")
            return None
        (home / "complete").touch()
    return python


def data_home() -> Path:
    """Where the data is kept: ``SFBULK_BENCH_DATA``, else a folder for temporary files."""
    return Path(os.environ.get("SFBULK_BENCH_DATA") or Path(tempfile.gettempdir()) / "sfbulk-bench")


def peak_goal(task: Task, object_bytes: int) -> int | None:
    """In bytes."""
    return None if task.peak_mb is None else task.peak_mb * MB + (object_bytes if task.holds else 0)

"""The benchmarks run: their tasks still say what they said, and do what csv.DictReader does. No test holds a number."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = [name for name in ("curl", "gzip", "zcat") if shutil.which(name) is None]


@pytest.mark.skipif(bool(NEEDED) or not hasattr(os, "wait4"), reason=f"the benchmarks run beside {', '.join(NEEDED)}")
def test_every_task_runs_at_a_tiny_size_and_its_content_is_checked(tmp_path: Path) -> None:
    """One line a task; of the memory lines, which are the same tasks again, one."""
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    # A task runs in a folder of its own, where no relative path leads to the package.
    environment = {**os.environ, "SFBULK_BENCH_DATA": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(ROOT / "bench" / "table.py"), "--rows", "2000", "--pairs", "1", "--memory"]

    done = subprocess.run(
        [*command, "--only", "^(?!memory)|memory: load a CSV file, plain"],
        capture_output=True,
        text=True,
        env=environment,
    )

    assert 0 == done.returncode, done.stderr
    first_cells = [line.split("|")[1].strip() for line in done.stdout.splitlines()[2:]]
    assert [
        "import salesforce_bulk",
        "sfbulk --help",
        "query -> CSV file",
        "query -> CSV file, page after page",
        "query -> Arrow table, typed",
        "query -> Parquet, typed",
        "query -> pandas, typed",
        "query -> dict rows, text",
        "query -> dict rows, typed",
        "query -> dict rows, text, without pyarrow",
        "load a CSV file, gzip on the wire",
        "load a CSV file, plain on the wire",
        "load a CSV file, outcomes written out",
        "load a CSV file, results in another order",
        "load a list of dicts",
        "old interface: read rows",
        "old interface: post rows of text values",
        "old interface: post rows of typed values",
        "memory: load a CSV file, plain on the wire",
    ] == first_cells


@pytest.mark.skipif(bool(NEEDED) or not hasattr(os, "wait4"), reason=f"the benchmarks run beside {', '.join(NEEDED)}")
def test_a_pattern_that_no_task_matches_is_an_error() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "table.py"), "--only", "no such task"], capture_output=True, text=True
    )

    assert 1 == done.returncode
    assert "No task has a match for 'no such task'; some need --peer, or --memory.\n" == done.stderr

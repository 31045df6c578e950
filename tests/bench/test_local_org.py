"""The measurement of the local org runs, and counts what it measures. No test holds a number of seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="measured by wait4")
def test_rows_go_in_and_come_out_at_a_tiny_size() -> None:
    """All of them: by insert, by upsert, by query."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "local_org.py"), "--rows", "4000", "--upsert"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )

    assert 0 == done.returncode, done.stderr
    lines = done.stdout.splitlines()
    assert "4,000 rows of 7 columns, 0 MB" == lines[0]
    assert ["in (insert)", "in (upsert)", "out (query)"] == [re.split(r"  +", line)[0] for line in lines[1:4]]
    assert re.fullmatch(r"the org took \d+\.\d s of processor time and at most \d+ MB of memory", lines[4])

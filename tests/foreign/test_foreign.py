"""Clients that were not made by us, each in its own environment, against the local org.

``SFBULK_FOREIGN_CACHE`` names a folder to keep the environments in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk.emulator import LocalOrg

HERE = Path(__file__).parent
#: Headroom for the polling of clients that look every five seconds.
TIMEOUT_SECONDS = 300

pytestmark = pytest.mark.foreign


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        yield org


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("SFBULK_FOREIGN_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("foreign")


def run(cache: Path, requirement: str, script: str, org: LocalOrg) -> dict[str, Any]:
    """A script of Python, in an environment that holds *requirement*."""
    home = cache / requirement.replace("=", "-")
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (home / "complete").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
        (home / "complete").touch()
    return report(python, script, org, home)


def run_node(cache: Path, requirement: str, script: str, org: LocalOrg) -> dict[str, Any]:
    """A script of node, in a folder in which npm has put *requirement*."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs node and npm")
    home = cache / requirement.replace("/", "-")
    if not (home / "complete").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund", requirement], check=True, cwd=home)
        (home / "complete").touch()
    return report(node, script, org, home)


def report(program: str | Path, script: str, org: LocalOrg, home: Path) -> dict[str, Any]:
    """What the script prints last."""
    # Neither our package nor the settings of this environment may leak in.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SFBULK"))}
    done = subprocess.run(
        [program, HERE / script, org.url, org.access_token],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env=environment,
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_simple_salesforce_writes_and_reads_through_bulk_1(cache: Path, org: LocalOrg) -> None:
    """25,000 rows go in through JSON batches and come back the same."""
    report = run(cache, "simple-salesforce", "simple_salesforce_bulk1.py", org)

    assert report["inserted"] == report["found"] == 25_000
    assert report["same_names"]
    assert report["same_text"]
    assert report["created_date"] == "int"
    assert report["by_rest"] == 1
    assert report["refused"] == "REQUIRED_FIELD_MISSING"
    assert report["updated"]
    assert org.requests("bulk1.add_batch") >= 4


def test_the_old_salesforce_bulk_writes_and_reads(cache: Path, org: LocalOrg) -> None:
    """The released 2.2.0 inserts CSV through streamed bodies and reads CSV and JSON."""
    report = run(cache, "salesforce-bulk==2.2.0", "salesforce_bulk_2_2_0.py", org)

    assert report["inserted"] == report["found"] == 25_000
    assert report["same_names"]
    assert report["same_text"]
    assert report["as_json"] == 1


def test_simple_salesforce_writes_and_reads_through_bulk_2(cache: Path, org: LocalOrg) -> None:
    """25,000 rows go in through three jobs; upserted, deleted and queried in pages, they come back the same."""
    report = run(cache, "simple-salesforce", "simple_salesforce_bulk2.py", org)

    assert (report["inserted"], report["jobs"]) == (25_000, 3)
    assert (report["created"], report["updated"], report["unprocessed"]) == (10, 10, [])
    assert report["not_upserted"] == ["STRING_TOO_LONG"] * 2
    assert report["deleted"] == 100
    assert report["found"] == report["keys"] == 24_910
    assert report["with_deleted"] == 25_010
    assert report["same_text"]
    assert report["refused"].startswith("REQUIRED_FIELD_MISSING:")
    assert report["failed"].endswith("InvalidBatch : Field name not found : Nmae")
    assert org.requests("query2.results") == report["pages"] + 1


def test_jsforce_loads_and_queries_through_bulk_2(cache: Path, org: LocalOrg) -> None:
    """25,000 rows in one job, an upsert, a query, a refusal, an abort; and a collection."""
    report = run_node(cache, "@jsforce/jsforce-node", "jsforce_bulk2.cjs", org)

    assert (report["inserted"], report["failedRows"], report["unprocessed"]) == (25_000, 0, 0)
    assert report["upserted"] == ["false", "false", "true"]
    assert report["found"] == 25_001
    assert report["sameText"] == 25_000
    assert report["owners"] == ["Local Admin"]
    assert report["failed"].endswith("InvalidBatch : Field name not found : Nmae")
    assert (report["refused"], report["state"], report["deleted"]) == ("INVALID_FIELD", "Aborted", "NOT_FOUND")
    assert report["collection"] == [True, False]

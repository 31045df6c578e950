"""A load that is killed at any step of it, or asked to end there, and resumed by another process, leaves the org and the outcomes
as if nothing had been.

Every run of the tests takes a few places to die at, by chance with a fixed seed; ``scripts/test --crash`` takes all of them.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import JournalError
from tests.crash.loads import ENDED, Load, opened, rows_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed as Unix does")

ROOT = Path(__file__).parents[2]
ROWS = 7

LOADS = [
    *(
        Load(operation, api, parallel)
        for operation in ("insert", "update", "upsert", "delete")
        for api in ("bulk2", "bulk1")
        for parallel in (1, 2)
    ),
    Load("hard_delete", "bulk2", 2),
    Load("hard_delete", "bulk1", 1),
    Load("insert", "bulk2", 2, "iterator"),
    Load("insert", "bulk1", 1, "iterator"),
    Load("upsert", "bulk2", 1, "iterator"),
    Load("insert", "bulk2", 2, retries=2),
    Load("insert", "bulk1", 1, retries=2),
    Load("update", "rest", 1),
    Load("delete", "rest", 2),
    Load("upsert", "rest", 1, "iterator"),
]
BY_NAME = {load.name: load for load in LOADS}
#: More than any of them has, and so many tests share them; a load that ends before it is asked to die is resumed all the same.
MOST_STEPS = 600
LANES = 6


class Stage:
    """The org, before each load as it was before the others."""

    def __init__(self, org: LocalOrg, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.org = org
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._number = 0

    def set(self, load: Load) -> Path:
        """An org with the records that the load needs, and the file of its rows. Two rows are refused."""
        self.org.reset()
        self._number += 1
        self._monkeypatch.setenv("SFBULK_HOME", str(self._folder / f"home-{self._number}"))
        if load.retries:
            (account,) = self.org.holds("Account", [{"Name": "parent"}])
            rows = [{"LastName": f"n{n}", "AccountId": account} for n in range(ROWS)]
            # One part has its rows refused for a lock, once.
            self.org.faults.plan("ingest2.job" if load.api == "bulk2" else "bulk1.batch", "lock")
        else:
            ids = self.org.holds("Account", [{"Name": f"o{n}", "Key__c": f"k{n}"} for n in range(ROWS)])
            ids[2] = "001000000000000AAA"
            made = {
                "insert": lambda n: {"Name": "" if n == 2 else f"n{n}", "Key__c": f"k{n + 4}"},
                "upsert": lambda n: {"Key__c": f"k{n + 4}", "Name": "" if n == 2 else f"n{n}"},
                "update": lambda n: {"Id": ids[n], "Name": f"n{n}"},
                "delete": lambda n: {"Id": ids[n]},
                "hard_delete": lambda n: {"Id": ids[n]},
            }[load.operation]
            rows = [made(n) for n in range(ROWS)]
        path = self._folder / f"rows-{self._number}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def perform(self, load: Load, path: Path, k: int, how: str) -> subprocess.CompletedProcess[str]:
        told = {
            "k": k,
            "how": how,
            "url": self.org.url,
            "token": self.org.access_token,
            "path": str(path),
            "load": asdict(load),
        }
        return subprocess.run(
            [sys.executable, "-m", "tests.crash.child", json.dumps(told)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def go_on(self, load: Load, path: Path) -> Any:
        """What somebody does who finds the machine again: resume the run, if there is one, else load."""
        with opened(self.org.url, self.org.access_token) as sf:
            runs = sf.runs()
            if not runs:
                return load.perform(sf, path)
            try:
                result = sf.resume(runs[0].run_id)
            except JournalError as error:
                if "were never read" not in str(error):
                    raise
                result = sf.resume(runs[0].run_id, rows=rows_of(path))
            assert ["finished"] == [run.state for run in sf.runs()]
            assert seen(result) == seen(sf.resume(result.run_id))
            return result

    def open_jobs(self) -> list[str]:
        with opened(self.org.url, self.org.access_token) as sf:
            return [job.id for job in sf.jobs() if job.state == "Open"]

    def left(self, load: Load, result: Any) -> tuple[Any, ...]:
        """The records, and the outcome of each row with the record that it is about. Ids are named by what they hold."""
        names = ("LastName", "AccountId") if load.retries else ("Name", "Key__c")
        records = self.org.rows(f"SELECT Id, IsDeleted, {', '.join(names)} FROM {load.sobject}", deleted=True)
        known = {record["Id"]: tuple(record[name] for name in (*names, "IsDeleted")) for record in records}
        if load.retries:
            known = {id: name[::2] for id, name in known.items()}
        outcomes = [(state, code, created, known.get(id, id)) for _, state, id, created, code in seen(result)]
        return sorted(known.values(), key=str), outcomes


def seen(result: Any) -> list[tuple[Any, ...]]:
    return [(outcome.row, outcome.state, outcome.id, outcome.created, outcome.code) for outcome in result]


@pytest.fixture
def stage(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = Stage(local_org, tmp_path, monkeypatch)
    yield stage
    local_org.faults.clear()


def survives(stage: Stage, load: Load, ks: list[int], how: str = "die") -> int:
    """How many of the places were reached. Whoever is asked to end has time to leave no open job behind."""
    path = stage.set(load)
    with opened(stage.org.url, stage.org.access_token) as sf:
        expected = stage.left(load, load.perform(sf, path))
    reached = 0
    for k in ks:
        path = stage.set(load)
        ended = stage.perform(load, path, k, how)
        assert ended.returncode in (0, -9 if how == "die" else ENDED), ended.stderr
        reached += ended.returncode != 0
        if how != "die":
            assert [] == stage.open_jobs(), f"{load.name} was asked to end at step {k}: {ended.stdout}"
        result = stage.go_on(load, path)
        assert expected == told(stage.left(load, result), expected, load), f"{load.name} died at step {k}"
        assert ROWS == len(result)
        if ended.returncode == 0:
            break
    return reached


def told(left: tuple[Any, ...], expected: tuple[Any, ...], load: Load) -> tuple[Any, ...]:
    """What is left, with what was expected where nobody can know: whether a record was made by the call of a collection that was
    not answered, or was there before (``created=None``)."""
    if (load.operation, load.api) != ("upsert", "rest"):
        return left
    records, outcomes = left
    return records, [
        (state, code, created if is_made is None else is_made, record)
        for (state, code, is_made, record), (_, _, created, _) in zip(outcomes, expected[1], strict=True)
    ]


def sample(count: int, seed: int) -> list[tuple[str, int]]:
    dice = random.Random(seed)
    return sorted((dice.choice(LOADS).name, dice.randrange(10, 180)) for _ in range(count))


@pytest.mark.parametrize(("name", "k"), sample(20, 20261124))
def test_a_load_that_dies_is_gone_on_with(stage: Stage, name: str, k: int) -> None:
    survives(stage, BY_NAME[name], [k])


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(("name", "k"), sample(8, 20261125))
def test_a_load_that_is_asked_to_end_leaves_no_open_job_and_is_gone_on_with(
    stage: Stage, name: str, k: int, how: str
) -> None:
    survives(stage, BY_NAME[name], [k], how)


@pytest.mark.crash
@pytest.mark.parametrize("lane", range(LANES))
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_a_load_is_asked_to_end_at_every_step(stage: Stage, load: Load, lane: int) -> None:
    """Before and after each of them."""
    reached = survives(stage, load, list(range(1 + lane, MOST_STEPS, LANES)), "SIGINT")

    assert 80 / LANES - 1 < reached < MOST_STEPS / LANES - 1


@pytest.mark.crash
@pytest.mark.parametrize("lane", range(LANES))
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_a_load_dies_at_every_step(stage: Stage, load: Load, lane: int) -> None:
    """Before and after each of them."""
    reached = survives(stage, load, list(range(1 + lane, MOST_STEPS, LANES)))

    assert 80 / LANES - 1 < reached < MOST_STEPS / LANES - 1

"""Queries that keep their pages: what is fetched once is not fetched again, whoever died meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import JournalLocked, ResultsExpired, UsageError, WaitTimeout

ROOT = Path(__file__).parents[2]
SOQL = "SELECT Id, Name, Description FROM Account"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Time:
    """Pauses take no time worth waiting for, but count."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(0.01)
        self.now += seconds


@pytest.fixture
def org(local_org: LocalOrg) -> Iterator[Org]:
    time = Time()
    with connect(
        login=AccessToken(local_org.access_token, instance_url=local_org.url),
        api_version="66.0",
        clock=Clock(time.sleep, lambda: time.now),
    ) as org:
        local_org.holds("Account", [{"Name": f"n{n}", "Description": f'a "{n}",\nb'} for n in range(1_000)])
        yield org


class Broken(Exception):
    """What a program of ours runs into."""


def broken(org: Org, pages: int) -> str:
    """A query that broke off when so many pages had been read; its id."""
    result = org.query(SOQL, page_rows=100, keep=True)
    with pytest.raises(Broken) as raised:
        for number, _ in enumerate(result):
            if number == pages * 100:
                raise Broken
    assert raised.value
    return str(result.receipt["run_id"])


CHILD = """
import os, sys
from salesforce_bulk import AccessToken, connect

def dies(page):
    global left
    for piece in page:
        yield piece
    left -= 1
    if not left:
        os.kill(os.getpid(), 9)

left = int(sys.argv[3])
with connect(login=AccessToken(sys.argv[2], instance_url=sys.argv[1]), api_version="66.0") as sf:
    sf.query(sys.argv[4], page_rows=100, keep=True).through(dies).to_csv(sys.argv[5])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed as Unix does")
@pytest.mark.parametrize("pages", [1, 4, 10])
def test_a_query_that_was_killed_is_gone_on_with(org: Org, local_org: LocalOrg, tmp_path: Path, pages: int) -> None:
    """The same job; only the pages that are missing are fetched; the file is that of an undisturbed run, byte by byte."""
    assert 1_000 == org.query(SOQL, page_rows=100).to_csv(tmp_path / "expected.csv")
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "accounts.csv"
    program = [sys.executable, "-c", CHILD, local_org.url, local_org.access_token, str(pages), SOQL, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert -9 == subprocess.run(program, env=environment, check=False, timeout=100).returncode
    assert not path.exists()
    (run,) = org.runs()
    assert ("query", "unfinished") == (run.operation, run.state)
    assert f"<Run {run.run_id} query Account: {run.parts}/{run.parts} pages, {run.succeeded:_} rows>" == repr(run)
    assert pages <= run.parts <= pages + 1
    assert run.parts * 100 == run.succeeded
    before = local_org.requests("query2.results"), local_org.requests("query2.create_job")

    result = org.resume_query(run.run_id)

    assert 1_000 == result.to_csv(path)
    assert (tmp_path / "expected.csv").read_bytes() == path.read_bytes()
    assert (before[0] + 10 - run.parts, before[1]) == (
        local_org.requests("query2.results"),
        local_org.requests("query2.create_job"),
    )
    assert (run.run_id, True) == (result.receipt["run_id"], result.receipt["complete"])
    assert ["finished"] == [run.state for run in org.runs()]


DIES_WRITING = """
import os, sys
from salesforce_bulk import AccessToken, connect

left = int(sys.argv[3])

def count(frame, event, argument):
    global left
    if event in ("c_call", "c_return") and getattr(argument, "__name__", "") in ("fsync", "replace", "unlink", "mkdir"):
        left -= 1
        if not left:
            os.kill(os.getpid(), 9)

with connect(login=AccessToken(sys.argv[2], instance_url=sys.argv[1]), api_version="66.0") as sf:
    sf.describe("Account")
    sys.setprofile(count)
    sf.query(sys.argv[4], page_rows=100, keep=True).to_csv(sys.argv[5])
    sys.setprofile(None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed as Unix does")
@pytest.mark.parametrize("step", [1, 4, 7, 12, 17, 30, 43, 62])
def test_a_query_that_dies_at_a_write_is_gone_on_with(org: Org, local_org: LocalOrg, tmp_path: Path, step: int) -> None:
    """Before and after a file is brought to the disk, or takes its name. Where no run had begun there is nothing to go on with."""
    org.query(SOQL, page_rows=100).to_csv(tmp_path / "expected.csv")
    path = tmp_path / "accounts.csv"
    program = [sys.executable, "-c", DIES_WRITING, local_org.url, local_org.access_token, str(step), SOQL, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    died = subprocess.run(program, env=environment, check=False, timeout=100, capture_output=True)
    assert died.returncode in (0, -9), died.stderr

    runs = org.runs()
    assert runs or step < 30  # by then its journal had been begun
    for run in runs:
        assert 1_000 == org.resume_query(run.run_id).to_csv(path)
        assert (tmp_path / "expected.csv").read_bytes() == path.read_bytes()
    assert {"finished"} >= {run.state for run in org.runs()}


def test_a_kept_query_that_has_ended_needs_no_org(org: Org, local_org: LocalOrg) -> None:
    """All ways of reading it read what is here."""
    result = org.query(SOQL, page_rows=300, keep=True)
    expected = list(result)
    before = local_org.requests("query2.results")

    again = org.resume_query(result.receipt["run_id"])

    assert expected == list(again) == list(result)
    assert expected == again.to_arrow().to_pylist()
    assert (before, 1_000) == (local_org.requests("query2.results"), len(expected))


def test_a_page_that_was_damaged_here_is_fetched_again(org: Org, local_org: LocalOrg, home: Path) -> None:
    """Its hash tells."""
    run_id = broken(org, 3)
    page = home / "runs" / run_id / "page-1.csv"
    page.write_bytes(page.read_bytes().replace(b"n1", b"x1"))

    assert [f"n{n}" for n in range(1_000)] == [row["Name"] for row in org.resume_query(run_id)]


@pytest.mark.parametrize(
    "fault", ["reset-after-1k", "truncated", "short-page", "malformed-csv", "missing-locator", "lying-length", "503"]
)
def test_a_page_that_comes_damaged_is_not_kept(org: Org, local_org: LocalOrg, fault: str) -> None:
    local_org.faults.plan("query2.results", fault, after=2)

    result = org.query(SOQL, page_rows=100, keep=True)

    assert [f"n{n}" for n in range(1_000)] == [row["Name"] for row in result]


def test_a_job_that_the_org_has_forgotten(org: Org, local_org: LocalOrg) -> None:
    """The pages that are here are not all."""
    result = org.query(SOQL, page_rows=100, keep=True)
    run_id = result.receipt["run_id"]
    reader = iter(result)
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    job = result.receipt["jobs"][0]["id"]
    org.job(job).delete()

    with pytest.raises(ResultsExpired) as gone:
        list(result)
    assert (
        f"The org does not know query job {job} or its results any more: it keeps them for seven days.\n"
        "No data was changed; the pages that were kept are not the whole result.\nRun the query again."
    ) == str(gone.value)
    assert run_id == gone.value.run_id
    assert [f"The query can be gone on with: sf.resume_query({run_id!r})"] == gone.value.__notes__


def test_a_kept_query_that_is_left_while_its_job_runs_lets_it_run(org: Org, local_org: LocalOrg) -> None:
    """Knowingly: somebody can come back for it."""
    local_org.faults.plan("query2.job", "slow-1000")

    with pytest.raises(WaitTimeout) as late:
        org.query(SOQL, keep=True, run_seconds=60)

    run_id = late.value.run_id
    assert (
        "The query had no result after 60 seconds, which is all that run_seconds gives it.\n"
        f"No data was changed, and no row was read. Its job {late.value.job_id} goes on.\n"
        f"Go on with it: sf.resume_query({run_id!r})."
    ) == str(late.value)
    local_org.faults.clear()
    assert run_id is not None
    assert 1_000 == len(list(org.resume_query(run_id)))


def test_one_reader_at_a_time(org: Org, local_org: LocalOrg) -> None:
    result = org.query(SOQL, page_rows=100, keep=True)
    reader = iter(result)
    next(reader)

    with pytest.raises(JournalLocked):
        next(iter(org.resume_query(result.receipt["run_id"])))
    reader.close()  # type: ignore[attr-defined]
    assert 1_000 == len(list(result))


def test_a_load_and_a_query_are_gone_on_with_by_verbs_of_their_own(org: Org, local_org: LocalOrg) -> None:
    load = org.insert("Account", [{"Name": "n"}]).run_id
    query = org.query(SOQL, keep=True).receipt["run_id"]

    for call, said in (
        (
            lambda: org.resume(query),
            f"Run {query} is no load. Nothing was sent. sf.resume_query({query!r}) goes on with a query.",
        ),
        (
            lambda: org.resume_query(load),
            f"Run {load} is no query. Nothing was sent. sf.resume({load!r}) goes on with it.",
        ),
    ):
        with pytest.raises(UsageError) as wrong:
            call()
        assert said == str(wrong.value)


@pytest.mark.parametrize("told", [{"api": "bulk1"}, {"api": "rest"}])
def test_only_pages_of_bulk_api_2_are_kept(org: Org, local_org: LocalOrg, told: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as wrong:
        org.query(SOQL, keep=True, **told)

    assert (
        "keep is for queries by Bulk API 2.0, whose pages can be fetched one by one, and this one goes by "
        f"{told['api']}: as asked for. Nothing was sent."
    ) == str(wrong.value)


def test_a_query_without_rows_is_kept_too(org: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    soql = f"{SOQL} WHERE Name = 'nobody'"
    result = org.query(soql, keep=True)

    assert 0 == result.to_csv(tmp_path / "none.csv") == org.query(soql).to_csv(tmp_path / "expected.csv")
    assert (tmp_path / "expected.csv").read_bytes() == (tmp_path / "none.csv").read_bytes()
    assert ["finished"] == [run.state for run in org.runs()]

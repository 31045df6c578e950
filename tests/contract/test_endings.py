"""How verbs end before their end: Ctrl-C, SIGTERM, a time that is up, a full disk, an error of the caller's own.

A run ends so that it can be gone on with, and says how; in the org no job stays open, and none goes on without being named. That
this holds at every step of a load is shown in tests/crash.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import AccessToken, AsyncOrg, Org, connect, connect_async
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import AnswerLost, JournalError, OutputError, UsageError, WaitTimeout
from salesforce_bulk.options import LoadOptions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits as Unix has them")

ROOT = Path(__file__).parents[2]
SLOW = {"bulk2": "ingest2.job", "bulk1": "bulk1.batch"}


class Time:
    """A clock that goes on by what is slept, and by nothing else. The org gets a moment in which it works."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(0.01)
        with self._lock:
            self.now += seconds

    def clock(self) -> Clock:
        return Clock(self.sleep, lambda: self.now, lambda: 1.0)


def opened(local_org: LocalOrg, sleep: Callable[[float], None] | None = None) -> Org:
    time = Time()
    clock = time.clock() if sleep is None else Clock(sleep, lambda: time.now)
    return connect(
        login=AccessToken(local_org.access_token, instance_url=local_org.url), api_version="66.0", clock=clock
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def org(local_org: LocalOrg) -> Iterator[Org]:
    with opened(local_org) as org:
        yield org


def rows(count: int = 9) -> list[dict[str, Any]]:
    return [{"Name": f"n{n}"} for n in range(count)]


def names(local_org: LocalOrg) -> list[str]:
    return [row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")]


def states(org: Org) -> list[str]:
    return sorted(job.state for job in org.jobs())


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("load", "again", "ThreadPool"))]


# -- a time that is up --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_run_whose_time_is_up_is_left_as_it_is(org: Org, local_org: LocalOrg, api: str) -> None:
    """The second part goes on in the org, and is named; the third is not sent. A resume has a time of its own."""
    local_org.faults.plan(SLOW[api], "slow-1000", after=1)

    with pytest.raises(WaitTimeout) as late:
        org.insert("Account", rows(), api=api, part_rows=3, parallel_jobs=1, run_seconds=3_000)

    run_id = late.value.run_id
    assert (
        f"Run {run_id} was left after 3000 seconds, which is all that run_seconds gives it.\n"
        "Of its rows, 3 were applied, 0 refused and 0 not tried by now, as far as is known here; nothing more was sent.\n"
        f"Go on with it: sf.resume({run_id!r})."
    ) == str(late.value)
    (job,) = (job for job in org.jobs() if job.state not in ("JobComplete", "Closed")) if api == "bulk2" else [None]
    going, how = late.value.__notes__
    assert f"The run can be gone on with: sf.resume({run_id!r})" == how
    if job is not None:
        assert f"The org goes on with {job.id}; a resume takes up the results." == going
    else:
        assert going.startswith("The org goes on with 751")
    assert "Open" not in states(org)
    assert ("", True, []) == (late.value.job_id, late.value.repeatable, threads())
    (run,) = org.runs()
    assert ("unfinished", 1) == (run.state, run.settled)

    with pytest.raises(WaitTimeout):
        org.resume(run_id, run_seconds=1)
    local_org.faults.clear()
    assert 9 == org.resume(run_id).succeeded
    assert [f"n{n}" for n in range(9)] == names(local_org)


def test_the_time_of_one_job_is_another_one(org: Org, local_org: LocalOrg) -> None:
    """Past ``job_seconds`` the other parts are waited for, and the error names the job."""
    local_org.faults.plan("ingest2.job", "slow-1000")

    with pytest.raises(WaitTimeout, match=r"^Job \w+ was still \w+ after 3000 seconds\.") as late:
        org.insert("Account", rows(6), part_rows=3, job_seconds=3_000, run_seconds=100_000)

    assert late.value.job_id
    assert late.value.__notes__[0] == f"The org goes on with {late.value.job_id}; a resume takes up the results."
    assert 1 == org.runs()[0].settled
    local_org.faults.clear()
    assert 6 == org.resume(late.value.run_id).succeeded


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_query_whose_time_is_up_is_aborted(org: Org, local_org: LocalOrg, api: str) -> None:
    """Nobody would read what it finds."""
    local_org.faults.plan("query2.job" if api == "bulk2" else "bulk1.batch", "slow-1000")

    with pytest.raises(WaitTimeout) as late:
        org.query("SELECT Id FROM Account", api=api, run_seconds=60)

    assert (
        "The query had no result after 60 seconds, which is all that run_seconds gives it.\n"
        f"No data was changed, and no row was read. Its job {late.value.job_id} was aborted.\n"
        "Ask for less, or give it longer."
    ) == str(late.value)
    assert "Aborted" == org.job(late.value.job_id).state


def test_a_query_that_waited_long_enough_for_its_job_leaves_it(org: Org, local_org: LocalOrg) -> None:
    """``job_seconds`` says so, and the error names the job, whose results can be had when they are there."""
    local_org.holds("Account", 3)
    local_org.faults.plan("query2.job", "slow-1000")

    with pytest.raises(WaitTimeout, match="The org goes on with it") as late:
        org.query("SELECT Id FROM Account", job_seconds=60)

    assert org.job(late.value.job_id).state in ("UploadComplete", "InProgress")


def test_the_time_of_the_verb_does_not_hold_for_reading(local_org: LocalOrg) -> None:
    """What has a result is read when its reader likes."""
    local_org.holds("Account", 3)
    time = Time()
    login = AccessToken(local_org.access_token, instance_url=local_org.url)
    with connect(login=login, api_version="66.0", clock=time.clock()) as org:
        result = org.query("SELECT Id FROM Account", run_seconds=100_000)
        time.now += 1_000_000

        assert 3 == len(list(result)) == len(list(result))


def test_the_time_of_the_verb_does_not_hold_for_outcomes_that_wait(local_org: LocalOrg) -> None:
    """They are fetched when they are first asked for."""
    time = Time()
    login = AccessToken(local_org.access_token, instance_url=local_org.url)
    with connect(login=login, api_version="66.0", clock=time.clock()) as org:
        result = org.insert("Account", rows(), outcomes="later", run_seconds=100_000)
        time.now += 1_000_000

        assert 9 == len({outcome.id for outcome in result})


@pytest.mark.parametrize("seconds", [0, -1.5])
def test_no_time_is_no_time(org: Org, local_org: LocalOrg, seconds: float) -> None:
    for call in (
        lambda: org.insert("Account", rows(), run_seconds=seconds),
        lambda: org.query("SELECT Id FROM Account", run_seconds=seconds),
        lambda: org.resume("r-0", run_seconds=seconds),
    ):
        with pytest.raises(UsageError) as none:
            call()
        assert f"run_seconds is more than 0, not {seconds:g}. Nothing was sent." == str(none.value)
    assert 0 == local_org.requests()


def test_every_verb_that_takes_time_can_be_given_one() -> None:
    """By both doors."""
    assert LoadOptions().run_seconds is None
    for kind in (Org, AsyncOrg):
        for verb in (kind.query, kind.resume):
            assert inspect.signature(verb).parameters["run_seconds"].default is None


# -- signals ------------------------------------------------------------------------------------------------------------

CHILD = """
import json, signal, sys, time
from salesforce_bulk import AccessToken, connect
from salesforce_bulk.cli.endings import ending_on_signals
from salesforce_bulk.engine.drive import Clock

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell has its background processes ignore
url, token, what, options = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
clock = Clock(sleep=time.sleep)
with connect(login=AccessToken(token, instance_url=url), api_version="66.0", clock=clock) as sf, ending_on_signals():
    try:
        print("begins", flush=True)
        if what == "query":
            sf.query("SELECT Id FROM Account", **options)
        else:
            rows = [{"Name": f"n{n}"} for n in range(9)]
            sf.insert("Account", rows, on_progress=lambda told: print("part", flush=True), **options)
    except KeyboardInterrupt as ended:
        print(json.dumps([type(ended).__name__, str(ended), getattr(ended, "run_id", None), getattr(ended, "__notes__", [])]))
"""


def asked_to_end(
    local_org: LocalOrg, number: signal.Signals, what: str, options: Mapping[str, Any], until: Callable[[], bool]
) -> tuple[str, str, str, list[str]]:
    """What a process tells that was asked to end in the midst of a verb."""
    program = [sys.executable, "-c", CHILD, local_org.url, local_org.access_token, what, json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        assert "begins\n" == child.stdout.readline()
        if what == "load":
            assert "part\n" == child.stdout.readline()
        while not until():
            threading.Event().wait(0.01)
        child.send_signal(number)
        told, _ = child.communicate(timeout=60)
    name, text, run_id, notes = json.loads(told.splitlines()[-1])
    return name, text, run_id, notes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_load_ends_clean_when_it_is_asked_to(org: Org, local_org: LocalOrg, api: str, number: signal.Signals) -> None:
    """It waits for no job, and names the one that goes on. The third part was not sent."""
    local_org.faults.plan(SLOW[api], "slow-1000", after=1)
    looks = f"{'ingest2.get_job' if api == 'bulk2' else 'bulk1.get_batch'}"
    before = local_org.requests(looks)

    name, text, run_id, notes = asked_to_end(
        local_org,
        number,
        "load",
        {"api": api, "part_rows": 3, "parallel_jobs": 1},
        lambda: local_org.requests(looks) > before + 5,
    )

    assert ("KeyboardInterrupt", "") if number == signal.SIGINT else ("Ended", "Ended by SIGTERM.") == (name, text)
    assert "Open" not in states(org)
    assert notes[0].startswith("The org goes on with 75")
    assert f"The run can be gone on with: sf.resume({run_id!r})" == notes[1]
    local_org.faults.clear()
    assert 9 == org.resume(run_id).succeeded
    assert [f"n{n}" for n in range(9)] == names(local_org)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_query_ends_clean_when_it_is_asked_to(org: Org, local_org: LocalOrg, number: signal.Signals) -> None:
    """Its job is aborted."""
    local_org.faults.plan("query2.job", "slow-1000")

    asked_to_end(local_org, number, "query", {}, lambda: local_org.requests("query2.get_job") > 3)

    assert ["Aborted"] == states(org)


# -- errors of the caller's own -----------------------------------------------------------------------------------------


class Broken(Exception):
    """What a program of ours runs into."""


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_callback_that_raises_ends_the_run(org: Org, local_org: LocalOrg, api: str) -> None:
    """With its own error, and after what was under way; nothing stays open."""

    def on_progress(told: Mapping[str, Any]) -> None:
        raise Broken

    with pytest.raises(Broken) as raised:
        org.insert("Account", rows(), api=api, part_rows=3, parallel_jobs=2, on_progress=on_progress)

    run_id = raised.value.run_id  # type: ignore[attr-defined]
    assert [f"The run can be gone on with: sf.resume({run_id!r})"] == raised.value.__notes__
    assert {"JobComplete" if api == "bulk2" else "Closed"} == set(states(org))
    assert [] == threads()
    assert 9 == org.resume(run_id).succeeded
    assert [f"n{n}" for n in range(9)] == names(local_org)


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_rows_that_break_off_end_the_run(org: Org, local_org: LocalOrg, api: str) -> None:
    """The parts that were whole are loaded; the same rows, handed in again, go on where they broke off."""

    def breaking() -> Iterator[dict[str, Any]]:
        for number in range(5_000):
            yield {"Name": f"n{number:04}", "Description": "x" * 200}
        raise Broken

    with pytest.raises(Broken) as raised:
        org.insert("Account", breaking(), api=api, part_rows=1_000, parallel_jobs=2)

    run_id = raised.value.run_id  # type: ignore[attr-defined]
    assert [f"The run can be gone on with: sf.resume({run_id!r})"] == raised.value.__notes__
    assert "Open" not in states(org)
    whole = ({"Name": f"n{number:04}", "Description": "x" * 200} for number in range(5_500))
    assert 5_500 == org.resume(run_id, rows=whole).succeeded
    assert [f"n{number:04}" for number in range(5_500)] == names(local_org)


def test_an_upload_whose_rows_fail_leaves_no_open_job(org: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """The file of a part is gone when it is to be sent: an error of the disk, not of the org."""
    parts: list[Path] = []

    def on_progress(told: Mapping[str, Any]) -> None:
        for path in (tmp_path / "home").rglob("part-2.csv"):
            path.unlink()
            parts.append(path)

    with pytest.raises(FileNotFoundError) as gone:
        org.insert("Account", rows(), part_rows=3, parallel_jobs=1, api="bulk2", on_progress=on_progress)

    assert ["part-2.csv"] == [path.name for path in parts]
    assert ["Aborted", "JobComplete", "JobComplete"] == states(org)
    assert gone.value.__notes__


@pytest.mark.parametrize("api", ["bulk2", "bulk1", "rest"])
def test_a_reader_that_leaves_early_leaves_nothing_running(org: Org, local_org: LocalOrg, api: str) -> None:
    """When there is a result to read, its job has ended; no page is open, and no thread is left."""
    local_org.holds("Account", 1_000)
    result = org.query("SELECT Id, Name FROM Account", api=api, **({} if api == "bulk1" else {"page_rows": 200}))

    reader = iter(result)
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    with pytest.raises(Broken):
        for _ in result:
            raise Broken

    assert {"bulk2": ["JobComplete"], "bulk1": ["Closed"], "rest": []}[api] == states(org)
    assert [] == threads()
    assert 1_000 == len(list(result))


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_query_that_is_interrupted_is_aborted(local_org: LocalOrg, api: str) -> None:
    """Whatever it is that interrupts."""
    local_org.faults.plan("query2.job" if api == "bulk2" else "bulk1.batch", "slow-1000")

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with opened(local_org, interrupted) as org:
        with pytest.raises(KeyboardInterrupt):
            org.query("SELECT Id FROM Account", api=api)
        assert ["Aborted"] == states(org)
    local_org.faults.clear()  # whoever is aborted at once is not seen to be slow


def test_a_query_whose_looks_are_not_answered_is_aborted(org: Org, local_org: LocalOrg) -> None:
    local_org.faults.plan("query2.job", "slow-1000")
    local_org.faults.plan("query2.get_job", "reset-before", times=5)

    with pytest.raises(AnswerLost):
        org.query("SELECT Id FROM Account")

    assert ["Aborted"] == states(org)


def test_a_query_whose_await_is_cancelled_is_aborted(local_org: LocalOrg) -> None:
    """Before the cancelled await returns."""
    local_org.faults.plan("query2.job", "slow-1000")

    async def cancelled() -> list[str]:
        login = AccessToken(local_org.access_token, instance_url=local_org.url)
        async with connect_async(login=login, api_version="66.0") as org:
            waiting = asyncio.create_task(org.query("SELECT Id FROM Account"))
            while local_org.requests("query2.get_job") < 2:
                await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return [job.state for job in await org.jobs()]

    assert ["Aborted"] == asyncio.run(cancelled())


# -- a full disk --------------------------------------------------------------------------------------------------------

#: The system itself lets no file of the process grow beyond the limit: as a full disk does, for this process alone.
LIMITED = """
import json, resource, signal, sys
from salesforce_bulk import AccessToken, connect
from salesforce_bulk.engine.drive import Clock
import threading

url, token, what, most, path = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
clock = Clock(sleep=lambda seconds: threading.Event().wait(min(seconds, 0.01)) and None)
with connect(login=AccessToken(token, instance_url=url), api_version="66.0", clock=clock) as sf:
    sf.describe("Account")
    result = sf.query("SELECT Id, Name, Description FROM Account") if not what.startswith("load") else None
    if result is not None and what != "to_csv":
        import pyarrow, pyarrow.parquet  # what it loads is no output
        result.to_arrow()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        if what == "load of many":
            sf.insert("Account", ({"Name": f"n{n}"} for n in range(20_000)), api="bulk2")
        elif result is None:
            sf.insert("Account", [{"Name": f"n{n:02}"} for n in range(40)], part_rows=1, parallel_jobs=1, api="bulk2")
        else:
            getattr(result, what)(path)
    except BaseException as error:
        print(json.dumps([type(error).__name__, str(error), getattr(error, "run_id", None), getattr(error, "__notes__", [])]))
    else:
        print(json.dumps(["", "", None, []]))
"""


def limited(local_org: LocalOrg, what: str, most: int, path: Path | str = "") -> tuple[str, str, str, list[str]]:
    program = [sys.executable, "-c", LIMITED, local_org.url, local_org.access_token, what, str(most), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=100, env=environment)
    assert 0 == done.returncode, done.stderr
    name, text, run_id, notes = json.loads(done.stdout)
    return name, text, run_id, notes


@pytest.mark.parametrize("most", [2_000, 20_000, 60_000, 100_000, 140_000, 180_000])
def test_a_load_that_has_no_room_for_its_journal_goes_on_when_there_is_some(
    org: Org, local_org: LocalOrg, home: Path, most: int
) -> None:
    """Wherever it runs out. Nothing is lost or made twice, and no job stays open that a resume would not know of."""
    name, text, run_id, notes = limited(local_org, "load", most)

    assert "JournalError" == name
    assert text.endswith(("Make room on the disk, then resume the run.", "Make room on the disk, and start anew."))
    assert 2 <= text.count("\n")
    left_open = [job.id for job in org.jobs() if job.state == "Open"]
    if run_id is None:
        assert ([], []) == (list((home / "runs").iterdir()), names(local_org))
        assert [] == left_open
        return
    assert f"The run can be gone on with: sf.resume({run_id!r})" == notes[-1]
    assert all(any(job in note for note in notes) for job in left_open)
    # Those that were not read yet are asked for; of a file they would be there.
    assert 40 == org.resume(run_id, rows=[{"Name": f"n{n:02}"} for n in range(40)]).succeeded
    assert [f"n{n:02}" for n in range(40)] == names(local_org)
    assert "Open" not in states(org)


def test_outcomes_that_have_no_room_are_fetched_when_there_is_some(org: Org, local_org: LocalOrg, home: Path) -> None:
    """The rows are not sent again."""
    name, text, run_id, notes = limited(local_org, "load of many", 250_000)

    assert (
        "JournalError",
        f"The outcomes of part 0 cannot be written down in {home / 'runs' / run_id} (File too large).\n"
        "It was sent, and ended JobComplete; the org keeps its results for seven days.\n"
        "Make room on the disk, then resume the run.",
    ) == (name, text)
    assert [f"The run can be gone on with: sf.resume({run_id!r})"] == notes
    assert 20_000 == org.resume(run_id).succeeded
    assert (1, 20_000) == (local_org.requests("ingest2.upload"), len(names(local_org)))


@pytest.mark.parametrize("what", ["to_csv", "to_jsonl", "to_parquet", "to_arrow_file"])
def test_a_result_that_has_no_room_leaves_no_file(org: Org, local_org: LocalOrg, tmp_path: Path, what: str) -> None:
    """What stood under the name before stays."""
    local_org.holds("Account", [{"Name": f"n{n}", "Description": os.urandom(300).hex()} for n in range(300)])
    path = tmp_path / "out" / "accounts"
    path.parent.mkdir()
    path.write_text("as it was")

    name, text, _, _ = limited(local_org, what, 30_000, path)

    assert (
        "OutputError",
        f"{path} cannot be written (File too large).\nNothing of it was left behind, and what was there before is as it was; in "
        "the org nothing was changed.\nMake room on the disk, or name another file, and write it again.",
    ) == (name, text)
    assert ["accounts"] == [found.name for found in path.parent.iterdir()]
    assert "as it was" == path.read_text()


def test_a_file_that_cannot_be_written_is_an_error_of_the_system_too(
    org: Org, local_org: LocalOrg, tmp_path: Path
) -> None:
    """For programs that catch those."""
    with pytest.raises(OSError, match=r"cannot be written \(No such file or directory\)") as none:
        org.query("SELECT Id FROM Account").to_csv(tmp_path / "nowhere" / "accounts.csv")

    assert isinstance(none.value, OutputError)


def test_a_home_that_cannot_be_made_is_said_to_be_one(org: Org, local_org: LocalOrg, home: Path) -> None:
    """Before anything is sent."""
    home.write_text("a file")

    with pytest.raises(JournalError) as none:
        org.insert("Account", rows(3), api="bulk2")

    assert (
        f"No folder for a run can be made in {home / 'runs'} (Not a directory).\nNothing was sent.\n"
        "Make room on the disk, or name a folder that can be written to: SFBULK_HOME."
    ) == str(none.value)
    assert 0 == local_org.requests("ingest2.create_job")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 160 KB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_disk_that_is_full_for_real(
    org: Org, local_org: LocalOrg, small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on from where it was copied to."""
    monkeypatch.setenv("SFBULK_HOME", str(small_disk))
    with pytest.raises(JournalError) as full:
        org.insert("Account", [{"Name": f"n{n:02}"} for n in range(40)], part_rows=1, parallel_jobs=1, api="bulk2")
    run_id = full.value.run_id
    assert run_id is not None
    assert "Make room on the disk" in str(full.value)

    subprocess.run(["cp", "-r", str(small_disk), str(tmp_path / "larger")], check=True)
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "larger"))

    assert 40 == org.resume(run_id, rows=[{"Name": f"n{n:02}"} for n in range(40)]).succeeded
    assert [f"n{n:02}" for n in range(40)] == names(local_org)
    assert "Open" not in states(org)

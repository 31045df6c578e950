"""Runs that are gone on with: what is lost on the way, what changes meanwhile, and what a resume does about it.

That a run survives the death of its process at any step is shown in tests/crash.
"""

from __future__ import annotations

import asyncio
import csv
import inspect
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import AccessToken, AsyncOrg, Org, connect, connect_async
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import (
    AnswerLost,
    JobFailed,
    JournalError,
    JournalLocked,
    ReconciliationError,
    RecordTooLarge,
    ResultsExpired,
    SourceChanged,
)
from salesforce_bulk.protocol import ingest2

URL = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def opened(local_org: LocalOrg) -> Org:
    # Pauses take no time worth waiting for; what the org does in them is asked for until it is done.
    clock = Clock(sleep=lambda seconds: threading.Event().wait(min(seconds, 0.01)) and None)
    return connect(
        login=AccessToken(local_org.access_token, instance_url=local_org.url), api_version="66.0", clock=clock
    )


@pytest.fixture
def sf(local_org: LocalOrg) -> Iterator[Org]:
    with opened(local_org) as org:
        yield org


class Broken(Exception):
    """What a program of ours runs into."""


def breaks_after(parts: int) -> Any:
    def on_progress(told: Mapping[str, Any]) -> None:
        if told["parts"] == parts:
            raise Broken

    return on_progress


def rows(count: int = 9, start: int = 0) -> list[dict[str, Any]]:
    return [{"Name": f"n{n}"} for n in range(start, start + count)]


def in_file(path: Path, count: int = 9) -> Path:
    path.write_text("Name\n" + "".join(f"n{n}\n" for n in range(count)))
    return path


def broken(sf: Org, given: Any, parts: int = 1, **options: Any) -> str:
    """A run that stopped after some parts; its id."""
    with pytest.raises(Broken) as raised:
        sf.insert("Account", given, on_progress=breaks_after(parts), **{"part_rows": 3, "parallel_jobs": 1, **options})
    run_id: str = raised.value.run_id  # type: ignore[attr-defined]
    assert [f"The run can be gone on with: sf.resume({run_id!r})"] == raised.value.__notes__
    return run_id


def names(local_org: LocalOrg) -> list[str]:
    return [row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")]


# -- going on -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["bulk2", "bulk1", "rest"])
@pytest.mark.parametrize("kind", ["file", "list", "iterator"])
def test_a_run_that_broke_off_is_gone_on_with(
    sf: Org, local_org: LocalOrg, tmp_path: Path, api: str, kind: str
) -> None:
    """Nothing is made twice; the result is that of all rows. What was kept of rows that are gone is enough."""
    given: Any = {"file": in_file(tmp_path / "rows.csv"), "list": rows(), "iterator": iter(rows())}[kind]
    run_id = broken(sf, given, 2 if kind == "file" else 3, api=api)

    result = sf.resume(run_id)

    assert (9, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert [f"n{n}" for n in range(9)] == names(local_org)
    ids = {row["Id"]: row["Name"] for row in local_org.rows("SELECT Id, Name FROM Account")}
    assert [f"n{n}" for n in range(9)] == [ids[outcome.id] for outcome in result]  # type: ignore[index]
    assert (run_id, 1, True) == (result.run_id, result.receipt["resumed"], result.receipt["complete"])
    assert 9 == result.receipt["rows"]["succeeded"]


def test_a_run_that_has_ended_gives_its_result_again(sf: Org, local_org: LocalOrg) -> None:
    """Without asking the org."""
    first = sf.insert("Account", [*rows(4), {"Name": ""}], part_rows=3)
    before = local_org.requests()

    again = sf.resume(first.run_id)

    assert before == local_org.requests()
    assert list(first) == list(again)
    assert (4, 1, 0) == (again.succeeded, again.failed, again.unprocessed)
    assert first.receipt == again.receipt


def test_a_failed_run_fails_again(sf: Org, local_org: LocalOrg) -> None:
    """Its end was written down; so were its outcomes."""
    local_org.faults.plan("ingest2.job", "job-failed")
    with pytest.raises(JobFailed) as first:
        sf.insert("Account", rows(3))

    with pytest.raises(JobFailed) as again:
        sf.resume(first.value.run_id)

    assert str(first.value) == str(again.value)
    assert first.value.run_id == again.value.run_id
    assert 3 == again.value.result.unprocessed


def test_outcomes_that_wait_are_had_from_a_resume_too(sf: Org, local_org: LocalOrg) -> None:
    """Before they were first asked for, and after."""
    first = sf.insert("Account", rows(), part_rows=3, outcomes="later")

    again = sf.resume(first.run_id)
    ids = [outcome.id for outcome in again]
    local_org.faults.clear()
    once_more = sf.resume(first.run_id)

    assert 9 == len(set(ids))
    assert (9, 9) == (again.succeeded, once_more.succeeded)
    assert ids == [outcome.id for outcome in once_more] == [outcome.id for outcome in first]


def test_the_input_can_stand_beside_the_outcomes_of_a_resumed_run(sf: Org, tmp_path: Path) -> None:
    run_id = broken(sf, in_file(tmp_path / "rows.csv", 5))

    assert 5 == sf.resume(run_id).to_csv(tmp_path / "outcomes.csv")
    assert 5 == sf.resume(run_id).to_csv(tmp_path / "outcomes.csv")
    assert "Name,sf__Id,sf__Created,sf__Error" == (tmp_path / "outcomes.csv").read_text().splitlines()[0].replace(
        '"', ""
    )


def test_two_doors_have_the_same_verbs() -> None:
    for name in ("resume", "runs"):
        expected, found = (inspect.signature(getattr(kind, name)).parameters for kind in (Org, AsyncOrg))
        assert expected == found


def test_a_run_is_gone_on_with_by_asyncio(sf: Org, local_org: LocalOrg) -> None:
    run_id = broken(sf, rows())

    async def go_on() -> tuple[int, list[str]]:
        login = AccessToken(local_org.access_token, instance_url=local_org.url)
        async with connect_async(login=login, api_version="66.0") as org:
            result = await org.resume(run_id)
            return result.succeeded, [run.state for run in await org.runs()]

    assert (9, ["finished"]) == asyncio.run(go_on())


# -- lost answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["reset-before", "reset-after"])
@pytest.mark.parametrize(
    ("api", "request_name"),
    [
        ("bulk2", "ingest2.create_job"),
        ("bulk2", "ingest2.upload"),
        ("bulk2", "ingest2.upload_complete"),
        ("bulk1", "bulk1.create_job"),
        ("bulk1", "bulk1.add_batch"),
        ("bulk1", "bulk1.update_job"),
    ],
)
def test_a_lost_answer_costs_nothing_but_requests(
    sf: Org, local_org: LocalOrg, api: str, request_name: str, fault: str
) -> None:
    """Whether the request was heard or not."""
    local_org.faults.plan(request_name, fault)

    result = sf.insert("Account", rows(), api=api, part_rows=3)

    assert 9 == result.succeeded
    assert [f"n{n}" for n in range(9)] == names(local_org)


@pytest.mark.parametrize(("fault", "posts"), [("reset-before", 4), ("reset-after", 3)])
def test_a_batch_whose_answer_was_lost_is_looked_for(sf: Org, local_org: LocalOrg, fault: str, posts: int) -> None:
    """Among the batches of its job, by its bytes; it is posted again only when it is not there."""
    local_org.faults.plan("bulk1.add_batch", fault, after=1)

    result = sf.insert("Account", rows(), api="bulk1", part_rows=3, parallel_jobs=1)

    assert 9 == result.succeeded
    assert posts == local_org.requests("bulk1.add_batch")
    assert 3 == len({job["id"] for job in result.receipt["jobs"]})
    assert 1 <= local_org.requests("bulk1.batch_request") or fault == "reset-before"


def test_parts_of_the_same_bytes_are_told_apart_by_number(sf: Org, local_org: LocalOrg) -> None:
    """Each batch is taken for one part, once."""
    for after in (0, 1):
        local_org.faults.plan("bulk1.add_batch", "reset-after", after=after)

    result = sf.insert("Account", [{"Name": "same"}] * 9, api="bulk1", part_rows=3, parallel_jobs=3)

    assert 9 == result.succeeded == len(names(local_org))
    assert 3 == local_org.requests("bulk1.add_batch")
    assert 9 == len({outcome.id for outcome in result})


def test_jobs_that_were_perhaps_made_are_counted(sf: Org, local_org: LocalOrg) -> None:
    local_org.faults.plan("ingest2.create_job", "reset-after")

    result = sf.insert("Account", rows(2))

    assert 1 == result.receipt["jobs_lost"]
    assert ["JobComplete", "Open"] == sorted(job.state for job in sf.jobs())


REST_LOST = (
    "2 rows, the first of them row 0, were on their way by REST when the run broke off; no answer was written down.\n"
    "They may have been made or not. REST keeps no job that could tell, so they were not sent again, and no resume of this run "
    "will.\n"
    "Look for them in the org and send those that are missing. An upsert by an external id can be repeated, and a job "
    "(api='bulk2') can be asked."
)


@pytest.mark.parametrize(("fault", "made"), [("reset-before", 7), ("reset-after", 9)])
def test_a_rest_insert_whose_answer_was_lost_is_never_sent_again(
    sf: Org, local_org: LocalOrg, fault: str, made: int
) -> None:
    """Not by any resume: each does all else, and says so."""
    local_org.faults.plan("collections.insert", fault)
    with pytest.raises(AnswerLost) as lost:
        sf.insert("Account", rows(9), api="rest", part_rows=2, parallel_jobs=1)
    run_id = lost.value.run_id

    for _ in range(2):
        with pytest.raises(AnswerLost) as again:
            sf.resume(run_id, rows=rows(9))
        assert REST_LOST == str(again.value)
        assert again.value.applied is None

    assert [f"n{n}" for n in range(9 - made, 9)] == names(local_org)
    (run,) = sf.runs()
    assert ("unfinished", 5, 4, 7) == (run.state, run.parts, run.settled, run.succeeded)


def test_a_rest_insert_that_was_refused_as_a_whole_can_be_sent_again(sf: Org, local_org: LocalOrg) -> None:
    """The org says that nothing was applied, and the journal remembers that."""
    local_org.faults.plan("collections.insert", "request-limit")
    with pytest.raises(Exception, match="REQUEST_LIMIT_EXCEEDED") as refused:
        sf.insert("Account", rows(2), api="rest")

    result = sf.resume(refused.value.run_id)

    assert 2 == result.succeeded == len(names(local_org))


# -- answers that are wrong ---------------------------------------------------------------------------------------------


def test_a_resume_does_not_believe_a_wrong_count_for_ever(sf: Org, local_org: LocalOrg) -> None:
    """The journal keeps what the job said when it ended; what it says now counts, too."""
    local_org.faults.plan("ingest2.get_job", "wrong-count", times=1_000)
    with pytest.raises(ReconciliationError) as wrong:
        sf.insert("Account", rows(3))
    run_id = wrong.value.run_id
    with pytest.raises(ReconciliationError):
        sf.resume(run_id)
    local_org.faults.clear()

    assert 3 == sf.resume(run_id).succeeded == len(names(local_org))


@pytest.mark.parametrize("fault", ["short-page", "malformed-csv", "truncated-after-40"])
@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_result_that_came_damaged_is_fetched_again(sf: Org, local_org: LocalOrg, api: str, fault: str) -> None:
    name = "ingest2.successful_results" if api == "bulk2" else "bulk1.batch_result"
    local_org.faults.plan(name, fault)

    result = sf.insert("Account", rows(), api=api)

    assert 9 == result.succeeded
    assert 2 == local_org.requests(name)
    assert [f"n{n}" for n in range(9)] == names(local_org)


@pytest.mark.parametrize(("fault", "created"), [("reset-before", [True, None]), ("reset-after", [None, None])])
def test_nobody_knows_what_an_upsert_made_whose_answer_was_lost(
    sf: Org, local_org: LocalOrg, tmp_path: Path, fault: str, created: list[bool | None]
) -> None:
    """By REST: made again, it finds what the first one made, and what was there before, and cannot tell them apart."""
    local_org.holds("Account", [{"Key__c": "old", "Name": "o"}])
    local_org.faults.plan("collections.upsert", fault)

    result = sf.upsert(
        "Account", [{"Key__c": "new", "Name": "n"}, {"Key__c": "old", "Name": "n"}], external_id="Key__c"
    )

    assert ("rest", 2, created) == (result.receipt["api"], result.succeeded, [outcome.created for outcome in result])
    assert created == result.to_arrow()["created"].to_pylist()
    assert 2 == result.to_csv(tmp_path / "outcomes.csv")
    told = {True: "true", False: "false", None: ""}
    with (tmp_path / "outcomes.csv").open(newline="") as file:
        assert [told[one] for one in created] == [row["sf__Created"] for row in csv.DictReader(file)]
    assert list(result) == list(sf.resume(result.run_id))


def test_a_resumed_upsert_does_not_know_what_it_made(sf: Org, local_org: LocalOrg) -> None:
    """By REST, where its call was under way when the run broke off."""
    local_org.faults.plan("collections.upsert", "reset-after", times=5)
    with pytest.raises(AnswerLost) as lost:
        sf.upsert("Account", [{"Key__c": "new", "Name": "n"}], external_id="Key__c", api="rest")

    (outcome,) = sf.resume(lost.value.run_id)

    assert ("succeeded", None) == (outcome.state, outcome.created)


# -- what changes meanwhile ---------------------------------------------------------------------------------------------


def test_a_file_that_changed_is_not_loaded_on(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """Unless the same rows are handed in from elsewhere."""
    path = in_file(tmp_path / "rows.csv")
    run_id = broken(sf, path)
    elsewhere = in_file(tmp_path / "elsewhere.csv")
    path.write_text("Name\nother\n")

    with pytest.raises(SourceChanged) as changed:
        sf.resume(run_id)
    assert (
        f"{path}, whose rows run {run_id} loads, was changed since.\n"
        "Nothing was sent from here; what was sent before is in the journal.\n"
        f"Put the file back as it was; or name another that has the same rows: sf.resume('{run_id}', rows=...)."
    ) == str(changed.value)
    path.unlink()
    with pytest.raises(SourceChanged, match="is not there"):
        sf.resume(run_id)
    assert 3 == len(names(local_org))

    assert 9 == sf.resume(run_id, rows=elsewhere).succeeded
    assert [f"n{n}" for n in range(9)] == names(local_org)


def test_a_file_that_changed_in_secret_is_not_loaded_on(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """Of the same size, and with the time that it had: what stands at the ends of a part tells."""
    path = in_file(tmp_path / "rows.csv")
    run_id = broken(sf, path)
    about = path.stat()
    path.write_text(path.read_text().replace("n8", "x8"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

    with pytest.raises(SourceChanged) as changed:
        sf.resume(run_id)
    assert (
        f"{path}, whose rows run {run_id} loads, was changed since, though not its time.\n"
        "Nothing was sent from here; what was sent before is in the journal.\n"
        f"Put the file back as it was; or name another that has the same rows: sf.resume('{run_id}', rows=...)."
    ) == str(changed.value)
    with pytest.raises(SourceChanged, match="part 2, from row 6 on, is another one"):
        sf.resume(run_id, rows=path)
    assert 3 == len(names(local_org))

    in_file(path)
    assert 9 == sf.resume(run_id, rows=path).succeeded


def long_rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"Name": f"n{n}", "Description": "x" * 1_000} for n in range(start, start + count)]


def breaks_at(row: int) -> Iterator[dict[str, Any]]:
    yield from long_rows(row)
    raise Broken


def test_rows_that_were_never_read_can_be_handed_in_again(sf: Org, local_org: LocalOrg) -> None:
    """What had been read is loaded without them; then they are asked for, and compared with what was sent."""
    with pytest.raises(Broken) as raised:
        sf.insert("Account", breaks_at(1_390), part_rows=500)
    run_id = raised.value.run_id

    with pytest.raises(JournalError) as lacking:
        sf.resume(run_id)
    assert (
        f"The rows of run {run_id} from row 1000 on were never read: they came from generator rows that ended with their "
        "process.\nOf the rows before, 1000 were applied, 0 refused, 0 not tried.\n"
        f"Hand in all rows again, from the first: sf.resume('{run_id}', rows=...). Those that were sent are compared, and not "
        "sent again."
    ) == str(lacking.value)

    for given, how in (
        (long_rows(1_400, start=1), "part 0, from row 0 on, is another one"),
        (long_rows(500), "they end before row 500"),
        ([{"Site": "x"}], "they have other columns, or are written otherwise"),
    ):
        with pytest.raises(SourceChanged) as other:
            sf.resume(run_id, rows=given)
        assert (
            f"These are not the rows of run {run_id}: {how}.\n"
            "None of them was sent; what was sent before is in the journal.\n"
            "Hand in the rows as they were, all of them, in their order."
        ) == str(other.value)
    assert 1_000 == len(names(local_org))

    assert 1_400 == sf.resume(run_id, rows=iter(long_rows(1_400))).succeeded
    assert sorted(f"n{n}" for n in range(1_400)) == names(local_org)


def test_a_job_that_the_org_has_forgotten_is_an_error(sf: Org, local_org: LocalOrg, home: Path) -> None:
    """Its rows were perhaps applied, so they are not sent again."""
    local_org.faults.plan("ingest2.get_job", "reset-before", times=5)
    with pytest.raises(AnswerLost) as lost:
        sf.insert("Account", rows(3))
    run_id = lost.value.run_id
    (job,) = sf.jobs()
    sf.perform(ingest2.await_job(job.id, limit_seconds=60, longest_pause=1))
    sf.job(job.id).delete()

    with pytest.raises(ResultsExpired) as gone:
        sf.resume(run_id)

    assert (
        f"Job {job.id} has part 0 (3 rows from row 0 on), and the org does not know the job or its results any more: it keeps "
        "them for seven days.\nIts rows may have been applied; which, is not known here, so they were not sent again.\n"
        "Look in the org for the records of this part before its rows are sent again."
    ) == str(gone.value)
    assert gone.value.applied is None


def test_a_run_is_resumed_in_its_own_org(sf: Org, local_org: LocalOrg) -> None:
    run_id = broken(sf, rows())
    login = AccessToken("00Dxx0000001gPL!AQ0AQ", instance_url=URL)

    with connect(login=login, api_version="66.0") as other, pytest.raises(JournalError) as wrong:
        other.resume(run_id)

    assert re.fullmatch(
        rf"Run {run_id} is for the org 00D\w{{12,15}} at 127\.0\.0\.1:\d+, and this is 00Dxx0000001gPL\w* at 127\.0\.0\.1:9\.\n"
        r"Nothing was sent\.\nResume it with a session of its own org\.",
        str(wrong.value),
    )


def test_one_process_at_a_time(sf: Org) -> None:
    """While a run goes on it is listed as running, and nobody else goes on with it."""
    seen: list[Any] = []

    def look(told: Mapping[str, Any]) -> None:
        (run,) = sf.runs()
        with pytest.raises(JournalLocked):
            sf.resume(run.run_id)
        seen.append((run.state, run.settled))

    sf.insert("Account", rows(6), part_rows=3, parallel_jobs=1, on_progress=look)

    assert [("running", 1), ("running", 2)] == seen
    assert ["finished"] == [run.state for run in sf.runs()]


def test_there_is_no_such_run(sf: Org, home: Path) -> None:
    with pytest.raises(JournalError) as none:
        sf.resume("r-0")
    assert f"There is no run 'r-0' in {home / 'runs'}. Nothing was sent. sf.runs() lists them." == str(none.value)
    with pytest.raises(JournalError, match="There is no run"):
        sf.resume("../runs")


# -- endings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_an_interrupt_leaves_no_thread_and_loses_nothing(sf: Org, local_org: LocalOrg, api: str) -> None:
    """Parts that are under way are not waited for: the org goes on with them, and so does a resume."""
    local_org.faults.plan("ingest2.job" if api == "bulk2" else "bulk1.batch", "slow-1000", after=1)

    def interrupt(told: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        sf.insert("Account", rows(), part_rows=3, parallel_jobs=2, api=api, on_progress=interrupt)
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("load")]
    local_org.faults.clear()  # and what was held up goes on

    result = sf.resume(raised.value.run_id)

    assert 9 == result.succeeded
    assert [f"n{n}" for n in range(9)] == names(local_org)


FULL = """
import resource, signal, sys
from salesforce_bulk import AccessToken, connect
from salesforce_bulk.errors import JournalError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with connect(login=AccessToken(sys.argv[2], instance_url=sys.argv[1]), api_version="66.0") as sf:
    sf.describe("Account")
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        sf.insert("Account", ({"Name": f"n{n}", "Description": "x" * 3_000 * (n > 3)} for n in range(200)), part_rows=100)
    except JournalError as error:
        print(error.run_id, error, *error.__notes__, sep="\\n")
"""


def test_an_input_that_cannot_be_sent_leaves_no_run(sf: Org, home: Path) -> None:
    """There is nothing to go on with."""
    with pytest.raises(RecordTooLarge) as large:
        sf.insert("Account", [{"Name": "x", "Description": "x" * 200_000}])

    assert (None, []) == (large.value.run_id, sf.runs())
    assert [] == list((home / "runs").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set as Unix does")
def test_a_full_disk_is_said_to_be_one(sf: Org, local_org: LocalOrg, home: Path) -> None:
    """Nothing of the part was sent; with room, and the rows, the run goes on."""
    program = [sys.executable, "-c", FULL, local_org.url, local_org.access_token]
    told = subprocess.run(
        program,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    ).stdout
    run_id, _, rest = told.partition("\n")

    assert (
        f"Part 0 cannot be kept in {home / 'runs' / run_id} (File too large).\n"
        "It was not sent; what is under way goes on in the org.\n"
        "Make room on the disk, then resume the run.\n"
        f"The run can be gone on with: sf.resume('{run_id}')\n"
    ) == rest
    assert [] == names(local_org)
    given = [{"Name": f"n{n}", "Description": "x" * 3_000 * (n > 3)} for n in range(200)]
    assert 200 == sf.resume(run_id, rows=given).succeeded


# -- the list -----------------------------------------------------------------------------------------------------------


def test_runs_are_listed(sf: Org) -> None:
    """By one line of state each."""
    finished = sf.upsert(
        "Account", [{"Key__c": str(n), "Name": "x" * (n > 0)} for n in range(7)], external_id="Key__c", part_rows=3
    )
    unfinished = broken(sf, rows(), parts=2)

    assert [
        f"<Run {finished.run_id} upsert Account: 3/3 parts, 6 ok, 1 failed>",
        f"<Run {unfinished} insert Account: 2/3 parts, 6 ok, 0 failed>",
    ] == sorted(map(repr, sf.runs()), key=lambda line: "upsert" not in line)
    assert {finished.run_id: "finished", unfinished: "unfinished"} == {run.run_id: run.state for run in sf.runs()}


def test_finished_runs_are_removed_after_thirty_days(sf: Org, home: Path) -> None:
    """When another one begins; those that have not ended never are."""
    finished = [sf.insert("Account", rows(1)).run_id for _ in range(2)]
    unfinished = broken(sf, rows())
    for run_id, days in ((finished[0], 31), (finished[1], 29), (unfinished, 400)):
        journal = home / "runs" / run_id / "journal.db"
        at = journal.stat().st_mtime - days * 24 * 3_600
        os.utime(journal, (at, at))

    newest = sf.insert("Account", rows(1)).run_id

    assert {finished[1], unfinished, newest} == {run.run_id for run in sf.runs()}
    assert not (home / "runs" / finished[0]).exists()

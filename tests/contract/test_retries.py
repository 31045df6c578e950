"""``retries=``: rows refused for a passing reason are sent again, and only those; each of them has one last outcome.

The org here is a small server of its own that refuses what a test tells it to (tests/support/locking_org.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.locking_org import Job, LockingOrg, Row, locking_org

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import ApiError, JobFailed, UsageError

LOCKED = "UNABLE_TO_LOCK_ROW"


@pytest.fixture
def org() -> Iterator[LockingOrg]:
    with locking_org() as org:
        yield org


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def sf(org: LockingOrg, slept: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    clock = Clock(sleep=slept.append, chance=lambda: 1.0)
    with connect(login=AccessToken("00D!token", instance_url=org.url), api_version="66.0", clock=clock) as sf:
        yield sf


def contacts(count: int, parents: int = 1) -> list[Row]:
    return [{"LastName": f"n{n}", "AccountId": f"001Rm0000{n % parents:06d}"} for n in range(count)]


def shape(job: Job) -> tuple[str, bool, int]:
    return job.api, job.serial, len(job.rows)


def test_locked_rows_alone_are_sent_again_and_keep_their_numbers(org: LockingOrg, sf: Org) -> None:
    """What was made is not made again; what can never be right is not tried again."""

    def refuse(row: Row, times: int) -> str | None:
        number = int(row["LastName"][1:])
        if number % 10 == 3:
            return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        return LOCKED if number % 10 == 7 and times == 0 else None

    org.refuse = refuse
    rows = contacts(1_000, parents=50)

    result = sf.insert("Contact", rows, api="bulk2", retries=1)

    assert (900, 100, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert list(range(1_000)) == [outcome.row for outcome in result]
    assert {3} == {outcome.row % 10 for outcome in result.failures()}
    assert {"FIELD_CUSTOM_VALIDATION_EXCEPTION"} == {outcome.code for outcome in result.failures()}
    assert {f"n{n}": 1 for n in range(1_000) if n % 10 != 3} == dict(org.made)
    assert [("bulk2", False, 1_000), ("bulk2", False, 100)] == list(map(shape, org.jobs))
    assert [
        {"pass": 1, "rows": 1_000, "api": "bulk2", "serial": False, "succeeded": 800, "still_failed": 200},
        {"pass": 2, "rows": 100, "api": "bulk2", "serial": False, "succeeded": 100, "still_failed": 0},
    ] == result.receipt["attempts"]
    assert [1, 2] == [job["pass"] for job in result.receipt["jobs"]]
    assert {"succeeded": 900, "failed": 100} == {name: result.receipt["rows"][name] for name in ("succeeded", "failed")}
    assert [{"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "count": 100, "example_row": 3}] == result.receipt["errors"]


def test_each_outcome_is_that_of_its_own_row(org: LockingOrg, sf: Org) -> None:
    """Ids come from the part in which a row was made at last."""
    org.refuse = lambda row, times: LOCKED if times < int(row["LastName"][1:]) % 3 else None

    result = sf.insert("Contact", contacts(90, parents=7), api="bulk1", retries=2, part_rows=40)

    ids = {}
    for job in org.jobs:
        for place, (name, answer) in enumerate(zip(job.names, job.answers, strict=True)):
            if answer is None:
                ids[name] = f"003Rm{place:010d}"
    assert [ids[f"n{n}"] for n in range(90)] == [outcome.id for outcome in result]
    assert 90 == result.succeeded


def test_nothing_is_sent_again_unless_it_is_asked_for(org: LockingOrg, sf: Org) -> None:
    org.refuse = lambda row, times: LOCKED if times == 0 else None

    result = sf.insert("Contact", contacts(10), api="bulk2")

    assert 10 == result.failed
    assert 1 == len(org.jobs)
    assert 1 == len(result.receipt["attempts"])


def test_first_as_they_are_then_smaller_then_serially(org: LockingOrg, sf: Org, slept: list[float]) -> None:
    """Halved each time; the last pass goes through the API that has a serial mode. Between them time passes."""
    org.refuse = lambda row, times: LOCKED if times < 3 else None

    result = sf.insert("Contact", contacts(1_000, parents=1_000), api="bulk2", retries=3, part_rows=1_000)

    assert 1_000 == result.succeeded
    assert [
        ("bulk2", False, [1_000]),
        ("bulk2", False, [1_000]),
        ("bulk2", False, [500, 500]),
        ("bulk1", True, [250, 250, 250, 250]),
    ] == [
        (attempt["api"], attempt["serial"], [job["rows"] for job in result.receipt["jobs"] if job["pass"] == number])
        for number, attempt in enumerate(result.receipt["attempts"], 1)
    ]
    assert [0, 0, 0, 1_000] == [attempt["succeeded"] for attempt in result.receipt["attempts"]]
    assert all(job.serial for job in org.jobs[-4:])
    assert [5.0, 10.0, 20.0] == [seconds for seconds in slept if seconds >= 1]


def test_rows_of_one_parent_stay_together(org: LockingOrg, sf: Org) -> None:
    """Two parts of a pass have no parent in common, so they cannot lock each other out."""
    org.refuse = lambda row, times: LOCKED if times == 0 else None

    result = sf.insert("Contact", contacts(1_000, parents=100), api="bulk2", retries=1, part_rows=300)

    assert 1_000 == result.succeeded
    again = [{row["AccountId"] for row in job.rows} for job in org.jobs[4:]]
    assert [30, 30, 30, 10] == sorted(map(len, again), reverse=True)
    assert 100 == len(set.union(*again))


def test_a_parent_with_more_rows_than_a_part_goes_out_one_part_after_the_other(org: LockingOrg, sf: Org) -> None:
    org.refuse = lambda row, times: LOCKED if times == 0 else None

    result = sf.insert("Contact", contacts(500), api="bulk2", retries=1, part_rows=200, parallel_jobs=4)

    assert 500 == result.succeeded
    assert [200, 200, 100] == [len(job.rows) for job in org.jobs[3:]]
    assert [f"n{n}" for n in range(500)] == [name for job in org.jobs[3:] for name in job.names]


def test_a_relationship_column_names_a_parent_too(org: LockingOrg, sf: Org) -> None:
    org.refuse = lambda row, times: LOCKED if times == 0 else None
    rows = [{"LastName": f"n{n}", "Account": {"Key__c": f"K-{n % 2}"}} for n in range(400)]

    result = sf.insert("Contact", rows, api="bulk2", retries=1, part_rows=200)

    assert 400 == result.succeeded
    assert [{"K-0"}, {"K-1"}] == sorted([{row["Account.Key__c"] for row in job.rows} for job in org.jobs[2:]], key=min)


@pytest.mark.parametrize("kind", ["list", "generator", "file"])
def test_whatever_the_rows_come_from_they_are_the_same_again(
    org: LockingOrg, sf: Org, tmp_path: Path, kind: str
) -> None:
    """A generator gives its rows once; a file may have its own delimiter and line ends."""
    org.refuse = lambda row, times: LOCKED if times == 0 and row["LastName"].endswith("5") else None
    rows = [{"LastName": f"n{n}", "AccountId": 'a "quoted", two\nlines; end' if n % 2 else ""} for n in range(50)]
    source: Any = rows
    if kind == "generator":
        source = (row for row in rows)
    elif kind == "file":
        source = tmp_path / "contacts.csv"
        lines = ['"{}","{}"'.format(row["LastName"], row["AccountId"].replace('"', '""')) for row in rows]
        source.write_bytes("\r\n".join(["LastName,AccountId", *lines, ""]).encode())

    result = sf.insert("Contact", source, api="bulk2", retries=1)

    assert 50 == result.succeeded
    assert [dict(row) for row in rows if row["LastName"].endswith("5")] == org.jobs[1].rows


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_a_row_that_is_shorter_than_the_header_is_sent_again(
    org: LockingOrg, sf: Org, tmp_path: Path, api: str
) -> None:
    """Though it lacks the column by which rows are kept together."""
    org.refuse = lambda row, times: LOCKED if times == 0 else None
    path = tmp_path / "contacts.csv"
    path.write_text("LastName,AccountId\na,1\nb\n")

    result = sf.insert("Contact", path, api=api, retries=1)

    assert (2, {"a": 1, "b": 1}) == (result.succeeded, dict(org.made))


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_rows_that_were_not_tried_because_the_org_ran_out_of_retries(org: LockingOrg, sf: Org, api: str) -> None:
    """The job is given up for a passing reason, and then all of its rows are done: no error is left."""
    done = (
        6 if api == "bulk2" else 0
    )  # whether a 1.0 batch that is given up half-way lists all its rows is not on record
    org.give_up = lambda job, number: (
        (done, "TooManyLockFailure : Too many lock failure 200 Trying again later.") if number == 0 else None
    )

    result = sf.insert("Contact", contacts(10), api=api, retries=1)

    assert (10, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert {f"n{n}": 1 for n in range(10)} == dict(org.made)
    assert [10, 10 - done] == [attempt["rows"] for attempt in result.receipt["attempts"]]
    assert ["Failed", "JobComplete" if api == "bulk2" else "Completed"] == [
        job["state"] for job in result.receipt["jobs"]
    ]


def test_a_job_that_can_never_work_is_not_tried_again(org: LockingOrg, sf: Org) -> None:
    org.give_up = lambda job, number: (0, "InvalidBatch : Field name not found : Nmae")

    with pytest.raises(JobFailed, match="Nmae") as failed:
        sf.insert("Contact", contacts(10), api="bulk2", retries=3)

    assert 1 == len(org.jobs)
    assert 10 == failed.value.result.unprocessed


def test_a_job_that_is_given_up_every_time_is_an_error(org: LockingOrg, sf: Org) -> None:
    """With the outcomes of all passes in it."""
    org.give_up = lambda job, number: (2, "InternalServerError : Retried more than twenty times")

    with pytest.raises(JobFailed, match="Retried more than twenty times") as failed:
        sf.insert("Contact", contacts(10), api="bulk2", retries=1)

    result = failed.value.result
    assert (4, 0, 6) == (result.succeeded, result.failed, result.unprocessed)
    assert ["succeeded"] * 4 + ["unprocessed"] * 6 == [outcome.state for outcome in result]


def test_a_retry_that_is_given_up_for_good_is_an_error(org: LockingOrg, sf: Org) -> None:
    """The rows were refused at first, and then not tried: nobody may take that for the end of it."""
    org.refuse = lambda row, times: LOCKED if times == 0 else None
    org.give_up = lambda job, number: (0, "InvalidBatch : Field name not found : Nmae") if number == 1 else None

    with pytest.raises(JobFailed, match="Nmae") as failed:
        sf.insert("Contact", contacts(10), api="bulk2", retries=1)

    assert (0, 0, 10) == (
        failed.value.result.succeeded,
        failed.value.result.failed,
        failed.value.result.unprocessed,
    )


def test_rows_that_stay_locked_are_failed_in_the_end(org: LockingOrg, sf: Org) -> None:
    org.refuse = lambda row, times: LOCKED if row["LastName"] == "n4" else None

    result = sf.insert("Contact", contacts(10), api="bulk2", retries=2)

    assert [(4, "failed", LOCKED)] == [(outcome.row, outcome.state, outcome.code) for outcome in result.failures()]
    assert [10, 1, 1] == [attempt["rows"] for attempt in result.receipt["attempts"]]
    assert 9 == sum(org.made.values())


def test_a_small_load_stays_with_rest(org: LockingOrg, sf: Org) -> None:
    """The last pass goes out one call after the other."""
    org.refuse = lambda row, times: LOCKED if times < 2 else None

    result = sf.insert("Contact", contacts(100, parents=100), retries=2, api="rest")

    assert 100 == result.succeeded
    assert [("rest", False), ("rest", False), ("rest", True)] == [
        (attempt["api"], attempt["serial"]) for attempt in result.receipt["attempts"]
    ]
    assert [100, 100, 50, 50] == [len(job.rows) for job in org.jobs]


def test_the_text_of_the_rows_does_not_stay_behind(org: LockingOrg, sf: Org, tmp_path: Path) -> None:
    org.refuse = lambda row, times: LOCKED if row["LastName"] == "n4" else None

    result = sf.insert("Contact", contacts(10), api="bulk2", retries=2)

    assert ["journal.db", "lock.db", "outcomes-0.jsonl", "receipt.json"] == sorted(
        path.name for path in (tmp_path / "home" / "runs" / result.run_id).iterdir()
    )


def test_an_error_in_a_later_pass_is_no_result(org: LockingOrg, sf: Org, tmp_path: Path) -> None:
    """The receipt says that the run is not complete, and what is known."""
    org.refuse = lambda row, times: LOCKED if times == 0 else None
    org.is_full = lambda number: number == 2

    with pytest.raises(ApiError, match="ExceededQuota"):
        sf.insert("Contact", contacts(4, parents=2), api="bulk1", retries=1, part_rows=2, parallel_jobs=1)

    (path,) = (tmp_path / "home" / "runs").iterdir()
    receipt = json.loads((path / "receipt.json").read_text("utf-8"))
    assert receipt["complete"] is False
    assert [(4, 0), (0, 0)] == [(attempt["rows"], attempt["succeeded"]) for attempt in receipt["attempts"]]


def test_retries_is_a_number_of_passes(sf: Org) -> None:
    with pytest.raises(UsageError, match="retries is 0 or more, not -1"):
        sf.insert("Contact", contacts(1), retries=-1)

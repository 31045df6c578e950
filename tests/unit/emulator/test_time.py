"""Work that takes time, by the org's clock: time slices, retries, locks. Source: bulk-api-1.md 10.3 and 11, bulk-api-2.md 4."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.clock import Clock


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        org.clock.pause()
        org.sessions.seconds_valid = 1_000_000
        yield org


def names(count: int) -> str:
    return "Name\n" + "".join(f"A{n}\n" for n in range(count))


def contacts(account: str, count: int) -> str:
    return "LastName,AccountId\n" + f"A,{account}\n" * count


def results(talk: Talk, job: str, batch: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(talk.result(job, batch).text, newline="")))


# --- Bulk API 1.0 -----------------------------------------------------------------------------------------------------


def test_a_batch_whose_time_is_up_goes_back_to_the_queue(org: LocalOrg) -> None:
    """1,000 rows of a second each take two slices of 600 seconds; what was done stays, the rest follows."""
    org.limits.row_seconds = 1.0
    org.limits.queue_seconds = 30.0
    talk = Talk(org)
    job = talk.create("insert")
    batch = talk.add(job, names(1_000))

    org.clock.advance(31)
    assert ("InProgress", "200") == tuple(map(talk.batch(job, batch).get, ("state", "numberRecordsProcessed")))
    org.clock.advance(600)
    assert ("Queued", "600") == tuple(map(talk.batch(job, batch).get, ("state", "numberRecordsProcessed")))
    assert "1" == talk.bulk("GET", f"job/{job}").get("numberRetries")
    org.clock.advance(30 + 401)

    assert ("Completed", "1000") == tuple(map(talk.batch(job, batch).get, ("state", "numberRecordsProcessed")))
    assert [f"A{n}" for n in range(1_000)] == [
        org.rows(f"SELECT Name FROM Account WHERE Id = '{row['Id']}'")[0]["Name"] for row in results(talk, job, batch)
    ]
    assert 1_000 == org.store.count("Account")


def test_a_batch_without_retries_fails_when_its_time_is_up(org: LocalOrg) -> None:
    """Sforce-Disable-Batch-Retry. The rows that were done stand in its results."""
    org.limits.row_seconds = 1.0
    talk = Talk(org)
    job = talk.create("insert", Sforce_Disable_Batch_Retry="true")
    batch = talk.add(job, names(1_000))

    org.clock.advance(5_000)

    assert "InternalServerError : Retried more than ten times" == talk.message(job, batch)
    assert "0" == talk.bulk("GET", f"job/{job}").get("numberRetries")
    assert (600, 600) == (len(results(talk, job, batch)), org.store.count("Account"))


def test_a_batch_is_given_up_after_ten_retries(org: LocalOrg) -> None:
    """Eleven slices of 600 seconds are 6,600 of 7,000 rows."""
    org.limits.row_seconds = 1.0
    talk = Talk(org)
    job = talk.create("insert")
    batch = talk.add(job, names(7_000))

    org.clock.advance(10_000)

    assert "InternalServerError : Retried more than ten times" == talk.message(job, batch)
    assert "10" == talk.bulk("GET", f"job/{job}").get("numberRetries")
    assert (6_600, 6_600) == (len(results(talk, job, batch)), org.store.count("Account"))


def test_an_abort_finds_a_batch_back_in_the_queue(org: LocalOrg) -> None:
    """It is not processed any further; nothing is undone."""
    org.limits.row_seconds = 1.0
    org.limits.queue_seconds = 30.0
    talk = Talk(org)
    job = talk.create("insert")
    batch = talk.add(job, names(1_000))
    org.clock.advance(31 + 600)

    said = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><state>Aborted</state></jobInfo>'
    assert 200 == talk.bulk("POST", f"job/{job}", said, Content_Type="application/xml").status
    org.clock.advance(5_000)

    assert ("NotProcessed", "600") == tuple(map(talk.batch(job, batch).get, ("state", "numberRecordsProcessed")))
    assert 600 == org.store.count("Account")


@pytest.mark.parametrize("mode", ["Parallel", "Serial"])
def test_batches_that_touch_the_same_parent_get_in_each_others_way(org: LocalOrg, mode: str) -> None:
    """In parallel, the second one cannot lock the account in time; one after the other, both can."""
    [account] = org.holds("Account", [{"Name": "A"}])
    org.limits.row_seconds = 1.0
    talk = Talk(org)
    job = talk.create("insert", sobject="Contact", concurrencyMode=mode)
    first, second = (talk.add(job, contacts(account, 20)) for _ in range(2))

    org.clock.advance(1_000)

    told = [row["Error"] for batch in (first, second) for row in results(talk, job, batch)]
    locked = f"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {account}:--"
    assert [""] * 20 + [locked if mode == "Parallel" else ""] * 20 == told


def test_a_lock_is_waited_for_a_few_seconds(org: LocalOrg) -> None:
    """Transactions shorter than that do not disturb each other."""
    [account] = org.holds("Account", [{"Name": "A"}])
    org.limits.row_seconds = 0.04  # a transaction: 8 seconds
    talk = Talk(org)
    job = talk.create("insert", sobject="Contact")
    batches = [talk.add(job, contacts(account, 20)) for _ in range(2)]

    org.clock.advance(1_000)

    assert {"true"} == {row["Success"] for batch in batches for row in results(talk, job, batch)}


def test_many_locks_send_the_rest_of_a_batch_back_to_the_queue(org: LocalOrg) -> None:
    """After more than 100. The rows that failed are not tried again; the rest finds the account free."""
    [account] = org.holds("Account", [{"Name": "A"}])
    org.limits.row_seconds = 1.0
    talk = Talk(org)
    job = talk.create("insert", sobject="Contact")
    first = talk.add(job, contacts(account, 200))
    second = talk.add(job, contacts(account, 400))

    org.clock.advance(5_000)

    assert {"true"} == {row["Success"] for row in results(talk, job, first)}
    assert ["false"] * 200 + ["true"] * 200 == [row["Success"] for row in results(talk, job, second)]
    assert "1" == talk.bulk("GET", f"job/{job}").get("numberRetries")


def test_a_query_has_two_minutes_to_answer(org: LocalOrg) -> None:
    """Then its batch has failed."""
    org.limits.query_answer_seconds = 121
    talk = Talk(org)
    job = talk.create("query")
    batch = talk.add(job, "SELECT Id FROM Account")

    org.clock.advance(119)
    assert "InProgress" == talk.batch(job, batch).get("state")
    org.clock.advance(2)

    text = "InvalidBatch : Failed to process query: QUERY_TIMEOUT: Your query request was running for too long."
    assert text == talk.message(job, batch)


def test_a_query_that_takes_long_has_several_files(org: LocalOrg) -> None:
    """Slices of 300 seconds, each of which is a file and a retry."""
    org.holds("Account", 7)
    org.limits.query_row_seconds = 100
    talk = Talk(org)
    job = talk.create("query")
    batch = talk.add(job, "SELECT Name FROM Account")

    org.clock.advance(699)
    assert "InProgress" == talk.batch(job, batch).get("state")
    org.clock.advance(2)

    assert [3, 3, 1] == [len(file.splitlines()) - 1 for file in talk.files(job, batch)]
    assert "2" == talk.bulk("GET", f"job/{job}").get("numberRetries")


def test_a_query_without_retries_has_one_file_or_fails(org: LocalOrg) -> None:
    """Sforce-Disable-Batch-Retry."""
    org.holds("Account", 4)
    org.limits.query_row_seconds = 100
    talk = Talk(org)
    job = talk.create("query", Sforce_Disable_Batch_Retry="TRUE")
    batch = talk.add(job, "SELECT Name FROM Account")

    talk.settle()

    assert "InternalServerError : Retried more than thirty times" == talk.message(job, batch)


# --- Bulk API 2.0 -----------------------------------------------------------------------------------------------------


def test_an_internal_batch_is_put_back_when_its_time_is_up(org: LocalOrg) -> None:
    """1,000 rows of a second each, slices of 300 seconds: put back after 400 and 800."""
    org.limits.row_seconds = 1.0
    talk = Talk2(org)
    job = talk.start("insert", names(1_000))

    org.clock.advance(401)
    assert ("InProgress", 600, 1) == tuple(map(talk.info(job).get, ("state", "numberRecordsProcessed", "retries")))
    org.clock.advance(2_000)

    info = talk.info(job)
    assert ("JobComplete", 1_000, 2) == (info["state"], info["numberRecordsProcessed"], info["retries"])


def test_a_job_fails_after_twenty_retries_of_a_batch(org: LocalOrg) -> None:
    """What was done stays done; the rest is unprocessed."""
    org.limits.row_seconds = 2.0  # a transaction of 400 seconds is a slice
    talk = Talk2(org)
    job = talk.start("insert", names(5_000))

    org.clock.advance(20_000)

    info = talk.info(job)
    assert ("Failed", 20) == (info["state"], info["retries"])
    assert "InternalServerError : Retried more than twenty times" == info["errorMessage"]
    done = info["numberRecordsProcessed"]
    assert 21 * 200 == done == org.store.count("Account")
    assert 5_000 - done == len(talk.rows(job, "unprocessedrecords"))


def test_jobs_that_touch_the_same_parent_get_in_each_others_way(org: LocalOrg) -> None:
    """There is no serial mode in 2.0."""
    [account] = org.holds("Account", [{"Name": "A"}])
    org.limits.row_seconds = 1.0
    talk = Talk2(org)
    first, second = (talk.start("insert", contacts(account, 20), "Contact") for _ in range(2))

    org.clock.advance(1_000)

    assert (0, 20) == (talk.info(first)["numberRecordsFailed"], talk.info(second)["numberRecordsFailed"])
    told = {row["sf__Error"] for row in talk.rows(second, "failedResults")}
    locked = f"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {account}:--"
    assert {locked} == told


# --- after a restart --------------------------------------------------------------------------------------------------


def stopped_clock() -> Clock:
    clock = Clock()
    clock.pause()
    return clock


def test_counters_of_an_ingest_job_do_not_begin_again(tmp_path: Path) -> None:
    """After a restart they stand where they stood, and never fall."""
    with LocalOrg(data=tmp_path, clock=stopped_clock()) as org:
        org.limits.row_seconds = 1.0
        talk = Talk2(org)
        job = talk.start("insert", names(1_000))
        org.clock.advance(300)
        before = talk.info(job)["numberRecordsProcessed"]
    assert 400 == before

    with LocalOrg(data=tmp_path, clock=stopped_clock()) as again:
        again.limits.row_seconds = 1.0
        talk = Talk2(again)
        assert before == talk.info(job)["numberRecordsProcessed"]
        again.clock.advance(1)
        assert before <= talk.info(job)["numberRecordsProcessed"] <= before + 200
        again.clock.advance(2_000)
        info = talk.info(job)
        assert ("JobComplete", 1_000) == (info["state"], info["numberRecordsProcessed"])
        assert 1_000 == len(talk.rows(job, "successfulResults")) == again.store.count("Account")


def test_counters_of_a_batch_do_not_begin_again(tmp_path: Path) -> None:
    """Nor those of Bulk API 1.0, where the batch goes back to the queue."""
    with LocalOrg(data=tmp_path, clock=stopped_clock()) as org:
        org.limits.row_seconds = 1.0
        talk1 = Talk(org)
        job = talk1.create("insert")
        batch = talk1.add(job, names(1_000))
        org.clock.advance(300)
        assert "400" == talk1.batch(job, batch).get("numberRecordsProcessed")

    with LocalOrg(data=tmp_path, clock=stopped_clock()) as again:
        talk1 = Talk(again)
        assert ("Queued", "400") == tuple(map(talk1.batch(job, batch).get, ("state", "numberRecordsProcessed")))
        again.clock.advance(1)
        assert ("Completed", "1000") == tuple(map(talk1.batch(job, batch).get, ("state", "numberRecordsProcessed")))
        assert 1_000 == len(results(talk1, job, batch)) == again.store.count("Account")


def test_an_abort_right_after_a_restart_loses_no_result(tmp_path: Path) -> None:
    """What was done before stands in the results, the rest is unprocessed."""
    with LocalOrg(data=tmp_path, clock=stopped_clock()) as org:
        org.limits.row_seconds = 1.0
        talk = Talk2(org)
        job = talk.start("insert", names(1_000))
        org.clock.advance(300)

    with LocalOrg(data=tmp_path, clock=stopped_clock()) as again:
        talk = Talk2(again)
        assert 200 == talk.change(job, "Aborted").status

        assert (400, 600) == (len(talk.rows(job, "successfulResults")), len(talk.rows(job, "unprocessedrecords")))
        assert 400 == again.store.count("Account")

"""Jobs by their ids: of every API, in every state."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.client import Org
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import ApiError, BatchFailed, UsageError

UNKNOWN = "750000000000001AAA"


@pytest.fixture
def local_org() -> Iterator[LocalOrg]:
    """One of our own: options are set here, and time is stopped."""
    with LocalOrg() as org:
        yield org


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path_factory.mktemp("home")))
    login = AccessToken(local_org.access_token, instance_url=local_org.url)
    with connect(login=login, api_version="66.0") as org:
        yield org


@pytest.fixture
def talk(local_org: LocalOrg) -> Talk2:
    """Another program, that makes jobs by HTTP. Time stands still but when it lets its jobs end."""
    local_org.clock.pause()
    return Talk2(local_org)


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline=""), delimiter=delimiter))


def test_an_ingest_job_says_what_it_is(sf: Org, talk: Talk2) -> None:
    """Counted as the org counts: the failed ones among the processed."""
    job = sf.job(talk.load("insert", "Name,Visited__c\nA,\nB,soon\n"))

    assert ("bulk2", "insert", "Account", "JobComplete") == (job.api, job.operation, job.sobject, job.state)
    assert (2, 1) == (job.records_processed, job.records_failed)
    assert f"<Job {job.id} insert Account (bulk2): JobComplete, 2 processed, 1 failed>" == repr(job)
    assert {job.id} == {info.id for info in sf.jobs()}


def test_an_ingest_job_gives_its_results(sf: Org, talk: Talk2, tmp_path: Path) -> None:
    """Three files, each as the org sends it."""
    job = sf.job(talk.load("insert", "Name,Visited__c\nA,\nB,soon\n"))

    assert 1 == job.results(tmp_path / "succeeded.csv", "succeeded")
    assert 1 == job.results(tmp_path / "failed.csv", "failed")
    assert 0 == job.results(tmp_path / "unprocessed.csv", "unprocessed")
    assert ["A"] == [row["Name"] for row in rows(tmp_path / "succeeded.csv")]
    assert ["true"] == [row["sf__Created"] for row in rows(tmp_path / "succeeded.csv")]
    assert ["B"] == [row["Name"] for row in rows(tmp_path / "failed.csv")]
    assert b"Name,Visited__c" == (tmp_path / "unprocessed.csv").read_bytes().rstrip()


def test_results_come_in_the_dialect_of_the_job(sf: Org, talk: Talk2, tmp_path: Path) -> None:
    """We need not know it to write them down."""
    dialect = {"columnDelimiter": "PIPE", "lineEnding": "CRLF"}
    job = sf.job(talk.load("insert", 'Name|Description\r\nA|"x\r\ny"\r\nB|,\r\n', **dialect))

    assert 2 == job.results(tmp_path / "a.csv", "succeeded")
    assert {("A", "x\r\ny"), ("B", ",")} == {
        (row["Name"], row["Description"]) for row in rows(tmp_path / "a.csv", delimiter="|")
    }


def test_a_query_job_gives_its_rows(sf: Org, local_org: LocalOrg, talk: Talk2, tmp_path: Path) -> None:
    """All pages in one file, the header once, whatever the delimiter."""
    local_org.holds("Account", [{"Name": f"A{number}"} for number in range(7)])
    local_org.bulk2.page_rows = 3
    job = sf.job(talk.query("SELECT Id, Name FROM Account ORDER BY Name", columnDelimiter="TAB"))

    assert job.is_query
    assert 7 == job.results(tmp_path / "rows.csv")
    assert [f"A{number}" for number in range(7)] == [row["Name"] for row in rows(tmp_path / "rows.csv", "\t")]


def test_a_job_of_bulk_api_1_is_found_by_the_same_call(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """Its results are one a row, in the order of batches and rows."""
    sf.insert("Account", [{"Name": "A"}, {"Name": "B"}, {"Name": "C"}], api="bulk1", part_rows=2)
    listed = [info for info in sf.jobs() if info.job_type == "Classic"]

    job = sf.job(listed[0].id)

    assert ("bulk1", "insert", "Account", "Closed") == (job.api, job.operation, job.sobject, job.state)
    assert 3 == job.results(tmp_path / "results.csv")
    assert ["true"] * 3 == [row["Success"] for row in rows(tmp_path / "results.csv")]
    with pytest.raises(UsageError) as caught:
        job.delete()
    assert str(caught.value) == (
        f"Job {job.id} is one of Bulk API 1.0, which cannot delete jobs. Nothing was sent. "
        "The org deletes it seven days after its end."
    )


def test_a_query_job_of_bulk_api_1_gives_its_rows(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """Of all its result files."""
    local_org.holds("Account", 3)
    sf.query("SELECT Id, Name FROM Account", api="bulk1")
    job = sf.job(sf.jobs()[0].id)

    assert ("bulk1", "query") == (job.api, job.operation)
    assert 3 == job.results(tmp_path / "rows.csv")
    assert ["Id", "Name"] == list(rows(tmp_path / "rows.csv")[0])


def test_a_failed_batch_has_no_results(sf: Org, local_org: LocalOrg, tmp_path: Path) -> None:
    """Results go by their place, so a gap among them would give rows the results of others."""
    talk = Talk(local_org)
    local_org.clock.pause()
    job = talk.create("insert")
    talk.add(job, "Name\nA\n")
    talk.add(job, "Nmae\nA\n")
    talk.settle()

    with pytest.raises(BatchFailed) as caught:
        sf.job(job).results(tmp_path / "results.csv")

    assert job == caught.value.job_id
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["ingest", "query", "bulk1"])
def test_a_job_can_be_aborted_and_that_again(sf: Org, local_org: LocalOrg, talk: Talk2, kind: str) -> None:
    """The second time it is what was wanted already."""
    if kind == "ingest":
        found = talk.create()
    elif kind == "query":
        found = talk.create_query("SELECT Id FROM Account").json()["id"]
    else:
        found = Talk(local_org).create("insert")
    job = sf.job(found)

    assert "Aborted" == job.abort().state
    assert "Aborted" == job.abort().state
    assert "Aborted" == sf.job(found).state


def test_an_ended_job_cannot_be_aborted(sf: Org, talk: Talk2) -> None:
    """In the org's words, with what it means."""
    job = sf.job(talk.load("insert", "Name\nA\n"))

    with pytest.raises(ApiError) as caught:
        job.abort()

    assert str(caught.value) == (
        f"Job {job.id} was not aborted: it is JobComplete. The org said INVALIDJOBSTATE: Aborting already Completed Job "
        "not allowed\nWhat it applied stays applied.\n"
        "An ended job can be deleted; that leaves its records as they are."
    )
    assert (400, "INVALIDJOBSTATE", False) == (caught.value.status_code, caught.value.error_code, caught.value.applied)


@pytest.mark.parametrize("kind", ["ingest", "query"])
def test_an_ended_job_can_be_deleted(sf: Org, local_org: LocalOrg, talk: Talk2, kind: str) -> None:
    """Its records stay. A second time it is gone already, as after a first try whose answer was lost."""
    local_org.holds("Account", 1)
    found = talk.load("insert", "Name\nA\n") if kind == "ingest" else talk.query("SELECT Id FROM Account")
    job = sf.job(found)

    job.delete()
    job.delete()

    assert [] == sf.jobs()
    assert (2 if kind == "ingest" else 1) == len(local_org.rows("SELECT Id FROM Account"))


def test_an_open_job_cannot_be_deleted(sf: Org, talk: Talk2) -> None:
    """It has to be aborted first, and then it can."""
    job = sf.job(talk.create())

    with pytest.raises(ApiError) as caught:
        job.delete()

    assert str(caught.value) == (
        f"Job {job.id} was not deleted. The org said API_ERROR: Error encountered when deleting the job because the job is "
        "not terminated\nThe job and its results are still there.\nAbort it, or wait for its end, and delete it then."
    )
    job.abort().delete()
    assert [] == sf.jobs()


def test_an_unknown_job_is_asked_for_everywhere(sf: Org, local_org: LocalOrg) -> None:
    """Three calls, one error."""
    with pytest.raises(ApiError) as caught:
        sf.job(UNKNOWN)

    assert str(caught.value) == (
        f"The org has no job {UNKNOWN}: neither Bulk API 2.0 nor Bulk API 1.0 knows it (InvalidJob).\n"
        "Nothing was changed.\n"
        "Check the id, and that it is this org's; jobs are kept for 7 days, and only their creator sees them."
    )
    assert (404, "NOT_FOUND", False) == (caught.value.status_code, caught.value.error_code, caught.value.applied)
    assert [1, 1, 1] == [local_org.requests(f"{api}.get_job") for api in ("ingest2", "query2", "bulk1")]


@pytest.mark.parametrize("id_", ["", "751000000000001AAA", "750", "750000000000001AAA/batches", "../limits"])
def test_what_is_no_id_is_not_sent(sf: Org, local_org: LocalOrg, id_: str) -> None:
    """A batch's id, a path: nothing is asked."""
    with pytest.raises(UsageError) as caught:
        sf.job(id_)

    assert str(caught.value) == (
        f"{id_!r} is no id of a job: those begin with 750 and have 15 or 18 characters. Nothing was sent."
    )
    assert 0 == local_org.requests()


@pytest.mark.parametrize(
    ("make", "kind", "why"),
    [
        (lambda talk: talk.create(), "succeeded", "it is Open. Wait for its end"),
        (
            lambda talk: talk.load("insert", "Name\nA\n"),
            None,
            "of an ingest job, the kind is one of 'succeeded', 'failed', 'unprocessed'",
        ),
        (lambda talk: talk.query("SELECT Id FROM Account"), "succeeded", "of a query, leave out the kind"),
    ],
    ids=["too early", "which", "none"],
)
def test_results_that_are_not_there(sf: Org, talk: Talk2, tmp_path: Path, make: Any, kind: Any, why: str) -> None:
    """Said before a file appears."""
    job = sf.job(make(talk))

    with pytest.raises(UsageError) as caught:
        job.results(tmp_path / "results.csv", kind)

    assert str(caught.value) == f"Job {job.id} has no such results: {why}. No file was written."
    assert not list(tmp_path.iterdir())

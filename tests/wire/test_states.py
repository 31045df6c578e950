"""States and what may follow them, transcribed from the guides: the client's tables say so, and the local org behaves so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.bulk1_talk import NAMESPACE, Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.protocol import states

#: Bulk API guide, "JobInfo", "Close a Job", "Abort a Job". A closed job can still be aborted.
JOB = {"Open": {"Closed", "Aborted", "Failed"}, "Closed": {"Aborted", "Failed"}, "Aborted": set(), "Failed": set()}
#: "Interpret Batch State". A batch whose time is up goes back to the queue.
BATCH = {
    "Queued": {"InProgress", "NotProcessed"},
    "InProgress": {"Completed", "Failed", "Queued"},
    "Completed": set(),
    "Failed": set(),
    "NotProcessed": set(),
}
#: Bulk API 2.0 guide, "Job States".
JOB2 = {
    "Open": {"UploadComplete", "Aborted", "Failed"},
    "UploadComplete": {"InProgress", "Aborted", "Failed"},
    "InProgress": {"JobComplete", "Failed", "Aborted"},
    "JobComplete": set(),
    "Failed": set(),
    "Aborted": set(),
}


def test_the_client_knows_the_states() -> None:
    """Each, and what may follow it."""
    assert JOB == {state: set(follows) for state, follows in states.JOB_FOLLOWS.items()}
    assert BATCH == {state: set(follows) for state, follows in states.BATCH_FOLLOWS.items()}
    assert JOB2 == {state: set(follows) for state, follows in states.JOB2_FOLLOWS.items()}


def test_the_client_knows_the_ends() -> None:
    """After these nothing more is waited for. (The old library knew of aborted batches.)"""
    assert {"Completed", "Failed", "NotProcessed", "Aborted"} == states.BATCH_ENDED
    assert {"JobComplete", "Failed", "Aborted"} == states.JOB2_ENDED
    assert {"Aborted", "Failed"} == states.JOB_GIVEN_UP


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        org.clock.pause()
        yield org


def state(talk: Talk, job: str, wanted: str) -> int:
    said = f'<jobInfo xmlns="{NAMESPACE}"><state>{wanted}</state></jobInfo>'
    return talk.bulk("POST", f"job/{job}", said, Content_Type="application/xml").status


@pytest.mark.parametrize("begun", ["Open", "Closed", "Aborted"])
@pytest.mark.parametrize("wanted", ["Closed", "Aborted"])
def test_the_org_lets_a_job_go_where_it_may(org: LocalOrg, begun: str, wanted: str) -> None:
    """Bulk API 1.0: 200 for what the table allows, else 400 and the state stays."""
    talk = Talk(org)
    job = talk.create("insert")
    if begun != "Open":
        assert 200 == state(talk, job, begun)

    may = wanted in JOB[begun]

    assert (200 if may else 400) == state(talk, job, wanted)
    assert (wanted if may else begun) == talk.bulk("GET", f"job/{job}").get("state")


@pytest.mark.parametrize("begun", JOB2)
@pytest.mark.parametrize("wanted", ["UploadComplete", "Aborted"])
def test_the_org_lets_an_ingest_job_go_where_it_may(org: LocalOrg, begun: str, wanted: str) -> None:
    """Bulk API 2.0: the same, with INVALIDJOBSTATE."""
    talk = Talk2(org)
    job = talk.create()
    assert 201 == talk.upload(job, "Nmae\nA\n" if begun == "Failed" else "Name\nA\n").status
    if begun in {"JobComplete", "Failed", "InProgress", "UploadComplete"}:
        assert 200 == talk.change(job, "UploadComplete").status
        org.clock.advance({"InProgress": org.limits.queue_seconds, "UploadComplete": 0.0}.get(begun, 5.0))
    if begun == "Aborted":
        assert 200 == talk.change(job, "Aborted").status
    assert begun == talk.info(job)["state"]

    answer = talk.change(job, wanted)

    may = wanted in JOB2[begun]
    assert (200 if may else 400) == answer.status
    assert (wanted if may else "INVALIDJOBSTATE") == (answer.json()["state"] if may else answer.json()[0]["errorCode"])
    assert (wanted if may else begun) == talk.info(job)["state"]

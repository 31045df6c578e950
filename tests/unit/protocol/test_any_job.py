"""A job by its id alone: every plausible answer of an org that was asked for another API's job."""

from __future__ import annotations

import json

import pytest

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.client import Org
from salesforce_bulk.errors import AnswerLost, ApiError, SalesforceBulkError
from salesforce_bulk.protocol import any_job
from salesforce_bulk.protocol.any_job import rows_in_results
from salesforce_bulk.records import Job2Info, JobInfo
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

ID = "750Rm00000K7vR2IAJ"
CLASSIC_XML = (
    f'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><id>{ID}</id><operation>insert</operation>'
    "<object>Account</object><state>Closed</state></jobInfo>"
).encode()
NOT_FOUND = Scripted(404, b'[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]')
INVALID = Scripted(400, b'[{"errorCode":"INVALIDJOB","message":"..."}]')
LOST = AnswerLost("PATCH ... was sent, and its answer did not come.", applied=None)


def job(type_: str, operation: str = "insert", state: str = "InProgress") -> Scripted:
    wire = {"id": ID, "operation": operation, "object": "Account", "state": state, "jobType": type_}
    return Scripted(200, json.dumps(wire).encode())


def opened(*answers: Scripted | SalesforceBulkError) -> tuple[Org, ScriptedTransport]:
    transport = ScriptedTransport(answers)
    login = AccessToken("00Dtoken", instance_url="https://acme.my.salesforce.com")
    return connect(login=login, api_version="66.0", transport=transport), transport


def asked(transport: ScriptedTransport) -> list[str]:
    return [f"{sent.method} {sent.url.partition('/services/')[2].removesuffix(ID)}" for sent in transport.sent]


INGEST, QUERY, CLASSIC = "GET data/v66.0/jobs/ingest/", "GET data/v66.0/jobs/query/", "GET async/66.0/job/"


@pytest.mark.parametrize("no", [NOT_FOUND, INVALID], ids=["404", "400"])
def test_each_api_is_asked_until_one_knows_the_job(no: Scripted) -> None:
    """Ingest jobs first, for they are looked for most."""
    for answers, calls in (
        ([job("V2Ingest")], [INGEST]),
        ([no, job("V2Query", "query")], [INGEST, QUERY]),
        ([no, no, Scripted(200, CLASSIC_XML)], [INGEST, QUERY, CLASSIC]),
    ):
        org, transport = opened(*answers)

        assert ID == org.perform(any_job.find_job(ID)).id
        assert calls == asked(transport)


def test_an_org_may_tell_of_a_classic_job_at_once() -> None:
    """Then Bulk API 1.0 is asked for all that there is to know."""
    org, transport = opened(job("Classic"), Scripted(200, CLASSIC_XML))

    assert isinstance(org.perform(any_job.find_job(ID)), JobInfo)
    assert [INGEST, CLASSIC] == asked(transport)


def test_another_refusal_is_no_proof_that_there_is_no_job() -> None:
    """It is raised as it is."""
    org, transport = opened(
        Scripted(403, b'[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]')
    )

    with pytest.raises(ApiError) as caught:
        org.perform(any_job.find_job(ID))

    assert "REQUEST_LIMIT_EXCEEDED" == caught.value.error_code
    assert [INGEST] == asked(transport)


@pytest.mark.parametrize(("type_", "operation"), [("V2Ingest", "insert"), ("V2Query", "query")])
def test_an_abort_whose_answer_was_lost_is_an_abort(type_: str, operation: str) -> None:
    """It is sent again, and refused because the first one was heard: that was the aim."""
    refused = Scripted(400, b'[{"errorCode":"INVALIDJOBSTATE","message":"Aborting already Aborted Job not allowed"}]')
    org, transport = opened(LOST, refused, job(type_, operation, "Aborted"))

    now = org.perform(any_job.abort(Job2Info(ID, operation, "Account", "InProgress", type_)))

    assert "Aborted" == now.state
    assert ["PATCH", "PATCH", "GET"] == [sent.method for sent in transport.sent]


def test_a_deletion_whose_answer_was_lost_is_a_deletion() -> None:
    """The second one finds nothing."""
    org, transport = opened(LOST, NOT_FOUND)

    org.perform(any_job.delete(Job2Info(ID, "insert", "Account", "JobComplete", "V2Ingest")))

    assert ["DELETE", "DELETE"] == [sent.method for sent in transport.sent]


@pytest.mark.parametrize(
    ("info", "kind", "expected"),
    [
        (Job2Info(ID, "insert", state="JobComplete", records_processed=5, records_failed=2), "succeeded", 3),
        (Job2Info(ID, "insert", state="JobComplete", records_processed=5, records_failed=2), "failed", 2),
        (Job2Info(ID, "insert", state="JobComplete", records_processed=5, records_failed=2), "unprocessed", None),
        (Job2Info(ID, "insert", state="JobComplete", records_processed=5), "succeeded", None),
        (Job2Info(ID, "insert", state="Failed", records_processed=5, records_failed=2), "succeeded", None),
        (Job2Info(ID, "query", state="JobComplete", records_processed=5), "", 5),
        (Job2Info(ID, "query", state="JobComplete"), "", None),
    ],
)
def test_how_many_rows_a_result_has_by_what_the_job_says(info: Job2Info, kind: str, expected: int | None) -> None:
    """Where it says nothing that can be relied on, nothing is checked."""
    assert expected == rows_in_results(info, kind)

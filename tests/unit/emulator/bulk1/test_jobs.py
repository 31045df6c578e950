"""Jobs of Bulk API 1.0 at the local org: creating, closing, aborting, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from tests.support.bulk1_talk import NAMESPACE, Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg, Schema, SObject


@pytest.fixture
def talk(org: LocalOrg) -> Talk:
    return Talk(org)


def info(**elements: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f'<jobInfo xmlns="{NAMESPACE}">{inner}</jobInfo>'


def test_creating_answers_201_with_a_location_that_is_a_path(talk: Talk) -> None:
    """Clients that compare with 200, or expect a whole URL, break here as they do at the service."""
    answer = talk.bulk("POST", "job", info(operation="insert", object="account"), Content_Type="application/xml")

    assert answer.status == 201
    assert answer.headers["Location"] == f"/services/async/66.0/job/{answer.get('id')}"
    assert answer.headers["Content-Type"] == "application/xml"
    assert re.fullmatch(r"750\w{15}", answer.get("id") or "")
    assert answer.get("object") == "Account"
    assert answer.get("contentType") == "XML"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", answer.get("createdDate") or "")


def test_a_json_request_is_answered_in_json_whatever_the_job_holds(talk: Talk) -> None:
    """Alphabetical members, nulls present; a later GET of the CSV job is XML (protocol 1.3, rules 1 and 2)."""
    body = json.dumps({"operation": "insert", "object": "Account", "contentType": "CSV", "concurrencyMode": 1})
    answer = talk.bulk("POST", "job", body, Content_Type="application/json; charset=UTF-8")
    members = answer.json()

    assert list(members) == sorted(members)
    assert members["concurrencyMode"] == "Serial"
    assert members["apiVersion"] == 66.0
    assert members["externalIdFieldName"] is None
    assert members["fastPathEnabled"] is False
    assert talk.bulk("GET", f"job/{members['id']}", Content_Type="application/json").text.startswith("<?xml")


def test_the_record_of_wsc_with_its_zeros_and_nulls_is_taken(talk: Talk) -> None:
    """Salesforce's own client writes its whole bean."""
    bean = {"operation": "query", "object": "Account", "contentType": "JSON", "id": None, "apiVersion": 0.0}
    bean |= {"numberBatchesTotal": 0, "createdDate": None, "fastPathEnabled": False, "state": None}

    assert talk.bulk("POST", "job", json.dumps(bean), Content_Type="application/json").status == 201


@pytest.mark.parametrize(
    ("elements", "code", "message"),
    [
        ({"operation": "INSERT", "object": "Account"}, "InvalidJob", "Unable to parse Job"),
        ({"operation": "insert"}, "InvalidJob", "Unable to parse Job"),
        (
            {"operation": "insert", "object": "Account", "contentType": "YAML"},
            "InvalidJob",
            "Unable to parse Job",
        ),
        ({"operation": "insert", "object": "Widgit__c"}, "InvalidJob", "Unable to find object: Widgit__c"),
        (
            {"operation": "upsert", "object": "Contact"},
            "InvalidJob",
            "External ID was blank for Contact. An External ID must be specified for upsert.",
        ),
        (
            {"operation": "insert", "object": "Account", "createdById": "005000000000001AAA"},
            "InvalidJob",
            "CreatedById cannot be specified",
        ),
    ],
)
def test_what_a_job_may_not_be(talk: Talk, elements: dict[str, str], code: str, message: str) -> None:
    """The recorded texts."""
    answer = talk.bulk("POST", "job", info(**elements), Content_Type="application/xml")

    assert answer.error == (400, code, message)


def test_xml_that_is_broken_or_has_a_document_type_is_refused(talk: Talk) -> None:
    """No entities are ever expanded."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><jobInfo>&b;</jobInfo>'

    assert talk.bulk("POST", "job", "<jobInfo", Content_Type="application/xml").error[:2] == (400, "InvalidXml")
    assert talk.bulk("POST", "job", bomb, Content_Type="application/xml").error[:2] == (400, "InvalidXml")
    assert talk.bulk("POST", "job", "{", Content_Type="application/json").error == (
        400,
        "InvalidJob",
        "Unable to parse Job",
    )


def test_json_jobs_began_with_36(org: LocalOrg) -> None:
    """At 35.0 the service says so."""
    body = info(operation="insert", object="Account", contentType="JSON")
    answer = Talk(org, "35.0").bulk("POST", "job", body, Content_Type="application/xml")

    assert answer.error == (400, "InvalidJob", "JSON content type is not supported")


def test_permissions(org: LocalOrg, talk: Talk) -> None:
    """Data Loader looks for the text of the first."""
    org.permissions.hard_delete = False
    org.permissions.bulk_query = False

    hard = talk.bulk("POST", "job", info(operation="hardDelete", object="Account"), Content_Type="application/xml")
    query = talk.bulk("POST", "job", info(operation="query", object="Account"), Content_Type="application/xml")

    assert hard.error == (
        400,
        "FeatureNotEnabled",
        "hardDelete operation requires special user profile permission, please contact your system administrator",
    )
    assert query.error == (400, "FeatureNotEnabled", "query operation requires the org permission BulkApiQuery")


def test_sessions(org: LocalOrg, talk: Talk) -> None:
    """A dead session is 400 here, not 401, and Bearer alone is no session."""
    job = talk.create("insert")
    org.expire_sessions()
    assert talk.bulk("GET", f"job/{job}").error == (400, "InvalidSessionId", "Invalid session id")

    talk.token = None
    bearer = talk.bulk("GET", f"job/{job}", Authorization=f"Bearer {org.access_token}")
    assert bearer.error == (400, "InvalidSessionId", "Unable to find session id")
    json_error = talk.bulk("GET", f"job/{job}", Content_Type="application/json")
    assert json_error.json() == {
        "exceptionCode": "InvalidSessionId",
        "exceptionMessage": "Unable to find session id",
    }


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("30.0", 410, "Gone"),
        ("x", 400, "InvalidVersion"),
        ("v66.0", 400, "InvalidVersion"),
        ("99.0", 400, "InvalidVersion"),
    ],
)
def test_versions(org: LocalOrg, version: str, status: int, code: str) -> None:
    """Retired, and never heard of."""
    assert Talk(org, version).bulk("GET", "job/750000000000001").error[:2] == (status, code)


def test_a_job_keeps_its_version(org: LocalOrg, talk: Talk) -> None:
    """Asking under another one is an error."""
    job = talk.create("insert")

    assert Talk(org, "60.0").bulk("GET", f"job/{job}").error[:2] == (400, "InvalidVersion")


def test_closing_and_aborting(talk: Talk) -> None:
    """Closed twice and aborted twice are errors; a closed job can still be aborted."""
    job = talk.create("insert")

    def go(state: str) -> object:
        answer = talk.bulk("POST", f"job/{job}", info(state=state), Content_Type="text/csv; charset=UTF-8")
        return answer.get("state") or answer.error

    assert go("Closed") == "Closed"
    assert go("Closed") == (400, "InvalidJobState", "Closing already closed Job not allowed")
    assert go("Aborted") == "Aborted"
    assert go("Closed") == (400, "InvalidJobState", "Closing already aborted Job not allowed")
    assert go("Aborted") == (400, "InvalidJobState", "Aborting already aborted Job not allowed")


def test_only_the_state_can_be_changed(talk: Talk) -> None:
    """The id is tolerated, Salesforce's own client sends it."""
    job = talk.create("insert")

    other = talk.bulk("POST", f"job/{job}", info(object="Contact", state="Closed"), Content_Type="application/xml")
    assert other.error[:2] == (400, "InvalidJob")
    same = talk.bulk("POST", f"job/{job}", info(id=job, state="Closed"), Content_Type="application/xml")
    assert same.get("state") == "Closed"


def test_aborting_drops_what_is_queued_and_lets_the_rest_run(org: LocalOrg, talk: Talk) -> None:
    """The batch in progress is completed, its rows stay; the queued one is not processed."""
    job = talk.create("insert")
    running = talk.add(job, "Name\nA\n")
    org.clock.advance(0.02)
    waiting = talk.add(job, "Name\nB\n")
    assert talk.batch(job, running).get("state") == "InProgress"

    talk.bulk("POST", f"job/{job}", info(state="Aborted"), Content_Type="application/xml")
    talk.settle()

    assert talk.batch(job, running).get("state") == "Completed"
    assert talk.batch(job, waiting).get("state") == "NotProcessed"
    assert talk.result(job, waiting).error == (400, "InvalidBatch", "Records not processed")
    assert org.rows("SELECT Name FROM Account") == [{"Name": "A"}]


def test_ids_of_15_characters_and_trailing_slashes_are_accepted(talk: Talk) -> None:
    """So are query parameters that nobody knows."""
    job = talk.create("insert")

    assert talk.bulk("GET", f"job/{job[:15]}/?format=json").get("id") == job


def test_words_that_are_not_job(talk: Talk) -> None:
    """The recorded text names the word."""
    assert talk.bulk("GET", "jobs/750").error == (
        400,
        "InvalidUrl",
        "Failed to parse URL. Was expecting 'job' but found:jobs",
    )
    assert talk.bulk("DELETE", "job/750").status == 405
    assert talk.bulk("GET", "AsyncApi.xsd").text.startswith("<?xml")


def test_unknown_jobs_and_batches(talk: Talk) -> None:
    """400, not 404; the format follows the job if it is known, else the request."""
    job = talk.create("query", "JSON")

    assert talk.bulk("GET", "job/750000000000001AAA").error[:2] == (400, "InvalidJob")
    assert talk.bulk("GET", f"job/{job}/batch/751000000000001AAA").json()["exceptionCode"] == "InvalidBatch"


def test_jobs_are_forgotten_after_a_week(org: LocalOrg, talk: Talk) -> None:
    """And take no batch after a day."""
    job = talk.create("insert")
    org.clock.advance(24 * 3600 + 1)
    talk.token = org.access_token
    late = talk.bulk("POST", f"job/{job}/batch", "Name\nA\n", Content_Type="text/csv")
    assert late.error[:2] == (400, "InvalidJobState")

    org.clock.advance(6 * 24 * 3600)
    talk.token = org.access_token
    assert talk.bulk("GET", f"job/{job}").error[:2] == (400, "InvalidJob")


def test_element_order_and_bytes_of_a_job(talk: Talk) -> None:
    """Salesforce's own client skips an element that is out of place."""
    job = talk.create("upsert", sobject="Contact", externalIdFieldName="Id")
    text = talk.bulk("GET", f"job/{job}").text
    names = re.findall(r"^ <(\w+)>", text, re.MULTILINE)

    assert text.startswith(f'<?xml version="1.0" encoding="UTF-8"?><jobInfo\n   xmlns="{NAMESPACE}">\n <id>')
    assert text.endswith("</apexProcessingTime>\n</jobInfo>")
    assert names == [
        "id",
        "operation",
        "object",
        "createdById",
        "createdDate",
        "systemModstamp",
        "state",
        "externalIdFieldName",
        "concurrencyMode",
        "contentType",
        "numberBatchesQueued",
        "numberBatchesInProgress",
        "numberBatchesCompleted",
        "numberBatchesFailed",
        "numberBatchesTotal",
        "numberRecordsProcessed",
        "numberRetries",
        "apiVersion",
        "numberRecordsFailed",
        "totalProcessingTime",
        "apiActiveProcessingTime",
        "apexProcessingTime",
    ]


def test_objects_that_bulk_api_does_not_take() -> None:
    """They exist, and REST knows them."""
    ledger = replace(SObject.define("Ledger__c", "a01", []), bulk=False)
    with LocalOrg(schema=Schema.standard().with_object(ledger)) as org:
        body = info(operation="query", object="ledger__c")
        answer = Talk(org).bulk("POST", "job", body, Content_Type="application/xml")

    assert answer.error == (400, "InvalidEntity", "Entity 'Ledger__c' is not supported by the Bulk API.")


def test_only_its_creator_uses_a_job() -> None:
    """Bulk API 1.0 says InvalidUser to others, 2.0 that there is no such job; an abort takes a permission."""
    with LocalOrg() as org:
        org.clock.pause()
        talk, talk2 = Talk(org), Talk2(org)
        job, job2 = talk.create("insert"), talk2.create()
        talk.token = talk2.token = org.session_of("005Lo0000000099AAA")

        refused = (400, "InvalidUser", f"The job was created by another user: {org.store.user.id}")
        assert refused == talk.bulk("GET", f"job/{job}").error
        assert refused == talk.bulk("POST", f"job/{job}/batch", "Name\nA\n", Content_Type="text/csv").error
        assert 404 == talk2.ask("GET", f"jobs/ingest/{job2}").status
        abort = f'<jobInfo xmlns="{NAMESPACE}"><state>Aborted</state></jobInfo>'
        assert refused == talk.bulk("POST", f"job/{job}", abort, Content_Type="application/xml").error

        org.permissions.manage_data_integrations = True
        assert refused == talk.bulk("GET", f"job/{job}").error
        assert "Aborted" == talk.bulk("POST", f"job/{job}", abort, Content_Type="application/xml").get("state")
        assert "Aborted" == talk2.change(job2, "Aborted").json()["state"]

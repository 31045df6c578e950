"""Ingest jobs of Bulk API 2.0 at the local org: from the creation of a job to its end."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg, Schema

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
CREATED = [
    "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode", "contentType",
    "apiVersion", "contentUrl", "lineEnding", "columnDelimiter",
]  # fmt: skip


@pytest.fixture
def talk(org: LocalOrg) -> Talk2:
    return Talk2(org)


def test_a_job_goes_from_open_to_complete(org: LocalOrg, talk: Talk2) -> None:
    """Every state can be seen, and every answer has the members recorded for it, in order."""
    created = talk.ask("POST", "jobs/ingest", {"object": "account", "operation": "insert"})
    job = created.json()["id"]
    upload = talk.upload(job, "Name\nMill\n")
    is_open = talk.info(job)
    closed = talk.change(job, "UploadComplete")
    waiting = talk.info(job)
    org.clock.advance(org.limits.queue_seconds)
    running = talk.info(job)
    talk.settle()
    done = talk.info(job)

    assert (created.status, upload.status, upload.body, closed.status) == (200, 201, b"", 200)
    assert list(created.json()) == CREATED
    assert created.json()["object"] == "Account"
    assert created.json()["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job}/batches"
    assert list(closed.json()) == CREATED[:10]
    assert [i["state"] for i in (is_open, closed.json(), waiting, running, done)] == [
        "Open", "UploadComplete", "UploadComplete", "InProgress", "JobComplete",
    ]  # fmt: skip
    assert list(is_open) == [
        *CREATED[:10], "jobType", "contentUrl", "lineEnding", "columnDelimiter", "retries", "totalProcessingTime",
        "apiActiveProcessingTime", "apexProcessingTime", "isPkChunkingSupported",
    ]  # fmt: skip
    assert list(done) == [
        *CREATED[:10], "jobType", "lineEnding", "columnDelimiter", "numberRecordsProcessed", "numberRecordsFailed",
        "retries", "totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime", "isPkChunkingSupported",
    ]  # fmt: skip
    assert (running["numberRecordsProcessed"], done["numberRecordsProcessed"]) == (0, 1)
    assert done["totalProcessingTime"] >= done["apiActiveProcessingTime"] > 0


def test_members_that_depend_on_the_operation_and_the_version(org: LocalOrg) -> None:
    """The external id stands after the state; the chunking member came with 61.0."""
    job = Talk2(org).create("upsert", externalIdFieldName="key__c", assignmentRuleId="01Q000000000001AAA")
    info = Talk2(org).info(job)
    before = list(info)

    assert info["externalIdFieldName"] == "key__c"
    assert before[before.index("state") + 1 :][:3] == ["externalIdFieldName", "assignmentRuleId", "concurrencyMode"]
    assert "isPkChunkingSupported" not in Talk2(org, "60.0").info(Talk2(org, "60.0").create())


def test_a_job_answers_to_the_short_id_to_slashes_and_to_other_cases(talk: Talk2) -> None:
    """Which clients use; a doubled slash is a 404."""
    job = talk.load("insert", "Name\nMill\n")

    assert talk.ask("GET", f"jobs/ingest/{job[:15]}/").json()["id"] == job
    assert talk.ask("GET", "jobs/ingest/").status == 200
    assert talk.ask("GET", f"jobs/ingest/{job}/UNPROCESSEDRECORDS").text == "Name\n"
    assert talk.ask("GET", f"jobs/ingest/{job}/successfulresults/").status == 200
    assert talk.ask("GET", f"jobs/ingest//{job}").status == 404
    assert talk.ask("GET", f"jobs/ingest/{job}//successfulResults").status == 404
    assert talk.ask("GET", f"jobs/ingest/{job}", X_PrettyPrint="1").text.startswith('{\n  "id" : "750')


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"object": "Nothing", "operation": "insert"}, ("INVALIDJOB", "Unable to find object: Nothing")),
        ({"object": "Account", "operation": "upsert"}, ("INVALIDJOB", None)),
        ({"object": "Account", "operation": "insert", "externalIdFieldName": "Key__c"}, ("INVALIDJOB", None)),
        ({"object": "Account", "operation": "consentImport"}, ("JSON_PARSER_ERROR", None)),
        ({"object": "Account", "operation": "insert", "columnDelimiter": "COLON"}, ("JSON_PARSER_ERROR", None)),
        ({"object": "Account", "operation": "insert", "lineEnding": "CR"}, ("JSON_PARSER_ERROR", None)),
        ({"object": "Account", "operation": "insert", "contentType": "JSON"}, ("JSON_PARSER_ERROR", None)),
        ({"object": 1, "operation": "insert"}, ("JSON_PARSER_ERROR", None)),
        ({"object": "Account"}, ("JSON_PARSER_ERROR", None)),
        ([], ("JSON_PARSER_ERROR", None)),
    ],
)
def test_jobs_that_are_refused(org: LocalOrg, body: object, error: tuple[str, str | None]) -> None:
    """400, with the code first."""
    answer = Talk2(org).ask("POST", "jobs/ingest", body)

    assert answer.status == 400
    assert list(answer.json()[0]) == ["errorCode", "message"]
    assert answer.json()[0]["errorCode"] == error[0]
    assert error[1] is None or answer.json()[0]["message"] == error[1]


def test_an_object_outside_bulk() -> None:
    """In the words that are known from queries."""
    schema = Schema.standard()
    lead = schema.object("Lead")
    assert lead is not None
    with LocalOrg(schema=schema.with_object(replace(lead, bulk=False))) as org:
        talk = Talk2(org)
        error = {"errorCode": "INVALIDENTITY", "message": "Entity 'Lead' is not supported by the Bulk API."}

        assert talk.ask("POST", "jobs/ingest", {"object": "lead", "operation": "insert"}).json() == [error]
        assert talk.create_query("SELECT Id FROM Lead").json() == [error]


def test_requests_of_the_wrong_kind(org: LocalOrg, talk: Talk2) -> None:
    """No JSON, the wrong type, no session, the wrong method, an API too old."""
    job = talk.create()

    assert talk.ask("POST", "jobs/ingest", "{", Content_Type="application/json").status == 400
    assert talk.ask("POST", "jobs/ingest", "{}", Content_Type="application/xml").status == 415
    assert talk.ask("PUT", f"jobs/ingest/{job}/batches", "a", Content_Type="text/plain").status == 415
    assert talk.ask("PUT", f"jobs/ingest/{job}/batches", "a", Content_Type="text/csv; charset=UTF-8").status == 201
    refused = talk.ask("GET", f"jobs/ingest/{job}", Authorization="Bearer nonsense")
    assert refused.status == 401
    assert refused.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert talk.ask("PUT", f"jobs/ingest/{job}").json() == [
        {
            "message": "HTTP Method 'PUT' not allowed. Allowed are GET,PATCH,DELETE,HEAD",
            "errorCode": "METHOD_NOT_ALLOWED",
        }
    ]
    assert Talk2(org, "40.0").ask("POST", "jobs/ingest", {"object": "Account", "operation": "insert"}).status == 404


def test_hard_delete_needs_a_permission(org: LocalOrg, talk: Talk2) -> None:
    """With it, records are gone for good."""
    (account,) = org.holds("Account", 1)
    talk.load("hardDelete", f"Id\n{account}\n")
    org.permissions.hard_delete = False
    refused = talk.ask("POST", "jobs/ingest", {"object": "Account", "operation": "hardDelete"})

    assert org.rows("SELECT Id FROM Account", deleted=True) == []
    assert (refused.status, refused.json()[0]["errorCode"]) == (400, "FEATURENOTENABLED")


def test_a_second_upload_is_found_out_when_the_job_is_closed(org: LocalOrg, talk: Talk2) -> None:
    """As recorded, with the short id; the job stays open and can be aborted."""
    job = talk.create()
    uploads = [talk.upload(job, "Name\nA\n").status for _ in range(2)]
    closed = talk.change(job, "UploadComplete")

    assert uploads == [201, 201]
    assert closed.status == 400
    assert closed.json() == [
        {
            "errorCode": "INVALIDJOB",
            "message": f"Found multipe contents for job: <{job[:15]}>, please 'Close' / 'Abort' / 'Delete' the current Job "
            "then create a new Job and make sure you only do 'PUT' once on a given Job.",
        }
    ]
    assert talk.change(job, "Aborted").json()["state"] == "Aborted"
    assert org.rows("SELECT Id FROM Account") == []


def test_an_org_may_refuse_the_second_upload_itself(org: LocalOrg, talk: Talk2) -> None:
    """The first one counts then."""
    org.bulk2.second_upload = "at_upload"
    job = talk.create()
    talk.upload(job, "Name\nA\n")
    second = talk.upload(job, "Name\nB\n")
    talk.change(job, "UploadComplete")
    talk.settle()

    assert (second.status, second.json()[0]["errorCode"]) == (400, "INVALIDJOB")
    assert [row["Name"] for row in org.rows("SELECT Name FROM Account")] == ["A"]


def test_a_job_in_one_request(org: LocalOrg, talk: Talk2) -> None:
    """Multipart: state UploadComplete at once, no place for data; the blank line of the guide's sample is ignored."""
    body = (
        '--B\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n'
        '{"object":"Contact","contentType":"CSV","operation":"insert"}\r\n\r\n--B\r\nContent-Type: text/csv\r\n'
        'Content-Disposition: form-data; name="content"; filename="content"\r\n\r\nLastName\nOkoye\n\r\n\r\n--B--\r\n'
    )
    answer = talk.ask("POST", "jobs/ingest", body, Content_Type="multipart/form-data; boundary=B")
    talk.settle()

    assert answer.status == 200, answer.text
    assert (answer.json()["state"], "contentUrl" in answer.json()) == ("UploadComplete", False)
    assert talk.info(answer.json()["id"])["numberRecordsProcessed"] == 1
    assert [row["LastName"] for row in org.rows("SELECT LastName FROM Contact")] == ["Okoye"]


def test_a_job_in_one_request_may_be_short_only(org: LocalOrg, talk: Talk2) -> None:
    """100,000 characters, and the parts in their order."""

    def ask(first: str, second: str) -> int:
        body = (
            f'--B\nContent-Disposition: form-data; name="{first}"\n\n{{"object":"Account","operation":"insert"}}\n'
            f'--B\nContent-Disposition: form-data; name="{second}"\n\nName\nA\n--B--'
        )
        return talk.ask("POST", "jobs/ingest", body, Content_Type='multipart/form-data; boundary="B"').status

    statuses = [ask("job", "content"), ask("content", "job"), ask("job", "data")]
    org.limits.multipart_characters = 100

    assert [*statuses, ask("job", "content")] == [200, 400, 400, 400]
    assert talk.ask("POST", "jobs/ingest", "x", Content_Type="multipart/form-data").status == 400


def test_rows_of_a_job_are_worked_through_in_steps(org: LocalOrg, talk: Talk2) -> None:
    """The counters climb by the rows of a step, across the batches of 10,000."""
    job = talk.start("insert", "Name\n" + "A\n" * 12_500)
    seen = []
    while (info := talk.info(job))["state"] != "JobComplete":
        seen.append(info.get("numberRecordsProcessed"))
        org.clock.advance(0.004)

    assert list(dict.fromkeys(seen))[1:] == [0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 12_500]
    assert info["numberRecordsProcessed"] == 12_500
    assert org.limits.bulk_batches.used == 2


def test_an_abort_leaves_the_rest_unprocessed(org: LocalOrg, talk: Talk2) -> None:
    """What was written stays written, and every row is in one of the files."""
    org.bulk2.step_rows = 400
    job = talk.start("insert", "Name\n" + "".join(f"A{n}\n" for n in range(1_000)))
    while not talk.info(job).get("numberRecordsProcessed"):
        org.clock.advance(0.001)
    aborted = talk.change(job, "Aborted")
    talk.settle()

    assert (aborted.status, aborted.json()["state"]) == (200, "Aborted")
    assert talk.info(job)["numberRecordsProcessed"] == 400
    assert len(talk.rows(job, "successfulResults")) == len(org.rows("SELECT Id FROM Account")) == 400
    assert [row["Name"] for row in talk.rows(job, "unprocessedrecords")] == [f"A{n}" for n in range(400, 1_000)]
    assert talk.change(job, "Aborted").json() == [
        {"errorCode": "INVALIDJOBSTATE", "message": "Aborting already Aborted Job not allowed"}
    ]
    org.bulk2.aborted_has_results = False
    assert talk.ask("GET", f"jobs/ingest/{job}/successfulResults").status == 400
    assert talk.ask("GET", f"jobs/ingest/{job}/unprocessedrecords").status == 200
    assert (org.requests("ingest2.abort_job"), org.requests("ingest2.upload_complete")) == (2, 1)


def test_calls_in_the_wrong_state(talk: Talk2) -> None:
    """400 INVALIDJOBSTATE; two texts are recorded."""
    fresh = talk.create()
    done = talk.load("insert", "Name\nA\n")

    def refused(method: str, path: str, body: object = None) -> str:
        answer = talk.ask(method, path, body, **({"Content_Type": "text/csv"} if method == "PUT" else {}))
        assert (answer.status, answer.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
        return str(answer.json()[0]["message"])

    complete = {"state": "UploadComplete"}
    assert refused("PATCH", f"jobs/ingest/{done}", {"state": "Aborted"}) == "Aborting already Completed Job not allowed"
    assert refused("PATCH", f"jobs/ingest/{done}", complete) == "Closing already Completed Job not allowed"
    refused("PATCH", f"jobs/ingest/{fresh}", complete)
    refused("PATCH", f"jobs/ingest/{fresh}", {"state": "JobComplete"})
    refused("PUT", f"jobs/ingest/{done}/batches", "Name\n")
    refused("GET", f"jobs/ingest/{fresh}/successfulResults")
    refused("GET", f"jobs/ingest/{fresh}/unprocessedrecords")


def test_deleting_a_job(talk: Talk2) -> None:
    """Not an open one; a deleted one is gone, with its files."""
    job = talk.create()
    refused = talk.ask("DELETE", f"jobs/ingest/{job}")
    talk.change(job, "Aborted")
    deleted = talk.ask("DELETE", f"jobs/ingest/{job}")

    assert refused.status == 400
    assert refused.json() == [
        {
            "errorCode": "API_ERROR",
            "message": "Error encountered when deleting the job because the job is not terminated",
        }
    ]
    assert (deleted.status, deleted.body) == (204, b"")
    assert (talk.ask("GET", f"jobs/ingest/{job}").status, talk.ask("GET", f"jobs/ingest/{job}").json()) == (
        404,
        NOT_FOUND,
    )
    assert talk.upload(job, "Name\n").status == 404
    assert talk.ask("GET", f"jobs/ingest/{job}/failedResults").json() == NOT_FOUND


def test_a_job_in_the_queue_can_be_deleted(org: LocalOrg, talk: Talk2) -> None:
    """Nothing comes of it."""
    job = talk.start("insert", "Name\nA\n")

    assert talk.ask("DELETE", f"jobs/ingest/{job}").status == 204
    talk.settle()
    assert org.rows("SELECT Id FROM Account") == []


def test_time_takes_jobs_away(org: LocalOrg, talk: Talk2) -> None:
    """An open job takes no data after a day, and all of it is gone seven days after the end."""
    late, done = talk.create(), talk.load("insert", "Name\nA\n")
    org.clock.advance(timedelta(hours=24).total_seconds())
    talk.token = org.access_token
    assert talk.upload(late, "Name\n").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    org.clock.advance(timedelta(days=6).total_seconds() - 600)
    talk.token = org.access_token
    assert talk.info(done)["state"] == "JobComplete"
    org.clock.advance(601)

    assert talk.ask("GET", f"jobs/ingest/{done}/successfulResults").json() == NOT_FOUND
    assert talk.ask("GET", f"jobs/ingest/{late}").json() == NOT_FOUND
    assert talk.ask("GET", "jobs/ingest").json()["records"] == []


def test_the_daily_batches_run_out_in_the_middle(org: LocalOrg, talk: Talk2) -> None:
    """The job fails, the rest is unprocessed, and new uploads are refused."""
    org.limits.internal_batch_rows = 200
    org.limits.bulk_batches.maximum = 2
    job = talk.load("insert", "Name\n" + "A\n" * 500)
    info = talk.info(job)
    refused = talk.upload(talk.create(), "Name\n")

    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", 400)
    assert info["errorMessage"] == "ExceededQuota : ApiBatchItems Limit exceeded"
    assert len(talk.rows(job, "successfulResults")) == 400
    assert len(talk.rows(job, "unprocessedrecords")) == 100
    assert (refused.status, refused.json()[0]["errorCode"]) == (400, "EXCEEDEDQUOTA")


def test_the_daily_records_run_out_in_the_middle(org: LocalOrg, talk: Talk2) -> None:
    """To the row."""
    org.limits.bulk_records.maximum = 3
    job = talk.load("insert", "Name\nA\nB\nC\nD\n")

    assert (talk.info(job)["state"], talk.info(job)["numberRecordsProcessed"]) == ("Failed", 3)
    assert talk.result(job, "unprocessedrecords") == 'Name\n"D"\n'
    assert talk.upload(talk.create(), "Name\n").json()[0]["errorCode"] == "EXCEEDEDQUOTA"


def test_an_upload_that_is_too_large(org: LocalOrg, talk: Talk2) -> None:
    """Counted unpacked."""
    org.limits.upload_bytes = 1_000
    sent = gzip.compress(b"Name\n" + b"A\n" * 500)
    answer = talk.upload(talk.create(), sent, Content_Encoding="gzip")

    assert len(sent) < 1_000
    assert (answer.status, answer.json()[0]["errorCode"]) == (400, "CLIENTINPUTERROR")


def test_gzip_both_ways(talk: Talk2) -> None:
    """What arrives broken is said to be so."""
    job = talk.create()
    assert talk.upload(job, gzip.compress(b"Name\nA\n"), Content_Encoding="gzip").status == 201
    talk.change(job, "UploadComplete")
    talk.settle()
    packed = talk.ask("GET", f"jobs/ingest/{job}/successfulResults", Accept_Encoding="gzip")

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body).decode().startswith('"sf__Id","sf__Created",Name\n"001')
    broken = talk.upload(talk.create(), b"no gzip", Content_Encoding="gzip")
    assert broken.json()[0]["message"] == "Failed to read request. Not in GZIP format"


def test_a_job_goes_on_after_a_restart(tmp_path: Path) -> None:
    """From the row where it stood; results of both halves are there."""
    with LocalOrg(data=tmp_path) as org:
        org.clock.pause()
        org.bulk2.step_rows = 400
        talk = Talk2(org)
        job = talk.start("insert", "Name\n" + "".join(f"A{n}\n" for n in range(1_000)))
        while not talk.info(job).get("numberRecordsProcessed"):
            org.clock.advance(0.001)
    with LocalOrg(data=tmp_path) as org:
        talk = Talk2(org)
        org.clock.pause()
        talk.settle()

        assert talk.info(job)["state"] == "JobComplete"
        assert sorted(row["Name"] for row in talk.rows(job, "successfulResults")) == sorted(
            f"A{n}" for n in range(1_000)
        )
        assert len(org.rows("SELECT Id FROM Account")) == 1_000


def test_a_reset_forgets_jobs_under_way(org: LocalOrg, talk: Talk2) -> None:
    """And ids go on."""
    job = talk.start("insert", "Name\n" + "A\n" * 5_000)
    org.clock.advance(0.03)
    org.reset()
    talk.token = org.access_token
    talk.settle()

    assert talk.ask("GET", f"jobs/ingest/{job}").status == 404
    assert org.rows("SELECT Id FROM Account") == []
    assert talk.create() != job

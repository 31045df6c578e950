"""All of Bulk API 1.0 through the client's own flows, against the local org."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from salesforce_bulk import AccessToken, Org, TransportOptions, connect
from salesforce_bulk.data.attachments import zip_batch
from salesforce_bulk.data.encode import csv_pieces
from salesforce_bulk.data.encode_json import json_batch
from salesforce_bulk.data.encode_xml import xml_batch
from salesforce_bulk.data.json_rows import json_results
from salesforce_bulk.data.results import csv_results
from salesforce_bulk.data.xml import xml_results
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.protocol import bulk1
from salesforce_bulk.records import BatchInfo, Body, JobInfo, JobSpec, RowResult

ENCODE: dict[str, Any] = {"CSV": lambda rows: b"".join(csv_pieces(rows)), "XML": xml_batch, "JSON": json_batch}
READ: dict[str, Any] = {"CSV": csv_results, "XML": xml_results, "JSON": json_results}


@pytest.fixture(params=[False, True], ids=["plain", "gzip"])
def sf(local_org: LocalOrg, request: pytest.FixtureRequest) -> Iterator[Org]:
    login = AccessToken(local_org.access_token, instance_url=local_org.url)
    with connect(login=login, api_version="66.0", options=TransportOptions(compress=request.param)) as org:
        yield org


def run(sf: Org, spec: JobSpec, data: bytes, control: str = "xml") -> tuple[JobInfo, BatchInfo]:
    """One batch, to its end; the job is closed."""
    job = sf.perform(bulk1.ask_job(bulk1.create_job(spec, control=control)))
    batch = sf.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of(data), bulk1.MIME[spec.content_type])))
    sf.perform(bulk1.ask_job(bulk1.close_job(job.id, control=control)))
    batch = sf.perform(bulk1.await_batch(job.id, batch.id, limit_seconds=60, longest_pause=1))
    return sf.perform(bulk1.ask_job(bulk1.get_job(job.id))), batch


def results(sf: Org, batch: BatchInfo, content_type: str) -> list[RowResult]:
    return list(READ[content_type](sf.stream(bulk1.batch_result(batch.job_id, batch.id))))


@pytest.mark.parametrize("control", ["xml", "json"])
@pytest.mark.parametrize("content_type", ["CSV", "XML", "JSON"])
def test_every_operation_in_every_format(sf: Org, local_org: LocalOrg, content_type: str, control: str) -> None:
    """insert, update, upsert, delete, hardDelete; a refused row beside them; results in the order of the rows."""
    encode = ENCODE[content_type]

    def load(operation: str, rows: list[dict[str, Any]], external_id: str | None = None) -> list[RowResult]:
        spec = JobSpec(operation, "Account", content_type, external_id=external_id)
        job, batch = run(sf, spec, encode(rows), control)
        found = results(sf, batch, content_type)
        assert ("Closed", len(rows)) == (job.state, job.records_processed)
        assert sum(not result.success for result in found) == job.records_failed == batch.records_failed
        return found

    inserted = load(
        "insert", [{"Name": "a", "Key__c": "A"}, {"Name": None, "Key__c": "none"}, {"Name": "c", "Key__c": "C"}]
    )
    assert [True, False, True] == [result.success for result in inserted]
    assert ("REQUIRED_FIELD_MISSING", ("Name",)) == (inserted[1].errors[0].code, inserted[1].errors[0].fields)
    ids = [result.id for result in inserted if result.success]

    load("update", [{"Id": identity, "Site": "here"} for identity in ids])
    upserted = load("upsert", [{"Key__c": "A", "Site": "there", "Name": None}, {"Key__c": "D", "Name": "d"}], "Key__c")
    assert [False, True] == [result.created for result in upserted]
    assert [("A", "there"), ("C", "here"), ("D", None)] == [
        (row["Key__c"], row["Site"]) for row in local_org.rows("SELECT Key__c, Site FROM Account ORDER BY Key__c")
    ]

    load("delete", [{"Id": ids[0]}])
    load("hardDelete", [{"Id": ids[1]}])
    assert ["D"] == [row["Key__c"] for row in local_org.rows("SELECT Key__c FROM Account")]
    assert ["A", "D"] == sorted(row["Key__c"] for row in local_org.rows("SELECT Key__c FROM Account", deleted=True))


@pytest.mark.parametrize("content_type", ["ZIP_CSV", "ZIP_XML", "ZIP_JSON"])
def test_attachments_travel_in_a_zip(sf: Org, local_org: LocalOrg, content_type: str) -> None:
    """Bytes of every value, byte for byte; one of them in a folder."""
    inner = content_type.removeprefix("ZIP_")
    account = local_org.holds("Account", 1)[0]
    files = {"meter.jpg": bytes(range(256)) * 100, "scans/lease.pdf": b"%PDF-1.7 \r\n\0"}
    rows = [{"Name": name, "ParentId": account, "Body": f"#{name}"} for name in files]

    _, batch = run(sf, JobSpec("insert", "Attachment", content_type), zip_batch(ENCODE[inner](rows), files))

    assert [True, True] == [result.success for result in results(sf, batch, inner)]
    with local_org.store.reader() as connection:
        held = dict(connection.execute('SELECT "Name", "Body" FROM "Attachment"').fetchall())
    assert files == {name: bytes(body) for name, body in held.items()}
    sent = b"".join(sf.stream(bulk1.batch_request(batch.job_id, batch.id)))
    assert "request.txt" in zipfile.ZipFile(io.BytesIO(sent)).namelist()


def test_the_headers_of_a_job_reach_the_org(sf: Org, local_org: LocalOrg) -> None:
    spec = JobSpec(
        "insert", "Account", disable_batch_retry=True, line_ending="CRLF", client="loader/1", concurrency="Serial"
    )

    job, batch = run(sf, spec, b'Name,Description\nx,"a\nb"\n')

    created = next(seen for seen in local_org.seen if seen.operation == "bulk1.create_job")
    heads = {name.lower(): value for name, value in dict(created.headers).items()}
    assert ("TRUE", "CRLF", "client=loader/1") == (
        heads["sforce-disable-batch-retry"],
        heads["sforce-line-ending"],
        heads["sforce-call-options"],
    )
    assert "Serial" == job.concurrency
    assert 1 == batch.records_processed


def test_an_assignment_rule_is_named_and_kept(sf: Org) -> None:
    spec = JobSpec("insert", "Lead", assignment_rule_id="01Q000000000001AAA")
    job, _ = run(sf, spec, b"LastName,Company\nx,y\n")

    assert "01Q000000000001AAA" == job.wire["assignmentRuleId"]


def test_a_specification_maps_foreign_columns(sf: Org, local_org: LocalOrg) -> None:
    job = sf.perform(bulk1.ask_job(bulk1.create_job(JobSpec("insert", "Account"))))
    sf.call(
        bulk1.upload_spec(job.id, Body.of("Salesforce Field,Csv Header,Value,Hint\nName,Firm,,\nSite,,everywhere,\n"))
    )
    batch = sf.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of("Firm\nx\n"), "text/csv")))
    sf.perform(bulk1.await_batch(job.id, batch.id, limit_seconds=60, longest_pause=1))

    assert [{"Name": "x", "Site": "everywhere"}] == local_org.rows("SELECT Name, Site FROM Account")


@pytest.mark.parametrize("operation", ["query", "queryAll"])
def test_a_query_in_json_keeps_its_parents(sf: Org, local_org: LocalOrg, operation: str) -> None:
    local_org.holds("Account", [{"Name": "x"}])
    job = sf.perform(bulk1.ask_job(bulk1.create_job(JobSpec(operation, "Account", "JSON"), control="json")))
    batch = sf.perform(
        bulk1.ask_batch(
            bulk1.add_batch(job.id, Body.of("SELECT Name, Owner.Username FROM Account"), "application/json")
        )
    )
    sf.perform(bulk1.await_batch(job.id, batch.id, limit_seconds=60, longest_pause=1))

    ids = sf.perform(bulk1.query_result_ids(job.id, batch.id))
    rows = json.loads(b"".join(sf.stream(bulk1.query_result(job.id, batch.id, ids[0]))))
    assert [("x", local_org.username)] == [(row["Name"], row["Owner"]["Username"]) for row in rows]


def test_aborting_leaves_what_was_applied(sf: Org, local_org: LocalOrg) -> None:
    """Queued batches are not processed; nothing is rolled back."""
    job = sf.perform(bulk1.ask_job(bulk1.create_job(JobSpec("insert", "Account"))))
    first = sf.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of("Name\nx\n"), "text/csv")))
    sf.perform(bulk1.await_batch(job.id, first.id, limit_seconds=60, longest_pause=1))
    local_org.clock.pause()
    try:
        second = sf.perform(bulk1.ask_batch(bulk1.add_batch(job.id, Body.of("Name\ny\n"), "text/csv")))
        sf.perform(bulk1.end_job(job.id, "Aborted"))
    finally:
        local_org.clock.resume()
    ended = sf.perform(bulk1.await_batch(job.id, second.id, limit_seconds=60, longest_pause=1))

    assert "NotProcessed" == ended.state
    assert [{"Name": "x"}] == local_org.rows("SELECT Name FROM Account")
    assert "Aborted" == sf.perform(bulk1.end_job(job.id, "Aborted")).state


def test_bodies_are_compressed_on_request(sf: Org, local_org: LocalOrg, request: pytest.FixtureRequest) -> None:
    """A ZIP batch is not: it is compressed already."""
    run(sf, JobSpec("insert", "Account"), b"Name\nx\n")

    added = next(seen for seen in local_org.seen if seen.operation == "bulk1.add_batch")
    expected = "gzip" if "gzip" in request.node.callspec.id else None
    assert expected == {name.lower(): value for name, value in dict(added.headers).items()}.get("content-encoding")

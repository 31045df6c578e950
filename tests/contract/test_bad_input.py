"""Bad input, an org that says no, and servers that talk nonsense: each has a precise error, and nothing hangs.

A message says what happened, what it means for the data, and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.support.raw_server import raw_server, says

from salesforce_bulk import BulkApiError, BulkBatchFailed, CsvDictsAdapter, SalesforceBulk, TransportOptions
from salesforce_bulk.client import open_org
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerMalformed, ApiError, SessionExpired, UsageError
from salesforce_bulk.legacy.access import LegacyAccess
from salesforce_bulk.legacy.exceptions import WaitEnded
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport


def new(said: BaseException) -> str:
    """The explanation, without the body that stands in front of it."""
    assert said.__cause__ is not None
    return str(said.__cause__)


def test_a_wrong_object(bulk: SalesforceBulk) -> None:
    with pytest.raises(BulkApiError) as refused:
        bulk.create_insert_job("Acount")

    assert 400 == refused.value.status_code
    assert refused.value.applied is False
    assert str(refused.value).startswith("[400] Bulk API HTTP Error result: <?xml")
    assert (
        "POST /job was refused with HTTP 400 InvalidJob: Unable to find object: Acount\n"
        "No data was changed by this call.\n"
        "Check the object, the operation and the job id; jobs are kept for 7 days, and only their creator sees them."
    ) == new(refused.value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda bulk: bulk.create_job("Account", "Insert"),
            "Nothing was sent: create_job('Insert', 'Account'): there is no such operation. "
            "There are insert, update, upsert, delete, hardDelete, query, queryAll, spelled exactly so.",
        ),
        (
            lambda bulk: bulk.create_insert_job("Account; DROP"),
            "Nothing was sent: create_job('insert', 'Account; DROP'): the object is the API name of one object, such as "
            "Account or Thing__c.",
        ),
        (
            lambda bulk: bulk.create_insert_job("Account", contentType="YAML"),
            "Nothing was sent: create_job('insert', 'Account'): there is no content type 'YAML'. "
            "There are CSV, XML, JSON, ZIP_CSV, ZIP_XML, ZIP_JSON.",
        ),
        (
            lambda bulk: bulk.create_insert_job("Account", concurrency="serial"),
            "Nothing was sent: create_job('insert', 'Account'): concurrency is 'Parallel' or 'Serial', not 'serial'.",
        ),
        (
            lambda bulk: bulk.create_upsert_job("Account", ""),
            "Nothing was sent: create_job('upsert', 'Account'): an upsert needs the name of an external id field (or 'Id') to "
            "match on.",
        ),
        (
            lambda bulk: bulk.create_job("Account", "insert", external_id_name="Key__c"),
            "Nothing was sent: create_job('insert', 'Account'): only an upsert takes an external id field.",
        ),
        (
            lambda bulk: bulk.create_insert_job("Account", pk_chunking=True),
            "Nothing was sent: create_job('insert', 'Account'): PK chunking is for queries.",
        ),
        (
            lambda bulk: bulk.post_batch(bulk.create_insert_job("Account"), {"Name": "x"}),
            "A batch body is text, bytes, a file or an iterator of pieces, not dict. Nothing was sent. "
            "For dicts: CsvDictsAdapter(iter(rows)).",
        ),
        (
            lambda bulk: bulk.query(None, "SELECT Id"),
            "The query has no FROM, so no job can be created for it. Nothing was sent.",
        ),
        (
            lambda bulk: bulk.batch_status("750000000000001AAA"),
            "batch_status() needs the id of a batch; '750000000000001AAA' is a job. Nothing was sent.",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    bulk: SalesforceBulk, local_org: LocalOrg, call: Callable[[SalesforceBulk], object], text: str
) -> None:
    with pytest.raises(UsageError) as refused:
        call(bulk)

    assert text == str(refused.value)
    assert 0 == local_org.requests("bulk1.add_batch")


def uploaded(bulk: SalesforceBulk, data: object, content_type: str = "CSV") -> tuple[str, str]:
    job = bulk.create_insert_job("Account", contentType=content_type)
    return job, bulk.post_batch(job, data)


def test_a_wrong_field_fails_the_batch_and_says_which(bulk: SalesforceBulk) -> None:
    job, batch = uploaded(bulk, "Nmae\nx\n")

    with pytest.raises(BulkBatchFailed) as failed:
        bulk.wait_for_batch(job, batch, timeout=60)

    assert f"Batch {batch} of job {job} failed: InvalidBatch : Field name not found : Nmae" == str(failed.value)
    assert ("Failed", job, batch) == (failed.value.state, failed.value.job_id, failed.value.batch_id)
    with pytest.raises(BulkApiError, match="InvalidBatch: Records not processed"):
        bulk.get_batch_results(batch)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("Nobody", "INVALID_FIELD"),
        ("001000000000000AAA", "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_a_wrong_reference_is_the_result_of_its_row(bulk: SalesforceBulk, row: str, error: str) -> None:
    """Other rows are loaded; results keep the order of the rows."""
    column = "ParentId" if row.startswith("001") else "Parent.Key__c"
    job, batch = uploaded(bulk, f"Name,{column}\nfine,\nlost,{row}\n")
    bulk.wait_for_batch(job, batch, timeout=60)

    fine, lost = bulk.get_batch_results(batch)

    assert ("true", "true", "") == (fine.success, fine.created, fine.error)
    assert ("false", "false") == (lost.success, lost.created)
    assert lost.error.startswith(f"{error}:")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda bulk, job, batch: bulk.job_status("750000000000001AAA"), "InvalidJob"),
        (lambda bulk, job, batch: bulk.batch_status("751000000000001AAA", job), "InvalidBatch"),
        (lambda bulk, job, batch: bulk.get_query_batch_results(batch, "752000000000001", job).read(), "InvalidBatch"),
        (lambda bulk, job, batch: bulk.post_batch("750000000000001AAA", b"Name\nx\n"), "InvalidJob"),
        (lambda bulk, job, batch: bulk.close_job("750000000000001AAA"), "InvalidJob"),
    ],
)
def test_ids_that_the_org_does_not_know(bulk: SalesforceBulk, call: Callable[..., object], code: str) -> None:
    job = bulk.create_query_job("Account")
    batch = bulk.query(job, "SELECT Id FROM Account")
    bulk.wait_for_batch(job, batch, timeout=60)

    with pytest.raises(BulkApiError) as refused:
        call(bulk, job, batch)

    assert isinstance(refused.value.__cause__, ApiError)
    assert code == refused.value.__cause__.error_code
    assert "No data was changed by this call." in new(refused.value)


def test_a_session_that_has_ended(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """HTTP 400 in Bulk API 1.0. With a session of the caller's own, only the caller can renew it."""
    job = bulk.create_insert_job("Account")
    local_org.expire_sessions()

    with pytest.raises(BulkApiError) as refused:
        bulk.post_batch(job, CsvDictsAdapter(iter([{"Name": "x"}])))

    assert 400 == refused.value.status_code
    assert isinstance(refused.value.__cause__, SessionExpired)
    assert (
        f"POST /job/{job}/batch was refused with HTTP 400 InvalidSessionId: Invalid session id\n"
        "No data was changed by this call.\n"
        "Log in again and go on: jobs and batches are unaffected. The same user must do it."
    ) == new(refused.value)

    bulk.sessionId = local_org.access_token
    batch = bulk.post_batch(job, CsvDictsAdapter(iter([{"Name": "x"}])))
    bulk.wait_for_batch(job, batch, timeout=60)
    assert [{"Name": "x"}] == local_org.rows("SELECT Name FROM Account")


def test_a_session_that_the_client_opened_itself_is_renewed(local_org: LocalOrg) -> None:
    """In the middle of the work, unnoticed; a batch that is text is sent again."""
    bulk = SalesforceBulk(
        username=local_org.username,
        password=local_org.password,
        security_token=local_org.security_token,
        domain=local_org.url,
    )
    job = bulk.create_insert_job("Account")
    local_org.expire_sessions()
    batch = bulk.post_batch(job, "Name\nx\n")
    local_org.expire_sessions()
    bulk.wait_for_batch(job, batch, timeout=60)

    assert [{"Name": "x"}] == local_org.rows("SELECT Name FROM Account")
    assert 3 == local_org.requests("login.soap")


@pytest.mark.parametrize("streamed", [False, True])
def test_an_oversize_batch(bulk: SalesforceBulk, local_org: LocalOrg, streamed: bool) -> None:
    """Refused as a whole; nothing of it is loaded."""
    data = b"Name\n" + b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 110_000
    job = bulk.create_insert_job("Account")

    with pytest.raises(BulkApiError) as refused:
        bulk.post_batch(job, iter([data[at : at + 50_000] for at in range(0, len(data), 50_000)]) if streamed else data)

    assert (
        f"POST /job/{job}/batch was refused with HTTP 400 ClientInputError: Failed to read request. Exceeded max size limit of "
        "10000000\nNo row of this batch was loaded; batches sent before are unaffected.\n"
        "A batch needs at least one row, and at most 10,000 records and 10,000,000 bytes: send fewer rows in a batch."
    ) == new(refused.value)
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_too_many_rows_in_a_batch(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    job, batch = uploaded(bulk, "Name\n" + "x\n" * 10_001)

    with pytest.raises(BulkBatchFailed, match="Exceeded number of records : 10002"):
        bulk.wait_for_batch(job, batch, timeout=60)
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_an_empty_batch(bulk: SalesforceBulk) -> None:
    with pytest.raises(BulkApiError) as refused:
        uploaded(bulk, CsvDictsAdapter(iter([])))

    assert "ClientInputError: Unable to find any data to create batch" in new(refused.value)


def test_a_closed_job_takes_no_batch(bulk: SalesforceBulk) -> None:
    job = bulk.create_insert_job("Account")
    bulk.close_job(job)
    bulk.close_job(job)

    with pytest.raises(BulkApiError) as refused:
        bulk.post_batch(job, "Name\nx\n")

    assert (
        f"POST /job/{job}/batch was refused with HTTP 400 InvalidJobState: Failed to create batch, since the Job is not Open. "
        "Current job state is 'Closed'\nNo row of this batch was loaded; batches sent before are unaffected.\n"
        "The job is no longer open: create another job for further batches."
    ) == new(refused.value)


def test_a_query_that_cannot_be_read(bulk: SalesforceBulk) -> None:
    job = bulk.create_query_job("Account")
    batch = bulk.query(job, "SELECT Id, Bogus FROM Account")

    with pytest.raises(BulkBatchFailed, match=r"INVALID_FIELD: (?s:.*)No such column 'Bogus' on entity 'Account'"):
        bulk.wait_for_batch(job, batch, timeout=60)


HTML = b"<!DOCTYPE html><html><head><title>Down</title></head><body>We are down for maintenance.</body></html>"


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found"])
def test_a_server_that_answers_html(status: bytes) -> None:
    """A page with status 200 is no answer of the API either."""
    answer = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
        status,
        len(HTML),
    )
    with raw_server(says(answer + HTML)) as server:
        bulk = SalesforceBulk("00Dxx0000001gPL!AQ0", server.url)
        with pytest.raises(BulkApiError) as malformed:
            bulk.create_insert_job("Account")

    assert isinstance(malformed.value.__cause__, AnswerMalformed)
    assert "a page of HTML" in new(malformed.value)
    assert "We are down for maintenance." in new(malformed.value)


def test_html_instead_of_rows_is_not_rows() -> None:
    answer = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(HTML)
    with raw_server(says(answer + HTML)) as server:
        bulk = SalesforceBulk("00Dxx0000001gPL!AQ0", server.url)
        bulk.transport_options = TransportOptions(tries=2, first_pause_seconds=0.01)
        with pytest.raises(BulkApiError, match="503"):
            list(bulk.get_query_batch_results("751000000000001AAA", "752000000000001", "750000000000001AAA"))
        assert 2 == len(server.heads)


def test_a_wait_ends_when_the_caller_says(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """As it did, with None; and no longer in silence."""
    local_org.clock.pause()
    try:
        job, batch = uploaded(bulk, "Name\nx\n")
        with pytest.warns(WaitEnded) as warned:
            assert bulk.wait_for_batch(job, batch, timeout=0.2, sleep_interval=0.05) is None
    finally:
        local_org.clock.resume()

    assert (
        f"Batch {batch} of job {job} was still Queued after 0.2 seconds.\n"
        "The org goes on with it; nothing is lost.\nWait again, with a longer limit."
    ) == str(warned[0].message)
    bulk.wait_for_batch(job, batch, timeout=60)


def test_a_json_batch_with_one_bad_value_fails_as_a_whole(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    job, batch = uploaded(bulk, json.dumps([{"Name": "x"}, {"Name": "y", "Founded__c": "soon"}]), "JSON")

    with pytest.raises(BulkBatchFailed):
        bulk.wait_for_batch(job, batch, timeout=60)
    assert [] == local_org.rows("SELECT Id FROM Account")


@pytest.mark.parametrize(("processed", "rows"), [(b"7", None), (b"0", [])])
def test_an_empty_body_is_no_proof_of_no_rows(processed: bytes, rows: list[object] | None) -> None:
    """A query without rows says so in words; a body of no bytes is believed only if the batch found none."""
    batch = (
        b'<batchInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><id>751000000000001AAA</id>'
        b"<state>Completed</state><numberRecordsProcessed>" + processed + b"</numberRecordsProcessed></batchInfo>"
    )
    bulk = SalesforceBulk("00Dxx0000001gPL!AQ0", "https://acme.my.salesforce.com")
    transport = ScriptedTransport([Scripted(200, b""), Scripted(200, batch)])
    vars(bulk)["org"] = open_org(LegacyAccess(bulk), transport=transport)
    result = bulk.get_query_batch_results("751000000000001AAA", "752000000000001", "750000000000001AAA")

    if rows is None:
        with pytest.raises(BulkApiError, match="it is empty, and the batch found 7 records"):
            list(result)
    else:
        assert rows == list(result)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([1, 2], "A piece of a batch body is text or bytes, not int. Nothing was loaded."),
        ([["Name"], ["x"]], "A piece of a batch body is text or bytes, not list. Nothing was loaded."),
        (
            [{"Name": "x"}],
            "A piece of a batch body is text or bytes, not dict. Nothing was loaded. "
            "For dicts: CsvDictsAdapter(iter(rows)).",
        ),
    ],
)
def test_rows_are_no_pieces_of_a_body(bulk: SalesforceBulk, local_org: LocalOrg, pieces: object, text: str) -> None:
    """A number would be taken for so many NULs."""
    with pytest.raises(UsageError) as refused:
        uploaded(bulk, pieces)
    assert text == str(refused.value)
    assert 0 == local_org.requests("bulk1.add_batch")

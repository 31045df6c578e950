"""Batches: posting, status, waiting. legacy-api.md 2.2 and 3.2, rows from ``query`` to ``wait_for_batch``."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from salesforce_bulk import BulkApiError, BulkBatchFailed, BulkJobAborted, CsvDictsAdapter, SalesforceBulk, bulk_states
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerLost, UsageError, WaitTimeout
from salesforce_bulk.legacy.exceptions import BatchUnknown, WaitEnded
from tests.support.raw_server import raw_server, says

from .support import (
    BATCH,
    HOST,
    JOB,
    TOKEN,
    Played,
    ask,
    batch_fields,
    batch_reply,
    batches_reply,
    job_reply,
    json_reply,
    load,
    numbered,
    refused,
    text_reply,
    xml,
)

# -- posting ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("soql", ["select Id from Account", b"select Id from Account"])
def test_a_query_goes_out_as_it_is(soql: str | bytes) -> None:
    """2.2 query: POST E/job/<job>/batch, text/csv, body = SOQL; the batch id, stored in ``batches``. 9: bytes, too."""
    played = Played(batch_reply("Queued"))
    assert BATCH == played.bulk.query(JOB, soql)
    assert {BATCH: JOB} == played.bulk.batches
    assert [("POST", f"job/{JOB}/batch")] == played.sent
    assert b"select Id from Account" == played.transport.sent[0].body
    assert "text/csv; charset=UTF-8" == played.transport.sent[0].headers["Content-Type"]


@pytest.mark.parametrize(
    ("soql", "sobject"),
    [
        ("select Id from Contact", b"Contact"),
        ("SELECT Id\nFROM\n  My_Object__c WHERE Name = 'from Venus'", b"My_Object__c"),
        ("SELECT Id, (SELECT Id FROM Contacts), Name FROM Account", b"Account"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)", b"Account"),
        ("SELECT toLabel(Status), From__c FROM Case", b"Case"),
        (b"select Id from Lead", b"Lead"),
    ],
)
def test_a_query_without_a_job_makes_one(soql: str | bytes, sobject: bytes) -> None:
    """2.2 query: "``job_id=None`` creates a query job for the word after ``from``": its own FROM, no other."""
    played = Played(job_reply(), batch_reply("Queued"))
    assert BATCH == played.bulk.query(None, soql)
    assert b"<object>" + sobject + b"</object>" in played.transport.sent[0].body
    assert JOB == played.bulk.batches[BATCH]


def test_a_query_without_a_job_in_another_content_type() -> None:
    """3.2 query: the third argument."""
    played = Played(job_reply(), batch_reply("Queued"))
    played.bulk.query(None, "select Id from Account", "JSON")
    assert b"<contentType>JSON<" in played.transport.sent[0].body
    assert "application/json; charset=UTF-8" == played.transport.sent[1].headers["Content-Type"]


def test_what_is_no_query() -> None:
    played = Played()
    with pytest.raises(UsageError, match="no FROM"):
        played.bulk.query(None, "Id,Name")
    assert [] == played.sent


@pytest.mark.parametrize(
    ("content_type", "mime"),
    [
        ("CSV", "text/csv"),
        ("XML", "application/xml"),
        ("JSON", "application/json"),
        ("ZIP_CSV", "zip/csv"),
        ("ZIP_XML", "zip/xml"),
        ("ZIP_JSON", "zip/json"),
    ],
)
def test_the_media_type_follows_the_job(content_type: str, mime: str) -> None:
    """3.2 query and post_batch: "mime by job"; an unknown job takes the argument of query."""
    played = Played(job_reply(), *[batch_reply("Queued")] * 3)
    job = played.bulk.create_insert_job("Account", contentType=content_type)
    played.bulk.post_batch(job, b"...")
    played.bulk.query(job, "...")
    played.bulk.query("750x000000009zzAAQ", "...", content_type)
    assert [f"{mime}; charset=UTF-8"] * 3 == [sent.headers["Content-Type"] for sent in played.transport.sent[1:]]


def pieces() -> Iterator[str]:
    yield "Name\n"
    yield "Zoë\n"


ZOE = "Name\nZoë\n"
SOURCES: dict[str, Callable[[], Any]] = {
    "text": lambda: ZOE,
    "bytes": ZOE.encode,
    "bytearray": lambda: bytearray(ZOE.encode()),
    "text file": lambda: io.StringIO(ZOE),
    "binary file": lambda: io.BytesIO(ZOE.encode()),
    "generator": pieces,
    "iterator of both": lambda: iter([b"Name\n", "Zoë\n"]),
    "list": lambda: ["Name\n", "Zoë\n"],
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("method", ["post_batch", "post_bulk_batch", "query"])
def test_a_batch_is_text_bytes_a_file_or_an_iterator(method: str, source: str) -> None:
    """2.2 post_bulk_batch "str/file also accepted"; 9 "accept str and bytes everywhere"; query was abused for it, too."""
    played = Played(batch_reply("Queued"))
    played.bulk.job_content_types[JOB] = "CSV"
    assert BATCH == getattr(played.bulk, method)(JOB, SOURCES[source]())
    assert ZOE.encode() == played.transport.sent[0].body
    assert {BATCH: JOB} == played.bulk.batches


def test_post_bulk_batch_is_post_batch() -> None:
    """5.1 "provide all": two names of one method."""
    assert SalesforceBulk.post_bulk_batch is SalesforceBulk.post_batch


def test_an_iterator_is_streamed() -> None:
    """2.2 post_bulk_batch: chunked transfer. One HTTP chunk a row cost more than the rows; small ones travel together."""
    document = xml("batchInfo", batch_fields("Queued")).body
    answer = (
        b"HTTP/1.1 201 Created\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
    )
    assert isinstance(document, bytes)
    with raw_server(says(answer % (len(document), document))) as server:
        bulk = SalesforceBulk(TOKEN, server.url)
        bulk.job_content_types[JOB] = "CSV"
        bulk.post_bulk_batch(JOB, CsvDictsAdapter(iter([{"Name": "a"}, {"Name": "b"}])))
        bulk.org.close()

    assert b"Transfer-Encoding: chunked" in server.heads[0]
    assert b'12\r\n"Name"\r\n"a"\r\n"b"\r\n\r\n0\r\n\r\n' == server.bodies[0]
    assert TOKEN.encode() in server.heads[0]


def test_rows_for_a_job_of_another_program() -> None:
    """3.2 post_batch "job not created by this object: KeyError": the org is asked what its batches are in."""
    played = Played(job_reply(contentType="XML"), batch_reply("Queued"), batch_reply("Queued"))
    played.bulk.post_batch(JOB, "<sObjects/>")
    played.bulk.post_batch(JOB, "<sObjects/>")
    assert [("GET", f"job/{JOB}"), ("POST", f"job/{JOB}/batch"), ("POST", f"job/{JOB}/batch")] == played.sent
    assert "application/xml; charset=UTF-8" == played.transport.sent[2].headers["Content-Type"]


@pytest.mark.parametrize("data", [{"Name": "Acme"}, 5, None], ids=str)
def test_what_is_no_batch(data: Any) -> None:
    """A dict would be sent as its keys; it is refused, with the name of the adapter."""
    played = Played()
    played.bulk.job_content_types[JOB] = "CSV"
    with pytest.raises(UsageError, match="CsvDictsAdapter"):
        played.bulk.post_batch(JOB, data)
    assert [] == played.sent


@pytest.mark.parametrize("data", ["", b"", iter(())], ids=["str", "bytes", "iterator"])
def test_an_empty_batch_is_refused_by_the_org(bulk: SalesforceBulk, data: Any) -> None:
    """Nothing is lost in silence: it is an error with its cure."""
    job = bulk.create_insert_job("Account")
    with pytest.raises(BulkApiError, match="ClientInputError"):
        bulk.post_batch(job, data)
    assert {} == bulk.batches


def test_a_batch_of_a_header_alone(bulk: SalesforceBulk) -> None:
    """Zero rows are zero results."""
    job = bulk.create_insert_job("Account")
    batch = bulk.post_batch(job, "Name\n")
    try:
        bulk.wait_for_batch(job, batch)
    except BulkBatchFailed as error:
        assert error.state_message  # noqa: PT017 -- orgs of both kinds have been seen
    else:
        assert [] == bulk.get_batch_results(batch)


def test_a_batch_whose_answer_was_lost_is_not_sent_again() -> None:
    """Its rows would be in the job twice: the error says that nobody knows."""
    played = Played(AnswerLost("the answer broke off"))
    played.bulk.job_content_types[JOB] = "CSV"
    with pytest.raises(AnswerLost) as caught:
        played.bulk.post_batch(JOB, "Name\nAcme\n")
    assert caught.value.applied is None
    assert 1 == len(played.sent)


def test_a_mapping_file() -> None:
    """3.2 post_mapping_file: POST E/job/<job>/spec, text/csv."""
    played = Played(text_reply("", status=201))
    assert played.bulk.post_mapping_file(JOB, "Salesforce Field,Csv Header,Value,Hint\n") is None  # type: ignore[func-returns-value]
    assert [("POST", f"job/{JOB}/spec")] == played.sent
    assert "text/csv; charset=UTF-8" == played.transport.sent[0].headers["Content-Type"]


def test_a_mapping_file_is_applied(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """3.2 post_mapping_file, against a server."""
    job = bulk.create_insert_job("Account")
    bulk.post_mapping_file(job, "Salesforce Field,Csv Header,Value,Hint\nName,Firma,,\n")
    batch = bulk.post_batch(job, "Firma\nAcme\n")
    bulk.wait_for_batch(job, batch)
    assert [{"Name": "Acme"}] == local_org.rows("SELECT Name FROM Account")


def test_the_request_of_a_batch(bulk: SalesforceBulk) -> None:
    """3.2 get_query_batch_request: text."""
    job, batch = ask(bulk, "SELECT Id FROM Account WHERE Name = 'Zoë'")
    assert "SELECT Id FROM Account WHERE Name = 'Zoë'" == bulk.get_query_batch_request(batch)
    assert "SELECT Id FROM Account WHERE Name = 'Zoë'" == bulk.get_query_batch_request(batch, job)


@pytest.mark.parametrize("content_type", ["CSV", "XML", "JSON"])
def test_the_list_of_batches(bulk: SalesforceBulk, content_type: str) -> None:
    """3.2 get_batch_list: a list of dicts in every content type, in the order of posting, and remembered."""
    job = bulk.create_query_job("Account", contentType=content_type)
    batches = [bulk.query(job, "SELECT Id FROM Account") for _ in range(3)]
    bulk.wait_for_batch(job, batches[-1])
    bulk.batches.clear()
    listed = bulk.get_batch_list(job)
    assert batches == [batch["id"] for batch in listed]
    assert {job} == {batch["jobId"] for batch in listed}
    assert dict.fromkeys(batches, job) == bulk.batches


def test_parse_response() -> None:
    """3.2 parse_response: JSON as it is, a batchInfoList in XML as a list, else a dict; the charset does not matter."""

    class Response:
        headers: ClassVar[dict[str, str]] = {"Content-Type": "application/json;charset=UTF-8"}

        def __init__(self, body: Any) -> None:
            self.status_code = 200
            self.content = body if isinstance(body, bytes) else b"".join(body)

    bulk = SalesforceBulk(TOKEN, HOST)
    batch = batch_fields("Queued")
    assert {"batchInfo": [batch]} == bulk.parse_response(Response(json_reply({"batchInfo": [batch]}).body))
    assert ["Queued"] == [each["state"] for each in bulk.parse_response(Response(batches_reply(batch).body))]
    assert "Queued" == bulk.parse_response(Response(batch_reply("Queued").body))["state"]


# -- status -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content_type", "kind"), [("CSV", str), ("XML", str), ("JSON", int)])
def test_the_numbers_of_a_status(bulk: SalesforceBulk, content_type: str, kind: type) -> None:
    """2.2 batch_status "dict of str"; 3.2 "JSON jobs: numbers are int, not str"."""
    job, batch = ask(bulk, "SELECT Id FROM Account", content_type)
    status = bulk.batch_status(batch, job, reload=True)
    assert (batch, job, "Completed") == (status["id"], status["jobId"], status["state"])
    assert kind is type(status["numberRecordsProcessed"])


def test_only_final_states_are_remembered() -> None:
    """2.2 batch_status: cached per batch id; 2.5 "stale Queued status cached for ever": final states only."""
    played = Played(
        batch_reply("Queued"), batch_reply("InProgress"), batch_reply("Completed"), batch_reply("Completed")
    )
    states = [played.bulk.batch_state(JOB, BATCH) for _ in range(5)]
    assert ["Queued", "InProgress", "Completed", "Completed", "Completed"] == states
    assert 3 == len(played.sent)
    assert "Completed" == played.bulk.batch_statuses[BATCH]["state"]
    played.bulk.batch_status(JOB, BATCH, reload=True)
    assert 4 == len(played.sent)


def test_a_status_put_there_by_the_program_is_given_back() -> None:
    """yplan's test: whatever the id and the status are."""
    bulk = SalesforceBulk(TOKEN, HOST)
    bulk.batch_statuses[9001] = "cached"
    assert "cached" == bulk.batch_status(batch_id=9001, reload=False)


def test_batch_state_of_a_batch_without_state() -> None:
    """2.2 batch_state: state or None."""
    assert Played(json_reply({"id": BATCH})).bulk.batch_state(JOB, BATCH) is None


def test_is_batch_done_always_looks() -> None:
    """2.2 is_batch_done: "always reloads"; True only for Completed."""
    played = Played(*[batch_reply(state) for state in ("Queued", "InProgress", "Completed", "Completed")])
    assert [False, False, True, True] == [played.bulk.is_batch_done(JOB, BATCH) for _ in range(4)]


@pytest.mark.parametrize("state", ["Failed", "Aborted", "NotProcessed"])
@pytest.mark.parametrize("message", [None, "InvalidBatch : Field name not found : Nmae"])
def test_a_batch_that_ended_badly(state: str, message: str | None) -> None:
    """2.2 is_batch_done: BulkBatchFailed in every error state, never exception_class; 3.2: with ``.state``.

    2.2 "stateMessage absent: KeyError": then the state is the reason.
    """
    more = {"stateMessage": message} if message else {}
    client = SalesforceBulk(TOKEN, HOST, exception_class=KeyError)
    played = Played(batch_reply(state, **more), client=client)
    with pytest.raises(BulkBatchFailed) as caught:
        played.bulk.is_batch_done(JOB, BATCH)
    error = caught.value
    assert (JOB, BATCH, message, state) == (error.job_id, error.batch_id, error.state_message, error.state)
    assert f"Batch {BATCH} of job {JOB} failed: {message or state}" == str(error)
    assert error.applied is None


def test_the_old_spelling_of_not_processed_is_the_same() -> None:
    """5.1 "NOT_PROCESSED": treat the old spelling as equal."""
    with pytest.raises(BulkBatchFailed) as caught:
        Played(batch_reply("Not Processed")).bulk.is_batch_done(JOB, BATCH)
    assert bulk_states.NOT_PROCESSED == caught.value.state


# -- waiting ------------------------------------------------------------------------------------------------------------


def test_waiting_looks_soon_and_then_more_rarely() -> None:
    """2.2 wait_for_batch: None; never a longer pause than ``sleep_interval``."""
    played = Played(*[batch_reply("Queued")] * 12, batch_reply())
    assert played.bulk.wait_for_batch(JOB, BATCH) is None  # type: ignore[func-returns-value]
    assert 13 == len(played.sent)
    assert sorted(played.time.sleeps) == played.time.sleeps
    assert 0.2 == played.time.sleeps[0]
    assert max(played.time.sleeps) <= 10


def test_a_wait_that_runs_out_returns_none_and_warns() -> None:
    """2.2 and 2.5 wait_for_batch: None on timeout, once more after the last sleep; the warning points at the caller."""
    played = Played(*[batch_reply("InProgress")] * 50)
    with pytest.warns(WaitEnded, match="still InProgress after 5 seconds") as caught:
        assert played.bulk.wait_for_batch(JOB, BATCH, timeout=5, sleep_interval=1) is None  # type: ignore[func-returns-value]
    assert [__file__] == [warning.filename for warning in caught]
    assert 5 == pytest.approx(played.time.seconds)
    assert len(played.sent) == len(played.time.sleeps) + 1


def test_a_wait_of_no_time_looks_once() -> None:
    """2.2 wait_for_batch: "timeout=0 polls once"."""
    played = Played(batch_reply("Queued"), batch_reply("Completed"))
    with pytest.warns(WaitEnded):
        played.bulk.wait_for_batch(JOB, BATCH, 0)
    played.bulk.wait_for_batch(JOB, BATCH, 0)
    assert [] == played.time.sleeps


def test_limits_by_position() -> None:
    """2.2: ``wait_for_batch(job, batch, 600, 10)``; and after a batch alone, by keyword."""
    played = Played(*[batch_reply("Queued")] * 3)
    with pytest.warns(WaitEnded):
        played.bulk.wait_for_batch(JOB, BATCH, 0.3, 0.2)
    assert 0.3 == pytest.approx(played.time.seconds)


@pytest.mark.parametrize("state", ["Failed", "NotProcessed"])
def test_a_wait_for_a_batch_that_fails(state: str) -> None:
    """2.2 wait_for_batch "polls" is_batch_done, which raises."""
    with pytest.raises(BulkBatchFailed) as caught:
        Played(batch_reply("Queued"), batch_reply(state, stateMessage="no")).bulk.wait_for_batch(JOB, BATCH)
    assert state == caught.value.state


def test_a_wait_remembers_what_it_saw() -> None:
    """One look less for the reader that comes after."""
    played = Played(batch_reply())
    played.bulk.wait_for_batch(JOB, BATCH)
    assert "Completed" == played.bulk.batch_state(JOB, BATCH)
    assert 1 == len(played.sent)


def test_waiting_for_a_chunked_query(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """5.1 "``pk_chunking=`` on waiting methods": all ranges, the original's NotProcessed being no failure."""
    local_org.holds("Account", numbered(30))
    job = bulk.create_query_job("Account", pk_chunking=10)
    batch = bulk.query(job, "SELECT Key__c FROM Account")
    bulk.wait_for_batch(job, batch, pk_chunking=True)

    original, *ranges = bulk.get_batch_list(job)
    assert "NotProcessed" == original["state"]
    assert bulk.is_batch_done(batch, pk_chunking=True)
    rows = [row["Key__c"] for each in ranges for row in bulk.get_batch_result_iter(job, each["id"], parse_csv=True)]
    assert [row["Key__c"] for row in numbered(30)] == sorted(rows)
    with pytest.raises(BulkBatchFailed) as caught:
        bulk.is_batch_done(batch)
    assert bulk_states.NOT_PROCESSED == caught.value.state


def test_waiting_for_a_chunked_query_whose_job_was_aborted() -> None:
    """No ranges will come: an error of the old kind, not a wait to the limit."""
    played = Played(batches_reply(batch_fields("NotProcessed")), job_reply("Aborted"))
    with pytest.raises(BulkJobAborted) as caught:
        played.bulk.wait_for_batch(JOB, BATCH, pk_chunking=True)
    assert JOB == caught.value.job_id


def test_a_range_that_failed_is_an_error() -> None:
    """And the ranges before it are remembered."""
    ranges = [batch_fields("Completed", "751x000000009vxAAA"), batch_fields("Failed", "751x000000009vyAAA")]
    played = Played(batches_reply(batch_fields("NotProcessed"), *ranges))
    with pytest.raises(BulkBatchFailed, match="751x000000009vyAAA"):
        played.bulk.wait_for_batch(JOB, BATCH, pk_chunking=True)
    assert {JOB} == set(played.bulk.batches.values())


# -- splitting and the verbs over it ------------------------------------------------------------------------------------

FIVE = "Id,Name\n" + "SOABCDEFGH,Test\n" * 5


@pytest.mark.parametrize(
    ("text", "size", "records"),
    [
        (FIVE, 3, [2, 3]),
        (FIVE, 10, [5]),
        (FIVE, 6, [5]),
        (FIVE, 5, [4, 1]),
        (FIVE, 2, [1, 2, 2]),
        ("Id,Name\n", 10, [0]),
        ("Id,Name", 10, [0]),
    ],
)
def test_split_csv(text: str, size: int, records: list[int]) -> None:
    """2.2 split_csv: header repeated; the first piece holds batch_size - 1 records (bulkipy's and yplan's tests)."""
    pieces = SalesforceBulk(TOKEN, HOST).split_csv(text, size)
    assert records == [piece.count("SOABCDEFGH") for piece in pieces]
    assert all(piece.startswith("Id,Name") for piece in pieces)
    assert text == pieces[0] + "".join(piece.removeprefix("Id,Name\n") for piece in pieces[1:])


def test_splitting_nothing() -> None:
    """2.5: yplan asserts ``[]``."""
    assert [] == SalesforceBulk(TOKEN, HOST).split_csv("", 10)


def test_bulk_csv_upload(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """2.2 bulk_csv_upload: one POST a piece, the ids of the batches, stored."""
    job = bulk.create_insert_job("Account")
    text = "Key__c,Name\n" + "".join(f"K{number},Account {number}\n" for number in range(5))
    batches = bulk.bulk_csv_upload(job, text, batch_size=3)
    assert 2 == len(batches)
    assert dict.fromkeys(batches, job) == bulk.batches
    for batch in batches:
        bulk.wait_for_batch(job, batch)
    assert 5 == len(local_org.rows("SELECT Id FROM Account"))


def test_bulk_csv_upload_that_is_refused() -> None:
    """2.2 and 2.5: "on HTTP error AttributeError": an error with its status."""
    played = Played(refused("InvalidJobState", "job is closed"))
    played.bulk.job_content_types[JOB] = "CSV"
    with pytest.raises(BulkApiError, match="No row of this batch was loaded") as caught:
        played.bulk.bulk_csv_upload(JOB, FIVE)
    assert 400 == caught.value.status_code


@pytest.mark.parametrize("own_job", [False, True])
def test_bulk_delete(bulk: SalesforceBulk, local_org: LocalOrg, own_job: bool) -> None:
    """2.2 bulk_delete "always TypeError": the records that match, and no other; the query job is closed."""
    local_org.holds("Account", numbered(7))
    local_org.holds("Account", [{"Name": "keep"}])
    job = bulk.create_delete_job("Account") if own_job else None
    batches = bulk.bulk_delete(job, "Account", "Key__c LIKE 'K%'", batch_size=3)
    assert 3 == len(batches)
    for batch in batches:
        bulk.wait_for_batch(batch)
        assert {"true"} == {result.success for result in bulk.get_batch_results(batch)}
    assert [{"Name": "keep"}] == local_org.rows("SELECT Name FROM Account")
    assert 1 == len({bulk.lookup_job_id(batch) for batch in batches})
    assert "Closed" == bulk.job_state(next(iter(set(bulk.jobs) - {bulk.batches[batches[0]]})))


def test_bulk_delete_of_nothing(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """No match, no batch; a wrong condition is an error and deletes nothing."""
    local_org.holds("Account", [{"Name": "keep"}])
    assert [] == bulk.bulk_delete(None, "Account", "Name = 'nobody'")
    with pytest.raises(BulkBatchFailed):
        bulk.bulk_delete(None, "Account", "")
    assert 1 == len(local_org.rows("SELECT Id FROM Account"))


def test_bulk_delete_whose_query_takes_too_long() -> None:
    """Two minutes, as in 1.x; then an error that says that nothing was deleted by it, and the query job is closed."""
    played = Played(job_reply(), batch_reply("Queued"), *[batch_reply("InProgress")] * 34, job_reply("Closed"))
    with pytest.raises(WaitTimeout, match="after 120 seconds"):
        played.bulk.bulk_delete(None, "Account", "Name = 'x'")
    assert ("POST", f"job/{JOB}") == played.sent[-1]
    assert 1 == sum(url.endswith("/batch") for _, url in played.sent)


def test_lookup_job_id() -> None:
    """2.2 lookup_job_id."""
    bulk = SalesforceBulk(TOKEN, HOST)
    bulk.batches[BATCH] = JOB
    assert JOB == bulk.lookup_job_id(BATCH) == bulk.lookup_job_id(BATCH[:15])
    with pytest.raises(BatchUnknown):
        bulk.lookup_job_id("751x000000009vxAAA")


def test_many_threads_post_through_one_client(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """Each batch is remembered; nothing is lost between threads."""
    job = bulk.create_insert_job("Account")
    start = threading.Barrier(8)

    def post(number: int) -> None:
        start.wait()
        for part in range(5):
            bulk.post_batch(job, f"Key__c,Name\nT{number}-{part},x\n")

    threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 40 == len(bulk.batches) == len(bulk.get_batch_list(job))


def test_nothing_of_the_session_is_logged(bulk: SalesforceBulk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    load(bulk, numbered(1))
    assert bulk.sessionId not in caplog.text


def test_a_file_on_disk(bulk: SalesforceBulk, local_org: LocalOrg, tmp_path: Path) -> None:
    """2.2 post_bulk_batch: an open file, in text or in bytes."""
    path = tmp_path / "accounts.csv"
    path.write_text("Key__c,Name\nF1,Zoë\n", encoding="utf-8")
    job = bulk.create_upsert_job("Account", "Key__c")
    with path.open(encoding="utf-8", newline="") as text, path.open("rb") as binary:
        batches = [bulk.post_batch(job, text), bulk.post_batch(job, binary)]
    for batch in batches:
        bulk.wait_for_batch(batch)
    assert [{"Name": "Zoë"}] == local_org.rows("SELECT Name FROM Account")

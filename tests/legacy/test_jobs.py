"""Jobs. legacy-api.md 2.2 and 3.2, rows from ``create_query_job`` to ``job_state``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from salesforce_bulk import BulkApiError, Parallel, PkChunking, SalesforceBulk, Serial
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerLost, AnswerMalformed, ConnectFailed, UsageError
from salesforce_bulkipy import SalesforceBulkipy

from .support import HOST, JOB, TOKEN, Played, html_reply, job_reply, json_reply, refused

DOCUMENT = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b'<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">%s</jobInfo>'
)


@pytest.mark.parametrize(
    ("create", "operation"),
    [
        (SalesforceBulk.create_query_job, "query"),
        (SalesforceBulk.create_queryall_job, "queryAll"),
        (SalesforceBulk.create_insert_job, "insert"),
        (SalesforceBulk.create_update_job, "update"),
        (SalesforceBulk.create_delete_job, "delete"),
        (SalesforceBulk.create_hard_delete_job, "hardDelete"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_operation_has_its_method(create: Callable[..., str], operation: str) -> None:
    """2.2 create_query/insert/update/delete_job, 3.2 create_queryall_job: POST E/job, the id as ``str``, in ``jobs``."""
    played = Played(job_reply(), job_reply())

    assert JOB == create(played.bulk, "Account")
    assert {JOB: JOB} == played.bulk.jobs
    create(played.bulk, "Account", contentType="JSON", concurrency="Serial")

    assert [("POST", "job"), ("POST", "job")] == played.sent
    first, second = (sent.body for sent in played.transport.sent)
    assert (
        DOCUMENT % f"<operation>{operation}</operation><object>Account</object><contentType>CSV</contentType>".encode()
        == first
    )
    assert b"<concurrencyMode>Serial</concurrencyMode><contentType>JSON</contentType>" in second
    assert "JSON" == played.bulk.job_content_types[JOB]


def test_the_readme_passes_content_type_and_concurrency_by_position() -> None:
    """2.4: promised by the README, and never kept by the code."""
    played = Played(job_reply(), job_reply())
    played.bulk.create_query_job("Contact", "XML", Serial)
    played.bulk.create_upsert_job("Contact", "Key__c", "CSV", Parallel)
    assert b"Serial</concurrencyMode><contentType>XML<" in played.transport.sent[0].body
    assert b"Parallel</concurrencyMode><contentType>CSV<" in played.transport.sent[1].body


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("Account", "Key__c"), {}),
        (("Account",), {"external_id_name": "Key__c", "contentType": "CSV"}),
    ],
)
def test_upsert_takes_the_external_id_both_ways(args: tuple[str, ...], named: dict[str, str]) -> None:
    """2.2 create_upsert_job; 4 "Upsert documented"."""
    played = Played(job_reply())
    assert JOB == played.bulk.create_upsert_job(*args, **named)
    assert (
        DOCUMENT % b"<operation>upsert</operation><object>Account</object><externalIdFieldName>Key__c"
        b"</externalIdFieldName><contentType>CSV</contentType>" == played.transport.sent[0].body
    )


def test_create_job_itself() -> None:
    """2.2 create_job: by keyword and by position; without object or operation AssertionError, and nothing is sent."""
    played = Played(job_reply(), job_reply())
    played.bulk.create_job("Account", "insert", "CSV", "Serial", None)
    played.bulk.create_job(object_name="Account", operation="upsert", external_id_name="Id", contentType="XML")
    with pytest.raises(AssertionError):
        played.bulk.create_job("Account")
    with pytest.raises(AssertionError):
        played.bulk.create_job(operation="insert")
    assert 2 == len(played.sent)


@pytest.mark.parametrize(
    ("value", "header"),
    [
        (True, "true"),
        (100_000, "chunkSize=100000;"),
        ("chunkSize=50000; startRow=00130000000xEftMGH", "chunkSize=50000; startRow=00130000000xEftMGH"),
        (PkChunking(chunk_size=5, parent="Account"), "chunkSize=5; parent=Account"),
        (False, None),
        (None, None),
        (0, None),
    ],
    ids=str,
)
def test_pk_chunking(value: Any, header: str | None) -> None:
    """3.2 create_job: header ``Sforce-Enable-PKChunking``."""
    played = Played(job_reply())
    played.bulk.create_query_job("Account", pk_chunking=value)
    assert header == played.transport.sent[0].headers.get("Sforce-Enable-PKChunking")


def test_extra_headers() -> None:
    """5.1 "provide all": extra_headers of the 2-7 fork."""
    played = Played(job_reply())
    played.bulk.create_insert_job("Account", extra_headers={"Sforce-Line-Ending": "CRLF"})
    assert "CRLF" == played.transport.sent[0].headers["Sforce-Line-Ending"]


def test_the_job_document_is_xml_whatever_the_rows_are_in() -> None:
    """3.2 create_job: "Job document always XML"; its answer may be JSON all the same."""
    played = Played(json_reply({"id": JOB, "state": "Open", "numberBatchesQueued": 0}, 201))
    assert JOB == played.bulk.create_insert_job("Account", contentType="JSON")
    assert "application/xml; charset=UTF-8" == played.transport.sent[0].headers["Content-Type"]
    assert played.transport.sent[0].body.startswith(b"<?xml")


def test_the_documents() -> None:
    """2.2 and 3.2 create_*_doc, 5.1 "create_*_doc type": bytes with declaration, elements in the order of the schema."""
    bulk = SalesforceBulk(TOKEN, HOST)
    inner = (
        b"<operation>upsert</operation><object>Account</object><externalIdFieldName>Key__c</externalIdFieldName>"
        b"<concurrencyMode>Serial</concurrencyMode><contentType>CSV</contentType>"
    )
    assert DOCUMENT % inner == bulk.create_job_doc("Account", "upsert", "CSV", "Serial", "Key__c")
    assert DOCUMENT % b"<state>Closed</state>" == bulk.create_close_job_doc()
    assert DOCUMENT % b"<state>Aborted</state>" == bulk.create_abort_job_doc()
    assert b"<object>A&amp;B</object>" in bulk.create_job_doc("A&B", "insert")


def test_the_fork_has_its_documents_as_text() -> None:
    """4 "XML documents are ``str`` with declaration", 5.1 "bulkipy subclass may return text"."""
    bulk = SalesforceBulkipy(TOKEN, HOST)
    plain = SalesforceBulk(TOKEN, HOST)
    assert plain.create_job_doc("Account", "insert").decode() == bulk.create_job_doc("Account", "insert")
    assert plain.create_close_job_doc().decode() == bulk.create_close_job_doc()
    assert plain.create_abort_job_doc().decode() == bulk.create_abort_job_doc()


def test_close_and_abort() -> None:
    """2.2 close_job / abort_job: POST E/job/<job>, None."""
    played = Played(job_reply("Closed"), job_reply("Aborted"))
    assert played.bulk.close_job(JOB) is None  # type: ignore[func-returns-value]
    assert played.bulk.abort_job(JOB) is None  # type: ignore[func-returns-value]
    assert [("POST", f"job/{JOB}")] * 2 == played.sent
    assert [b"Closed", b"Aborted"] == [sent.body.partition(b"<state>")[2][:-18] for sent in played.transport.sent]


def test_closing_and_aborting_twice_is_as_once(bulk: SalesforceBulk) -> None:
    """9 "closing twice inside try: idempotent close is kind"; closing what was aborted, too."""
    job = bulk.create_query_job("Account")
    bulk.close_job(job)
    bulk.close_job(job)
    assert "Closed" == bulk.job_state(job)
    other = bulk.create_query_job("Account")
    bulk.abort_job(other)
    bulk.abort_job(other)
    bulk.close_job(other)
    assert "Aborted" == bulk.job_state(other)


def test_closing_a_job_that_is_not_there_is_an_error(bulk: SalesforceBulk) -> None:
    """2.2 close_job: >= 400 raises."""
    with pytest.raises(BulkApiError, match="InvalidJob") as caught:
        bulk.close_job(JOB)
    assert 400 == caught.value.status_code


def test_job_status_has_the_names_and_texts_of_the_wire(bulk: SalesforceBulk) -> None:
    """2.2 job_status: dict of tag -> text, all ``str``; by job, or by a batch of it (yplan)."""
    job = bulk.create_insert_job("Account")
    batch = bulk.post_batch(job, "Name\nAcme\n")
    status = bulk.job_status(job)
    assert (job, "insert", "Account", "Open", "CSV") == tuple(
        status[name] for name in ("id", "operation", "object", "state", "contentType")
    )
    assert "1" == status["numberBatchesTotal"]
    assert type(status) is dict
    assert all(isinstance(value, str) for value in status.values())
    assert status == bulk.job_status(batch_id=batch) == bulk.job_status(job_id=job)
    assert "Open" == bulk.job_state(job)


def test_job_status_of_a_json_reply_keeps_its_numbers() -> None:
    """3.2: JSON gives int."""
    played = Played(json_reply({"id": JOB, "state": "Open", "numberBatchesTotal": 3}))
    assert 3 == played.bulk.job_status(JOB)["numberBatchesTotal"]


def test_job_status_without_an_id_is_an_error_before_anything_is_sent() -> None:
    """2.2 "without id: NameError", 3.2 "GET /job/None"; yplan's text."""
    played = Played()
    with pytest.raises(Exception, match=r"^Batch id 'None' is unknown, can't retrieve job_id\.$") as caught:
        played.bulk.job_status()
    assert isinstance(caught.value, UsageError)
    assert [] == played.sent


def test_job_state_of_a_job_without_state() -> None:
    """2.2 job_state: state or None."""
    assert Played(json_reply({"id": JOB})).bulk.job_state(JOB) is None


# -- errors -------------------------------------------------------------------------------------------------------------


class Own(Exception):
    pass


class OwnApiError(BulkApiError):
    pass


@pytest.mark.parametrize(
    "call",
    [
        lambda bulk: bulk.create_query_job("Account"),
        lambda bulk: bulk.close_job(JOB),
        lambda bulk: bulk.abort_job(JOB),
        lambda bulk: bulk.job_status(JOB),
        lambda bulk: bulk.query(JOB, "select Id from Account"),
        lambda bulk: bulk.post_mapping_file(JOB, "Salesforce Field,Csv Header\n"),
        lambda bulk: bulk.get_batch_list(JOB),
        lambda bulk: bulk.batch_status(JOB, "751x000000009vwAAA"),
        lambda bulk: bulk.get_batch_results(JOB, "751x000000009vwAAA"),
        lambda bulk: list(bulk.get_batch_results("751x000000009vwAAA", "752x000000000F1AAI", JOB)),
        lambda bulk: bulk.get_query_batch_results("751x000000009vwAAA", "752x000000000F1AAI", JOB).read(),
    ],
)
def test_what_the_org_refuses_is_a_bulk_api_error(call: Callable[[SalesforceBulk], object]) -> None:
    """2.2 check_status: ``[code] Bulk API HTTP Error result: body``, then what it means; ``status_code`` beside it."""
    played = Played(refused("InvalidJob", "no such job"))
    with pytest.raises(BulkApiError) as caught:
        call(played.bulk)
    first, _, rest = str(caught.value).partition("\n")
    assert first.startswith("[400] Bulk API HTTP Error result: <?xml")
    assert "<exceptionCode>InvalidJob</exceptionCode>" in first
    assert "was refused with HTTP 400 InvalidJob: no such job" in rest
    assert (400, False) == (caught.value.status_code, caught.value.applied)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("cls", [SalesforceBulk, SalesforceBulkipy])
def test_an_exception_class_of_ones_own(cls: type[SalesforceBulk]) -> None:
    """2.2 raise_error: called with the message alone; 5.1 "exception_class": keep."""
    played = Played(refused("InvalidJob", "no"), client=cls(TOKEN, HOST, exception_class=Own))
    with pytest.raises(Own, match=r"^\[400\] Bulk API HTTP Error result: ") as caught:
        played.bulk.close_job(JOB)
    assert 1 == len(caught.value.args)
    assert caught.value.__cause__ is not None


def test_an_exception_class_derived_from_ours_knows_the_status_all_the_same() -> None:
    """2.2 raise_error gave it no status_code; nobody can depend on None there."""
    played = Played(refused("InvalidJob", "no"), client=SalesforceBulk(TOKEN, HOST, exception_class=OwnApiError))
    with pytest.raises(OwnApiError) as caught:
        played.bulk.close_job(JOB)
    assert 400 == caught.value.status_code


def test_raise_error() -> None:
    """2.2 raise_error; the tests of the yplan port."""
    bulk = SalesforceBulk(TOKEN, HOST)
    with pytest.raises(BulkApiError) as caught:
        bulk.raise_error("no")
    assert ("no", None) == (str(caught.value), caught.value.status_code)
    with pytest.raises(BulkApiError) as caught:
        bulk.raise_error("no", 999)
    assert ("[999] no", 999) == (str(caught.value), caught.value.status_code)


class Httplib2Response:
    def __init__(self, status: int) -> None:
        self.status = status


class RequestsResponse:
    def __init__(self, status_code: int, text: str = "") -> None:
        self.status_code = status_code
        self.text = text


@pytest.mark.parametrize(
    "arguments",
    [
        (Httplib2Response(404), "Not Found"),
        (Httplib2Response(404), b"Not Found"),
        (RequestsResponse(404), "Not Found"),
        (RequestsResponse(404, "Not Found"),),
    ],
)
def test_check_status_takes_the_responses_of_all_generations(arguments: tuple[Any, ...]) -> None:
    """5.1 "check_status": content optional; either attribute."""
    with pytest.raises(BulkApiError) as caught:
        SalesforceBulk(TOKEN, HOST).check_status(*arguments)
    assert "[404] Bulk API HTTP Error result: Not Found" == str(caught.value)
    assert 404 == caught.value.status_code


def test_check_status_lets_success_pass() -> None:
    """2.2 check_status: nothing is raised, and nothing returned."""
    bulk = SalesforceBulk(TOKEN, HOST)

    assert bulk.check_status(Httplib2Response(200), "fine") is None
    assert [None, None] == [bulk.check_status(RequestsResponse(status)) for status in (201, 399)]


def test_a_page_of_html_is_an_error_and_not_a_job() -> None:
    """2.5 "error body parsed as data", for a server in front of the org."""
    with pytest.raises(BulkApiError, match="HTML") as caught:
        Played(*[html_reply()] * 5).bulk.job_status(JOB)
    assert isinstance(caught.value.__cause__, AnswerMalformed)
    with pytest.raises(BulkApiError, match="maintenance"):
        Played(*[html_reply(503)] * 5).bulk.job_status(JOB)


def test_a_job_whose_creation_lost_its_answer_is_not_created_again() -> None:
    """An error of the network stays one, as it was in the old generations; ``applied`` is unknown."""
    played = Played(AnswerLost("the answer broke off"))
    with pytest.raises(AnswerLost) as caught:
        played.bulk.create_query_job("Account")
    assert caught.value.applied is None
    assert 1 == len(played.sent)


def test_a_connection_that_failed_is_tried_again() -> None:
    """Nothing had been sent, so it does no harm."""
    played = Played(ConnectFailed("no connection"), job_reply())
    assert JOB == played.bulk.create_query_job("Account")


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"concurrency": "serial"}, "'Parallel' or 'Serial'"),
        ({"contentType": "csv"}, "no content type 'csv'"),
        ({"pk_chunking": True}, "PK chunking is for queries"),
    ],
)
def test_what_cannot_be_right_is_not_sent(named: dict[str, Any], says: str) -> None:
    played = Played()
    with pytest.raises(UsageError, match=says):
        played.bulk.create_insert_job("Account", **named)
    assert [] == played.sent


# -- signatures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [SalesforceBulk, SalesforceBulkipy])
@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("create_job", "object_name operation contentType concurrency external_id_name pk_chunking"),
        ("create_job_doc", "object_name operation contentType concurrency external_id_name"),
        ("query", "job_id soql contentType"),
        ("post_batch", "job_id data_generator"),
        ("post_mapping_file", "job_id mapping_data"),
        ("split_csv", "csv batch_size"),
        ("bulk_csv_upload", "job_id csv batch_size"),
        ("bulk_delete", "job_id object_type where batch_size"),
        ("raise_error", "message status_code"),
        ("check_status", "resp content"),
        ("headers", "values content_type"),
        ("parse_csv", "tf callback batch_size total_remaining"),
        ("count_file_lines", "tf"),
        ("get_query_batch_results", "batch_id result_id job_id chunk_size raw"),
        ("lookup_job_id", "batch_id"),
        ("parse_response", "resp"),
        ("parse_error_result_xml", "error_xml"),
        ("get_batch_list", "job_id"),
        ("close_job", "job_id"),
        ("abort_job", "job_id"),
        ("job_state", "job_id"),
    ],
)
def test_the_parameters_have_their_old_names_and_order(cls: type[SalesforceBulk], method: str, parameters: str) -> None:
    """2.2 and 3.2 "order and defaults exact", for what takes no pair of ids."""
    names = list(inspect.signature(getattr(cls, method)).parameters)[1:]
    assert parameters.split() == names[: len(parameters.split())]


def test_a_job_is_created_by_the_local_org(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """The bytes above are those that a server understands."""
    job = bulk.create_upsert_job("Account", "Key__c", concurrency="Serial")
    status = bulk.job_status(job)
    assert ("upsert", "Key__c", "Serial") == (
        status["operation"],
        status["externalIdFieldName"],
        status["concurrencyMode"],
    )

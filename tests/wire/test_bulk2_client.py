"""The client answers to the golden exchanges of Bulk API 2.0: it sends such requests, and understands such replies."""

from __future__ import annotations

import json
import re
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.exchanges import Exchange, code_and_text, read_script

from salesforce_bulk.data.delimited import DelimitedRows
from salesforce_bulk.errors import ApiError, SessionExpired
from salesforce_bulk.protocol import ingest2, jobs2, query2
from salesforce_bulk.protocol.messages import Auth, Call, Reply, Request
from salesforce_bulk.protocol.refusals import refusal
from salesforce_bulk.protocol.states import JOB2_FOLLOWS
from salesforce_bulk.records import Body, Dialect, IngestSpec, QuerySpec
from salesforce_bulk.session import filled
from salesforce_bulk.wire.names import Job2State, JobType

FOLDER = Path(__file__).parent / "bulk2"
DELIMITERS = {name: character for character, name in jobs2.DELIMITERS.items()}
LINE_ENDINGS = {name: text for text, name in jobs2.LINE_ENDINGS.items()}
_NAME = re.compile(r"\{([a-z-]+)(\d*)\}")
_STANDS_FOR = {
    "job": "750Rm00000K7v{:02}2IAJ",
    "account": "001Rm00000Gh1{:02}AIAR",
    "contact": "003Rm00000Vn8{:02}DIAR",
    "user": "005Rm000003c9{:02}IAI",
    "list": "01gRm0000034D{:02}IAU",
    "locator": "MDowR2FSbTAwMDAwMTJBYkN{:02}BVToxMA",
    "time": "2026-03-02T09:14:05.000Z",
    "json-time": "2026-03-02T09:14:05.000+0000",
    "ms": "412",
}


def real(text: str) -> str:
    """*text* with something real in the place of each name; the same for the same name."""
    return _NAME.sub(lambda found: _STANDS_FOR[found[1]].format(int(found[2] or 1)), text)


EXCHANGES = [
    pytest.param(exchange, id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*.txt"))
    for number, exchange in enumerate(read_script(path).exchanges)
    if "/jobs/" in exchange.path
]


def reply(exchange: Exchange) -> Reply:
    headers = {name.lower(): real(value) for name, value in exchange.reply_headers.items()}
    return Reply(exchange.status, headers, real(exchange.reply).encode())


def ours(exchange: Exchange) -> Request | None:
    """The request of ours that this exchange is an instance of. None: the client never sends it (a call that is wrong)."""
    address = urlsplit(real(exchange.path))
    said = dict(parse_qsl(address.query))
    kind, _, rest = address.path.rstrip("/").partition("/jobs/")[2].partition("/")
    job, _, last = rest.partition("/")
    match exchange.method, kind, bool(job), last.lower():
        case "POST", _, False, "":
            return creation(exchange, kind)
        case "GET", "ingest", False, "":
            return jobs2.next_page(ingest2.list_jobs(), said["queryLocator"]) if said else ingest2.list_jobs()
        case "GET", "query", False, "":
            return jobs2.next_page(query2.list_jobs(), said["queryLocator"]) if said else query2.list_jobs()
        case "GET", "ingest", True, "":
            return ingest2.get_job(job)
        case "GET", "query", True, "":
            return query2.get_job(job)
        case "DELETE", "ingest", True, "":
            return ingest2.delete_job(job)
        case "DELETE", "query", True, "":
            return query2.delete_job(job)
        case "PATCH", _, True, "":
            match kind, json.loads(exchange.body).get("state"):
                case "ingest", Job2State.ABORTED:
                    return ingest2.abort_job(job)
                case "query", Job2State.ABORTED:
                    return query2.abort_job(job)
                case "ingest", Job2State.UPLOAD_COMPLETE:
                    return ingest2.mark_upload_complete(job)
        case "PUT", "ingest", True, "batches":
            return ingest2.upload(job, Body.of(real(exchange.body)))
        case "GET", "ingest", True, "successfulresults":
            return ingest2.successful_results(job)
        case "GET", "ingest", True, "failedresults":
            return ingest2.failed_results(job)
        case "GET", "ingest", True, "unprocessedrecords":
            return ingest2.unprocessed_records(job)
        case "GET", "query", True, "results":
            most = said.get("maxRecords")
            if most is None or (most.isdecimal() and int(most)):
                return query2.results(job, said.get("locator"), int(most) if most else None)
        case "GET", "query", True, "resultpages":
            return query2.result_pages(job, said.get("locator"))
    return None


def creation(exchange: Exchange, kind: str) -> Request | None:
    said, data = parts_of(exchange.headers.get("Content-Type", ""), exchange.body.encode())
    if said.get("contentType", "CSV") != "CSV":
        return None
    try:
        dialect = Dialect(DELIMITERS[said.get("columnDelimiter", "COMMA")], LINE_ENDINGS[said.get("lineEnding", "LF")])
        if kind == "query":
            if said["operation"] not in {"query", "queryAll"} or not said["query"].strip():
                return None
            return query2.create_job(QuerySpec(said["query"], said["operation"] == "queryAll", dialect))
        if said["operation"] not in ingest2.OPERATIONS:
            return None
        external_id = said.get("externalIdFieldName")
        if (said["operation"] == "upsert") is not bool(external_id):
            return None
        spec = IngestSpec(said["operation"], said["object"], external_id, said.get("assignmentRuleId"), dialect)
        return ingest2.create_job(spec) if data is None else ingest2.create_job_with_data(spec, data)
    except KeyError:
        return None


def parts_of(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes | None]:
    """What the document of a creation says, and the data beside it. Blank lines at the ends of parts mean nothing."""
    if not content_type.startswith("multipart/"):
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        return (found if isinstance(found, dict) else {}), None
    whole = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    job, data = whole.get_payload()
    names = [part.get_param("name", header="content-disposition") for part in (job, data)]
    assert ["job", "content"] == names
    assert ["application/json", "text/csv"] == [part.get_content_type() for part in (job, data)]
    return json.loads(job.get_payload()), data.get_payload().rstrip("\r\n").encode()


def version_of(exchange: Exchange) -> str:
    return exchange.path.partition("/data/v")[2].partition("/")[0]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_client_sends_such_a_request(exchange: Exchange) -> None:
    """The same method, address, headers and members; the data byte by byte."""
    request = ours(exchange)
    if request is None:
        assert exchange.status >= 400, "the client cannot say what the org takes"
        return
    said = urlsplit(real(exchange.path))
    assert exchange.method == request.method
    sent_to = urlsplit(filled(request, version_of(exchange)))
    assert said.path.rstrip("/").lower() == sent_to.path.lower()
    assert sorted(parse_qsl(said.query)) == sorted(parse_qsl(sent_to.query))
    assert Auth.BEARER is request.auth
    theirs = exchange.headers.get("Content-Type", "").partition(";")[0]
    assert theirs == request.headers.get("Content-Type", "").partition(";")[0]
    if request.body is None:
        assert exchange.body.strip() == ""
        return
    sent = b"".join(request.body.pieces())
    if exchange.method == "PUT":
        assert real(exchange.body).encode() == sent
        return
    document, data = parts_of(exchange.headers["Content-Type"], exchange.body.encode())
    our_document, our_data = parts_of(request.headers["Content-Type"], sent)
    if exchange.method == "POST":  # we say what the org would take for granted
        document = {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF"} | document
    assert document == our_document
    assert data == our_data


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_client_understands_the_reply(exchange: Exchange) -> None:
    """A no becomes an error with the org's own code and text; a yes is read to the last member."""
    request = ours(exchange) or Request("ingest2.create_job", exchange.method, "")
    answered = reply(exchange)
    error = refusal(request, answered)
    if exchange.status >= 400:
        code, text = code_and_text(answered.body.decode())
        assert isinstance(error, ApiError | SessionExpired)
        assert (code, exchange.status) == (error.error_code, error.status_code)
        assert f"{code}: {text}\n" in str(error)
        assert isinstance(error, SessionExpired) is (exchange.status == 401)
        assert error.applied is False
        return
    assert error is None
    family, _, name = request.name.partition(".")
    match name:
        case "create_job" | "create_job_with_data" | "get_job" | "upload_complete" | "abort_job":
            wire = json.loads(answered.body)
            job = jobs2.read_job(request, answered)
            assert wire["id"] == job.id
            assert (wire["operation"], wire["object"], wire["state"]) == (job.operation, job.sobject, job.state)
            assert job.state in JOB2_FOLLOWS
            counts = (wire.get("numberRecordsProcessed"), wire.get("numberRecordsFailed"))
            assert counts == (job.records_processed, job.records_failed)
            assert wire.get("errorMessage", "") == job.error_message
            if name == "get_job":
                assert (JobType.V2_INGEST if family == "ingest2" else JobType.V2_QUERY) == job.job_type
        case "list_jobs":
            page = json.loads(answered.body)
            jobs, following = jobs2.read_page(request, answered)
            assert [record["id"] for record in page["records"]] == [job.id for job in jobs]
            assert page["done"] is (following is None)
            assert page["nextRecordsUrl"] is None or page["nextRecordsUrl"].endswith(f"={following}")
        case "upload" | "delete_job":
            assert b"" == answered.body
            assert {"upload": 201, "delete_job": 204}[name] == exchange.status
        case "results":
            rows = len(records(answered.body))
            if family == "query2":
                assert rows == query2.page_rows(answered.headers)
                locator = answered.headers["sforce-locator"]
                assert (None if locator == "null" else locator) == query2.next_locator(answered.headers)
        case "result_pages":
            links = query2.read_links(request, answered)
            text = real(exchange.reply)
            assert re.findall(r"/results\?locator=([\w-]+)", text) == list(links.pages)
            assert (re.findall(r"/resultpages\?locator=([\w-]+)", text) or [None])[0] == links.next_group
        case _:
            raise AssertionError(f"nobody reads the answer to {request.name}")


def records(body: bytes) -> list[list[str]]:
    """The rows of a result file. Its delimiter stands behind the first name of its header."""
    found = re.match(rb'"[^"]+"([^\r\n])|[^,\r\n]+([,;|\t^`])', body)
    delimiter = (found[1] or found[2]).decode() if found else ","
    rows = DelimitedRows([body], Dialect(delimiter))
    found_rows = list(rows)
    assert all(len(row) == len(rows.columns) for row in found_rows)
    return found_rows


def test_a_flow_leads_from_page_to_page_of_a_list() -> None:
    """Of the link to the next page only the locator is used, with the resource that was asked."""
    script = read_script(FOLDER / "list-ingest.txt")
    pages = [exchange for exchange in script.exchanges if exchange.method == "GET"]
    flow = jobs2.list_jobs(ingest2.list_jobs())
    asked: list[Request] = []
    step = next(flow)
    try:
        for exchange in pages:
            assert isinstance(step, Call)
            asked.append(step.request)
            step = flow.send(reply(exchange))
        raise AssertionError("the list has ended, and the flow goes on")
    except StopIteration as done:
        found = done.value

    assert [ours(exchange) for exchange in pages] == asked
    assert [JobType.CLASSIC, JobType.V2_INGEST] == [job.job_type for job in found]


def test_every_call_of_the_api_stands_in_an_exchange() -> None:
    """Each request that the client can make of Bulk API 2.0."""
    from salesforce_bulk.protocol.repeat import RULES

    shown = {request.name for value in EXCHANGES if (request := ours(value.values[0])) is not None}  # type: ignore[arg-type]

    assert {name for name in RULES if name.startswith(("ingest2.", "query2."))} == shown

"""The client answers to the golden exchanges: it sends such requests, and understands such replies."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.support.exchanges import Exchange, code_and_text, read_script

from salesforce_bulk.data.json_rows import json_results
from salesforce_bulk.data.results import csv_results
from salesforce_bulk.data.xml import xml_records, xml_results
from salesforce_bulk.documents import local_name, looks_like, parse_xml
from salesforce_bulk.errors import ApiError, SessionExpired
from salesforce_bulk.protocol import bulk1
from salesforce_bulk.protocol.messages import Reply, Request
from salesforce_bulk.protocol.refusals import refusal
from salesforce_bulk.records import JobSpec, RowResult
from salesforce_bulk.session import filled
from salesforce_bulk.wire.names import BatchState, JobState

FOLDER = Path(__file__).parent / "bulk1"
JOB, BATCH, RESULT, SPEC = "750Rm00000K7vR2IAJ", "751Rm00000T2bLkIAJ", "752Rm00000H4dZy", "0AjRm0000004wXsKAI"
STANDS_FOR = {
    "job": JOB,
    "batch": BATCH,
    "result": RESULT,
    "spec": SPEC,
    "account": "001Rm00000Gh1aAIAR",
    "contact": "003Rm00000Vn8cDIAR",
    "user": "005Rm000003c9PdIAI",
    "time": "2026-03-02T09:14:05.000Z",
    "json-time": "2026-03-02T09:14:05.000+0000",
    "epoch": "1772442860000",
    "ms": "412",
}


def real(text: str, *, apart: bool = False) -> str:
    """*text* with something real in the place of each name; *apart*: ``{batch2}`` is another one than ``{batch}``."""

    def real_name(found: re.Match[str]) -> str:
        known, number = STANDS_FOR[found[1]], found[2] if apart else ""
        return known[: len(known) - len(number)] + number

    return re.sub(r"\{(job|batch|result|spec|account|contact|user|time|json-time|epoch|ms)(\d*)\}", real_name, text)


EXCHANGES = [
    pytest.param(exchange, id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*.txt"))
    for number, exchange in enumerate(read_script(path).exchanges)
    if "/services/async/" in exchange.path
]


def reply(exchange: Exchange) -> Reply:
    headers = {name.lower(): value for name, value in exchange.reply_headers.items()}
    # Only a list names several of a kind; elsewhere the request says which is meant, and there they are all one.
    is_list = is_list_of_results(exchange.reply) or "batchInfoList" in exchange.reply or '"batchInfo"' in exchange.reply
    return Reply(exchange.status, headers, real(exchange.reply, apart=is_list).encode())


def request(exchange: Exchange) -> Request:
    """Which of our requests this exchange is an instance of, told by its path."""
    path = real(exchange.path)
    writes = exchange.method == "POST"
    if re.search(r"/result/\w+/?$", path):
        return bulk1.query_result(JOB, BATCH, RESULT)
    if re.search(r"/result/?$", path):
        return bulk1.batch_result(JOB, BATCH)
    if re.search(r"/request/?$", path):
        return bulk1.batch_request(JOB, BATCH)
    if re.search(r"/batch/\w+/?$", path):
        return bulk1.get_batch(JOB, BATCH)
    if re.search(r"/batch/?$", path):
        return Request("bulk1.add_batch", "POST", "") if writes else bulk1.list_batches(JOB)
    if re.search(r"/spec/?$", path):
        return Request("bulk1.upload_spec", "POST", "")
    if re.search(r"/job/\w+/?$", path):
        return bulk1.close_job(JOB) if writes else bulk1.get_job(JOB)
    return Request("bulk1.create_job", exchange.method, "")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_client_understands_the_reply(exchange: Exchange) -> None:
    """A no becomes an error with the org's own code and text; a yes is read to the last member."""
    asked, answered = request(exchange), reply(exchange)
    error = refusal(asked, answered)
    if exchange.status >= 400:
        code, text = code_and_text(answered.body.decode())
        assert isinstance(error, ApiError | SessionExpired)
        assert code == error.error_code
        assert f"{code}: {text}\n" in str(error)
        assert exchange.status == error.status_code
        # A dead session is a 400 here, known by its code; everything else is no reason to log in again.
        assert isinstance(error, SessionExpired) is ("InvalidSessionId" == code)
        return
    assert error is None
    match asked.name:
        case "bulk1.create_job" | "bulk1.get_job" | "bulk1.close_job":
            job = bulk1.read_job(asked, answered)
            assert JOB == job.id
            assert job.state in {JobState.OPEN, JobState.CLOSED, JobState.ABORTED, JobState.FAILED}
            assert job.sobject
            assert job.operation in bulk1.OPERATIONS
            assert counts(exchange.reply) == (job.records_processed, job.records_failed)
        case "bulk1.add_batch" | "bulk1.get_batch":
            batch = bulk1.read_batch(asked, answered)
            assert (BATCH, JOB) == (batch.id, batch.job_id)
            assert (batch.state_message != "") is (batch.state == BatchState.FAILED)
            assert counts(exchange.reply) == (batch.records_processed, batch.records_failed)
        case "bulk1.list_batches":
            infos = bulk1.read_batches(asked, answered)
            assert len(re.findall(r"<batchInfo>|\"jobId\"", exchange.reply)) == len(infos)
        case "bulk1.batch_result" if is_list_of_results(exchange.reply):
            assert len(re.findall(r"\{result\d*\}", exchange.reply)) == len(bulk1.read_result_ids(asked, answered))
        case "bulk1.batch_result":
            results = read_results(answered)
            assert results
            assert all(result.success is not bool(result.errors) for result in results)


def counts(document: str) -> tuple[int, int]:
    """Records processed and failed, as the document says."""

    def number(name: str) -> int:
        found = re.search(rf'(?:<{name}>|"{name}":)(\d+)', document)
        assert found is not None
        return int(found[1])

    return number("numberRecordsProcessed"), number("numberRecordsFailed")


def is_list_of_results(body: str) -> bool:
    return "<result-list" in body or bool(re.fullmatch(r'\[(\s*"\{result\d*\}",?)*\s*\]', body.strip()))


def read_results(answered: Reply) -> list[RowResult]:
    body = [answered.body]
    if answered.content_type == "application/xml":
        return list(xml_results(body))
    if answered.content_type == "application/json":
        return list(json_results(body))
    return list(csv_results(body))


@pytest.mark.parametrize(
    "exchange",
    [
        e
        for e in EXCHANGES
        if e.values[0].method == "POST" and e.values[0].path.rstrip("/").endswith("/job") and e.values[0].status == 201
    ],
)  # type: ignore[attr-defined]
def test_the_client_sends_such_a_job(exchange: Exchange) -> None:
    """The same members, to the same address, in XML and in JSON."""
    known = members_of(exchange.body.encode())
    spec = JobSpec(
        known["operation"] or "",
        known["object"] or "",
        content_type=known.get("contentType") or "XML",
        concurrency=known.get("concurrencyMode"),
        external_id=known.get("externalIdFieldName"),
        assignment_rule_id=known.get("assignmentRuleId"),
        pk_chunking=exchange.headers.get("Sforce-Enable-PKChunking"),
        line_ending=exchange.headers.get("Sforce-Line-Ending"),
    )

    ours = bulk1.create_job(spec, control="json" if exchange.body.startswith("{") else "xml")

    assert ours.body is not None
    sent = members_of(b"".join(ours.body.pieces()))
    assert {"contentType": "XML", **known} == sent
    assert exchange.headers["Content-Type"].split(";")[0] == ours.headers["Content-Type"].split(";")[0]
    assert exchange.path.rstrip("/") == filled(ours, "66.0")
    for name in ("Sforce-Enable-PKChunking", "Sforce-Line-Ending"):
        assert exchange.headers.get(name) == ours.headers.get(name)


def members_of(document: bytes) -> dict[str, str | None]:
    """What a job document says. ``state`` may be there in a new one, and means nothing."""
    if looks_like(document) == "json":
        # Some clients write the concurrency mode as its ordinal.
        modes = {0: "Parallel", 1: "Serial"}
        return {name: modes.get(value, value) for name, value in json.loads(document).items() if value is not None}
    return {local_name(child.tag): child.text for child in parse_xml(document) if local_name(child.tag) != "state"}


def test_a_query_result_in_xml_is_read_from_the_exchange() -> None:
    """The doubled Id is one, a nil is None."""
    for path in sorted(FOLDER.glob("query-*.txt")):
        for exchange in read_script(path).exchanges:
            if "<queryResult" in exchange.reply:
                for record in xml_records([real(exchange.reply).encode()]):
                    assert all(value is None or isinstance(value, str) for value in record.values())

"""What was found by feeding readers and decoders with anything, each as a standing example."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.data.arrow import batches
from salesforce_bulk.data.json_rows import json_records, json_results
from salesforce_bulk.data.rest_rows import RestTable
from salesforce_bulk.data.result_files import write_result_files
from salesforce_bulk.data.results import csv_results, parse_result_errors
from salesforce_bulk.data.sinks import write_csv, write_parquet
from salesforce_bulk.data.typed import TypedDictRows
from salesforce_bulk.data.xml import xml_records
from salesforce_bulk.documents import NotReadable, parse_json, parse_xml
from salesforce_bulk.errors import AnswerMalformed, MalformedResult, UsageError, WaitTimeout
from salesforce_bulk.logins import ClientCredentials
from salesforce_bulk.outcome_lines import line_of
from salesforce_bulk.protocol import bulk1, ingest2, login, query2, refusals, rest
from salesforce_bulk.protocol.jobs2 import ask_job, list_jobs
from salesforce_bulk.protocol.messages import Reply
from salesforce_bulk.reconcile import by_position
from salesforce_bulk.records import RecordError
from salesforce_bulk.session import filled
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.http import HttpTransport

from .bounds import played
from .readers import BATCH, ENDLESS, FLOWS, HOST, JOB
from .recorded import Replay, Said, clock
from .replies import AnyReply

DEEP = b"[" * 100_000


def _json(document: Any, status: int = 200, **head: str) -> AnyReply:
    return AnyReply(status, head, json.dumps(document).encode())


# -- documents ----------------------------------------------------------------------------------------------------------


def test_json_without_a_bottom() -> None:
    """It is no document; Python's own recursion limit is not the caller's business."""
    with pytest.raises(NotReadable) as said:
        parse_json(DEEP)

    assert "not JSON of the API (it is nested too deeply)" == str(said.value)
    with pytest.raises(AnswerMalformed):
        played(FLOWS["rest_query.ask_page"](), AnyReply(200, {}, DEEP))


def test_half_of_a_surrogate_pair_in_a_document() -> None:
    """It is no character, and no address, journal or file could hold it; whole pairs stay."""
    assert {"a": "\ufffdx", "b": "👩"} == parse_json(b'{"a": "\\ud800x", "b": "\\ud83d\\udc69"}')

    job = played(ask_job(ingest2.get_job(JOB)), AnyReply(200, {}, b'{"id": "750\\udfff"}'))

    assert "/services/data/v66.0/jobs/ingest/750%EF%BF%BD" == filled(ingest2.get_job(job.id), "66.0")


@pytest.mark.parametrize("encoding", ["x", "shift_jis", "utf-7", "rot13"])
def test_xml_in_an_encoding_that_is_not_read(encoding: str) -> None:
    """Unknown to Python, or of several bytes, which expat does not read: neither is the API's."""
    with pytest.raises(NotReadable, match="XML in an encoding that is not read"):
        parse_xml(b'<?xml version="1.0" encoding="%b"?><jobInfo/>' % encoding.encode())


def test_a_body_of_nothing_but_angle_brackets() -> None:
    """It is shown in time that grows with its length, not with the square of it."""
    reply = Reply(200, {}, b"<" * 1_000_000)

    assert isinstance(refusals.malformed(ingest2.get_job(JOB), reply, "it is nothing"), AnswerMalformed)


# -- numbers that are none ----------------------------------------------------------------------------------------------

NO_NUMBERS = ["²", "٣", "-1", "1e5", "3, 3", "9" * 5000, ""]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_count_in_a_head_that_is_none(text: str) -> None:
    """It says nothing, as if it were not there."""
    refused = refusals.refusal(ingest2.get_job(JOB), Reply(503, {"retry-after": text}, b""))

    assert refused is not None
    assert refused.retry_after_seconds is None
    assert query2.page_rows({"sforce-numberofrecords": text}) is None


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_count_in_a_document_that_is_none(text: str) -> None:
    """The counter of a job is not known then; a page of REST must have its own."""
    job = played(ask_job(ingest2.get_job(JOB)), _json({"id": JOB, "numberRecordsProcessed": text}))
    assert job.records_processed is None

    with pytest.raises(AnswerMalformed, match="it does not say how many records were found"):
        played(FLOWS["rest_query.ask_page"](), _json({"records": [], "done": True, "totalSize": text}))


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "1" + "0" * 400])
def test_a_count_beyond_all_bounds(number: str) -> None:
    """Of Bulk API 1.0, where a count that is none counts nothing."""
    body = b'{"id": "751", "numberRecordsProcessed": %b}' % number.encode()

    assert 0 == played(bulk1.ask_batch(bulk1.get_batch(JOB, BATCH)), AnyReply(200, {}, body)).records_processed


@pytest.mark.parametrize(
    "document", [5, None, "66.0", [5], [{"version": "nan"}], [{"version": "1_0"}], [{"version": True}]]
)
def test_a_list_of_versions_that_is_none(document: Any) -> None:
    """Only what looks like a version may become part of every address."""
    with pytest.raises(AnswerMalformed, match="it lists no version"):
        played(rest.newest_version(HOST), _json(document))


# -- links and lists ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["http://[", "//a]/query/b", "", None, 5])
def test_a_link_that_is_none(link: Any) -> None:
    """A list that goes on and does not say where is not a short list."""
    page = {"records": [], "totalSize": 3, "done": False, "nextRecordsUrl": link}
    links = {"resultPages": [], "done": False, "nextRecordsUrl": link}

    with pytest.raises(AnswerMalformed, match="it is not the last page and names no next one"):
        played(list_jobs(ingest2.list_jobs()), _json(page))
    with pytest.raises(AnswerMalformed, match="it is not the last page and names no next one"):
        played(FLOWS["rest_query.ask_page"](), _json(page))
    with pytest.raises(AnswerMalformed, match="it is not the last group of links and names no next one"):
        played(query2.all_links(JOB), _json(links))


def test_a_page_that_is_listed_twice() -> None:
    """Its rows would be in the result twice."""
    link = {"resultUrl": f"/services/data/v66.0/jobs/query/{JOB}/results?locator=A"}
    with pytest.raises(AnswerMalformed, match="it lists a page twice"):
        played(query2.all_links(JOB), _json({"resultPages": [link, link], "done": True}))

    with pytest.raises(AnswerMalformed, match="it lists a result twice"):
        played(bulk1.query_result_ids(JOB, BATCH), _json(["752A", "752A"]))

    batch = {"id": BATCH, "state": "Completed"}
    with pytest.raises(AnswerMalformed, match="it lists a batch twice"):
        played(bulk1.await_batches(JOB, chunked=False, **ENDLESS), _json({"batchInfo": [batch, batch]}))


def test_a_list_of_jobs_in_a_circle() -> None:
    """The second time that a page leads to itself is the last."""
    page = {"records": [], "done": False, "nextRecordsUrl": "/services/data/v66.0/jobs/ingest?queryLocator=A"}

    with pytest.raises(AnswerMalformed, match="its link to the next page leads in a circle"):
        played(list_jobs(ingest2.list_jobs()), _json(page))


def test_groups_of_links_in_a_circle() -> None:
    """Without a page in any of them."""
    group = {"resultPages": [], "done": False, "nextRecordsUrl": f"/jobs/query/{JOB}/resultPages?locator=A"}

    with pytest.raises(AnswerMalformed, match="its link to the next group leads in a circle"):
        played(query2.all_links(JOB), _json(group))


@pytest.mark.parametrize("name", ["ingest2.await_job", "query2.await_job", "bulk1.await_batch", "bulk1.await_batches"])
def test_a_job_that_never_ends(name: str) -> None:
    """The clock that was handed in ends the wait, not the number of looks."""
    job = {"id": JOB, "state": "InProgress"}

    with pytest.raises(WaitTimeout):
        played(FLOWS[name](), _json([job] if name == "bulk1.await_batches" else job))


def _played(*said: tuple[str, str, AnyReply]) -> Replay:
    return Replay([Said(method, f"/services/data/v66.0{target}", reply) for method, target, reply in said])


def _rows(transport: Replay, **how: Any) -> list[dict[str, Any]]:
    login = AccessToken("00D!x", instance_url=HOST)
    with connect(login=login, transport=transport, clock=clock(), api_version="66.0") as sf:
        return list(sf.query("SELECT Id FROM Account", types="text", **how))


def test_pages_of_rest_in_a_circle() -> None:
    """Rows that were read before are not read for ever."""
    page = {
        "totalSize": 3,
        "done": False,
        "nextRecordsUrl": "/services/data/v66.0/query/01g-2",
        "records": [{"Id": "1"}],
    }
    transport = _played(
        ("GET", "/query?q=SELECT+Id+FROM+Account", _json(page)),
        ("GET", "/query/01g-2", _json(page)),
        ("GET", "/sobjects/Account/describe", _json({"fields": []})),
    )

    with pytest.raises(MalformedResult) as said:
        _rows(transport, api="rest")

    assert (
        "The page of the query that ends before row 2 leads back to a page that was read before.\n"
        "What was read is not complete.\nRun the query again."
    ) == str(said.value)


def test_pages_of_bulk2_in_a_circle() -> None:
    """A locator comes back."""
    page = AnyReply(200, {"sforce-locator": "A", "sforce-numberofrecords": "1"}, b'"Id"\n"1"\n')
    job = _json({"id": JOB, "state": "JobComplete", "object": "Account", "numberRecordsProcessed": 9})
    transport = _played(
        ("POST", "/jobs/query", job),
        ("GET", f"/jobs/query/{JOB}", job),
        ("GET", f"/jobs/query/{JOB}/results?maxRecords=1", page),
        ("GET", f"/jobs/query/{JOB}/results?locator=A&maxRecords=1", page),
    )

    with pytest.raises(MalformedResult, match="leads back to a page that was read before"):
        _rows(transport, api="bulk2", page_rows=1)


# -- results of rows ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [5, "Name", {"a": 1}, True])
def test_fields_of_an_error_that_are_no_list(fields: Any) -> None:
    """The error is told without them."""
    answers = [{"success": False, "errors": [{"statusCode": "X", "message": "m", "fields": fields}]}] * 2

    saved = played(FLOWS["collections.save, insert"](), _json(answers))

    assert [(RecordError("X", "m"),)] * 2 == [result.errors for result in saved.results]


@pytest.mark.parametrize("errors", [5, "no", True, {"statusCode": "X"}])
def test_errors_of_a_row_that_are_no_list(errors: Any) -> None:
    """Whether the row succeeded is said beside them."""
    [result] = json_results([json.dumps([{"success": False, "errors": errors}]).encode()])

    assert () == result.errors


def test_an_id_with_a_line_break() -> None:
    """Outcomes are kept as one line a row, so it would have become two rows."""
    [result] = csv_results([b'"Id","Success","Created","Error"\n"001\n2","true","true",""\n'])
    [outcome] = by_position([result], 1, first_row=4)

    with pytest.raises(MalformedResult) as said:
        line_of(outcome)

    assert (
        "The id of the record that row 4 became has a line break, so it is none: the org's answer is damaged.\n"
        "The row was applied, by what the answer says.\nFetch the results again."
    ) == str(said.value)


def test_a_reference_to_a_character_with_thousands_of_digits() -> None:
    """The text of the error stays as it is."""
    message = f"&amp; &#{'9' * 5000};"

    assert (RecordError("X", message, ("F",)),) == parse_result_errors(f"X:{message}:F --")


def test_a_number_with_thousands_of_digits() -> None:
    """More than Python makes an integer of."""
    with pytest.raises(MalformedResult) as said:
        list(json_records([b'[{"a": ' + b"9" * 5000 + b"}]"]))

    assert (
        "The JSON result is broken or cut off in record 0: it has a number that is none. "
        "Its records from there on were not read. Fetch the result again."
    ) == str(said.value)


def test_a_long_reference_to_our_own_escape() -> None:
    """What follows it was never escaped by us, so nothing of it is undone."""
    document = b"<queryResult><records><Name>&#x00000000000e0ff;!110000;</Name></records></queryResult>"

    assert [{"Name": "\ue0ff!110000;"}] == list(xml_records([document]))


def test_records_within_records_without_a_bottom() -> None:
    """Deeper than Python's own limit."""
    value: Any = {"attributes": {}, "Name": "a"}
    for _ in range(5_000):
        value = {"attributes": {}, "Parent": value}

    with pytest.raises(MalformedResult, match="Row 0 of the result has records within records"):
        RestTable([value], [], "", None, lambda _: None)


# -- CSV ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use_pyarrow", [False, True])
@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\n\n"])
def test_blank_lines_before_the_header(blank: bytes, use_pyarrow: bool) -> None:
    """They are no header without names; previously the result had no rows then."""
    page = blank + b'"Id"\n"1"\n'

    assert [{"Id": "1"}] == list(TypedDictRows([[page]], use_pyarrow=use_pyarrow))
    file = io.BytesIO()
    assert 2 == write_csv([[page], [page]], file)
    assert b'"Id"\n"1"\n"1"\n' == file.getvalue()
    file = io.BytesIO()
    assert 2 == write_result_files([[page], [page]], file)
    assert b'"Id"\n"1"\n"1"\n' == file.getvalue()


@pytest.mark.parametrize("page", [b'a"\n"1', b'a"\n"'])
def test_a_quote_inside_a_name(page: bytes) -> None:
    """What is behind it is no part of the header, and is not left out."""
    with pytest.raises(MalformedResult, match="The header of page 0 of the result is broken"):
        list(TypedDictRows([[page]]))


def test_a_header_that_is_cut_off_behind_a_comma() -> None:
    """It has a column more than it seems to."""
    with pytest.raises(MalformedResult, match="Page 0 of the result ends inside a row"):
        list(TypedDictRows([[b'"Id",']]))


def test_a_header_whose_quote_never_closes() -> None:
    """The page is given up after a million bytes, not searched to its end; previously that took the square of them."""
    taken = 0

    def pieces() -> Any:
        nonlocal taken
        yield b'"Id'
        for _ in range(1_000):
            taken += 1
            yield b"\n" * 65_536

    for read in (
        lambda: list(TypedDictRows([pieces()])),
        lambda: write_csv([pieces()], io.BytesIO()),
        lambda: write_result_files([pieces()], io.BytesIO()),
    ):
        with pytest.raises(MalformedResult, match="The header of page 0 of the result is broken"):
            read()
    assert taken < 100


def test_two_columns_of_one_name_as_parquet() -> None:
    """The table has them both; previously a KeyError came out of pyarrow."""
    assert 1 == write_parquet(batches([[b'"A","A"\n"1","2"\n']]), io.BytesIO())


# -- sessions and addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["00D!\n", "é", "a b", "\ud800", 5, {"a": 1}])
def test_a_token_that_no_header_can_carry(token: Any) -> None:
    """It is no token; it is refused before a request with it could show it."""
    answer = _json({"access_token": token, "instance_url": HOST})

    with pytest.raises(AnswerMalformed, match="it names no access token and instance"):
        played(login.log_in(ClientCredentials(HOST, "id", "secret")), answer)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://a..b/x", {}),
        ("https://" + "a" * 300 + "/x", {}),
        ("http://127.0.0.1:1/x", {"Authorization": "Bearer é"}),
    ],
)
def test_an_address_or_a_header_that_cannot_be_sent(url: str, headers: dict[str, str]) -> None:
    """Python's encoders do not speak to the caller."""
    transport = HttpTransport()

    with pytest.raises(UsageError) as said:
        transport.send(Outgoing("GET", url, headers))

    transport.close()
    assert (
        f"GET {url} cannot be sent: its host or a header has characters that none can have.\nNothing was applied."
        == str(said.value)
    )


@pytest.mark.parametrize("url", ["https://[::1", "https://a]", "https://℀.com"])
def test_an_address_that_is_none(url: str) -> None:
    """As a login may name it."""
    with pytest.raises(UsageError) as said:
        played(login.log_in(ClientCredentials(HOST, "id", "secret")), _json({"access_token": "a", "instance_url": url}))

    assert f"{url!r} is not an address. Nothing was sent." == str(said.value)


def test_a_link_that_leads_elsewhere() -> None:
    """The address of the next page is made of the locator alone, whatever else stands in the link."""
    page = {"records": [], "totalSize": 0, "done": False, "nextRecordsUrl": "https://evil.example/query/%2F..%2Fx?y"}

    found = played(FLOWS["rest_query.ask_page"](), _json(page))

    assert "/services/data/v66.0/query/%2F..%2Fx" == filled(found.more, "66.0")

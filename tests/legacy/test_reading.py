"""Results of queries. legacy-api.md 2.2 and 3.2, rows from ``get_batch_result_ids`` to ``get_batch_result_iter``."""

from __future__ import annotations

import csv
import gc
import io
import json
import logging
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from salesforce_bulk import BulkApiError, BulkBatchFailed, SalesforceBulk, TransportOptions
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerLost, ConnectFailed, MalformedResult
from salesforce_bulk.transport.scripted import Scripted
from salesforce_bulk.util import IteratorBytesIO

from .support import (
    BATCH,
    JOB,
    RESULT,
    SECOND_RESULT,
    Played,
    ask,
    batch_reply,
    html_reply,
    json_reply,
    numbered,
    refused,
    results_reply,
    several_result_files,
    text_reply,
)

SOQL = "SELECT Key__c, Name FROM Account ORDER BY Key__c"
NASTY = 'a "quoted" line\nand another\r\n, with comma, Zoë \u2028 #N/A'


@pytest.fixture
def asked(bulk: SalesforceBulk, local_org: LocalOrg) -> tuple[str, str]:
    """A query over five accounts that has completed, in three result files."""
    local_org.holds("Account", numbered(5))
    with several_result_files(local_org, 2):
        return ask(bulk, SOQL)


EXPECTED = [{"Key__c": f"K{number:04}", "Name": f"Account {number}"} for number in range(5)]
LINES = ['"Key__c","Name"', *[f'"{row["Key__c"]}","{row["Name"]}"' for row in EXPECTED]]

# -- first generation ---------------------------------------------------------------------------------------------------


def test_rows_as_dicts(bulk: SalesforceBulk, asked: tuple[str, str]) -> None:
    """2.2 get_batch_result_iter with parse_csv: dict rows. 2.5 "only first result file returned": all, in order."""
    assert EXPECTED == list(bulk.get_batch_result_iter(*asked, parse_csv=True))
    assert EXPECTED == list(bulk.get_batch_result_iter(*asked, True))


def test_rows_as_lines(bulk: SalesforceBulk, asked: tuple[str, str]) -> None:
    """2.2 get_batch_result_iter: else a line iterator, of ``str``; of several files as of one, the header once."""
    assert LINES == list(bulk.get_batch_result_iter(*asked))
    assert EXPECTED == list(csv.DictReader(bulk.get_batch_result_iter(*asked)))


def test_not_completed_is_none() -> None:
    """2.2 and 2.5 get_batch_result_iter: None, in every state but Completed, failed ones included."""
    for state in ("Queued", "InProgress", "Failed", "NotProcessed"):
        assert Played(batch_reply(state)).bulk.get_batch_result_iter(JOB, BATCH) is None


def test_a_batch_that_completes_later_is_found() -> None:
    """2.5 "stale Queued status cached for ever"."""
    played = Played(
        batch_reply("Queued"), batch_reply(), results_reply(RESULT), results_reply(RESULT), text_reply("Id\n1\n")
    )
    assert played.bulk.get_batch_result_iter(JOB, BATCH) is None
    assert ["Id", "1"] == list(played.bulk.get_batch_result_iter(JOB, BATCH))


@pytest.mark.parametrize("content_type", ["CSV", "XML", "JSON"])
def test_nothing_is_lost_of_a_nasty_value(bulk: SalesforceBulk, local_org: LocalOrg, content_type: str) -> None:
    """2.5 "lost newlines in quoted fields", in every format, by every reader."""
    local_org.holds("Account", [{"Name": "x", "LongText__c": NASTY}])
    job, batch = ask(bulk, "SELECT LongText__c FROM Account", content_type)
    (stored,) = local_org.rows("SELECT LongText__c FROM Account")

    (row,) = bulk.get_batch_result_iter(job, batch, parse_csv=True)
    assert stored["LongText__c"] == row["LongText__c"]
    if content_type == "CSV":
        _, line = bulk.get_batch_result_iter(job, batch)
        assert '"' + stored["LongText__c"].replace('"', '""') + '"' == line
        ((_, (cell,)),) = [list(rows) for rows in bulk.get_all_results_for_batch(batch, job, parse_csv=True)]
        assert stored["LongText__c"] == cell


@pytest.mark.parametrize("content_type", ["CSV", "XML", "JSON"])
def test_no_rows_are_no_rows(bulk: SalesforceBulk, content_type: str) -> None:
    """2.5, last row: the sentence "Records not found for this query" is no line of data, in either mode."""
    job, batch = ask(bulk, "SELECT Id FROM Account", content_type)
    assert [] == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))
    if content_type == "CSV":
        assert [] == list(bulk.get_batch_result_iter(job, batch))
        assert [] == [row for rows in bulk.get_all_results_for_batch(batch) for row in rows]
        assert [] == [row for rows in bulk.get_all_results_for_batch(batch, parse_csv=True) for row in rows]


def test_result_ids(bulk: SalesforceBulk, asked: tuple[str, str]) -> None:
    """2.2 get_batch_result_ids, 3.2 get_query_batch_result_ids: a list of ids, remembered as results."""
    ids = bulk.get_batch_result_ids(asked[1])
    assert 3 == len(ids)
    assert ids == bulk.get_query_batch_result_ids(asked[1], asked[0])
    assert all(type(each) is str and each.startswith("752") for each in ids)


def test_result_ids_of_a_failed_batch() -> None:
    """2.2 get_batch_result_ids: "failed batch raises"."""
    with pytest.raises(BulkBatchFailed):
        Played(batch_reply("Failed", stateMessage="no")).bulk.get_batch_result_ids(BATCH, JOB)


def test_an_empty_list_of_results_is_no_proof_of_no_rows() -> None:
    """The batch says how many rows it found: then their absence is an error, of the old kind."""
    played = Played(batch_reply(), results_reply(), batch_reply(numberRecordsProcessed=7))
    with pytest.raises(BulkApiError, match="found 7 records, but the org lists no result file"):
        played.bulk.get_query_batch_result_ids(BATCH, JOB)
    played = Played(batch_reply(numberRecordsProcessed=0), results_reply(), batch_reply(numberRecordsProcessed=0))
    assert [] == played.bulk.get_query_batch_result_ids(BATCH, JOB)


@pytest.mark.parametrize("parse_csv", [False, True])
def test_all_results_file_by_file(bulk: SalesforceBulk, asked: tuple[str, str], parse_csv: bool) -> None:
    """2.2 get_all_results_for_batch: a generator of generators: lines, or lists with the header first, of each file."""
    header: Any = ["Key__c", "Name"] if parse_csv else LINES[0]
    rows: list[Any] = [list(row.values()) for row in EXPECTED] if parse_csv else LINES[1:]
    files = [list(file) for file in bulk.get_all_results_for_batch(asked[1], parse_csv=parse_csv)]
    assert [[header, *rows[:2]], [header, *rows[2:4]], [header, *rows[4:]]] == files
    assert files == [list(file) for file in bulk.get_all_results_for_batch(asked[1], asked[0], parse_csv)]


def test_one_result(bulk: SalesforceBulk, asked: tuple[str, str]) -> None:
    """2.2 get_batch_results: lines, or with parse_csv lists, the header first."""
    first, *_ = bulk.get_batch_result_ids(asked[1])
    assert LINES[:3] == list(bulk.get_batch_results(asked[1], first))
    assert [["Key__c", "Name"], ["K0000", "Account 0"], ["K0001", "Account 1"]] == list(
        bulk.get_batch_results(asked[1], first, asked[0], True)
    )


@pytest.mark.parametrize("method", ["get_all_results_for_batch", "get_all_results_for_query_batch"])
def test_all_results_of_a_batch_that_is_not_done(method: str) -> None:
    """2.2 and 3.2: ``RuntimeError('Batch is not complete')``, as soon as the first is asked for."""
    results = getattr(Played(batch_reply("InProgress")).bulk, method)(BATCH, JOB)
    with pytest.raises(RuntimeError, match=r"^Batch is not complete$"):
        next(results)


# -- loggers ------------------------------------------------------------------------------------------------------------


class OwnLogger(logging.Logger):
    def __init__(self) -> None:
        super().__init__("own")
        self.said: list[tuple[str, str]] = []

    def handle(self, record: logging.LogRecord) -> None:
        self.said.append((record.levelname, record.getMessage()))


@pytest.mark.parametrize("as_callable", [True, False], ids=["callable", "Logger"])
def test_a_logger_is_a_logger_or_a_callable(bulk: SalesforceBulk, asked: tuple[str, str], as_callable: bool) -> None:
    """5.1 "logger argument": either, in every method. 2.2 get_batch_result_iter: "any truthy logger: TypeError"."""
    own = OwnLogger()
    said: list[str] = []
    logger: Any = said.append if as_callable else own

    list(bulk.get_batch_result_iter(*asked, logger=logger))
    (first, *_) = bulk.get_batch_result_ids(asked[1])
    list(bulk.get_batch_results(asked[1], first, logger=logger))
    [list(rows) for rows in bulk.get_all_results_for_batch(asked[1], logger=logger)]

    texts = said if as_callable else [text for _, text in own.said]
    assert f"Bulk batch {asked[1]} processed 5 records" == texts[0]
    assert [f"Downloading bulk result file id=#{first}", "Loading bulk result #0"] == texts[1:3]
    assert 1 + 2 + 3 * 2 == len(texts)
    assert as_callable or {"INFO"} == {level for level, _ in own.said}


def test_a_logger_hears_of_failed_records_and_of_batches_that_are_not_done() -> None:
    """2.2 get_batch_result_iter and get_all_results_for_batch (``.error``)."""
    own = OwnLogger()
    played = Played(
        batch_reply(numberRecordsProcessed=7, numberRecordsFailed=2),
        text_reply('"Id","Success","Created","Error"\n"","false","false","no"\n'),
        batch_reply("InProgress"),
    )
    played.bulk.get_batch_result_iter(JOB, BATCH, logger=own)
    with pytest.raises(RuntimeError):
        next(played.bulk.get_all_results_for_batch(BATCH, JOB, logger=own))
    assert [
        ("INFO", f"Bulk batch {BATCH} processed 7 records"),
        ("INFO", f"Bulk batch {BATCH} had 2 failed records"),
        ("ERROR", f"Batch is not complete, may have timed out. batch_id: {BATCH}, job_id: {JOB}"),
    ] == own.said


# -- second generation --------------------------------------------------------------------------------------------------


def test_streams(bulk: SalesforceBulk, asked: tuple[str, str]) -> None:
    """3.2 get_all_results_for_query_batch: a generator of IteratorBytesIO, one a result file."""
    streams = list(bulk.get_all_results_for_query_batch(asked[1]))
    assert all(type(stream) is IteratorBytesIO for stream in streams)
    assert EXPECTED == [row for stream in streams for row in csv.DictReader(io.TextIOWrapper(stream, "utf-8"))]


def test_streams_of_json(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """3.2, the README's ``json.load(IteratorBytesIO(result))``."""
    local_org.holds("Account", numbered(3))
    job, batch = ask(bulk, SOQL, "JSON")
    rows = [
        row for result in bulk.get_all_results_for_query_batch(batch, job) for row in json.load(IteratorBytesIO(result))
    ]
    assert EXPECTED[:3] == [{name: row[name] for name in ("Key__c", "Name")} for row in rows]


def test_streams_of_xml(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """9 ``ET.parse(result)``."""
    local_org.holds("Account", numbered(3))
    job, batch = ask(bulk, SOQL, "XML")
    (stream,) = bulk.get_all_results_for_query_batch(batch, job)
    names = [element.text for element in ET.parse(stream).iter() if element.tag.endswith("}Name")]
    assert ["Account 0", "Account 1", "Account 2"] == names


def test_one_stream(bulk: SalesforceBulk, asked: tuple[str, str]) -> None:
    """3.2 get_query_batch_results; ``chunk_size`` is taken."""
    job, batch = asked
    first, *_ = bulk.get_query_batch_result_ids(batch)
    body = bulk.get_query_batch_results(batch, first).read()
    assert body.startswith(b'"Key__c","Name"')
    assert body == bulk.get_query_batch_results(batch, first, job, 1).read()
    assert body == bulk.get_query_batch_results(batch, first, job_id=job, chunk_size=65536).read(None)


def test_nothing_is_removed_from_a_stream() -> None:
    """3.2 "NULs removed": a result is what the org sent."""
    played = Played(text_reply(b'"Name"\n"a\0b"\n'))
    assert b'"Name"\n"a\0b"\n' == played.bulk.get_query_batch_results(BATCH, RESULT, JOB).read()


def test_raw_is_read_like_a_response_of_urllib3() -> None:
    """3.2 and 9 ``raw=True``: read, stream, lines, close, and what shutil and TextIOWrapper need."""
    pieces = [b"Id\n", b"1\n2\n", b"3\n"]

    def raw() -> Any:
        result = Played(text_reply(*pieces)).bulk.get_query_batch_results(BATCH, RESULT, JOB, raw=True)
        result.decode_content = True  # as programs do before shutil.copyfileobj()
        return result

    whole = b"".join(pieces)
    assert whole == raw().read()
    assert whole[:2] == raw().read(2)
    assert whole == raw().read(decode_content=True)
    assert whole == b"".join(raw().stream(4))
    assert whole == b"".join(raw().stream(4, decode_content=True))
    assert [b"Id\n", b"1\n", b"2\n", b"3\n"] == list(raw())
    assert whole.decode() == io.TextIOWrapper(raw(), "utf-8").read()
    with raw() as opened:
        assert whole == opened.read()
    assert opened.closed
    released = raw()
    released.release_conn()
    assert released.closed


# -- what goes wrong ----------------------------------------------------------------------------------------------------

READERS: dict[str, tuple[list[Any], Callable[[SalesforceBulk], Any]]] = {
    "get_query_batch_results": ([], lambda bulk: bulk.get_query_batch_results(BATCH, RESULT, JOB).read()),
    "raw": ([], lambda bulk: bulk.get_query_batch_results(BATCH, RESULT, JOB, raw=True).read()),
    "get_batch_results lines": ([], lambda bulk: list(bulk.get_batch_results(BATCH, RESULT, JOB))),
    "get_batch_results lists": ([], lambda bulk: list(bulk.get_batch_results(BATCH, RESULT, JOB, True))),
    "get_batch_results uploads": ([], lambda bulk: bulk.get_batch_results(BATCH, JOB)),
    "get_upload_results": ([batch_reply()], lambda bulk: bulk.get_upload_results(JOB, BATCH)),
    "get_batch_result_iter": ([batch_reply()], lambda bulk: list(bulk.get_batch_result_iter(JOB, BATCH))),
    "get_batch_result_iter, the result": (
        [batch_reply(), results_reply(RESULT), results_reply(RESULT)],
        lambda bulk: list(bulk.get_batch_result_iter(JOB, BATCH, parse_csv=True)),
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_page_of_html_is_never_data(reader: str) -> None:
    """2.5 "error body parsed as data": HTTP 200 and a page, from a server in front of the org."""
    before, read = READERS[reader]
    with pytest.raises(BulkApiError, match="HTML"):
        read(Played(*before, *[html_reply()] * 5).bulk)


@pytest.mark.parametrize("reader", READERS)
def test_an_error_body_is_never_data(reader: str) -> None:
    """2.2 get_batch_results "status not checked"."""
    before, read = READERS[reader]
    with pytest.raises(BulkApiError, match=r"^\[400\] Bulk API HTTP Error result: ") as caught:
        read(Played(*before, refused("InvalidBatch", "no such result")).bulk)
    assert 400 == caught.value.status_code


@pytest.mark.parametrize("reader", ["get_query_batch_results", "get_batch_results lines", "get_batch_results lists"])
def test_a_result_that_breaks_off_is_fetched_on(reader: str) -> None:
    """No row is lost, and none comes twice; when it keeps breaking off, it is an error and not a short result."""
    _, read = READERS[reader]
    whole = [b"Id,Name\n1,a\n", b"2,b\n3,c\n"]
    broken = AnswerLost("broke off", repeatable=True)
    expected = read(Played(text_reply(*whole)).bulk)
    played = Played(Scripted(200, [whole[0], broken]), Scripted(200, [whole[0][:5], broken]), text_reply(*whole))
    assert expected == read(played.bulk)
    with pytest.raises(AnswerLost):
        read(Played(*[Scripted(200, [whole[0], broken])] * 5).bulk)


@pytest.mark.parametrize("parse_csv", [False, True])
@pytest.mark.parametrize("body", [b'"Id","Name"\n"1","a', b'"Id","Name"\n"1","a\xc3'])
def test_a_result_that_was_cut_off_is_not_a_short_result(body: bytes, parse_csv: bool) -> None:
    """A file that ends inside a record is an error at that record; what was whole before it was handed out."""
    played = Played(text_reply(body))
    with pytest.raises(MalformedResult):
        list(played.bulk.get_batch_results(BATCH, RESULT, JOB, parse_csv))


def test_results_without_a_list_of_results() -> None:
    """2.2: ``split("<result>")[1]`` failed with IndexError; a document of another kind is an error."""
    played = Played(batch_reply(), results_reply(RESULT), json_reply({"no": "list"}))
    with pytest.raises(BulkApiError, match="no list of result ids"):
        played.bulk.get_batch_result_iter(JOB, BATCH)


# -- connections --------------------------------------------------------------------------------------------------------


def one_connection(bulk: SalesforceBulk) -> SalesforceBulk:
    """A client that has one connection: while a result holds it, the next request fails at once."""
    client = SalesforceBulk(bulk.sessionId, bulk.endpoint)
    client.transport_options = TransportOptions(connections=1, read_seconds=0.2, tries=1)
    client.batches.update(bulk.batches)
    client.batch_statuses.update(bulk.batch_statuses)
    return client


def large(bulk: SalesforceBulk, local_org: LocalOrg) -> tuple[str, str, str]:
    """Job, batch and result of a query whose result is far more than a socket holds."""
    local_org.holds("Account", numbered(400, LongText__c="x" * 20_000))
    job, batch = ask(bulk, "SELECT Key__c, LongText__c FROM Account")
    (result,) = bulk.get_query_batch_result_ids(batch)
    return job, batch, result


def test_a_half_read_result_gives_its_connection_back(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """By closing it, or by leaving it, whatever it was read through; each is followed by another request."""
    job, batch, result = large(bulk, local_org)
    client = one_connection(bulk)
    try:
        reader = client.get_query_batch_results(batch, result, job)
        assert reader.read(10)
        with pytest.raises(ConnectFailed):  # the witness: it does hold the only connection
            client.job_state(job)

        reader.close()
        assert "Closed" == client.job_state(job)

        with client.get_query_batch_results(batch, result, job, raw=True) as raw:
            assert raw.read(10)
        assert "Closed" == client.job_state(job)

        inner = client.get_query_batch_results(batch, result, job)
        with IteratorBytesIO(inner) as outer:
            assert outer.readline()
        assert inner.closed
        assert "Closed" == client.job_state(job)

        for rows in (
            client.get_batch_result_iter(job, batch, parse_csv=True),
            client.get_batch_result_iter(job, batch),
            client.get_batch_results(batch, result, job),
            client.get_batch_results(batch, result, job, parse_csv=True),
        ):
            assert next(rows)
            rows.close()
            assert "Closed" == client.job_state(job)

        for stream in client.get_all_results_for_query_batch(batch, job):
            assert stream.read(1)
            break
        del stream
        gc.collect()
        assert "Closed" == client.job_state(job)
    finally:
        client.org.close()


def test_results_are_read_in_constant_memory() -> None:
    """Rows come as they are read: the second piece is not fetched before the rows of the first are taken."""
    fetched: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield b"Id,Name\n"
        for number in range(1000):
            fetched.append(number)
            yield b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 100

    rows = Played(Scripted(200, pieces())).bulk.get_batch_results(BATCH, RESULT, JOB, parse_csv=True)
    next(rows)
    next(rows)
    assert len(fetched) < 50


def test_result_files_are_fetched_when_their_turn_comes() -> None:
    """3.2: listing all streams of a query does not open them all."""
    played = Played(batch_reply(), results_reply(RESULT, SECOND_RESULT), text_reply("Id\n2\n"))
    _, second = list(played.bulk.get_all_results_for_query_batch(BATCH, JOB))
    assert 2 == len(played.sent)
    assert b"Id\n2\n" == second.read()
    assert played.sent[-1][1].endswith(SECOND_RESULT)

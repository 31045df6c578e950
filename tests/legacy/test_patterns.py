"""How real programs use the old library: each row of legacy-api.md 9."""

from __future__ import annotations

import csv
import gzip
import io
import json
import multiprocessing
import pickle
import shutil
import time
import urllib.request
import xml.etree.ElementTree as ET
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from salesforce_bulk import BulkApiError, CsvDictsAdapter, SalesforceBulk, bulk_states
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.salesforce_bulk import DEFAULT_API_VERSION, BulkBatchFailed
from salesforce_bulk.util import IteratorBytesIO
from salesforce_bulkipy import SalesforceBulkipy

from .support import BATCH, HOST, JOB, TOKEN, Played, ask, batch_reply, job_reply, load, numbered, waiting_with

SOQL = "SELECT Key__c, Name FROM Account ORDER BY Key__c"
EXPECTED = [{"Key__c": f"K{number:04}", "Name": f"Account {number}"} for number in range(3)]


@pytest.fixture
def filled(local_org: LocalOrg) -> LocalOrg:
    local_org.holds("Account", numbered(3))
    return local_org


def test_loops_of_the_first_generation(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 1: ``is_batch_done(job, batch)`` loops and ``list(get_batch_result_iter(..., parse_csv=True))``."""
    job = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(job, SOQL)
    looks = 0
    while not bulk.is_batch_done(job, batch):
        filled.clock.advance(5)
        looks += 1
    bulk.close_job(job)
    assert looks
    assert EXPECTED == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))


def test_loops_of_the_second_generation(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 2: batch first, with the third positional ``reload``."""
    job = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(job, SOQL)
    bulk.close_job(job)
    while not bulk.is_batch_done(batch):
        filled.clock.advance(5)
    assert "Completed" == bulk.batch_status(batch, job, True)["state"]
    assert "Completed" == bulk.batch_state(batch, job_id=job, reload=True)
    for results in (bulk.get_all_results_for_query_batch(batch), bulk.get_all_results_for_query_batch(batch, job)):
        (result,) = results
        assert EXPECTED == list(csv.DictReader(io.TextIOWrapper(result, "utf-8")))


def test_keywords(bulk: SalesforceBulk) -> None:
    """Row 3: ``get_batch_results(job_id=…, batch_id=…)``."""
    job, batch = load(bulk, numbered(2))
    assert 2 == len(bulk.get_batch_results(job_id=job, batch_id=batch)) == len(bulk.get_batch_results(batch))


def test_streams_go_where_binary_files_go(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 4: ``json.load``, ``TextIOWrapper``, ``ET.parse``, and ``pandas.read_csv`` where pandas is there."""
    _, batch = ask(bulk, SOQL, "JSON")
    (result,) = bulk.get_all_results_for_query_batch(batch)
    assert EXPECTED == [{key: row[key] for key in ("Key__c", "Name")} for row in json.load(IteratorBytesIO(result))]
    _, batch = ask(bulk, SOQL, "XML")
    (result,) = bulk.get_all_results_for_query_batch(batch)
    assert 3 == sum(element.tag.endswith("}Key__c") for element in ET.parse(result).iter())
    _, batch = ask(bulk, SOQL)
    (result,) = bulk.get_all_results_for_query_batch(batch)
    assert EXPECTED == list(csv.DictReader(io.TextIOWrapper(io.BufferedReader(result), "utf-8")))  # type: ignore[arg-type]


def test_streams_into_pandas(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 4: ``pandas.read_csv(result)``."""
    pandas = pytest.importorskip("pandas")
    _, batch = ask(bulk, SOQL)
    frames = [pandas.read_csv(result) for result in bulk.get_all_results_for_query_batch(batch)]
    assert EXPECTED == pandas.concat(frames).to_dict("records")


def test_raw_results_into_a_file(bulk: SalesforceBulk, filled: LocalOrg, tmp_path: Path) -> None:
    """Row 5: ``get_query_batch_results(batchId, resultId, jobId, raw=True)``."""
    job, batch = ask(bulk, SOQL)
    (result,) = bulk.get_query_batch_result_ids(batch, job_id=job)
    with (tmp_path / "out.csv").open("wb") as out:
        shutil.copyfileobj(bulk.get_query_batch_results(batch, result, job, raw=True), out)
    with (tmp_path / "chunks.csv").open("wb") as out:
        for chunk in bulk.get_query_batch_results(batch, result, job, raw=True).stream(5):
            out.write(chunk)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as written:
        assert EXPECTED == list(csv.DictReader(written))
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "chunks.csv").read_bytes()


def test_the_text_of_a_result_is_cut_at_fixed_offsets(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """Row 6: ``str(upload_result)`` at fixed offsets, or by the position of quotes."""
    _, batch = load(bulk, numbered(1))
    (result,) = bulk.get_batch_results(batch)
    (row,) = local_org.rows("SELECT Id FROM Account")
    assert row["Id"] == str(result)[17:35] == str(result).split("'")[1]
    assert "true" == str(result).split("'")[3]


def inflated(response: Any) -> bytes:
    """The body, as requests and httplib2 give it: our headers ask for gzip."""
    body: bytes = response.read()
    return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body


class TenArguments(SalesforceBulk):
    """Row 7: ten positional arguments, own requests with ``headers()`` and ``check_status(resp)``."""

    def __init__(self, session: str, host: str) -> None:
        super().__init__(session, host, None, None, DEFAULT_API_VERSION, False, None, None, None, None)

    def job_document(self, job: str) -> bytes:
        request = urllib.request.Request(f"{self.endpoint}/job/{job}", headers=self.headers())
        with urllib.request.urlopen(request) as response:
            body = inflated(response)
            answer = SimpleNamespace(
                status_code=response.status, headers=response.headers, content=body, text=body.decode()
            )
        self.check_status(answer)
        assert job == self.parse_response(answer)["id"]
        assert self.sessionId
        return body


def test_a_subclass_with_requests_of_its_own(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    own = TenArguments(local_org.access_token, local_org.url)
    assert b"<state>Open</state>" in own.job_document(own.create_query_job("Account"))
    own.org.close()


class ByHand(SalesforceBulk):
    """Row 8: attributes set by hand, ``super().__init__`` never called."""

    def __init__(self, session: str, url: str) -> None:
        self.sessionId = session
        self.endpoint = f"{url}/services/async/{DEFAULT_API_VERSION}"


def test_a_subclass_that_never_calls_the_constructor(local_org: LocalOrg) -> None:
    """Everything works: jobs, batches, results, errors; and each instance remembers for itself."""
    own, other = (waiting_with(ByHand(local_org.access_token, local_org.url), local_org) for _ in range(2))
    job, batch = load(own, numbered(3))
    assert 3 == len(own.get_batch_results(batch))
    job, batch = ask(own, SOQL)
    assert EXPECTED == list(own.get_batch_result_iter(job, batch, parse_csv=True))
    with pytest.raises(BulkApiError):
        own.create_query_job("Acount")
    assert {} == other.batches == other.jobs
    local_org.expire_sessions()
    with pytest.raises(BulkApiError, match="InvalidSessionId"):
        own.job_state(job)
    own.org.close()


class Chunking(SalesforceBulk):
    """Row 9: ``headers(self, values={})`` overridden to add a header; it knows no other parameter."""

    def headers(self, values={}):  # type: ignore[no-untyped-def,override]  # noqa: B006
        return {**super().headers(values), "Sforce-Enable-PKChunking": "chunkSize=2"}


def test_a_subclass_that_adds_a_header(local_org: LocalOrg) -> None:
    """It is called for every request, with the request's own headers, positionally."""
    local_org.holds("Account", numbered(6))
    own = waiting_with(Chunking(local_org.access_token, local_org.url), local_org)
    job = own.create_query_job("Account")
    batch = own.query(job, "SELECT Key__c FROM Account")
    own.wait_for_batch(job, batch, pk_chunking=True)
    assert 3 <= len(own.get_batch_list(job)) - 1
    played = Played(job_reply(), batch_reply(), client=Chunking(TOKEN, HOST))
    played.bulk.create_query_job("Account")
    played.bulk.query(JOB, SOQL)
    assert ["application/xml; charset=UTF-8", "text/csv; charset=UTF-8"] == [
        sent.headers["Content-Type"] for sent in played.transport.sent
    ]
    assert {"chunkSize=2"} == {sent.headers["Sforce-Enable-PKChunking"] for sent in played.transport.sent}
    own.org.close()


def test_the_state_of_a_failure(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 10: ``except BulkBatchFailed as e: e.state == bulk_states.NOT_PROCESSED``, and the imports of the module."""
    job = bulk.create_query_job("Account", pk_chunking=2)
    batch = bulk.query(job, "SELECT Key__c FROM Account")
    try:
        bulk.wait_for_batch(job, batch)
    except BulkBatchFailed as error:
        assert bulk_states.NOT_PROCESSED == error.state  # noqa: PT017 -- as the programs do it
    else:
        pytest.fail("the original batch of a chunked query is not processed itself")


def state_elsewhere(endpoint: str, headers: dict[str, str], job: str) -> str:
    request = urllib.request.Request(f"{endpoint}/job/{job}", headers=headers)
    with urllib.request.urlopen(request) as response:
        return str(ET.fromstring(inflated(response)).findtext("{*}state"))


def test_endpoint_and_headers_in_another_process(bulk: SalesforceBulk) -> None:
    """Row 11: plain, picklable ``str`` and ``dict``."""
    job = bulk.create_query_job("Account")
    assert (str, dict) == (type(bulk.endpoint), type(bulk.headers()))
    pickle.dumps((bulk.endpoint, bulk.headers()))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert "Open" == pool.submit(state_elsewhere, bulk.endpoint, bulk.headers(), job).result(60)


@pytest.mark.parametrize("cls", [SalesforceBulkipy, SalesforceBulk])
def test_either_class_under_one_alias(cls: type[SalesforceBulk], local_org: LocalOrg) -> None:
    """Row 12: the same methods on both, and the same first two arguments."""
    client = waiting_with(cls(local_org.access_token, local_org.url), local_org)
    job = client.create_insert_job("Account", contentType="CSV")
    batch = client.post_bulk_batch(job, CsvDictsAdapter(iter(numbered(2))))
    client.wait_for_batch(job, batch)
    client.close_job(job)
    assert 2 == len(local_org.rows("SELECT Id FROM Account"))
    client.org.close()


def test_json_text_and_soql_in_bytes(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """Row 13: JSON made by pandas as ``str``; SOQL as bytes."""
    job = bulk.create_insert_job("Account", contentType="JSON")
    batch = bulk.post_batch(job, json.dumps(numbered(3)))
    bulk.wait_for_batch(job, batch)
    assert [True] * 3 == [result.success for result in bulk.get_batch_results(batch)]
    batch = bulk.query(None, SOQL.encode())
    bulk.wait_for_batch(batch)
    assert EXPECTED == list(bulk.get_batch_result_iter(batch, parse_csv=True))


def test_closing_before_and_after_the_wait_and_twice(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 14."""
    job = bulk.create_query_job("Account")
    batch = bulk.query(job, SOQL)
    try:
        bulk.close_job(job)
        bulk.wait_for_batch(job, batch)
        assert EXPECTED == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))
    finally:
        bulk.close_job(job)


def test_status_counters_are_compared_as_text_or_as_numbers(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """Row 2 and 3.2: JSON jobs have int counters, CSV jobs text."""
    _, batch = ask(bulk, SOQL, "JSON")
    assert 3 == bulk.batch_status(batch)["numberRecordsProcessed"]
    _, batch = ask(bulk, SOQL)
    assert "3" == bulk.batch_status(batch)["numberRecordsProcessed"]


def test_no_test_here_waits(bulk: SalesforceBulk, filled: LocalOrg) -> None:
    """A minute of the org's clock is no time of ours."""
    begun = time.monotonic()
    filled.limits.queue_seconds, before = 60.0, filled.limits.queue_seconds
    try:
        _, batch = ask(bulk, SOQL)
    finally:
        filled.limits.queue_seconds = before
    assert "Completed" == bulk.batch_state(batch)
    assert time.monotonic() - begun < 30


def test_what_a_program_asks_of_a_batch_of_another_program() -> None:
    """Row 2 with ids from a database: job and batch are known by their looks, in a client that made neither."""
    played: Any = Played(batch_reply(), batch_reply())
    assert played.bulk.is_batch_done(BATCH, JOB)
    assert played.bulk.is_batch_done(JOB, BATCH)
    assert [("GET", f"job/{JOB}/batch/{BATCH}")] * 2 == played.sent

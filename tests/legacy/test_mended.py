"""legacy-api.md 2.5: each row of "Keep" kept, each row of "Fix" mended, on the local org wherever it can show it."""

from __future__ import annotations

import csv
import io
import itertools
import warnings

import pytest

from salesforce_bulk import BulkApiError, BulkBatchFailed, CsvDictsAdapter, SalesforceBulk, UploadResult, bulk_states
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.legacy.exceptions import WaitEnded

from .support import (
    BATCH,
    HOST,
    JOB,
    TOKEN,
    Played,
    ask,
    batch_reply,
    load,
    numbered,
    refused,
    several_result_files,
    text_reply,
)

# -- Keep ---------------------------------------------------------------------------------------------------------------


def test_kept_ids_are_text_and_so_are_the_values_of_a_status(bulk: SalesforceBulk) -> None:
    """ "ids as ``str``; status dict keys as on the wire, values ``str`` for XML jobs"."""
    job, batch = load(bulk, numbered(2))
    assert (str, str) == (type(job), type(batch))
    status = bulk.batch_status(job, batch)
    assert {"id", "jobId", "state", "createdDate", "systemModstamp", "numberRecordsProcessed"} <= status.keys()
    assert {str} == {type(value) for value in status.values()}


@pytest.mark.parametrize("state", bulk_states.ERROR_STATES)
def test_kept_is_batch_done_raises(state: str) -> None:
    """ "BulkBatchFailed on Failed/Aborted/NotProcessed"."""
    with pytest.raises(BulkBatchFailed):
        Played(batch_reply(state)).bulk.is_batch_done(JOB, BATCH)


def test_kept_a_wait_that_runs_out_returns_none(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """ "``wait_for_batch`` returning None on timeout"; mended: not in silence."""
    job = bulk.create_insert_job("Account")
    batch = bulk.post_batch(job, "Name\nAcme\n")
    with pytest.warns(WaitEnded):
        assert bulk.wait_for_batch(job, batch, timeout=0) is None  # type: ignore[func-returns-value]
    assert not bulk.is_batch_done(job, batch)


def test_kept_no_rows_before_the_end(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """ "``get_batch_result_iter`` -> None when not Completed; dict rows"."""
    local_org.holds("Account", numbered(1))
    job = bulk.create_query_job("Account")
    batch = bulk.query(job, "SELECT Name FROM Account")
    assert bulk.get_batch_result_iter(job, batch, parse_csv=True) is None
    bulk.wait_for_batch(job, batch)
    assert [{"Name": "Account 0"}] == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))


def test_kept_the_shape_of_the_callback(bulk: SalesforceBulk) -> None:
    """ "``get_upload_results`` callback shape, header row first"."""
    job, batch = load(bulk, numbered(5))
    calls: list[tuple[int, int, int]] = []

    def callback(rows: list[UploadResult], total_remaining: int, line_number: int) -> None:
        assert UploadResult("Id", "Success", "Created", "Error") == rows[0]
        calls.append((len(rows), total_remaining, line_number))

    assert bulk.get_upload_results(job, batch, callback=callback, batch_size=2)
    assert [(3, 6, 3), (3, 4, 5), (2, 2, 6)] == calls


def test_kept_the_sizes_of_split_csv() -> None:
    """ "first piece = n-1"."""
    pieces = SalesforceBulk(TOKEN, HOST).split_csv("Id\n" + "1\n" * 7, 3)
    assert [2, 3, 2] == [piece.count("1") for piece in pieces]


def test_kept_the_prefix_of_messages() -> None:
    """ "``[code] …`` message prefix, ``.status_code``"."""
    with pytest.raises(BulkApiError, match=r"^\[400\] ") as caught:
        Played(refused("InvalidJob", "no")).bulk.close_job(JOB)
    assert 400 == caught.value.status_code


def test_kept_rows_are_text(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """ "lines/rows as text on Python 3"."""
    local_org.holds("Account", numbered(1))
    job, batch = ask(bulk, "SELECT Name FROM Account")
    assert ['"Name"', '"Account 0"'] == list(bulk.get_batch_result_iter(job, batch))


# -- Fix ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["two\nlines", "two\r\nlines", "\n\n", "a\rb", 'quote "\n" quote', "end\n\nmore"])
def test_mended_line_breaks_inside_quoted_fields(bulk: SalesforceBulk, local_org: LocalOrg, text: str) -> None:
    """ "lost newlines in quoted fields", on the way in and on the way out."""
    load(bulk, [{"Key__c": "x", "Name": "x", "LongText__c": f"a{text}z"}])
    assert [{"LongText__c": f"a{text}z"}] == local_org.rows("SELECT LongText__c FROM Account")
    job, batch = ask(bulk, "SELECT LongText__c FROM Account")
    assert [{"LongText__c": f"a{text}z"}] == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))


def test_mended_all_result_files(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """ "only first result file returned"."""
    local_org.holds("Account", numbered(10))
    with several_result_files(local_org, 3):
        job, batch = ask(bulk, "SELECT Key__c FROM Account ORDER BY Key__c")
    assert 4 == len(bulk.get_batch_result_ids(batch))
    rows = list(bulk.get_batch_result_iter(job, batch, parse_csv=True))
    assert [row["Key__c"] for row in numbered(10)] == [row["Key__c"] for row in rows]
    assert 11 == len(list(bulk.get_batch_result_iter(job, batch)))


def test_mended_a_queued_status_is_not_remembered(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """ "stale ``Queued`` status cached for ever (cache terminal states only)"."""
    job = bulk.create_insert_job("Account")
    batch = bulk.post_batch(job, "Name\nAcme\n")
    assert "Queued" == bulk.batch_state(job, batch)
    local_org.clock.advance(60)
    assert "Completed" == bulk.batch_state(job, batch)
    asked = local_org.requests("bulk1.get_batch")
    assert "Completed" == bulk.batch_state(job, batch)
    assert asked == local_org.requests("bulk1.get_batch")


def test_mended_posted_batches_are_remembered(bulk: SalesforceBulk) -> None:
    """ "posted batches not remembered"."""
    job = bulk.create_insert_job("Account")
    batch = bulk.post_bulk_batch(job, "Name\nAcme\n")
    assert {batch: job} == bulk.batches


def test_mended_a_logger_and_the_results_of_an_upload(bulk: SalesforceBulk) -> None:
    """ "``TypeError`` with logger; ``IndexError`` on upload batches"."""
    job, batch = load(bulk, numbered(2))
    said: list[str] = []
    rows = list(bulk.get_batch_result_iter(job, batch, parse_csv=True, logger=said.append))
    assert [("true", ""), ("true", "")] == [(row["Success"], row["Error"]) for row in rows]
    assert [f"Bulk batch {batch} processed 2 records"] == said


def test_mended_errors_are_errors(bulk: SalesforceBulk) -> None:
    """ "HTTP errors reported as AttributeError, or error body parsed as data"."""
    job, batch = load(bulk, numbered(1))
    with pytest.raises(BulkApiError, match="InvalidJobState"):
        bulk.bulk_csv_upload(job, "Name\nAcme\n")
    with pytest.raises(BulkApiError):
        list(bulk.get_batch_results(batch, "752x000000000F1AAI", job))


def test_mended_a_record_is_not_cut_at_a_line_break_inside_it() -> None:
    """ "splitting inside a quoted newline; empty input crash"."""
    rows = [[str(number), 'line one\nline two, "quoted"\n'] for number in range(7)]
    text = "Id,Text\n" + "".join(f'{number},"{cell.replace(chr(34), chr(34) * 2)}"\n' for number, cell in rows)
    bulk = SalesforceBulk(TOKEN, HOST)
    for size in (2, 3, 100):
        pieces = [list(csv.reader(io.StringIO(piece, newline=""))) for piece in bulk.split_csv(text, size)]
        assert rows == [row for header, *records in pieces for row in records]
        assert all(["Id", "Text"] == header for header, *_ in pieces)
    assert [] == bulk.split_csv("", 3)


def test_mended_bulk_delete(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """ "bulk_delete", and its count is that of the condition."""
    local_org.holds("Account", numbered(4))
    for batch in bulk.bulk_delete(None, "Account", "Key__c < 'K0003'"):
        bulk.wait_for_batch(batch)
    assert [{"Key__c": "K0003"}] == local_org.rows("SELECT Key__c FROM Account")


def test_mended_count_file_lines() -> None:
    """ "count_file_lines": 600 lines were 1024."""
    assert 600 == SalesforceBulk(TOKEN, HOST).count_file_lines(io.BytesIO(b"12345678,abcdef\n" * 600))


def test_mended_no_rows_are_no_rows(bulk: SalesforceBulk) -> None:
    """ "raw mode yields the sentence ``Records not found for this query`` as a line"."""
    job, batch = ask(bulk, "SELECT Id FROM Account")
    assert [] == list(bulk.get_batch_result_iter(job, batch))
    assert [] == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))


def test_a_row_that_holds_the_sentence_is_a_row(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """Nothing that an account may be called is mistaken for "no rows"."""
    local_org.holds("Account", [{"Name": "Records not found for this query"}])
    job, batch = ask(bulk, "SELECT Name FROM Account")
    assert ['"Name"', '"Records not found for this query"'] == list(bulk.get_batch_result_iter(job, batch))
    assert [{"Name": "Records not found for this query"}] == list(
        bulk.get_batch_result_iter(job, batch, parse_csv=True)
    )


# -- the rest of docs/old-interface.md, "What was mended" ----------------------------------------------------------------


def test_mended_nul_characters_stay() -> None:
    played = Played(text_reply('"Name"\n"a\0b"\n'))
    assert [["Name"], ["a\0b"]] == list(played.bulk.get_batch_results(BATCH, "752x000000000F1AAI", JOB, parse_csv=True))


def test_mended_what_goes_in_comes_out(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """Rows of every nasty kind, through the adapter and back, in batches of three."""
    texts = ["plain", "Zoë", 'a "b" c', "x,y", "tab\there", "\u2028", "=1+1", "007", "#N/A ", "null", "'", "emoji 🛩"]
    rows = [{"Key__c": f"K{n:02}", "Name": f"n{n}", "LongText__c": f"<{text}>"} for n, text in enumerate(texts)]
    job = bulk.create_insert_job("Account")
    remaining = iter(rows)
    batches = []
    while part := list(itertools.islice(remaining, 3)):
        batches.append(bulk.post_batch(job, CsvDictsAdapter(iter(part))))
    bulk.close_job(job)
    for batch in batches:
        bulk.wait_for_batch(job, batch)
        assert {"true"} == {result.success for result in bulk.get_batch_results(batch)}

    job, batch = ask(bulk, "SELECT Key__c, Name, LongText__c FROM Account ORDER BY Key__c")
    assert rows == list(bulk.get_batch_result_iter(job, batch, parse_csv=True))


def test_a_wait_that_ends_well_warns_of_nothing(bulk: SalesforceBulk) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(bulk, numbered(1))

"""Results of uploads. legacy-api.md 2.2 get_upload_results, parse_csv, count_file_lines; 3.2 get_batch_results."""

from __future__ import annotations

import io
from typing import Any

import pytest

from salesforce_bulk import BulkBatchFailed, SalesforceBulk, UploadResult
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import MalformedResult

from .support import BATCH, HOST, JOB, TOKEN, Played, batch_reply, json_reply, text_reply, xml

HEADER = UploadResult("Id", "Success", "Created", "Error")
FIVE = '"Id","Success","Created","Error"\n' + "".join(f'"00{number}","true","true",""\n' for number in range(5))


class Calls:
    """A callback that remembers how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[Any], int, int]] = []

    def __call__(self, rows: list[Any], total_remaining: int, line_number: int) -> None:
        self.calls.append((list(rows), total_remaining, line_number))

    @property
    def shape(self) -> list[tuple[int, int, int]]:
        return [(len(rows), remaining, line) for rows, remaining, line in self.calls]


@pytest.mark.parametrize(
    ("batch_size", "shape"),
    [
        (0, [(6, 6, 6)]),
        (2, [(3, 6, 3), (3, 4, 5), (2, 2, 6)]),
        (5, [(6, 6, 6), (1, 1, 6)]),
        (100, [(6, 6, 6)]),
        (5 / 3, [(3, 6, 3), (3, 4, 5), (2, 2, 6)]),
    ],
)
def test_the_callback_is_called_as_it_was(batch_size: float, shape: list[tuple[int, int, int]]) -> None:
    """2.2 get_upload_results, recorded [run]: ``callback(rows, total_remaining, line_number)``, a last call always."""
    played = Played(batch_reply(), text_reply(FIVE))
    calls = Calls()
    assert played.bulk.get_upload_results(JOB, BATCH, callback=calls, batch_size=batch_size) is True
    assert shape == calls.shape
    assert all(HEADER == rows[0] for rows, _, _ in calls.calls)
    results = [row for rows, _, _ in calls.calls for row in rows[1:]]
    assert [UploadResult(f"00{number}", "true", "true", "") for number in range(5)] == results


def test_by_position_and_without_a_callback() -> None:
    """2.2 get_upload_results: ``(job, batch, callback, batch_size, logger)``."""
    calls, said = Calls(), list[str]()
    played = Played(batch_reply(), text_reply(FIVE))
    assert played.bulk.get_upload_results(JOB, BATCH, calls, 2, said.append) is True
    assert 3 == len(calls.calls)
    assert ["Total records: 6"] == said
    assert Played(batch_reply(), text_reply(FIVE)).bulk.get_upload_results(JOB, BATCH) is True


def test_not_done_is_false_and_failed_is_an_error() -> None:
    """2.2 get_upload_results."""
    calls = Calls()
    assert Played(batch_reply("Queued")).bulk.get_upload_results(JOB, BATCH, calls) is False
    with pytest.raises(BulkBatchFailed):
        Played(batch_reply("Failed", stateMessage="no")).bulk.get_upload_results(JOB, BATCH, calls)
    assert [] == calls.calls


ROWS = "Key__c,Name,Colour__c\nA,Acme,Red\nB,,Red\nC,Zoë,Red\n"
JSON_ROWS = '[{"Key__c":"A","Name":"Acme"},{"Key__c":"B"},{"Key__c":"C","Name":"Zo\u00eb"}]'
XML_ROWS = (
    '<?xml version="1.0" encoding="UTF-8"?><sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload">'
    "<sObject><Key__c>A</Key__c><Name>Acme</Name></sObject><sObject><Key__c>B</Key__c></sObject>"
    "<sObject><Key__c>C</Key__c><Name>Zoë</Name></sObject></sObjects>"
)


def uploaded(bulk: SalesforceBulk, content_type: str, rows: Any) -> tuple[str, str]:
    job = bulk.create_insert_job("Account", contentType=content_type)
    batch = bulk.post_batch(job, rows)
    bulk.wait_for_batch(job, batch)
    bulk.close_job(job)
    return job, batch


def test_results_in_csv_are_text(bulk: SalesforceBulk) -> None:
    """3.2 get_batch_results, 5.1 "UploadResult.success in CSV": 'true', 'false' and texts; without header."""
    _, batch = uploaded(bulk, "CSV", ROWS)
    first, second, third = bulk.get_batch_results(batch)
    assert ("true", "true", "") == first[1:] == third[1:]
    assert first.id.startswith("001")
    assert ("", "false", "false") == second[:3]
    assert second.error.startswith("REQUIRED_FIELD_MISSING:")


@pytest.mark.parametrize(
    ("content_type", "rows"), [("JSON", JSON_ROWS), ("JSON", JSON_ROWS.encode()), ("XML", XML_ROWS)]
)
def test_results_in_json_and_xml_are_typed(bulk: SalesforceBulk, content_type: str, rows: Any) -> None:
    """3.2 get_batch_results: bools and lists of errors; XML "id always None" is mended; 9: JSON text from pandas."""
    job, batch = uploaded(bulk, content_type, rows)
    first, second, third = bulk.get_batch_results(batch, job)
    assert (True, True, []) == first[1:] == third[1:]
    assert first.id.startswith("001")
    assert (None, False, False) == second[:3]
    (error,) = second.error
    assert ("REQUIRED_FIELD_MISSING", ["Name"]) == (error["statusCode"], error["fields"])
    assert "Name" in error["message"]


@pytest.mark.parametrize(("content_type", "rows"), [("CSV", ROWS), ("JSON", JSON_ROWS), ("XML", XML_ROWS)])
def test_the_callback_gets_text_whatever_the_job_is_in(bulk: SalesforceBulk, content_type: str, rows: str) -> None:
    """2.2 get_upload_results: values are ``str`` ('true'/'false'/'')."""
    job, batch = uploaded(bulk, content_type, rows)
    calls = Calls()
    assert bulk.get_upload_results(job, batch, callback=calls)
    ((header, first, second, third),) = [rows for rows, _, _ in calls.calls]
    assert HEADER == header
    assert ("true", "true", "") == first[1:] == third[1:]
    assert ("", "false", "false") == second[:3]
    assert "REQUIRED_FIELD_MISSING" in second.error


def test_the_results_of_a_delete_have_their_columns_by_name() -> None:
    """Not every operation sends all four columns, nor in this order."""
    played = Played(text_reply('"Success","Id","Error"\n"true","001",""\n'))
    assert [UploadResult("001", "true", "false", "")] == played.bulk.get_batch_results(BATCH, JOB)


@pytest.mark.parametrize("content_type", ["text/csv", "text/csv;charset=UTF-8", "application/octet-stream", ""])
def test_the_content_type_of_the_reply_does_not_matter(content_type: str) -> None:
    """3.2 "Content-Type must match exactly, else returns None": the format is told from the bytes."""
    for body, count in ((FIVE, 5), ('[{"id":"1","success":true,"created":true,"errors":[]}]', 1)):
        assert count == len(Played(text_reply(body, content_type=content_type)).bulk.get_batch_results(BATCH, JOB))


def test_errors_with_line_breaks_and_quotes_arrive_whole() -> None:
    """2.5 "lost newlines", for the error column."""
    error = 'CANNOT_EXECUTE:say "no"\nat line 2:Name --'
    quoted = error.replace('"', '""')
    played = Played(text_reply(f'"Id","Success","Created","Error"\n"","false","false","{quoted}"\n'))
    assert error == played.bulk.get_batch_results(BATCH, JOB)[0].error


def test_results_that_were_cut_off_are_not_short_results() -> None:
    """As many results as rows, or an error."""
    for body in (FIVE[:-8], FIVE[:-20]):
        with pytest.raises(MalformedResult):
            Played(text_reply(body)).bulk.get_batch_results(BATCH, JOB)
    with pytest.raises(MalformedResult):
        Played(text_reply('[{"id":"1","success":true,')).bulk.get_batch_results(BATCH, JOB)


def test_results_of_a_query_batch_are_no_upload_results() -> None:
    """3.2 get_batch_results: an error, and not a list of nonsense."""
    with pytest.raises(MalformedResult, match="result-list"):
        Played(xml("result-list", "<result>752x</result>")).bulk.get_batch_results(BATCH, JOB)


def test_results_of_an_upload_by_the_method_for_queries(bulk: SalesforceBulk) -> None:
    """2.2 get_batch_result_iter "upload batch: IndexError (#20)": the results, in both ways."""
    job, batch = uploaded(bulk, "CSV", ROWS)
    rows = list(bulk.get_batch_result_iter(job, batch, parse_csv=True))
    assert ["true", "false", "true"] == [row["Success"] for row in rows]
    header, *lines = bulk.get_batch_result_iter(job, batch)
    assert '"Id","Success","Created","Error"' == header
    assert 3 == len(lines)


@pytest.mark.parametrize(("content_type", "rows"), [("JSON", JSON_ROWS), ("XML", XML_ROWS)])
def test_results_of_an_upload_in_other_formats_by_the_method_for_queries(
    bulk: SalesforceBulk, content_type: str, rows: str
) -> None:
    """2.2 get_batch_result_iter: nothing fails, whatever the format; the text of the reply, line by line."""
    job, batch = uploaded(bulk, content_type, rows)
    assert "REQUIRED_FIELD_MISSING" in "".join(bulk.get_batch_result_iter(job, batch))
    first, second, _ = bulk.get_batch_result_iter(job, batch, parse_csv=True)
    assert "true" == str(first.get("Success", first.get("success"))).lower()
    assert "REQUIRED_FIELD_MISSING" in str(second)


def test_an_empty_json_list_of_results() -> None:
    assert [] == Played(json_reply([])).bulk.get_batch_results(BATCH, JOB)


# -- helpers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binary", [False, True])
def test_parse_csv(binary: bool) -> None:
    """2.2 parse_csv: ``(records, total_remaining)``, rows as lists, the callback for each full turn."""
    text = 'Id,Name\n1,a\n2,"b\nb"\n3,c\n'
    file: Any = io.BytesIO(text.encode()) if binary else io.StringIO(text)
    calls = Calls()
    records, remaining = SalesforceBulk(TOKEN, HOST).parse_csv(file, calls, 2, 4)
    assert [([["Id", "Name"], ["1", "a"], ["2", "b\nb"]], 4, 3)] == calls.calls
    assert ([["Id", "Name"], ["3", "c"]], 2) == (records, remaining)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Id\n", 1), ("Id\n1\n2\n", 3), ('Id\n"a\nb"\n', 2), ("Id\n" + "1234567890\n" * 600, 601), ("Id\n1", 2)],
)
@pytest.mark.parametrize("binary", [False, True])
def test_count_file_lines(text: str, count: int, binary: bool) -> None:
    """2.2 count_file_lines: newlines outside quotes; "over-counts above 2 KiB" is mended. From the start of the file."""
    file: Any = io.BytesIO(text.encode()) if binary else io.StringIO(text)
    file.read(3)
    assert count == SalesforceBulk(TOKEN, HOST).count_file_lines(file)


def test_a_load_from_end_to_end(bulk: SalesforceBulk, local_org: LocalOrg) -> None:
    """The order of the results is the order of the rows: each id belongs to its row."""
    _, batch = uploaded(bulk, "CSV", "Key__c,Name\n" + "".join(f"K{number},N{number}\n" for number in range(50)))
    stored = {row["Id"]: row["Key__c"] for row in local_org.rows("SELECT Id, Key__c FROM Account")}
    assert [f"K{number}" for number in range(50)] == [stored[result.id] for result in bulk.get_batch_results(batch)]

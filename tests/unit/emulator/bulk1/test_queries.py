"""Queries of Bulk API 1.0 at the local org: results in three forms, several files, and PK chunking."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from tests.support.bulk1_talk import NAMESPACE, Talk

from salesforce_bulk.emulator import Field, LocalOrg, Schema, SObject

XSI = "http://www.w3.org/2001/XMLSchema-instance"
NUMBER = Field("Size__c", "double", precision=18, scale=2)


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    box = SObject.define(
        "Box__c", "a00", [NUMBER, Field("Note__c", "textarea", length=32_000), Field("Full__c", "boolean")]
    )
    with LocalOrg(schema=Schema.standard().with_object(box)) as org:
        org.clock.pause()
        yield org


@pytest.fixture
def talk(org: LocalOrg) -> Talk:
    return Talk(org)


def test_csv_quotes_everything_and_nulls_are_empty(org: LocalOrg, talk: Talk) -> None:
    """Numbers have a decimal point, datetimes end in .000Z, parents are columns with a dot."""
    (box,) = org.holds("Box__c", [{"Name": 'a "b"', "Size__c": 125000, "Note__c": "x\r\ny", "Full__c": True}])
    stamp = f"{org.clock.now():%Y-%m-%dT%H:%M:%S}.000Z"
    org.holds("Box__c", [{"Name": "c", "Size__c": 12345678901234.5}])
    (body,) = talk.query(
        "SELECT Id, Name, Size__c, Note__c, Full__c, CreatedDate, Owner.Name FROM Box__c", sobject="Box__c"
    )

    first, second = body.decode().split("\n", 1)[1].split('"\n"', 1)
    assert body.decode().startswith('"Id","Name","Size__c","Note__c","Full__c","CreatedDate","Owner.Name"\n')
    assert first == f'"{box}","a ""b""","125000.0","x\r\ny","true","{stamp}","Local Admin'
    assert '"c","12345678901234.5","","false"' in second


def test_json_has_epoch_milliseconds_and_nested_parents(org: LocalOrg, talk: Talk) -> None:
    """REST style otherwise: attributes, and null for an absent parent."""
    (box,) = org.holds("Box__c", [{"Name": "a", "Size__c": 1}])
    created = int(org.clock.now().timestamp()) * 1000
    (body,) = talk.query(
        "SELECT Name, CreatedDate, Owner.Name, Size__c, Full__c, Note__c FROM Box__c", "JSON", sobject="Box__c"
    )

    assert json.loads(body) == [
        {
            "attributes": {"type": "Box__c", "url": f"/services/data/v66.0/sobjects/Box__c/{box}"},
            "Name": "a",
            "CreatedDate": created,
            "Owner": {
                "attributes": {"type": "User", "url": f"/services/data/v66.0/sobjects/User/{org.store.user.id}"},
                "Name": "Local Admin",
            },
            "Size__c": 1.0,
            "Full__c": False,
            "Note__c": None,
        }
    ]


def test_xml_has_the_id_twice_if_selected_and_once_nil_if_not(org: LocalOrg, talk: Talk) -> None:
    """Characters that XML cannot carry go as references."""
    (box,) = org.holds("Box__c", [{"Name": "a&b", "Note__c": "x\ry\x01"}])
    (with_id,) = talk.query("SELECT Id, Name FROM Box__c", "XML", sobject="Box__c")
    (without,) = talk.query("SELECT Name, Note__c, Size__c FROM Box__c", "XML", sobject="Box__c")

    head = f'<?xml version="1.0" encoding="UTF-8"?><queryResult xmlns="{NAMESPACE}" xmlns:xsi="{XSI}">'
    record = '<records xsi:type="sObject"><type>Box__c</type>'
    assert with_id.decode() == (
        f"{head}{record}<Id>{box}</Id><Id>{box}</Id><Name>a&amp;b</Name></records></queryResult>"
    )
    assert without.decode() == (
        f'{head}{record}<Id xsi:nil="true"/><Name>a&amp;b</Name><Note__c>x&#xD;y&#x1;</Note__c>'
        '<Size__c xsi:nil="true"/></records></queryResult>'
    )


def test_nothing_found(talk: Talk) -> None:
    """In CSV a sentence, which is recorded; in JSON and XML an empty list, which is inferred."""
    assert talk.query("SELECT Id FROM Box__c", sobject="Box__c") == [b"Records not found for this query"]
    assert talk.query("SELECT Id FROM Box__c", "JSON", sobject="Box__c") == [b"[]"]
    assert talk.query("SELECT Id FROM Box__c", "XML", sobject="Box__c")[0].endswith(
        f'xmlns:xsi="{XSI}"></queryResult>'.encode()
    )


@pytest.mark.parametrize("form", ["CSV", "XML", "JSON"])
def test_large_results_come_in_several_files(org: LocalOrg, talk: Talk, form: str) -> None:
    """Each is complete in itself: a CSV file has its own header."""
    org.holds("Box__c", [{"Name": f"box {n}"} for n in range(25)])
    org.limits.result_file_rows = 10
    files = talk.query("SELECT Name FROM Box__c", form, sobject="Box__c")

    assert [file.count(b"box ") for file in files] == [10, 10, 5]
    if form == "CSV":
        assert all(file.startswith(b'"Name"\n') for file in files)
    if form == "JSON":
        assert [len(json.loads(file)) for file in files] == [10, 10, 5]


def test_files_are_also_cut_by_size(org: LocalOrg, talk: Talk) -> None:
    """1 GB at the service."""
    org.holds("Box__c", [{"Name": f"box {n}", "Note__c": "x" * 1_000} for n in range(1_000)])
    org.limits.result_file_bytes = 600_000
    files = talk.query("SELECT Name, Note__c FROM Box__c", sobject="Box__c")

    assert len(files) == 2
    assert sum(file.count(b"box ") for file in files) == 1_000


def test_bad_queries_fail_the_batch_and_list_no_results(talk: Talk) -> None:
    """With 200 and an empty list: not to be taken for a query that found nothing."""
    job, batch = talk.load("query", "SELECT Id, Bogus FROM Account", "JSON")
    wrong_job, wrong = talk.load("query", "SELECT Id FROM Contact")

    assert json.loads(talk.batch(job, batch).body)["stateMessage"].startswith(
        "InvalidBatch : Failed to process query: INVALID_FIELD: "
    )
    assert (talk.result(job, batch).status, talk.result(job, batch).text) == (200, "[]")
    assert talk.message(wrong_job, wrong) == (
        "InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query "
        "(Contact) does not match the entity of the requested Bulk API Job (Account)."
    )


def test_query_all_finds_what_was_deleted(org: LocalOrg, talk: Talk) -> None:
    """And a query does not."""
    box, _ = org.holds("Box__c", [{"Name": "gone"}, {"Name": "here"}])
    talk.load("delete", f"Id\n{box}\n", sobject="Box__c")

    assert b"gone" not in talk.query("SELECT Name FROM Box__c", sobject="Box__c")[0]
    assert b"gone" in talk.query("SELECT Name FROM Box__c", operation="queryAll", sobject="Box__c")[0]


def chunked(talk: Talk, soql: str, header: str, sobject: str = "Box__c") -> tuple[str, list[tuple[str, str]]]:
    """The job, and the batches with their states, a second after the query was chunked."""
    job = talk.create("query", sobject=sobject, Sforce_Enable_PKChunking=header)
    talk.add(job, soql)
    talk.settle()
    text = talk.bulk("GET", f"job/{job}/batch").text
    return job, re.findall(r"<id>(\w+)</id>.*?<state>(\w+)</state>", text, re.DOTALL)


def test_pk_chunking(org: LocalOrg, talk: Talk) -> None:
    """The original is NotProcessed at once, its parts appear a second later, each with a query of its own."""
    org.holds("Box__c", [{"Name": f"box {n}"} for n in range(25)])
    job = talk.create("query", sobject="Box__c", Sforce_Enable_PKChunking="chunkSize=10; ")
    original = talk.add(job, "SELECT Name FROM Box__c")
    org.clock.advance(0.5)
    assert talk.batch(job, original).get("state") == "NotProcessed"
    assert talk.bulk("GET", f"job/{job}").get("numberBatchesTotal") == "0"

    org.clock.advance(1)
    listed = re.findall(r"<id>(751\w+)</id>", talk.bulk("GET", f"job/{job}/batch").text)
    requests = [talk.bulk("GET", f"job/{job}/batch/{batch}/request").text for batch in listed]
    found = b"".join(file for batch in listed[1:] for file in talk.files(job, batch))

    assert listed[0] == original
    assert [len(listed), talk.bulk("GET", f"job/{job}").get("numberBatchesTotal")] == [4, "3"]
    assert all(
        re.fullmatch(r"SELECT Name FROM Box__c WHERE Id >= a00\w{12} AND Id < a00\w{12}", text) for text in requests[1:]
    )
    assert sorted(re.findall(rb"box \d+", found)) == sorted(b"box %d" % n for n in range(25))
    assert org.limits.bulk_batches.used == 4


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Name = 'box 3' OR Name = 'box 23'", [b"box 23", b"box 3"]),
        ("NOT Name LIKE 'box 1%'", sorted(b"box %d" % n for n in range(25) if str(n)[0] != "1")),
        ("Name = 'box 3' AND Full__c = false", [b"box 3"]),
    ],
)
def test_chunks_of_a_query_with_conditions(org: LocalOrg, talk: Talk, where: str, names: list[bytes]) -> None:
    """Every record is found once."""
    org.holds("Box__c", [{"Name": f"box {n}"} for n in range(25)])
    job, batches = chunked(talk, f"SELECT Name FROM Box__c WHERE {where}", "chunkSize=10")

    found = b"".join(file for batch, _ in batches[1:] for file in talk.files(job, batch))
    assert sorted(re.findall(rb"box \d+", found)) == names


@pytest.mark.parametrize("tail", ["ORDER BY Name", "WHERE OwnerId != null", "LIMIT 5"])
def test_what_turns_chunking_off(org: LocalOrg, talk: Talk, tail: str) -> None:
    """The query runs as it is."""
    org.holds("Box__c", 3)
    _, batches = chunked(talk, f"SELECT Name FROM Box__c {tail}", "true")

    assert [state for _, state in batches] == ["Completed"]


def test_start_row_and_empty_tables(org: LocalOrg, talk: Talk) -> None:
    """An empty object has one chunk, which finds nothing."""
    _, batches = chunked(talk, "SELECT Name FROM Box__c", "TRUE")
    assert [state for _, state in batches] == ["NotProcessed", "Completed"]

    ids = org.holds("Box__c", 25)
    job, batches = chunked(talk, "SELECT Id FROM Box__c", f"chunkSize=10; startRow={ids[15]}")
    found = b"".join(file for batch, _ in batches[1:] for file in talk.files(job, batch))
    assert sorted(re.findall(r"a00\w{15}", found.decode())) == ids[15:]


@pytest.mark.parametrize("header", ["chunkSize=250001", "chunkSize=0", "chunkSize=many", "startRow=x"])
def test_chunking_headers_that_cannot_be(talk: Talk, header: str) -> None:
    """Refused when the job is created (uncertain)."""
    body = f'<jobInfo xmlns="{NAMESPACE}"><operation>query</operation><object>Account</object></jobInfo>'
    answer = talk.bulk("POST", "job", body, Content_Type="application/xml", Sforce_Enable_PKChunking=header)

    assert answer.error[:2] == (400, "InvalidJob")


def test_an_object_that_cannot_be_chunked(talk: Talk) -> None:
    """The original batch fails."""
    job, batches = chunked(talk, "SELECT Name FROM Profile", "true", "Profile")

    assert [state for _, state in batches] == ["Failed"]
    assert talk.message(job, batches[0][0]) == "InvalidBatch : Entity 'Profile' is not supported to use PKChunking"

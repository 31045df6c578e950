"""Batches of Bulk API 1.0 at the local org: what is taken in, what becomes of it, and when."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import pytest
from tests.support.bulk1_talk import NAMESPACE, Talk

from salesforce_bulk.emulator import LocalOrg

XSI = "http://www.w3.org/2001/XMLSchema-instance"
AT_MOST = "{} should be less than or equal to {}"
CSV_FAULT = "InvalidBatch : Failed to parse CSV. "


@pytest.fixture
def talk(org: LocalOrg) -> Talk:
    return Talk(org)


def test_a_batch_is_queued_then_in_progress_then_completed(org: LocalOrg, talk: Talk) -> None:
    """Each state can be seen, and the job counts them."""
    job = talk.create("insert")
    batch = talk.add(job, "Name\nA\nB\n")
    seen = [(talk.batch(job, batch).get("state"), talk.bulk("GET", f"job/{job}").get("numberBatchesQueued"))]
    org.clock.advance(0.02)
    seen.append((talk.batch(job, batch).get("state"), talk.bulk("GET", f"job/{job}").get("numberBatchesInProgress")))
    org.clock.advance(0.02)
    seen.append((talk.batch(job, batch).get("state"), talk.bulk("GET", f"job/{job}").get("numberBatchesCompleted")))

    assert seen == [("Queued", "1"), ("InProgress", "1"), ("Completed", "1")]
    assert talk.bulk("GET", f"job/{job}").get("numberRecordsProcessed") == "2"
    assert talk.bulk("GET", f"job/{job}").get("numberBatchesTotal") == "1"


def test_rows_fail_one_by_one_and_are_answered_in_order(talk: Talk) -> None:
    """A failed row undoes no other."""
    job, batch = talk.load(
        "insert", "LastName,Email\nOkafor,ngozi@example.org\n,x@example.org\nLi,\n", sobject="Contact"
    )
    answer = talk.result(job, batch)
    lines = answer.text.splitlines()

    assert answer.headers["Content-Type"] == "text/csv"
    assert lines[0] == '"Id","Success","Created","Error"'
    assert lines[2] == '"","false","false","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"'
    assert [line.split(",")[1] for line in lines[1:]] == ['"true"', '"false"', '"true"']
    assert talk.batch(job, batch).get("numberRecordsFailed") == "1"
    assert talk.batch(job, batch).get("numberRecordsProcessed") == "3"


def test_xml_rows_with_nulls_parents_and_carriage_returns(org: LocalOrg, talk: Talk) -> None:
    """``xsi:nil`` empties a field, an absent one is left alone, and a CR given as a reference stays."""
    (account,) = org.holds("Account", [{"Name": "Mill", "Phone": "1", "Fax": "2"}])
    rows = (
        f'<sObjects xmlns="{NAMESPACE}" xmlns:xsi="{XSI}"><sObject><Id>{account}</Id><Phone xsi:nil="true"/>'
        "<Description>one&#13;&#10;two</Description>"
        f"<Owner><sObject><Id>{org.store.user.id}</Id></sObject></Owner></sObject></sObjects>"
    )
    job, batch = talk.load("update", rows, "XML")

    assert talk.result(job, batch).text == (
        f'<?xml version="1.0" encoding="UTF-8"?><results xmlns="{NAMESPACE}">'
        f"<result><id>{account}</id><success>true</success><created>false</created></result></results>"
    )
    assert org.rows("SELECT Phone, Fax, Description FROM Account") == [
        {"Phone": None, "Fax": "2", "Description": "one\r\ntwo"}
    ]


def test_json_rows_with_nested_parents(org: LocalOrg, talk: Talk) -> None:
    """A parent of several objects names its type in ``attributes``."""
    org.holds("Lead", [{"LastName": "Ines", "Company": "C", "Email": "ines@example.org"}])
    rows = [
        {"Subject": "Call", "Who": {"attributes": {"type": "Lead"}, "Email": "ines@example.org"}, "Description": None},
        {"Subject": "Write", "Priority": "High"},
    ]
    job, batch = talk.load("insert", json.dumps(rows), "JSON", sobject="Task")
    results = talk.result(job, batch).json()

    assert [result["success"] for result in results] == [True, True], results
    assert list(results[0]) == ["success", "created", "id", "errors"]
    assert [row["Who"] and row["Who"]["Name"] for row in org.rows("SELECT Who.Name FROM Task ORDER BY Subject")] == [
        "Ines",
        None,
    ]


@pytest.mark.parametrize("rows", ['{"Name":"A"}', "[1]", "[", '[{"Name":"A"},{"Name":"B","NumberOfEmployees":"many"}]'])
def test_json_that_cannot_be_read_fails_the_whole_batch(org: LocalOrg, talk: Talk, rows: str) -> None:
    """One value of the wrong type is enough; nothing is written."""
    job, batch = talk.load("insert", rows, "JSON")

    assert talk.message(job, batch).startswith("InvalidBatch : ")
    assert talk.result(job, batch).error == (400, "InvalidBatch", "Records not processed")
    assert org.rows("SELECT Id FROM Account") == []


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ('Name\nA"B\n', CSV_FAULT + "Found unescaped quote. A value with quote should be within a quote"),
        ('\ufeff"Name"\nA\n', CSV_FAULT + "Found unescaped quote. A value with quote should be within a quote"),
        ('Name\n"A" \n', CSV_FAULT + "Not expecting more text after end quote"),
        ('Name\n"A\n', CSV_FAULT + "EOF reached before closing an opened quote"),
        ("Nmae\nA\n", "InvalidBatch : Field name not found : Nmae"),
        ("Name,Nmae,Fnord\nA,B,C\n", "InvalidBatch : Field name not found : Nmae"),
        ("\ufeffName\nA\n", "InvalidBatch : Field name not found : \ufeffName"),
        (
            "Name\n" + "A\n" * 10_001,
            CSV_FAULT + "Exceeded number of records : 10002. " + AT_MOST.format("Number of records", 10_001),
        ),
        ("Name\n" + "A" * 131_073 + "\n", CSV_FAULT + "Exceeded max field size: 131073"),
        (
            "Name,Fax,Phone,Site\n" + ",".join(["A" * 110_000] * 4) + "\n",
            CSV_FAULT + "Exceeded max length for one record: 440000. " + AT_MOST.format("Max length for one record", 400_000),
        ),
        (",".join(["Name"] * 5_001) + "\n", CSV_FAULT + "Exceeded max number of columns per record : 5000"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)  # fmt: skip
def test_csv_faults_fail_the_batch(org: LocalOrg, talk: Talk, csv: str, message: str) -> None:
    """With the text of the parser, and no row written."""
    job, batch = talk.load("insert", csv.encode())

    assert talk.message(job, batch) == message
    assert talk.batch(job, batch).get("numberRecordsProcessed") == "0"
    assert org.rows("SELECT Id FROM Account") == []


def test_an_update_without_ids_fails_the_batch(talk: Talk) -> None:
    """Recorded."""
    job, batch = talk.load("update", "Name\nA\n")

    assert talk.message(job, batch) == "InvalidBatch : Field name not found : Id"


def test_csv_text_is_kept_byte_for_byte(org: LocalOrg, talk: Talk) -> None:
    """Line breaks of all kinds, quotes, blanks at the ends, U+2028; records may end in LF, CRLF or CR, blank lines are none."""
    csv = 'Name,Description\r\nA,"x\r\ny\rz\n""q"""\r\r\n\nB,  \u2028 \n"C",\n'
    talk.load("insert", csv.encode())

    assert [row["Description"] for row in org.rows("SELECT Description FROM Account ORDER BY Name")] == [
        'x\r\ny\rz\n"q"',
        "  \u2028 ",
        None,
    ]


def test_line_ending_header_settles_line_breaks_in_text_areas(org: LocalOrg, talk: Talk) -> None:
    """Only there, and only if the header is given."""
    talk.load("insert", 'Name,Description\nA,"x\r\ny\nz"\n', Sforce_Line_Ending="LF")

    assert org.rows("SELECT Description FROM Account") == [{"Description": "x\ny\nz"}]


def test_empty_is_ignored_and_na_empties(org: LocalOrg, talk: Talk) -> None:
    """An empty cell is neither an empty text nor a null."""
    first, second = org.holds("Account", [{"Name": "A", "Fax": "1"}, {"Name": "B", "Fax": "2"}])
    talk.load("update", f"Id,Fax\n{first},\n{second},#N/A\n")

    assert org.rows("SELECT Fax FROM Account ORDER BY Name") == [{"Fax": "1"}, {"Fax": None}]


def test_what_is_checked_when_a_batch_arrives(org: LocalOrg, talk: Talk) -> None:
    """And its texts."""
    job = talk.create("insert")
    path = f"job/{job}/batch"

    assert talk.bulk("POST", path, "", Content_Type="text/csv").error == (
        400,
        "ClientInputError",
        "Unable to find any data to create batch",
    )
    assert talk.bulk("POST", path, "A", Content_Type="text/cs; charset=UTF-8").error == (
        400,
        "UnsupportedContentType",
        "Unsupported content type: text/cs; charset=UTF-8",
    )
    assert talk.bulk("POST", path, "[]", Content_Type="application/json").error[:2] == (400, "InvalidBatch")
    assert talk.bulk("POST", path, b"Name\n" + b"A" * 10_000_000, Content_Type="text/csv").error == (
        400,
        "ClientInputError",
        "Failed to read request. Exceeded max size limit of 10000000",
    )
    used = org.limits.bulk_batches.used
    closing = f'<jobInfo xmlns="{NAMESPACE}"><state>Closed</state></jobInfo>'
    talk.bulk("POST", f"job/{job}", closing, Content_Type="application/xml")
    assert talk.bulk("POST", path, "Name\nA\n", Content_Type="text/csv").error == (
        400,
        "InvalidJobState",
        "Failed to create batch, since the Job is not Open. Current job state is 'Closed'",
    )
    assert org.limits.bulk_batches.used == used + 1, "a refused batch counts"


def test_the_daily_allocation(org: LocalOrg, talk: Talk) -> None:
    """It is rolling: a day later there are batches again."""
    org.limits.bulk_batches.maximum = 2
    job = talk.create("insert")
    for _ in range(2):
        talk.add(job, "Name\nA\n")

    assert talk.bulk("POST", f"job/{job}/batch", "Name\nA\n", Content_Type="text/csv").error == (
        400,
        "ExceededQuota",
        "ApiBatchItems Limit exceeded",
    )
    org.clock.advance(24 * 3600 + 60)
    talk.token = org.access_token
    talk.add(talk.create("insert"), "Name\nA\n")


def test_serial_jobs_run_one_batch_at_a_time_beside_parallel_ones(org: LocalOrg, talk: Talk) -> None:
    """Across all Serial jobs of the org."""
    serial = [talk.create("insert", concurrencyMode="Serial") for _ in range(2)]
    parallel = talk.create("insert")
    batches = [(job, talk.add(job, "Name\nA\n")) for job in (*serial, parallel)]
    org.clock.advance(0.02)

    assert [talk.batch(*batch).get("state") for batch in batches] == ["InProgress", "Queued", "InProgress"]
    talk.settle()
    assert [talk.batch(*batch).get("state") for batch in batches] == ["Completed"] * 3


def test_compressed_and_chunked_batches(org: LocalOrg, talk: Talk) -> None:
    """gzip in, gzip out; another encoding is 415."""
    job = talk.create("insert")
    packed = gzip.compress(b"Name\nPacked\n")
    talk.add(job, packed, Content_Encoding="gzip")
    talk.add(job, iter([b"Name\n", b"Chunked\n"]))
    talk.settle()

    refused = talk.bulk("POST", f"job/{job}/batch", packed, Content_Type="text/csv", Content_Encoding="br")
    assert refused.status == 415
    assert {row["Name"] for row in org.rows("SELECT Name FROM Account")} == {"Packed", "Chunked"}
    answer = talk.bulk("GET", f"job/{job}", Accept_Encoding="br, gzip;q=0.8")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body).startswith(b"<?xml")
    assert [seen.framing for seen in org.seen][:3] == ["length", "length", "chunked"]


def test_a_gzip_bomb_stops_at_the_limit(talk: Talk) -> None:
    """A hundred kilobytes that claim to be a hundred megabytes."""
    job = talk.create("insert")
    bomb = gzip.compress(b"Name\n" + bytes(300_000_000), 1)

    answer = talk.bulk("POST", f"job/{job}/batch", bomb, Content_Type="text/csv", Content_Encoding="gzip")
    assert answer.error[:2] == (400, "ClientInputError")


def test_the_request_comes_back_as_it_was_sent(talk: Talk) -> None:
    """In the job's own format."""
    job = talk.create("insert")
    batch = talk.add(job, b"Name\r\n\xc3\xa9\r\n")

    answer = talk.bulk("GET", f"job/{job}/batch/{batch}/request")
    assert (answer.headers["Content-Type"], answer.body) == ("text/csv", b"Name\r\n\xc3\xa9\r\n")


def test_lists_of_batches(talk: Talk) -> None:
    """Empty, and in order of creation."""
    job = talk.create("insert")
    empty = talk.bulk("GET", f"job/{job}/batch").text
    added = [talk.add(job, "Name\nA\n") for _ in range(3)]
    talk.settle()
    listed = talk.bulk("GET", f"job/{job}/batch").text

    assert empty == f'<?xml version="1.0" encoding="UTF-8"?><batchInfoList\n   xmlns="{NAMESPACE}" />'
    assert [listed.index(batch) for batch in added] == sorted(listed.index(batch) for batch in added)
    assert talk.bulk("GET", f"job/{talk.create('query', 'JSON')}/batch").text == '{"batchInfo":[]}'


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def test_a_zip_carries_files_for_base64_fields(org: LocalOrg, talk: Talk) -> None:
    """A missing file, or a name without #, fails its row alone."""
    (account,) = org.holds("Account", [{"Name": "A"}])
    manifest = (
        f"Name,ParentId,Body\na.bin,{account},#a.bin\nb,{account},#scans/b.bin\nc,{account},#c.bin\nd,{account},d\n"
    )
    body = zipped(request_txt=manifest.encode(), a_bin=b"\x00\x01", scans__b_bin=b"two")
    job, batch = talk.load("insert", body, "ZIP_CSV", sobject="Attachment")
    lines = talk.result(job, batch).text.splitlines()

    assert [line.split(",")[1] for line in lines[1:]] == ['"true"', '"true"', '"false"', '"false"'], lines
    assert "INVALID_FIELD:" in lines[3]
    assert talk.bulk("GET", f"job/{job}/batch/{batch}/request").body == body


@pytest.mark.parametrize(
    "body", [b"no zip", zipped(other_txt=b""), zipped(request_txt=b"Name\n", big_bin=bytes(21_000_000))[:9_999_999]]
)
def test_a_zip_that_is_broken_fails_the_batch(talk: Talk, body: bytes) -> None:
    """InvalidBatch, says the guide; the texts are ours."""
    job, batch = talk.load("insert", body, "ZIP_CSV", sobject="Attachment")

    assert talk.message(job, batch).startswith("InvalidBatch : ")


def test_a_spec_maps_foreign_columns(org: LocalOrg, talk: Talk) -> None:
    """Headers, default values, date patterns, and names to be split; another charset too."""
    job = talk.create("insert", sobject="Contact")
    spec = (
        "Salesforce Field,Csv Header,Value,Hint\nName,Surname,,\nLeadSource,Origin,Web,\nBirthdate,Born,,dd.MM.yyyy\n"
    )
    answer = talk.bulk("POST", f"job/{job}/spec", spec, Content_Type="text/csv")
    rows = 'Surname,Origin,Born,Ignored\n"Okafor, Ngozi",,07.06.1940,x\nPer Löf,Phone Inquiry,,\n'
    talk.bulk("POST", f"job/{job}/batch", rows.encode("latin-1"), Content_Type="text/csv; charset=ISO-8859-1")
    talk.settle()

    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (201, b"", "text/plain")
    assert f"/services/async/66.0/job/{job}/spec/0Aj" in answer.headers["Location"]
    assert org.rows("SELECT FirstName, LastName, LeadSource, Birthdate FROM Contact ORDER BY LastName") == [
        {"FirstName": "Per", "LastName": "Löf", "LeadSource": "Phone Inquiry", "Birthdate": None},
        {"FirstName": "Ngozi", "LastName": "Okafor", "LeadSource": "Web", "Birthdate": "1940-06-07"},
    ]


def test_upsert_and_delete(org: LocalOrg, talk: Talk) -> None:
    """Upsert on Id: an empty cell inserts, a filled one updates."""
    (old,) = org.holds("Account", [{"Name": "Old"}])
    job, batch = talk.load("upsert", f"Id,Name\n{old},Changed\n,New\n", externalIdFieldName="Id")
    created = [line.split(",")[2] for line in talk.result(job, batch).text.splitlines()[1:]]
    job, batch = talk.load("delete", f"Id\n{old}\n")

    assert created == ['"false"', '"true"']
    assert talk.result(job, batch).text.splitlines()[1] == f'"{old}","true","false",""'
    assert org.rows("SELECT Name FROM Account") == [{"Name": "New"}]


def test_jobs_survive_a_restart(tmp_path: object) -> None:
    """A batch that was queued runs when the org is started again."""
    with LocalOrg(data=str(tmp_path)) as org:
        org.clock.pause()
        talk = Talk(org)
        job = talk.create("insert")
        batch = talk.add(job, "Name\nA\n")
    with LocalOrg(data=str(tmp_path)) as org:
        org.clock.pause()
        talk = Talk(org)
        talk.settle()
        assert talk.batch(job, batch).get("state") == "Completed"
        assert org.rows("SELECT Name FROM Account") == [{"Name": "A"}]
        assert talk.create("insert") > job

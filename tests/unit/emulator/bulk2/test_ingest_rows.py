"""Rows of Bulk API 2.0 at the local org: how uploads are read, and how the result files are written."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bulk2_talk import Talk2, read_csv

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.bulk2.ingest_csv import STRETCH, has_foreign_line_end, read_records
from salesforce_bulk.emulator.limits import Limits
from salesforce_bulk.emulator.rendering.values import java_double


@pytest.fixture
def talk(org: LocalOrg) -> Talk2:
    return Talk2(org)


def failure(talk: Talk2, job: str) -> str:
    info = talk.info(job)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("Failed", 0, 0)
    assert list(info)[-1] == "errorMessage"
    return str(info["errorMessage"])


# --- result files -----------------------------------------------------------------------------------------------------


def test_successful_results_byte_for_byte(org: LocalOrg, talk: Talk2) -> None:
    """The sf__ columns quoted, the header as it was sent, all values quoted, doubles as Java writes them."""
    org.bulk2.in_order = True
    (known,) = org.holds("Account", [{"Name": "Old", "Key__c": "acme-2"}])
    job = talk.load(
        "upsert",
        'Key__c,"NAME",AnnualRevenue,NumberOfEmployees,Description\n'
        'acme-1,"Acme ""North"", Ltd",912260031,7,\nacme-2,Borealis,896852810,,"two\nlines"\n',
        externalIdFieldName="Key__c",
    )
    created = next(row["Id"] for row in org.rows("SELECT Id FROM Account WHERE Key__c = 'acme-1'"))

    assert talk.result(job, "successfulResults") == (
        '"sf__Id","sf__Created",Key__c,"NAME",AnnualRevenue,NumberOfEmployees,Description\n'
        f'"{created}","true","acme-1","Acme ""North"", Ltd","9.12260031E8","7",""\n'
        f'"{known}","false","acme-2","Borealis","8.9685281E8","","two\nlines"\n'
    )
    assert talk.ask("GET", f"jobs/ingest/{job}/successfulResults").headers["Content-Type"] == "text/csv"


def test_failed_results_byte_for_byte(org: LocalOrg, talk: Talk2) -> None:
    """Both texts are recorded; a failed insert has no id. The job is complete though every row failed."""
    org.bulk2.in_order = True
    job = talk.load("insert", "Name,CloseDate,StageName\n,2026-11-02,Won\nGlobex,soon,Won\n", "Opportunity")

    assert talk.result(job, "failedResults") == (
        '"sf__Id","sf__Error",Name,CloseDate,StageName\n'
        '"","REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --","","2026-11-02","Won"\n'
        '"","INVALID_FIELD:Failed to deserialize field at col 1. Due to, \'soon\' is not a valid value for the type '
        'xsd:date:CloseDate --","Globex","soon","Won"\n'
    )
    assert talk.result(job, "successfulResults") == '"sf__Id","sf__Created",Name,CloseDate,StageName\n'
    assert talk.result(job, "unprocessedrecords") == "Name,CloseDate,StageName\n"
    info = talk.info(job)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 2, 2)


def test_texts_of_errors_are_html_escaped(org: LocalOrg, talk: Talk2) -> None:
    """Only the text: values stay as they were sent, and an apostrophe stays in both."""
    job = talk.load("insert", 'Name,CloseDate,StageName\n"<a>","""R&D"" \'<b>\'",Won\n', "Opportunity")

    assert (
        "\"\",\"INVALID_FIELD:Failed to deserialize field at col 1. Due to, '&quot;R&amp;D&quot; '&lt;b&gt;'' is not a "
        'valid value for the type xsd:date:CloseDate --","<a>","""R&D"" \'<b>\'","Won"\n'
        == talk.result(job, "failedResults").partition("\n")[2]
    )


def test_a_failed_update_names_its_record_from_53_on(org: LocalOrg) -> None:
    """Before, the column is not there."""
    (account,) = org.holds("Account", 1)
    body = f"Id,Name\n{account},#N/A\n"

    new, old = Talk2(org, "53.0"), Talk2(org, "52.0")
    assert new.rows(new.load("update", body), "failedResults")[0]["sf__Id"] == account
    assert old.result(old.load("update", body), "failedResults").startswith('"sf__Error",Id,Name\n"REQUIRED_FIELD')


def test_deletions(org: LocalOrg, talk: Talk2) -> None:
    """``false`` for created; a record that is not there fails; a second column fails the job."""
    ids = org.holds("Account", 2)
    job = talk.load("delete", f"Id\n{ids[0][:15]}\n001000000000001AAA\n")

    assert talk.result(job, "successfulResults") == f'"sf__Id","sf__Created",Id\n"{ids[0]}","false","{ids[0][:15]}"\n'
    assert talk.rows(job, "failedResults")[0]["sf__Error"].startswith("INVALID_CROSS_REFERENCE_KEY:")
    assert failure(talk, talk.load("delete", f"Id,Name\n{ids[1]},x\n")) == "InvalidBatch : Field name not found : Name"


def test_rows_come_back_in_another_order(org: LocalOrg, talk: Talk2) -> None:
    """Always the same other order, batch by batch, unless told otherwise."""
    org.limits.internal_batch_rows = 400
    body = "Name\n" + "".join(f"{n}\n" for n in range(1_000))

    first, second = (
        [int(row["Name"]) for row in talk.rows(talk.load("insert", body), "successfulResults")] for _ in range(2)
    )
    org.bulk2.in_order = True
    ordered = [int(row["Name"]) for row in talk.rows(talk.load("insert", body), "successfulResults")]

    assert first == second != sorted(first)
    assert sorted(first) == ordered == list(range(1_000))
    assert sorted(first[:400]) == list(range(400))
    two = talk.load("insert", "Name\nA\nB\n")
    org.bulk2.in_order = False
    assert [row["Name"] for row in talk.rows(two, "successfulResults")] == ["A", "B"]
    two = talk.load("insert", "Name\nA\nB\n")
    assert [row["Name"] for row in talk.rows(two, "successfulResults")] == ["B", "A"]


def test_blank_columns_of_a_known_issue(org: LocalOrg, talk: Talk2) -> None:
    """On request: what was sent under a name of another case is blank in failedResults."""
    org.bulk2.blanks_miscased = True
    job = talk.load("insert", "name,Phone\n" + "x" * 300 + ",1\n")

    assert talk.result(job, "failedResults").splitlines()[0] == '"sf__Id","sf__Error",name,Phone'
    assert talk.rows(job, "failedResults")[0]["name"] == ""
    assert talk.rows(job, "failedResults")[0]["Phone"] == "1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (912260031.0, "9.12260031E8"), (1e7, "1.0E7"), (9999999.5, "9999999.5"), (0.001, "0.001"), (0.0001, "1.0E-4"),
        (-12.5, "-12.5"), (0.0, "0.0"), (1.5e22, "1.5E22"), (100.0, "100.0"), (-2.5e-7, "-2.5E-7"),
    ],
)  # fmt: skip
def test_numbers_as_java_writes_them(value: float, text: str) -> None:
    """``Double.toString``."""
    assert java_double(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_so_is_the_same_number(value: float) -> None:
    """No digit is lost."""
    assert float(java_double(value)) == value


# --- dialects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mark"),
    [("COMMA", ","), ("SEMICOLON", ";"), ("PIPE", "|"), ("TAB", "\t"), ("CARET", "^"), ("BACKQUOTE", "`")],
)
@pytest.mark.parametrize(("line_ending", "end"), [("LF", "\n"), ("CRLF", "\r\n")])
def test_delimiters_and_line_ends(org: LocalOrg, talk: Talk2, name: str, mark: str, line_ending: str, end: str) -> None:
    """In and out, of ingest and of query."""
    body = end.join([f"Name{mark}Phone", f'"a{mark}b"{mark}1', f"c{mark}2", ""])
    job = talk.load("insert", body, columnDelimiter=name, lineEnding=line_ending)
    result = talk.result(job, "successfulResults")
    ids = [row["Id"] for row in org.rows("SELECT Id FROM Account ORDER BY Id")]

    assert result.split(end)[0] == mark.join(['"sf__Id"', '"sf__Created"', "Name", "Phone"])
    assert f'"{ids[0]}"{mark}"true"{mark}"a{mark}b"{mark}"1"{end}' in result
    assert [row["Name"] for row in org.rows("SELECT Name FROM Account ORDER BY Id")] == [f"a{mark}b", "c"]
    query = talk.query("SELECT Name, Phone FROM Account", columnDelimiter=name, lineEnding=line_ending)
    assert talk.page(query).text == f'"Name"{mark}"Phone"{end}"a{mark}b"{mark}"1"{end}"c"{mark}"2"{end}'


@pytest.mark.parametrize(
    ("line_ending", "body"),
    [("LF", "Name\r\nA\r\n"), ("LF", "Name\nA\rB\n"), ("CRLF", "Name\nA\n"), ("CRLF", 'Name\r\n"A"\n"B"\r\n')],
)
def test_other_line_ends_fail_the_job(org: LocalOrg, talk: Talk2, line_ending: str, body: str) -> None:
    """Asynchronously, with the recorded text; no row was tried."""
    job = talk.load("insert", body, lineEnding=line_ending)

    assert failure(talk, job) == (
        f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {line_ending}"
    )
    assert org.rows("SELECT Id FROM Account") == []
    end = "\r\n" if line_ending == "CRLF" else "\n"
    assert talk.result(job, "unprocessedrecords").startswith(f'Name{end}"A')
    assert talk.rows(job, "successfulResults") == []


def test_line_breaks_inside_quotes(org: LocalOrg, talk: Talk2) -> None:
    """Any are allowed by the guide; an org that minds them is an option. A lone CR passes under CRLF."""
    body = 'Name,Description\nA,"x\r\ny"\n'
    talk.load("insert", body)
    talk.load("insert", "Name\r\nB\rC\r\n", lineEnding="CRLF")
    org.bulk2.breaks_in_values = False

    assert failure(talk, talk.load("insert", body)).startswith("ClientInputError : LineEnding")
    assert org.rows("SELECT Name, Description FROM Account ORDER BY Id") == [
        {"Name": "A", "Description": "x\r\ny"},
        {"Name": "B\rC", "Description": None},
    ]


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "body", "name"),
    [
        ("insert", "Name,Stage_Nam\nA,B\n", "Stage_Nam"),
        ("insert", "\ufeffName\nA\n", "\ufeffName"),
        ("insert", "Name;Phone\nA;1\n", "Name;Phone"),
        ("update", "Name\nA\n", "Id"),
        ("upsert", "Name\nA\n", "Key__c"),
    ],
)
def test_an_unknown_column_fails_the_job(org: LocalOrg, talk: Talk2, operation: str, body: str, name: str) -> None:
    """Recorded, the byte order mark and the wrong delimiter included. All rows are unprocessed."""
    more = {"externalIdFieldName": "Key__c"} if operation == "upsert" else {}
    job = talk.load(operation, body, **more)

    assert failure(talk, job) == f"InvalidBatch : Field name not found : {name}"
    assert talk.result(job, "unprocessedrecords").split("\n")[0] == body.split("\n")[0]
    assert len(talk.result(job, "unprocessedrecords").splitlines()) == 2
    assert org.limits.bulk_batches.used == 0


def test_headers_that_are_too_long(org: LocalOrg, talk: Talk2) -> None:
    """32,000 characters, 5,000 columns."""
    assert failure(talk, talk.load("insert", "x" * 32_001 + "\nA\n")).startswith("InvalidBatch : Failed to parse CSV.")
    assert failure(talk, talk.load("insert", ",".join("abcde" for _ in range(5_001)) + "\nA\n")).endswith(": 5000")


@pytest.mark.parametrize("body", ["", "\n", "Name\n", "Name"])
def test_an_upload_without_rows_completes(talk: Talk2, body: str) -> None:
    """With a header or with nothing at all."""
    job = talk.load("insert", body)
    info = talk.info(job)
    header = body.strip()

    assert (info["state"], info["numberRecordsProcessed"]) == ("JobComplete", 0)
    assert talk.result(job, "successfulResults") == (f'"sf__Id","sf__Created",{header}\n' if header else "")
    assert talk.result(job, "unprocessedrecords") == (f"{header}\n" if header else "")


# --- rows -------------------------------------------------------------------------------------------------------------


def test_a_faulty_row_fails_alone(org: LocalOrg, talk: Talk2) -> None:
    """Too many cells, a quote in the wrong place, blanks around quotes; fewer cells are as empty ones."""
    job = talk.load(
        "insert",
        'Name,Phone,Fax\nA,1,2,3\nB"x,1,2\n"C" ,1,2\nD, "1",2\nE\n\n"F","say ""hi""",\n"G,1',
    )
    failed = talk.rows(job, "failedResults")

    assert [row["Name"] for row in org.rows("SELECT Name FROM Account ORDER BY Id")] == ["E", "F"]
    assert sorted(row["Name"] for row in failed) == ["A", 'B"x', "C ", "D", "G,1"]
    assert {row["Name"]: row["sf__Error"] for row in failed}["A"] == (
        "INVALID_FIELD:The row has 4 values, the header has 3:--"
    )
    assert talk.info(job)["numberRecordsProcessed"] == 7


def test_values_say_nothing_null_or_something(org: LocalOrg, talk: Talk2) -> None:
    """Empty, #N/A, and text that is not trimmed."""
    (account,) = org.holds("Account", [{"Name": "A", "Phone": "1", "Fax": "2", "Site": "3"}])
    job = talk.load("update", f"Id,Phone,Fax,Site\n{account},,#N/A,  x \n")

    assert org.rows("SELECT Phone, Fax, Site FROM Account") == [{"Phone": "1", "Fax": None, "Site": "  x "}]
    assert talk.rows(job, "successfulResults")[0]["Fax"] == "#N/A"


def test_relationship_columns(org: LocalOrg, talk: Talk2) -> None:
    """By an external id of the parent; a missing parent fails the row."""
    org.holds("Account", [{"Name": "A", "Key__c": "k1"}])
    job = talk.load("insert", "LastName,Account.Key__c\nLi,k1\nNo,k2\n", "Contact")

    assert [row["Account"]["Name"] for row in org.rows("SELECT Account.Name FROM Contact")] == ["A"]
    assert talk.rows(job, "failedResults")[0]["sf__Error"] == (
        "INVALID_FIELD:Foreign key external ID: k2 not found for field Key__c in entity Account:--"
    )


def test_cells_and_rows_have_their_limits(org: LocalOrg, talk: Talk2) -> None:
    """Of a row only that row fails."""
    long = "x" * 131_073
    wide = ",".join(["y" * 110_000] * 4)
    job = talk.load("insert", f'Name,LongText__c,Description,Site\nA,"{long}",,\n{wide}\nB,{"z" * 131_072},,\n')

    assert [row["Name"] for row in org.rows("SELECT Name FROM Account")] == ["B"]
    failed = talk.result(job, "failedResults")
    assert '"INVALID_FIELD:Exceeded max field size: 131073:--"' in failed
    assert '"INVALID_FIELD:Exceeded max length for one record: 440000. Max length for one record should be' in failed


NASTY = ["", "a", '"', '""', ",", "\n", "\r\n", "é", "\u2028", "x" * 300, " x ", "#N/A", "\0", "'", "😀"]


@given(st.lists(st.lists(st.sampled_from(NASTY), min_size=2, max_size=2), max_size=40), st.sampled_from(["\n", "\r\n"]))
def test_what_is_written_properly_is_read(rows: list[list[str]], end: str) -> None:
    """Whatever is in the cells. (A row of two empty cells is no blank line.)"""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    data = out.getvalue().encode()
    read = [record for stretch in read_records(io.BytesIO(data), ",", end, Limits(_no_clock)) for record in stretch]

    assert [list(cells) for cells, _ in read] == rows
    assert {error for _, error in read} <= {None}
    assert not has_foreign_line_end(io.BytesIO(data), end, in_values=False)


@given(
    st.text(alphabet=st.sampled_from('ab,"\n'), max_size=60),
    st.integers(1, 7),
)
def test_where_a_file_is_cut_makes_no_difference_while_its_quotes_are_right(text: str, size: int) -> None:
    """Stretches of a few bytes give the same records as one."""
    limits = Limits(_no_clock)
    whole = [r for s in read_records(io.BytesIO(text.encode()), ",", "\n", limits) for r in s]
    if any(error for _, error in whole):
        return

    class Dripping(io.BytesIO):
        def read(self, count: int | None = -1, /) -> bytes:
            return super().read(size if count == STRETCH else count)

    assert [r for s in read_records(Dripping(text.encode()), ",", "\n", limits) for r in s] == whole


def test_a_large_file_of_long_rows(org: LocalOrg, talk: Talk2) -> None:
    """Read in several stretches, quotes and breaks across them."""
    value = 'line "one"\nline two, ' * 200
    quoted = '"' + value.replace('"', '""') + '"'
    job = talk.load("insert", "Name,Description\n" + "".join(f"A{n},{quoted}\n" for n in range(600)))

    assert talk.info(job)["numberRecordsFailed"] == 0
    found = read_csv(talk.result(job, "successfulResults"))
    assert {row["Description"] for row in found} == {value}
    assert sorted(row["Name"] for row in found) == sorted(f"A{n}" for n in range(600))


def _no_clock() -> datetime:
    raise AssertionError("nothing here looks at the clock")

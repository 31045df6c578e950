"""Query jobs of Bulk API 2.0 at the local org: states, pages, links to pages, refusals."""

from __future__ import annotations

import base64
import gzip
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.bulk2_talk import Talk2, read_csv

from salesforce_bulk.emulator import LocalOrg

CREATED = [
    "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode", "contentType",
    "apiVersion", "lineEnding", "columnDelimiter",
]  # fmt: skip


@pytest.fixture
def talk(org: LocalOrg) -> Talk2:
    return Talk2(org)


def pages(talk: Talk2, job: str, **parameters: Any) -> list[list[str]]:
    """The names on each page, following the locators."""
    found: list[list[str]] = []
    locator = None
    while locator != "null":
        page = talk.page(job, **parameters, **({"locator": locator} if locator else {}))
        assert page.status == 200, page.text
        locator = page.headers["Sforce-Locator"]
        names = [row["Name"] for row in read_csv(page.text)]
        assert page.headers["Sforce-NumberOfRecords"] == str(len(names))
        found.append(names)
    return found


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_query_goes_from_upload_complete_to_complete(org: LocalOrg, talk: Talk2) -> None:
    """The text of the query is never echoed."""
    org.holds("Account", 3)
    created = talk.create_query("select Name from account")
    job = created.json()["id"]
    waiting = talk.info(job, "query")
    org.clock.advance(org.limits.queue_seconds)
    running = talk.info(job, "query")
    talk.settle()
    done = talk.info(job, "query")

    assert created.status == 200
    assert list(created.json()) == CREATED
    assert created.json()["object"] == "Account"
    assert [i["state"] for i in (created.json(), waiting, running, done)] == [
        "UploadComplete", "UploadComplete", "InProgress", "JobComplete",
    ]  # fmt: skip
    assert list(done) == [
        *CREATED[:10], "jobType", "lineEnding", "columnDelimiter", "numberRecordsProcessed", "retries",
        "totalProcessingTime", "isPkChunkingSupported",
    ]  # fmt: skip
    assert "numberRecordsProcessed" not in waiting
    assert (done["jobType"], done["numberRecordsProcessed"], done["isPkChunkingSupported"]) == ("V2Query", 3, True)
    limited = talk.query("SELECT Name FROM Account LIMIT 1")
    assert talk.info(limited, "query")["isPkChunkingSupported"] is False


def test_queries_that_are_refused_at_once(org: LocalOrg, talk: Talk2) -> None:
    """400 from the create call, in the words of 2.0."""

    def refused(soql: str, **more: str) -> tuple[str, str]:
        answer = talk.create_query(soql, **more)
        assert (answer.status, list(answer.json()[0])) == (400, ["errorCode", "message"])
        return answer.json()[0]["errorCode"], answer.json()[0]["message"]

    assert refused("SELECT Id, BillingAddress FROM Account") == (
        "API_ERROR",
        "Selecting compound data not supported in Bulk Query",
    )
    assert refused("SELECT Id, (SELECT Id FROM Contacts) FROM Account") == (
        "API_ERROR",
        "Aggregate Relationships not supported in Bulk V2 Query with CSV content type",
    )
    assert refused("SELECT COUNT() FROM Account")[0] == "API_ERROR"
    assert refused("SELECT Name FROM Account GROUP BY Name")[0] == "API_ERROR"
    assert refused("SELECT Id FROM Account LIMIT 1 OFFSET 5")[0] == "API_ERROR"
    assert refused("SELECT Body FROM Attachment")[0] == "API_ERROR"
    assert refused("SELECT Id, Bogus FROM Account")[0] == "INVALID_FIELD"
    assert refused("SELECT Id FROM Accout")[0] == "INVALID_TYPE"
    assert refused("SELECT Id FROM")[0] == "MALFORMED_QUERY"
    assert refused(" ")[0] == "MALFORMED_QUERY"
    assert refused("SELECT FIELDS(ALL) FROM Account")[0] == "MALFORMED_QUERY"
    assert refused("SELECT Id FROM Account", operation="insert")[0] == "JSON_PARSER_ERROR"
    assert org.limits.query_jobs.used == 0
    assert Talk2(org, "46.0").create_query("SELECT Id FROM Account").status == 404


def test_query_all_finds_what_was_deleted(org: LocalOrg, talk: Talk2) -> None:
    """A query does not."""
    ids = org.holds("Account", 2)
    talk.load("delete", f"Id\n{ids[0]}\n")

    assert talk.page(talk.query("SELECT Id FROM Account")).text == f'"Id"\n"{ids[1]}"\n'
    both = talk.page(talk.query("SELECT Id, IsDeleted FROM Account", "queryAll")).text
    assert both == f'"Id","IsDeleted"\n"{ids[0]}","true"\n"{ids[1]}","false"\n'


def test_abort_and_delete(talk: Talk2) -> None:
    """Abort while it runs, delete when it has ended."""
    job = str(talk.create_query("SELECT Id FROM Account").json()["id"])
    too_early = talk.ask("DELETE", f"jobs/query/{job}")
    aborted = talk.change(job, "Aborted", "query")
    talk.settle()

    assert (too_early.status, too_early.json()[0]["errorCode"]) == (400, "API_ERROR")
    assert (aborted.status, list(aborted.json()), aborted.json()["state"]) == (200, CREATED[:10], "Aborted")
    assert talk.info(job, "query")["state"] == "Aborted"
    assert talk.page(job).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    done = talk.query("SELECT Id FROM Account")
    assert talk.change(done, "Aborted", "query").json() == [
        {"errorCode": "INVALIDJOBSTATE", "message": "Aborting already Completed Job not allowed"}
    ]
    assert talk.change(done, "UploadComplete", "query").status == 400
    assert talk.ask("DELETE", f"jobs/query/{done}/").status == 204
    assert talk.page(done).status == 404
    assert talk.ask("GET", f"jobs/ingest/{job}").status == 404


def test_a_query_that_fails_says_why_or_not(org: LocalOrg, talk: Talk2) -> None:
    """Most failed query jobs have no message."""

    def ended() -> dict[str, Any]:
        job = str(talk.create_query("SELECT Id FROM Account").json()["id"])
        talk.settle()
        return talk.info(job, "query")

    org.bulk2.query_failure = ""
    silent = ended()
    org.bulk2.query_failure = "Unexpected exception encountered in query processing."
    told = ended()

    assert (silent["state"], "errorMessage" in silent) == ("Failed", False)
    assert list(told.items())[-1] == ("errorMessage", "Unexpected exception encountered in query processing.")
    assert talk.page(told["id"]).status == 400


def test_daily_allocations(org: LocalOrg, talk: Talk2) -> None:
    """With the texts that clients have received; /limits counts."""
    org.holds("Account", 100)
    talk.query("SELECT Id, Name, CreatedDate FROM Account")
    limits = talk.ask("GET", "limits").json()
    org.limits.query_storage.maximum = 1
    full = talk.create_query("SELECT Id FROM Account")
    org.limits.query_jobs.maximum = 2
    over = talk.create_query("SELECT Id FROM Account")

    assert limits["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 9_999}
    assert limits["DailyBulkV2QueryFileStorageMB"] == {"Max": 976_562, "Remaining": 976_562}
    assert org.limits.query_storage.used > 1
    assert (full.status, over.status) == (400, 400)
    assert full.json() == [
        {
            "errorCode": "LIMIT_EXCEEDED",
            "message": "Max bulk v2 query result size stored (1) kb per 24 hrs has been exceeded",
        }
    ]
    assert over.json() == [
        {"errorCode": "LIMIT_EXCEEDED", "message": "Max bulk v2 query jobs (2) per 24 hrs has been reached (3)"}
    ]


# --- pages ------------------------------------------------------------------------------------------------------------


def test_pages_repeat_the_header_and_end_with_the_word_null(org: LocalOrg, talk: Talk2) -> None:
    """As many rows as asked for; the last page is short."""
    org.holds("Account", [{"Name": f"A{n}"} for n in range(25)])
    job = talk.query("SELECT Name FROM Account")

    assert [len(names) for names in pages(talk, job, maxRecords=10)] == [10, 10, 5]
    assert [name for names in pages(talk, job, maxRecords=7) for name in names] == [f"A{n}" for n in range(25)]
    assert [len(names) for names in pages(talk, job)] == [25]
    org.bulk2.page_rows = 20
    assert [len(names) for names in pages(talk, job)] == [20, 5]
    assert talk.page(job, maxRecords=5).headers["Content-Type"] == "text/csv; charset=UTF-8"


def test_pages_can_be_had_again_and_in_any_order(org: LocalOrg, talk: Talk2) -> None:
    """A locator stays valid, and what was found stays what it was."""
    org.holds("Account", [{"Name": f"A{n}"} for n in range(9)])
    job = talk.query("SELECT Name FROM Account")
    first = talk.page(job, maxRecords=3)
    locator = first.headers["Sforce-Locator"]
    second = talk.page(job, maxRecords=3, locator=locator)
    talk.load("delete", "Id\n" + "\n".join(row["Id"] for row in org.rows("SELECT Id FROM Account")))
    again = talk.page(job, maxRecords=3, locator=locator)

    assert again.body == second.body == b'"Name"\n"A3"\n"A4"\n"A5"\n'
    assert talk.page(job, maxRecords=3).body == first.body
    plain = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
    assert plain.startswith("0:0Ga")


def test_pages_keep_breaks_quotes_and_letters(org: LocalOrg, talk: Talk2) -> None:
    """Rows are found by their bytes, whatever is in them."""
    names = ['a "b"', 'x"\n"y', "é\u2028ü", "😀,", "plain", '"', "end"]
    org.holds("Account", [{"Name": name, "Description": f"{name}\r\n{name}"} for name in names])
    job = talk.query("SELECT Name, Description, Owner.Name, Phone FROM Account")

    assert pages(talk, job, maxRecords=1) == [[name] for name in names]
    assert talk.page(job, maxRecords=1).text == (
        '"Name","Description","Owner.Name","Phone"\n"a ""b""","a ""b""\r\na ""b""","Local Admin",""\n'
    )
    packed = talk.ask("GET", f"jobs/query/{job}/results", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == talk.page(job).body


def test_values_as_text(org: LocalOrg, talk: Talk2) -> None:
    """Datetimes end in .000Z; large numbers have an exponent on request."""
    row = {
        "Name": "A",
        "AnnualRevenue": 912260031,
        "NumberOfEmployees": 5,
        "Active__c": True,
        "Founded__c": "2001-02-03",
    }
    org.holds("Account", [{**row, "Visited__c": "2026-11-02T09:15:27Z", "Opens__c": "09:15:27.000Z"}])
    soql = "SELECT AnnualRevenue, NumberOfEmployees, Active__c, Founded__c, Visited__c, Opens__c, Score__c FROM Account"
    rest = '"5","true","2001-02-03","2026-11-02T09:15:27.000Z","09:15:27.000Z",""\n'

    assert talk.page(talk.query(soql)).text.split("\n", 1)[1] == f'"912260031.0",{rest}'
    org.bulk2.exponents = True
    assert talk.page(talk.query(soql)).text.split("\n", 1)[1] == f'"9.12260031E8",{rest}'


def test_no_rows(talk: Talk2) -> None:
    """A header, zero, null."""
    page = talk.page(talk.query("SELECT Id, Name FROM Account"))

    assert page.text == '"Id","Name"\n'
    assert (page.headers["Sforce-NumberOfRecords"], page.headers["Sforce-Locator"]) == ("0", "null")


def test_columns_are_sorted_up_to_49(org: LocalOrg) -> None:
    """From 50.0 on they stand as they were asked for."""
    org.holds("Account", [{"Name": "A", "Fax": "f"}])
    old, new = Talk2(org, "49.0"), Talk2(org, "50.0")
    soql = "SELECT Name, Owner.Name, Fax FROM Account"

    assert old.page(old.query(soql)).text == '"Fax","Name","Owner.Name"\n"f","A","Local Admin"\n'
    assert new.page(new.query(soql)).text == '"Name","Owner.Name","Fax"\n"A","Local Admin","f"\n'


def test_results_need_the_version_of_the_job(org: LocalOrg, talk: Talk2) -> None:
    """409 otherwise; the job itself can be seen."""
    job = talk.query("SELECT Id FROM Account")
    other = Talk2(org, "60.0")

    assert other.page(job).status == 409
    assert other.ask("GET", f"jobs/query/{job}/resultPages").status == 409
    assert other.info(job, "query")["apiVersion"] == 66.0


def test_results_that_cannot_be_had(org: LocalOrg, talk: Talk2) -> None:
    """Too early, no such page, no such size, too late."""
    org.holds("Account", 3)
    early = str(talk.create_query("SELECT Id FROM Account").json()["id"])
    assert talk.page(early).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    job, other = talk.query("SELECT Id FROM Account"), talk.query("SELECT Id FROM Account")
    theirs = talk.page(other, maxRecords=1).headers["Sforce-Locator"]

    for locator in ("nonsense", theirs, "null", "%C3%A9", base64.b64encode(b"0:0Ga:1").decode(), f"{theirs}MTIz"):
        assert talk.page(job, locator=locator).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
    for size in ("0", "-1", "many", "", "9" * 5_000):
        assert talk.page(job, maxRecords=size).status == 400
    org.clock.advance(timedelta(days=7, seconds=1).total_seconds())
    talk.token = org.access_token
    assert talk.page(job).status == 404


def test_the_last_page_without_a_locator(org: LocalOrg, talk: Talk2) -> None:
    """Proxies drop headers; and HTTP/2 writes them small."""
    org.holds("Account", 3)
    job = talk.query("SELECT Id FROM Account")
    org.bulk2.end_locator = "absent"
    org.bulk2.lower_case_headers = True

    assert "sforce-locator" in talk.page(job, maxRecords=2).headers
    assert "sforce-locator" not in talk.page(job, maxRecords=3).headers
    assert talk.page(job).headers["sforce-numberofrecords"] == "3"


# --- links ------------------------------------------------------------------------------------------------------------


def test_links_to_pages_come_five_at_a_time(org: LocalOrg, talk: Talk2) -> None:
    """The pages together are the result, in order, whatever size each is asked in."""
    org.holds("Account", [{"Name": f"A{n}"} for n in range(65)])
    job = talk.query("SELECT Name FROM Account")
    org.bulk2.page_rows = 10
    answers = [talk.ask("GET", f"jobs/query/{job}/resultPages").json()]
    while not answers[-1]["done"]:
        answers.append(talk.ask("GET", answers[-1]["nextRecordsUrl"]).json())
    links = [page["resultUrl"] for answer in answers for page in answer["resultPages"]]
    names = [row["Name"] for link in links for row in read_csv(talk.ask("GET", f"{link}&maxRecords=50").text)]

    assert [len(answer["resultPages"]) for answer in answers] == [5, 2]
    assert list(answers[0]) == ["resultPages", "nextRecordsUrl", "done"]
    assert answers[0]["nextRecordsUrl"].startswith(f"/services/data/v66.0/jobs/query/{job}/resultpages?locator=")
    assert answers[1]["nextRecordsUrl"] is None
    assert links[0].startswith(f"/services/data/v66.0/jobs/query/{job}/results?locator=")
    assert names == [f"A{n}" for n in range(65)]


def test_links_as_observed_and_not_at_all(org: LocalOrg, talk: Talk2) -> None:
    """Another shape, relative to the version; 404 where the org does not have them, or the API is too old."""
    org.holds("Account", 1)
    job = talk.query("SELECT Name FROM Account")
    org.bulk2.links = "observed"
    answer = talk.ask("GET", f"jobs/query/{job}/resultpages/").json()
    org.bulk2.links = "missing"

    assert list(answer) == ["resultChunks", "nextRecordsUrl", "done"]
    (link,) = answer["resultChunks"]
    assert link["resultLink"].startswith(f"/jobs/query/{job}/results?locator=")
    assert talk.ask("GET", f"/services/data/v66.0{link['resultLink']}").text == '"Name"\n"Account 0"\n'
    assert talk.ask("GET", f"jobs/query/{job}/resultPages").status == 404
    org.bulk2.links = "documented"
    old = Talk2(org, "57.0")
    assert old.ask("GET", f"jobs/query/{old.query('SELECT Id FROM Account')}/resultPages").status == 404


def test_links_to_nothing(talk: Talk2) -> None:
    """One page, with the header."""
    job = talk.query("SELECT Name FROM Account")
    answer = talk.ask("GET", f"jobs/query/{job}/resultPages").json()

    assert (len(answer["resultPages"]), answer["done"]) == (1, True)
    assert talk.ask("GET", answer["resultPages"][0]["resultUrl"]).text == '"Name"\n'


# --- lists ------------------------------------------------------------------------------------------------------------


def test_lists_of_jobs(org: LocalOrg, talk: Talk2) -> None:
    """Jobs of 1.0 are among them, filters apply, and the records have no counters."""
    from tests.support.bulk1_talk import Talk

    classic, chunked = Talk(org).create("insert"), Talk(org).create("query", Sforce_Enable_PKChunking="true")
    ingest, query = talk.create(), talk.query("SELECT Id FROM Account")

    def listed(path: str) -> dict[str, str]:
        answer = talk.ask("GET", path).json()
        assert (list(answer), answer["done"], answer["nextRecordsUrl"]) == (
            ["done", "records", "nextRecordsUrl"],
            True,
            None,
        )
        return {record["id"]: record["jobType"] for record in answer["records"]}

    assert listed("jobs/ingest") == {classic: "Classic", chunked: "Classic", ingest: "V2Ingest"}
    assert listed("jobs/ingest?jobType=V2Ingest") == {ingest: "V2Ingest"}
    assert listed("jobs/ingest/?jobType=Classic") == {classic: "Classic", chunked: "Classic"}
    assert listed("jobs/ingest?jobType=BigObjectIngest") == {}
    assert listed("jobs/ingest?isPkChunkingEnabled=true") == {chunked: "Classic"}
    assert listed("jobs/ingest?isPkChunkingEnabled=false") == {classic: "Classic", ingest: "V2Ingest"}
    assert listed("jobs/query?concurrencyMode=parallel") == {chunked: "Classic", query: "V2Query"}
    assert listed("jobs/query?jobType=V2Query") == {query: "V2Query"}
    assert listed("jobs/query?jobType=V2Ingest") == {ingest: "V2Ingest"}
    (record,) = talk.ask("GET", "jobs/ingest?jobType=V2Ingest").json()["records"]
    assert list(record) == [*CREATED[:10], "jobType", "lineEnding", "columnDelimiter"]


def test_lists_come_in_pages(org: LocalOrg, talk: Talk2) -> None:
    """Lists of queries name the ingest resource, as the guide's sample does; either resource goes on with them."""
    org.limits.listing_page = 2
    jobs = [str(talk.create_query("SELECT Id FROM Account").json()["id"]) for _ in range(5)]
    answer = talk.ask("GET", "jobs/query").json()
    found, locators = [record["id"] for record in answer["records"]], []
    while not answer["done"]:
        url = answer["nextRecordsUrl"]
        locators.append(url.rpartition("=")[2])
        answer = talk.ask("GET", url if len(locators) == 1 else f"jobs/query?queryLocator={locators[-1]}").json()
        found += [record["id"] for record in answer["records"]]

    assert sorted(found) == sorted(jobs)
    assert url.startswith("/services/data/v66.0/jobs/ingest?queryLocator=01g")
    assert [locator.rpartition("-")[2] for locator in locators] == ["2", "4"]
    for wrong in ("01g-1", "nonsense", f"{locators[0].partition('-')[0]}-{'9' * 5_000}"):
        assert talk.ask("GET", f"jobs/query?queryLocator={wrong}").status == 400


def test_a_query_is_there_after_a_restart(tmp_path: Path) -> None:
    """With its pages; one that was under way runs again."""
    with LocalOrg(data=tmp_path) as org:
        org.clock.pause()
        talk = Talk2(org)
        org.holds("Account", 3)
        done = talk.query("SELECT Name FROM Account")
        locator = talk.page(done, maxRecords=1).headers["Sforce-Locator"]
        waiting = str(talk.create_query("SELECT Name FROM Account").json()["id"])
        running = str(talk.create_query("SELECT Name FROM Account").json()["id"])
        org.clock.advance(org.limits.queue_seconds)
    with LocalOrg(data=tmp_path) as org:
        talk = Talk2(org)
        org.clock.pause()
        talk.settle()

        assert talk.page(done, locator=locator).text == '"Name"\n"Account 1"\n"Account 2"\n'
        for job in (waiting, running):
            assert talk.info(job, "query")["numberRecordsProcessed"] == 3

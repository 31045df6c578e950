"""The page of the local org: what it shows, to whom, and that nothing in it can be broken by what it shows."""

from __future__ import annotations

import html
import http.client
import json
import re
import socket
import subprocess
import sys
import warnings
from contextlib import closing
from urllib.parse import quote

import pytest
from tests.support.bulk1_talk import Answer, Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import Field, LocalOrg, Schema, SObject
from salesforce_bulk.emulator.http.server import OpenToOthers

HOSTILE = "\"><script>alert(1)</script>&'<img src=x onerror=alert(2)>"


def get(org: LocalOrg, target: str, host: str | None = None, method: str = "GET") -> Answer:
    """As a browser asks: without a token."""
    with closing(http.client.HTTPConnection("127.0.0.1", org.server.port, timeout=20)) as connection:
        connection.request(method, target, headers={"Host": host or f"127.0.0.1:{org.server.port}"})
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())


def page(org: LocalOrg, target: str) -> str:
    answer = get(org, target)
    assert 200 == answer.status, answer.text
    return answer.text


def rows(text: str, id: str) -> list[list[str]]:
    """The lines of the table whose caption is *id*: the text of each cell."""
    found = re.search(rf'<caption id="{id}">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)
    lines = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL) if found else []
    return [[plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.DOTALL)] for line in lines]


def facts(text: str) -> dict[str, str]:
    return {plain(name): plain(value) for name, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text, re.DOTALL)}


def plain(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", markup)).strip()


def status(text: str) -> str:
    found = re.search(r'<p id="status" role="status">(.*?)</p>', text)
    assert found is not None
    return plain(found[1])


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_job_stands_in_progress_until_it_has_ended(org: LocalOrg) -> None:
    """With its object, operation, API, state, progress and counters; then among the completed ones, with its end."""
    talk = Talk2(org)
    org.limits.work_seconds = 10
    org.bulk2.step_rows = 5
    org.limits.internal_batch_rows = 10
    job = talk.start("insert", "Name\n" + "A\n" * 20)
    org.clock.advance(12)

    text = page(org, "/")
    assert [[job, "Account", "insert", "Bulk V2", "InProgress", "50% 50%", "10", "0"]] == [
        line[:8] for line in rows(text, "open-jobs")
    ]
    assert "1 in progress, 0 completed, 0 of them failed." == status(text)
    assert 'data-again="1"' in text

    org.clock.advance(600)
    text = page(org, "/")
    assert [] == rows(text, "open-jobs")
    (line,) = rows(text, "ended-jobs")
    assert [job, "Account", "insert", "Bulk V2", "JobComplete", "100% 100%", "20", "0"] == line[:8]
    assert org.username == line[-1]
    assert "0 in progress, 1 completed, 0 of them failed." == status(text)


def test_jobs_of_all_three_kinds_are_listed(org: LocalOrg) -> None:
    """Bulk V1, Bulk V2 and Bulk V2 Query, the youngest first; a filter leaves those that match."""
    first = Talk(org).load("insert", "Name\nA\n")[0]
    org.clock.advance(1)
    second = Talk2(org).load("insert", "Name\nA\n")
    org.clock.advance(1)
    third = Talk2(org).query("SELECT Id FROM Account")

    assert [[first, "Bulk V1"]] == [[line[0], line[3]] for line in rows(page(org, "/"), "open-jobs")]
    assert [[third, "Bulk V2 Query"], [second, "Bulk V2"]] == [
        [line[0], line[3]] for line in rows(page(org, "/"), "ended-jobs")
    ]
    assert [second] == [line[0] for line in rows(page(org, "/?operation=insert&api=Bulk+V2"), "ended-jobs")]
    assert [] == rows(page(org, "/?object=Contact"), "ended-jobs")


def test_completed_jobs_come_in_pages(org: LocalOrg) -> None:
    """Fifty on each; a number that is none is the first."""
    talk = Talk2(org)
    jobs = [talk.query("SELECT Id FROM Account") for _ in range(60)]

    text = page(org, "/?operation=query&page=2")
    assert jobs[9::-1] == [line[0] for line in rows(text, "ended-jobs")]
    assert 'href="/?operation=query&amp;page=1"' in text
    for number in ("0", "-1", "x", "٣", "9" * 5_000, "3"):
        assert rows(page(org, f"/?page={quote(number)}"), "ended-jobs")


def test_a_job_of_bulk_1_shows_counters_batches_and_errors(org: LocalOrg) -> None:
    """Request and result of each batch can be had without a token, byte for byte as the API gives them."""
    talk = Talk(org)
    data = "Name,NumberOfEmployees\nA,1\nB,many\nC,many\n"
    job, batch = talk.load("insert", data)
    broken = talk.add(job, "Nope\nA\n")
    talk.settle()
    text = page(org, f"/jobs/{job}")
    told = facts(text)

    assert ["Bulk V1", "insert", "Open", "3", "2"] == [
        told[name] for name in ("Job type", "Operation", "Status", "Records processed", "Records failed")
    ]
    assert ["1", "1", "CSV", "66.0"] == [
        told[name] for name in ("Completed batches", "Failed batches", "Content type", "API version")
    ]
    assert [[batch, "Completed", "3", "2"], [broken, "Failed", "0", "0"]] == [
        line[:4] for line in rows(text, "batches")
    ]
    assert "InvalidBatch : Field name not found : Nope" == rows(text, "batches")[1][-1]
    ((message, times),) = rows(text, "errors")
    assert "2" == times
    assert "'many' is not a valid value for the type xsd:int:NumberOfEmployees --" in message
    assert data == get(org, f"/jobs/{job}/batches/{batch}/request").text
    assert talk.result(job, batch).body == get(org, f"/jobs/{job}/batches/{batch}/result").body
    assert 404 == get(org, f"/jobs/{job}/batches/{broken}/result").status


@pytest.mark.parametrize("form", ["XML", "JSON"])
def test_errors_are_read_from_results_of_every_form(org: LocalOrg, form: str) -> None:
    """Their text is whole again: entities and escapes are the form's, not the text's."""
    talk = Talk(org)
    wrong = '"a" <b> & \\c'
    if form == "JSON":
        body = '[{"Name": "A", "Industry": "x", "BillingLatitude": 1}, {"Id": "\\"a\\" <b> & \\\\c"}]'
    else:
        body = (
            '<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload">'
            "<sObject><Id>&quot;a&quot; &lt;b&gt; &amp; \\c</Id></sObject></sObjects>"
        )
    job, batch = talk.load("update", body, form)
    said = rows(page(org, f"/jobs/{job}"), "errors")

    assert said, talk.result(job, batch).text
    assert any(wrong in message for message, _ in said)


def test_results_of_a_query_of_bulk_1_can_be_had(org: LocalOrg) -> None:
    """One link for each result file."""
    org.holds("Account", 3)
    talk = Talk(org)
    org.limits.result_file_rows = 2
    job, batch = talk.load("query", "SELECT Id FROM Account")
    text = page(org, f"/jobs/{job}")
    links = re.findall(rf'href="(/jobs/{job}/batches/{batch}/results/752\w+)"', text)

    assert talk.files(job, batch) == [get(org, link).body for link in links]
    assert 2 == len(links)
    assert 404 == get(org, f"/jobs/{job}/batches/{batch}/results/752000000000000").status


def test_a_job_of_bulk_2_shows_counters_errors_and_files(org: LocalOrg) -> None:
    """What was sent, and what became of it, as the API gives it."""
    talk = Talk2(org)
    data = "Name,NumberOfEmployees\nA,1\nB,<b>\n"
    job = talk.load("insert", data)
    text = page(org, f"/jobs/{job}")
    told = facts(text)

    assert ["Bulk V2", "JobComplete", "100% 100%", "2", "1", "COMMA", "LF"] == [
        told[name]
        for name in (
            "Job type",
            "Status",
            "Progress",
            "Records processed",
            "Records failed",
            "Column delimiter",
            "Line ending",
        )
    ]
    ((message, times),) = rows(text, "errors")
    assert "'<b>' is not a valid value" in message
    assert "1" == times
    assert data == get(org, f"/jobs/{job}/upload").text
    for kind, path in {
        "successful": "successfulResults",
        "failed": "failedResults",
        "unprocessed": "unprocessedrecords",
    }.items():
        assert talk.result(job, path) == get(org, f"/jobs/{job}/{kind}").text
        assert f'href="/jobs/{job}/{kind}"' in text
    assert "data-again" not in text
    assert 404 == get(org, f"/jobs/{job}/results").status


def test_a_query_of_bulk_2_shows_its_text_and_its_result_in_one(org: LocalOrg) -> None:
    """All pages, one after the other."""
    org.holds("Account", 5)
    org.bulk2.page_rows = 2
    talk = Talk2(org)
    job = talk.query("SELECT Id FROM Account WHERE Name > 'A<'")

    assert "SELECT Id FROM Account WHERE Name > 'A<'" == facts(page(org, f"/jobs/{job}"))["Query"]
    assert talk.page(job, maxRecords=100).body == get(org, f"/jobs/{job}/results").body


def test_a_job_that_failed_says_why(org: LocalOrg) -> None:
    """In the words of the API."""
    job = Talk2(org).load("insert", "Nope\nA\n")

    assert "InvalidBatch : Field name not found : Nope" == facts(page(org, f"/jobs/{job}"))["Error"]
    assert "0 in progress, 1 completed, 1 of them failed." == status(page(org, "/"))


def test_files_are_for_keeping(org: LocalOrg) -> None:
    """A browser saves them under a name that says what they are, and does not look inside."""
    job = Talk2(org).load("insert", f"Name\n{HOSTILE.replace(chr(34), '')}\n")
    headers = get(org, f"/jobs/{job}/upload").headers

    assert f'attachment; filename="{job}-upload.csv"' == headers["content-disposition"]
    assert "application/octet-stream" == headers["content-type"]
    assert "nosniff" == headers["x-content-type-options"]


@pytest.mark.parametrize(
    "target",
    [
        "/jobs/750000000000001",
        "/jobs/750000000000001/upload",
        "/jobs/x/batches/y/request",
        "/objects/Nope",
        "/objects/Account/001000000000001AAA",
        "/objects/Nope/1",
    ],
)
def test_what_is_not_there(org: LocalOrg, target: str) -> None:
    """A page that says so, with 404."""
    answer = get(org, target)

    assert 404 == answer.status
    assert "There is no such job, object, record or file in this org, or no longer." in answer.text


def test_jobs_that_a_real_org_has_forgotten_are_not_listed(org: LocalOrg) -> None:
    """Seven days after their end."""
    Talk2(org).load("insert", "Name\nA\n")
    Talk(org).load("insert", "Name\nA\n")
    org.clock.advance(8 * 86_400)

    assert "0 in progress, 0 completed, 0 of them failed." == status(page(org, "/"))


# --- objects and records ----------------------------------------------------------------------------------------------


def test_objects_are_listed_with_how_many_records_they_hold(org: LocalOrg) -> None:
    """All of them, or those that hold any."""
    org.holds("Account", 3)
    listed = {line[0]: line[2] for line in rows(page(org, "/objects"), "objects")}
    filled = {line[0] for line in rows(page(org, "/objects?show=filled"), "objects")}

    assert ("3", "0") == (listed["Account"], listed["Contact"])
    assert len(list(org.schema.objects)) == len(listed)
    assert {"Account", "Organization", "Pricebook2", "Profile", "User"} == filled


def test_records_come_in_pages_forward_and_back(org: LocalOrg) -> None:
    """Each record once, in the order of the ids, whichever way."""
    ids = org.holds("Account", 120)
    seen: list[list[str]] = []
    text = page(org, "/objects/Account")
    while True:
        seen.append([line[0] for line in rows(text, "records")])
        found = re.search(r'href="([^"]*)"[^>]*id="next"', text)
        if found is None:
            break
        text = page(org, html.unescape(found[1]))

    assert [ids[:50], ids[50:100], ids[100:]] == seen
    back = re.search(r'href="([^"]*)"[^>]*id="previous"', text)
    assert back is not None
    assert ids[50:100] == [line[0] for line in rows(page(org, html.unescape(back[1])), "records")]


def test_columns_are_those_that_were_chosen(org: LocalOrg) -> None:
    """By default the name and what is filled; a name that is none of the object's is passed over."""
    org.holds("Account", [{"Name": "A", "AnnualRevenue": 12.5, "Industry": None}])
    by_default = page(org, "/objects/Account")
    chosen = page(org, '/objects/Account?columns=Industry&columns=annualrevenue&columns=Nope"&columns=BillingAddress')

    assert {"Name", "AnnualRevenue", "CreatedDate"} <= set(re.findall(r'<th scope="col"[^>]*>(\w+)</th>', by_default))
    assert ["Industry", "AnnualRevenue", "Deleted"] == re.findall(r'<th scope="col"[^>]*>(\w+)</th>', chosen)
    assert [["", "12.5", ""]] == [line[1:] for line in rows(chosen, "records")]


def test_deleted_records_are_told_apart(org: LocalOrg) -> None:
    """Shown with a word, left out, or alone."""
    kept, gone = org.holds("Account", 2)
    Talk2(org).load("delete", f"Id\n{gone}\n")

    assert [[kept, ""], [gone, "In recycle bin"]] == [
        [line[0], line[-1]] for line in rows(page(org, "/objects/Account"), "records")
    ]
    assert [kept] == [line[0] for line in rows(page(org, "/objects/Account?deleted=no"), "records")]
    assert [gone] == [line[0] for line in rows(page(org, "/objects/Account?deleted=only"), "records")]
    assert "In the recycle bin." == status(page(org, f"/objects/Account/{gone}"))


def test_a_record_shows_every_field_whole(org: LocalOrg) -> None:
    """And references lead to what they name."""
    (account,) = org.holds("Account", [{"Name": "A", "Description": "x" * 500}])
    (contact,) = org.holds("Contact", [{"LastName": "B", "AccountId": account}])

    assert "x" * 500 == facts(page(org, f"/objects/Account/{account}"))["Description"]
    assert f'<a href="/objects/Account/{account}">{account}</a>' in page(org, f"/objects/Contact/{contact}")


# --- limits, faults, requests -----------------------------------------------------------------------------------------


def test_limits_and_faults_are_shown(org: LocalOrg) -> None:
    """What is used up, what is to go wrong and what did, and what was asked."""
    talk = Talk2(org)
    org.faults.plan("rest.limits", "503")
    org.faults.plan("query2.results", "503", times=2)
    assert 503 == talk.ask("GET", "limits").status
    text = page(org, "/org")

    assert ["DailyApiRequests", "115,000", "0", "115,000"] == rows(text, "limits")[0]
    assert [["rest.limits", "503", "1", "1", "Done"], ["query2.results", "503", "0", "2", "Not yet"]] == rows(
        text, "plans"
    )
    assert [["rest.limits", "503", "/services/data/v66.0/limits"]] == rows(text, "met")
    assert [["rest.limits", "1"]] == rows(text, "requests")
    assert "1 faults met, 1 to come." == status(text)


def test_looking_leaves_no_trace(org: LocalOrg) -> None:
    """The page is no part of the org: it is not counted, not written down, uses up no limit and meets no fault."""
    org.faults.plan("*", "503")
    for target in ("/", "/org", "/objects", "/objects/Account", "/page.css", "/page.js", "/page.svg"):
        assert 200 == get(org, target).status

    assert (0, []) == (org.requests(), list(org.seen))
    assert 0 == org.limits.api_requests.used
    assert 1 == len(org.faults.unmet())


# --- safety -----------------------------------------------------------------------------------------------------------


def test_nothing_that_is_shown_can_be_markup() -> None:
    """Names of objects and fields, labels, values, queries, errors and parameters: each comes out as the text that it is."""
    name = f"{HOSTILE.replace('/', '')}__c".replace('"', "")
    object = SObject.define(name, "a9x", [Field("<i>F</i>__c", label=HOSTILE)], label=HOSTILE)
    with LocalOrg(schema=Schema.standard().with_object(object)) as org:
        org.clock.pause()
        (record,) = org.holds(name, [{"Name": HOSTILE[:80], "<i>F</i>__c": HOSTILE}])
        org.holds("Account", [{"Name": HOSTILE}])
        job = Talk2(org).load("insert", f'Name,NumberOfEmployees\nA,"{HOSTILE.replace(chr(34), chr(34) * 2)}"\n')
        failed = Talk2(org).load("insert", '"<script>x</script>"\nA\n')
        quoted = name.replace("<", "%3C").replace(">", "%3E").replace(" ", "%20").replace("&", "%26")
        texts = [
            page(org, target)
            for target in (
                "/",
                "/?object=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&page=%3Cscript%3E",
                f"/jobs/{job}",
                f"/jobs/{failed}",
                "/objects",
                "/objects/Account",
                f"/objects/{quoted}",
                f"/objects/{quoted}?columns=%3Ci%3EF%3C/i%3E__c&deleted=%3Cscript%3E",
                f"/objects/{quoted}/{record}",
            )
        ]

    for text in texts:
        assert 1 == len(re.findall("<script", text, re.IGNORECASE)), text  # our own
        assert not re.search(r"<img|<i>|<b>|\bon\w+=[^&]*>(?![^<]*</)", text), text
    assert HOSTILE in plain(texts[8]).replace("\n", "")


def test_every_page_forbids_what_it_does_not_need(org: LocalOrg) -> None:
    """Nothing from elsewhere, no frames, and no other origin may read it."""
    headers = get(org, "/").headers

    assert (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        == headers["content-security-policy"]
    )
    assert ("DENY", "nosniff", "same-origin") == (
        headers["x-frame-options"],
        headers["x-content-type-options"],
        headers["cross-origin-resource-policy"],
    )
    assert not [name for name in headers if name.startswith("access-control-")]
    assert not re.search(r"https?://|style=|<script(?! src=\"/page.js\")", page(org, "/"))


@pytest.mark.parametrize("host", ["localhost", "localhost:8026", "127.0.0.1", "127.8.9.1:1", "[::1]:99", "LOCALHOST:1"])
def test_the_names_of_this_machine_are_welcome(org: LocalOrg, host: str) -> None:
    """With a port or without."""
    assert 200 == get(org, "/", host).status


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "[::2]",
        "a[::1]",
        "127.0.0.1:80:80",
        "@127.0.0.1",
    ],
)
def test_a_page_from_elsewhere_is_refused(org: LocalOrg, host: str) -> None:
    """A name that was made to lead here says what it is (DNS rebinding)."""
    org.holds("Account", [{"Name": "Secret"}])
    for target in ("/", "/objects/Account", "/org", "/page.js"):
        answer = get(org, target, host)
        assert 403 == answer.status
        assert (
            "This page shows all that the local org holds, and asks for no password. It is there for browsers on the machine "
            "that the org runs on, while the org listens on a loopback address, under the name localhost or 127.0.0.1.\n"
            == answer.text
        )


def test_an_org_that_others_can_reach_shows_no_page() -> None:
    """Whatever name it is asked under; and it warns that others can reach it."""
    with pytest.warns(OpenToOthers) as told, LocalOrg(host="0.0.0.0") as org:
        statuses = {get(org, target).status for target in ("/", "/objects", "/org")}

    assert {403} == statuses
    assert [
        "The local org listens on 0.0.0.0: whoever reaches this machine reaches it, too, and what is sent is not encrypted, "
        "passwords and tokens included. Let it hold nothing that others must not see, or leave out host=."
    ] == [str(warning.message) for warning in told]


def test_a_loopback_address_of_either_kind_is_no_cause_for_a_warning() -> None:
    """By default, by name, and of version 6."""
    for host in ("127.0.0.1", "localhost", "127.0.0.2"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with LocalOrg(host=host) as org:
                assert org.server.is_local


def test_the_page_can_be_left_out() -> None:
    """Then there is nothing at its paths, as in a real org."""
    with LocalOrg(page=False) as org:
        assert {404} == {get(org, target).status for target in ("/", "/objects", "/org", "/page.css")}


def test_it_can_be_left_out_of_an_org_in_a_process_of_its_own() -> None:
    """``python -m salesforce_bulk.emulator --no-page``."""
    command = [sys.executable, "-m", "salesforce_bulk.emulator", "--port", "0", "--no-page"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["url"].rsplit(":", 1)[1])
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
                connection.request("GET", "/", headers={"Host": "localhost"})
                assert 404 == connection.getresponse().status
        finally:
            process.terminate()


def test_an_address_of_version_6_has_its_page_as_well() -> None:
    """In brackets, as URLs have it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no loopback address of version 6")
    with LocalOrg(host="::1") as org, closing(http.client.HTTPConnection("::1", org.server.port, timeout=20)) as asked:
        assert f"http://[::1]:{org.server.port}" == org.url
        asked.request("GET", "/")
        assert 200 == asked.getresponse().status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_it_can_only_be_looked_at(org: LocalOrg, method: str) -> None:
    """Nothing can be changed through it, and nobody is asked for leave."""
    answer = get(org, "/", method=method)

    assert (405, "GET") == (answer.status, answer.headers["allow"])


def test_other_paths_are_none(org: LocalOrg) -> None:
    """As before there was a page."""
    for target in ("/elsewhere", "/services", "/page.html", "/../../etc/passwd", "/page/../page.css"):
        assert (404, b"") == (get(org, target).status, get(org, target).body)

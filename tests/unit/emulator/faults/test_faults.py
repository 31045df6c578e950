"""Faults of the local org, planned and counted: each kind, on the APIs that can meet it, over plain HTTP."""

from __future__ import annotations

import csv
import gzip
import http.client
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.bulk1_talk import Answer, Talk
from tests.support.bulk2_talk import Talk2, read_csv

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        org.clock.pause()
        yield org
        org.faults.check()


@pytest.fixture
def one(org: LocalOrg) -> Talk:
    return Talk(org)


@pytest.fixture
def two(org: LocalOrg) -> Talk2:
    return Talk2(org)


def names(org: LocalOrg) -> list[str]:
    return sorted(row["Name"] for row in org.rows("SELECT Name FROM Account"))


def raw(org: LocalOrg, path: str, *headers: str) -> bytes:
    """All bytes that come back until the org closes or resets, or 0.3 seconds pass without any."""
    head = "".join(
        f"{line}\r\n"
        for line in (f"GET {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {org.access_token}", *headers)
    )
    received = b""
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=0.3) as sock:
        sock.sendall(head.encode() + b"\r\n")
        try:
            while piece := sock.recv(65_536):
                received += piece
        except TimeoutError:
            received += b"<silence>"
        except ConnectionResetError:
            received += b"<reset>"
    return received


# --- planning ---------------------------------------------------------------------------------------------------------


def test_a_fault_is_met_once_and_counted(org: LocalOrg, two: Talk2) -> None:
    """And the next request passes."""
    planned = org.faults.plan("ingest2.create_job", "503-html")

    assert 503 == two.ask("POST", "jobs/ingest", {"object": "Account", "operation": "insert"}).status
    assert 200 == two.ask("POST", "jobs/ingest", {"object": "Account", "operation": "insert"}).status
    assert 1 == planned.met
    assert ["ingest2.create_job 503-html /services/data/v66.0/jobs/ingest"] == [
        f"{met.name} {met.fault} {met.target}" for met in org.faults.met
    ]
    assert 2 == org.requests("ingest2.create_job") == org.requests("ingest.create_job")


def test_short_names_are_names(org: LocalOrg, two: Talk2) -> None:
    """``query.`` and ``ingest.`` are the requests of Bulk API 2.0."""
    planned = org.faults.plan("query.results", "500", times=2)

    assert "query2.results 500: met 0 of 2" == str(planned)
    org.faults.clear()


def test_so_many_pass_first(org: LocalOrg, two: Talk2) -> None:
    """``after=2, times=2``: the third and the fourth."""
    org.faults.plan("rest.limits", "500", after=2, times=2)

    assert [200, 200, 500, 500, 200] == [two.ask("GET", "limits").status for _ in range(5)]


def test_only_what_matches_meets_it(org: LocalOrg, two: Talk2) -> None:
    """A text of the path, the query or the body."""
    org.faults.plan("rest.describe", "500", matching="Contact")
    org.faults.plan("ingest2.create_job", "500", matching='"delete"')

    assert 200 == two.ask("GET", "sobjects/Account/describe").status
    assert 500 == two.ask("GET", "sobjects/Contact/describe").status
    assert 200 == two.ask("POST", "jobs/ingest", {"object": "Account", "operation": "insert"}).status
    assert 500 == two.ask("POST", "jobs/ingest", {"object": "Account", "operation": "delete"}).status


def test_plans_are_looked_at_in_order(org: LocalOrg, two: Talk2) -> None:
    """The first that is still open wins; patterns and the star name many requests."""
    org.faults.plan("rest.l*", "500")
    org.faults.plan("*", "503")

    assert [500, 503, 200] == [two.ask("GET", "limits").status for _ in range(3)]


def test_an_abort_has_its_own_name(org: LocalOrg, two: Talk2) -> None:
    """Though it is the same PATCH as the end of an upload."""
    org.faults.plan("ingest2.abort_job", "500")
    org.faults.plan("ingest2.upload_complete", "502")
    job = two.create()

    assert 500 == two.change(job, "Aborted").status
    assert 200 == two.change(job, "Aborted").status
    assert 502 == two.change(job, "UploadComplete").status


def test_a_fault_that_nobody_met_fails_the_test(org: LocalOrg, two: Talk2) -> None:
    """The error says which, and how often it was met."""
    org.faults.plan("query2.results", "reset-after-64k")
    org.faults.plan("rest.limits", "500", times=2)
    two.ask("GET", "limits")

    with pytest.raises(AssertionError) as caught:
        org.faults.check()
    assert "Planned and not met: query2.results reset-after-64k: met 0 of 1; rest.limits 500: met 1 of 2" == str(
        caught.value
    )
    assert ["query2.results", "rest.limits"] == [planned.request for planned in org.faults.unmet()]
    org.faults.clear()
    org.faults.check()


def test_reset_forgets_what_was_planned(org: LocalOrg) -> None:
    """As everything else."""
    org.faults.plan("*", "500")
    org.reset()

    assert [] == org.faults.unmet() == org.faults.met
    assert 200 == Talk2(org).ask("GET", "limits").status


def test_chance_is_drawn_by_the_seed(org: LocalOrg, two: Talk2) -> None:
    """The same requests meet the same faults, whatever other requests come between them; another seed, other ones."""

    def soak(seed: int, *, between: bool) -> list[int]:
        org.faults.clear()
        org.faults.plan("rest.*", ("500", "502"), chance=0.5, seed=seed)
        statuses = []
        for _ in range(20):
            if between:
                two.ask("GET", "sobjects")
            statuses.append(two.ask("GET", "limits").status)
        return statuses

    first = soak(1, between=False)

    assert {200, 500, 502} == set(first)
    assert first == soak(1, between=True)
    assert first != soak(2, between=False)
    assert [] == org.faults.unmet()


def test_passing_faults_are_a_choice_of_their_own(org: LocalOrg) -> None:
    """``"passing"``: what asking again gets over."""
    planned = org.faults.plan("*", "passing", chance=0.0)

    assert (
        "reset-before", "reset-after", "reset-after-64k", "truncated-gzip", "lying-length", "502", "503-html", "429"
    ) == planned.faults  # fmt: skip


@pytest.mark.parametrize(
    ("request_name", "fault", "more", "text"),
    [
        ("rest.nothing", "500", {}, "There is no request 'rest.nothing'. There are bulk1.add_batch, "),
        ("*", "flood", {}, "There is no fault 'flood'. There are 406-empty, "),
        ("*", "500-3", {}, "There is no fault '500-3'. "),
        ("rest.limits", "missing-locator", {}, "rest.limits cannot meet 'missing-locator'. What can: query2.results"),
        ("query2.get_job", "job-failed", {}, "query2.get_job cannot meet 'job-failed'. What can: bulk1.batch, ingest2.job, query2.job"),
        ("query2.job", "job-failed-after-5", {}, "query2.job cannot meet 'job-failed-after-5'. What can: bulk1.batch, ingest2.job"),
        ("ingest2.job", "500", {}, "ingest2.job cannot meet '500'. "),
        ("*", ("500", "502"), {}, "Several faults are drawn from by chance: say chance="),
        ("*", "500", {"chance": 2}, "chance is 2, and is between 0 and 1"),
    ],
)  # fmt: skip
def test_what_cannot_come_to_pass_is_refused(
    org: LocalOrg, request_name: str, fault: str, more: dict[str, float], text: str
) -> None:
    """At the plan, not when the test is over."""
    with pytest.raises(ValueError) as caught:
        org.faults.plan(request_name, fault, **more)  # type: ignore[arg-type]
    assert str(caught.value).startswith(text)
    assert [] == org.faults.unmet()


# --- the connection ---------------------------------------------------------------------------------------------------


def test_reset_before_applies_nothing(org: LocalOrg, two: Talk2) -> None:
    """The connection is reset, and no record is there."""
    org.faults.plan("collections.insert", "reset-before")
    record = {"attributes": {"type": "Account"}, "Name": "A"}

    with pytest.raises(ConnectionResetError):
        two.ask("POST", "composite/sobjects", {"records": [record]})
    assert [] == names(org)
    assert 0 == org.seen[-1].status


def test_reset_after_applies_all(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """The answer is lost; the record, the batch and the job are there."""
    org.faults.plan("*", "reset-after", times=3)
    record = {"attributes": {"type": "Account"}, "Name": "A"}

    with pytest.raises(ConnectionResetError):
        two.ask("POST", "composite/sobjects", {"records": [record]})
    with pytest.raises(ConnectionResetError):
        two.ask("POST", "jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})
    with pytest.raises(ConnectionResetError):
        one.create("insert")
    assert ["A"] == names(org)
    assert 1 == len(two.ask("GET", "jobs/query").json()["records"])
    assert ["Classic"] == [job["jobType"] for job in two.ask("GET", "jobs/ingest").json()["records"]]


def test_reset_after_so_many_bytes(org: LocalOrg, two: Talk2) -> None:
    """Of the whole answer, its head included. A later request for the page finds it whole."""
    org.holds("Account", 5_000)
    job = two.query("SELECT Id FROM Account")
    path = f"/services/data/v66.0/jobs/query/{job}/results"
    org.faults.plan("query2.results", "reset-after-64k")

    broken = raw(org, path)
    assert broken.startswith(b"HTTP/1.1 200 OK\r\n")
    assert broken.endswith(b"<reset>")
    assert 65_536 >= len(broken.removesuffix(b"<reset>"))
    assert 5_000 == len(read_csv(two.page(job).text))


def test_reset_after_more_bytes_than_there_are(org: LocalOrg) -> None:
    """The end of a short answer is held back: it never is complete."""
    org.faults.plan("rest.versions", "reset-after-1m")

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        Talk2(org).ask("GET", "/services/data")


@pytest.mark.parametrize(
    ("fault", "seen"), [("stall", b"<silence>"), ("stall-after-20", b"HTTP/1.1 200 OK\r\nDat<silence>")]
)
def test_a_stall_lasts_as_long_as_the_client_waits(org: LocalOrg, fault: str, seen: bytes) -> None:
    """The connection stays open, and nothing more comes."""
    org.faults.plan("rest.versions", fault)

    assert seen == raw(org, "/services/data")


def test_a_stall_ends_with_the_server() -> None:
    """A test that stalls can be torn down."""
    org = LocalOrg().start()
    org.faults.plan("rest.versions", "stall")
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=20) as sock:
        sock.sendall(b"GET /services/data HTTP/1.1\r\nHost: x\r\n\r\n")
        while not org.faults.met:
            pass
        org.stop()
        assert b"" == sock.recv(100)


# --- the body ---------------------------------------------------------------------------------------------------------


def test_truncated_bodies_are_framed_as_if_whole(org: LocalOrg, two: Talk2) -> None:
    """Half of the bytes, or as many as were said; the length agrees with them."""
    whole = two.ask("GET", "/services/data")
    org.faults.plan("rest.versions", "truncated")
    org.faults.plan("rest.versions", "truncated-after-10")

    half = two.ask("GET", "/services/data")
    assert whole.body[: len(whole.body) // 2] == half.body
    assert str(len(half.body)) == half.headers["Content-Length"]
    assert whole.body[:10] == two.ask("GET", "/services/data").body


def test_truncated_gzip_is_met_by_those_who_accept_gzip(org: LocalOrg, two: Talk2) -> None:
    """The frame is whole, the stream in it is not."""
    org.faults.plan("rest.versions", "truncated-gzip")

    assert two.ask("GET", "/services/data").json()
    broken = two.ask("GET", "/services/data", Accept_Encoding="gzip")
    assert "gzip" == broken.headers["Content-Encoding"]
    assert str(len(broken.body)) == broken.headers["Content-Length"]
    with pytest.raises(EOFError):
        gzip.decompress(broken.body)


def test_a_lying_length_promises_bytes_that_never_come(org: LocalOrg, two: Talk2) -> None:
    """The connection is closed before they have."""
    org.faults.plan("rest.versions", "lying-length")

    with pytest.raises(http.client.IncompleteRead) as caught:
        two.ask("GET", "/services/data", Accept_Encoding="gzip")
    assert 100 == caught.value.expected


def test_a_short_length_leaves_bytes_before_the_next_reply(org: LocalOrg) -> None:
    """The connection stays open, and a client reads the rest of this answer as the beginning of the next."""
    org.faults.plan("rest.versions", "lying-length-short")

    head, _, body = raw(org, "/services/data").partition(b"\r\n\r\n")
    body = body.removesuffix(b"<silence>")
    assert f"Content-Length: {len(body) // 2}".encode() in head.splitlines()
    assert body.endswith(b"]")


def test_garbled_bodies(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """Not text, under the type of the answer; the same for the same plan."""
    job = one.create("insert")
    org.faults.plan("*", "garbled", times=2, seed=7)

    first, second = two.ask("GET", "limits"), one.bulk("GET", f"job/{job}")
    assert ("application/json;charset=UTF-8", "application/xml") == (
        first.headers["Content-Type"],
        second.headers["Content-Type"],
    )
    for answer in (first, second):
        assert 200 == answer.status
        with pytest.raises(UnicodeDecodeError):
            answer.body.decode()
    org.faults.plan("rest.limits", "garbled", seed=7)
    assert first.body == two.ask("GET", "limits").body


# --- other answers ----------------------------------------------------------------------------------------------------

GATEWAY = (
    "<html>\n<head><title>503 Service Unavailable</title></head>\n"
    "<body><center><h1>503 Service Unavailable</h1></center></body>\n</html>\n"
)


def test_errors_of_the_edge(org: LocalOrg, two: Talk2) -> None:
    """A page in HTML, or nothing at all, in the place of the API's answer."""
    for fault in ("502", "503-html", "504", "503-empty", "406-empty", "420-empty", "429-html"):
        org.faults.plan("rest.limits", fault)

    answers = [two.ask("GET", "limits") for _ in range(7)]
    assert [502, 503, 504, 503, 406, 420, 429] == [answer.status for answer in answers]
    assert (GATEWAY, "text/html; charset=UTF-8") == (answers[1].text, answers[1].headers["Content-Type"])
    assert [b"", b"", b""] == [answer.body for answer in answers[3:6]]


def test_errors_of_the_api(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """500 and 503 in the words of each API."""
    org.faults.plan("*", "500", times=3)
    assert (500, "InternalServerError") == one.bulk("GET", "job/750000000000000").error[:2]
    assert (500, "UNKNOWN_EXCEPTION") == refusal(two.ask("GET", "limits"))
    assert (500, "UNKNOWN_EXCEPTION") == refusal(two.ask("GET", "jobs/query"))
    org.faults.plan("*", "503-30", times=3)
    said = one.bulk("GET", "job/750000000000000")
    assert ((503, "Unknown"), "30") == (said.error[:2], said.headers["Retry-After"])
    assert (503, "SERVER_UNAVAILABLE") == refusal(two.ask("GET", "limits"))
    assert (503, "SERVER_UNAVAILABLE") == refusal(two.ask("GET", "jobs/ingest"))


def refusal(answer: Answer) -> tuple[int, str]:
    (error,) = answer.json()
    return answer.status, error["errorCode"]


def test_nothing_is_applied_unless_the_plan_says_so(org: LocalOrg, two: Talk2) -> None:
    """``applied=True``: the gateway loses the answer to what was done."""
    body = {"records": [{"attributes": {"type": "Account"}, "Name": "A"}]}
    org.faults.plan("collections.insert", "502")
    assert 502 == two.ask("POST", "composite/sobjects", body).status
    assert [] == names(org)

    org.faults.plan("collections.insert", "502", applied=True)
    assert 502 == two.ask("POST", "composite/sobjects", body).status
    assert ["A"] == names(org)


def test_429_says_when_to_come_back(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """After a second, or after as many as were said."""
    org.faults.plan("*", "429")
    org.faults.plan("*", "429-7")

    first, second = two.ask("GET", "limits"), one.bulk("GET", "job/750000000000000")
    assert [(429, "1"), (429, "7")] == [(said.status, said.headers["Retry-After"]) for said in (first, second)]


def test_limits_of_requests(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """In the words of each API; the limit of the day and that of the moment bear one code."""
    org.faults.plan("*", "request-limit", times=2)
    org.faults.plan("*", "concurrent-limit")

    assert (400, "ExceededQuota", "TotalRequests Limit exceeded.") == one.bulk("GET", "job/750000000000000").error
    assert (403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]) == told(two)
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    assert (403, [{"message": text, "errorCode": "REQUEST_LIMIT_EXCEEDED"}]) == told(two)


def told(two: Talk2) -> tuple[int, list[dict[str, str]]]:
    answer = two.ask("GET", "jobs/query")
    return answer.status, answer.json()


def test_logins_meet_faults_too(org: LocalOrg, two: Talk2) -> None:
    """SOAP says them as a fault, OAuth as JSON."""
    org.faults.plan("login.soap", "request-limit")
    org.faults.plan("login.soap", "503")
    org.faults.plan("oauth.token", "503")
    org.faults.plan("oauth.token", "request-limit")

    assert "<sf:exceptionCode>REQUEST_LIMIT_EXCEEDED</sf:exceptionCode>" in soap(two).text
    assert (503, True) == ((answer := soap(two)).status, "SERVER_UNAVAILABLE" in answer.text)
    assert (503, "temporarily_unavailable") == token(two)
    assert (400, "invalid_grant") == token(two)


def soap(two: Talk2) -> Answer:
    return two.ask("POST", "/services/Soap/u/60.0", "<a/>", SOAPAction="login", Content_Type="text/xml")


def token(two: Talk2) -> tuple[int, str]:
    answer = two.ask("POST", "/services/oauth2/token", "grant_type=password")
    return answer.status, answer.json()["error"]


def test_a_login_page_with_200(org: LocalOrg, two: Talk2) -> None:
    """As an org answers that was moved, or a proxy."""
    org.faults.plan("query2.get_job", "html")

    answer = two.ask("GET", "jobs/query/750000000000000")
    assert (200, "text/html; charset=UTF-8") == (answer.status, answer.headers["Content-Type"])
    assert answer.text.startswith("<!DOCTYPE html>")


def test_redirects_lead_away(org: LocalOrg, two: Talk2) -> None:
    """To a host that there is not, or to one that the test listens on."""
    org.faults.plan("rest.limits", "redirect")
    org.faults.plan("rest.limits", "redirect-307", to="http://127.0.0.1:1")

    first, second = two.ask("GET", "limits"), two.ask("GET", "limits")
    assert (302, "https://elsewhere.example.com/services/data/v66.0/limits") == (
        first.status,
        first.headers["Location"],
    )
    assert (307, "http://127.0.0.1:1/services/data/v66.0/limits") == (second.status, second.headers["Location"])


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_an_expired_session_stays_expired(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """It is refused in the words of each API until the client logs in again."""
    org.faults.plan("rest.limits", "session-expired")
    org.faults.plan("bulk1.get_job", "session-expired")
    job = one.create("insert")
    expired = (401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])

    answers = [two.ask("GET", "limits") for _ in range(2)]
    assert [expired, expired] == [(answer.status, answer.json()) for answer in answers]
    one.token = two.token = org.access_token
    assert 200 == two.ask("GET", "limits").status
    assert [(400, "InvalidSessionId", "Invalid session id")] * 2 == [
        one.bulk("GET", f"job/{job}").error for _ in range(2)
    ]
    one.token = org.access_token
    assert 200 == one.bulk("GET", f"job/{job}").status


def test_a_session_is_refused_once(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """The same token is good for the next request."""
    job = one.create("insert", "JSON")
    org.faults.plan("*", "session-refused", times=2)

    assert (401, "INVALID_SESSION_ID") == refusal(two.ask("GET", "jobs/ingest"))
    assert (400, "InvalidSessionId") == one.bulk("GET", f"job/{job}", Content_Type="application/json").error[:2]
    assert [200, 200] == [two.ask("GET", "jobs/ingest").status, one.bulk("GET", f"job/{job}").status]


def test_401s_that_no_new_session_helps(org: LocalOrg, two: Talk2) -> None:
    """The two texts that clients must not answer with another login."""
    org.faults.plan("query2.*", "unauthorized-for-good")
    org.faults.plan("query2.*", "unauthorized-agent")

    code = "INVALID_SESSION_ID"
    assert (401, [{"message": "This session is not valid for use with the REST API", "errorCode": code}]) == told(two)
    assert (401, [{"message": "Connected app is not attached to Agent", "errorCode": code}]) == told(two)


# --- results ----------------------------------------------------------------------------------------------------------


def test_a_missing_locator_is_met_where_there_are_more_pages(org: LocalOrg, two: Talk2) -> None:
    """Not on the last page, which has none to lose."""
    org.holds("Account", 3)
    job = two.query("SELECT Id FROM Account")
    org.faults.plan("query2.results", "missing-locator")

    assert "null" == two.page(job).headers["Sforce-Locator"]
    broken = two.page(job, maxRecords=2)
    assert ("2", False) == (broken.headers["Sforce-NumberOfRecords"], "Sforce-Locator" in broken.headers)
    assert "Sforce-Locator" in two.page(job, maxRecords=2).headers


def results(org: LocalOrg, one: Talk, two: Talk2) -> dict[str, Callable[[], Answer]]:
    """Every request for rows in CSV, by its name."""
    query = two.query("SELECT Id, Name FROM Account")
    ingest = two.load("insert", "Name,NumberOfEmployees\nA,1\nB,x\n")
    job, batch = one.load("insert", "Name\nC\n")
    query1 = one.create("query")
    batch1 = one.add(query1, "SELECT Id, Name FROM Account")
    one.settle()
    result = one.bulk("GET", f"job/{query1}/batch/{batch1}/result").text.partition("<result>")[2][:15]
    return {
        "query2.results": lambda: two.page(query),
        "ingest2.successful_results": lambda: two.ask("GET", f"jobs/ingest/{ingest}/successfulResults"),
        "ingest2.failed_results": lambda: two.ask("GET", f"jobs/ingest/{ingest}/failedResults"),
        "bulk1.batch_result": lambda: one.result(job, batch),
        "bulk1.query_result": lambda: one.bulk("GET", f"job/{query1}/batch/{batch1}/result/{result}"),
    }


def test_malformed_csv_and_short_pages(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """On every result of both Bulk APIs: one quote is gone, and one row."""
    org.holds("Account", [{"Name": 'two\n"lines"\n'}, {"Name": 'two\n"lines"\n'}])
    for name, ask in results(org, one, two).items():
        whole = ask().text
        org.faults.plan(name, "malformed-csv")
        broken = ask().text
        assert (len(whole) - 1, 1) == (len(broken), broken.count('"') % 2), name

        org.faults.plan(name, "short-page")
        short = ask().text
        assert list(csv.reader(io.StringIO(whole, newline="")))[:-1] == list(
            csv.reader(io.StringIO(short, newline=""))
        ), name
        assert whole == ask().text, name


def test_a_short_page_of_rest(org: LocalOrg, two: Talk2) -> None:
    """``totalSize`` tells more records than there are."""
    org.holds("Account", 3)
    org.faults.plan("rest.query", "short-page")

    answer = two.ask("GET", "query?q=SELECT+Id+FROM+Account").json()
    assert (3, 2) == (answer["totalSize"], len(answer["records"]))


def test_wrong_counts(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """One row too many in the header of a page, in jobs and batches of either API, and in REST."""
    org.holds("Account", 3)
    query = two.query("SELECT Id FROM Account")
    ingest = two.load("insert", "Name\nA\n")
    job, batch = one.load("insert", "Name\nC\n")
    json_job = one.create("insert", "JSON")
    one.add(json_job, '[{"Name": "D"}]', "JSON")
    one.settle()
    for name in (
        "query2.results",
        "query2.get_job",
        "ingest2.get_job",
        "bulk1.get_batch",
        "bulk1.get_job",
        "rest.query",
    ):
        org.faults.plan(name, "wrong-count")

    assert "4" == two.page(query).headers["Sforce-NumberOfRecords"]
    assert 4 == two.info(query, "query")["numberRecordsProcessed"]
    assert 2 == two.info(ingest)["numberRecordsProcessed"]
    assert "2" == one.batch(job, batch).get("numberRecordsProcessed")
    assert 2 == one.bulk("GET", f"job/{json_job}").json()["numberRecordsProcessed"]
    assert 7 == two.ask("GET", "query?q=SELECT+Id+FROM+Account").json()["totalSize"]


def test_counters_that_are_not_there_cannot_lie(org: LocalOrg, two: Talk2) -> None:
    """The fault waits for an answer that has some."""
    org.faults.plan("ingest2.get_job", "wrong-count")
    job = two.create()

    assert "numberRecordsProcessed" not in two.info(job)
    assert ["ingest2.get_job wrong-count: met 0 of 1"] == [str(planned) for planned in org.faults.unmet()]
    two.upload(job, "Name\nA\n")
    two.change(job, "UploadComplete")
    two.settle()
    assert 2 == two.info(job)["numberRecordsProcessed"]


# --- work -------------------------------------------------------------------------------------------------------------

GAVE_UP = "TooManyLockFailure : Too many lock failure 200 Trying again later."
FIVE = "Name\nA\nB\nC\nD\nE\n"


def test_an_ingest_job_fails_midway(org: LocalOrg, two: Talk2) -> None:
    """What was done before is done, and the other rows are unprocessed. The next job is none the worse."""
    org.faults.plan("ingest2.job", "job-failed-after-2")
    job = two.load("insert", FIVE)

    info = two.info(job)
    assert ("Failed", GAVE_UP, 2) == (info["state"], info["errorMessage"], info["numberRecordsProcessed"])
    assert ["A", "B"] == names(org)
    assert {"A", "B"} == {row["Name"] for row in two.rows(job, "successfulResults")}
    assert ["C", "D", "E"] == [row["Name"] for row in two.rows(job, "unprocessedrecords")]
    assert "JobComplete" == two.info(two.load("insert", FIVE))["state"]


def test_an_ingest_job_fails_before_its_first_row(org: LocalOrg, two: Talk2) -> None:
    """All rows are unprocessed. *matching* picks the job by its object and operation."""
    org.faults.plan("ingest2.job", "job-failed", matching="insert Account")
    contact = two.load("insert", "LastName\nA\n", "Contact")
    job = two.load("insert", FIVE)

    assert ["JobComplete", "Failed"] == [two.info(contact)["state"], two.info(job)["state"]]
    assert [] == names(org)
    assert 5 == len(two.rows(job, "unprocessedrecords"))


def test_an_ingest_job_is_aborted_by_somebody(org: LocalOrg, two: Talk2) -> None:
    """Before the first row, or midway."""
    org.faults.plan("ingest2.job", "job-aborted-after-3")
    org.faults.plan("ingest2.job", "job-aborted")
    jobs = [two.load("insert", FIVE), two.load("insert", FIVE)]

    assert [("Aborted", 3), ("Aborted", 0)] == [
        ((info := two.info(job))["state"], info["numberRecordsProcessed"]) for job in jobs
    ]
    assert ["A", "B", "C"] == names(org)
    assert [2, 5] == [len(two.rows(job, "unprocessedrecords")) for job in jobs]


def test_a_job_that_ends_before_its_fault_has_not_met_it(org: LocalOrg, two: Talk2) -> None:
    """The plan says 100 rows, there are five."""
    org.faults.plan("ingest2.job", "job-failed-after-100")

    assert "JobComplete" == two.info(two.load("insert", FIVE))["state"]
    assert 1 == len(org.faults.unmet())
    org.faults.clear()


def test_query_jobs_fail_and_are_aborted(org: LocalOrg, two: Talk2) -> None:
    """A failed query has no errorMessage, as recorded."""
    org.faults.plan("query2.job", "job-failed")
    org.faults.plan("query2.job", "job-aborted")
    jobs = [two.create_query("SELECT Id FROM Account").json()["id"] for _ in range(2)]
    two.settle()

    infos = [two.info(job, "query") for job in jobs]
    assert ["Failed", "Aborted"] == [info["state"] for info in infos]
    assert not any("errorMessage" in info for info in infos)
    assert 400 == two.page(jobs[0]).status


def test_a_batch_fails_midway(org: LocalOrg, one: Talk) -> None:
    """The rows that were done stand in its result; the other batch of the job is none the worse."""
    org.faults.plan("bulk1.batch", "job-failed-after-2")
    job = one.create("insert")
    first, second = one.add(job, FIVE), one.add(job, "Name\nF\n")
    one.settle()

    assert GAVE_UP == one.message(job, first)
    assert "2" == one.batch(job, first).get("numberRecordsProcessed")
    assert 3 == len(one.result(job, first).text.splitlines())
    assert "Completed" == one.batch(job, second).get("state")
    assert ["A", "B", "F"] == names(org)


def test_a_batch_fails_before_its_first_row(org: LocalOrg, one: Talk) -> None:
    """It has no results, whether it loads or queries."""
    org.faults.plan("bulk1.batch", "job-failed", times=2)
    job, batch = one.load("insert", FIVE)
    query, other = one.load("query", "SELECT Id FROM Account")

    assert [GAVE_UP, GAVE_UP] == [one.message(job, batch), one.message(query, other)]
    assert (400, "InvalidBatch", "Records not processed") == one.result(job, batch).error
    assert [] == names(org)


def test_a_batch_is_not_processed(org: LocalOrg, one: Talk) -> None:
    """Its job stays open."""
    org.faults.plan("bulk1.batch", "not-processed")
    job, batch = one.load("insert", FIVE)

    assert ("NotProcessed", "0") == (
        one.batch(job, batch).get("state"),
        one.batch(job, batch).get("numberRecordsProcessed"),
    )
    assert "Open" == one.bulk("GET", f"job/{job}").get("state")
    assert [] == names(org)


def test_a_job_of_batches_is_aborted_by_somebody(org: LocalOrg, one: Talk) -> None:
    """The batch that was about to begin, and those that wait."""
    org.faults.plan("bulk1.batch", "job-aborted")
    job = one.create("insert", concurrencyMode="Serial")
    batches = [one.add(job, FIVE), one.add(job, FIVE)]
    one.settle()

    assert "Aborted" == one.bulk("GET", f"job/{job}").get("state")
    assert ["NotProcessed", "NotProcessed"] == [one.batch(job, batch).get("state") for batch in batches]
    assert [] == names(org)


def test_slow_work_goes_on_when_it_was_looked_at(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """So many times, however much time passes: a job by its own id, a batch by its own or its job's."""
    org.faults.plan("ingest2.job", "slow-2")
    org.faults.plan("query2.job", "slow")
    org.faults.plan("bulk1.batch", "slow-2")
    ingest = two.start("insert", FIVE)
    query = two.create_query("SELECT Id FROM Contact").json()["id"]
    job, batch = one.load("insert", "Name\nF\n")

    def states(look: Callable[[], str | None]) -> list[str | None]:
        found = []
        for _ in range(4):
            two.settle()
            found.append(look())
        return found

    assert ["InProgress", "InProgress", "JobComplete", "JobComplete"] == states(lambda: two.info(ingest)["state"])
    assert ["InProgress", "InProgress", "InProgress", "JobComplete"] == states(
        lambda: two.info(query, "query")["state"]
    )
    assert "0" == one.bulk("GET", f"job/{job}").get("numberBatchesCompleted")
    assert ["InProgress", "Completed", "Completed", "Completed"] == states(lambda: one.batch(job, batch).get("state"))


LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {}:--"


def test_rows_that_share_a_parent_lock_each_other_out(org: LocalOrg, one: Talk, two: Talk2) -> None:
    """Within one transaction the first has the parent, the others are refused; rows without a parent are not touched. The next
    job is none the worse."""
    first, second = org.holds("Account", 2)
    rows = f"LastName,AccountId\nA,{first}\nB,{first}\nC,{second}\nD,\nE,{first[:15]}\n"
    org.faults.plan("ingest2.job", "lock")
    org.faults.plan("bulk1.batch", "lock")

    job = two.load("insert", rows, "Contact")
    assert {"A", "C", "D"} == {row["LastName"] for row in two.rows(job, "successfulResults")}
    assert {"B": LOCKED.format(first), "E": LOCKED.format(first)} == {
        row["LastName"]: row["sf__Error"] for row in two.rows(job, "failedResults")
    }
    loaded = one.result(*one.load("insert", rows, sobject="Contact")).text.splitlines()[1:]
    assert [True, False, True, True, False] == [LOCKED.format(first) not in line for line in loaded]
    assert not two.rows(two.load("insert", rows, "Contact"), "failedResults")


def test_rows_of_other_transactions_do_not_wait_for_a_parent(org: LocalOrg, two: Talk2) -> None:
    """A lock lasts as long as its 200 rows."""
    (account,) = org.holds("Account", 1)
    org.faults.plan("ingest2.job", "lock")
    job = two.load("insert", "LastName,AccountId\n" + f"A,{account}\n" * 401, "Contact")

    assert 3 == len(two.rows(job, "successfulResults"))


def test_collections_lock_too(org: LocalOrg, two: Talk2) -> None:
    """And parents that are named by a relationship."""
    (account,) = org.holds("Account", [{"Name": "P"}])
    org.faults.plan("collections.save", "lock")
    record = {"attributes": {"type": "Contact"}, "LastName": "A", "AccountId": account}

    answers = two.ask("POST", "composite/sobjects", {"records": [record, record]}).json()
    assert [True, False] == [answer["success"] for answer in answers]
    assert "UNABLE_TO_LOCK_ROW" == answers[1]["errors"][0]["statusCode"]


# --- files ------------------------------------------------------------------------------------------------------------


def test_plans_are_read_from_json_and_toml(org: LocalOrg, tmp_path: Path) -> None:
    """Members are the parameters of ``plan``."""
    (tmp_path / "a.json").write_text('[{"request": "query.results", "fault": "reset-after-64k", "times": 2}]')
    (tmp_path / "a.toml").write_text('[[faults]]\nrequest = "*"\nfault = ["500", "502"]\nchance = 0.1\n')
    org.faults.load(tmp_path / "a.json")
    org.faults.load(tmp_path / "a.toml")

    assert ["query2.results reset-after-64k: met 0 of 2"] == [str(planned) for planned in org.faults.unmet()]
    org.faults.clear()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "{} cannot be read: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("a.json", "{}", "{} holds no list of faults: a JSON list of objects, or TOML tables [[faults]]"),
        ("a.toml", "x = 1", "{} holds no list of faults: a JSON list of objects, or TOML tables [[faults]]"),
        ("a.json", '[{"request": "*", "fault": "500"}, {"request": "*"}]', "{}: fault 2: "),
        ("a.json", '[{"request": "rest.limits", "fault": "lock"}]', "{}: fault 1: rest.limits cannot meet 'lock'. What can: bulk1.batch, collections.save, ingest2.job"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(org: LocalOrg, tmp_path: Path, name: str, text: str, said: str) -> None:
    """The error names the file and the fault in it."""
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(ValueError) as caught:
        org.faults.load(path)
    assert str(caught.value).startswith(said.replace("{}", str(path), 1))
    org.faults.clear()

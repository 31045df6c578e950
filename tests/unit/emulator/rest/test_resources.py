"""The REST resources of the local org."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from tests.support.bulk1_talk import Answer, Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg


def get(org: LocalOrg, path: str, **headers: str) -> Answer:
    talk = Talk(org)
    headers.setdefault("Authorization", f"Bearer {talk.token}")
    talk.token = None
    return talk.ask("GET", f"/services/data{path}", **headers)


def test_versions_need_no_session(org: LocalOrg) -> None:
    """Ascending, named as the releases are."""
    versions = get(org, "/", Authorization="").json()

    assert versions[0]["version"] == "31.0"
    assert versions[-3:] == [
        {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"},
        {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"},
        {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"},
    ]
    assert versions[-4]["label"] == "Winter '26"


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        ("Bearer nonsense", {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}),
        ("Bearer ", {"message": "INVALID_HEADER_TYPE", "errorCode": "INVALID_AUTH_HEADER"}),
        ("Digest x", {"message": "INVALID_HEADER_TYPE", "errorCode": "INVALID_AUTH_HEADER"}),
    ],
)
def test_a_bad_session_is_401(org: LocalOrg, authorization: str, error: dict[str, str]) -> None:
    """Unlike in Bulk API 1.0."""
    answer = get(org, "/v66.0/limits", Authorization=authorization)

    assert (answer.status, answer.json()) == (401, [error])


def test_limits_count_calls_and_batches(org: LocalOrg) -> None:
    """In the body and in the header."""
    talk = Talk(org)
    talk.add(talk.create("insert"), "Name\nA\n")
    answer = get(org, "/v66.0/limits")

    assert answer.json()["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 14_999}
    assert answer.json()["DailyApiRequests"] == {"Max": 115_000, "Remaining": 114_997}
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=3/115000"


def test_objects(org: LocalOrg) -> None:
    """The list, and a description under any spelling."""
    listed = get(org, "/v66.0/sobjects").json()

    assert (listed["encoding"], listed["maxBatchSize"]) == ("UTF-8", 200)
    assert "Account" in {entry["name"] for entry in listed["sobjects"]}
    assert get(org, "/v66.0/sobjects/account/describe").json()["name"] == "Account"
    unknown = get(org, "/v66.0/sobjects/Nothing/describe")
    assert unknown.status == 404
    assert unknown.json() == [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    assert "sobjects" in get(org, "/v66.0").json()


def test_versions_that_are_gone_or_not_yet(org: LocalOrg) -> None:
    """410 and 404."""
    assert get(org, "/v30.0/limits").status == 410
    assert get(org, "/v99.0/limits").status == 404


def test_query_pages(org: LocalOrg) -> None:
    """``nextRecordsUrl`` is absent on the last page; datetimes end in +0000."""
    org.holds("Account", 450)
    soql = quote("SELECT Id, Name, CreatedDate, Owner.Name FROM Account")
    page = get(org, f"/v66.0/query?q={soql}", Sforce_Query_Options="batchSize=200").json()
    pages = [page]
    while not page["done"]:
        page = get(org, page["nextRecordsUrl"].removeprefix("/services/data")).json()
        pages.append(page)

    assert [len(page["records"]) for page in pages] == [200, 200, 50]
    assert "nextRecordsUrl" not in pages[-1]
    assert pages[0]["totalSize"] == 450
    assert pages[0]["records"][0]["CreatedDate"].endswith(".000+0000")
    assert pages[0]["records"][0]["Owner"]["attributes"]["type"] == "User"
    assert get(org, f"/v66.0/query?q={quote('SELECT COUNT() FROM Account')}").json() == {
        "totalSize": 450,
        "done": True,
        "records": [],
    }


def test_a_bad_query(org: LocalOrg) -> None:
    """The code of the service, in an array."""
    answer = get(org, f"/v66.0/query?q={quote('SELECT Bogus FROM Account')}")

    assert (answer.status, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert get(org, "/v66.0/query/01g000000000000AAA-2000").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize("path", ["sobjects", "sobjects/Account/describe"])
def test_what_has_not_changed_is_not_told_again(path: str) -> None:
    """If-Modified-Since with the Last-Modified of before: 304, and no body."""
    with LocalOrg() as org:
        talk = Talk2(org)
        first = talk.ask("GET", path)
        again = talk.ask("GET", path, If_Modified_Since=first.headers["Last-Modified"])
        long_ago = talk.ask("GET", path, If_Modified_Since="Thu, 01 Jan 2015 00:00:00 GMT")

        assert (200, 304, b"", 200) == (first.status, again.status, again.body, long_ago.status)
        assert first.body == long_ago.body

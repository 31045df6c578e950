"""The limits of Bulk API 2.0, met by the client: in the org's words, with what it means and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from salesforce_bulk import Password, connect
from salesforce_bulk.client import Org
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import ApiError, UsageError
from salesforce_bulk.protocol import ingest2, query2
from salesforce_bulk.protocol.jobs2 import ask_job
from salesforce_bulk.records import Body, IngestSpec, QuerySpec

SPEC = IngestSpec("insert", "Account")
WAITS = {"limit_seconds": 60.0, "longest_pause": 0.05}


@pytest.fixture
def local_org() -> Iterator[LocalOrg]:
    """One of our own: its limits are changed."""
    with LocalOrg() as org:
        yield org


@pytest.fixture
def sf(local_org: LocalOrg) -> Iterator[Org]:
    login = Password(
        username=local_org.username,
        password=local_org.password,
        security_token=local_org.security_token,
        domain=local_org.url,
    )
    with connect(login=login, api_version="66.0") as org:
        yield org


def refused(sf: Org, flow: Any) -> tuple[str, int, str]:
    """The error of a flow: its text without the address, its status and code."""
    with pytest.raises(ApiError) as caught:
        sf.perform(flow)
    assert caught.value.applied is False
    assert not caught.value.repeatable
    return str(caught.value).partition("refused with ")[2], caught.value.status_code, caught.value.error_code


def test_an_upload_that_is_too_large(local_org: LocalOrg, sf: Org) -> None:
    """Refused; its job is aborted, so nothing stays open."""
    local_org.limits.upload_bytes = 1_000

    assert (
        "HTTP 400 CLIENTINPUTERROR: Failed to read request. Exceeded max size limit of 1000\n"
        "No data was changed by this call.\n"
        "A job takes one upload of CSV in UTF-8, of at most 100,000,000 bytes (100,000 characters when it comes along with "
        "the job): send fewer rows in a job.",
        400,
        "CLIENTINPUTERROR",
    ) == refused(sf, ingest2.submit_part(SPEC, Body.of("Name\n" + "A\n" * 500)))
    assert ["Aborted"] == [job.state for job in sf.jobs()]


@pytest.mark.parametrize(
    ("allocation", "text"),
    [
        ("bulk_batches", "ApiBatchItems Limit exceeded"),
        ("bulk_records", "Max number of records per 24 hrs has been exceeded"),
    ],
)
@pytest.mark.parametrize(
    "submit",
    [lambda: ingest2.submit_part(SPEC, Body.of("Name\nA\n")), lambda: ingest2.submit_at_once(SPEC, b"Name\nA\n")],
    ids=["three calls", "one call"],
)
def test_the_allocation_of_24_hours_is_used_up(
    local_org: LocalOrg, sf: Org, allocation: str, text: str, submit: Callable[[], Any]
) -> None:
    """Data is refused until the hours have passed; then it is taken."""
    uses = getattr(local_org.limits, allocation)
    uses.maximum = 1
    uses.use()

    assert (
        f"HTTP 400 EXCEEDEDQUOTA: {text}\nNo data was changed by this call.\n"
        "The org's allocation of records or batches for 24 hours is used up: wait, and send what was not loaded.",
        400,
        "EXCEEDEDQUOTA",
    ) == refused(sf, submit())
    local_org.clock.advance(25 * 3600)
    assert "UploadComplete" == sf.perform(submit()).state


def test_the_allocation_ends_in_the_middle_of_a_job(local_org: LocalOrg, sf: Org) -> None:
    """The job fails, says why, and tells which rows were not tried."""
    local_org.limits.bulk_records.maximum = 2
    job = sf.perform(ingest2.submit_part(SPEC, Body.of("Name\nA\nB\nC\n")))
    info = sf.perform(ingest2.await_job(job.id, **WAITS))

    assert ("Failed", "ExceededQuota : Max number of records per 24 hrs has been exceeded") == (
        info.state,
        info.error_message,
    )
    assert 2 == len(local_org.rows("SELECT Id FROM Account"))
    assert b'Name\n"C"\n' == b"".join(sf.stream(ingest2.unprocessed_records(job.id)))


@pytest.mark.parametrize(
    ("allocation", "maximum", "text"),
    [
        ("query_jobs", 1, "Max bulk v2 query jobs (1) per 24 hrs has been reached (2)"),
        ("query_storage", 0, "Max bulk v2 query result size stored (0) kb per 24 hrs has been exceeded"),
    ],
)
def test_the_queries_of_24_hours_are_used_up(
    local_org: LocalOrg, sf: Org, allocation: str, maximum: int, text: str
) -> None:
    """Two messages that are on record."""
    uses = getattr(local_org.limits, allocation)
    uses.maximum = maximum
    uses.use()

    assert (
        f"HTTP 400 LIMIT_EXCEEDED: {text}\nNo data was changed by this call.\n"
        "What the org allows of queries in 24 hours is used up: wait, or ask by Bulk API 1.0 or REST, which have limits of "
        "their own.",
        400,
        "LIMIT_EXCEEDED",
    ) == refused(sf, ask_job(query2.create_job(QuerySpec("SELECT Id FROM Account"))))


def test_the_calls_of_24_hours_are_used_up(local_org: LocalOrg, sf: Org) -> None:
    """Whatever is asked."""
    sf.limits()
    local_org.limits.api_requests.maximum = 0

    assert (
        "HTTP 403 REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.\nNo data was changed by this call.\n"
        "The org's API calls for 24 hours are used up: wait. Jobs that were set going go on, and keep their results for 7 "
        "days.",
        403,
        "REQUEST_LIMIT_EXCEEDED",
    ) == refused(sf, ask_job(ingest2.create_job(SPEC)))


def test_a_job_stays_open_for_a_day(local_org: LocalOrg, sf: Org) -> None:
    """Then it takes no data any more; the text is not on record."""
    job = sf.perform(ask_job(ingest2.create_job(SPEC)))
    local_org.clock.advance(25 * 3600)
    with pytest.raises(ApiError) as caught:
        sf.call(ingest2.upload(job.id, Body.of("Name\nA\n")))

    assert "INVALIDJOBSTATE" == caught.value.error_code
    assert str(caught.value).endswith("The job is in another state than this call needs: look at the job.")


def test_a_job_is_kept_for_seven_days(local_org: LocalOrg, sf: Org) -> None:
    """Then it and its results are gone."""
    job = sf.perform(ingest2.submit_part(SPEC, Body.of("Name\nA\n")))
    sf.perform(ingest2.await_job(job.id, **WAITS))
    local_org.clock.advance(8 * 24 * 3600)

    assert (
        "HTTP 404 NOT_FOUND: The requested resource does not exist\nNo data was changed by this call.\n"
        "Check the id; jobs and their results are gone 7 days after their end.",
        404,
        "NOT_FOUND",
    ) == refused(sf, ask_job(ingest2.get_job(job.id)))
    assert [] == sf.jobs()


def test_a_job_with_its_data_has_100_000_characters(local_org: LocalOrg, sf: Org) -> None:
    """Characters, not bytes; one too many is never sent. Job and frame count, too."""
    frame = len(b"".join(ingest2.create_job_with_data(SPEC, b"").body.pieces()))  # type: ignore[union-attr]
    most = "Name\n" + "é" * (100_000 - frame - len("Name\n"))

    assert "UploadComplete" == sf.perform(ingest2.submit_at_once(SPEC, most.encode())).state
    with pytest.raises(UsageError) as caught:
        ingest2.create_job_with_data(SPEC, most.encode() + b"x")
    assert str(caught.value) == (
        "A job and its data in one request may have 100000 characters; these have 100001. "
        "Nothing was sent. Create the job, and upload the data after it."
    )
    assert 1 == local_org.requests("ingest2.create_job")


@pytest.mark.parametrize(
    ("limit", "csv", "message"),
    [
        (
            "record_columns",
            "Name,Phone\nA,1\n",
            "InvalidBatch : Failed to parse CSV. Exceeded max number of columns per record : 1",
        ),
        (
            "header_characters",
            "Name,Phone\nA,1\n",
            "InvalidBatch : Failed to parse CSV. Exceeded max length for the header: 10",
        ),
    ],
)
def test_a_header_that_is_too_large_fails_the_job(
    local_org: LocalOrg, sf: Org, limit: str, csv: str, message: str
) -> None:
    """Limits are documented, texts are those of Bulk API 1.0."""
    setattr(local_org.limits, limit, 1)
    job = sf.perform(ingest2.submit_part(SPEC, Body.of(csv)))
    info = sf.perform(ingest2.await_job(job.id, **WAITS))

    assert ("Failed", message) == (info.state, info.error_message)


@pytest.mark.parametrize(("limit", "most"), [("cell_characters", 131_072), ("record_characters", 400_000)])
def test_a_value_or_a_record_that_is_too_long_fails_its_row(
    local_org: LocalOrg, sf: Org, limit: str, most: int
) -> None:
    """And no other row. The local org's limits are the documented ones."""
    assert most == getattr(local_org.limits, limit)
    columns = ["LongText__c", "Description", "Name"] if limit == "record_characters" else ["LongText__c", "Name"]
    long = "x" * (131_073 if limit == "cell_characters" else 131_000)
    cells = [long] * (len(columns) - 1) + ["A"]
    if limit == "record_characters":
        local_org.limits.record_characters = 200_000
    body = ",".join(columns) + "\n" + ",".join(cells) + "\n" + "," * (len(columns) - 1) + "B\n"
    job = sf.perform(ingest2.submit_part(SPEC, Body.of(body)))
    info = sf.perform(ingest2.await_job(job.id, **WAITS))

    assert ("JobComplete", 2, 1) == (info.state, info.records_processed, info.records_failed)
    assert ["B"] == [row["Name"] for row in local_org.rows("SELECT Name FROM Account")]

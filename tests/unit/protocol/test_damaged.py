"""Replies that say yes and are cut off, or come from something between the org and us."""

from __future__ import annotations

import pytest
from tests.unit.engine.test_drive import driver

from salesforce_bulk.errors import AnswerMalformed
from salesforce_bulk.protocol import bulk1, ingest2, query2
from salesforce_bulk.protocol.jobs2 import ask_job
from salesforce_bulk.protocol.refusals import DOCUMENTS
from salesforce_bulk.protocol.repeat import RULES
from salesforce_bulk.records import IngestSpec
from salesforce_bulk.transport.scripted import Scripted

ID = "750Rm00000K7vR2IAJ"
JOB = b'{"id":"750Rm00000K7vR2IAJ","state":"JobComplete"}'
PAGE = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"


@pytest.mark.parametrize("body", [JOB[:-9], PAGE, b"", b"\xff\x00\x01", b"<a><b></a>"])
def test_a_document_that_is_none_is_asked_for_again(body: bytes) -> None:
    drive, transport, time = driver(Scripted(200, body), Scripted(200, JOB))

    assert "JobComplete" == drive.perform(ask_job(query2.get_job(ID))).state
    assert 2 == len(transport.sent)
    assert [0.5] == time.slept


def test_a_document_that_stays_damaged_is_an_error() -> None:
    drive, transport, _ = driver(*[Scripted(200, b"\x00\x1b[2J")] * 5)

    with pytest.raises(AnswerMalformed) as damaged:
        drive.perform(ask_job(query2.get_job(ID)))

    assert 5 == len(transport.sent)
    assert (
        f"GET /services/data/v.../jobs/query/{ID} was answered with HTTP 200, but it is neither XML nor JSON: \ufffd\ufffd[2J\n"
        "Nothing was changed."
    ) == str(damaged.value)


def test_either_format_will_do() -> None:
    """Which of XML and JSON comes is not stable for the same call (field notes, B 4.5)."""
    drive, _, _ = driver(Scripted(200, b"<jobInfo><id>750Rm00000K7vR2IAJ</id><state>Open</state></jobInfo>"))

    assert "Open" == drive.perform(bulk1.ask_job(bulk1.get_job(ID))).state


def test_what_makes_something_is_not_asked_for_again() -> None:
    drive, transport, _ = driver(Scripted(200, PAGE))

    with pytest.raises(AnswerMalformed) as damaged:
        drive.perform(ask_job(ingest2.create_job(IngestSpec("insert", "Account"))))

    assert 1 == len(transport.sent)
    assert damaged.value.applied is None


def test_a_page_of_html_in_the_place_of_rows_is_asked_for_again() -> None:
    html = {"content-type": "text/html; charset=UTF-8"}
    drive, transport, _ = driver(Scripted(200, PAGE, html), Scripted(200, b'"Id"\n', {"content-type": "text/csv"}))

    assert b'"Id"\n' == b"".join(drive.stream(query2.results(ID)))
    assert 2 == len(transport.sent)


def test_only_what_may_be_repeated_is_looked_at() -> None:
    assert [] == [name for name in DOCUMENTS if not RULES[name].again]


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:09 GMT", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 9.0),
        ({"retry-after": "Tue, 24 Nov 2026 10:00:00 GMT", "date": "Tue, 24 Nov 2026 10:00:09 GMT"}, 0.0),
        # Nothing that can be understood: the pause is ours.
        ({"retry-after": "Tue, 24 Nov 2026 10:00:09 GMT"}, 0.5),
        ({"retry-after": "soon", "date": "Tue, 24 Nov 2026 10:00:00 GMT"}, 0.5),
        ({"retry-after": "-1"}, 0.5),
    ],
)
def test_the_org_says_how_long_to_wait(head: dict[str, str], seconds: float) -> None:
    drive, _, time = driver(Scripted(503, b"", head), Scripted(200, JOB))

    assert "JobComplete" == drive.perform(ask_job(query2.get_job(ID))).state
    assert [seconds] == time.slept

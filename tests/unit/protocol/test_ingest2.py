"""Bulk API 2.0, ingest: a job together with its data."""

from __future__ import annotations

from email import message_from_bytes
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.client import Org
from salesforce_bulk.errors import AnswerLost, UsageError
from salesforce_bulk.protocol import ingest2
from salesforce_bulk.protocol.messages import Auth
from salesforce_bulk.records import Dialect, IngestSpec
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

SPEC = IngestSpec("upsert", "Account", external_id="Key__c", dialect=Dialect(";", "\r\n"))
JOB = b'{"id":"750Rm00000K7vR2IAJ","operation":"upsert","object":"Account","state":"UploadComplete"}'


def opened(transport: ScriptedTransport) -> Org:
    login = AccessToken("00Dtoken", instance_url="https://acme.my.salesforce.com")
    return connect(login=login, api_version="66.0", transport=transport)


def body_of(csv: bytes) -> tuple[str, bytes]:
    request = ingest2.create_job_with_data(SPEC, csv)
    assert request.body is not None
    return request.headers["Content-Type"], b"".join(request.body.pieces())


def test_the_request_byte_by_byte() -> None:
    """Two parts, job and content, in this order; lines of the frame end in CRLF (RFC 2046), the data as it is."""
    content_type, body = body_of(b"Key__c;Name\r\nk;A\r\n")
    boundary = content_type.removeprefix("multipart/form-data; boundary=")

    assert (
        f"--{boundary}\r\n"
        "Content-Type: application/json\r\n"
        'Content-Disposition: form-data; name="job"\r\n'
        "\r\n"
        '{"object": "Account", "operation": "upsert", "externalIdFieldName": "Key__c", "contentType": "CSV", '
        '"columnDelimiter": "SEMICOLON", "lineEnding": "CRLF"}\r\n'
        f"--{boundary}\r\n"
        "Content-Type: text/csv\r\n"
        'Content-Disposition: form-data; name="content"; filename="content"\r\n'
        "\r\n"
        "Key__c;Name\r\nk;A\r\n\r\n"
        f"--{boundary}--\r\n"
    ).encode() == body
    assert Auth.BEARER is ingest2.create_job_with_data(SPEC, b"A\n").auth


@given(st.text(max_size=50))
def test_the_boundary_stands_in_no_part(text: str) -> None:
    """Whatever the data is, a reader of MIME finds it again."""
    content_type, body = body_of(text.encode("utf-8", "replace"))
    boundary = content_type.rpartition("=")[2].encode()

    assert 3 == body.count(boundary)
    assert sha256().digest_size * 2 == len(boundary)
    assert 2 == len(message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body).get_payload())


def test_the_data_is_utf_8() -> None:
    """All that the API takes."""
    with pytest.raises(UsageError) as caught:
        ingest2.create_job_with_data(SPEC, b"Name\n\xff\n")

    assert "The data is not UTF-8, which is all that the API takes. Nothing was sent." == str(caught.value)


def test_a_lost_answer_is_not_asked_for_again() -> None:
    """The rows may be in the org: sent again, they would be there twice."""
    lost = AnswerLost("POST ... was sent, and its answer did not come.")
    transport = ScriptedTransport([lost])
    org = opened(transport)

    with pytest.raises(AnswerLost):
        org.perform(ingest2.submit_at_once(SPEC, b"Key__c\nk\n"))

    assert 1 == len(transport.sent)


def test_the_answer_is_the_job() -> None:
    """It waits in the queue already: there is no upload and no close."""
    transport = ScriptedTransport([Scripted(200, JOB)])
    org = opened(transport)

    job = org.perform(ingest2.submit_at_once(SPEC, b"Key__c\nk\n"))

    assert ("750Rm00000K7vR2IAJ", "UploadComplete") == (job.id, job.state)
    assert ["https://acme.my.salesforce.com/services/data/v66.0/jobs/ingest"] == [sent.url for sent in transport.sent]

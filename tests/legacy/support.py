"""Shared by the tests of the old interface: replies to play, and clients that wait on the local org's own clock."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from salesforce_bulk import SalesforceBulk
from salesforce_bulk.client import open_org
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import SalesforceBulkError
from salesforce_bulk.legacy.access import LegacyAccess
from salesforce_bulk.transport.base import Transport
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport
from salesforce_bulk.wire.names import DATALOAD_NS

JOB = "750x000000009tLAAQ"
BATCH = "751x000000009vwAAA"
RESULT = "752x000000000F1AAI"
SECOND_RESULT = "752x000000000F2AAI"
TOKEN = "00Dxx0000001gPL!AQ0AQsecret"
HOST = "https://acme.my.salesforce.com"

Client = TypeVar("Client", bound=SalesforceBulk)


class Time:
    """Time that passes only by being slept."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds

    def clock(self) -> Clock:
        return Clock(sleep=self.sleep, monotonic=lambda: self.seconds, chance=lambda: 1.0)


def on(client: Client, transport: Transport, clock: Clock | None = None) -> Client:
    """Let *client* speak through *transport*: ``org`` is an attribute like any other."""
    client.__dict__["org"] = open_org(
        LegacyAccess(client), client.transport_options, transport=transport, clock=clock or Time().clock()
    )
    return client


def waiting_with(client: Client, org: LocalOrg) -> Client:
    """Let *client* move the clock of *org* instead of sleeping."""
    org.clock.pause()
    client.__dict__["org"] = open_org(
        LegacyAccess(client),
        client.transport_options,
        clock=Clock(sleep=org.clock.advance, monotonic=lambda: org.clock.now().timestamp(), chance=lambda: 1.0),
    )
    return client


class Played:
    """A client and the answers it gets; ``sent`` is what it asked."""

    def __init__(
        self, *answers: Scripted | SalesforceBulkError, client: SalesforceBulk | None = None, time: Time | None = None
    ) -> None:
        self.time = time or Time()
        self.transport = ScriptedTransport(answers)
        self.bulk = on(client or SalesforceBulk(TOKEN, HOST), self.transport, self.time.clock())

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(sent.method, sent.url.partition("/async/")[2].partition("/")[2]) for sent in self.transport.sent]


# -- replies ------------------------------------------------------------------------------------------------------------


def xml(root: str, fields: Mapping[str, Any] | str, status: int = 200) -> Scripted:
    return Scripted(status, _document(root, fields).encode("utf-8"), {"content-type": "application/xml; charset=UTF-8"})


def _document(root: str, fields: Mapping[str, Any] | str) -> str:
    inner = fields if isinstance(fields, str) else _members(fields)
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{DATALOAD_NS}">{inner}</{root}>'


def _members(fields: Mapping[str, Any]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())


def json_reply(value: Any, status: int = 200) -> Scripted:
    return Scripted(status, json.dumps(value).encode("utf-8"), {"content-type": "application/json"})


def text_reply(*pieces: str | bytes, status: int = 200, content_type: str = "text/csv") -> Scripted:
    return Scripted(
        status,
        [piece.encode("utf-8") if isinstance(piece, str) else piece for piece in pieces],
        {"content-type": content_type},
    )


def job_reply(state: str = "Open", job: str = JOB, **more: Any) -> Scripted:
    return xml(
        "jobInfo",
        {"id": job, "operation": "insert", "object": "Account", "state": state, "contentType": "CSV"} | more,
        201,
    )


def batch_fields(state: str = "Completed", batch: str = BATCH, job: str = JOB, **more: Any) -> dict[str, Any]:
    counts = {"numberRecordsProcessed": 1, "numberRecordsFailed": 0}
    return {"id": batch, "jobId": job, "state": state} | counts | more


def batch_reply(state: str = "Completed", batch: str = BATCH, job: str = JOB, **more: Any) -> Scripted:
    return xml("batchInfo", batch_fields(state, batch, job, **more))


def batches_reply(*batches: Mapping[str, Any]) -> Scripted:
    return xml("batchInfoList", "".join(f"<batchInfo>{_members(fields)}</batchInfo>" for fields in batches))


def results_reply(*results: str) -> Scripted:
    return xml("result-list", "".join(f"<result>{result}</result>" for result in results))


def refused(code: str, text: str, status: int = 400) -> Scripted:
    return xml("error", {"exceptionCode": code, "exceptionMessage": text}, status)


HTML = b"<!DOCTYPE html><html><head><title>Down</title></head><body>We are down for maintenance.</body></html>"


def html_reply(status: int = 200) -> Scripted:
    return Scripted(status, HTML, {"content-type": "text/html"})


# -- work on the local org ----------------------------------------------------------------------------------------------


def load(bulk: SalesforceBulk, rows: Iterable[Mapping[str, Any]], sobject: str = "Account") -> tuple[str, str]:
    """Insert *rows* and wait: job and batch."""
    from salesforce_bulk import CsvDictsAdapter

    job = bulk.create_insert_job(sobject)
    batch = bulk.post_batch(job, CsvDictsAdapter(iter(rows)))
    bulk.close_job(job)
    bulk.wait_for_batch(job, batch)
    return job, batch


def ask(bulk: SalesforceBulk, soql: str, content_type: str = "CSV", sobject: str = "Account") -> tuple[str, str]:
    """Run a query and wait: job and batch."""
    job = bulk.create_query_job(sobject, contentType=content_type)
    batch = bulk.query(job, soql)
    bulk.wait_for_batch(job, batch)
    bulk.close_job(job)
    return job, batch


@contextmanager
def several_result_files(org: LocalOrg, rows: int) -> Iterator[None]:
    """Query results come in files of at most *rows* rows."""
    org.limits.result_file_rows = rows
    try:
        yield
    finally:
        org.limits.result_file_rows = None


def numbered(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"Key__c": f"K{number:04}", "Name": f"Account {number}"} | more for number in range(count)]

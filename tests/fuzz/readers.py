"""Every reader of a reply, and every flow, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from salesforce_bulk.logins import ClientCredentials, Password, RefreshToken
from salesforce_bulk.protocol import (
    any_job,
    bulk1,
    collections,
    ingest2,
    jobs2,
    login,
    query2,
    refusals,
    rest,
    rest_query,
)
from salesforce_bulk.protocol.messages import Reply, Request
from salesforce_bulk.records import Body, IngestSpec, Job2Info, JobInfo, JobSpec, QuerySpec

from .bounds import played
from .replies import AnyReply

JOB: Final = "750000000000001AAA"
BATCH: Final = "751000000000001AAA"
HOST: Final = "https://acme.my.salesforce.com"
ENDLESS: Final = {"limit_seconds": 600.0, "longest_pause": 30.0}

SPEC1: Final = JobSpec("insert", "Account")
SPEC2: Final = IngestSpec("insert", "Account")
BODY: Final = Body.of(b'"Name"\n"a"\n')
ENTRIES: Final = [(b'{"Name":"a"}', ""), (b'{"Name":"b"}', "")]
KEYED: Final = [(b'{"K":"a"}', "001000000000001AAA"), (b'{"K":"b"}', "001000000000002AAA")]

#: Flows, made anew for each play.
FLOWS: Final[dict[str, Callable[[], Any]]] = {
    "login by SOAP": lambda: login.log_in(Password("ada", "secret", "token", domain="login")),
    "login by client credentials": lambda: login.log_in(ClientCredentials(HOST, "id", "secret")),
    "login by a refresh token": lambda: login.log_in(RefreshToken(HOST, "id", "5Aep")),
    "rest.newest_version": lambda: rest.newest_version(HOST),
    "rest.describe": lambda: rest.ask_document(rest.describe("Account"), dict),
    "rest.limits": lambda: rest.ask_document(rest.limits(), dict),
    "rest_query.ask_page": lambda: rest_query.ask_page(rest_query.query("SELECT Id FROM Account")),
    "jobs2.ask_job of an ingest job": lambda: jobs2.ask_job(ingest2.create_job(SPEC2)),
    "jobs2.ask_job of a query": lambda: jobs2.ask_job(query2.create_job(QuerySpec("SELECT Id FROM Account"))),
    "jobs2.list_jobs": lambda: jobs2.list_jobs(ingest2.list_jobs()),
    "jobs2.list_jobs of queries": lambda: jobs2.list_jobs(query2.list_jobs()),
    "ingest2.submit_part": lambda: ingest2.submit_part(SPEC2, BODY),
    "ingest2.settle_part": lambda: ingest2.settle_part(SPEC2, BODY, 0, JOB),
    "ingest2.submit_at_once": lambda: ingest2.submit_at_once(SPEC2, b'"Name"\n"a"\n'),
    "ingest2.complete_upload": lambda: ingest2.complete_upload(JOB),
    "ingest2.await_job": lambda: ingest2.await_job(JOB, **ENDLESS),
    "query2.await_job": lambda: query2.await_job(JOB, **ENDLESS),
    "query2.all_links": lambda: query2.all_links(JOB),
    "any_job.find_job": lambda: any_job.find_job(JOB),
    "any_job.abort": lambda: any_job.abort(Job2Info(JOB, "insert")),
    "any_job.abort of Bulk API 1.0": lambda: any_job.abort(JobInfo(JOB, "insert")),
    "any_job.delete": lambda: any_job.delete(Job2Info(JOB, "query")),
    "bulk1.make_job": lambda: bulk1.make_job(SPEC1, 1),
    "bulk1.post_part": lambda: bulk1.post_part(JOB, BODY, 0),
    "bulk1.find_batch": lambda: bulk1.find_batch(JOB, bulk1.like([b"a"]), set()),
    "bulk1.end_job": lambda: bulk1.end_job(JOB, "Closed"),
    "bulk1.await_batch": lambda: bulk1.await_batch(JOB, BATCH, **ENDLESS),
    "bulk1.await_batches": lambda: bulk1.await_batches(JOB, chunked=False, **ENDLESS),
    "bulk1.await_batches of a chunked query": lambda: bulk1.await_batches(JOB, chunked=True, **ENDLESS),
    "bulk1.query_result_ids": lambda: bulk1.query_result_ids(JOB, BATCH),
    "collections.save, insert": lambda: collections.save(SPEC2, ENTRIES),
    "collections.save, update": lambda: collections.save(IngestSpec("update", "Account"), KEYED),
    "collections.save, upsert": lambda: collections.save(IngestSpec("upsert", "Account", "K"), KEYED),
    "collections.save, delete": lambda: collections.save(IngestSpec("delete", "Account"), KEYED),
}


def _refused(request: Request) -> Callable[[AnyReply], Any]:
    return lambda reply: refusals.refusal(request, Reply(reply.status, reply.headers, reply.body))


#: Readers that no flow calls, or that read a head.
READERS: Final[dict[str, Callable[[AnyReply], Any]]] = {
    "refusals.read_refusal": lambda reply: refusals.read_refusal(reply.body),
    "refusals.refusal of Bulk API 1.0": _refused(bulk1.add_batch(JOB, BODY, "text/csv")),
    "refusals.refusal of Bulk API 2.0": _refused(ingest2.get_job(JOB)),
    "query2.next_locator": lambda reply: query2.next_locator(reply.headers),
    "query2.page_rows": lambda reply: query2.page_rows(reply.headers),
    **{
        name: (lambda reply, flow=flow: played(flow(), reply))  # type: ignore[misc]
        for name, flow in FLOWS.items()
    },
}

"""What is changed, where, and which tests must fail for it. The text to be changed stands in its file exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLIENT, ORG, WIRE = "client", "local org", "both (wire)"


@dataclass(frozen=True)
class Mutation:
    """*file* is relative to ``src/salesforce_bulk``, *tests* to ``tests``."""

    side: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


GOLDEN_1: Final = ("wire/test_bulk1_client.py", "wire/test_bulk1_exchanges.py")
GOLDEN_2: Final = ("wire/test_bulk2_client.py", "wire/test_bulk2_exchanges.py")
GOLDEN_AUTH: Final = ("wire/test_auth_client.py", "wire/test_auth_exchanges.py")
GOLDEN_REST: Final = ("wire/test_rest_client.py", "wire/test_rest_exchanges.py")
LIMITS: Final = ("wire/test_limits.py",)
STATES: Final = ("wire/test_states.py",)
TIME: Final = ("unit/emulator/test_time.py",)

MUTATIONS: Final = (
    # --- the client
    Mutation(
        CLIENT, "an upload may have 150 MB", "data/parts.py", "    bytes=100_000_000,", "    bytes=150_000_000,", LIMITS
    ),
    Mutation(
        CLIENT, "a batch may have 10,001 records", "data/parts.py", "    rows=10_000, bytes=10_000_000, record",
        "    rows=10_001, bytes=10_000_000, record", LIMITS,
    ),
    Mutation(
        CLIENT, "an aborted job of 2.0 goes on", "protocol/states.py", "    Job2State.ABORTED: frozenset[str](),",
        "    Job2State.ABORTED: frozenset({Job2State.IN_PROGRESS}),", STATES,
    ),
    Mutation(
        CLIENT, "NotProcessed is no end of a batch", "protocol/states.py", "    BatchState.NOT_PROCESSED: frozenset[str](),",
        "    BatchState.NOT_PROCESSED: frozenset({BatchState.QUEUED}),", STATES,
    ),
    Mutation(
        CLIENT, "a dead session is told by HTTP 401 alone", "protocol/refusals.py",
        "    if read.code == Code.INVALID_SESSION_ID:", "    if read.code == Code.INVALID_SESSION_ID and reply.status == 401:",
        GOLDEN_1,
    ),
    Mutation(
        CLIENT, "SOAP login at 65.0", "session.py", 'NEWEST_SOAP_LOGIN_VERSION: Final = "64.0"',
        'NEWEST_SOAP_LOGIN_VERSION: Final = "65.0"', (*LIMITS, *GOLDEN_AUTH),
    ),
    Mutation(
        CLIENT, "numberRecordsFailed of a batch is read from the processed ones", "protocol/bulk1/readers.py",
        'records_failed=_count(wire, "numberRecordsFailed"),\n        wire=wire,\n    )\n\n\ndef read_job(',
        'records_failed=_count(wire, "numberRecordsProcessed"),\n        wire=wire,\n    )\n\n\ndef read_job(', GOLDEN_1,
    ),
    Mutation(
        CLIENT, "a 2.0 upload goes out as XML", "protocol/ingest2.py", "{headers.CONTENT_TYPE: Mime.CSV, headers.ACCEPT",
        "{headers.CONTENT_TYPE: Mime.XML, headers.ACCEPT", GOLDEN_2,
    ),
    Mutation(
        CLIENT, "what OAuth says of an error is not read", "protocol/refusals.py", 'value.get("error_description")',
        'value.get("description")', GOLDEN_AUTH,
    ),
    # --- spellings that both share: the exchanges are the third party
    Mutation(
        WIRE, "the state Not Processed, as prose writes it", "wire/names.py", 'NOT_PROCESSED: Final = "NotProcessed"',
        'NOT_PROCESSED: Final = "Not Processed"', GOLDEN_1,
    ),
    Mutation(
        WIRE, "the header Sforce-NumberOfRows", "wire/headers.py", '"Sforce-NumberOfRecords"', '"Sforce-NumberOfRows"', GOLDEN_2
    ),
    Mutation(
        WIRE, "the data of a job goes to /batch", "wire/paths.py", 'INGEST_BATCHES: Final = INGEST_JOB + "/batches"',
        'INGEST_BATCHES: Final = INGEST_JOB + "/batch"', GOLDEN_2,
    ),
    # --- the local org
    Mutation(
        ORG, "a closed job cannot be aborted", "emulator/bulk1/area.py",
        "            if job.state in {JobState.ABORTED, JobState.FAILED} or job.state == state:",
        "            if job.state != JobState.OPEN:", STATES,
    ),
    Mutation(
        ORG, "a batch may have 10 MiB", "emulator/limits.py", "    batch_bytes: int = 10_000_000",
        "    batch_bytes: int = 10_485_760", LIMITS,
    ),
    Mutation(
        ORG, "jobs are kept for 8 days", "emulator/limits.py", "    retention: timedelta = timedelta(days=7)",
        "    retention: timedelta = timedelta(days=8)", (*LIMITS, *GOLDEN_2),
    ),
    Mutation(
        ORG, "a made job is answered with 200", "emulator/bulk1/area.py",
        "        reply = job_reply(job, [], as_json=is_json(request), status=201,",
        "        reply = job_reply(job, [], as_json=is_json(request), status=200,", GOLDEN_1,
    ),
    Mutation(
        ORG, "an aborted batch has Failed", "emulator/bulk1/work.py",
        "            if batch.state == BatchState.QUEUED:\n                batch.state = BatchState.NOT_PROCESSED",
        "            if batch.state == BatchState.QUEUED:\n                batch.state = BatchState.FAILED", GOLDEN_1,
    ),
    Mutation(
        ORG, "another text for an object that is not there", "emulator/bulk1/area.py",
        'raise Refused(ExceptionCode.INVALID_JOB, f"Unable to find object: {wanted.object}")',
        'raise Refused(ExceptionCode.INVALID_JOB, f"Unable to find the object: {wanted.object}")', GOLDEN_1,
    ),
    Mutation(
        ORG, "the counter of processed records leaves out those that failed", "emulator/bulk2/ingest_work.py",
        "job.processed, job.failed = max(job.processed, run.done), max", "job.processed, job.failed = max(job.processed, "
        "run.done - run.failed), max", GOLDEN_2,
    ),
    Mutation(
        ORG, "the last page names no locator", "emulator/bulk2/query.py", '"null"', '"none"', GOLDEN_2,
    ),
    Mutation(
        ORG, "a refused record of a collection has its id", "emulator/rest/collections.py",
        'else {"success": False, ', 'else {"id": None, "success": False, ', (*GOLDEN_REST,),
    ),
    Mutation(
        ORG, "a batch that is put back is not counted", "emulator/bulk1/work.py", "            job.retries += 1\n",
        "            job.retries += 0\n", TIME,
    ),
    Mutation(
        ORG, "a lock keeps nobody out", "emulator/store/locks.py", "if other != holder and until", "if other == holder and until",
        TIME,
    ),
    Mutation(
        ORG, "another text for a wrong password", "emulator/login/soap.py",
        'INVALID_LOGIN = "Invalid username, password, security token; or user locked out."',
        'INVALID_LOGIN = "Invalid user name, password, security token; or user locked out."', GOLDEN_AUTH,
    ),
)  # fmt: skip

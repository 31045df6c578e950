"""Flows performed over a scripted transport: what is repeated, what is not, what is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from salesforce_bulk.engine.drive import Clock, Driver
from salesforce_bulk.errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    ConnectFailed,
    SalesforceBulkError,
    SessionExpired,
    UsageError,
    WaitTimeout,
)
from salesforce_bulk.options import TransportOptions
from salesforce_bulk.protocol import bulk1
from salesforce_bulk.protocol.messages import Call, Flow, Request
from salesforce_bulk.records import Body
from salesforce_bulk.session import Access, Addressed, filled
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

NS = b'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
JOB, BATCH = "750Rm00000K7vR2IAJ", "751Rm00000T2bLkIAJ"
EXPIRED = Scripted(
    400,
    b"<error "
    + NS
    + b"><exceptionCode>InvalidSessionId</exceptionCode><exceptionMessage>Invalid session id</exceptionMessage></error>",
)
GATEWAY = Scripted(503, b"<html><body>Down for maintenance</body></html>")


def batch(state: str, message: str = "") -> Scripted:
    said = f"<stateMessage>{message}</stateMessage>".encode() if message else b""
    return Scripted(
        200,
        b"<batchInfo "
        + NS
        + f"><id>{BATCH}</id><jobId>{JOB}</jobId><state>{state}</state>".encode()
        + said
        + b"</batchInfo>",
    )


def batches(*states: str) -> Scripted:
    inner = "".join(
        f"<batchInfo><id>751Rm0000000{n:03}IAJ</id><state>{s}</state></batchInfo>" for n, s in enumerate(states)
    )
    return Scripted(200, b"<batchInfoList " + NS + b">" + inner.encode() + b"</batchInfoList>")


def job(state: str) -> Scripted:
    return Scripted(200, b"<jobInfo " + NS + f"><id>{JOB}</id><state>{state}</state></jobInfo>".encode())


class FixedAccess(Access):
    """One token, and as many others as it is given."""

    def __init__(self, *others: str) -> None:
        self.token, self.others = "first", list(others)

    def url(self, request: Addressed) -> str:
        return "https://acme.my.salesforce.com" + filled(request, "66.0")

    def headers(self, request: Addressed) -> dict[str, str]:
        return {"X-SFDC-Session": self.token, **request.headers}

    def renew(self, refused: Mapping[str, str]) -> bool:
        if not self.others:
            return False
        self.token = self.others.pop(0)
        return True


class FakeTime:
    """A clock that sleeps by counting."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.now += seconds

        return Clock(sleep, lambda: self.now, lambda: 1.0)


def driver(
    *answers: Scripted | SalesforceBulkError, access: Access | None = None
) -> tuple[Driver, ScriptedTransport, FakeTime]:
    transport, time = ScriptedTransport(answers), FakeTime()
    return Driver(access or FixedAccess(), transport, TransportOptions(), time.clock()), transport, time


def test_a_read_is_asked_again_after_a_gateway_error() -> None:
    """Twice as long a pause each time."""
    drive, transport, time = driver(GATEWAY, GATEWAY, job("Open"))

    assert drive.perform(bulk1.ask_job(bulk1.get_job(JOB))).state == "Open"
    assert len(transport.sent) == 3
    assert time.slept == [0.5, 1.0]


def test_a_batch_is_never_posted_twice() -> None:
    """A gateway error leaves open whether the rows were taken; a second posting would double them."""
    drive, transport, _ = driver(GATEWAY)

    with pytest.raises(AnswerMalformed) as lost:
        drive.perform(bulk1.ask_batch(bulk1.add_batch(JOB, Body.of(b"Name\nx\n"), "text/csv")))

    assert len(transport.sent) == 1
    assert lost.value.applied is None
    assert (
        f"POST /job/{JOB}/batch was answered with HTTP 503 and a page of HTML: Down for maintenance\n"
        "The org may have acted on it; look at the job before sending it again.\n"
        "A server in front of the org may be down for maintenance, or the host is not the org's API host."
    ) == str(lost.value)


def test_a_batch_whose_connection_failed_is_posted_again() -> None:
    """Nothing left, so nothing can be doubled."""
    drive, transport, _ = driver(ConnectFailed("no"), batch("Queued"))

    assert drive.perform(bulk1.ask_batch(bulk1.add_batch(JOB, Body.of(b"Name\nx\n"), "text/csv"))).id == BATCH
    assert [sent.body for sent in transport.sent] == [b"Name\nx\n"] * 2


@pytest.mark.parametrize("refused", [ConnectFailed("no"), EXPIRED])
def test_a_stream_that_was_read_is_not_sent_again(refused: Scripted | SalesforceBulkError) -> None:
    """A second sending would be an empty batch; the caller is told instead."""
    drive, transport, _ = driver(refused, access=FixedAccess("second"))

    with pytest.raises(SalesforceBulkError) as raised:
        drive.perform(bulk1.ask_batch(bulk1.add_batch(JOB, Body.of(iter([b"Name\nx\n"])), "text/csv")))

    assert isinstance(raised.value, ConnectFailed | SessionExpired)
    assert len(transport.sent) == 1


def test_a_session_is_renewed_once_and_the_call_made_again() -> None:
    """Bulk API 1.0 says with HTTP 400 that a session has ended."""
    drive, transport, _ = driver(EXPIRED, job("Open"), access=FixedAccess("second"))

    drive.perform(bulk1.ask_job(bulk1.get_job(JOB)))

    assert [sent.headers["X-SFDC-Session"] for sent in transport.sent] == ["first", "second"]


def test_a_session_that_is_refused_again_is_an_error() -> None:
    drive, transport, _ = driver(EXPIRED, EXPIRED, access=FixedAccess("second", "third"))

    with pytest.raises(SessionExpired) as expired:
        drive.perform(bulk1.ask_job(bulk1.get_job(JOB)))

    assert len(transport.sent) == 2
    assert (
        f"GET /job/{JOB} was refused with HTTP 400 InvalidSessionId: Invalid session id\n"
        "No data was changed by this call.\n"
        "Log in again and go on: jobs and batches are unaffected. The same user must do it."
    ) == str(expired.value)


def test_retry_after_is_obeyed() -> None:
    limited = Scripted(503, b'[{"errorCode":"SERVER_UNAVAILABLE","message":"busy"}]', {"retry-after": "17"})
    drive, _, time = driver(limited, job("Open"))

    drive.perform(bulk1.ask_job(bulk1.get_job(JOB)))

    assert time.slept == [17.0]


def test_tries_have_a_limit() -> None:
    drive, transport, _ = driver(*[GATEWAY] * 5)

    with pytest.raises(AnswerMalformed):
        drive.perform(bulk1.ask_job(bulk1.get_job(JOB)))

    assert TransportOptions().tries == len(transport.sent)


# -- streamed bodies ------------------------------------------------------------------------------------------------------

RESULT = bulk1.query_result(JOB, BATCH, "752Rm00000H4dZy")
LOST = AnswerLost("cut", repeatable=True)


def test_a_result_that_breaks_off_is_fetched_again_without_doubling_a_byte() -> None:
    drive, transport, _ = driver(
        Scripted(200, [b'"Id"\n"1"', b'\n"2', LOST]),
        Scripted(200, [b'"Id"', LOST]),
        Scripted(200, [b'"Id"\n"1"\n"2"\n', b'"3"\n']),
    )

    assert b"".join(drive.stream(RESULT)) == b'"Id"\n"1"\n"2"\n"3"\n'
    assert len(transport.sent) == 3


@pytest.mark.parametrize("second", [b'"Id"\n"9"\n"2"\n', b'"Id"'])
def test_a_result_that_is_another_one_the_second_time_is_an_error(second: bytes) -> None:
    """Rows of two different files never stand in one result."""
    drive, _, _ = driver(Scripted(200, [b'"Id"\n"1"', LOST]), Scripted(200, [second]))

    with pytest.raises(AnswerMalformed, match="gave other bytes when it was fetched again"):
        list(drive.stream(RESULT))


def test_a_stream_that_breaks_off_for_ever_ends_with_an_error() -> None:
    drive, transport, _ = driver(*[Scripted(200, [b'"Id"', LOST]) for _ in range(5)])

    with pytest.raises(AnswerLost):
        list(drive.stream(RESULT))
    assert len(transport.sent) == 5


def test_an_error_body_is_not_data() -> None:
    refused = Scripted(
        400,
        b"<error "
        + NS
        + b"><exceptionCode>InvalidBatch</exceptionCode><exceptionMessage>Records not processed</exceptionMessage></error>",
    )
    drive, _, _ = driver(refused)

    with pytest.raises(ApiError, match="InvalidBatch: Records not processed"):
        list(drive.stream(RESULT))


# -- waiting --------------------------------------------------------------------------------------------------------------


def await_one(limit: float) -> Flow[object]:
    return bulk1.await_batch(JOB, BATCH, limit_seconds=limit, longest_pause=10)


def test_looks_come_soon_and_then_more_rarely() -> None:
    drive, _, time = driver(*[batch("Queued")] * 3, *[batch("InProgress")] * 9, batch("Completed"))

    assert drive.perform(bulk1.await_batch(JOB, BATCH, limit_seconds=600, longest_pause=10)).state == "Completed"
    assert time.slept == sorted(time.slept)
    assert time.slept[0] == 0.2
    assert time.slept[-1] == 10


def test_a_wait_has_a_limit_and_looks_once_more_when_it_is_reached() -> None:
    drive, transport, time = driver(*[batch("InProgress")] * 30)

    with pytest.raises(WaitTimeout) as ended:
        drive.perform(await_one(30))

    assert pytest.approx(time.now) == 30
    assert (len(time.slept) + 1) == len(transport.sent)
    assert (
        f"Batch {BATCH} of job {JOB} was still InProgress after 30 seconds.\n"
        "The org goes on with it; nothing is lost.\nWait again, with a longer limit."
    ) == str(ended.value)


def test_a_wait_of_no_seconds_looks_once() -> None:
    drive, transport, time = driver(batch("Queued"))

    with pytest.raises(WaitTimeout):
        drive.perform(await_one(0))
    assert (len(transport.sent), time.slept) == (1, [])


def test_a_chunked_query_is_not_done_before_its_ranges_are_there() -> None:
    """The original ends as NotProcessed a moment before the first range appears; all done would be too early."""
    drive, _, _ = driver(
        batches("Queued"),
        batches("NotProcessed"),
        job("Open"),
        batches("NotProcessed", "Queued", "Queued"),
        batches("NotProcessed", "Completed", "InProgress"),
        batches("NotProcessed", "Completed", "Completed"),
    )

    infos = drive.perform(bulk1.await_batches(JOB, limit_seconds=60, longest_pause=10, chunked=True))

    assert [info.state for info in infos] == ["Completed", "Completed"]


def test_a_chunked_query_that_the_org_did_not_chunk_is_a_plain_one() -> None:
    drive, _, _ = driver(batches("InProgress"), batches("Completed"))

    infos = drive.perform(bulk1.await_batches(JOB, limit_seconds=60, longest_pause=10, chunked=True))

    assert [info.state for info in infos] == ["Completed"]


def test_an_aborted_job_ends_the_wait() -> None:
    """NotProcessed without ranges, in a job that was aborted: nothing will come."""
    drive, _, _ = driver(batches("NotProcessed"), job("Aborted"))

    with pytest.raises(SalesforceBulkError, match=f"Job {JOB} is Aborted"):
        drive.perform(bulk1.await_batches(JOB, limit_seconds=60, longest_pause=10, chunked=True))


# -- ends -----------------------------------------------------------------------------------------------------------------

ENDED = Scripted(
    400,
    b"<error "
    + NS
    + b"><exceptionCode>InvalidJobState</exceptionCode><exceptionMessage>Closing already aborted Job not allowed</exceptionMessage></error>",
)


@pytest.mark.parametrize("state", ["Closed", "Aborted", "Failed"])
def test_closing_a_job_that_has_ended_is_no_error(state: str) -> None:
    drive, _, _ = driver(ENDED, job(state))

    assert state == drive.perform(bulk1.end_job(JOB, "Closed")).state


def test_a_job_that_will_not_close_is_an_error() -> None:
    drive, _, _ = driver(ENDED, job("Open"))

    with pytest.raises(ApiError, match="InvalidJobState"):
        drive.perform(bulk1.end_job(JOB, "Closed"))


def test_an_empty_list_of_results_is_no_proof_of_no_rows() -> None:
    """For a failed query batch the list came back empty, with HTTP 200."""
    empty = Scripted(200, b"[]")
    drive, _, _ = driver(
        empty, batch("Failed", "InvalidBatch : Failed to process query: MALFORMED_QUERY: unexpected token: x")
    )

    with pytest.raises(SalesforceBulkError) as failed:
        drive.perform(bulk1.query_result_ids(JOB, BATCH))

    assert (
        f"Batch {BATCH} of job {JOB} ended Failed: InvalidBatch : Failed to process query: MALFORMED_QUERY: unexpected token: x.\n"
        "None of its rows was loaded.\n"
        "Correct the cause that the message names and send the batch again in a new job."
    ) == str(failed.value)


def test_an_error_is_raised_inside_the_flow_first() -> None:
    """So that a flow can look at what became of a call."""

    def flow() -> Flow[str]:
        try:
            yield Call(bulk1.get_job(JOB))
        except ApiError as error:
            return error.error_code
        return "no error"

    drive, _, _ = driver(ENDED)

    assert drive.perform(flow()) == "InvalidJobState"


REDIRECTS: list[Callable[[], Request]] = [lambda: bulk1.get_job(JOB), lambda: bulk1.close_job(JOB)]


@pytest.mark.parametrize("request_", REDIRECTS)
def test_a_redirect_is_an_error_that_names_the_new_host(request_: Callable[[], Request]) -> None:
    """The token stays here."""
    drive, transport, _ = driver(
        Scripted(302, b"", {"location": "https://elsewhere.example/login?sid=00Dxx0000001gPL!AQ0"})
    )

    with pytest.raises(ApiError) as moved:
        drive.call(request_())

    assert len(transport.sent) == 1
    assert str(moved.value).startswith(
        f"{request_()} was redirected with HTTP 302 to https://elsewhere.example/login.\n"
    )
    assert "sid" not in str(moved.value)


def test_a_one_time_body_that_was_read_before_is_refused() -> None:
    body = Body.of(iter([b"x"]))
    list(body.pieces())
    drive, _, _ = driver(batch("Queued"))

    with pytest.raises(UsageError, match="one-time stream"):
        drive.call(bulk1.add_batch(JOB, body, "text/csv"))

"""How long is waited when many wait, and when the org is left the rest of its calls."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.engine.test_drive import FakeTime, FixedAccess

from salesforce_bulk.engine.drive import Clock, Driver
from salesforce_bulk.engine.patience import Looks, Usage
from salesforce_bulk.errors import ApiError, LimitReached
from salesforce_bulk.options import TransportOptions
from salesforce_bulk.protocol import query2
from salesforce_bulk.protocol.jobs2 import ask_job
from salesforce_bulk.protocol.messages import Reply
from salesforce_bulk.protocol.polling import Look
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

JOB = b'{"id":"750Rm00000K7vR2IAJ","state":"InProgress"}'
DONE = b'{"id":"750Rm00000K7vR2IAJ","state":"JobComplete"}'


def driver(*answers: Scripted, stop_at_usage: float | None = None, chance: float = 1.0) -> tuple[Driver, FakeTime]:
    time = FakeTime()
    clock = Clock(time.clock().sleep, lambda: time.now, lambda: chance)
    options = TransportOptions(stop_at_usage=stop_at_usage)
    return Driver(FixedAccess(), ScriptedTransport(answers), options, clock), time


def test_a_job_of_few_rows_is_seen_to_end_within_a_second() -> None:
    """And a job that takes long is looked at ever more rarely."""
    drive, time = driver(*[Scripted(200, JOB)] * 12, Scripted(200, DONE))

    drive.perform(query2.await_job("750Rm00000K7vR2IAJ", limit_seconds=3_600, longest_pause=10))

    assert [0.2, 0.3, 0.45, 0.68, 1.01, 1.52, 2.28, 3.42, 5.13, 7.69, 10, 10] == [round(s, 2) for s in time.slept]


def test_looks_come_by_chance_up_to_a_quarter_sooner() -> None:
    """Jobs that were made together are not looked at together for ever."""
    drive, time = driver(Scripted(200, JOB), Scripted(200, DONE), chance=0.0)

    drive.perform(query2.await_job("750Rm00000K7vR2IAJ", limit_seconds=60, longest_pause=10))

    assert [pytest.approx(0.15)] == time.slept


def test_a_hundred_jobs_cost_as_many_looks_as_four() -> None:
    """Each of them is looked at less often, up to the longest pause."""
    looks = Looks()
    inside, leave = threading.Barrier(101), threading.Event()

    def wait(_: int) -> None:
        with looks.stretched(1.0, 30.0):
            inside.wait()
            leave.wait()

    with looks.stretched(1.0, 30.0) as alone:
        assert 1.0 == alone
    with ThreadPoolExecutor(100) as threads:
        done = threads.map(wait, range(100))
        inside.wait()
        try:
            with looks.stretched(1.0, 30.0) as shared, looks.stretched(2.0, 30.0) as most:
                assert (25.25, 30.0) == (shared, most)
        finally:
            leave.set()
        list(done)
    assert 0 == looks.waiting


def test_a_pause_is_never_shorter_than_asked_for() -> None:
    with Looks().stretched(5.0, 2.0) as seconds:
        assert 5.0 == seconds


def test_a_look_says_how_long_it_may_be_put_off() -> None:
    """Never past the time that the caller waits for the job."""
    flow = query2.await_job("750Rm00000K7vR2IAJ", limit_seconds=5, longest_pause=10)
    next(flow)

    assert Look(0.2, 5) == flow.send(Reply(200, {}, JOB))


@pytest.mark.parametrize(
    "said",
    [
        "api-usage=90/100",
        "api-usage=90/100; per-app-api-usage=17/250(appName=Acme Loader)",
        "per-app-api-usage=17/250(appName=Acme Loader); api-usage=90/100",
    ],
)
def test_no_request_is_made_when_the_share_of_the_calls_is_used_up(said: str) -> None:
    """The answer that says so is taken; the next request is not made."""
    drive, _ = driver(Scripted(200, DONE, {"sforce-limit-info": said}), stop_at_usage=0.9)
    drive.perform(ask_job(query2.get_job("750Rm00000K7vR2IAJ")))

    with pytest.raises(LimitReached) as reached:
        drive.perform(ask_job(query2.get_job("750Rm00000K7vR2IAJ")))

    assert (
        "90 of the org's 100 API calls for 24 hours are used up, and stop_at_usage is 0.9.\n"
        "GET /services/data/v.../jobs/query/750Rm00000K7vR2IAJ was not made; jobs that were set going go on, and keep their "
        "results for 7 days.\nGo on when calls are free again, or with a higher stop_at_usage."
    ) == str(reached.value)
    assert (False, False, 0) == (reached.value.applied, reached.value.repeatable, reached.value.status_code)


def test_what_the_org_said_a_minute_ago_is_asked_anew() -> None:
    """One call finds out whether others are free again."""
    full, free = ({"sforce-limit-info": f"api-usage={used}/100"} for used in (90, 10))
    drive, time = driver(Scripted(200, DONE, full), Scripted(200, DONE, free), Scripted(200, DONE), stop_at_usage=0.9)
    look = query2.get_job("750Rm00000K7vR2IAJ")
    drive.perform(ask_job(look))
    with pytest.raises(LimitReached):
        drive.perform(ask_job(look))
    time.now += 61

    for _ in range(2):
        assert "JobComplete" == drive.perform(ask_job(look)).state


def test_without_a_share_the_org_says_when_to_stop() -> None:
    drive, _ = driver(*[Scripted(200, DONE, {"sforce-limit-info": "api-usage=100/100"})] * 2)
    for _ in range(2):
        assert "JobComplete" == drive.perform(ask_job(query2.get_job("750Rm00000K7vR2IAJ"))).state


def test_a_header_without_numbers_says_nothing() -> None:
    usage = Usage()
    for said in ("", "api-usage=", "per-app-api-usage=17/250(appName=x)"):
        usage.heed({"sforce-limit-info": said}, 0.0)
    usage.check(0.0, "GET /", 0.0)
    assert (0, 0) == (usage.used, usage.allowed)


REFUSED = '[{"message":"%s Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]'
CROWDED = Scripted(403, (REFUSED % "ConcurrentRequests (Concurrent API Requests)").encode())
USED_UP = Scripted(403, (REFUSED % "TotalRequests").encode())


def test_the_calls_of_a_day_that_are_used_up_are_not_asked_for_again() -> None:
    drive, time = driver(USED_UP)

    with pytest.raises(LimitReached) as reached:
        drive.perform(ask_job(query2.get_job("750Rm00000K7vR2IAJ")))

    assert [] == time.slept
    assert isinstance(reached.value, ApiError)
    assert (
        "GET /services/data/v.../jobs/query/750Rm00000K7vR2IAJ was refused with HTTP 403 REQUEST_LIMIT_EXCEEDED: "
        "TotalRequests Limit exceeded.\nNo data was changed by this call.\n"
        "The org's API calls for 24 hours are used up: wait. Jobs that were set going go on, and keep their results for 7 days."
    ) == str(reached.value)


def test_calls_at_the_same_time_pass() -> None:
    drive, time = driver(CROWDED, CROWDED, Scripted(200, DONE))

    assert "JobComplete" == drive.perform(ask_job(query2.get_job("750Rm00000K7vR2IAJ"))).state
    assert [0.5, 1.0] == time.slept


def test_calls_at_the_same_time_that_do_not_pass_are_a_limit() -> None:
    drive, _ = driver(*[CROWDED] * 5)

    with pytest.raises(LimitReached) as reached:
        drive.perform(ask_job(query2.get_job("750Rm00000K7vR2IAJ")))

    assert str(reached.value).endswith(
        "\nNo data was changed by this call.\n"
        "Too many calls are under way in the org at the same time: try again when some of them have ended."
    )

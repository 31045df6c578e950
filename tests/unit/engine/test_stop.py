"""Work that is left where it is: what is still said and written down, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.unit.engine.test_drive import FakeTime, FixedAccess

from salesforce_bulk.engine.drive import Driver
from salesforce_bulk.engine.stop import Stop, Stopped
from salesforce_bulk.errors import AnswerLost, ConnectFailed, JournalError
from salesforce_bulk.facts import Fact, JobGivenUp, JobMade, PartSent, UploadBegun
from salesforce_bulk.protocol import bulk1, ingest2, query2
from salesforce_bulk.protocol.messages import Call, Reply
from salesforce_bulk.protocol.polling import Look
from salesforce_bulk.records import Body, IngestSpec, JobSpec
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

JOB = "750Rm00000K7vR2IAJ"
SPEC = IngestSpec("insert", "Account")
LOST = AnswerLost("The answer did not come.")
NS = b'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
FULL = JournalError("There is no room.")


def job(state: str) -> Scripted:
    return Scripted(200, f'{{"id":"{JOB}","state":"{state}"}}'.encode())


class Left:
    """A driver whose work is left at one of its steps, and what it did."""

    def __init__(self, *script: Scripted | Exception, stop: Stop | None = None) -> None:
        self.transport = ScriptedTransport(script)  # type: ignore[arg-type]
        self.facts: list[Fact] = []
        self.time = FakeTime()
        self.stop = stop or Stop()
        driver = Driver(FixedAccess(), self.transport, clock=self.time.clock(), note=self.note)
        self.driver = self.stop.heeded_by(driver)
        self.at: Callable[[Fact], None] = lambda fact: None

    def note(self, fact: Fact) -> None:
        self.at(fact)
        self.facts.append(fact)

    def leaves_at(self, kind: type) -> None:
        self.at = lambda fact: self.stop.now() if isinstance(fact, kind) else None

    @property
    def sent(self) -> list[str]:
        return [f"{sent.method} {sent.url.rpartition('/jobs/')[2]}" for sent in self.transport.sent]


def test_a_job_that_was_not_set_going_is_aborted() -> None:
    """Before its upload: the part goes out in another one, by a resume."""
    left = Left(job("Open"), job("Aborted"))
    left.leaves_at(UploadBegun)

    with pytest.raises(Stopped):
        left.driver.perform(ingest2.submit_part(SPEC, Body.of(b"Name\nA\n")))

    assert ["POST ingest", f"PATCH ingest/{JOB}"] == left.sent
    assert [JobMade(JOB, "bulk2", 0), UploadBegun(0, JOB), JobGivenUp(0, JOB)] == left.facts


def test_an_upload_breaks_off_at_its_next_piece() -> None:
    left = Left(job("Open"), Scripted(201, b""), job("Aborted"))
    taken: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"Name\n", b"A\n", b"B\n"):
            left.stop.check()
            taken.append(piece)
            yield piece
            left.stop.now()

    with pytest.raises(Stopped):
        left.driver.perform(ingest2.submit_part(SPEC, Body(pieces, length=9, repeatable=True)))

    assert ([b"Name\n"], JobGivenUp(0, JOB)) == (taken, left.facts[-1])


def test_a_job_that_may_have_been_set_going_is_not_touched() -> None:
    """The answer to that was lost: a resume looks at it."""
    left = Left(job("Open"), Scripted(201, b""), LOST)
    send = left.transport.send

    def leaves(outgoing: object) -> object:
        if len(left.transport.sent) == 2:
            left.stop.now()
        return send(outgoing)  # type: ignore[arg-type]

    driver = replace(left.driver, transport=Sending(leaves))

    with pytest.raises(Stopped) as stopped:
        driver.perform(ingest2.submit_part(SPEC, Body.of(b"Name\nA\n")))

    assert stopped.value.has_begun
    assert [JobMade(JOB, "bulk2", 0), UploadBegun(0, JOB)] == left.facts
    assert 3 == len(left.sent)


class Sending:
    def __init__(self, send: Callable[[object], object]) -> None:
        self.send = send

    def close(self) -> None:
        """There is nothing."""


def test_what_happened_is_written_down_all_the_same() -> None:
    """The job was set going before the work was left."""
    left = Left(job("Open"), Scripted(201, b""), job("UploadComplete"))

    info = left.driver.perform(ingest2.submit_part(SPEC, Body.of(b"Name\nA\n")))
    left.stop.now()

    assert ("UploadComplete", PartSent(0, JOB)) == (info.state, left.facts[-1])
    with pytest.raises(Stopped):
        left.driver.perform(ingest2.await_job(JOB, limit_seconds=60, longest_pause=1))
    assert 3 == len(left.sent)


@pytest.mark.parametrize(
    ("flow", "made", "last"),
    [
        (
            lambda: ingest2.submit_part(SPEC, Body.of(b"Name\nA\n")),
            job("Open"),
            f"PATCH ingest/{JOB}",
        ),
        (
            lambda: bulk1.make_job(JobSpec("insert", "Account"), 1),
            Scripted(201, b"<jobInfo " + NS + f"><id>{JOB}</id><state>Open</state></jobInfo>".encode()),
            f"POST https://acme.my.salesforce.com/services/async/66.0/job/{JOB}",
        ),
    ],
)
def test_a_job_that_cannot_be_written_down_is_not_left_open(
    flow: Callable[[], ingest2.Flow[object]], made: Scripted, last: str
) -> None:
    """Nobody would find it again."""
    left = Left(made, made)

    def full(fact: Fact) -> None:
        raise FULL

    left.at = full

    with pytest.raises(JournalError):
        left.driver.perform(flow())

    assert last == left.sent[-1]
    assert 2 == len(left.sent)


def test_a_last_word_is_tried_once_when_the_work_is_left() -> None:
    """And as often as any other call while it goes on. That nobody heard it is no error."""
    refused = ConnectFailed("Nobody is there.")
    left, going = Left(refused, job("Aborted")), Left(refused, job("Aborted"))
    left.stop.now()

    for one in (left, going):
        one.driver.perform(query2.leave_job(JOB))

    assert (1, 2) == (len(left.sent), len(going.sent))


def test_a_thread_that_is_at_work_is_waited_for() -> None:
    """And one that comes too late does nothing: nobody would wait for it."""
    stop = Stop()
    begun, done, may_end = threading.Event(), [], threading.Event()

    def work() -> None:
        with stop.working():
            begun.set()
            may_end.wait()
            done.append("work")

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    ending = threading.Thread(target=lambda: (stop.now(), done.append("now")))
    ending.start()
    while not stop._event.is_set():
        threading.Event().wait(0.001)
    with pytest.raises(Stopped), stop.working():
        done.append("too late")
    may_end.set()
    ending.join()
    thread.join()

    assert ["work", "now"] == done


def test_the_time_ends_in_the_midst_of_a_pause() -> None:
    """Not after it."""
    time = FakeTime()
    left = Left(*[job("InProgress")] * 50, stop=Stop(20.0, lambda: time.now))
    left.driver = left.stop.heeded_by(replace(left.driver, clock=time.clock(), go_on=lambda: None))

    with pytest.raises(Stopped):
        left.driver.perform(ingest2.await_job(JOB, limit_seconds=3_600, longest_pause=15))

    assert pytest.approx(20.0) == time.now


def test_a_result_breaks_off_at_its_next_piece() -> None:
    left = Left(Scripted(200, b"Name\nA\n"))
    pieces = left.driver.stream(ingest2.successful_results(JOB))
    left.stop.now()

    with pytest.raises(Stopped):
        next(pieces)


def test_an_answer_after_one_that_was_lost_is_doubtful() -> None:
    """The first may have been acted on; a refusal that says that it was not leaves no doubt."""
    lost, refused, clear = Left(LOST, job("Aborted")), Left(ConnectFailed("no"), job("Aborted")), Left(job("Aborted"))

    assert [True, False, False] == [
        one.driver.call(ingest2.abort_job(JOB)).is_doubtful for one in (lost, refused, clear)
    ]


def test_looks_at_batches_share_the_budget_of_looks() -> None:
    """As those at jobs do."""
    for flow in (
        bulk1.await_batch(JOB, "751Rm00000T2bLkIAJ", limit_seconds=60, longest_pause=30),
        bulk1.await_batches(JOB, limit_seconds=60, longest_pause=30, chunked=False),
    ):
        assert isinstance(next(flow), Call)
        name = b"batchInfo" if flow.__name__ == "await_batch" else b"batchInfoList"
        inner = b"<id>751Rm00000T2bLkIAJ</id><state>Queued</state>"
        if name == b"batchInfoList":
            inner = b"<batchInfo>" + inner + b"</batchInfo>"
        look = flow.send(Reply(200, {}, b"<%b %b>%b</%b>" % (name, NS, inner, name)))

        assert Look(0.2, 30) == look

"""A batch whose posting was not answered: what is taken for it, and when nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.access import Anybody

from salesforce_bulk.engine.drive import Clock, Driver
from salesforce_bulk.engine.ingest import ResultFiles, Sent
from salesforce_bulk.engine.resume import PartLeft, Stage
from salesforce_bulk.engine.ways import ByBulk1, ByBulk2
from salesforce_bulk.errors import AnswerLost, ReconciliationError
from salesforce_bulk.facts import Fact, JobLost, JobMade, PartEnded, PartKept, PartSent, UploadBegun
from salesforce_bulk.options import LoadOptions
from salesforce_bulk.protocol.bulk1 import like
from salesforce_bulk.records import IngestSpec, JobSpec, Outcome
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

NS = b'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
JOB, BATCH = "750Rm00000K7vR2IAJ", "751Rm00000T2bLkIAJ"
ROWS = b"Name\nA\nB\n"
SENT = Sent(3, 6, 2, len(ROWS), lambda: iter([ROWS]))
LEFT = PartLeft(PartKept(3, 6, 2, len(ROWS)))
LOST = AnswerLost("The answer did not come.")


def job(state: str = "Open") -> Scripted:
    return Scripted(200, b"<jobInfo " + NS + f"><id>{JOB}</id><state>{state}</state></jobInfo>".encode())


def listed(*ids: str) -> Scripted:
    inner = "".join(f"<batchInfo><id>{id}</id><state>Queued</state></batchInfo>" for id in ids)
    return Scripted(200, b"<batchInfoList " + NS + b">" + inner.encode() + b"</batchInfoList>")


def ended() -> Scripted:
    said = f"<id>{BATCH}</id><state>Completed</state><numberRecordsProcessed>2</numberRecordsProcessed>"
    return Scripted(200, b"<batchInfo " + NS + b">" + said.encode() + b"</batchInfo>")


def way(*script: Scripted | AnswerLost) -> tuple[ByBulk1, list[Fact]]:
    facts: list[Fact] = []
    driver = Driver(Anybody(), ScriptedTransport(script), clock=Clock(sleep=lambda _: None), note=facts.append)
    return ByBulk1(driver, JobSpec("insert", "Account"), LoadOptions(), lambda *_: iter(())), facts


@pytest.mark.parametrize(
    ("processed", "looks"), [(["1", "2"], 2), (["2"], 1), (["null"], 1), (["1"] * 7, 7), (["1", "1", "1", "2"], 4)]
)
def test_numbers_of_a_job_that_lag_are_asked_for_until_they_agree(processed: list[str], looks: int) -> None:
    """With what the files say; seven times at most. Then the files are fetched again, and it is what they say or an error."""
    said = (
        f'{{"id":"{JOB}","state":"JobComplete","numberRecordsProcessed":{n},"numberRecordsFailed":0}}'
        for n in processed
    )
    transport = ScriptedTransport([Scripted(200, text.encode()) for text in said])
    driver = Driver(Anybody(), transport, clock=Clock(sleep=lambda _: None))

    def match(_: Sent, files: ResultFiles) -> Iterator[Outcome]:
        if files.records_processed in (None, 2):
            return iter([Outcome(6, "succeeded"), Outcome(7, "succeeded")])
        numbers = {"sent": 2, "succeeded": 2, "failed": 0, "unprocessed": 0, "records_processed": 1}
        raise ReconciliationError("They do not agree.", numbers=numbers)

    left = PartLeft(LEFT.kept, Stage.TO_SETTLE, JOB, ended=PartEnded(3, JOB, "JobComplete", "", 1, 0))
    by = ByBulk2(driver, IngestSpec("insert", "Account"), LoadOptions(), match)
    try:
        outcomes = list(by.send(SENT, left).outcomes())
    except ReconciliationError:
        outcomes = []

    assert (0 if looks == 7 else 2, looks) == (len(outcomes), len(transport.sent))


def test_numbers_are_asked_for_once_when_a_file_is_short() -> None:
    """It is fetched again at once: more looks at the job would not mend it."""
    transport = ScriptedTransport([Scripted(200, f'{{"id":"{JOB}","state":"JobComplete"}}'.encode())])
    driver = Driver(Anybody(), transport, clock=Clock(sleep=lambda _: None))
    numbers = {"sent": 2, "succeeded": 1, "failed": 0, "unprocessed": 0, "records_processed": 2}
    short = [ReconciliationError("They do not agree.", numbers=numbers)]

    def match(*_: object) -> Iterator[Outcome]:
        if short:
            raise short.pop()
        return iter([Outcome(6, "succeeded"), Outcome(7, "succeeded")])

    left = PartLeft(LEFT.kept, Stage.TO_SETTLE, JOB, ended=PartEnded(3, JOB, "JobComplete", "", 2, 0))
    ended = ByBulk2(driver, IngestSpec("insert", "Account"), LoadOptions(), match).send(SENT, left)

    assert 2 == len(list(ended.outcomes()))
    assert 1 == len(transport.sent)


def test_it_is_found_by_its_rows() -> None:
    """However the org writes their ends."""
    by, facts = way(job(), LOST, listed(BATCH), Scripted(200, b"\xef\xbb\xbfName\r\nA\r\nB"), ended())

    assert (JOB, BATCH, "Completed") == ((done := by.send(SENT, LEFT)).job, done.batch, done.state)
    assert [JobMade(JOB, "bulk1", None, 1), UploadBegun(3, JOB), PartSent(3, JOB, BATCH)] == facts


def test_a_batch_that_does_not_say_how_many_rows_it_processed_is_looked_into() -> None:
    """Zero means that none was tried; no number means nothing."""
    failed = b"<batchInfo " + NS + f"><id>{BATCH}</id><state>Failed</state>%s</batchInfo>".encode()
    for counter, tried in ((b"", False), (b"<numberRecordsProcessed>0</numberRecordsProcessed>", True)):
        by, _ = way(job(), Scripted(201, ended().body), Scripted(200, failed % counter), Scripted(200, b""))
        done = by.send(SENT, LEFT)

        assert tried is ([Outcome(6, "unprocessed"), Outcome(7, "unprocessed")] == list(done.outcomes()))


def test_it_is_posted_again_when_it_is_not_there() -> None:
    posted = Scripted(201, ended().body)
    by, facts = way(job(), LOST, listed(), posted, ended())

    assert BATCH == by.send(SENT, LEFT).batch
    assert [UploadBegun(3, JOB), UploadBegun(3, JOB), PartSent(3, JOB, BATCH)] == facts[1:]


REFUSED = (
    b"<error " + NS + b"><exceptionCode>InvalidBatch</exceptionCode><exceptionMessage>no</exceptionMessage></error>"
)


@pytest.mark.parametrize("answer", [Scripted(200, b"Name\nA\n"), Scripted(400, REFUSED)])
def test_nothing_is_posted_while_a_batch_is_not_understood(answer: Scripted) -> None:
    by, facts = way(job(), LOST, listed(BATCH), answer)

    with pytest.raises(AnswerLost) as unclear:
        by.send(SENT, LEFT)

    assert (
        f"The answer to the posting of part 3 (2 rows from row 6 on) was lost, and job {JOB} has a batch, {BATCH}, whose rows the "
        "org does not give back as they were sent.\nThe part may be in it, so it was not posted again.\n"
        "Look at that batch in the org: its request, and its result."
    ) == str(unclear.value)
    assert UploadBegun(3, JOB) == facts[-1]


def test_what_another_process_posted_is_looked_for_first() -> None:
    """In the job that it made; nothing is posted, and no job made, when it is there."""
    by, facts = way(listed(BATCH), Scripted(200, ROWS), ended())

    done = by.send(SENT, PartLeft(LEFT.kept, Stage.TO_LOOK, JOB))

    assert (BATCH, [PartSent(3, JOB, BATCH)]) == (done.batch, facts)


def test_a_job_whose_making_was_not_answered_is_made_again() -> None:
    by, facts = way(LOST, job(), Scripted(201, ended().body), ended())

    by.send(SENT, LEFT)

    assert [JobLost("bulk1", None, 1), JobMade(JOB, "bulk1", None, 1)] == facts[:2]


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    ends = sorted({0, len(data), *(place for place in places if place < len(data))})
    return (data[start:stop] for start, stop in pairwise(ends))


@given(st.binary(max_size=40).map(lambda data: b"Name\n" + data), st.lists(st.integers(0, 50), max_size=5))
def test_likeness_does_not_depend_on_how_bytes_arrive(data: bytes, places: list[int]) -> None:
    """Nor on line ends; every other byte counts."""
    assert like([data]) == like(cut(data, places))
    assert like([data]) == like([b"\xef\xbb\xbf" + data.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\n"])
    assert like([data]) != like([data + b"x"])

"""A batch whose posting was not answered: what is taken for it, and when nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.engine.drive import Clock, Driver
from salesforce_bulk.engine.ingest import Sent
from salesforce_bulk.engine.resume import PartLeft, Stage
from salesforce_bulk.engine.ways import ByBulk1
from salesforce_bulk.errors import AnswerLost
from salesforce_bulk.facts import Fact, JobLost, JobMade, PartKept, PartSent, UploadBegun
from salesforce_bulk.options import LoadOptions
from salesforce_bulk.protocol.bulk1 import like
from salesforce_bulk.records import JobSpec
from salesforce_bulk.session import Access, Addressed, filled
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

NS = b'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
JOB, BATCH = "750Rm00000K7vR2IAJ", "751Rm00000T2bLkIAJ"
ROWS = b"Name\nA\nB\n"
SENT = Sent(3, 6, 2, len(ROWS), lambda: iter([ROWS]))
LEFT = PartLeft(PartKept(3, 6, 2, len(ROWS)))
LOST = AnswerLost("The answer did not come.")


class Anybody(Access):
    def url(self, request: Addressed) -> str:
        return "http://127.0.0.1" + filled(request, "66.0")

    def headers(self, request: Addressed) -> dict[str, str]:
        return dict(request.headers)

    def renew(self, refused: object) -> bool:
        return False


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


def test_it_is_found_by_its_rows() -> None:
    """However the org writes their ends."""
    by, facts = way(job(), LOST, listed(BATCH), Scripted(200, b"\xef\xbb\xbfName\r\nA\r\nB"), ended())

    assert (JOB, BATCH, "Completed") == ((done := by.send(SENT, LEFT)).job, done.batch, done.state)
    assert [JobMade(JOB, "bulk1", None, 1), UploadBegun(3, JOB), PartSent(3, JOB, BATCH)] == facts


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

"""What is left of a run, from its facts: whatever happened to other parts in between, and wherever the facts break off."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.engine.resume import Left, Stage, left_of
from salesforce_bulk.facts import (
    Fact,
    InputRead,
    JobGivenUp,
    JobLost,
    JobMade,
    PartEnded,
    PartKept,
    PartSent,
    PartSettled,
    PassMerged,
    RunEnded,
    RunResumed,
    UploadBegun,
)

STAGES = {
    PartKept: Stage.TO_SEND,
    JobMade: Stage.TO_LOOK,
    UploadBegun: Stage.TO_LOOK,
    JobGivenUp: Stage.TO_SEND,
    PartSent: Stage.TO_AWAIT,
    PartEnded: Stage.TO_SETTLE,
    PartSettled: Stage.SETTLED,
}


@st.composite
def histories(draw: st.DrawFn) -> list[list[Fact]]:
    """What happens to each part of a run, in its order: tries that are given up, then the one that is heard."""
    api = draw(st.sampled_from(["bulk2", "bulk1", "rest"]))
    made = []
    for part in range(draw(st.integers(1, 4))):
        facts: list[Fact] = [PartKept(part, 3 * part, 3, 90)]
        tries = draw(st.integers(0, 2))
        for number in range(tries + 1):
            job = {"bulk2": f"750{part}{number}", "bulk1": "750", "rest": ""}[api]
            if api == "bulk2":
                facts.append(JobMade(job, api, part))
            facts.append(UploadBegun(part, job))
            if number < tries:
                facts.append(JobGivenUp(part, job))
        if api != "rest":
            facts.append(PartSent(part, job, f"751{part}" if api == "bulk1" else None))
        facts += [PartEnded(part, job, "JobComplete", "", 3, 1), PartSettled(part, 2, 1, 0, 1)]
        made.append(facts)
    return made


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[Fact], list[list[Fact]]]:
    """The facts of a run up to some point, and those of each part among them."""
    left = [list(history) for history in draw(histories())]
    facts: list[Fact] = []
    for _ in range(draw(st.integers(0, sum(map(len, left))))):
        open_ = [history for history in left if history]
        facts.append(draw(st.sampled_from(open_)).pop(0))
        if draw(st.booleans()):
            facts.append(draw(st.sampled_from([RunResumed(), JobLost("bulk2", 0)])))
    own = [[fact for fact in facts if getattr(fact, "part", None) == part] for part in range(len(left))]
    return facts, [[fact for fact in mine if not isinstance(fact, JobLost)] for mine in own]


@given(interleaved())
def test_any_beginning_of_a_run_tells_what_is_left(told: tuple[list[Fact], list[list[Fact]]]) -> None:
    """Each part is where its own last fact says; what is settled stays settled, and nothing that may be in the org is sent."""
    facts, own = told
    left = left_of(facts)

    begun = [mine for mine in own if mine]
    assert [STAGES[type(mine[-1])] for mine in begun] == [part.stage for part in left.parts]
    for mine, part in zip(begun, left.parts, strict=True):
        last: Any = mine[-1]
        assert mine[0] == part.kept
        assert getattr(last, "job", part.job) == part.job or part.stage is Stage.TO_SEND
        in_doubt = [fact for fact in mine if isinstance(fact, UploadBegun | PartSent)]
        if in_doubt and not isinstance(last, JobGivenUp):
            assert part.stage is not Stage.TO_SEND
    assert sum(isinstance(fact, JobLost) for fact in facts) == left.jobs_lost
    assert sum(isinstance(fact, RunResumed) for fact in facts) == left.resumed


@given(interleaved())
def test_parts_do_not_stand_in_each_others_way(told: tuple[list[Fact], list[list[Fact]]]) -> None:
    """In whatever order threads wrote down what became of their parts, the same is left of each."""
    facts, own = told

    assert left_of(facts).parts == left_of([fact for mine in own for fact in mine]).parts


def test_a_pass_and_its_end() -> None:
    """Parts of a later pass stand apart; what was settled first, and what it is by now, are both known."""
    facts: list[Fact] = [
        PartKept(0, 0, 3, 90, "ab"),
        InputRead(1, 3),
        JobMade("750A", "bulk1"),
        UploadBegun(0, "750A"),
        PartSent(0, "750A", "751A"),
        PartEnded(0, "750A", "Completed", "", 3, 1),
        PartSettled(0, 2, 1, 0, 1),
        PartKept(1, 2, 1, 40, "cd", in_pass=2),
        JobMade("750B", "bulk1", None, 2),
        UploadBegun(1, "750B"),
        PartSent(1, "750B", "751B"),
        PartEnded(1, "750B", "Completed", "", 1, 0),
        PartSettled(1, 1, 0, 0),
        PartSettled(0, 3, 0, 0),
        PassMerged(2),
        RunEnded(3, 0, 0),
    ]

    left = left_of(facts)

    assert ([0], [1]) == ([part.kept.part for part in left.of_pass(1)], [part.kept.part for part in left.of_pass(2)])
    (first,) = left.of_pass(1)
    assert (PartSettled(0, 2, 1, 0, 1), PartSettled(0, 3, 0, 0)) == (first.first, first.settled)
    assert ({1: ["750A"], 2: ["750B"]}, frozenset({2}), 3) == (left.jobs, left.merged, left.rows)
    assert (InputRead(1, 3), RunEnded(3, 0, 0)) == (left.input_read, left.ended)
    assert Left() == left_of([])

"""Outcomes as lines, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.outcome_lines import OutcomeLines, failures_in, line_of, outcome_of, outcomes_in
from salesforce_bulk.records import Outcome

IDS = st.one_of(st.none(), st.from_regex(r"[0-9A-Za-z]{15,18}", fullmatch=True))
OUTCOMES = st.one_of(
    st.builds(Outcome, st.just(0), st.just("succeeded"), IDS, st.sampled_from([True, False, None])),
    st.builds(Outcome, st.just(0), st.just("unprocessed")),
    st.builds(
        Outcome,
        st.just(0),
        st.just("failed"),
        IDS,
        st.just(False),
        st.text(),
        st.text(),
        st.lists(st.text()).map(tuple),
    ),
)


def numbered(outcomes: list[Outcome], first: int) -> list[Outcome]:
    return [
        Outcome(row, o.state, o.id, o.created, o.code, o.message, o.fields) for row, o in enumerate(outcomes, first)
    ]


def test_how_a_line_reads() -> None:
    """People read them too."""
    assert "c001A" == line_of(Outcome(7, "succeeded", id="001A", created=True))
    assert "u001A" == line_of(Outcome(7, "succeeded", id="001A"))
    assert "s001A" == line_of(Outcome(7, "succeeded", id="001A", created=None))
    assert "-" == line_of(Outcome(7, "unprocessed"))
    assert 'f[null, "CODE", "no", ["A"]]' == line_of(Outcome(7, "failed", code="CODE", message="no", fields=("A",)))


@given(OUTCOMES)
def test_a_line_is_one_line_and_comes_back_as_its_outcome(outcome: Outcome) -> None:
    line = line_of(outcome)

    assert [line] == line.splitlines()
    assert numbered([outcome], 3) == [outcome_of(3, line)]


@given(st.lists(st.lists(OUTCOMES, min_size=1, max_size=6), max_size=4), st.integers(0, 5))
def test_blocks_of_lines(blocks: list[list[Outcome]], first: int) -> None:
    """All outcomes, or those that are not "succeeded": each with its row."""
    texts = ["".join(f"{line_of(outcome)}\n" for outcome in block).encode() for block in blocks]
    expected = numbered([outcome for block in blocks for outcome in block], first)

    assert expected == list(outcomes_in(texts, first))
    assert [outcome for outcome in expected if outcome.state != "succeeded"] == list(failures_in(texts, first))
    lines = OutcomeLines(first, 0, 0, 0, lambda: texts)
    assert expected == list(lines)
    assert expected == list(lines)

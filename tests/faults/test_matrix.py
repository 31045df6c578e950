"""Every fault at every request: see matrix.py. A sample of the cases is in each run; ``scripts/test --faults`` has them all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesforce_bulk.emulator import LocalOrg

from . import outcomes
from .matrix import Case, cases, judge, opened, perform
from .verbs import VERBS

SAMPLE = 40
_ALL = list(cases())
_SAMPLED = set(random.Random(20_260_101).sample(range(len(_ALL)), SAMPLE))


@pytest.fixture
def org(local_org_server: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalOrg]:
    """Not ``local_org``: a fault that found nothing to spoil is no mistake of the test here."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    page_rows = local_org_server.bulk2.page_rows
    yield local_org_server
    local_org_server.bulk2.page_rows = page_rows
    local_org_server.reset()


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=str(case), marks=() if number in _SAMPLED else pytest.mark.faults)
        for number, case in enumerate(_ALL)
    ],
)
def test_right_or_a_precise_error_from_which_all_comes_to_right(case: Case, org: LocalOrg, tmp_path: Path) -> None:
    """And the table says which."""
    recorded = outcomes.load()[case.verb, case.request, case.how]

    assert recorded[case.fault] == judge(case, org, tmp_path / "out")


@pytest.mark.parametrize("name", VERBS)
def test_each_request_of_a_verb_stands_in_its_table(name: str, org: LocalOrg, tmp_path: Path) -> None:
    """And without faults everything is right."""
    verb = VERBS[name]
    verb.prepare(org)
    (tmp_path / "out").mkdir()
    with opened(verb, org) as sf:
        done = perform(verb, sf, tmp_path / "out", org)

    known = {request for other in VERBS.values() if other.api == verb.api for request in other.requests}
    made = {seen.operation for seen in org.seen}
    assert set(verb.requests) <= made <= known
    verb.check(org, done)


def test_the_table_has_all_cases_and_the_document_is_drawn_from_it() -> None:
    """scripts/faults records and draws it."""
    recorded = outcomes.load()

    assert {(case.verb, case.request, case.how, case.fault) for case in _ALL} == {
        (*place, fault) for place, faults in recorded.items() for fault in faults
    }
    assert outcomes.document(recorded) == outcomes.DOCUMENT.read_text("utf-8")

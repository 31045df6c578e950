"""The list of mutations stays true: each text to be changed stands in its file, once, and there are enough of each side."""

from __future__ import annotations

from collections import Counter

import pytest

from .mutations import CLIENT, MUTATIONS, ORG, Mutation
from .run import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_there_is_one_place_to_change(mutation: Mutation) -> None:
    """And tests that could notice."""
    text = (ROOT / "src" / "salesforce_bulk" / mutation.file).read_text("utf-8")

    assert 1 == text.count(mutation.old)
    assert mutation.old != mutation.new
    assert all((ROOT / "tests" / name).exists() for name in mutation.tests)


def test_both_sides_are_put_to_the_test() -> None:
    """At least three of each."""
    sides = Counter(mutation.side for mutation in MUTATIONS)

    assert min(sides[CLIENT], sides[ORG]) >= 3

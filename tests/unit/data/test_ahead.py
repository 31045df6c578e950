"""Work done ahead of its reader."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from salesforce_bulk.data.ahead import in_order, one_ahead


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_results_come_in_the_order_of_the_source(threads: int) -> None:
    """However many threads work on them."""
    assert list(in_order(range(100), lambda each: each * 2, threads=threads)) == [each * 2 for each in range(100)]
    assert list(in_order([], str, threads=threads)) == []


def test_two_are_worked_on_at_once() -> None:
    """Each waits for the other: alone, neither would end."""
    both = threading.Barrier(2, timeout=30)
    assert list(in_order(range(2), lambda each: both.wait() * 0 + each, threads=2)) == [0, 1]


def test_the_source_is_read_a_bounded_way_ahead() -> None:
    """Memory does not grow with the source."""
    read = 0

    def source() -> Iterator[int]:
        nonlocal read
        for each in range(1_000):
            read += 1
            yield each

    farthest = 0
    for each in in_order(source(), lambda each: each, threads=2):
        farthest = max(farthest, read - each)
    assert farthest <= 2 + 2 + 1


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_of_the_source_comes_after_what_was_before_it(threads: int) -> None:
    """In its place, unchanged."""

    def source() -> Iterator[int]:
        yield 1
        raise KeyError("source")

    found = in_order(source(), lambda each: each, threads=threads)
    assert next(found) == 1
    with pytest.raises(KeyError, match="source"):
        next(found)


@pytest.mark.parametrize("threads", [0, 2])
def test_an_error_of_the_work_comes_in_its_place(threads: int) -> None:
    """And what was before it has come."""
    found = in_order([2, 1, 0, 1], lambda each: 2 // each, threads=threads)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ZeroDivisionError):
        next(found)


@pytest.mark.parametrize("threads", [0, 2])
def test_giving_up_closes_the_source_and_ends_the_threads(threads: int) -> None:
    """Nothing goes on behind the reader's back."""
    before = threading.active_count()
    closed: list[bool] = []

    def source() -> Iterator[int]:
        try:
            yield from range(1_000_000)
        finally:
            closed.append(True)

    ours = source()
    found = in_order(ours, lambda each: each, threads=threads)
    assert next(found) == 0
    found.close()
    ours.close()
    assert closed == [True]
    assert threading.active_count() == before


def test_one_is_worked_on_while_the_one_before_is_read() -> None:
    """In order, one ahead; an error comes at its place."""
    worked: list[int] = []

    def work(each: int) -> int:
        if each == 3:
            raise ValueError("three")
        worked.append(each)
        return each * 2

    results = one_ahead(range(5), work)

    assert 0 == next(results)
    assert 2 == next(results)
    assert {0, 1} <= set(worked) <= {0, 1, 2}
    assert 4 == next(results)
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert [] == list(one_ahead([], str))

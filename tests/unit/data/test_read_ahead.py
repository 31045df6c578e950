"""Reading ahead changes nothing but the time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.ahead import PIECE_BYTES, PIECES_AHEAD, read_ahead
from salesforce_bulk.errors import AnswerLost


@given(st.lists(st.binary(max_size=50), max_size=40))
def test_the_bytes_are_the_same(pieces: list[bytes]) -> None:
    assert b"".join(pieces) == b"".join(read_ahead(iter(pieces)))


def test_an_error_comes_at_its_place() -> None:
    """What was read before it is handed out first."""

    def pieces() -> Iterator[bytes]:
        yield b"x" * PIECE_BYTES
        raise AnswerLost("cut")

    ahead = read_ahead(pieces())

    assert b"x" * PIECE_BYTES == next(ahead)
    with pytest.raises(AnswerLost):
        next(ahead)


def test_it_reads_only_so_far_ahead_and_closes_what_it_reads() -> None:
    """Memory stays bounded however slow the reader; a reader that gives up leaves no thread and no open body."""
    read = 0
    closed = threading.Event()

    def pieces() -> Iterator[bytes]:
        nonlocal read
        try:
            while True:
                read += 1
                yield b"x" * PIECE_BYTES
        finally:
            closed.set()

    before = threading.active_count()
    ahead = read_ahead(pieces())
    for _ in range(3):
        next(ahead)
    ahead.close()

    assert closed.is_set()
    assert read <= 3 + PIECES_AHEAD + 2
    assert before == threading.active_count()

"""Bits say where bytes stand, byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.mark_bits import FEED, QUOTE, MarkBits, numpy_that_counts_bits

TEXTS = st.lists(st.sampled_from(["a", '"', "\n", "b" * 63, '"' * 64, "\n" * 65]), max_size=20).map("".join)


def places(words: object) -> list[int]:
    return [64 * at + bit for at, word in enumerate(words) for bit in range(64) if int(word) >> bit & 1]  # type: ignore[call-overload]


@given(TEXTS, TEXTS, st.booleans())
def test_bits_say_what_a_walk_says(text: str, other: str, is_open: bool) -> None:
    numpy = numpy_that_counts_bits()
    if numpy is None:
        pytest.skip("numpy 2 is not installed")
    bits = MarkBits(numpy)
    for data in (text.encode(), other.encode()):  # the second one finds what the first one left
        array = numpy.frombuffer(data, numpy.uint8)
        feeds, quotes = bits.of(array, FEED), bits.of(array, QUOTE)

        assert [at for at, byte in enumerate(data) if byte == FEED] == places(feeds)
        assert data.count(b"\n") == bits.count(feeds)
        assert [at + 1 for at in places(feeds) if at + 1 < 64 * len(feeds)] == places(bits.behind(feeds))

        inside = bits.inside(quotes, is_open) if len(quotes) else quotes
        expected = [at for at in range(len(data)) if (data.count(b'"', 0, at + 1) + is_open) % 2]
        assert expected == [at for at in places(inside) if at < len(data)]
        if data:
            assert (data.count(b'"') + is_open) % 2 == bits.has_last(inside)

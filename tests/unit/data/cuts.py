"""However bytes are cut, the rows are the same: the ways in which the tests of this folder cut them."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st


def whole_and_single(data: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and with an empty piece and a tail."""
    return [[data], [data[at : at + 1] for at in range(len(data))], [data[:-1], b"", data[-1:]]]


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The bytes in pieces, some of them empty."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=8).map(sorted))
    edges = [0, *places, len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


#: Texts in which the characters that have a meaning somewhere are common.
TEXTS = st.one_of(
    st.text(alphabet='",\n\r\0\u2028\u0085\ufeff#N/A aé😀', max_size=12),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["", "\r", "\r\n", "#N/A", "0042", '"', '""', '","', '"\n"', "\ufeff", "\x00", " padded ", "\u2028"]
    ),
)

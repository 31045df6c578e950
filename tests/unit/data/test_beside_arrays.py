"""Records and outcomes joined as arrays: the bytes are those of the slow way, wherever blocks and stretches are cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.beside import record_lists
from salesforce_bulk.data.beside_arrays import Cells, lines_beside

numpy = pytest.importorskip("numpy")
pytest.importorskip("pyarrow")

RECORD = st.sampled_from(
    ["a,b", '"a,\n""b",', ",", '"","x"', "a", "a,b,c", '"\n",a', "", '"a\n\nb",","', "é,\u2028", 'a"",b']
)


def slow_cells(block: bytes) -> list[bytes]:
    return [b"," + line.upper() for line in block.split(b"\n")[:-1]]


def slowly(records: Sequence[bytes], cells: Sequence[bytes]) -> bytes:
    return b"".join(b"\n%b%b" % pair for pair in zip(records, cells, strict=True))


def expected_cells(blocks: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Blocks of which every line was created have their own form."""
    cells: list[bytes] = []
    for block in blocks:
        if all(line.startswith(b"c") for line in block):
            cells += [b",%b,true," % line[1:] for line in block]
        else:
            cells += [b"," + line.upper() for line in block]
    return cells


@given(
    records=st.lists(RECORD, min_size=1, max_size=40),
    last_end=st.booleans(),
    cuts=st.integers(1, 30),
    stretch=st.integers(1, 60),
    more=st.lists(st.integers(1, 5), max_size=40),
    is_created=st.lists(st.booleans(), min_size=40, max_size=40),
    width=st.sampled_from([1, 2, 3]),
)
def test_the_same_as_one_by_one(
    records: list[str],
    last_end: bool,
    cuts: int,
    stretch: int,
    more: list[int],
    is_created: list[bool],
    width: int,
) -> None:
    text = ("\n".join(records) + "\n" * last_end).encode()
    found = [record for some in record_lists([text]) for record in some]
    lines = [b"%b%d" % (b"c" if is_created[at // 4 % 40] else b"f", at) for at in range(len(found))]
    edges = [0]
    for size in [*more, len(lines)]:
        if edges[-1] < len(lines):
            edges.append(min(edges[-1] + size, len(lines)))
    blocks = [lines[start:stop] for start, stop in pairwise(edges)]

    cells = Cells(numpy, (b"".join(line + b"\n" for line in block) for block in blocks), slow_cells)
    pieces = [text[at : at + cuts] for at in range(0, len(text), cuts)]
    made = list(lines_beside(numpy, pieces, width, cells, slowly, stretch))

    expected = b"".join(b"\n%b%b" % pair for pair in zip(found, expected_cells(blocks), strict=True))
    assert expected == b"".join(bytes(data) for data, _ in made)
    assert len(found) == sum(count for _, count in made)
    assert 0 == len(cells.take(1))

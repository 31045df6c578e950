"""gzip, whole, cut and broken."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.errors import AnswerLost, AnswerMalformed, TransportError
from salesforce_bulk.transport.inflate import deflated, inflated


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


@given(st.binary(max_size=5000), st.lists(st.integers(0, 10_000), max_size=8), st.integers(0, 9))
def test_however_it_is_cut_the_content_is_the_same(data: bytes, places: list[int], level: int) -> None:
    assert data == b"".join(inflated(cut(gzip.compress(data, level), places)))


@given(st.lists(st.binary(max_size=500), max_size=5))
def test_what_is_deflated_is_gzip(pieces: list[bytes]) -> None:
    assert b"".join(pieces) == gzip.decompress(b"".join(deflated(pieces)))


@given(st.lists(st.binary(max_size=500), min_size=1, max_size=4))
def test_several_members_are_one_content(members: list[bytes]) -> None:
    """Servers glue finished members together."""
    assert b"".join(members) == b"".join(inflated([b"".join(map(gzip.compress, members))]))


@given(st.binary(min_size=1, max_size=3000), st.data())
def test_a_stream_that_is_cut_off_is_never_a_whole_one(data: bytes, draw: st.DataObject) -> None:
    """What looks complete and is not would be rows lost in silence."""
    packed = gzip.compress(data)
    shorter = packed[: draw.draw(st.integers(1, len(packed) - 1))]

    with pytest.raises(AnswerLost):
        list(inflated([shorter]))


@pytest.mark.parametrize("place", [0, 20, -3, -6])
def test_a_stream_with_a_wrong_byte_is_refused(place: int) -> None:
    """In the header, the content, the checksum or the length."""
    packed = bytearray(gzip.compress(b"some rows of data, " * 20))
    packed[place] ^= 0xFF

    with pytest.raises(TransportError):
        list(inflated([bytes(packed)]))


def test_no_content_at_all_is_no_content() -> None:
    assert list(inflated([])) == []


def test_a_small_bomb_is_inflated_in_steps() -> None:
    """No step is larger than a mebibyte, however small the reply."""
    packed = gzip.compress(bytes(50_000_000))

    sizes = [len(piece) for piece in inflated([packed])]

    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 1024 * 1024


def test_zlib_framing_is_not_gzip() -> None:
    with pytest.raises(AnswerMalformed, match="not the gzip it says it is"):
        list(inflated([zlib.compress(bytes(range(256)) * 100)]))

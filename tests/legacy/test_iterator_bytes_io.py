"""``IteratorBytesIO``. legacy-api.md 3.2 ``IteratorBytesIO(iterator)`` and 9 "result streams"."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.util import IteratorBytesIO

PIECES = [b'"Id","Na', b"", b'me"\r\n1,"a\nb"\r\n', b"2,Z", b"o\xc3", b"\xab\n3,c"]
WHOLE = b"".join(PIECES)


def stream() -> IteratorBytesIO:
    return IteratorBytesIO(iter(PIECES))


def test_it_is_a_binary_file_that_reads_forward() -> None:
    """3.2: readable, not seekable, ``read(n)``, lines."""
    assert stream().readable()
    assert not stream().seekable()
    assert not stream().writable()
    assert isinstance(stream(), io.IOBase)
    assert WHOLE == stream().read()
    assert WHOLE == stream().read(None)
    assert WHOLE == stream().read(-1)
    opened = stream()
    assert [WHOLE[:3], WHOLE[3:20], WHOLE[20:], b""] == [
        opened.read(3),
        opened.read(17),
        opened.read(10**6),
        opened.read(1),
    ]
    assert list(io.BytesIO(WHOLE)) == list(stream()) == stream().readlines()


def test_none_is_an_empty_one() -> None:
    """3.2: ``None`` = empty."""
    assert b"" == IteratorBytesIO(None).read()
    assert [] == list(IteratorBytesIO(None))
    assert b"" == IteratorBytesIO([]).read()


def test_over_its_own_kind() -> None:
    """9 "IteratorBytesIO must accept its own kind": the README wraps a result once more."""
    assert WHOLE == IteratorBytesIO(stream()).read()
    assert WHOLE == IteratorBytesIO(IteratorBytesIO(stream())).read()
    half = stream()
    half.read(5)
    assert WHOLE[5:] == IteratorBytesIO(half).read()
    assert WHOLE == IteratorBytesIO(io.BytesIO(WHOLE)).read()


def test_what_programs_put_around_it() -> None:
    """9: ``json.load``, ``csv`` over ``io.TextIOWrapper``, ``ET.parse``, ``io.BufferedReader``."""
    assert [["Id", "Name"], ["1", "a\nb"], ["2", "Zoë"], ["3", "c"]] == list(
        csv.reader(io.TextIOWrapper(stream(), "utf-8", newline=""))
    )
    assert {"a": [1]} == json.load(IteratorBytesIO([b'{"a"', b": [1]}"]))
    assert "root" == ET.parse(IteratorBytesIO([b"<ro", b"ot/>"])).getroot().tag
    buffer = bytearray(7)
    assert 7 == stream().readinto(buffer)
    assert WHOLE[:7] == bytes(buffer)


def test_what_is_no_bytes_is_refused() -> None:
    """Numbers are no bytes: ``bytes(5)`` would be five zeros."""
    for wrong in (b"abc", ["text"], [5], [[1, 2]]):
        with pytest.raises(TypeError):
            IteratorBytesIO(wrong).read()


def test_closing_closes_what_it_reads_from() -> None:
    """Nothing stays open: the generator below, through two wrappers; reading on is an error; closing twice is not."""
    closed: list[bool] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    inner = IteratorBytesIO(pieces())
    outer = IteratorBytesIO(inner)
    assert b"a" == outer.read(1)
    outer.close()
    outer.close()
    assert [True] == closed
    assert inner.closed
    with pytest.raises(ValueError, match="closed"):
        outer.read()


def test_an_error_of_the_source_comes_through() -> None:
    """Bytes that did not come are no end of file."""

    def pieces() -> Iterator[bytes]:
        yield b"a,b\n"
        raise ConnectionError("broke off")

    opened = IteratorBytesIO(pieces())
    assert b"a,b\n" == opened.readline()
    with pytest.raises(ConnectionError):
        opened.readline()


@given(
    st.lists(st.binary(max_size=9) | st.sampled_from([b"\n", b"\r\n", b"x\ny"]), max_size=9),
    st.lists(st.integers(0, 9)),
)
def test_however_the_pieces_are_cut(pieces: list[bytes], sizes: list[int]) -> None:
    """It reads as ``io.BytesIO`` over the joined pieces does, by any mixture of reads and lines."""
    opened, expected = IteratorBytesIO(iter(pieces)), io.BytesIO(b"".join(pieces))
    for size in sizes:
        if size % 2:
            assert expected.read(size) == opened.read(size)
        else:
            assert expected.readline(size or -1) == opened.readline(size or -1)
    assert expected.read() == opened.read()

"""The old IteratorBytesIO, and what programs do with it."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.legacy.util import IteratorBytesIO
from salesforce_bulk.util import IteratorBytesIO as OldPath

PIECES = [b"Id,Na", b"me\n1,\xc3", b"", b'\xa9\n2,"a\n', b'b"\n']
DATA = b"".join(PIECES)


def test_the_old_import_path_is_the_same_class() -> None:
    """``from salesforce_bulk.util import IteratorBytesIO``."""
    assert OldPath is IteratorBytesIO


def test_it_is_a_readable_file_that_cannot_seek() -> None:
    """As before."""
    stream = IteratorBytesIO(iter(PIECES))
    assert isinstance(stream, io.IOBase)
    assert stream.readable()
    assert not stream.seekable()


@pytest.mark.parametrize("size", [None, -1, 10_000])
def test_read_gives_everything(size: int | None) -> None:
    """``read(-1)`` was a ValueError."""
    assert IteratorBytesIO(iter(PIECES)).read(size) == DATA
    assert IteratorBytesIO(iter(PIECES)).read() == DATA


def test_reads_of_a_size() -> None:
    """Exactly that many bytes until the end."""
    stream = IteratorBytesIO(PIECES)
    assert [stream.read(7), stream.read(0), stream.read(1000), stream.read(1)] == [DATA[:7], b"", DATA[7:], b""]


def test_none_is_an_empty_file() -> None:
    """As before."""
    assert IteratorBytesIO(None).read() == b""
    assert list(IteratorBytesIO(None)) == []


def test_lines() -> None:
    """They end in LF, and only there."""
    assert list(IteratorBytesIO(PIECES)) == DATA.splitlines(keepends=True)
    assert IteratorBytesIO([b"a\rb\nc"]).readlines() == [b"a\rb\n", b"c"]


@given(st.lists(st.binary(max_size=6)), st.integers(0, 5))
def test_one_in_another_reads_on_where_the_other_is(pieces: list[bytes], start: int) -> None:
    """The README's double wrapping."""
    inner = IteratorBytesIO(iter(pieces))
    head = inner.read(start)
    assert head + IteratorBytesIO(inner).read() == b"".join(pieces)


def test_csv_over_text() -> None:
    """A line break inside quotes stays in its cell."""
    text = io.TextIOWrapper(IteratorBytesIO(PIECES), encoding="utf-8", newline="")
    assert list(csv.reader(text)) == [["Id", "Name"], ["1", "é"], ["2", "a\nb"]]


def test_json_and_xml_and_buffers() -> None:
    """json.load, ElementTree.parse, BufferedReader, readinto."""
    assert json.load(IteratorBytesIO([b'[{"a"', b":1}]"])) == [{"a": 1}]
    assert ElementTree.parse(IteratorBytesIO([b"<a><b", b"/></a>"])).getroot()[0].tag == "b"
    assert io.BufferedReader(IteratorBytesIO(PIECES)).read() == DATA  # type: ignore[type-var]
    into = bytearray(4)
    assert IteratorBytesIO(PIECES).readinto(into) == 4
    assert into == DATA[:4]


def test_the_end_of_a_wrapper_is_not_the_end_of_what_it_wraps() -> None:
    """Only closing it is."""
    inner = io.BytesIO(b"a\nb\n")
    outer = IteratorBytesIO(inner)
    next(outer)
    del outer
    assert inner.read() == b"b\n"

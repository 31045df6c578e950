"""Pieces of bytes as a file."""

from __future__ import annotations

import io

import pytest
from cuts import cut
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.streams import PieceReader, Texts, unless_no_records, without_bom

DATA = st.binary(max_size=40) | st.lists(st.sampled_from([b"\n", b"a", b"\r", b"\xc3\xa9"])).map(b"".join)


@given(DATA, st.data())
def test_it_reads_like_a_file_of_the_joined_pieces(data: bytes, draws: st.DataObject) -> None:
    """Every mixture of reads gives what a BytesIO gives."""
    ours, theirs = PieceReader(draws.draw(cut(data))), io.BytesIO(data)
    for _ in range(6):
        how = draws.draw(st.sampled_from(["read", "readline", "readinto", "all", "next", "lines"]))
        size = draws.draw(st.integers(0, 9))
        if how == "read":
            assert ours.read(size) == theirs.read(size)
        elif how == "readline":
            limit = draws.draw(st.sampled_from([-1, size]))
            assert ours.readline(limit) == theirs.readline(limit)
        elif how == "readinto":
            mine, other = bytearray(size), bytearray(size)
            assert ours.readinto(mine) == theirs.readinto(other)
            assert mine == other
        elif how == "next":
            assert next(ours, b"end") == next(theirs, b"end")
        elif how == "lines":
            assert list(ours) == list(theirs)
        else:
            assert ours.read() == theirs.read()


@given(DATA, st.data())
def test_read1_gives_everything_in_order(data: bytes, draws: st.DataObject) -> None:
    """One piece at most for each call, and an empty answer only at the end."""
    reader = PieceReader(draws.draw(cut(data)))
    size = draws.draw(st.sampled_from([-1, 1, 3]))
    assert b"".join(iter(lambda: reader.read1(size), b"")) == data


def test_a_whole_piece_is_handed_on_as_it_is() -> None:
    """No copy is made of a piece that is wanted whole."""
    piece = b"x" * 1000
    assert PieceReader([piece]).read() is piece
    assert PieceReader([piece]).read1() is piece


def test_it_wraps_like_any_binary_file() -> None:
    """BufferedReader and TextIOWrapper take it."""
    assert io.TextIOWrapper(io.BufferedReader(PieceReader([b"\xc3", b"\xa9\n"])), "utf-8").read() == "é\n"


def test_it_reads_forward_only() -> None:
    """It says so before anybody tries."""
    reader = PieceReader([b"abc"])
    assert reader.readable()
    assert not reader.seekable()
    assert not reader.writable()
    with pytest.raises(io.UnsupportedOperation):
        reader.seek(0)


def test_closing_it_closes_the_generator_and_forgetting_it_does_not() -> None:
    """A generator frees its connection when the file is closed."""
    ended = []

    def pieces():  # type: ignore[no-untyped-def]
        try:
            yield b"a"
            yield b"b"
        finally:
            ended.append(True)

    source = pieces()
    reader = PieceReader(source)
    reader.read1()
    del reader
    assert ended == []
    with PieceReader(source) as reader:
        pass
    assert ended == [True]
    with pytest.raises(ValueError, match="closed"):
        reader.read()
    with pytest.raises(ValueError, match="closed"):
        reader.readline()
    reader.close()


@pytest.mark.parametrize("piece", [7, "text", [65]])
def test_what_is_no_piece_of_bytes_is_refused(piece: object) -> None:
    """bytes(7) would be seven NULs."""
    with pytest.raises(TypeError):
        PieceReader([piece]).read()


def test_other_buffers_are_pieces_too() -> None:
    """Network libraries hand out bytearrays and views."""
    assert PieceReader([bytearray(b"a\n"), memoryview(b"bc")]).readlines() == [b"a\n", b"bc"]


@given(st.text(), st.data())
def test_texts_are_the_decoded_bytes(text: str, draws: st.DataObject) -> None:
    """A character cut in two is whole again; a byte order mark at the very start is gone."""
    texts = Texts(draws.draw(cut(text.encode("utf-8", "replace"))))
    wanted = draws.draw(st.integers(0, 5))
    expected = text.encode("utf-8", "replace").decode("utf-8").removeprefix("\ufeff")
    assert "".join(iter(lambda: texts.more(wanted), "")) == expected
    assert texts.ended


def test_a_cut_character_at_the_end_is_an_error() -> None:
    """A truncated file is never a short text."""
    texts = Texts([b"a\xc3"])
    with pytest.raises(UnicodeDecodeError):
        list(iter(lambda: texts.more(0), ""))


@given(st.data())
def test_only_the_first_byte_order_mark_is_dropped(draws: st.DataObject) -> None:
    """The second one is data."""
    data = b"\xef\xbb\xbf\xef\xbb\xbfa"
    assert b"".join(without_bom(draws.draw(cut(data)))) == b"\xef\xbb\xbfa"


@given(st.sampled_from([b"", b"\n", b"\xef\xbb\xbf"]), st.sampled_from([b"", b"\r\n"]), st.data())
def test_the_sentence_for_no_rows_is_nothing(before: bytes, after: bytes, draws: st.DataObject) -> None:
    """However it is cut, and with white space around it."""
    data = before + b"Records not found for this query" + after
    assert list(unless_no_records(draws.draw(cut(data)))) == []


@given(st.sampled_from([b"Records", b"Records not found for this query!", b"[]", b"  ", b"R<a/>"]), st.data())
def test_everything_else_goes_through(data: bytes, draws: st.DataObject) -> None:
    """Also what only begins like the sentence."""
    assert b"".join(unless_no_records(draws.draw(cut(data)))) == data

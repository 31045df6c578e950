"""Bodies, and the header that asks for PK chunking."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.errors import UsageError
from salesforce_bulk.records import CLEAR, PIECE_BYTES, Body, PkChunking, gathered


@given(st.lists(st.binary(max_size=40)), st.integers(1, 64))
def test_gathering_loses_nothing_and_keeps_pieces_bounded(pieces: list[bytes], size: int) -> None:
    gathered_pieces = list(gathered(pieces, size))

    assert b"".join(pieces) == b"".join(gathered_pieces)
    assert all(len(piece) >= size for piece in gathered_pieces[:-1])
    assert all(len(piece) < size + 40 for piece in gathered_pieces)


@pytest.mark.parametrize("data", ["é,b\r\n", "é,b\r\n".encode(), bytearray("é,b\r\n".encode()), ["é,", b"b\r\n"]])
def test_what_is_whole_can_be_sent_again(data: object) -> None:
    body = Body.of(data)

    assert "é,b\r\n".encode() == b"".join(body.pieces()) == b"".join(body.pieces())


@pytest.mark.parametrize(
    "data",
    [
        iter(["é,", b"b\r\n"]),
        (piece for piece in ("é,", "b\r\n")),
        io.BytesIO("é,b\r\n".encode()),
        io.StringIO("é,b\r\n", newline=""),
    ],
)
def test_a_stream_is_read_once(data: object) -> None:
    """A second reading would send nothing, and say that all is well."""
    body = Body.of(data)

    assert not body.spent
    assert "é,b\r\n".encode() == b"".join(body.pieces())
    assert body.spent
    with pytest.raises(UsageError, match="one-time stream"):
        body.pieces()


def test_a_stream_is_not_spent_before_a_piece_is_asked_for() -> None:
    """A connection that fails has read nothing, so it may be tried again."""
    body = Body.of(iter([b"x"]))
    body.pieces()

    assert not body.spent


def test_rows_as_they_are_are_no_body() -> None:
    with pytest.raises(UsageError, match="Nothing was sent"):
        Body.of({"Name": "x"})
    with pytest.raises(UsageError, match="not int"):
        Body.of(7)


def test_small_pieces_go_out_together() -> None:
    """One HTTP chunk a row costs both sides dearly."""
    body = Body.of(b"0123456789" for _ in range(20_000))

    assert len(list(body.pieces())) == 4
    assert PIECE_BYTES >= 64 * 1024


@pytest.mark.parametrize(
    ("chunking", "header"),
    [
        (PkChunking(), "TRUE"),
        (PkChunking(50_000), "chunkSize=50000"),
        (
            PkChunking(250_000, parent="Case", start_row="500000000000001"),
            "chunkSize=250000; parent=Case; startRow=500000000000001",
        ),
    ],
)
def test_the_header_of_pk_chunking(chunking: PkChunking, header: str) -> None:
    assert header == chunking.header


@pytest.mark.parametrize("size", [0, 250_001, -1])
def test_chunk_sizes_that_the_org_refuses(size: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 250000"):
        PkChunking(size)


def test_clear_is_one_thing() -> None:
    assert CLEAR is copy.deepcopy(CLEAR)
    assert CLEAR is pickle.loads(pickle.dumps(CLEAR))
    assert repr(CLEAR) == "CLEAR"

"""Any bytes as a body give rows or one of our errors; and two ways of reading them give the same."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .agreement import same_json_lines, same_rows, same_texts
from .bounds import examples, outcome_of
from .decoders import DECODERS
from .replies import GOLDEN, chances, changed, cut, cuts, mutated

#: What CSV is made of, so that quotes, line ends and delimiters meet more often than by chance.
csv_bodies = st.one_of(
    st.lists(
        st.sampled_from([b'"', b'"', b",", b"\n", b"\r", b"\r\n", b'"\n"', b'","', b"a", b"\xc3\xa9", b"1", b" "]),
        max_size=40,
    ).map(b"".join),
    changed([reply for reply in GOLDEN if reply.body[:1] == b'"']),
)


@pytest.mark.parametrize("name", list(DECODERS))
@examples(40)
@given(pieces=cuts())
def test_a_decoder_gives_rows_or_one_of_our_errors(name: str, pieces: list[bytes]) -> None:
    """However the body is cut, and whatever it is."""
    outcome_of(lambda: DECODERS[name](pieces))


@pytest.mark.parametrize(
    "name", [name for name in DECODERS if name not in ("columns_for", "documents", "inflated", "rest_rows")]
)
@examples(40)
@given(pieces=cuts(csv_bodies))
def test_a_decoder_gives_rows_or_one_of_our_errors_for_broken_csv(name: str, pieces: list[bytes]) -> None:
    outcome_of(lambda: DECODERS[name](pieces))


@examples(150)
@given(pieces=cuts(csv_bodies))
def test_rows_are_the_same_with_and_without_pyarrow(pieces: list[bytes]) -> None:
    """The same values of the same types."""
    same_rows(pieces)


@examples(100)
@given(pieces=cuts(csv_bodies))
def test_json_lines_are_the_same_by_column_and_by_row(pieces: list[bytes]) -> None:
    """To the byte."""
    same_json_lines(pieces)


@examples(150)
@given(pieces=cuts(csv_bodies))
def test_all_readers_of_csv_give_the_same_texts(pieces: list[bytes]) -> None:
    """As dicts, as records, in blocks, as columns."""
    same_texts(pieces)


@examples(100)
@given(body=st.binary(max_size=300), chance=chances, step=st.sampled_from([1, 7, 100]))
def test_damaged_gzip_is_an_error_or_the_whole_content(body: bytes, chance: Any, step: int) -> None:
    """A checksum stands at its end: what is handed out to the end is what was packed."""
    packed = gzip.compress(body, mtime=0)
    # Not what gzip does not protect: the fields of its head.
    damaged = packed[:10] + mutated(packed[10:], chance)

    value, error = outcome_of(lambda: DECODERS["inflated"](cut(damaged, step)))

    assert error is not None or body == value[: len(body)]

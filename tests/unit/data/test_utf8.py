"""Whether bytes are UTF-8: both ways say what ``bytes.decode`` says, of every text and every damage."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salesforce_bulk.data.utf8 import check, numpy_check, whole

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"a", b" " * 7, b"x" * 8, b"\xc3", b"\xa9", b"\xe4\xb8", b"\xad", b"\xf0\x9f\x98\x80", b"\xff"]
        ),
        st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.binary(max_size=4),
    ),
    max_size=12,
).map(b"".join)


def is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@example(b"12345678\xc3" + b"1234567" * 2 + b"\xa9" + b"1234567")
@example(b"1234567\xe4" + b"x" * 8 + b"\xb8\xad")
@example(b"x" * 16 + b"\xa9")
@example(b"1234567\xc3\xa9")
@given(PIECES)
def test_both_ways_say_what_decoding_says(data: bytes) -> None:
    by_numpy = numpy_check()
    for way in (check, by_numpy):
        if way is None:
            pytest.skip("numpy is not installed")
        if is_utf8(data):
            way(data)
        else:
            with pytest.raises(UnicodeDecodeError):
                way(data)


def test_a_long_text_with_a_damage_far_inside() -> None:
    text = "Grüße, 中文 ".encode() * 20_000
    broken = text[:150_001] + b"\xff" + text[150_001:]
    for way in (check, numpy_check() or check):
        way(text)
        with pytest.raises(UnicodeDecodeError):
            way(broken)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.integers(0, 40))
def test_a_cut_is_never_inside_a_character_or_a_line_break(text: str, at: int) -> None:
    data = text.encode()[:at]

    size = whole(data)

    assert data[:size].decode() == text[: len(data[:size].decode())]
    assert not data[:size].endswith(b"\r")
    assert len(data) - size <= 4


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"", 0),
        (b"a", 1),
        (b"a\r", 1),
        (b"\r", 0),
        (b"a\xc3", 1),
        (b"a\xe4\xb8", 1),
        (b"\xf0\x9f\x98", 0),
        (b"\xa9", 1),
    ],
)
def test_where_it_is_cut(data: bytes, size: int) -> None:
    assert size == whole(data)


def test_numpy_takes_no_two_bytes_for_a_beginning_that_are_none() -> None:
    """Every first byte with every second one and what may follow: taken at a glance is only what can be decoded."""
    by_numpy = numpy_check()
    if by_numpy is None:
        pytest.skip("numpy is not installed")
    for first in range(0x80, 0x100):
        for second in range(0x100):
            for rest in (b"", b"\x80", b"\xbf\x80"):
                data = b"x" * 15 + bytes([first, second]) + rest
                try:
                    by_numpy(data)
                except UnicodeDecodeError:
                    assert not is_utf8(data)
                else:
                    assert is_utf8(data)

"""Whether bytes are UTF-8, as fast as can be told, and where a piece of it can be cut."""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Callable
from typing import Any, Final

from .extras import numpy_or_none

#: Raises UnicodeDecodeError unless a piece of whole characters is UTF-8.
Check = Callable[[bytes], None]

#: What is decoded of a piece of this size stays in the nearest cache.
_CACHED_BYTES: Final = 64 * 1024
#: Of text with a few characters that are not ASCII: stretches of 8 bytes are twice as many, of 32 hold more that is ASCII.
_STRETCH: Final = 16


def whole(data: bytes) -> int:
    """So many bytes of *data* are whole: without half a character, or half of CRLF, at its end."""
    size = len(data)
    for back in range(1, min(size, 3) + 1):
        byte = data[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            if (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) > back:
                size -= back
            break
    return size - 1 if size and data[size - 1] == 0x0D else size


def check(data: bytes) -> None:
    """See :data:`Check`; with nothing but ``bytes``."""
    if data.isascii():
        return
    view = memoryview(data)
    at = 0
    while at < len(data):
        _, count = utf_8_decode(view[at : at + _CACHED_BYTES])
        if not count:
            utf_8_decode(view[at:], "strict", True)
        at += count


def numpy_check() -> Check | None:
    """The same with numpy, for one reader at a time, at a third of the time and mostly without the interpreter's lock. None:
    it is not there.

    Only stretches of sixteen bytes that are not all ASCII are looked at, one after the other. What was left out between two
    of them is ASCII, where no character goes on; so when all of them together are UTF-8, and none behind a gap begins in the
    middle of a character, the text is.
    """
    numpy = numpy_or_none()
    if numpy is None:
        return None
    high, nothing = numpy.uint64(0x8080_8080_8080_8080), numpy.uint64(0)
    behind = numpy.zeros(_STRETCH + 3, numpy.uint8)
    # Made once: what comes and goes costs more, in page faults.
    masked, is_high = numpy.empty(0, numpy.uint64), numpy.empty(0, numpy.bool_)

    def look(data: bytes) -> None:
        nonlocal masked, is_high
        count = len(data) // _STRETCH
        words = numpy.frombuffer(data, numpy.uint64, 2 * count)
        if len(words) > len(masked):
            masked, is_high = numpy.empty(len(words), numpy.uint64), numpy.empty(len(words), numpy.bool_)
        numpy.bitwise_and(words, high, out=masked[: 2 * count])
        numpy.not_equal(masked[: 2 * count], nothing, out=is_high[: 2 * count])
        at = numpy.flatnonzero(is_high[: 2 * count].view(numpy.uint16) != 0)
        rest = data[count * _STRETCH :]
        if not len(at) and rest.isascii():
            return
        behind[: len(rest)] = numpy.frombuffer(rest, numpy.uint8)
        behind[len(rest) :] = 0
        # A complex number is what numpy copies sixteen bytes at a time as.
        picked = words.view(numpy.complex128).take(at).view(numpy.uint8)
        begins = numpy.append(picked[::_STRETCH], behind[0])
        has_gap = numpy.diff(at, prepend=-1, append=count) != 1
        if numpy.any(has_gap & (begins & 0xC0 == 0x80)) or not _is_utf8(numpy, numpy.concatenate((picked, behind))):
            check(data)

    return look


def _is_utf8(numpy: Any, text: Any) -> bool:
    """Whether an array of bytes, which ends in three that are ASCII, is UTF-8 for certain."""
    is_later = text.view(numpy.int8) < -64
    is_expected = text[:-1] >= 0xC0  # behind the first byte of a character
    is_expected[1:] |= text[:-2] >= 0xE0
    is_expected[2:] |= text[:-3] >= 0xF0
    if is_later[0] or numpy.any(is_later[1:] != is_expected):
        return False
    # First bytes that no character has, or that not every second one may follow (Unicode, table 3-7).
    at = numpy.flatnonzero((text >= 0xF0) | (text & 0xFE == 0xC0) | (text == 0xE0) | (text == 0xED))
    if not len(at):
        return True
    least, most = numpy.full(256, 0x80, numpy.uint8), numpy.full(256, 0xBF, numpy.uint8)
    least[[0xC0, 0xC1]] = least[0xF5:] = 0xFF
    least[0xE0], most[0xED], least[0xF0], most[0xF4] = 0xA0, 0x9F, 0x90, 0x8F
    firsts, seconds = text[at], text[at + 1]
    return bool(numpy.all((seconds >= least[firsts]) & (seconds <= most[firsts])))

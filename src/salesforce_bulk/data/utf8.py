"""Whether bytes are UTF-8, as fast as can be told, and where a piece of it can be cut."""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Callable
from typing import Final

from .extras import numpy_or_none

#: Raises UnicodeDecodeError unless a piece of whole characters is UTF-8.
Check = Callable[[bytes], None]

#: What is made of a stretch of this size stays in the nearest cache.
_STRETCH_BYTES: Final = 64 * 1024


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
        _, count = utf_8_decode(view[at : at + _STRETCH_BYTES])
        if not count:
            utf_8_decode(view[at:], "strict", True)
        at += count


def numpy_check() -> Check | None:
    """The same with numpy, for one reader at a time, at a third of the time. None: it is not there.

    Only words of eight bytes that are not all ASCII are decoded, one after the other. What was left out between two of them is
    ASCII, where no character goes on; so when all of them together are UTF-8, and none behind a gap begins in the middle of a
    character, the text is.
    """
    numpy = numpy_or_none()
    if numpy is None:
        return None
    high, nothing = numpy.uint64(0x8080_8080_8080_8080), numpy.uint64(0)
    # Made once: what comes and goes costs more, in page faults.
    masked, is_high = numpy.empty(0, numpy.uint64), numpy.empty(0, numpy.bool_)

    def look(data: bytes) -> None:
        nonlocal masked, is_high
        count = len(data) // 8
        words = numpy.frombuffer(data, numpy.uint64, count)
        if count > len(masked):
            masked, is_high = numpy.empty(count, numpy.uint64), numpy.empty(count, numpy.bool_)
        numpy.bitwise_and(words, high, out=masked[:count])
        at = numpy.flatnonzero(numpy.not_equal(masked[:count], nothing, out=is_high[:count]))
        rest = data[count * 8 :]
        if not len(at) and rest.isascii():
            return
        picked = words.take(at)
        begins = picked.view(numpy.uint8)[::8][1:][numpy.diff(at) != 1]
        has_gap_before_rest = not len(at) or at[-1] != count - 1
        if not (numpy.any(begins & 0xC0 == 0x80) or (has_gap_before_rest and rest[:1] and rest[0] & 0xC0 == 0x80)):
            try:
                utf_8_decode(picked.tobytes() + rest, "strict", True)
            except UnicodeDecodeError:
                pass  # said of the text itself, below
            else:
                return
        check(data)

    return look

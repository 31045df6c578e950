"""Where bytes of CSV text that mean something stand, as bits of words: the first byte is the lowest bit of the first word.

Sixty-four of them are looked at in one go, so whatever is asked of quotes and line feeds is cheap beside finding them.
"""

from __future__ import annotations

from typing import Any, Final

from .extras import numpy_or_none

QUOTE: Final = 34
RETURN: Final = 13
FEED: Final = 10


class MarkBits:
    """For one reader at a time."""

    def __init__(self, numpy: Any) -> None:
        self._numpy = numpy
        self._one, self._last = numpy.uint64(1), numpy.uint64(63)
        self._shifts = [numpy.uint64(1 << power) for power in range(6)]
        # Made once: an array of this size that comes and goes costs more than what is done with it, in page faults.
        self._mask = numpy.zeros(0, numpy.bool_)

    def of(self, text: Any, byte: int) -> Any:
        """Where *text*, an array of bytes, has *byte*; no bit is set behind its end."""
        numpy, count = self._numpy, len(text)
        size = count + -count % 64
        if size > len(self._mask):
            self._mask = numpy.zeros(size, numpy.bool_)
        numpy.equal(text, byte, out=self._mask[:count])
        self._mask[count:size] = False
        # The first byte is the lowest of the word on machines that keep the highest one first, too.
        return numpy.packbits(self._mask[:size], bitorder="little").view("<u8")

    def inside(self, quotes: Any, is_open: bool) -> Any:
        """Which places are inside of quotes, the opening one included, where one *is_open* before the text. Uses *quotes* up.

        That is where the exclusive or of all bits of quotes up to there is 1: it is found for all bits of a word at once, by
        shifting it by 1, 2, 4 ... 32.
        """
        numpy = self._numpy
        quotes[:1] ^= numpy.uint64(is_open)
        moved = numpy.empty_like(quotes)
        for shift in self._shifts:
            quotes ^= numpy.left_shift(quotes, shift, out=moved)
        quotes[1:] ^= -numpy.bitwise_xor.accumulate(quotes >> self._last)[:-1]
        return quotes

    def behind(self, words: Any) -> Any:
        """Each bit at the place of the one behind it."""
        moved = words << self._one
        moved[1:] |= words[:-1] >> self._last
        return moved

    def count(self, words: Any) -> int:
        return int(self._numpy.bitwise_count(words).sum())

    def has_last(self, words: Any) -> bool:
        """Whether the very last bit is set."""
        return bool(words[-1] >> self._last)


def numpy_that_counts_bits() -> Any:
    """numpy; None: it is not there, or older than 2.0."""
    numpy = numpy_or_none()
    return numpy if hasattr(numpy, "bitwise_count") else None

"""Result pages, in blocks that end where a record ends: what a fast CSV reader takes whole, whatever size a page has.

Where a record ends depends, in general, on every quote before. But behind a quote that stands after ordinary text, a line
ends for certain: an opening quote follows a comma or a line end, and half of a doubled quote follows its other half. Such
a place is found by searching back from where a block would end, without a look at the rest. Only where there is none
nearby are quotes counted (counting all of them costs a third of what parsing costs).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from ..errors import MalformedResult
from .memory import PIECE_BLOCKS_BYTES, keep_freed
from .streams import unless_no_records

Pages = Iterable[Iterable[bytes]]
Block = bytes | memoryview
#: Gives the same pages again each time it is called.
OpenPages = Callable[[], Pages]

#: A block and what is made of it should stay in the cache, and a call should pay: measured for Arrow in two threads, 1.5
#: and 2 MB take a tenth less time than 1 MB; 4 MB take as long, and more memory.
BLOCK_BYTES: Final = 3 * 512 * 1024
#: How many line ends are looked at before quotes are counted: where the last column is mostly empty, the certain ones are rare.
_LOOKS: Final = 100
_UNCERTAIN: Final = frozenset(b',"\n\r')
_THE_END: Final[tuple[None, ...]] = (None,)
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
#: A query has at most 100,000 characters ("SOQL and SOSL limits"), and its columns stand in it. Where a quote of the header
#: never closes, the search for its end must not go through a page of 1 GB.
MAX_HEADER_BYTES: Final = 1_000_000


class PageBlocks:
    """An iterator of blocks of CSV over all pages, headers left out; ``header`` is that of the first page.

    Blocks are ``bytes`` or stretches of them as a ``memoryview``.

    Every page must begin with the same header, and end at the end of a row. A page of no bytes, or of the sentence that
    stands for "no rows", is passed over; if there is no other, the header is empty.
    A page is read piece by piece and closed when it has a ``close``.

    Raises:
        MalformedResult: A page has another header, or is cut off inside a row.
    """

    def __init__(self, pages: Pages, block_bytes: int = BLOCK_BYTES) -> None:
        keep_freed(max(PIECE_BLOCKS_BYTES, block_bytes + 1024 * 1024))
        self._block_bytes = block_bytes
        self._header: tuple[str, ...] | None = None
        self._blocks = self._all(iter(pages))
        self._held: list[Block] = []

    @property
    def header(self) -> tuple[str, ...]:
        if self._header is None:
            # The header is known when the first block is; a result without rows has no block.
            first = next(self._blocks, None)
            if first is not None:
                self._held.append(first)
        return self._header or ()

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        return self._held.pop() if self._held else next(self._blocks)

    def close(self) -> None:
        self._held.clear()
        close(self._blocks)

    def _all(self, pages: Iterator[Iterable[bytes]]) -> Iterator[Block]:
        number = 0
        try:
            for page in pages:
                try:
                    yield from self._of_page(page, number)
                finally:
                    close(page)
                number += 1
        finally:
            close(pages)

    def _of_page(self, page: Iterable[bytes], number: int) -> Iterator[Block]:
        source = unless_no_records(page)
        text, at = first_record(source, number)
        if not text:
            return
        if at < 0 and text.endswith(b","):
            raise cut_off(number)
        header = read_header(text if at < 0 else text[:at], number)
        if self._header is None:
            self._header = header
        elif header != self._header:
            raise other_header(number)
        held = [text[at:]] if at >= 0 else []
        count = sum(map(len, held))
        wanted = self._block_bytes
        rest = b""
        for part in chain(source, _THE_END):
            if part is not None:
                held.append(part)
                count += len(part)
                if count < wanted:
                    continue
            text = held[0] if len(held) == 1 else b"".join(held)
            at = 0
            # Pieces may be larger than a block, and a record larger than both.
            view = memoryview(text)
            while len(text) - at > self._block_bytes and (cut := last_record_end(text, at, at + self._block_bytes)):
                yield view[at:cut]
                at = cut
            rest = text[at:]
            held, count = [rest], len(rest)
            # At least doubled when there was no whole record: no byte is looked at more than a few times.
            wanted = max(self._block_bytes, 2 * count)
        if rest:
            if rest.count(b'"') % 2 or rest.endswith(b","):
                raise cut_off(number)
            yield rest


def first_record(source: Iterator[bytes], number: int) -> tuple[bytes, int]:
    """The beginning of page *number*, blank lines left out, and where its body begins in it behind the first record; -1: it
    is all there is."""
    text = b""
    quotes = looked = 0
    for piece in source:
        text = text + piece if text else piece.lstrip(b"\r\n")
        for found in _LINE_END.finditer(text, looked):
            quotes += text.count(b'"', looked, found.start())
            looked = found.end()
            if quotes % 2 == 0:
                if text.endswith(b"\r") and looked == len(text):  # half of CRLF, perhaps
                    text += next(filter(None, source), b"")
                    looked += text[looked : looked + 1] == b"\n"
                return text, looked
        if len(text) > MAX_HEADER_BYTES:
            raise broken_header(number)
    return text, -1


def read_header(text: bytes, number: int) -> tuple[str, ...]:
    """The names in the first record of page *number*, which is all of *text*."""
    try:
        records = list(csv.reader(io.StringIO(text.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise broken_header(number) from None
    if len(records) != 1:  # a quote in the middle of a name
        raise broken_header(number)
    return tuple(records[0])


def broken_header(number: int) -> MalformedResult:
    return MalformedResult(
        f"The header of page {number} of the result is broken: it is cut off or damaged. "
        "The page was not read. Fetch the result again."
    )


def other_header(number: int) -> MalformedResult:
    return MalformedResult(
        f"Page {number} of the result has other columns than the pages before it. It was not read. Run the query again."
    )


def cut_off(number: int) -> MalformedResult:
    return MalformedResult(
        f"Page {number} of the result ends inside a row: it is cut off. Its last rows are missing. Fetch the result again."
    )


def last_record_end(text: bytes, start: int, stop: int) -> int:
    """Where the last record ends that ends before *stop*, or else the first that does after it; 0: none does.

    A record begins at *start*.
    """
    stop = min(stop, len(text))
    at = stop
    for _ in range(_LOOKS):
        at = text.rfind(b'"\n', start, at)
        if at <= start:
            break
        if text[at - 1] not in _UNCERTAIN:
            return at + 2
    return _counted_record_end(text, start, stop)


def _counted_record_end(text: bytes, start: int, stop: int) -> int:
    end = text.rfind(b"\n", start, stop)
    if end >= 0:
        quotes = text.count(b'"', start, end)
        while end >= 0:
            if quotes % 2 == 0:
                return end + 1
            before = text.rfind(b"\n", start, end)
            quotes -= text.count(b'"', max(before, start), end)
            end = before
    end = text.find(b"\n", stop)
    quotes, counted = 0, start
    while end >= 0:
        quotes += text.count(b'"', counted, end)
        counted = end
        if quotes % 2 == 0:
            return end + 1
        end = text.find(b"\n", end + 1)
    return 0


def close(source: object) -> None:
    """Close it, if it can be closed: a page that is a generator, a file, or a body of the transport."""
    method = getattr(source, "close", None)
    if callable(method):
        method()

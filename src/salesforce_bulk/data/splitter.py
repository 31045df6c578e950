"""Cutting CSV text where a record ends, and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import IO, Any, TypeVar

Text = TypeVar("Text", str, bytes)

#: A file is counted in blocks of this size.
_BLOCK = 1024 * 1024


def split_records(text: Text, first: int, then: int) -> list[Text]:
    """*text* in pieces that each begin with its header: *first* records in the first one, *then* in the others.

    Joined without their headers the pieces are *text* again, byte for byte: line ends stay as they are, and where the
    last one is missing, it stays missing. A header alone is one piece; nothing is none. Fewer than one record a piece
    is taken as one. A blank line is no record and stays with the one before it.
    """
    records = _records(text)
    header = next(records, None)
    if header is None:
        return []
    pieces: list[Text] = []
    held = [header]
    left = max(first, 1)
    for record in records:
        if len(record) < 3 and _is_blank(record):
            held.append(record)
            continue
        # Cut when the next record comes, not before: blank lines behind the last one belong to it.
        if left == 0:
            pieces.append(_join(held))
            held, left = [header], max(then, 1)
        held.append(record)
        left -= 1
    pieces.append(_join(held))
    return pieces


def _is_blank(line: str | bytes) -> bool:
    return not line.strip("\r\n" if isinstance(line, str) else b"\r\n")


def _join(parts: list[Text]) -> Text:
    return parts[0][:0].join(parts)


def _lines(text: Text) -> Iterable[Text]:
    """Lines that end in LF, CRLF or CR ("Prepare CSV Files"), with their ends."""
    if isinstance(text, bytes):
        return text.splitlines(keepends=True)
    # Not str.splitlines(), which would cut at U+2028, U+0085 and others.
    return io.StringIO(text, newline="")


def _records(text: Text) -> Iterator[Text]:
    """The records with their line ends, the header first with any blank lines before it; blank lines one by one.

    Quotes are counted: a line belongs to the next one while their number is odd. In a field without quotes there can
    be none (the org refuses such a file), so the number tells inside from outside.
    """
    quote = '"' if isinstance(text, str) else b'"'
    held: list[Text] = []
    is_open = False
    is_header = True
    for line in _lines(text):
        if line.count(quote) & 1:
            is_open = not is_open
        if is_open or (is_header and _is_blank(line)):
            held.append(line)
            continue
        is_header = False
        if held:
            held.append(line)
            line = _join(held)
            held = []
        yield line
    if held:
        yield _join(held)


def count_records(file: IO[Any]) -> int:
    """How many records the rest of *file* holds, its header included. *file* is binary or text, and is streamed.

    What ends outside quotes with LF, CRLF, CR or the file is a record; a blank line is none.
    """
    count = 0
    inside = False
    line = b""  # the unfinished one; a mark is enough to know that it is not blank
    while block := file.read(_BLOCK):
        data = block.encode("utf-8", "surrogatepass") if isinstance(block, str) else block
        runs = data.split(b'"')
        # A quoted run is a mark on its line, and no more.
        text = line + b'"'.join(runs[1::2] if inside else runs[::2])
        inside ^= len(runs) % 2 == 0
        if inside:
            text += b'"'
        lines = text.splitlines(keepends=True)
        # After CR there may be LF yet to come.
        line = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        line = (b"x" if line.strip(b"\r") else b"") + (b"\r" if line.endswith(b"\r") else b"")
        count += len(lines) - lines.count(b"\n") - lines.count(b"\r\n") - lines.count(b"\r")
    return count + (1 if line.strip(b"\r") else 0)

"""Cutting CSV text where a record ends, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
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
    if isinstance(text, bytes):
        return list(_pieces(text, max(first, 1), max(then, 1)))
    # By way of bytes: str has no splitlines() that leaves U+2028 and U+0085 alone, and io.StringIO takes three times as long.
    data = text.encode("utf-8", "surrogatepass")
    return [piece.decode("utf-8", "surrogatepass") for piece in _pieces(data, max(first, 1), max(then, 1))]


def _pieces(data: bytes, first: int, then: int) -> Iterator[bytes]:
    records = _records(data)
    header = next(records, None)
    if header is None:
        return
    held = [header]
    left = first
    for record in records:
        if _is_blank(record):
            held.append(record)
            continue
        # Cut when the next record comes, not before: blank lines behind the last one belong to it.
        if left == 0:
            yield b"".join(held)
            held, left = [header], then
        held.append(record)
        left -= 1
    yield b"".join(held)


def _is_blank(line: bytes) -> bool:
    return len(line) < 3 and not line.strip(b"\r\n")


def _records(data: bytes) -> Iterator[bytes]:
    """The records with their line ends, the header first with any blank lines before it; blank lines one by one.

    Lines end in LF, CRLF or CR ("Prepare CSV Files"). Quotes are counted: a line belongs to the next one while their
    number is odd. In a field without quotes there can be none (the org refuses such a file), so the number tells inside
    from outside.
    """
    held: list[bytes] = []
    is_open = False
    is_header = True
    for line in data.splitlines(keepends=True):
        if line.count(b'"') & 1:
            is_open = not is_open
        if is_open or (is_header and _is_blank(line)):
            held.append(line)
            continue
        is_header = False
        if held:
            held.append(line)
            line = b"".join(held)
            held = []
        yield line
    if held:
        yield b"".join(held)


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

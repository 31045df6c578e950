"""Result files of a job -> one file, byte by byte, in any of the org's delimiters and both line endings."""

from __future__ import annotations

from collections.abc import Iterable

from .blocks import cut_off, other_header
from .row_count import RecordCounter
from .sinks import BinaryFile
from .streams import unless_no_records


def write_result_files(files: Iterable[Iterable[bytes]], file: BinaryFile) -> int:
    """Write the *files* one after the other, the header once. Returns the number of rows.

    Unlike :func:`.sinks.write_csv` this needs to know neither delimiter nor line ending: headers are compared as bytes.

    Raises:
        MalformedResult: A file has another header than the first, or is cut off inside a row.
    """
    rows = 0
    header: bytes | None = None
    last = b"\n"  # of what was written
    for number, pieces in enumerate(files):
        counter = RecordCounter()
        begins = False
        held: bytes | None = b""  # until the header is whole
        for piece in unless_no_records(pieces):
            counter.feed(piece)
            body = piece
            if held is not None:
                held += piece
                at = _header_end(held)
                if at < 0:
                    continue
                header, first = _same(header, held[:at], number), header is None
                body, held, begins = held if first else held[at:], None, not first
            if body:
                if begins and header is not None and last != b"\n":
                    file.write(_line_end(header))
                begins = False
                file.write(body)
                last = body[-1:]
        if counter.is_open:
            raise cut_off(number)
        if held:  # a header without a line end, and no row
            header, first = _same(header, held, number), header is None
            if first:
                file.write(held)
                last = held[-1:]
        rows += max(0, counter.records - 1)
    return rows


def _header_end(text: bytes) -> int:
    """Where the first record ends; -1: not in this text. Lines end in LF or CRLF, so an LF there is in either."""
    at = text.find(b"\n")
    while at >= 0 and text.count(b'"', 0, at) % 2:
        at = text.find(b"\n", at + 1)
    return at + 1 or -1


def _same(header: bytes | None, found: bytes, number: int) -> bytes:
    """The header of all files. One with a line end is preferred, for it shows how lines end."""
    if header is not None and found.rstrip(b"\r\n") != header.rstrip(b"\r\n"):
        raise other_header(number)
    return found if header is None or found.endswith(b"\n") else header


def _line_end(header: bytes) -> bytes:
    return b"\r\n" if header.endswith(b"\r\n") else b"\n"

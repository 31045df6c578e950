"""Result files of a job -> one file, byte by byte, in any of the org's delimiters and both line endings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from .blocks import cut_off, first_record, other_header
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
        source = unless_no_records(pieces)
        text, at = first_record(source, number)
        if not text:
            continue
        first = header is None
        header = _same(header, text if at < 0 else text[:at], number)
        counter = RecordCounter()
        counter.feed(text)
        begins = not first
        for body in chain((text if first else text[at:] if at >= 0 else b"",), _fed(source, counter)):
            if body:
                if begins and last != b"\n":
                    file.write(_line_end(header))
                begins = False
                file.write(body)
                last = body[-1:]
        if counter.is_open:
            raise cut_off(number)
        rows += max(0, counter.records - 1)
    return rows


def _fed(source: Iterator[bytes], counter: RecordCounter) -> Iterator[bytes]:
    for piece in source:
        counter.feed(piece)
        yield piece


def _same(header: bytes | None, found: bytes, number: int) -> bytes:
    """The header of all files. One with a line end is preferred, for it shows how lines end."""
    if header is not None and found.rstrip(b"\r\n") != header.rstrip(b"\r\n"):
        raise other_header(number)
    return found if header is None or found.endswith(b"\n") else header


def _line_end(header: bytes) -> bytes:
    return b"\r\n" if header.endswith(b"\r\n") else b"\n"

"""What a CSV file is: its encoding, its delimiter, its line ends. The whole file is looked at, not a sample.

A first look at 1 MB is how other tools come to send half of a file and then meet a letter in another encoding, or a line
end that fails the job. Looking at all of it costs about a quarter of a second for 100 MB.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import UsageError
from ..frozen import frozen
from .input_file import first_bytes, is_gzip, raw_pieces, regular, utf8_pieces
from .record_ends import Sides
from .survey import Places, Survey

#: Bulk API 2.0 guide, "Create a Job", columnDelimiter.
DELIMITERS: Final = ",;|\t^`"
DELIMITER_NAMES: Final = {",": "comma", ";": "semicolon", "|": "pipe", "\t": "tab", "^": "caret", "`": "backquote"}
_HEAD_BYTES: Final = 256 * 1024
#: From here on it pays to import numpy for the look, which takes 0.1 s: it saves 0.25 s of 100 MB.
_LARGE_BYTES: Final = 64 * 1024 * 1024
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ENDS: Final = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


@frozen
class Look:
    """What was seen. ``text_start`` counts bytes of the file (its mark), ``rows_start`` bytes of the text as UTF-8."""

    encoding: str
    text_start: int
    rows_start: int
    delimiter: str
    columns: tuple[str, ...]
    #: "LF", "CRLF", "CR", "mixed"; None: there is only one record.
    record_ends: str | None
    value_breaks: str | None
    compressed: bool
    notes: tuple[str, ...]
    #: Where the text can be cut; None: its rows cannot be told by line feeds alone.
    places: Places | None = None

    @property
    def line_ending(self) -> str:
        """The line ending for the job.

        Values cannot be changed, the ends of records can. So where line breaks inside values are all of one kind, the
        job takes that kind, and the org finds a single kind in the file: it was seen to fail jobs over a second one
        ("LineEnding is invalid on user data", bulk-api-2, section 5).
        """
        if self.value_breaks in ("LF", "CRLF"):
            return _ENDS[self.value_breaks]
        return "\r\n" if self.record_ends == "CRLF" else "\n"

    @property
    def ends_fit(self) -> bool:
        """Whether the ends of records may go out as they are."""
        return self.record_ends is None or _ENDS.get(self.record_ends) == self.line_ending


def look_at(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Look:
    """Look at a whole CSV file.

    Raises:
        UsageError: It has no header, is no text in a known encoding, or a quote in it is never closed.
    """
    notes: list[str] = []
    found, mark = _encoding_by_mark(first_bytes(path, 4096))
    if encoding is not None:
        name = _known(encoding)
        if found is not None and found.startswith(name):
            name = found  # "utf-16" leaves the order of bytes to the mark
        elif found is not None:
            notes.append(f"It looks like {found}; it was read as {name}, as asked.")
        found = name
    elif found is not None:
        notes.append(f"Read as {found}: it begins with a byte order mark." if mark else f"Read as {found}: zero bytes.")
    else:
        try:
            return _look_at_text(path, "utf-8", 0, delimiter, [])
        except UnicodeDecodeError:
            found = _other_encoding(path)
            notes.append(f"Read as {found}: it is not valid UTF-8, and there is no byte order mark.")
    try:
        return _look_at_text(path, found, mark, delimiter, notes)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not text in {found}: {error.reason}. Name its encoding with encoding=. Nothing was sent."
        ) from error


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise UsageError(f"There is no encoding {encoding!r}. Nothing was sent.") from error
    return {"utf-8-sig": "utf-8", "ascii": "utf-8"}.get(name, name)


def _encoding_by_mark(head: bytes) -> tuple[str | None, int]:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    # A header is made of ASCII: in UTF-16 every second byte of it is zero.
    if len(head) >= 4 and len(head) % 2 == 0:
        first = head[: max(4, len(head.splitlines()[0]) // 2 * 2)]
        if not any(first[1::2]) and all(first[::2]):
            return "utf-16-le", 0
        if not any(first[::2]) and all(first[1::2]):
            return "utf-16-be", 0
    return None, 0


def _other_encoding(path: Path) -> str:
    """The encoding of a file without a mark that is not UTF-8."""
    try:
        for data in raw_pieces(path):
            if not data.isascii():
                data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is neither UTF-8 nor Windows-1252 text: {_why_not_utf8(path)}. "
            "Name its encoding with encoding=. Nothing was sent."
        ) from error
    return "cp1252"


def _why_not_utf8(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for data in raw_pieces(path):
            decoder.decode(data)
        decoder.decode(b"", True)
    except UnicodeDecodeError as error:
        return error.reason
    return "it was changed while it was looked at"


def _look_at_text(path: Path, encoding: str, mark: int, delimiter: str | None, notes: list[str]) -> Look:
    head = _head(path, encoding, mark)
    skipped = 0
    line = head.split(b"\n", 1)[0].rstrip(b"\r")
    if len(line) == 5 and line.startswith(b"sep=") and delimiter is None:
        # Excel's own way to name the delimiter.
        delimiter = line[4:].decode("ascii", "replace")
        skipped = head.index(b"\n") + 1 if b"\n" in head else len(head)
        notes.append("The first line names the delimiter and was left out.")
    text = head[skipped:]
    stripped = text.lstrip(b"\r\n")
    skipped += len(text) - len(stripped)
    header = _first_record(stripped)
    if not header.strip():
        raise UsageError(f"{path} is empty: a CSV file begins with a header row. Nothing was sent.")
    if len(header) == len(stripped) and len(head) >= _HEAD_BYTES:
        raise UsageError(f"{path} has no header row that ends within {_HEAD_BYTES} bytes. Nothing was sent.")
    if delimiter is None:
        delimiter, why = _delimiter(header, stripped[len(header) :])
        notes.append(why)
    elif delimiter not in DELIMITERS or len(delimiter) != 1:
        raise UsageError(f"The org takes no {delimiter!r} as delimiter, only , ; | tab ^ `. Nothing was sent.")
    columns = next(csv.reader(io.StringIO(header.decode("utf-8"), newline=""), delimiter=delimiter), [])
    survey = Survey(mark, skipped + len(header), is_large=regular(path).st_size >= _LARGE_BYTES)
    survey.read(utf8_pieces(path, encoding, mark, size=survey.block_bytes))
    if survey.inside:
        raise UsageError(
            f"{path} has an odd number of quotes: one of them is never closed, or stands inside a value without being "
            "doubled. The org refuses such a file. Nothing was sent."
        )
    record_ends, value_breaks = _line_ends(path, encoding, mark, survey)
    return Look(
        encoding=encoding,
        text_start=mark,
        rows_start=skipped + len(header),
        delimiter=delimiter,
        columns=tuple(columns),
        record_ends=record_ends,
        value_breaks=value_breaks,
        compressed=is_gzip(path),
        notes=tuple(notes),
        places=survey.places,
    )


def _head(path: Path, encoding: str, mark: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for data in utf8_pieces(path, encoding, mark):
        parts.append(data)
        size += len(data)
        if size >= _HEAD_BYTES:
            break
    return b"".join(parts)


def _first_record(text: bytes) -> bytes:
    """The first record, with its line end: LF, CRLF or CR."""
    inside = False
    at = 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        inside ^= line.count(b'"') % 2 == 1
        if not inside:
            break
    return text[:at]


def _delimiter(header: bytes, rest: bytes) -> tuple[str, str]:
    """The delimiter and why it is that. Field names hold none of the six, so the header nearly always decides."""
    outside = b"".join(header.split(b'"')[::2]).decode("utf-8")
    counts = Counter(character for character in outside if character in DELIMITERS)
    if not counts:
        return ",", "One column: the header has no delimiter."
    if len(counts) == 1:
        found = next(iter(counts))
        return found, f"The delimiter is the {DELIMITER_NAMES[found]}: the header has no other."
    # Several: the one with which the rows are as wide as the header.
    lines = rest[:16384].decode("utf-8", "replace")
    best = max(counts, key=lambda mark: (_fitting(lines, mark, header), counts[mark], -DELIMITERS.index(mark)))
    return best, f"The delimiter is the {DELIMITER_NAMES[best]}: with it most rows are as wide as the header."


def _fitting(lines: str, mark: str, header: bytes) -> int:
    width = len(next(csv.reader([header.decode("utf-8")], delimiter=mark)))
    rows = list(csv.reader(io.StringIO(lines, newline=""), delimiter=mark))[:-1]
    return sum(len(row) == width for row in rows if row)


def _whole_breaks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, cut so that no CRLF is torn apart."""
    held = b""
    for piece in pieces:
        data = held + piece if held else piece
        held = b""
        if data.endswith(b"\r"):
            data, held = data[:-1], b"\r"
        if data:
            yield data
    if held:
        yield held


def _line_ends(path: Path, encoding: str, mark: int, survey: Survey) -> tuple[str | None, str | None]:
    """How records end, and which line breaks are inside values; None for those where there is but one kind in the text."""
    if not survey.lone:
        # Each carriage return is half of CRLF.
        feeds, both = sum(survey.feeds), sum(survey.returns)
        if both in (0, feeds):
            return _kind(feeds - both, both, 0), None
        outside, inside = zip(survey.feeds, survey.returns, strict=True)
        return _kind(outside[0] - outside[1], outside[1], 0), _kind(inside[0] - inside[1], inside[1], 0)
    counts = Counter[str](), Counter[str]()
    sides = Sides()
    for data in _whole_breaks(utf8_pieces(path, encoding, mark)):
        runs = sides.split(data)
        _count_breaks(b'"'.join(runs[sides.first :: 2]), counts[0])
        _count_breaks(b'"'.join(runs[1 - sides.first :: 2]), counts[1])
    return _kind_of(counts[0]), _kind_of(counts[1])


def _count_breaks(data: bytes, counts: Counter[str]) -> None:
    both = data.count(b"\r\n")
    counts["CRLF"] += both
    counts["LF"] += data.count(b"\n") - both
    counts["CR"] += data.count(b"\r") - both


def _kind_of(counts: Counter[str]) -> str | None:
    return _kind(counts["LF"], counts["CRLF"], counts["CR"])


def _kind(feeds: int, both: int, returns: int) -> str | None:
    kinds = [name for name, count in (("LF", feeds), ("CRLF", both), ("CR", returns)) if count]
    return None if not kinds else kinds[0] if len(kinds) == 1 else "mixed"

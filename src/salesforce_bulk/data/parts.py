"""A source of rows -> parts that the org takes: each with the header, and as full as the limits allow.

Taking as many rows as fit, part after part, gives the fewest parts there can be. Cuts are only made where a row ends, and
only there are rows counted; so the parts are the same however the input arrives in blocks.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import sub
from typing import Final, NamedTuple

from ..errors import BadValue, RecordTooLarge, UsageError
from ..records import Dialect, PartLimits
from .decode import raise_csv_limit
from .record_ends import count_rows, last_end, row_ends
from .source import Block, Source
from .survey import Places

#: Bulk API 2.0. "Upload Job Data": 150 MB after base64, so at most 100 MB of CSV; we count encoded bytes, never estimate.
#: Limits quick reference: 150,000,000 records a day (a job has no limit of its own), 400,000 characters a record, 131,072
#: a field, 5,000 fields. "Prepare CSV Files": a header of 32,000 characters.
BULK2: Final = PartLimits(
    rows=150_000_000,
    bytes=100_000_000,
    record_characters=400_000,
    cell_characters=131_072,
    columns=5_000,
    header_characters=32_000,
)

#: Bulk API 1.0, limits quick reference: 10,000 records and 10,000,000 characters a batch, which is refused from
#: 10,000,000 bytes on ("Exceeded max size limit of 10000000"). A character is a byte at least, so bytes decide.
BULK1: Final = PartLimits(
    rows=10_000, bytes=10_000_000, record_characters=400_000, cell_characters=131_072, columns=5_000
)

#: REST, "sObject Collections": 200 records a request. Its rows travel as JSON; bytes are those of Bulk 1.0, for want of a
#: documented number.
REST: Final = PartLimits(rows=200, bytes=10_000_000, record_characters=400_000, cell_characters=131_072, columns=5_000)

#: In each stretch of this length a record end is looked for. Two such ends are less than a cell's limit apart, so where
#: every stretch has one, no record needs to be measured.
_STRETCH: Final = 64 * 1024


class PartStream(Iterator[bytes]):
    """One part: an iterator of its bytes, header first, to be read to its end before the next part is asked for, unless they
    can be had again.

    Attributes:
        number: Which part it is, from 0.
        first_row: The number of its first row in the input.
        rows, bytes: How many it holds; complete when it was read to its end.
        offsets: Where its rows stand in the file, header not included; None: it is not made of a file's own bytes.
        again: Gives its bytes anew, as often as it is called; None: they can be had only once.
        ended: It was read to its end.
    """

    again: Callable[[], Iterator[bytes]] | None = None

    def __init__(self, number: int, first_row: int, pieces: Iterator[tuple[bytes, int]]) -> None:
        self.number = number
        self.first_row = first_row
        self.rows = 0
        self.bytes = 0
        self.offsets: tuple[int, int] | None = None
        self.ended = False
        self._pieces = pieces

    def __next__(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            self.ended = True
            raise StopIteration
        data, rows = piece
        if self.offsets is None:
            self.rows += rows
            self.bytes += len(data)
        return data

    def __repr__(self) -> str:
        size = f"{self.rows} rows, {self.bytes} bytes" if self.ended else "not read to its end"
        return f"<PartStream {self.number} from row {self.first_row}: {size}>"


def parts(source: Source, limits: PartLimits, dialect: Dialect) -> Iterator[PartStream]:
    """The rows of *source* in as few parts as the limits allow. An input without rows has none.

    Of a file whose own bytes are sent, ``rows``, ``bytes`` and ``offsets`` are known before a part is handed out: it was
    walked through, and is read again. Other parts are made while they are read: an error can come at any piece, and what
    was read of that part until then is not a part. So read such a part to its end before any of it is sent.

    Raises:
        RecordTooLarge: A row that no part can hold, with its number and, where a cell is at fault, its column.
        BadValue: A value that cannot be sent.
        UsageError: The header is too long, or a part was not read to its end.
    """
    head = _checked_header(source, limits, dialect)
    if not head:
        if any(block.rows for block in source.blocks(dialect)):
            raise UsageError("The rows have no columns, so there is nothing to send of them. Nothing was sent.")
        return
    runs = _Lookahead(_Cutter(source, limits, dialect, len(head)).runs())
    number = row = 0
    while runs.ahead is not None:
        part = _walked(source, runs, head, number, row) if runs.ahead.start is not None else None
        if part is None:
            part = PartStream(number, row, _made(runs, head))
        yield part
        if not part.ended and part.again is None:
            raise UsageError(f"Part {number} was not read to its end before the next one was asked for.")
        number += 1
        row += part.rows


def _checked_header(source: Source, limits: PartLimits, dialect: Dialect) -> bytes:
    columns = len(source.columns)
    if columns > limits.columns:
        raise UsageError(f"The rows have {columns} columns, and the org takes {limits.columns}. Nothing was sent.")
    head = source.header(dialect)
    characters = _units(head.decode("utf-8"))
    if limits.header_characters is not None and characters > limits.header_characters:
        raise UsageError(
            f"The header row has {characters} characters, and the org takes {limits.header_characters}. Nothing was sent."
        )
    if len(head) > limits.bytes:
        raise UsageError(f"The header row alone is larger than a part of {limits.bytes} bytes. Nothing was sent.")
    return head


class _Whole(NamedTuple):
    """Whole rows: their size, their number if it is known, where they stand in the file if they do, whether one of them may
    be too long, and how their bytes are had."""

    size: int
    rows: int | None
    start: int | None
    is_suspect: bool
    read: Callable[[], bytes]


class _Run(NamedTuple):
    """Whole rows that belong to one part. Those of a file's own bytes are read again when the part is."""

    data: bytes
    size: int
    rows: int
    begins_part: bool
    start: int | None


class _Lookahead:
    """Runs, the next one in sight."""

    def __init__(self, runs: Iterator[_Run]) -> None:
        self._runs = runs
        self.ahead: _Run | None = next(runs, None)

    def of_one_part(self) -> Iterator[_Run]:
        run = self.ahead
        while run is not None:
            # First the run, then the look at the next one: that may find an error.
            yield run
            self.ahead = run = next(self._runs, None)
            if run is not None and run.begins_part:
                return


def _made(runs: _Lookahead, head: bytes) -> Iterator[tuple[bytes, int]]:
    yield head, 0
    for run in runs.of_one_part():
        yield run.data, run.rows


def _walked(source: Source, runs: _Lookahead, head: bytes, number: int, row: int) -> PartStream:
    start = stop = rows = 0
    for run in runs.of_one_part():
        assert run.start is not None
        if run.begins_part:
            start = run.start
        stop = run.start + run.size
        rows += run.rows
    again = partial(_sliced, source, head, start, stop)
    part = PartStream(number, row, ((data, 0) for data in again()))
    part.rows, part.bytes, part.offsets, part.again = rows, len(head) + stop - start, (start, stop), again
    return part


def _sliced(source: Source, head: bytes, start: int, stop: int) -> Iterator[bytes]:
    yield head
    yield from source.pieces(start, stop)


class _Cutter:
    """Blocks -> runs of whole rows, each within the limits."""

    def __init__(self, source: Source, limits: PartLimits, dialect: Dialect, head: int) -> None:
        self._source = source
        self._columns = source.columns
        self._limits = limits
        self._dialect = dialect
        self._room = limits.bytes - head
        self._row = 0
        #: Of the part that is being filled.
        self._size = self._rows = 0
        #: No record of so many bytes can break a limit.
        self._harmless = min(limits.cell_characters, limits.record_characters)
        # Three bytes a UTF-16 unit is the most that UTF-8 has.
        self._hopeless = min(3 * limits.record_characters, self._room) + 2

    def runs(self) -> Iterator[_Run]:
        most_rows = self._limits.rows
        begins = True
        for whole in self._whole_rows():
            if whole.is_suspect:
                self._measure(whole.read())
            if (
                whole.rows is not None
                and self._size + whole.size <= self._room
                and self._rows + whole.rows <= most_rows
            ):
                yield _Run(
                    b"" if whole.start is not None else whole.read(), whole.size, whole.rows, begins, whole.start
                )
                begins = False
                self._size += whole.size
                self._rows += whole.rows
                self._row += whole.rows
                continue
            data, start = whole.read(), whole.start
            if begins and data[0] in b"\r\n":
                data, start = _without_blank_lines(data, start)
            count = count_rows(data) if whole.rows is None else whole.rows
            if self._size + len(data) <= self._room and self._rows + count <= most_rows:
                yield _Run(data, len(data), count, begins, start)
                begins = False
                self._size += len(data)
                self._rows += count
                self._row += count
                continue
            ends = row_ends(data)
            at = done = 0
            while done < len(ends):
                fit = min(bisect_right(ends, at + self._room - self._size), done + most_rows - self._rows)
                if fit <= done:
                    if not self._size:
                        raise self._too_large(ends[done] - at)
                    begins, self._size, self._rows = True, 0, 0
                    # Blank lines in front of the first row of a part are left out.
                    at += len(data[at : ends[done]]) - len(data[at : ends[done]].lstrip(b"\r\n"))
                    continue
                stop = ends[fit - 1]
                yield _Run(data[at:stop], stop - at, fit - done, begins, None if start is None else start + at)
                begins = False
                self._size += stop - at
                self._rows += fit - done
                self._row += fit - done
                at, done = stop, fit

    def _whole_rows(self) -> Iterator[_Whole]:
        source = self._source
        places = source.places if source.passthrough and self._dialect == source.dialect else None
        return self._walked(source.blocks(self._dialect)) if places is None else self._placed(places)

    def _placed(self, places: Places) -> Iterator[_Whole]:
        """The rows between places where the file can be cut: as many stretches as fit into the part. Nothing is read but where
        a part ends."""
        ends, rows = places.ends, places.rows
        # A stretch that may hold a row that is too long goes by itself. The last entry is no stretch but the end.
        suspects = [at for at, gap in enumerate(map(sub, ends[1:], ends)) if gap > self._harmless]
        suspects.append(len(ends) - 1)
        at = 0
        for suspect in suspects:
            while at < suspect:
                fit = bisect_right(ends, ends[at] + self._room - self._size, at, suspect + 1) - 1
                fit = min(fit, bisect_right(rows, rows[at] + self._limits.rows - self._rows, at, suspect + 1) - 1)
                yield self._stretches(places, at, max(fit, at + 1), is_suspect=False)
                at = max(fit, at + 1)
            if at < len(ends) - 1:
                yield self._stretches(places, at, at + 1, is_suspect=True)
                at += 1

    def _stretches(self, places: Places, first: int, last: int, *, is_suspect: bool) -> _Whole:
        start, stop = places.ends[first], places.ends[last]
        rows = places.rows[last] - places.rows[first]
        return _Whole(stop - start, rows, start, is_suspect, partial(self._read, start, stop))

    def _read(self, start: int, stop: int) -> bytes:
        return b"".join(self._source.pieces(start, stop))

    def _walked(self, blocks: Iterable[Block]) -> Iterator[_Whole]:
        tail = b""
        place: int | None = None
        for block in blocks:
            if not block.data:
                continue
            if not tail:
                place = block.start
            data = tail + block.data if tail else block.data
            known = block.rows if not tail else None
            end, is_suspect = self._last_end(data)
            if end > 0 and known is None:
                end = _before_blank_lines(data, end)
            if end > 0:
                whole = data if end == len(data) else data[:end]
                yield _Whole(len(whole), known, place, is_suspect, partial(bytes, whole))
                tail = data[end:]
                place = None if place is None else place + end
            else:
                tail = data
                if len(tail) > self._hopeless and tail.strip(b"\r\n"):
                    raise self._too_large(len(tail))
        if tail.count(b'"') % 2:
            raise BadValue(f"Row {self._row}: a quote is opened and never closed. It was not sent.", row=self._row)
        last = tail.rstrip(b"\r\n")
        if last:
            # As it is in the file: the end of its last row, if it has one, and no blank lines behind it.
            rest = tail[len(last) :]
            end = len(last) + (rest.find(b"\n") + 1 or len(rest))
            yield _Whole(end, None, place, end > self._harmless, partial(bytes, tail[:end]))

    def _last_end(self, data: bytes) -> tuple[int, bool]:
        """The last record end of *data*, or -1; and whether some two record ends are suspiciously far apart."""
        inside = False
        last = 0
        is_suspect = False
        for start in range(0, len(data), _STRETCH):
            stop = min(start + _STRETCH, len(data))
            inside ^= data.count(b'"', start, stop) % 2 == 1
            end = last_end(data, start, stop, inside=inside)
            if end > 0:
                is_suspect |= end - last > self._harmless
                last = end
        return last or -1, is_suspect

    def _measure(self, data: bytes) -> None:
        """Raise if a row of *data* is longer than a row or a cell may be."""
        at = 0
        for number, end in enumerate(row_ends(data), self._row):
            if end - at > self._harmless:
                self._measure_row(data[at:end].decode("utf-8"), number)
            at = end

    def _measure_row(self, text: str, number: int) -> None:
        text = text.strip("\r\n")
        characters, most = _units(text), self._limits.record_characters
        raise_csv_limit()
        for place, cell in enumerate(
            next(csv.reader(io.StringIO(text, newline=""), delimiter=self._dialect.delimiter), [])
        ):
            count = _units(cell)
            if count > self._limits.cell_characters:
                column = self._columns[place] if place < len(self._columns) else f"number {place + 1}"
                raise RecordTooLarge(
                    f"Row {number}, column {column!r}: a value of {count} characters, and the org takes "
                    f"{self._limits.cell_characters}. It was not sent. Shorten it.",
                    row=number,
                    column=column,
                )
        if characters > most:
            raise RecordTooLarge(
                f"Row {number} has {characters} characters as CSV, and the org takes {most}. It was not sent. "
                "Shorten it, or send some of its columns in a second run.",
                row=number,
            )

    def _too_large(self, size: int) -> RecordTooLarge:
        return RecordTooLarge(
            f"Row {self._row} is {size} bytes long or longer, and a part has room for {self._room} behind its header"
            f" and for {self._limits.record_characters} characters a row. It was not sent. Shorten it; if no value is that "
            "long, a quote before it is not closed.",
            row=self._row,
        )


def _units(text: str) -> int:
    """Characters as the org counts them: a character beyond U+FFFF is two (it runs on Java)."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _before_blank_lines(data: bytes, end: int) -> int:
    """*end*, or where the last row before it ends, when blank lines follow: they go with the next row, if there is one."""
    if not data.endswith((b"\n\n", b"\n\r\n"), 0, end) and data[0] not in b"\r\n":
        return end
    last = len(data[:end].rstrip(b"\r\n"))
    return data.index(b"\n", last) + 1 if last else -1


def _without_blank_lines(data: bytes, start: int | None) -> tuple[bytes, int | None]:
    stripped = data.lstrip(b"\r\n")
    return stripped, None if start is None else start + len(data) - len(stripped)

"""The rows of an input with their outcomes beside them, as CSV. Rows are not parsed: what is written is their own text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import IO, Any, Final

from ..errors import UsageError
from ..outcome_lines import outcome_of
from ..records import Dialect, Outcome, State
from .extras import has_pyarrow, numpy_or_none
from .record_text import record_writer
from .source import Source

OUTCOME_COLUMNS: Final = ("sf__Id", "sf__Created", "sf__Error")
_CREATED: Final = {ord("c"): b"true", ord("u"): b"false", ord("s"): b""}
_KINDS: Final[dict[State, bytes]] = {"succeeded": b"cus", "failed": b"f", "unprocessed": b"-"}

_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'",\n')
_QUOTED: Final = re.compile(rb'"[^"]*"')
_CELL: Final = re.compile(rb'(?:[^,"]|"[^"]*")*+(?:,|\Z)')

_write = record_writer(Dialect())


def write_beside(
    source: Source, outcomes: Iterable[bytes], file: IO[bytes], only: State | None = None, *, is_large: bool = False
) -> int:
    """Write the columns of *source*, then ``sf__Id``, ``sf__Created`` and ``sf__Error``. Returns the number of rows.

    Args:
        source: The rows, as they were given.
        outcomes: Theirs, as blocks of lines: see :mod:`..outcome_lines`.
        only: Rows that ended so, and no others.
        is_large: It is worth while to import numpy and pyarrow, which takes 0.2 s.

    Raises:
        UsageError: There are more or fewer rows than outcomes: the input is no longer what was sent.
    """
    blocks = (block.data for block in source.blocks(Dialect()))
    header = _write((*source.columns, *OUTCOME_COLUMNS)).encode("utf-8")
    # Of a CSV file, a record may be shorter or longer than the header; the rows of all others are of one length.
    width = len(source.columns) if source.detected.kind == "CSV" else None
    numpy = numpy_or_none() if is_large and only is None and source.columns and has_pyarrow() else None
    if numpy is not None:
        file.write(header.removesuffix(b"\n"))
        return _write_by_arrays(numpy, blocks, outcomes, len(source.columns), width, file)
    file.write(header)
    cells = chain.from_iterable(_cells_of(block, _KINDS[only] if only is not None else b"") for block in outcomes)
    count = 0
    for records in record_lists(blocks):
        pairs: Iterable[tuple[bytes, bytes | None]] = _pairs(records, list(islice(cells, len(records))), width)
        if only is not None:
            pairs = [pair for pair in pairs if pair[1] is not None]
            count += len(pairs)
        else:
            count += len(records)
        file.write(b"".join(chain.from_iterable(pairs)))  # type: ignore[arg-type]
    if next(cells, b"") != b"":
        raise _changed()
    return count


def _write_by_arrays(
    numpy: Any, blocks: Iterable[bytes], outcomes: Iterable[bytes], columns: int, width: int | None, file: IO[bytes]
) -> int:
    """The same, each record behind a line end."""
    from .beside_arrays import Cells, lines_beside

    def cells_of(block: bytes) -> list[bytes]:
        return [cell[:-1] for cell in _cells_of(block, b"") if cell is not None]

    def slowly(records: Sequence[bytes], cells: Sequence[bytes]) -> bytes:
        pairs = _pairs(list(records), [cell + b"\n" for cell in cells], width)
        return b"\n" + b"".join(chain.from_iterable(pairs))[:-1]  # type: ignore[arg-type]

    cells = Cells(numpy, outcomes, cells_of)
    count = 0
    for lines, rows in lines_beside(numpy, blocks, columns, cells, slowly):
        file.write(lines)
        count += rows
    file.write(b"\n")
    if len(cells.take(1)):
        raise _changed()
    return count


def _pairs(records: list[bytes], cells: list[bytes | None], width: int | None) -> Iterable[tuple[bytes, bytes | None]]:
    """Each record and what is written behind it; with a *width*, records are given as many cells."""
    if len(cells) != len(records):
        raise _changed()
    if width is not None:
        for at in _uneven(records, width):
            records[at], extra = _of_width(records[at], width)
            cell = cells[at]
            cells[at] = cell if cell is None or not extra else cell[:-1] + extra + b"\n"
    return zip(records, cells, strict=True)


def _uneven(records: Sequence[bytes], width: int) -> Iterator[int]:
    """The places of the records that have not *width* cells."""
    # Of marks alone, two quotes side by side cancel; what stands between those that are left is inside a cell.
    marks = b"\n".join(records).translate(None, _NO_MARKS)
    commas = _QUOTED.sub(b"", marks.replace(b'""', b"")) if b'"' in marks else marks
    even = b"," * (width - 1)
    if commas != b"\n".join(repeat(even, len(records))):
        yield from (at for at, line in enumerate(commas.split(b"\n")) if line != even)


def _of_width(record: bytes, width: int) -> tuple[bytes, bytes]:
    """A record with as many cells as there are columns, for else its outcome would stand in the column of another; and the
    cells that are too many, each behind a comma. They go to the end of the line, so nothing is left out."""
    ends = [found.end() for found in _CELL.finditer(record)]
    # Behind the last cell there is no comma, and behind the end of the record nothing.
    cells = len(ends) - (len(ends) > 1 and ends[-1] == ends[-2] and not record.endswith(b","))
    if cells <= width:
        return record + b"," * (width - cells), b""
    cut = ends[width - 1]
    return record[: cut - 1], record[cut - 1 :]


def _changed() -> UsageError:
    return UsageError(
        "The input has not as many rows as were sent: it was changed since. No file was written. The outcomes themselves "
        "are whole: iterate over the result, or put the input back as it was."
    )


def _cells_of(block: bytes, only: bytes) -> list[bytes | None]:
    """What is written behind each row, from a comma to a line end. *only* lines of these kinds; None for the others."""
    if not only and block.count(b"\nc") == block.count(b"\n") - 1 and block.startswith(b"c") and b"\r" not in block:
        # All were created, as nearly always: no line is looked at.
        text = (b"\n" + block).replace(b"\nc", b"\n,")[1:].replace(b"\n", b",true,\n")
        return list(text.splitlines(keepends=True))
    lines = block.split(b"\n")[:-1]
    return [_cells(line) if not only or line[:1] in only else None for line in lines]


def _cells(line: bytes) -> bytes:
    if line[0] in _CREATED:
        return b",%b,%b,\n" % (line[1:], _CREATED[line[0]])
    return b"," + _write(_texts(outcome_of(0, line.decode("utf-8")))).encode("utf-8")


def _texts(outcome: Outcome) -> tuple[str, str, str]:
    if outcome.state == "unprocessed":
        return "", "", "unprocessed"
    return outcome.id or "", "false", f"{outcome.code}:{outcome.message}:{','.join(outcome.fields)} --"


def record_lists(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The texts of CSV records without their line ends, list after list; blank lines are left out.

    Records end in LF outside quotes; blocks may be cut anywhere.
    """
    rest = b""
    opened: list[bytes] = []
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        # An odd number of quotes opens a value that goes on in the next line, or closes one.
        odd = [at for at, quotes in enumerate(map(bytes.count, lines, repeat(b'"'))) if quotes & 1]
        records: list[bytes] = []
        done = 0
        for at in odd:
            if opened:
                opened += lines[done : at + 1]
                records.append(b"\n".join(opened))
                opened.clear()
                done = at + 1
            else:
                records += lines[done:at]
                opened.append(lines[at])
                done = at + 1
        if opened:
            opened += lines[done:]
        else:
            records += lines[done:]
        if b"" in records:
            records = list(filter(None, records))
        if records:
            yield records
    if rest or opened:
        yield [b"\n".join([*opened, rest])]

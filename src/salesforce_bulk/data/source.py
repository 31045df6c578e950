"""What every source of rows gives: its columns, and its rows as CSV in blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from ..errors import UsageError
from ..frozen import frozen
from ..records import Dialect
from .decode import CsvRecords
from .record_text import record_writer
from .survey import Places

#: What a value that is missing does: ``"ignore"`` leaves the field as it is, ``"clear"`` empties it.
Nulls = Literal["ignore", "clear"]
#: Line breaks inside values: ``"keep"`` sends them as they are, ``"normalise"`` makes them the line ending of the job.
LineBreaks = Literal["keep", "normalise"]

#: Blocks are about this size: the cache still holds them, and the calls around them no longer count.
BLOCK_BYTES: Final = 256 * 1024


class Block(NamedTuple):
    """A piece of CSV without its header.

    ``rows`` is the number of rows in it, and then it begins and ends where a row does; None: it was not counted, and may
    be cut anywhere. ``start`` is where its first byte stands in the file; None: its bytes are not those of a file.
    """

    data: bytes
    rows: int | None = None
    start: int | None = None


@frozen
class Detected:
    """What was found out about the input, for the receipt. None: the kind has no such thing."""

    kind: str
    encoding: str | None = None
    delimiter: str | None = None
    #: ``"LF"``, ``"CRLF"``, ``"CR"`` or ``"mixed"``: how rows end.
    line_ending: str | None = None
    #: The same for line breaks inside values; None: there are none, or they are as the ends of rows.
    value_line_breaks: str | None = None
    compressed: bool = False
    #: Why, and what was changed on the way; one sentence each.
    notes: tuple[str, ...] = ()


class Source(ABC):
    """Rows to be sent, as CSV, in constant memory.

    Attributes:
        columns: The columns as they are sent.
        dialect: The dialect that fits the input best; with it, ``passthrough`` files go out byte for byte.
        passthrough: The file's own bytes are what is sent, and blocks carry their places in the file.
        places: Where such a file can be cut; None: that has to be found out by walking through its blocks.
        reopenable: ``blocks`` may be called again and gives the same rows. A generator gives its rows once.
        detected: What was found out about the input.
    """

    columns: tuple[str, ...]
    dialect: Dialect = Dialect()
    passthrough: bool = False
    places: Places | None = None
    reopenable: bool = True
    detected: Detected

    def header(self, dialect: Dialect) -> bytes:
        """The header row. Without columns (an input without rows) there is none."""
        return record_writer(dialect)(self.columns).encode("utf-8") if self.columns else b""

    @abstractmethod
    def blocks(self, dialect: Dialect) -> Iterator[Block]:
        """The rows as CSV without the header, about 256 KiB at a time (1 MiB from Arrow).

        Raises:
            BadValue: A value that cannot be sent, with its row and column.
        """

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes of the file from *start* to *stop*: those of a part.

        Raises:
            SourceChanged: It is not the file that was looked at. What was read of it is nothing.
        """
        raise UsageError(f"{self.detected.kind} rows have no bytes {start} to {stop} in a file. Nothing was sent.")

    def rows_again(self) -> Iterator[list[str]]:
        """The cells as they are sent, row by row, read anew."""
        if not self.reopenable:
            raise UsageError("These rows came from a one-time iterator, and it was read. Keep what was sent.")
        dialect = Dialect()
        head = self.header(dialect)
        if not head:
            return iter(())
        return iter(CsvRecords(_with_header(head, self.blocks(dialect))))

    @abstractmethod
    def as_given(self) -> Source:
        """The same input with all of its own columns under their own names, nothing cleared: what outcomes stand beside.

        Only for what can be read again; of a generator nothing but the sent parts is left.
        """

    def __repr__(self) -> str:
        return f"<Source {self.detected.kind}: {len(self.columns)} columns>"


def _with_header(head: bytes, blocks: Iterator[Block]) -> Iterator[bytes]:
    yield head
    for block in blocks:
        yield block.data


@frozen
class Choice:
    """What the caller wants of the input's columns and values."""

    nulls: Nulls = "ignore"
    line_breaks: LineBreaks = "keep"
    #: These columns only, in this order; the input may have others.
    only: tuple[str, ...] | None = None
    #: Other names for columns of the input: old -> new.
    rename: tuple[tuple[str, str], ...] = ()

    def chosen(self, columns: Sequence[str]) -> list[int]:
        """The places of the columns that go out."""
        if self.only is None:
            return list(range(len(columns)))
        places = {name: place for place, name in enumerate(columns)}
        only = [_spelled(name, columns) for name in self.only]
        missing = [given for name, given in zip(only, self.only, strict=True) if name not in places]
        if missing:
            raise UsageError(
                f"The rows have no column {missing[0]!r}. They have: {', '.join(map(repr, columns))}. Nothing was sent."
            )
        return [places[name] for name in only]

    def named(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Their names on the wire."""
        names = dict(self.rename)
        unknown = [name for name in names if name not in columns]
        if unknown:
            raise UsageError(f"There is no column {unknown[0]!r} to be renamed. Nothing was sent.")
        return checked_columns(tuple(names.get(name, name) for name in columns))


def _spelled(wanted: str, columns: Sequence[str]) -> str:
    """The name of a column as the input has it: the org matches them without regard to case."""
    others = [name for name in columns if str(name).lower() == wanted.lower()]
    return others[0] if wanted not in columns and len(others) == 1 else wanted


def checked_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The names of columns, if a header can be made of them. The org matches them without regard to case."""
    seen: dict[str, str] = {}
    for place, name in enumerate(columns):
        if not isinstance(name, str):
            raise UsageError(f"A column is named by a text, not by a {type(name).__name__}. Nothing was sent.")
        if not name.strip():
            raise UsageError(
                f"Column {place + 1} of {len(columns)} has no name. Name it, or take it out. Nothing was sent."
            )
        if name.lower() in seen:
            other = seen[name.lower()]
            raise UsageError(
                f"Two columns name the same field: {other!r} and {name!r}. Keep one of them. Nothing was sent."
            )
        seen[name.lower()] = name
    return columns

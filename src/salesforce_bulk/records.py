"""Plain records that travel between the rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, final

from .errors import UsageError
from .frozen import frozen

#: Pieces of a body are gathered to this size before they go out. One HTTP chunk a row costs us 3.8 times
#: the processor time, and the server 24 times (bench/README.md); beyond 64 KiB nothing more is gained.
PIECE_BYTES: Final = 64 * 1024


@final
class _Clear:
    """The type of :data:`CLEAR`."""

    _only: _Clear | None = None

    def __new__(cls) -> _Clear:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "CLEAR"

    def __reduce__(self) -> str:
        return "CLEAR"


#: As the value of a field: empty that field (``#N/A`` in CSV, ``xsi:nil`` in XML, ``null`` in JSON).
CLEAR: Final = _Clear()


def gathered(pieces: Iterable[bytes | str], size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Join small pieces into larger ones; text is sent as UTF-8. Holds at most *size* bytes and one piece more."""
    held: list[bytes] = []
    count = 0
    for piece in pieces:
        data = piece.encode("utf-8") if isinstance(piece, str) else _as_bytes(piece)
        if not data:
            continue
        held.append(data)
        count += len(data)
        if count >= size:
            yield held[0] if len(held) == 1 else b"".join(held)
            held.clear()
            count = 0
    if held:
        yield b"".join(held)


def _as_bytes(piece: Any) -> bytes:
    if isinstance(piece, bytes):
        return piece
    try:
        # Not by itself: bytes() takes an int for a number of NULs, and a list for bytes.
        return bytes(memoryview(piece))
    except TypeError:
        hint = " For dicts: CsvDictsAdapter(iter(rows))." if isinstance(piece, Mapping) else ""
        raise UsageError(
            f"A piece of a batch body is text or bytes, not {type(piece).__name__}. Nothing was loaded.{hint}"
        ) from None


class Body:
    """What a request carries. Opening it again gives the same bytes again, unless it is a one-time stream.

    ``compress``: it travels as gzip, unless the options of the transport say otherwise.
    """

    __slots__ = ("_open", "_opened", "compress", "length", "repeatable")

    def __init__(
        self,
        open_: Callable[[], Iterable[bytes | str]],
        *,
        length: int | None,
        repeatable: bool,
        compress: bool = False,
    ) -> None:
        self.compress = compress
        self._open = open_
        self._opened = False
        self.length = length
        self.repeatable = repeatable

    @classmethod
    def of(cls, data: Any) -> Body:
        """A body from what callers hand in: text, bytes, a file, or an iterable of either, which is read only once."""
        if isinstance(data, str):
            data = data.encode("utf-8")
        if isinstance(data, bytes | bytearray | memoryview):
            whole = bytes(data)
            return cls(lambda: (whole,) if whole else (), length=len(whole), repeatable=True)
        read = getattr(data, "read", None)
        if callable(read):
            return cls(lambda: iter(lambda: read(PIECE_BYTES), read(0)), length=None, repeatable=False)
        if isinstance(data, Mapping) or not isinstance(data, Iterable):
            raise UsageError(
                f"A batch body is text, bytes, a file or an iterator of pieces, not {type(data).__name__}. "
                "Nothing was sent. For dicts: CsvDictsAdapter(iter(rows))."
            )
        return cls(lambda: data, length=None, repeatable=isinstance(data, list | tuple))

    @property
    def spent(self) -> bool:
        """True when the body was a one-time stream and has been opened."""
        return self._opened and not self.repeatable

    def pieces(self) -> Iterator[bytes]:
        """The bytes, in pieces of a size that is good to send."""
        if self.spent:
            raise UsageError("This body is a one-time stream and was read already; hand in a new iterator.")
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        self._opened = True  # not before the first piece is asked for: a connection that fails has read nothing
        yield from gathered(self._open())

    def __repr__(self) -> str:
        size = "streamed" if self.length is None else f"{self.length} bytes"
        return f"<Body {size}>"


@frozen
class PkChunking:
    """``Sforce-Enable-PKChunking``: the org cuts a query into ranges of record ids.

    API: Bulk API guide, "PK Chunking Header".
    """

    chunk_size: int | None = None
    parent: str | None = None
    start_row: str | None = None

    #: "PK Chunking Header": ids per chunk, at most.
    MAX_CHUNK_SIZE = 250_000

    def __post_init__(self) -> None:
        if self.chunk_size is not None and not 1 <= self.chunk_size <= self.MAX_CHUNK_SIZE:
            raise UsageError(
                f"PK chunking takes a chunk size from 1 to {self.MAX_CHUNK_SIZE}, not {self.chunk_size}. Nothing was sent."
            )

    @property
    def header(self) -> str:
        tokens = []
        if self.chunk_size is not None:
            tokens.append(f"chunkSize={self.chunk_size}")
        if self.parent is not None:
            tokens.append(f"parent={self.parent}")
        if self.start_row is not None:
            tokens.append(f"startRow={self.start_row}")
        return "; ".join(tokens) or "TRUE"


@frozen
class JobSpec:
    """A Bulk API 1.0 job to be made. Spellings: ``salesforce_bulk.wire.names``. API: "JobInfo", "Create a Job"."""

    operation: str
    sobject: str
    content_type: str = "CSV"
    concurrency: str | None = None
    external_id: str | None = None
    assignment_rule_id: str | None = None
    pk_chunking: PkChunking | str | None = None
    #: ``True``: a batch that does not finish in its time fails, instead of being tried again by the org.
    disable_batch_retry: bool | None = None
    #: ``"LF"`` or ``"CRLF"``: how line breaks inside text values are stored.
    line_ending: str | None = None
    #: The name under which the org's logs list this client.
    client: str | None = None


@frozen
class JobInfo:
    """A Bulk API 1.0 job as the org describes it. ``wire`` is what it sent, by its own names."""

    id: str
    operation: str = ""
    sobject: str = ""
    state: str = ""
    content_type: str = ""
    concurrency: str = ""
    batches_queued: int = 0
    batches_in_progress: int = 0
    batches_completed: int = 0
    batches_failed: int = 0
    batches_total: int = 0
    records_processed: int = 0
    records_failed: int = 0
    wire: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@frozen
class BatchInfo:
    """A batch of a Bulk API 1.0 job as the org describes it. ``wire`` is what it sent, by its own names."""

    id: str
    job_id: str = ""
    state: str = ""
    state_message: str = ""
    records_processed: int = 0
    records_failed: int = 0
    wire: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_counted(self) -> bool:
        """Whether the org said how many records were processed; where it did not, ``records_processed`` is 0."""
        return self.wire.get("numberRecordsProcessed") not in (None, "")


@frozen
class Dialect:
    """How CSV of a job is written. ``delimiter`` is one character, ``line_ending`` ``"\\n"`` or ``"\\r\\n"``."""

    delimiter: str = ","
    line_ending: str = "\n"


@frozen
class IngestSpec:
    """A Bulk API 2.0 ingest job to be made. API: "Create a Job"."""

    operation: str
    sobject: str
    external_id: str | None = None
    assignment_rule_id: str | None = None
    dialect: Dialect = Dialect()


@frozen
class QuerySpec:
    """A Bulk API 2.0 query job to be made. *all_rows*: deleted and archived records too. API: "Create a Query Job"."""

    soql: str
    all_rows: bool = False
    dialect: Dialect = Dialect()


@frozen
class Selected:
    """One entry of a query's select list.

    ``name``: the column that it makes, dotted for a parent's field (``Owner.Name``), in the query's own spelling.
    ``path``: the field that its values are of, "" where there is none. ``function``: what stands around it, in lower case.
    """

    name: str
    path: str
    function: str = ""


@frozen
class Job2Info:
    """A Bulk API 2.0 job, ingest or query, as the org describes it. ``wire`` is what it sent, by its own names.

    ``records_processed`` includes those that failed; None where the org did not say.
    """

    id: str
    operation: str = ""
    sobject: str = ""
    state: str = ""
    job_type: str = ""
    records_processed: int | None = None
    records_failed: int | None = None
    error_message: str = ""
    wire: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class RecordError:
    """Why the org refused one record: its status code, its text, and the fields it names."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowResult:
    """What the org answers for one row of a batch."""

    id: str | None
    success: bool
    created: bool | None
    errors: tuple[RecordError, ...] = ()


#: What became of a row. ``unprocessed``: the org never tried it, so it may be sent again.
State = Literal["succeeded", "failed", "unprocessed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row of the input. ``row`` counts from 0, in the order of the input.

    ``created`` is None where nobody knows: an upsert by REST whose answer was lost was made again, and found the record.
    """

    row: int
    state: State
    id: str | None = None
    created: bool | None = False
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()


@frozen
class PartLimits:
    """What one part may hold: rows, bytes on the wire (header included, before compression), characters of a record and
    of a cell, columns, and characters of the whole part where the API counts those."""

    rows: int
    bytes: int
    record_characters: int
    cell_characters: int
    columns: int
    header_characters: int | None = None

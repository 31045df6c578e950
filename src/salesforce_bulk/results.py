"""What the verbs of an org hand back: results of queries and of loads, lazy, re-readable, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from copy import copy
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, ParamSpec, Protocol, TypeVar

from .errors import MalformedResult, ReconciliationError, RecordsFailed, UsageError
from .records import Outcome, State

# What a way of reading needs is loaded when it is taken: a CSV file needs none of the typed ones.
if TYPE_CHECKING:
    from .data.arrow import BatchStream
    from .data.schema import Columns
    from .data.source import Source

#: From so many rows on, importing numpy and pyarrow costs less than it saves, if it was not done for matching already.
LARGE_ROWS: Final = 100_000
#: How many failures an exception shows.
SHOWN_FAILURES: Final = 3

OpenFile = Callable[[Path], AbstractContextManager[IO[bytes]]]
Pages = Callable[[], Iterator[tuple[int | None, Iterable[bytes]]]]
#: Asks the org once more how many rows the query found; with as many as were read, for numbers can lag.
Recount = Callable[[int], int | None]

P = ParamSpec("P")
T = TypeVar("T")


def _twice(read: Callable[P, T]) -> Callable[P, T]:
    """*read*, and once more if what came was damaged or not complete: for what hands out nothing before all is read."""

    @wraps(read)
    def reading(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return read(*arguments, **named)
        except (MalformedResult, ReconciliationError):
            return read(*arguments, **named)

    return reading


class QueryResult:
    """The rows of a query, read when they are asked for, as often as they are asked for, in the org's order.

    Every way of reading counts: rows read against what each page and the job say. A result that is damaged or not complete is
    read once more from its beginning by those that hand out nothing before all is read (``to_...``). What stays is a
    ``ReconciliationError`` or ``MalformedResult``, and no file appears.
    """

    def __init__(
        self,
        open_pages: Pages,
        columns: Columns,
        expected: int | None,
        receipt: dict[str, Any],
        open_file: OpenFile,
        traffic: Callable[[], Mapping[str, int]],
        recount: Recount,
    ) -> None:
        self._open_pages = open_pages
        self._traffic = traffic
        self._columns = columns
        self._expected = expected
        self._open_file = open_file
        self._recount = recount
        self.receipt = receipt

    # -- rows ---------------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[dict[str, Any]]:
        from .data.typed import TypedDictRows

        pages = self._pages()
        rows = TypedDictRows(pages, self._columns)
        count = 0
        try:
            for row in rows:
                count += 1
                yield row
            self._checked(count, pages, rows.fallbacks)
        finally:
            rows.close()

    def batches(self) -> Iterator[Any]:
        """``pyarrow.RecordBatch`` after ``RecordBatch``, all with the same schema, in constant memory."""
        from .data.arrow import BatchStream

        pages = self._pages()
        stream = BatchStream(pages, self._columns)
        count = 0
        try:
            for batch in stream:
                count += batch.num_rows
                yield batch
            self._checked(count, pages, stream.fallbacks)
        finally:
            stream.close()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """For polars, duckdb, pandas and whatever else takes Arrow streams."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    @_twice
    def to_arrow(self) -> Any:
        """A ``pyarrow.Table``. A column with a value that is not of its type is text, losslessly, and the receipt says so."""
        from .data.arrow import to_table

        opened: list[_Counted] = []

        def pages() -> _Counted:
            opened.append(self._pages())
            return opened[-1]

        table, fallbacks = to_table(pages, self._columns)
        self._checked(table.num_rows, opened[-1], fallbacks)
        return table

    def to_pandas(self, **options: Any) -> Any:
        """A ``pandas.DataFrame``; *options* go to ``pyarrow.Table.to_pandas``.

        Integers are ``Int64``, which has nulls: as float64, pandas' own choice for them, they would lose digits.
        """
        try:
            import pandas
            import pyarrow
        except ImportError as error:
            raise UsageError(
                f"A pandas frame needs {error.name}: pip install 'salesforce-bulk[arrow]' pandas. Nothing was read."
            ) from error
        integers = {pyarrow.int64(): pandas.Int64Dtype()}
        ours = {"self_destruct": True, "split_blocks": True, "types_mapper": integers.get}
        return self.to_arrow().to_pandas(**{**ours, **options})

    def to_polars(self) -> Any:
        """A ``polars.DataFrame``."""
        try:
            import polars
        except ImportError as error:
            raise UsageError("A polars frame needs polars: pip install polars. Nothing was read.") from error
        return polars.from_arrow(self.to_arrow())

    # -- files: each appears under its name when it is complete --------------------------------------------------------

    @_twice
    def to_csv(self, path: str | Path) -> int:
        """The CSV as the org sends it, header once. Returns the number of rows."""
        from .data.sinks import write_csv

        pages = self._pages()
        with self._open_file(Path(path)) as file:
            count = write_csv(pages, file)
            self._checked(count, pages)
        return count

    def write_csv(self, file: IO[bytes]) -> int:
        """The CSV as :meth:`to_csv` has it, into an open file, as it comes. Returns the number of rows.

        Nothing is read twice: after an error, what was written by then is not the whole result.
        """
        from .data.sinks import write_csv

        pages = self._pages()
        count = write_csv(pages, file)
        self._checked(count, pages)
        return count

    @_twice
    def to_jsonl(self, path: str | Path) -> int:
        """One JSON object a line, typed. Returns the number of rows."""
        from .data.json_lines import write_json_lines

        pages = self._pages()
        with self._open_file(Path(path)) as file:
            count, fallbacks = write_json_lines(pages, self._columns, file)
            self._checked(count, pages, fallbacks)
        return count

    def to_parquet(self, path: str | Path) -> int:
        """Parquet, typed. Returns the number of rows."""
        from .data.sinks import write_parquet

        return self._to_batches(Path(path), write_parquet)

    def to_arrow_file(self, path: str | Path) -> int:
        """An Arrow file (Feather 2), typed. Returns the number of rows."""
        from .data.sinks import write_arrow

        return self._to_batches(Path(path), write_arrow)

    @_twice
    def _to_batches(self, path: Path, write: Callable[[BatchStream, IO[bytes]], int]) -> int:
        from .data.arrow import BatchStream, until_it_fits

        def attempt(columns: Columns) -> int:
            pages = self._pages()
            stream = BatchStream(pages, columns)
            try:
                with self._open_file(path) as file:
                    count = write(stream, file)
                    self._checked(count, pages, stream.fallbacks)
                return count
            finally:
                stream.close()

        return until_it_fits(self._columns, attempt)

    def through(self, watch: Callable[[Iterable[bytes]], Iterable[bytes]]) -> QueryResult:
        """The same result, the bytes of each page passed through *watch*. They share the receipt."""
        other = copy(self)

        def open_pages() -> Iterator[tuple[int | None, Iterable[bytes]]]:
            pages = _Counted(self._open_pages())
            try:
                for page in pages:
                    yield pages.rows, watch(page)
            finally:
                pages.close()

        other._open_pages = open_pages
        return other

    # -- counting ------------------------------------------------------------------------------------------------------

    def _pages(self) -> _Counted:
        return _Counted(self._open_pages())

    def _checked(self, count: int, pages: _Counted, fallbacks: Iterable[str] = ()) -> None:
        self.receipt |= self._traffic()
        rows = self.receipt["rows"]
        rows["received"] = count
        rows["written"] = count
        if fallbacks:
            self.receipt["text_columns"] = sorted(fallbacks)
        said = pages.said
        if self._expected not in (None, count) and said in (None, count):
            # All pages are as they say, so it may be the number that is wrong.
            self._expected = rows["expected"] = self._recount(count)
        for source, number in (("the job", self._expected), ("its pages", said)):
            if number is not None and number != count:
                self.receipt["complete"] = False
                raise ReconciliationError(
                    f"The query found {number} rows by what {source} say{'s' if source == 'the job' else ''}, and {count} "
                    "were read.\nThe result is not complete; no file was written.\nRead it again, or run the query again.",
                    numbers={"expected": number, "received": count},
                )
        self.receipt["complete"] = True

    def __repr__(self) -> str:
        expected = "?" if self._expected is None else f"{self._expected:_}"
        return f"<QueryResult {self.receipt['object']}: {expected} rows>"


class _Counted:
    """An iterator of pages that adds up what they say of themselves; None when one of them does not say."""

    def __init__(self, pages: Iterator[tuple[int | None, Iterable[bytes]]]) -> None:
        self._pages = pages
        self.said: int | None = 0
        self.rows: int | None = None

    def __iter__(self) -> Iterator[Iterable[bytes]]:
        return self

    def __next__(self) -> Iterable[bytes]:
        self.rows, pieces = next(self._pages)
        self.said = None if self.said is None or self.rows is None else self.said + self.rows
        return pieces

    def close(self) -> None:
        close = getattr(self._pages, "close", None)
        if close is not None:
            close()


Only = Literal["succeeded", "failed", "unprocessed"]


class Outcomes(Protocol):
    """The outcomes of a load, as often as they are asked for: all, those that are not "succeeded", and as blocks of lines."""

    def __iter__(self) -> Iterator[Outcome]: ...
    def failures(self) -> Iterator[Outcome]: ...
    def lines(self) -> Iterator[bytes]: ...


class IngestResult:
    """One outcome for each row of the input, in its order. A refused record is an outcome, not an exception."""

    def __init__(
        self,
        outcomes: Outcomes,
        counts: Mapping[State, int],
        source: Source,
        receipt: dict[str, Any],
        run_id: str,
        open_file: OpenFile,
    ) -> None:
        self._outcomes = outcomes
        self._source = source
        self._open_file = open_file
        self.succeeded = counts.get("succeeded", 0)
        self.failed = counts.get("failed", 0)
        self.unprocessed = counts.get("unprocessed", 0)
        self.receipt = receipt
        self.run_id = run_id

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._outcomes)

    def __len__(self) -> int:
        return self.succeeded + self.failed + self.unprocessed

    def failures(self) -> Iterator[Outcome]:
        """The outcomes that are not "succeeded"."""
        return self._outcomes.failures()

    def raise_for_failures(self) -> None:
        """Raise ``RecordsFailed`` unless every row succeeded."""
        if not self.failed and not self.unprocessed:
            return
        kinds = Counter(f"{outcome.code or outcome.state}" for outcome in self.failures())
        shown = "; ".join(
            f"row {outcome.row}: {outcome.code} {outcome.message}".strip()
            for outcome, _ in zip(self.failures(), range(SHOWN_FAILURES), strict=False)
        )
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        raise RecordsFailed(
            f"{self.failed} of {len(self)} rows were refused and {self.unprocessed} not tried: {told}.\n"
            f"{self.succeeded} were applied. {shown}.\n"
            "Correct those rows and send them alone: result.failures() names them.",
            run_id=self.run_id,
        )

    def to_csv(self, path: str | Path, *, only: Only | None = None) -> int:
        """The input's own columns, then ``sf__Id``, ``sf__Created``, ``sf__Error``. Returns the number of rows."""
        from .data.beside import write_beside

        source = self._given()
        with self._open_file(Path(path)) as file:
            is_large = len(self) >= LARGE_ROWS
            return write_beside(source, self._outcomes.lines(), file, only, is_large=is_large)

    def _given(self) -> Source:
        if not self._source.reopenable:
            raise UsageError(
                "The rows came from a one-time iterator, so the input's columns are gone. Iterate over the result for the "
                "outcomes, or hand in a list or a file next time."
            )
        return self._source.as_given()

    def to_arrow(self) -> Any:
        """The outcomes as a ``pyarrow.Table``: row, state, id, created, code, message."""
        from .data.outcome_table import outcome_table

        return outcome_table(self._outcomes.lines())

    def __repr__(self) -> str:
        receipt = self.receipt
        return (
            f"<IngestResult {self.run_id} {receipt['operation']} {receipt['object']}: {self.succeeded:_} ok, "
            f"{self.failed:_} failed, {self.unprocessed:_} unprocessed>"
        )

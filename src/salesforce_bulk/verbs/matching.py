"""The outcomes of the rows of a 2.0 job, from its three result files: by columns where that can be, else cell by cell.

Both ways give the same outcomes and the same errors. The fast one places the rows that no other row is like, which is nearly
all of them; the rest goes to the careful one, and so does the whole part when a fast reader cannot take its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from typing import Any, Final

from ..data import arrow_match
from ..data.delimited import DelimitedRows
from ..data.extras import has_pyarrow
from ..data.results import parse_result_errors
from ..engine.ingest import ResultFiles, Sent
from ..frozen import frozen
from ..outcome_lines import OutcomeLines, line_of
from ..reconcile import LOOK_ROWS, Echo, Subset, by_content, check_counts, echo_of, refused
from ..records import Dialect, Outcome

#: From so many rows on, importing pyarrow costs less than it saves.
FAST_ROWS: Final = 10_000
#: Of a part of 100 MB some 100 MB are held, be it outcomes or rows that wait for theirs: one part at a time, or a load of many
#: parts would take as much for each that is on its way.
_ONE_PART: Final = Lock()


@frozen
class SentRows:
    """The rows of a part, read from what was sent, as often as they are needed."""

    sent: Sent
    dialect: Dialect

    def __iter__(self) -> Iterator[list[str]]:
        return iter(DelimitedRows(self.sent.open(), self.dialect))


@frozen
class Matching:
    """Matches the answers to parts with these columns. *key*: a column that tells rows apart, if they have it."""

    columns: tuple[str, ...]
    dialect: Dialect
    key: str | None
    fast_rows: int = FAST_ROWS

    def __call__(self, sent: Sent, files: ResultFiles) -> Iterable[Outcome]:
        """One outcome for each row.

        Raises:
            ReconciliationError: The answers do not add up to the rows.
            MalformedResult: A result file is damaged.
        """
        # A fast reader knows record ends by quotes that stand beside commas.
        if sent.rows >= self.fast_rows and self.dialect.delimiter == "," and has_pyarrow():
            try:
                return self.by_columns(sent, files)
            except arrow_match.Unsuited:
                pass
        return self.carefully(sent, files)

    def carefully(self, sent: Sent, files: ResultFiles) -> Iterable[Outcome]:
        return by_content(
            SentRows(sent, self.dialect),
            *(DelimitedRows(open_(), self.dialect) for open_ in files.three),
            columns=self.columns,
            parse_errors=parse_result_errors,
            first_row=sent.first_row,
            key=self._key,
            records_processed=files.records_processed,
            records_failed=files.records_failed,
        )

    def by_columns(self, sent: Sent, files: ResultFiles) -> Iterable[Outcome]:
        """The fast way.

        Raises:
            Unsuited: It cannot be gone. Nothing was found out.
        """
        # In a thread made for it: what the system's allocator keeps for a thread that has ended, the next new one takes. In the
        # threads of the load, each of which kept its own, five million rows took 350 MB instead of 260.
        with _ONE_PART, ThreadPoolExecutor(1, "match") as own:
            try:
                return own.submit(self._by_columns, sent, files).result()
            finally:
                arrow_match.release_memory()

    def _by_columns(self, sent: Sent, files: ResultFiles) -> OutcomeLines:
        with ExitStack() as stack:
            tables = []
            for open_ in files.three:
                tables.append(arrow_match.TextFile(open_()))
                stack.callback(tables[-1].close)
            echo = echo_of(self.columns, [(table.header, table.look(LOOK_ROWS)) for table in tables])
            names = [self.columns[place].lower() for place in echo.shared]
            key = self._key.lower() if self._key is not None else None
            compared = arrow_match.Compared(
                names,
                echo.shared,
                frozenset(echo.doubles),
                echo.keeps_null,
                names.index(key) if key in names else None,
            )
            rows = arrow_match.SentRows(sent.open, self.columns, compared)
            stack.callback(rows.close)
            placed = arrow_match.place(rows, tables, compared, _FailedLines())
        check_counts(len(placed.order), placed.counts, files.records_processed, files.records_failed)
        unplaced = placed.unplaced
        if unplaced:
            headers = [table.header for table in tables]
            placed.add(unplaced, self._rest(sent, rows, len(placed.order), unplaced, headers, placed.left, echo))
        text = placed.text()
        succeeded, failed, unprocessed = placed.counts
        return OutcomeLines(sent.first_row, succeeded, failed, unprocessed, lambda: (text,))

    def _rest(
        self,
        sent: Sent,
        rows: arrow_match.SentRows,
        sent_rows: int,
        unplaced: list[int],
        headers: Sequence[Sequence[str]],
        left: Sequence[list[list[str]]],
        echo: Echo,
    ) -> list[str]:
        """The outcomes of the rows that the fast way has not placed, as lines."""
        matched = by_content(
            rows.cells_of(unplaced),
            *(_Left(header, answers) for header, answers in zip(headers, left, strict=True)),
            columns=self.columns,
            parse_errors=parse_result_errors,
            key=self._key,
            subset=Subset([sent.first_row + row for row in unplaced], sent_rows, echo),
        )
        return [line_of(outcome) for outcome in matched]

    @property
    def _key(self) -> str | None:
        key = self.key
        return key if key and key.lower() in {name.lower() for name in self.columns} else None


@frozen
class _Left:
    """What is left of a result file."""

    columns: Sequence[str]
    rows: list[list[str]]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)


class _FailedLines:
    """Outcomes of failed records as lines. Most errors of a load are of a few kinds, so what was read is kept."""

    _MOST: Final = 1_000

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def __call__(self, identity: str, text: str) -> str:
        line = self._known.get((identity, text))
        if line is None:
            line = line_of(refused(0, identity or None, parse_result_errors(text)))
            if len(self._known) < self._MOST:
                self._known[identity, text] = line
        return line

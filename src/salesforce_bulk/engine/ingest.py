"""Loads: parts go out as jobs, several at a time; each ends with one outcome for each of its rows."""

from __future__ import annotations

import builtins
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from ..errors import (
    ApiError,
    JournalError,
    ResultsExpired,
    SourceChanged,
)
from ..facts import InputRead, PartEnded, PartKept, PartSettled
from ..frozen import frozen
from ..journal.folder import RunFolder
from ..options import LoadOptions
from ..protocol.passing import is_passing, may_try_rest_again
from ..records import Body, Outcome, State
from .outcomes import read_failures, read_lines, read_outcomes, write_outcomes
from .resume import PartLeft, Stage
from .stop import Stop, waited


class PartLike(Protocol):
    """A part on its way in: an iterator of its bytes, to be read to its end before the next one is asked for.

    Unless ``again`` gives them anew, as often as it is called: then it need not be read.
    """

    number: int
    first_row: int
    rows: int
    bytes: int
    again: Callable[[], Iterator[builtins.bytes]] | None
    offsets: tuple[int, int] | None

    def __iter__(self) -> Iterator[builtins.bytes]: ...


@frozen
class Sent:
    """A part as it goes out: in the folder of the run until its outcomes are known, or a stretch of the user's own file."""

    number: int
    first_row: int
    rows: int
    size: int
    open: Callable[[], Iterator[bytes]]

    def body(self, go_on: Callable[[], None]) -> Body:
        """What is uploaded; *go_on* is asked on the way, for a part may take minutes."""

        def pieces() -> Iterator[bytes]:
            for piece in self.open():
                go_on()
                yield piece

        return Body(pieces, length=self.size, repeatable=True, compress=True)


@frozen
class ResultFiles:
    """The three result files of an ingest job, each fetched as pieces when it is called, and the job's own counters."""

    successful: Callable[[], Iterable[bytes]]
    failed: Callable[[], Iterable[bytes]]
    unprocessed: Callable[[], Iterable[bytes]]
    records_processed: int | None
    records_failed: int | None

    @property
    def three(self) -> tuple[Callable[[], Iterable[bytes]], ...]:
        return self.successful, self.failed, self.unprocessed


@frozen
class PartDone:
    """What became of one part. ``state`` is that of its job (2.0) or batch (1.0); ``said`` what the org said of it.

    ``again`` of its rows were refused for a passing reason, or not tried for one.
    """

    number: int
    first_row: int
    rows: int
    size: int
    job: str
    state: str
    said: str
    succeeded: int
    failed: int
    unprocessed: int
    folder: RunFolder = field(kw_only=True)
    again: int = 0
    later: Later | None = field(default=None, repr=False, compare=False)

    def _written(self) -> Path:
        """The file of its outcomes, which may have been put off until now."""
        if self.later is not None:
            self.later.ready()
        return self.folder.outcomes(self.number)

    def outcomes(self) -> Iterator[Outcome]:
        return read_outcomes(self._written(), self.first_row)

    def failures(self) -> Iterator[Outcome]:
        """The outcomes that are not "succeeded"."""
        if not self.failed and not self.unprocessed:
            return iter(())
        return read_failures(self._written(), self.first_row)

    def lines(self) -> Iterator[builtins.bytes]:
        """The outcomes as blocks of lines: see :mod:`..outcome_lines`."""
        return read_lines(self._written())


class Later:
    """Outcomes that are written down when they are first asked for. After an error they can be asked for again."""

    def __init__(self, write: Callable[[], object]) -> None:
        self._write: Callable[[], object] | None = write
        self._lock = Lock()

    def ready(self) -> None:
        with self._lock:
            if self._write is not None:
                self._write()
                self._write = None


def settled_part(left: PartLeft, settled: PartSettled, folder: RunFolder) -> PartDone:
    """A part whose outcomes were written down before, as *settled* says."""
    kept, ended = left.kept, left.ended
    assert ended is not None, "a part is settled after it has ended"
    return PartDone(
        kept.part,
        kept.first_row,
        kept.rows,
        kept.bytes,
        left.batch or ended.job,
        ended.state,
        ended.said,
        settled.succeeded,
        settled.failed,
        settled.unprocessed,
        folder=folder,
        again=settled.again,
    )


@frozen
class LoadOutcomes:
    """The outcomes of all rows of a load, in order, read from disk each time that they are asked for."""

    parts: Sequence[PartDone]

    def __iter__(self) -> Iterator[Outcome]:
        return (outcome for part in self.parts for outcome in part.outcomes())

    def failures(self) -> Iterator[Outcome]:
        """The outcomes that are not "succeeded"."""
        return (outcome for part in self.parts for outcome in part.failures())

    def lines(self) -> Iterator[builtins.bytes]:
        """The outcomes as blocks of lines: see :mod:`..outcome_lines`."""
        return (block for part in self.parts for block in part.lines())


@frozen
class Ended:
    """How a part ended: its job and batch (Bulk API 1.0), with their state, what the org said and counted, and how the
    outcomes of its rows are had. By REST there is no job.

    ``is_proven``: the counters of the org say of all rows that were sent, and of no others, that they succeeded.
    """

    job: str
    state: str
    said: str
    outcomes: Callable[[], Iterable[Outcome]]
    is_proven: bool = False
    batch: str | None = None
    processed: int | None = None
    failed: int | None = None


class Way(Protocol):
    """How one API takes a part."""

    def send(self, sent: Sent, left: PartLeft) -> Ended:
        """Send it, unless it was sent before, and wait for its end."""

    def close(self) -> None:
        """Nothing more is to be sent."""

    def leave(self) -> None:
        """The work is left where it is. What would stay open in the org is ended, if the org hears of it."""


Note = Callable[..., None]


@frozen
class Book:
    """Where a load writes down what happens: facts in the journal, bytes in the folder, and of bytes that stay where they are
    a sample by which they are known again."""

    folder: RunFolder
    note: Note
    sample: Callable[[int, int], str]


@frozen
class Begun:
    """A part that is to be sent, or was, and how far it has come."""

    sent: Sent
    left: PartLeft


def begun_part(fact: PartKept, folder: RunFolder, left: PartLeft | None = None) -> Begun:
    """A part that is kept in the folder of the run."""
    pieces = partial(file_pieces, folder.part(fact.part))
    return Begun(Sent(fact.part, fact.first_row, fact.rows, fact.bytes, pieces), left or PartLeft(fact))


def load(
    begun: Iterable[Begun],
    parts: Iterable[PartLike] | None,
    way: Way,
    book: Book,
    options: LoadOptions,
    on_part: Callable[[PartDone], Any],
    done: list[PartDone],
    stop: Stop,
    *,
    number: int = 0,
    rows: int = 0,
) -> None:
    """Go on with the parts that were *begun*, and send all others, at most ``parallel_jobs`` at a time.

    Each is kept before it goes out if it can be had only once. Keeping runs ahead of the sending, so that little of an input
    that can be had only once is lost when the process is. The first error stops both; parts that are on their way are waited
    for before it is raised, unless the program is to end. What has ended is in *done*, with an error, too.

    *number* and *rows* of the input were taken from it before. Without *parts*, nothing is said of its end.
    """
    ready: deque[Begun] = deque(begun)
    under_way: set[Future[PartDone]] = set()
    keep, later = options.retries > 0, options.outcomes == "later"

    def work(one: Begun) -> PartDone:
        with stop.working():
            return perform_part(one, way, book, keep=keep, later=later)

    def advance(*, waiting: bool) -> None:
        while ready and len(under_way) < options.parallel_jobs:
            under_way.add(pool.submit(work, ready.popleft()))
        ended = waited(under_way) if waiting else {future for future in under_way if future.done()}
        for future in ended:
            under_way.discard(future)
            part = future.result()
            done.append(part)
            on_part(part)

    def perform() -> None:
        nonlocal number, rows
        advance(waiting=False)
        if parts is not None:
            for part in stop.watching(parts):
                ready.append(_kept(part, book, options, stop))
                number, rows = part.number + 1, part.first_row + part.rows
                advance(waiting=False)
            book.note(InputRead(number, rows))
        while ready or under_way:
            advance(waiting=True)

    with ThreadPoolExecutor(options.parallel_jobs, "load") as pool:
        try:
            try:
                perform()
            except Exception:
                waited(under_way, for_all=True)
                done += [future.result() for future in under_way if future.exception() is None]
                raise
        except Exception:
            raise
        except BaseException:  # the program is to end, be it while parts are waited for
            stop.now()
            raise


def _kept(part: PartLike, book: Book, options: LoadOptions, stop: Stop) -> Begun:
    """The part, in the folder of the run if that is the only way to have it again: an upload may have to be made again.

    What may be sent again weeks later is kept there, too: the user's file may have changed by then.
    """
    folder = book.folder
    number, first_row = part.number, part.first_row
    if part.again is not None and part.offsets is not None and not options.retries:
        start, end = part.offsets
        sample = book.sample(start, end)
        fact = PartKept(number, first_row, part.rows, part.bytes, None, start, end, sample=sample)
        begun = Begun(Sent(number, first_row, part.rows, part.bytes, part.again), PartLeft(fact))
    else:
        size, sha256 = folder.keep(number, stop.watching(part))
        begun = begun_part(PartKept(number, first_row, part.rows, size, sha256), folder)
    book.note(begun.left.kept)
    return begun


def file_pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a part that is kept on disk."""
    with path.open("rb") as file:
        while piece := file.read(256 * 1024):
            yield piece


def perform_part(begun: Begun, way: Way, book: Book, *, keep: bool, later: bool = False) -> PartDone:
    """Send a part, or go on with it, and write down the outcomes of its rows; *later* if that is wanted and the org's
    counters leave no doubt.

    *keep* it when some rows may be sent again.
    """
    sent, left = begun.sent, begun.left
    try:
        ended = way.send(sent, left)
    except ApiError as error:
        if not left.job or error.status_code != 404:
            raise
        raise _gone(sent, left.job) from error
    fact = PartEnded(sent.number, ended.job, ended.state, ended.said, ended.processed, ended.failed)
    # Without a job (REST) the answer is all there is: it has ended when the outcomes are on the disk.
    if ended.job and left.stage is not Stage.TO_SETTLE:
        book.note(fact)
    done = partial(
        PartDone,
        sent.number,
        sent.first_row,
        sent.rows,
        sent.size,
        ended.batch or ended.job,
        ended.state,
        ended.said,
        folder=book.folder,
    )
    if later and ended.is_proven:

        def write() -> None:
            if not book.folder.outcomes(sent.number).exists():  # else another result of the same run did it
                _write_down(sent, ended, book.folder)
            book.folder.forget_parts([sent.number])

        return done(sent.rows, 0, 0, later=Later(write))
    counts, again = _write_down(sent, ended, book.folder)
    settled = PartSettled(sent.number, counts["succeeded"], counts["failed"], counts["unprocessed"], again)
    book.note(*([] if ended.job else [fact]), settled)
    # A part of a later pass is needed until its rows have their outcomes from it.
    if left.kept.in_pass == 1 and not (keep and again):
        book.folder.forget_parts([sent.number])
    return done(settled.succeeded, settled.failed, settled.unprocessed, again=again)


def _gone(sent: Sent, job: str) -> ResultsExpired:
    return ResultsExpired(
        f"Job {job} has part {sent.number} ({sent.rows} rows from row {sent.first_row} on), and the org does not know the job "
        "or its results any more: it keeps them for seven days.\nIts rows may have been applied; which, is not known here, so "
        "they were not sent again.\nLook in the org for the records of this part before its rows are sent again."
    )


def _write_down(sent: Sent, ended: Ended, folder: RunFolder) -> tuple[Counter[State], int]:
    """Write down the outcomes of a part: how many there are of each state, and how many rows may be sent again."""
    path = folder.outcomes(sent.number)
    try:
        counts = write_outcomes(path, ended.outcomes())
    except SourceChanged as error:
        raise SourceChanged(
            f"Part {sent.number} was sent ({sent.rows} rows from row {sent.first_row} on; {ended.job} ended {ended.state}), "
            "but its rows cannot be read again: the file has been changed since.\n"
            "Rows were applied; which record each became is not known here.\n"
            f"The org keeps the results of {ended.job} for seven days. Next time, leave the file as it is until all is read.",
            applied=True,
        ) from error
    except ApiError as error:
        if error.status_code != 404:
            raise
        raise _gone(sent, ended.job) from error
    except OSError as error:
        raise JournalError(
            f"The outcomes of part {sent.number} cannot be written down in {folder.path} ({error.strerror or error}).\n"
            f"It was sent, and ended {ended.state}; the org keeps its results for seven days.\n"
            "Make room on the disk, then resume the run."
        ) from error
    again = 0
    if counts["failed"] or counts["unprocessed"]:
        rest = may_try_rest_again(ended.state, ended.said)
        again = sum(is_passing(outcome, rest=rest) for outcome in read_failures(path, sent.first_row))
    return counts, again


def totals(parts: Sequence[PartDone]) -> tuple[int, int, int]:
    """Succeeded, failed, unprocessed."""
    return sum(p.succeeded for p in parts), sum(p.failed for p in parts), sum(p.unprocessed for p in parts)

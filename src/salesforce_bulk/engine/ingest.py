"""Loads: parts go out as jobs, several at a time; each ends with one outcome for each of its rows."""

from __future__ import annotations

import builtins
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from ..errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    JobAborted,
    JobError,
    JobFailed,
    JournalError,
    ReconciliationError,
    ResultsExpired,
    SalesforceBulkError,
    SourceChanged,
)
from ..facts import InputRead, PartEnded, PartKept, PartSent, PartSettled
from ..journal.folder import RunFolder
from ..options import LoadOptions
from ..protocol import bulk1, collections, ingest2
from ..protocol.passing import is_passing, may_try_rest_again
from ..records import Body, IngestSpec, Job2Info, JobSpec, Outcome, RowResult, State
from ..wire.names import BatchState, Job2State, JobState
from .drive import Driver
from .outcomes import read_failures, read_lines, read_outcomes, write_outcomes
from .resume import PartLeft, Stage
from .stop import Stop
from .turns import Turns


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


#: (the part as sent, the three result files, processed, failed, first row) -> outcomes in the order of the rows.
Match = Callable[["Sent", "ResultFiles"], Iterable[Outcome]]
#: (pieces of a 1.0 result, rows, first row) -> outcomes.
Position = Callable[[Iterable[bytes], int, int], Iterable[Outcome]]
#: A part as sent -> its rows as records of a collection.
Entries = Callable[["Sent"], Sequence[collections.Entry]]
#: (results of a collection, None where a record was not tried, first row) -> outcomes.
Settled = Callable[[Sequence[RowResult | None], int], Iterable[Outcome]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A part as it goes out: in the folder of the run until its outcomes are known, or a stretch of the user's own file."""

    number: int
    first_row: int
    rows: int
    size: int
    open: Callable[[], Iterator[bytes]]

    @property
    def body(self) -> Body:
        return Body(self.open, length=self.size, repeatable=True, compress=True)


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


Note = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Book:
    """Where a load writes down what happens: facts in the journal, bytes in the folder."""

    folder: RunFolder
    note: Note


@dataclass(frozen=True, slots=True)
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

    def advance(*, waiting: bool) -> None:
        while ready and len(under_way) < options.parallel_jobs:
            under_way.add(pool.submit(perform_part, ready.popleft(), way, book, keep=keep, later=later))
        ended = wait(under_way, None if waiting else 0, FIRST_COMPLETED).done
        for future in ended:
            under_way.discard(future)
            part = future.result()
            done.append(part)
            on_part(part)

    def perform() -> None:
        nonlocal number, rows
        advance(waiting=False)
        if parts is not None:
            for part in parts:
                ready.append(_kept(part, book, options))
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
                wait(under_way)
                done += [future.result() for future in under_way if future.exception() is None]
                raise
        except Exception:
            raise
        except BaseException:  # the program is to end, be it while parts are waited for
            stop.now()
            raise


def _kept(part: PartLike, book: Book, options: LoadOptions) -> Begun:
    """The part, in the folder of the run if that is the only way to have it again: an upload may have to be made again.

    What may be sent again weeks later is kept there, too: the user's file may have changed by then.
    """
    folder = book.folder
    number, first_row = part.number, part.first_row
    if part.again is not None and part.offsets is not None and not options.retries:
        start, stop = part.offsets
        fact = PartKept(number, first_row, part.rows, part.bytes, None, start, stop)
        begun = Begun(Sent(number, first_row, part.rows, part.bytes, part.again), PartLeft(fact))
    else:
        size, sha256 = folder.keep(number, part)
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


@dataclass(frozen=True, slots=True)
class ByBulk2:
    """One Bulk API 2.0 job a part; outcomes by content, for the result files are in no order."""

    driver: Driver
    spec: IngestSpec
    options: LoadOptions
    match: Match

    def send(self, sent: Sent, left: PartLeft) -> Ended:
        info = self._ended(sent, left)
        is_proven = (
            info.state == Job2State.JOB_COMPLETE and info.records_processed == sent.rows and info.records_failed == 0
        )
        return Ended(
            info.id,
            info.state,
            info.error_message,
            partial(self._outcomes, sent, info),
            is_proven,
            processed=info.records_processed,
            failed=info.records_failed,
        )

    def _ended(self, sent: Sent, left: PartLeft) -> Job2Info:
        driver, options = self.driver, self.options
        job, fact = left.job, left.ended
        if left.stage is Stage.TO_SETTLE and fact is not None:
            return Job2Info(
                fact.job,
                state=fact.state,
                records_processed=fact.processed,
                records_failed=fact.failed,
                error_message=fact.said,
            )
        if left.stage is Stage.TO_SEND:
            job = driver.perform(ingest2.submit_part(self.spec, sent.body, sent.number)).id
        elif left.stage is Stage.TO_LOOK:
            job = driver.perform(ingest2.settle_part(self.spec, sent.body, sent.number, job)).id
        return driver.perform(
            ingest2.await_job(job, limit_seconds=options.job_seconds, longest_pause=options.longest_poll_seconds)
        )

    def close(self) -> None:
        """Each part has a job of its own."""

    def _outcomes(self, sent: Sent, info: Job2Info) -> Iterable[Outcome]:
        driver, job = self.driver, info.id
        # A failed job has applied rows too; an aborted one lists at least those that it did not try.
        has_ended_well = info.state == Job2State.JOB_COMPLETE
        files = ResultFiles(
            lambda: driver.stream(ingest2.successful_results(job)),
            lambda: driver.stream(ingest2.failed_results(job)),
            lambda: driver.stream(ingest2.unprocessed_records(job)),
            info.records_processed if has_ended_well else None,
            info.records_failed if has_ended_well else None,
        )
        try:
            return self.match(sent, files)
        except ApiError as refused:
            if has_ended_well:
                raise
            return self._without_results(sent, info, files, refused)

    def _without_results(self, sent: Sent, info: Job2Info, files: ResultFiles, refused: ApiError) -> Iterable[Outcome]:
        """A job that did not end well, and whose results the org refuses ("Get Job Successful Record Results": they are
        there for JobComplete and Failed). What it did not try it lists; if those are all rows, all is known."""
        if info.records_processed == 0:
            return _not_tried(sent)
        try:
            return self.match(sent, replace(files, successful=tuple, failed=tuple))
        except (ApiError, ReconciliationError) as unknown:
            rows = unknown.numbers.get("unprocessed") if isinstance(unknown, ReconciliationError) else None
            raise _untold(self.spec, sent, info, rows) from refused


class ByBulk1:
    """One Bulk API 1.0 job for a pass, one batch a part; outcomes by position, for results are in the order of the rows.

    The job is made when the first part is to be posted. *jobs* were made for this pass before, *batches* are known to hold
    other parts, and *doubtful* parts may be in such a job or not.
    """

    def __init__(
        self,
        driver: Driver,
        spec: JobSpec,
        options: LoadOptions,
        match: Position,
        *,
        in_pass: int = 1,
        jobs: Sequence[str] = (),
        batches: Iterable[str] = (),
        doubtful: Iterable[Sent] = (),
    ) -> None:
        self._driver = driver
        self._spec = spec
        self._options = options
        self._match = match
        self._in_pass = in_pass
        self._earlier = jobs[-1] if jobs else ""
        self._job = ""
        self._making = Lock()
        self._turns = Turns()
        self._known = set(batches)
        self._doubtful = {sent.number: sent for sent in doubtful}

    def send(self, sent: Sent, left: PartLeft) -> Ended:
        fact = left.ended
        if left.stage is Stage.TO_SETTLE and fact is not None:
            assert left.batch is not None
            return self._told(
                sent, left.job, left.batch, fact.state, fact.said, processed=fact.processed, failed=fact.failed
            )
        job, batch = left.job, left.batch
        if left.stage is Stage.TO_LOOK:
            batch = self._found(sent, job)
        if batch is None:
            job, batch = self._posted(sent)
        info = self._driver.perform(
            bulk1.await_batch(
                job,
                batch,
                limit_seconds=self._options.job_seconds,
                longest_pause=self._options.longest_poll_seconds,
            )
        )
        return self._told(
            sent,
            job,
            batch,
            info.state,
            info.state_message,
            processed=info.records_processed,
            failed=info.records_failed,
        )

    def _told(
        self, sent: Sent, job: str, batch: str, state: str, said: str, *, processed: int | None, failed: int | None
    ) -> Ended:
        is_complete = state == BatchState.COMPLETED
        outcomes: Callable[[], Iterable[Outcome]] = partial(self._outcomes, sent, job, batch)
        if not is_complete and processed == 0:
            outcomes = partial(_not_tried, sent)
        is_proven = is_complete and processed == sent.rows and failed == 0
        return Ended(job, state, said, outcomes, is_proven, batch, processed, failed)

    def _outcomes(self, sent: Sent, job: str, batch: str) -> Iterable[Outcome]:
        pieces = self._driver.stream(bulk1.batch_result(job, batch))
        return self._match(pieces, sent.rows, sent.first_row)

    def _posted(self, sent: Sent) -> tuple[str, str]:
        """Post a part; when the answer is lost, look for it in the job before it is posted once more."""
        job = self._open_job()
        for tries in range(1, bulk1.TRIES + 1):
            try:
                with self._turns.together():
                    batch = self._driver.perform(bulk1.post_part(job, sent.body, sent.number))
                    self._known.add(batch)
                return job, batch
            except (AnswerLost, AnswerMalformed, ApiError) as error:
                if error.applied is not None:
                    raise
                self._doubtful[sent.number] = sent
                found = self._found(sent, job)
                if found is not None:
                    return job, found
                if tries == bulk1.TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def _found(self, sent: Sent, job: str) -> str | None:
        """The batch that holds a part whose posting was not answered. While it is looked for, nothing is posted: what is in
        the job then, and not known, can only be parts like this one.

        Raises:
            AnswerLost: A batch holds what is none of them, as far as can be seen: the part may be in it.
        """
        with self._turns.alone():
            looked = self._driver.perform(bulk1.find_batch(job, bulk1.like(sent.open()), self._known))
            if looked.batch is not None:
                self._driver.note(PartSent(sent.number, job, looked.batch))
                self._known.add(looked.batch)
            elif looked.others:
                theirs = [bulk1.like(other.open()) for other in self._doubtful.values() if other is not sent]
                strange = [batch for batch, likeness in looked.others.items() if likeness not in theirs]
                if strange:
                    raise AnswerLost(
                        f"The answer to the posting of part {sent.number} ({sent.rows} rows from row {sent.first_row} on) was "
                        f"lost, and job {job} has a batch, {strange[0]}, whose rows the org does not give back as they were "
                        "sent.\nThe part may be in it, so it was not posted again.\n"
                        "Look at that batch in the org: its request, and its result."
                    )
            self._doubtful.pop(sent.number, None)
            return looked.batch

    def _open_job(self) -> str:
        """The job that takes the parts: the one that was made before, if it takes some still, else a new one."""
        with self._making:
            if not self._job and self._earlier:
                try:
                    info = self._driver.perform(bulk1.ask_job(bulk1.get_job(self._earlier)))
                except ApiError as error:
                    if error.applied is None:
                        raise
                else:
                    if info.state == JobState.OPEN:
                        self._job = self._earlier
            if not self._job:
                self._job = self._driver.perform(bulk1.make_job(self._spec, self._in_pass)).id
            return self._job

    def close(self) -> None:
        """Queued batches go on. What was made before may be open still; if not, nothing is lost."""
        if self._job:
            self._driver.perform(bulk1.end_job(self._job, JobState.CLOSED))
        elif self._earlier:
            with suppress(SalesforceBulkError):
                self._driver.perform(bulk1.end_job(self._earlier, JobState.CLOSED))


@dataclass(frozen=True, slots=True)
class ByCollections:
    """One REST call a part, of at most 200 rows; outcomes by position, for results are in the order of the records."""

    driver: Driver
    spec: IngestSpec
    entries: Entries
    settled: Settled

    def send(self, sent: Sent, left: PartLeft) -> Ended:
        saved = self.driver.perform(
            collections.save(
                self.spec,
                self.entries(sent),
                first_row=sent.first_row,
                part=sent.number,
                again=left.stage is not Stage.TO_SEND,
            )
        )
        return Ended("", saved.state, saved.said, partial(self.settled, saved.results, sent.first_row))

    def close(self) -> None:
        """There is no job."""


def _untold(spec: IngestSpec, sent: Sent, info: Job2Info, not_tried: int | None) -> JobError:
    kind = JobAborted if info.state == Job2State.ABORTED else JobFailed
    known = "it does not tell which rows were not tried either" if not_tried is None else f"{not_tried} were not tried"
    return kind(
        f"Job {info.id} ({spec.operation} {spec.sobject}, part {sent.number}, {sent.rows} rows from row {sent.first_row} on) "
        f"ended {info.state}: {info.error_message or 'the org gave no reason'}. The org does not give its results; {known}.\n"
        "What became of the other rows is not known: the org may have applied them.\n"
        "Look in the org for the records of this part before its rows are sent again.",
        job_id=info.id,
        state_message=info.error_message,
    )


def _not_tried(sent: Sent) -> Iterator[Outcome]:
    return (Outcome(row, "unprocessed") for row in range(sent.first_row, sent.first_row + sent.rows))


def totals(parts: Sequence[PartDone]) -> tuple[int, int, int]:
    """Succeeded, failed, unprocessed."""
    return sum(p.succeeded for p in parts), sum(p.failed for p in parts), sum(p.unprocessed for p in parts)

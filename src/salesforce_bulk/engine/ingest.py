"""Loads: parts go out as jobs, several at a time; each ends with one outcome for each of its rows."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..options import LoadOptions
from ..protocol import bulk1, collections, ingest2
from ..protocol.passing import is_passing, may_try_rest_again
from ..records import Body, IngestSpec, JobSpec, Outcome, RowResult
from ..wire.names import BatchState, Job2State, JobState
from .drive import Driver
from .outcomes import read_outcomes, write_outcomes
from .runs import RunFolder


class PartLike(Protocol):
    """A part on its way in: an iterator of its bytes, to be read to its end before the next one is asked for."""

    number: int
    first_row: int
    rows: int
    bytes: int

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
    """A part as it went out, kept until its outcomes are known."""

    number: int
    first_row: int
    rows: int
    size: int
    open: Callable[[], Iterator[bytes]]

    @property
    def body(self) -> Body:
        return Body(self.open, length=self.size, repeatable=True)


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """The three result files of an ingest job, as pieces, and what the job's own counters say."""

    successful: Iterable[bytes]
    failed: Iterable[bytes]
    unprocessed: Iterable[bytes]
    records_processed: int | None
    records_failed: int | None


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
    folder: RunFolder
    again: int = 0

    def outcomes(self) -> Iterator[Outcome]:
        return read_outcomes(self.folder.outcomes(self.number), self.first_row)


class Way(Protocol):
    """How one API takes a part."""

    def send(self, sent: Sent) -> tuple[str, str, str, Iterable[Outcome]]:
        """Send it and wait for its end: job or batch id, its state, what the org said, and the outcomes of its rows."""


def load(
    parts: Iterable[PartLike],
    way: Way,
    folder: RunFolder,
    options: LoadOptions,
    on_part: Callable[[PartDone], Any] = lambda _: None,
) -> list[PartDone]:
    """Send all parts, at most ``parallel_jobs`` at a time, each read to its end and kept before it goes out.

    The first error stops the sending; parts that are on their way are waited for before it is raised. Where rows may be sent
    again, the part they were sent in stays in the folder.
    """
    done: list[PartDone] = []
    under_way: set[Future[PartDone]] = set()

    def gather(futures: Iterable[Future[PartDone]]) -> None:
        for future in futures:
            part = future.result()
            done.append(part)
            on_part(part)

    with ThreadPoolExecutor(options.parallel_jobs, "load") as pool:
        for part in parts:
            sent = _kept(part, folder)
            under_way.add(pool.submit(perform_part, sent, way, folder, keep=options.retries > 0))
            if len(under_way) >= options.parallel_jobs:
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                gather(ended)
        gather(under_way)
    return sorted(done, key=lambda part: part.number)


def _kept(part: PartLike, folder: RunFolder) -> Sent:
    """The part on disk: rows of a generator can be had only once, and an upload may have to be made again."""
    path = folder.part(part.number)
    with path.open("xb") as file:
        for piece in part:
            file.write(piece)
    return Sent(part.number, part.first_row, part.rows, part.bytes, lambda: file_pieces(path))


def file_pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a part that is kept on disk."""
    with path.open("rb") as file:
        while piece := file.read(256 * 1024):
            yield piece


def perform_part(sent: Sent, way: Way, folder: RunFolder, *, keep: bool) -> PartDone:
    """Send a part that is on disk, and write down the outcomes of its rows. *keep* it when some may be sent again."""
    job, state, said, outcomes = way.send(sent)
    again = 0
    rest = may_try_rest_again(state, said)

    def counted() -> Iterator[Outcome]:
        nonlocal again
        for outcome in outcomes:
            again += is_passing(outcome, rest=rest)
            yield outcome

    counts = write_outcomes(folder.outcomes(sent.number), counted())
    if not keep or not again:
        folder.part(sent.number).unlink()
    return PartDone(
        sent.number,
        sent.first_row,
        sent.rows,
        sent.size,
        job,
        state,
        said,
        counts["succeeded"],
        counts["failed"],
        counts["unprocessed"],
        folder,
        again,
    )


@dataclass(frozen=True, slots=True)
class ByBulk2:
    """One Bulk API 2.0 job a part; outcomes by content, for the result files are in no order."""

    driver: Driver
    spec: IngestSpec
    options: LoadOptions
    match: Match

    def send(self, sent: Sent) -> tuple[str, str, str, Iterable[Outcome]]:
        driver, options = self.driver, self.options
        job = driver.perform(ingest2.submit_part(self.spec, sent.body)).id
        info = driver.perform(
            ingest2.await_job(job, limit_seconds=options.job_seconds, longest_pause=options.longest_poll_seconds)
        )
        # A failed job has applied rows too; an aborted one lists at least those that it did not try.
        files = ResultFiles(
            driver.stream(ingest2.successful_results(job)),
            driver.stream(ingest2.failed_results(job)),
            driver.stream(ingest2.unprocessed_records(job)),
            info.records_processed if info.state == Job2State.JOB_COMPLETE else None,
            info.records_failed if info.state == Job2State.JOB_COMPLETE else None,
        )
        return job, info.state, info.error_message, self.match(sent, files)


class ByBulk1:
    """One Bulk API 1.0 job, one batch a part; outcomes by position, for results are in the order of the rows."""

    def __init__(self, driver: Driver, spec: JobSpec, options: LoadOptions, match: Position) -> None:
        self._driver = driver
        self._options = options
        self._match = match
        self.job = driver.perform(bulk1.ask_job(bulk1.create_job(spec))).id

    def send(self, sent: Sent) -> tuple[str, str, str, Iterable[Outcome]]:
        driver, options = self._driver, self._options
        batch = driver.perform(bulk1.ask_batch(bulk1.add_batch(self.job, sent.body, "text/csv"))).id
        info = driver.perform(
            bulk1.await_batch(
                self.job, batch, limit_seconds=options.job_seconds, longest_pause=options.longest_poll_seconds
            )
        )
        if info.state != BatchState.COMPLETED and info.records_processed == 0:
            return batch, info.state, info.state_message, _not_tried(sent)
        pieces = driver.stream(bulk1.batch_result(self.job, batch))
        return batch, info.state, info.state_message, self._match(pieces, sent.rows, sent.first_row)

    def close(self) -> None:
        self._driver.perform(bulk1.end_job(self.job, JobState.CLOSED))


@dataclass(frozen=True, slots=True)
class ByCollections:
    """One REST call a part, of at most 200 rows; outcomes by position, for results are in the order of the records."""

    driver: Driver
    spec: IngestSpec
    entries: Entries
    settled: Settled

    def send(self, sent: Sent) -> tuple[str, str, str, Iterable[Outcome]]:
        saved = self.driver.perform(collections.save(self.spec, self.entries(sent), first_row=sent.first_row))
        return "", saved.state, saved.said, self.settled(saved.results, sent.first_row)


def _not_tried(sent: Sent) -> Iterator[Outcome]:
    return (Outcome(row, "unprocessed") for row in range(sent.first_row, sent.first_row + sent.rows))


def totals(parts: Sequence[PartDone]) -> tuple[int, int, int]:
    """Succeeded, failed, unprocessed."""
    return sum(p.succeeded for p in parts), sum(p.failed for p in parts), sum(p.unprocessed for p in parts)

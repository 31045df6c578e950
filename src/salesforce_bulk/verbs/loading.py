"""A load, from wherever it stands to its end: parts -> jobs -> outcomes, pass after pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ..data.collection_records import CollectionRecords, lookup_columns
from ..data.delimited import DelimitedRows
from ..data.parts import PartStream
from ..data.record_text import record_writer
from ..data.results import csv_results
from ..data.source import Source
from ..engine.again import Again, Pass, Texts, passes, pause
from ..engine.ingest import Begun, Book, LoadOutcomes, PartDone, Sent, Way, begun_part, load, settled_part, totals
from ..engine.resume import Left, PartLeft, Stage, left_of
from ..engine.stop import Stop, Stopped
from ..engine.ways import ByBulk1, ByBulk2, ByCollections
from ..errors import DataError, JobFailed, JournalError, SalesforceBulkError, UsageError, WaitTimeout
from ..facts import Fact, JobLost, RunEnded
from ..frozen import frozen
from ..journal.folder import RunFolder, output_file
from ..journal.journal import Journal
from ..options import LoadOptions
from ..protocol.passing import may_try_rest_again
from ..reconcile import by_position
from ..records import Dialect, IngestSpec, JobSpec, Outcome, PartLimits, RowResult
from ..results import IngestResult
from ..wire.names import BatchState, Job2State, Operation
from .account import attempt, errors_of, jobs_of, progress, told
from .matching import Matching, SentRows
from .origins import sample_of
from .setting import Setting

Progress = Callable[[Mapping[str, Any]], Any]

_ENDED_WELL: Final = (Job2State.JOB_COMPLETE, BatchState.COMPLETED)


@frozen
class Asked:
    """What a load was asked to do, and which API was chosen for it."""

    operation: str
    sobject: str
    external_id: str | None
    source: Source
    options: LoadOptions
    api: str
    why: str
    #: What one part may hold in the first pass; in later ones, ``limits_of`` of their API.
    limits: PartLimits
    limits_of: Callable[[str], PartLimits]

    @property
    def key(self) -> str | None:
        """The column that tells records apart."""
        return self.external_id or ("Id" if self.operation != Operation.INSERT else None)

    def dialect(self, api: str) -> Dialect:
        """How the rows are written on the way: only jobs of 2.0 take other CSV than the plain one."""
        return self.source.dialect if api == "bulk2" else Dialect()


@frozen
class Lacking:
    """Rows of the input that were never read, and cannot be had without the caller."""

    first_row: int
    kind: str


class Load:
    """One run of a load in this process, be it the first that works on it or not."""

    def __init__(
        self,
        setting: Setting,
        asked: Asked,
        folder: RunFolder,
        journal: Journal,
        left: Left,
        on_progress: Progress | None,
        stop: Stop,
        started_at: str | None = None,
    ) -> None:
        self._stop = stop
        driver = replace(self._stop.heeded_by(setting.driver), note=self._note)
        self._setting = replace(setting, driver=driver)
        self._asked = asked
        self._folder = folder
        self._journal = journal
        self._book = Book(folder, self._note, partial(sample_of, asked.source))
        self._jobs_lost = left.jobs_lost
        #: Nothing was kept, let alone sent, and the input is at fault: there is nothing to go on with.
        self.is_void = False
        self._left = left
        self._on_progress = on_progress
        self._receipt = setting.receipt(asked.operation, asked.sobject, asked.api, asked.why, folder.run_id)
        self._receipt["attempts"] = []
        if started_at is not None:
            self._receipt["started_at"] = started_at
        if left.resumed:
            self._receipt["resumed"] = left.resumed
        #: The parts of the first sending, with what became of their rows by now; and those of the last pass.
        self._done: list[PartDone] = []
        self._last: Sequence[PartDone] = ()

    def carry_out(self, parts: Iterable[PartStream] | None, lacking: Lacking | None = None) -> IngestResult:
        """Do what is left, with the *parts* of the input that were not taken from it yet.

        Raises:
            JobFailed: The org gave up on a part.
            WaitTimeout: The time of the verb is up.
            JournalError: What is left cannot be done: rows are *lacking*, or nobody can tell what became of some.
        """
        began = time.monotonic()
        whole = False
        try:
            self._first(parts)
            if lacking is not None:
                raise self._never_read(lacking)
            self._again()
            whole = True
            self._stop.over()
            if self._left.ended is None:
                self._note(RunEnded(*totals(self._done)))
            self._folder.tidy(part.number for part in self._done if part.later is not None)
            earlier = self._folder.read_receipt() if self._left.ended is not None else {}
            if earlier.get("complete"):
                self._receipt = earlier
            else:
                self._finish(began, whole=True)
                self._folder.write_receipt(self._receipt)
        except BaseException as raised:
            error = self._late() if isinstance(raised, Stopped) else raised
            self._mark(error)
            with suppress(JournalError, OSError):  # on a full disk, that is what the error says
                self._finish(began, whole=whole)
                self._folder.write_receipt(self._receipt)
            if error is raised:
                raise
            raise error from None
        return self._result()

    def _note(self, *facts: Fact) -> None:
        self._journal.note(*facts)
        self._jobs_lost += sum(isinstance(fact, JobLost) for fact in facts)

    def _result(self) -> IngestResult:
        succeeded, failed, unprocessed = totals(self._done)
        result = IngestResult(
            LoadOutcomes(self._done),
            {"succeeded": succeeded, "failed": failed, "unprocessed": unprocessed},
            self._asked.source,
            self._receipt,
            self._folder.run_id,
            output_file,
        )
        self._raise_if_failed(result)
        return result

    # -- the first sending

    def _first(self, parts: Iterable[PartStream] | None) -> None:
        asked, left, options = self._asked, self._left, self._asked.options
        first = Pass(1, asked.api, options.serial, asked.limits.rows)
        mine = left.of_pass(1)
        before = [settled_part(part, part.settled, self._folder) for part in mine if part.settled is not None]
        as_first = [settled_part(part, part.first, self._folder) for part in mine if part.first is not None]
        proven = [self._proven(part) for part in mine if self._is_proven(part)]
        begun = [self._begun(part) for part in mine if part.settled is None and not self._is_proven(part)]
        # What nobody can tell of is an error, after all else has been done.
        is_unclear = {one.sent.number for one in begun if one.left.stage is Stage.TO_LOOK and not one.left.job}
        new: list[PartDone] = []

        def on_part(_: PartDone) -> None:
            if self._on_progress is not None:
                self._on_progress(progress([*before, *proven, *new]))

        def send(some: list[Begun], parts: Iterable[PartStream] | None) -> None:
            load(some, parts, way, self._book, options, on_part, new, self._stop, number=len(mine), rows=left.rows)

        way = self._way(first, [one.sent for one in begun if one.left.stage is Stage.TO_LOOK])
        try:
            with self._closing(way):
                send([one for one in begun if one.sent.number not in is_unclear], parts)
                send([one for one in begun if one.sent.number in is_unclear], None)
        finally:
            self._done = sorted([*before, *proven, *new], key=lambda part: part.number)
            self._tell(first, sorted([*as_first, *proven, *new], key=lambda part: part.number))

    def _begun(self, left: PartLeft) -> Begun:
        kept = left.kept
        if kept.start is None or kept.stop is None:
            return begun_part(kept, self._folder, left)
        source = self._asked.source
        pieces = partial(_sliced, source, source.header(self._asked.dialect(self._asked.api)), kept.start, kept.stop)
        return Begun(Sent(kept.part, kept.first_row, kept.rows, kept.bytes, pieces), left)

    def _is_proven(self, left: PartLeft) -> bool:
        """The org's counters leave no doubt, and its outcomes, which were put off, have been written since."""
        ended = left.ended
        return (
            left.settled is None
            and ended is not None
            and ended.state in _ENDED_WELL
            and (ended.processed, ended.failed) == (left.kept.rows, 0)
            and self._folder.outcomes(left.kept.part).exists()
        )

    def _proven(self, left: PartLeft) -> PartDone:
        kept, ended = left.kept, left.ended
        assert ended is not None
        name = left.batch or ended.job
        return PartDone(
            kept.part,
            kept.first_row,
            kept.rows,
            kept.bytes,
            name,
            ended.state,
            ended.said,
            kept.rows,
            0,
            0,
            folder=self._folder,
        )

    # -- the passes after it

    def _again(self) -> None:
        asked, options = self._asked, self._asked.options
        if not options.retries or not self._done:
            return
        numbers = [part.number for part in self._done] + [part.kept.part for part in self._left.parts]
        again = Again(self._done, self._book, options.parallel_jobs, self._stop, parts=max(numbers) + 1)
        most = max(part.rows for part in again.done)
        try:
            for this in passes(options.retries, asked.api, options.serial, most):
                mine = self._left.of_pass(this.number)
                settled = [settled_part(part, part.settled, self._folder) for part in mine if part.settled is not None]
                if this.number in self._left.merged:
                    again.last = settled
                    again.forget(settled)
                    self._tell(this, settled)
                    continue
                if not mine and (not again.rows or again.aborted):
                    return
                self._one_pass(this, again, mine, settled)
                if self._on_progress is not None:
                    self._on_progress(progress(again.done))
        finally:
            self._done, self._last = again.done, again.last

    def _one_pass(self, this: Pass, again: Again, mine: Sequence[PartLeft], settled: Sequence[PartDone]) -> None:
        if mine:
            # Which of them shared a lane is not known any more: one after the other is always right.
            begun = [begun_part(part.kept, self._folder, part) for part in mine if part.settled is None]
            lanes = [begun]
        else:
            pause(self._setting.driver.clock, this.number)
            lanes = again.begin(this, self._texts(this))
        doubtful = [one.sent for lane in lanes for one in lane if one.left.stage is Stage.TO_LOOK]
        way = self._way(this, doubtful)
        try:
            with self._closing(way):
                again.send(this, way, lanes, settled)
        finally:
            self._tell(this, again.last)

    def _texts(self, this: Pass) -> Texts:
        asked = self._asked
        theirs = asked.dialect(this.api)
        return Texts(
            partial(DelimitedRows, dialect=asked.dialect(asked.api)),
            asked.source.header(theirs),
            record_writer(theirs),
            lookup_columns(asked.source.columns, self._setting.describe_of(asked.sobject), asked.key),
            asked.limits_of(this.api).bytes,
        )

    # -- ways

    def _way(self, this: Pass, doubtful: Iterable[Sent]) -> Way:
        asked, options, driver = self._asked, self._asked.options, self._setting.driver
        columns, dialect = asked.source.columns, asked.dialect(this.api)
        spec = IngestSpec(asked.operation, asked.sobject, asked.external_id, options.assignment_rule_id, dialect)
        if this.api == "bulk2":
            return ByBulk2(driver, spec, options, Matching(columns, dialect, asked.key))
        if this.api == "rest":
            records = CollectionRecords(
                columns, asked.operation, asked.sobject, asked.external_id, self._setting.describe_of
            )
            return ByCollections(driver, spec, partial(_entries, records, dialect), _settled)
        job = JobSpec(
            asked.operation,
            asked.sobject,
            "CSV",
            concurrency="Serial" if this.serial else "Parallel",
            external_id=asked.external_id,
            assignment_rule_id=options.assignment_rule_id,
        )
        return ByBulk1(
            driver,
            job,
            options,
            _place,
            in_pass=this.number,
            jobs=self._left.jobs.get(this.number, ()),
            batches=[part.batch for part in self._left.parts if part.batch is not None],
            doubtful=doubtful,
        )

    def _closing(self, way: Way) -> _Closing:
        return _Closing(way, is_over=self._left.ended is not None)

    # -- the account

    def _tell(self, this: Pass, done: Sequence[PartDone]) -> None:
        self._receipt["jobs"] += jobs_of(this, done)
        self._receipt["attempts"].append(attempt(this, done))

    def _finish(self, began: float, *, whole: bool) -> None:
        done, receipt = self._done, self._receipt
        succeeded, failed, unprocessed = totals(done)
        rows = sum(part.rows for part in done)
        receipt["seconds"] = time.monotonic() - began
        receipt |= self._setting.traffic()
        receipt["input"] = {name: value for name, value in told(self._asked.source).items() if value}
        receipt["rows"] = {
            "read": rows,
            "sent": rows,
            "succeeded": succeeded,
            "failed": failed,
            "unprocessed": unprocessed,
        }
        if self._jobs_lost:
            # Perhaps as many empty jobs stay open in the org, until it cleans up; they touch no data.
            receipt["jobs_lost"] = self._jobs_lost
        receipt["errors"] = errors_of(done) if failed else []
        receipt["complete"] = whole and succeeded + failed + unprocessed == rows

    def _mark(self, error: BaseException) -> None:
        """Whoever catches it knows which run it was, and what to do."""
        if isinstance(error, UsageError | DataError) and not self._journal.facts():
            self.is_void = True
            return
        with suppress(AttributeError):
            error.run_id = self._folder.run_id  # type: ignore[attr-defined]
        for note in self._going_on():
            error.add_note(note)
        error.add_note(f"The run can be gone on with: sf.resume({self._folder.run_id!r})")

    def _going_on(self) -> Iterator[str]:
        """What of the run the org goes on with by itself, or may."""
        try:
            parts = left_of(self._journal.facts()).parts
        except JournalError:
            return
        goes = [part.batch or part.job for part in parts if part.stage is Stage.TO_AWAIT]
        if goes:
            yield f"The org goes on with {', '.join(goes)}; a resume takes up the results."
        unknown = dict.fromkeys(part.job for part in parts if part.stage is Stage.TO_LOOK and part.job)
        if unknown:
            yield f"How far {', '.join(unknown)} came is not known; a resume looks first, and sends nothing twice."

    def _late(self) -> WaitTimeout:
        succeeded, failed, unprocessed = totals(self._done)
        return WaitTimeout(
            f"Run {self._folder.run_id} was left after {self._stop.seconds or 0:g} seconds, which is all that run_seconds "
            f"gives it.\nOf its rows, {succeeded} were applied, {failed} refused and {unprocessed} not tried by now, as far as "
            "is known here; nothing more was sent.\n"
            f"Go on with it: sf.resume({self._folder.run_id!r})."
        )

    def _never_read(self, lacking: Lacking) -> JournalError:
        succeeded, failed, unprocessed = totals(self._done)
        return JournalError(
            f"The rows of run {self._folder.run_id} from row {lacking.first_row} on were never read: they came from "
            f"{lacking.kind} rows that ended with their process.\n"
            f"Of the rows before, {succeeded} were applied, {failed} refused, {unprocessed} not tried.\n"
            f"Hand in all rows again, from the first: sf.resume({self._folder.run_id!r}, rows=...). Those that were sent are "
            "compared, and not sent again."
        )

    def _raise_if_failed(self, result: IngestResult) -> None:
        """A part that the org gave up on as a whole is an error of the run; its outcomes are in the error.

        Unless it did so for a passing reason, and each of its rows was sent again and tried.
        """
        asked, done, last = self._asked, self._done, self._last

        def is_mended(part: PartDone) -> bool:
            return bool(asked.options.retries) and not part.unprocessed and may_try_rest_again(part.state, part.said)

        given_up = [
            part
            for part in (*done, *last)
            if part.state in ("Failed", "Aborted", "NotProcessed") and not is_mended(part)
        ]
        if not given_up:
            return
        first = given_up[0]
        what = f"Job {first.job}" if first.job else "The call"
        error = JobFailed(
            f"{what} ({asked.operation} {asked.sobject}, part {first.number} of {len(done) + len(last)}) "
            f"ended {first.state}: {first.said or 'the org gave no reason'}.\n"
            f"{result.succeeded} rows were applied, {result.failed} refused, {result.unprocessed} not tried.\n"
            "Correct the cause and send the rows that were not tried again: error.result.failures() names them.",
            job_id=first.job,
            state_message=first.said,
            result=result,
        )
        error.run_id = result.run_id
        raise error


class _Closing:
    """Closes a way when all was sent; and after an error, if that can be done. *is_over*: there was nothing to send."""

    def __init__(self, way: Way, *, is_over: bool) -> None:
        self._way = way
        self._is_over = is_over

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if self._is_over:
            return
        if kind is None:
            try:
                self._way.close()
            except BaseException as error:
                if not isinstance(error, SalesforceBulkError):
                    self._way.leave()
                raise
        elif issubclass(kind, Exception) and kind is not Stopped:
            with suppress(SalesforceBulkError, Stopped):
                self._way.close()
        else:
            self._way.leave()


def _sliced(source: Source, head: bytes, start: int, stop: int) -> Iterator[bytes]:
    yield head
    yield from source.pieces(start, stop)


def _entries(records: CollectionRecords, dialect: Dialect, sent: Sent) -> list[tuple[bytes, str]]:
    return list(records(SentRows(sent, dialect), sent.first_row))


def _settled(results: Sequence[RowResult | None], first_row: int) -> Iterable[Outcome]:
    told = by_position(
        (result or RowResult(None, False, False) for result in results), len(results), first_row=first_row
    )
    return (
        Outcome(outcome.row, "unprocessed") if result is None else outcome
        for result, outcome in zip(results, told, strict=True)
    )


def _place(pieces: Iterable[bytes], rows: int, first_row: int) -> Iterable[Outcome]:
    return by_position(csv_results(pieces), rows, first_row=first_row)

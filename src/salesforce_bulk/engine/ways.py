"""The ways in which a part goes out, one for each API: how it is sent, awaited, found again, and how its outcomes are had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Final

from ..errors import (
    AnswerLost,
    AnswerMalformed,
    ApiError,
    JobAborted,
    JobError,
    JobFailed,
    MalformedResult,
    ReconciliationError,
    SalesforceBulkError,
)
from ..facts import PartSent
from ..frozen import frozen
from ..options import LoadOptions
from ..protocol import bulk1, collections, ingest2
from ..protocol.jobs2 import ask_until
from ..records import IngestSpec, Job2Info, JobSpec, Outcome, RowResult
from ..wire.names import BatchState, Job2State, JobState
from .drive import Driver
from .ingest import Ended, ResultFiles, Sent
from .resume import PartLeft, Stage
from .turns import Turns

#: (the part as sent, the three result files, processed, failed, first row) -> outcomes in the order of the rows.
Match = Callable[[Sent, ResultFiles], Iterable[Outcome]]
#: (pieces of a 1.0 result, rows, first row) -> outcomes.
Position = Callable[[Iterable[bytes], int, int], Iterable[Outcome]]
#: A part as sent -> its rows as records of a collection.
Entries = Callable[[Sent], Sequence[collections.Entry]]
#: (results of a collection, None where a record was not tried, first row) -> outcomes.
Settled = Callable[[Sequence[RowResult | None], int], Iterable[Outcome]]

#: What results that came damaged end with. They are fetched once more before it is believed.
_DOUBTFUL: Final = (MalformedResult, ReconciliationError, AnswerMalformed)


@frozen
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
            job = driver.perform(ingest2.submit_part(self.spec, sent.body(driver.go_on), sent.number)).id
        elif left.stage is Stage.TO_LOOK:
            body = sent.body(driver.go_on)
            job = driver.perform(ingest2.settle_part(self.spec, body, sent.number, job)).id
        return driver.perform(
            ingest2.await_job(job, limit_seconds=options.job_seconds, longest_pause=options.longest_poll_seconds)
        )

    def close(self) -> None:
        """Each part has a job of its own."""

    def leave(self) -> None:
        """What of them was not set going was aborted where it was left."""

    def _outcomes(self, sent: Sent, info: Job2Info) -> Iterable[Outcome]:
        try:
            return self._matched(sent, info)
        except _DOUBTFUL as doubt:
            # A file can have come damaged, and the look at the job's end miscounted: which, is seen when both are asked for
            # again. The journal has the numbers of that look, so this is how a resume gets over wrong ones, too.
            self.driver.traffic.add(retries=1)
            now = self.driver.perform(ask_until(ingest2.get_job(info.id), partial(_agrees, _answered(doubt))))
            return self._matched(sent, now if now.state == info.state else info)

    def _matched(self, sent: Sent, info: Job2Info) -> Iterable[Outcome]:
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
            processed=info.records_processed if info.is_counted else None,
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
        request = bulk1.batch_result(job, batch)
        try:
            return self._match(self._driver.stream(request), sent.rows, sent.first_row)
        except _DOUBTFUL:
            self._driver.traffic.add(retries=1)
            return self._match(self._driver.stream(request), sent.rows, sent.first_row)

    def _posted(self, sent: Sent) -> tuple[str, str]:
        """Post a part; when the answer is lost, look for it in the job before it is posted once more."""
        job = self._open_job()
        for tries in range(1, bulk1.TRIES + 1):
            try:
                with self._turns.together():
                    # Before it is posted: who looks for another part whose answer was lost, as soon as this turn is over,
                    # may find the batch of this one, and must know whose it can be.
                    self._doubtful[sent.number] = sent
                    batch = self._driver.perform(bulk1.post_part(job, sent.body(self._driver.go_on), sent.number))
                    self._known.add(batch)
                    self._doubtful.pop(sent.number, None)
                return job, batch
            except (AnswerLost, AnswerMalformed, ApiError) as error:
                if error.applied is not None:
                    raise
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

    def leave(self) -> None:
        """Close the job all the same: its batches go on, and a resume that has more to post makes another one."""
        if job := self._job or self._earlier:
            self._driver.perform(bulk1.leave_job(job, JobState.CLOSED))


@frozen
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

    def leave(self) -> None:
        """There is no job."""


def _answered(doubt: SalesforceBulkError) -> tuple[int, int] | None:
    """How many rows were processed and how many refused by the result files, if it is only the job that says otherwise."""
    numbers = doubt.numbers if isinstance(doubt, ReconciliationError) else {}
    if not numbers.keys() & {"records_processed", "records_failed"}:
        return None
    succeeded, failed = numbers["succeeded"], numbers["failed"]
    return (succeeded + failed, failed) if succeeded + failed + numbers["unprocessed"] == numbers["sent"] else None


def _agrees(answered: tuple[int, int] | None, info: Job2Info) -> bool:
    if answered is None:
        return True
    told = (info.records_processed, info.records_failed)
    return all(mine in (None, theirs) for mine, theirs in zip(told, answered, strict=True))


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

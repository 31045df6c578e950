"""Jobs by their ids: what they are, abort, delete, results. For jobs that a run of ours made, and for any other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from ..data.result_files import write_result_files
from ..engine.drive import Driver
from ..engine.extract import pages
from ..errors import ReconciliationError, UsageError
from ..journal.folder import output_file
from ..protocol import any_job, bulk1, ingest2
from ..protocol.any_job import AnyJob
from ..protocol.messages import Call, Flow, Request
from ..records import BatchInfo, Job2Info, JobInfo
from ..wire.names import BatchState, ContentType, Job2State
from .soundness import is_sound

Kind = Literal["succeeded", "failed", "unprocessed"]

_KINDS: Final[dict[str, Callable[[str], Request]]] = {
    "succeeded": ingest2.successful_results,
    "failed": ingest2.failed_results,
    "unprocessed": ingest2.unprocessed_records,
}
_ID: Final = re.compile(r"750[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")


class Job:
    """A job of the org, as it was when it was last looked at.

    ``id``, ``api`` (``"bulk2"`` or ``"bulk1"``), ``operation``, ``sobject``, ``state``, ``records_processed`` (those that
    failed among them) and ``records_failed`` (None where the org does not say); ``info`` is all that it said.
    """

    def __init__(self, driver: Driver, info: AnyJob) -> None:
        self._driver = driver
        self.info = info

    @classmethod
    def find(cls, driver: Driver, job_id: str) -> Job:
        if _ID.fullmatch(job_id) is None:
            raise UsageError(
                f"{job_id!r} is no id of a job: those begin with 750 and have 15 or 18 characters. Nothing was sent."
            )
        return cls(driver, driver.perform(any_job.find_job(job_id)))

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def api(self) -> Literal["bulk2", "bulk1"]:
        return "bulk1" if isinstance(self.info, JobInfo) else "bulk2"

    @property
    def operation(self) -> str:
        return self.info.operation

    @property
    def sobject(self) -> str:
        return self.info.sobject

    @property
    def state(self) -> str:
        return self.info.state

    @property
    def records_processed(self) -> int | None:
        return self.info.records_processed

    @property
    def records_failed(self) -> int | None:
        return self.info.records_failed

    @property
    def is_query(self) -> bool:
        """Whether its results are the rows of a query."""
        return any_job.is_query(self.info)

    def refresh(self) -> Job:
        """Look at the job again. Returns itself.

        API: "Get Information About a Job", "Get Information About a Query Job"; Bulk API 1.0, "Get Job Details".
        """
        self.info = self._driver.perform(any_job.look_again(self.info))
        return self

    def abort(self) -> Job:
        """Stop the job. What it applied stays applied; a batch under way may still end. Returns itself, looked at again.

        An aborted job can be aborted again, without effect.

        Raises:
            ApiError: The job has ended otherwise (``INVALIDJOBSTATE``), or is another user's.

        API: "Upload Complete or Abort a Job", "Abort a Query Job"; Bulk API 1.0, "Abort a Job".
        """
        self.info = self._driver.perform(any_job.abort(self.info))
        return self

    def delete(self) -> None:
        """Delete the job and its results, not the records. A job that is gone already is no error.

        Raises:
            ApiError: The job is still at work, or waits for its upload: it has to be aborted first.
            UsageError: It is a job of Bulk API 1.0, which has no such call.

        API: "Delete a Job", "Delete a Query Job".
        """
        if isinstance(self.info, JobInfo):
            raise UsageError(
                f"Job {self.id} is one of Bulk API 1.0, which cannot delete jobs. Nothing was sent. "
                "The org deletes it seven days after its end."
            )
        self._driver.perform(any_job.delete(self.info))

    def results(self, path: str | Path, kind: Kind | None = None) -> int:
        """Write results of the job to a CSV file, as the org sends them. Returns the number of rows.

        Args:
            path: The file; it appears under its name when it is complete.
            kind: Of an ingest job of Bulk API 2.0: ``"succeeded"`` (``sf__Id`` and ``sf__Created`` before the uploaded
                columns), ``"failed"`` (``sf__Id``, ``sf__Error``) or ``"unprocessed"``. A query has one kind of rows, and an
                ingest job of Bulk API 1.0 one result a row (Id, Success, Created, Error), in the order of batches and rows.

        Raises:
            UsageError: The job has no such results, or has not ended.
            BatchFailed: A batch of a Bulk API 1.0 job has no results.
            ReconciliationError: The file has another number of rows than the job says. It is not there.

        API: "Get Job Successful Record Results" and its two neighbours, "Get Results for a Query Job"; Bulk API 1.0, "Get
        Batch Results", "Get Results for a Bulk Query".
        """
        info = self.refresh().info
        if isinstance(info, JobInfo):
            files, expected = self._files1(info, kind), None
        else:
            files, expected = self._files2(info, kind)
        with output_file(Path(path)) as file:
            count = write_result_files(files, file)
            if expected is not None and count != expected:
                raise ReconciliationError(
                    f"Job {self.id} says that there are {expected} rows, and its results have {count}.\n"
                    "The result is not complete; no file was written.\nFetch it again.",
                    numbers={"expected": expected, "received": count},
                )
        return count

    def _files2(self, info: Job2Info, kind: Kind | None) -> tuple[Iterator[Iterable[bytes]], int | None]:
        if info.state not in (Job2State.JOB_COMPLETE, Job2State.FAILED, Job2State.ABORTED):
            raise self._not_there(f"it is {info.state}. Wait for its end")
        if self.is_query:
            if kind is not None:
                raise self._not_there("of a query, leave out the kind")
            if info.state != Job2State.JOB_COMPLETE:
                raise self._not_there(f"it ended {info.state}. Run the query again")
            found = pages(self._driver, info.id, is_sound, expected=info.records_processed)
            return (page.pieces for page in found), any_job.rows_in_results(info, "")
        if kind not in _KINDS:
            raise self._not_there(f"of an ingest job, the kind is one of {', '.join(map(repr, _KINDS))}")
        request = _KINDS[kind](info.id)
        return iter([self._driver.stream(request)]), any_job.rows_in_results(info, kind)

    def _files1(self, info: JobInfo, kind: Kind | None) -> Iterator[Iterable[bytes]]:
        if kind is not None:
            raise self._not_there("Bulk API 1.0 has one result a row, of whatever kind. Leave out the kind")
        if info.content_type not in (ContentType.CSV, ContentType.ZIP_CSV):
            raise self._not_there(f"it talks {info.content_type}, and a CSV file is to be written")
        batches = self._driver.perform(_batches(info.id))
        # With PK chunking the batch that held the query ends NotProcessed, and its ranges hold the results ("PK Chunking").
        if self.is_query and len(batches) > 1 and batches[0].state == BatchState.NOT_PROCESSED:
            batches = batches[1:]
        for batch in batches:
            if batch.state in (BatchState.QUEUED, BatchState.IN_PROGRESS):
                raise self._not_there(f"batch {batch.id} is {batch.state}. Wait for its end")
            if batch.state != BatchState.COMPLETED:
                raise bulk1.batch_failed(batch, info.id)
        return self._bodies1(info.id, batches)

    def _bodies1(self, job: str, batches: list[BatchInfo]) -> Iterator[Iterable[bytes]]:
        for batch in batches:
            if not self.is_query:
                yield self._driver.stream(bulk1.batch_result(job, batch.id))
                continue
            for result in self._driver.perform(bulk1.query_result_ids(job, batch.id)):
                yield self._driver.stream(bulk1.query_result(job, batch.id, result))

    def _not_there(self, why: str) -> UsageError:
        return UsageError(f"Job {self.id} has no such results: {why}. No file was written.")

    def __repr__(self) -> str:
        counts = "" if self.records_processed is None else f", {self.records_processed} processed"
        failed = f", {self.records_failed} failed" if self.records_failed else ""
        return f"<Job {self.id} {self.operation} {self.sobject} ({self.api}): {self.state}{counts}{failed}>"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Job) and self.info == other.info

    __hash__ = None  # type: ignore[assignment]  # it changes when it is looked at again


def _batches(job: str) -> Flow[list[BatchInfo]]:
    request = bulk1.list_batches(job)
    return bulk1.read_batches(request, (yield Call(request)))

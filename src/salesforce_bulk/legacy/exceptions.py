"""The exceptions of the old library, inside the tree of this one."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import SalesforceBulkError, UsageError


class UploadResult(NamedTuple):
    """What became of one row. In CSV all four are text, as the service sends them ('true', 'false', '')."""

    id: Any
    success: Any
    created: Any
    error: Any


class BulkApiError(SalesforceBulkError):
    """The org refused a request, or a batch failed. ``status_code`` is the HTTP status, if there was one."""

    def __init__(self, message: str, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class BulkJobAborted(BulkApiError):
    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} aborted")
        self.job_id = job_id


class BulkBatchFailed(BulkApiError):
    """A batch ended as Failed, Aborted or NotProcessed. ``state`` says as which."""

    def __init__(
        self, job_id: str | None, batch_id: str | None, state_message: str | None, state: str | None = None
    ) -> None:
        super().__init__(f"Batch {batch_id} of job {job_id} failed: {state_message or state}")
        self.applied = None
        self.job_id = job_id
        self.batch_id = batch_id
        self.state_message = state_message
        self.state = state


class LoginIncomplete(UsageError, RuntimeError, TypeError):
    """Too little to log in with. Both kinds of error that the old generations raised for it."""


class BatchUnknown(UsageError, LookupError):
    """The job of a batch is not known here: name it, too."""


class WaitEnded(UserWarning):
    """A wait came to its time limit; the batch goes on."""


class OrderUnclear(UserWarning):
    """Nothing tells which of two ids is the job's and which the batch's."""

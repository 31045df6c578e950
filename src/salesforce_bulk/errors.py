"""Every exception of this package.

::

    SalesforceBulkError
    ├─ UsageError            nothing was sent (also a ValueError)
    ├─ AuthError             LoginRefused · SessionExpired
    ├─ TransportError        ConnectFailed (not applied) · AnswerLost (perhaps applied) · AnswerMalformed
    ├─ ApiError              the org said no: .status_code .error_code
    │  └─ LimitReached       what the org allows in a time is used up
    ├─ JobError              JobFailed · JobAborted · BatchFailed
    ├─ DataError             RecordTooLarge · BadValue · MalformedResult: .row .column
    ├─ JournalError          JournalLocked · JournalTooNew · SourceChanged · ResultsExpired
    ├─ OutputError           a file that was asked for cannot be written (also an OSError)
    ├─ ReconciliationError   what the org answered does not add up; the records may be right, the account of them is not
    ├─ RecordsFailed         only by raise_for_failures()
    └─ WaitTimeout           we stopped waiting: the job goes on without us, and so may the run, later

Each answers two questions. ``repeatable``: may the same call be made again without harm? ``applied``: did the org act on
the call: ``True``, ``False``, or ``None`` when it cannot be known from here? A message says what happened, what it means
for the data, and what to do. Tokens and field values never stand in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "AnswerLost",
    "AnswerMalformed",
    "ApiError",
    "AuthError",
    "BadValue",
    "BatchFailed",
    "ConnectFailed",
    "DataError",
    "JobAborted",
    "JobError",
    "JobFailed",
    "JournalError",
    "JournalLocked",
    "JournalTooNew",
    "LimitReached",
    "LoginRefused",
    "MalformedResult",
    "OutputError",
    "ReconciliationError",
    "RecordTooLarge",
    "RecordsFailed",
    "ResultsExpired",
    "SalesforceBulkError",
    "SessionExpired",
    "SourceChanged",
    "TransportError",
    "UsageError",
    "WaitTimeout",
]


def _rebuild(kind: type[SalesforceBulkError], args: tuple[Any, ...], state: dict[str, Any]) -> SalesforceBulkError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SalesforceBulkError(Exception):
    """The root of the tree."""

    repeatable: bool = False
    applied: bool | None = False
    #: How long the org or a server in front of it asked us to wait before another try.
    retry_after_seconds: float | None = None
    #: The run in which it happened, where one had begun: ``sf.resume(error.run_id)`` goes on with it.
    run_id: str | None = None

    def __init__(self, message: str, *, applied: bool | None = None, repeatable: bool | None = None) -> None:
        super().__init__(message)
        if applied is not None:
            self.applied = applied
        if repeatable is not None:
            self.repeatable = repeatable

    def __reduce__(self) -> tuple[Any, ...]:
        # Not by calling the class: the constructors take keywords, which the default would lose.
        return _rebuild, (type(self), self.args, dict(self.__dict__))


class UsageError(SalesforceBulkError, ValueError):
    """The call cannot be right. Nothing was sent."""


class AuthError(SalesforceBulkError):
    """The org does not know who we are, or does not let us in."""


class LoginRefused(AuthError):
    """A login was answered with no. ``error_code`` is the org's own word for it."""

    def __init__(self, message: str, *, error_code: str = "", status_code: int | None = None) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.status_code = status_code


class SessionExpired(AuthError):
    """The session id or access token is no longer (or never was) valid. The call was not acted on."""

    def __init__(self, message: str, *, error_code: str = "", status_code: int | None = None, body: str = "") -> None:
        super().__init__(message)
        self.error_code = error_code
        self.status_code = status_code
        self.body = body


class TransportError(SalesforceBulkError):
    """No usable answer came."""


class ConnectFailed(TransportError):
    """No connection: the request never left. Not applied."""

    repeatable = True
    applied = False


class AnswerLost(TransportError):
    """The request left and its answer did not come, or not whole: perhaps applied."""

    def __init__(self, message: str, *, applied: bool | None = None, repeatable: bool | None = None) -> None:
        super().__init__(message, repeatable=repeatable)
        self.applied = applied


class AnswerMalformed(TransportError):
    """An answer came that is not one of the API's: a page of HTML, broken gzip, a document without its fields."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        body: str = "",
        applied: bool | None = None,
        repeatable: bool | None = None,
    ) -> None:
        super().__init__(message, repeatable=repeatable)
        self.applied = applied
        self.status_code = status_code
        self.body = body


class ApiError(SalesforceBulkError):
    """The org said no. ``error_code`` is its own word (``exceptionCode`` or ``errorCode``), ``body`` what it sent."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        error_code: str = "",
        body: str = "",
        applied: bool | None = False,
        repeatable: bool = False,
    ) -> None:
        super().__init__(message, repeatable=repeatable)
        self.applied = applied
        self.status_code = status_code
        self.error_code = error_code
        self.body = body


class LimitReached(ApiError):
    """The org allows no more of this for a while: API calls or records of a day, or calls at the same time.

    ``status_code`` is 0 where the call was not made, because ``TransportOptions.stop_at_usage`` was reached.
    """


class JobError(SalesforceBulkError):
    """A job or batch ended otherwise than well. Rows may have been applied before it did."""

    applied: bool | None = None

    def __init__(
        self,
        message: str,
        *,
        job_id: str,
        batch_id: str | None = None,
        state_message: str = "",
        result: Any = None,
    ) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.batch_id = batch_id
        self.state_message = state_message
        #: The outcomes of all rows, where a verb of an org raised it. Stays behind when the error is pickled.
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, {**self.__dict__, "result": None})


class JobFailed(JobError):
    """The org gave up on a job."""


class JobAborted(JobError):
    """Somebody aborted the job. What was applied stays applied."""


class BatchFailed(JobError):
    """The org gave up on a batch of a Bulk API 1.0 job."""


class DataError(SalesforceBulkError):
    """A row or a result that cannot be right. ``row`` counts from 0."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


class RecordTooLarge(DataError):
    """A row that no batch can hold."""


class BadValue(DataError):
    """A value that the API cannot carry."""


class MalformedResult(DataError):
    """A result file that is cut off, or is not what the API describes."""


class JournalError(SalesforceBulkError):
    """What a run leans on -- its folder, its input, the org's results of it -- is no longer what it was."""


class JournalLocked(JournalError):
    """Another process is at work on the run."""


class JournalTooNew(JournalError):
    """The journal was written by a newer version of this package."""


class ResultsExpired(JournalError):
    """The org does not have the results of a job any more: it keeps them for seven days."""

    applied: bool | None = None


class SourceChanged(JournalError):
    """The file that is loaded was changed meanwhile."""


class OutputError(SalesforceBulkError, OSError):
    """A file that was asked for cannot be written: the disk is full, or may not be written to. There is no part of it."""


class ReconciliationError(SalesforceBulkError):
    """The answers of the org do not add up to the rows that were sent: which of them were applied is not certain.

    ``numbers`` are the counts that do not agree, by name.
    """

    applied: bool | None = None

    def __init__(self, message: str, *, numbers: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.applied = None
        self.numbers = dict(numbers or {})


class RecordsFailed(SalesforceBulkError):
    """Rows were refused or not tried. Only ``raise_for_failures()`` raises it."""

    def __init__(self, message: str, *, run_id: str = "") -> None:
        super().__init__(message)
        self.applied = None
        self.run_id = run_id


class WaitTimeout(SalesforceBulkError):
    """We stopped waiting: for one job (``job_seconds``), which goes on without us, or for a whole run (``run_seconds``), which
    may go on later. ``job_id`` is "" where no job, or no single one, was waited for."""

    repeatable = True

    def __init__(self, message: str, *, job_id: str = "", batch_id: str | None = None) -> None:
        super().__init__(message)
        self.applied = None
        self.job_id = job_id
        self.batch_id = batch_id

"""The tree of errors: its shape, its two questions, its travel between processes."""

from __future__ import annotations

import pickle

import pytest

from salesforce_bulk import errors
from salesforce_bulk.legacy.exceptions import BulkApiError, BulkBatchFailed, BulkJobAborted, LoginIncomplete

EXAMPLES: list[errors.SalesforceBulkError] = [
    errors.UsageError("x"),
    errors.LoginRefused("x", error_code="INVALID_LOGIN", status_code=500),
    errors.SessionExpired("x", error_code="InvalidSessionId", status_code=400, body="b"),
    errors.ConnectFailed("x"),
    errors.AnswerLost("x"),
    errors.AnswerMalformed("x", status_code=503, body="<html>", repeatable=True),
    errors.ApiError("x", status_code=400, error_code="InvalidJob", body="b"),
    errors.JobFailed("x", job_id="750"),
    errors.JobAborted("x", job_id="750"),
    errors.BatchFailed("x", job_id="750", batch_id="751", state_message="InvalidBatch : x"),
    errors.RecordTooLarge("x", row=3, column="Name"),
    errors.BadValue("x", row=3, column="Name"),
    errors.RecordsFailed("x", run_id="r-1"),
    errors.MalformedResult("x", row=3),
    errors.ReconciliationError("x", numbers={"sent": 3, "succeeded": 2}),
    errors.WaitTimeout("x", job_id="750", batch_id="751"),
    errors.WaitTimeout("x"),
    errors.OutputError("x"),
    errors.JournalLocked("x"),
    errors.JournalTooNew("x"),
    errors.SourceChanged("x"),
    errors.ResultsExpired("x"),
    BulkApiError("x", 400),
    BulkJobAborted("750"),
    BulkBatchFailed("750", "751", "InvalidBatch : x", "Failed"),
    LoginIncomplete("x"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_pickle(error: errors.SalesforceBulkError) -> None:
    """All that an error knows comes out of another process."""
    error.retry_after_seconds = 7.0
    again = pickle.loads(pickle.dumps(error))

    assert type(error) is type(again)
    assert str(error) == str(again)
    assert vars(error) == vars(again)


@pytest.mark.parametrize(
    ("error", "repeatable", "applied"),
    [
        (errors.UsageError("x"), False, False),
        (errors.ConnectFailed("x"), True, False),
        (errors.AnswerLost("x"), False, None),
        (errors.ApiError("x", status_code=400), False, False),
        (errors.BatchFailed("x", job_id="750"), False, None),
        (errors.ReconciliationError("x"), False, None),
        (errors.SourceChanged("x"), False, False),
        (errors.OutputError("x"), False, False),
        (errors.WaitTimeout("x", job_id="750"), True, None),
    ],
)
def test_each_answers_two_questions(error: errors.SalesforceBulkError, repeatable: bool, applied: bool | None) -> None:
    assert (repeatable, applied) == (error.repeatable, error.applied)


def test_every_error_stands_in_the_picture() -> None:
    """The tree in the docstring is the tree."""
    assert errors.__doc__ is not None
    assert [name for name in errors.__all__ if name not in errors.__doc__] == []


def test_what_old_programs_catch() -> None:
    """The first generation raised RuntimeError for an incomplete login, the second TypeError."""
    assert issubclass(LoginIncomplete, RuntimeError)
    assert issubclass(LoginIncomplete, TypeError)
    assert issubclass(LoginIncomplete, ValueError)
    assert issubclass(BulkBatchFailed, BulkApiError)

"""What a command exits with: one table, from errors and results."""

from __future__ import annotations

import pytest

from salesforce_bulk import errors
from salesforce_bulk.cli.endings import Ended
from salesforce_bulk.cli.exits import MEANINGS, exit_code_of_error, exit_code_of_rows

SAID = [
    (errors.UsageError("no"), 2),
    (errors.BadValue("no", row=3), 2),
    (errors.RecordTooLarge("no", row=3), 2),
    (errors.JournalError("no such run"), 2),
    (errors.JournalTooNew("no"), 2),
    (errors.SourceChanged("no"), 2),
    (OSError(13, "Permission denied", "/x"), 2),
    (errors.RecordsFailed("no", run_id="r-1"), 3),
    (errors.ApiError("no", status_code=404), 4),
    (errors.JobFailed("no", job_id="750"), 4),
    (errors.JobAborted("no", job_id="750"), 4),
    (errors.BatchFailed("no", job_id="750", batch_id="751"), 4),
    (errors.ResultsExpired("no"), 4),
    (errors.ApiError("trouble", status_code=503, repeatable=True), 5),
    (errors.ConnectFailed("no"), 5),
    (errors.AnswerLost("no"), 5),
    (errors.AnswerMalformed("no"), 5),
    (errors.WaitTimeout("no", job_id="750"), 5),
    (errors.ReconciliationError("no"), 5),
    (errors.MalformedResult("no"), 5),
    (errors.OutputError("no"), 5),
    (errors.JournalLocked("no"), 5),
    (KeyboardInterrupt(), 5),
    (Ended(15), 5),
    (errors.LoginRefused("no"), 6),
    (errors.SessionExpired("no"), 6),
    (errors.LimitReached("no", status_code=403), 7),
    (ZeroDivisionError(), 1),
]


@pytest.mark.parametrize(("error", "code"), SAID, ids=lambda value: type(value).__name__)
def test_an_error_has_its_code(error: BaseException, code: int) -> None:
    assert code == exit_code_of_error(error)


@pytest.mark.parametrize(
    "error", [errors.UsageError("no"), errors.BadValue("no"), errors.SourceChanged("no"), OSError(28, "full")], ids=repr
)
def test_what_would_be_wrong_usage_is_unfinished_once_a_run_has_begun(error: Exception) -> None:
    """Code 2 says that nothing was sent."""
    error.run_id = "r-1"  # type: ignore[attr-defined]

    assert 5 == exit_code_of_error(error)


def test_every_error_of_ours_has_a_code_that_is_not_that_of_a_bug() -> None:
    named = {name for name in errors.__all__ if name != "SalesforceBulkError"}

    assert named <= {kind.__name__ for error, _ in SAID for kind in type(error).__mro__}
    assert set(MEANINGS) - {0} == {code for _, code in SAID}


@pytest.mark.parametrize(("failed", "unprocessed", "code"), [(0, 0, 0), (1, 0, 3), (0, 1, 3), (2, 2, 3)])
def test_a_load_that_has_ended_has_the_code_of_its_rows(failed: int, unprocessed: int, code: int) -> None:
    assert code == exit_code_of_rows(failed, unprocessed)

"""Exit codes: the one table of what a program learns from how a command ended."""

from __future__ import annotations

from typing import Final

from ..errors import (
    ApiError,
    AuthError,
    DataError,
    JobError,
    JournalError,
    JournalLocked,
    LimitReached,
    MalformedResult,
    OutputError,
    RecordsFailed,
    ResultsExpired,
    SalesforceBulkError,
    UsageError,
)

OK, BUG, USAGE, ROWS_FAILED, REFUSED, UNFINISHED, LOGIN, LIMIT = range(8)

MEANINGS: Final = {
    OK: "finished, every row succeeded",
    BUG: "an unexpected error: a bug",
    USAGE: "wrong usage or unusable input; nothing was sent",
    ROWS_FAILED: "finished, some rows failed or were not processed",
    REFUSED: "the org refused, failed or aborted a job",
    UNFINISHED: "not finished: `sfbulk resume` goes on with a load; anything else can be done again",
    LOGIN: "login failed or was refused",
    LIMIT: "an org limit is reached",
}

#: The first that fits decides. None: by whether a run had begun.
_OF_ERRORS: Final[tuple[tuple[type[BaseException], int | None], ...]] = (
    (LimitReached, LIMIT),
    (AuthError, LOGIN),
    (JobError, REFUSED),
    (ResultsExpired, REFUSED),
    (RecordsFailed, ROWS_FAILED),
    (JournalLocked, UNFINISHED),
    (MalformedResult, UNFINISHED),
    (OutputError, UNFINISHED),
    # Before a run begins nothing was sent; after that, rows may have been.
    (UsageError, None),
    (DataError, None),
    (JournalError, None),
    # A folder that cannot be written to, a disk that is full: of the machine, not of the org.
    (OSError, None),
    # No answer, no end in time, an account that does not add up; Ctrl-C and SIGTERM.
    (SalesforceBulkError, UNFINISHED),
    (KeyboardInterrupt, UNFINISHED),
)


def exit_code_of_error(error: BaseException) -> int:
    """What a command that ended with *error* exits with."""
    if isinstance(error, ApiError) and not isinstance(error, LimitReached):
        # What may be asked again was no refusal but trouble on the way.
        return UNFINISHED if error.repeatable else REFUSED
    for kind, code in _OF_ERRORS:
        if isinstance(error, kind):
            if code is not None:
                return code
            return UNFINISHED if getattr(error, "run_id", None) else USAGE
    return BUG


def exit_code_of_rows(failed: int, unprocessed: int) -> int:
    """What a load that came to its end exits with."""
    return ROWS_FAILED if failed or unprocessed else OK

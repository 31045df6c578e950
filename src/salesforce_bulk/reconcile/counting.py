"""Every count against every other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..errors import ReconciliationError

FILES: Final = ("succeeded", "failed", "unprocessed")


def check_counts(sent: int, answers: Sequence[int], processed: int | None, refused: int | None) -> None:
    """Every count against every other one.

    Args:
        sent: How many rows.
        answers: How many rows the three files hold, each.
        processed, refused: The counters of the job, where it gave them.

    Raises:
        ReconciliationError: Two of them do not agree.
    """
    numbers = {"sent": sent, **dict(zip(FILES, answers, strict=True))}
    wrong: list[str] = []
    answered = sum(answers)
    if answered != numbers["sent"]:
        wrong.append(f"the result files hold {answered} rows")
    if processed is not None and processed != numbers["succeeded"] + numbers["failed"]:
        numbers["records_processed"] = processed
        wrong.append(f"the job counts {processed} as processed")
    if refused is not None and refused != numbers["failed"]:
        numbers["records_failed"] = refused
        wrong.append(f"the job counts {refused} as failed")
    if wrong:
        raise ReconciliationError(
            f"{numbers['sent']} rows were sent; the files say that {numbers['succeeded']} succeeded, "
            f"{numbers['failed']} failed and {numbers['unprocessed']} were not processed; but {', and '.join(wrong)}. "
            "What became of every row is not certain, so no outcome was assigned. Fetch the results again.",
            numbers=numbers,
        )

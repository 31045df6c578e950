"""What a client of the old interface remembers: the ids that it issued or listed, and what they belong to."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

JOB: Final = "job"
BATCH: Final = "batch"
RESULT: Final = "result"


class Memory:
    """Filled as it is first used, for some subclasses set their attributes by hand and never call ``__init__``."""

    #: How two ids are taken that nothing tells apart; with the service's own ids that does not happen.
    default_id_order: tuple[str, str] = (JOB, BATCH)

    @cached_property
    def jobs(self) -> dict[Any, Any]:
        """The jobs that were made here."""
        return {}

    @cached_property
    def batches(self) -> dict[Any, Any]:
        """batch id -> job id."""
        return {}

    @cached_property
    def batch_statuses(self) -> dict[Any, Any]:
        """batch id -> its last status, once it has ended."""
        return {}

    @cached_property
    def job_content_types(self) -> dict[str, str]:
        """job id -> contentType."""
        return {}

    @cached_property
    def result_ids(self) -> set[Any]:
        """The ids of query results that were listed here."""
        return set()

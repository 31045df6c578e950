"""Where the sources of Bulk API 2.0 leave a choice, or name several behaviours: the choice of this org."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Bulk2Options:
    """``local_org.bulk2``: set what a test needs. The defaults are the documented or recorded behaviour.

    Attributes:
        in_order: Result files list rows as they were uploaded. By default each internal batch is shuffled, always alike,
            for no order is promised ("Get Job Successful Record Results").
        second_upload: What meets the second PUT to a job: ``"at_close"`` takes it and fails the later UploadComplete
            (recorded), ``"at_upload"`` refuses it at once (a report of 2026).
        breaks_in_values: ``False`` fails a job whose quoted values hold other line breaks than the job's line ending. The
            guide allows them; reports say that some orgs do not.
        blanks_miscased: In ``failedResults``, columns whose uploaded name differs from the field's in case are blank (a known
            issue of the service).
        aborted_has_results: ``successfulResults`` and ``failedResults`` are there for an aborted job too, as clients have
            seen; ``False``: for JobComplete and Failed only, as the guide says.
        step_rows: Rows processed between two looks at the clock; the counters move with them. A multiple of 200.
        page_rows: Rows of a page of query results when the request names no ``maxRecords``.
        end_locator: The last page says ``Sforce-Locator: null`` (documented), or has no such header (proxies strip it).
        lower_case_headers: ``sforce-locator`` and ``sforce-numberofrecords``, as HTTP/2 has them.
        links: ``resultPages`` answers in the ``"documented"`` form (resultPages, resultUrl), in the ``"observed"`` one
            (resultChunks, resultLink), or is ``"missing"`` (404).
        links_at_once: Links in one answer.
        exponents: Query results write numbers from 10,000,000 on as ``1.25E7``, as ingest results do.
        query_failure: Query jobs end Failed. With a text, it is their ``errorMessage``; ``""`` gives them none, as most.
    """

    in_order: bool = False
    second_upload: Literal["at_close", "at_upload"] = "at_close"
    breaks_in_values: bool = True
    blanks_miscased: bool = False
    aborted_has_results: bool = True
    step_rows: int = 2_000
    page_rows: int = 50_000
    end_locator: Literal["null", "absent"] = "null"
    lower_case_headers: bool = False
    links: Literal["documented", "observed", "missing"] = "documented"
    links_at_once: int = 5
    exponents: bool = False
    query_failure: str | None = None

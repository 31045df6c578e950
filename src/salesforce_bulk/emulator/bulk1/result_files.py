"""The result files of a query batch. Source: bulk-api-1.md 7.1."""

from __future__ import annotations

from ..limits import Limits
from ..store import Store
from .jobs import Jobs
from .results import SLICE, QueryRows
from .rows import BatchFault


def write_result_files(
    store: Store, jobs: Jobs, limits: Limits, rows: QueryRows, *, is_retried: bool
) -> tuple[list[str], int]:
    """The ids of the files, and how many records they hold.

    A new file is begun when one is full or the time of a slice is up, which is a retry of the batch; *is_retried*: it may be.
    Recorded as 1 GB, for tests also a number of rows.
    """
    found = 0
    results: list[str] = []
    most_rows, most_bytes = _rows_of_a_file(limits), limits.result_file_bytes
    most_files = limits.result_files if is_retried else 1
    with store.reader() as connection:
        records = rows.compiled.run(connection).records
        slices = rows.slices(records, min(most_rows, 5_000) if most_rows else SLICE)
        ahead = next(slices, None)
        while ahead is not None or not results:
            if len(results) == most_files:
                raise BatchFault("Retried more than thirty times", "InternalServerError")
            results.append(jobs.new_id("752")[:15])
            with jobs.query_file(results[-1]).open("wb") as out:
                if ahead is None:
                    out.write(rows.nothing().encode("utf-8", "replace"))
                    break
                out.write(rows.head().encode())
                in_file = 0
                while ahead is not None:
                    text, count = ahead
                    if in_file and most_rows and in_file + count > most_rows:
                        break
                    if in_file:
                        out.write(rows.separator().encode())
                    written = out.write(text.encode("utf-8", "replace"))
                    in_file += count
                    ahead = next(slices, None)
                    if out.tell() + written > most_bytes:
                        break
                found += in_file
                out.write(rows.tail().encode())
    return results, found


def _rows_of_a_file(limits: Limits) -> int | None:
    """How many records fit into a result file, by number and by the time of a slice; None: any."""
    most = limits.result_file_rows
    if limits.query_row_seconds > 0:
        in_time = max(1, int(limits.query_slice_seconds / limits.query_row_seconds))
        return in_time if most is None else min(most, in_time)
    return most

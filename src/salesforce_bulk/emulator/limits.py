"""The org's limits, and how much of the daily ones is used up.

Every number can be set on ``local_org.limits``, so that a test meets a limit with little data.
Source: bulk-api-1.md section 11, bulk-api-2.md section 9 (limits quick reference), rest-support.md section 2.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

DAY = timedelta(hours=24)


class Allocation:
    """So many uses in any 24 hours."""

    def __init__(self, maximum: int, now: Callable[[], datetime]) -> None:
        self.maximum = maximum
        self._now = now
        #: (minute, uses): a sum for each minute keeps this small however much is used.
        self._uses: deque[tuple[datetime, int]] = deque()
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        with self._lock:
            oldest = self._now() - DAY
            while self._uses and self._uses[0][0] <= oldest:
                self._uses.popleft()
            return sum(uses for _, uses in self._uses)

    @property
    def remaining(self) -> int:
        return max(0, self.maximum - self.used)

    def use(self, uses: int = 1) -> None:
        minute = self._now().replace(second=0, microsecond=0)
        with self._lock:
            if self._uses and self._uses[-1][0] == minute:
                uses += self._uses.pop()[1]
            self._uses.append((minute, uses))


@dataclass
class Limits:
    now: Callable[[], datetime]

    # What a batch may be.
    batch_bytes: int = 10_000_000
    batch_characters: int = 10_000_000
    #: With the header row.
    batch_rows: int = 10_001
    record_columns: int = 5_000
    record_characters: int = 400_000
    cell_characters: int = 131_072
    zip_files: int = 1_000
    zip_name_bytes: int = 512
    unzipped_bytes: int = 20_000_000
    #: "Under 8,192 characters".
    spec_characters: int = 8_192

    # What an upload of Bulk API 2.0 may be. 150 MB after base64 encoding: "keep raw content up to 100 MB".
    upload_bytes: int = 100_000_000
    #: Job and data in one request.
    multipart_characters: int = 100_000
    header_characters: int = 32_000
    #: Rows of the batches into which the org cuts an upload.
    internal_batch_rows: int = 10_000
    #: Jobs in one page of a list.
    listing_page: int = 1_000
    #: Records of one call of ``/composite/sobjects``, and of one that reads.
    collection_records: int = 200
    collection_reads: int = 2_000

    # What a job may be.
    job_open: timedelta = DAY
    retention: timedelta = timedelta(days=7)

    # How a query result is cut into files.
    result_file_bytes: int = 1_000_000_000
    result_file_rows: int | None = None
    result_files: int = 15
    chunk_size: int = 100_000
    max_chunk_size: int = 250_000

    # How long things take, in seconds of the org's clock.
    queue_seconds: float = 0.02
    work_seconds: float = 0.02
    chunking_seconds: float = 1.0

    # How long work takes, in the same time. Rows and queries take none unless a test says so; then batches meet the limits
    # on time, and each other.
    #: To save a row. A transaction of 200 rows holds the parents of its rows for as long as they take together.
    row_seconds: float = 0.0
    #: How long a transaction waits for a record that another one holds: "a few seconds".
    lock_patience_seconds: float = 10.0
    #: Until the org has the first record of a query of Bulk API 1.0, and for each record after that.
    query_answer_seconds: float = 0.0
    query_row_seconds: float = 0.0

    # Limits on time, and how often work goes back to the queue before it is given up.
    batch_seconds: float = 600.0
    batch_retries: int = 10
    #: Rows of a batch that could not get a lock, before the rest of it goes back to the queue.
    batch_lock_failures: int = 100
    query_timeout_seconds: float = 120.0
    query_slice_seconds: float = 300.0
    internal_batch_seconds: float = 300.0
    internal_batch_retries: int = 20

    api_requests: Allocation = field(init=False)
    bulk_batches: Allocation = field(init=False)
    #: Rows that Bulk API 2.0 took in.
    bulk_records: Allocation = field(init=False)
    query_jobs: Allocation = field(init=False)
    #: Kilobytes of query results of Bulk API 2.0.
    query_storage: Allocation = field(init=False)

    def __post_init__(self) -> None:
        self.api_requests = Allocation(115_000, self.now)
        self.bulk_batches = Allocation(15_000, self.now)
        self.bulk_records = Allocation(150_000_000, self.now)
        self.query_jobs = Allocation(10_000, self.now)
        self.query_storage = Allocation(1_000_000_000, self.now)

    def report(self) -> dict[str, dict[str, int]]:
        """As REST ``/limits`` tells it."""

        def fixed(number: int) -> dict[str, int]:
            return {"Max": number, "Remaining": number}

        def counted(allocation: Allocation) -> dict[str, int]:
            return {"Max": allocation.maximum, "Remaining": allocation.remaining}

        return {
            "DailyApiRequests": counted(self.api_requests),
            "DailyBulkApiBatches": counted(self.bulk_batches),
            "DailyBulkV2QueryFileStorageMB": {
                "Max": self.query_storage.maximum // 1_024,
                "Remaining": self.query_storage.remaining // 1_024,
            },
            "DailyBulkV2QueryJobs": counted(self.query_jobs),
            "DataStorageMB": fixed(1_024),
            "FileStorageMB": fixed(1_024),
        }

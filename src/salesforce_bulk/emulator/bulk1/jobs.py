"""Jobs, batches and what belongs to them, kept in a small database and a folder beside it.

Requests and results are files: a result file holds what will be sent, byte for byte, so that sending is copying.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from salesforce_bulk.wire.names import BatchState, Concurrency, ContentType, JobState, Operation

from .. import ids

QUERIES = frozenset({Operation.QUERY, Operation.QUERY_ALL})


@dataclass(kw_only=True)
class Job:
    id: str
    operation: str
    object: str
    created_by: str
    #: Seconds since 1970, as everywhere in these records.
    created: float
    modified: float
    api_version: str
    content_type: str = ContentType.XML
    state: str = JobState.OPEN
    external_id: str | None = None
    concurrency: str = Concurrency.PARALLEL
    assignment_rule: str | None = None
    fast_path: bool = False
    #: ``Sforce-Enable-PKChunking``, read; None when off.
    chunking: dict[str, Any] | None = None
    line_ending: str | None = None
    #: ``Sforce-Disable-Batch-Retry``: a batch whose time is up fails.
    disable_retry: bool = False
    #: The transformation spec as it was sent.
    spec: str | None = None
    retries: int = 0
    #: Youngest batch, or the job itself: retention counts from here.
    youngest: float = 0.0

    @property
    def is_query(self) -> bool:
        return self.operation in QUERIES

    @property
    def is_json(self) -> bool:
        """Protocol reference 1.3, rule 2."""
        return self.content_type in {ContentType.JSON, ContentType.ZIP_JSON}

    @property
    def row_format(self) -> str:
        return self.content_type.removeprefix("ZIP_")

    @property
    def is_zip(self) -> bool:
        return self.content_type.startswith("ZIP_")


@dataclass(kw_only=True)
class Batch:
    id: str
    job_id: str
    created: float
    modified: float
    #: ``Content-Type`` as it came: ``/request`` of a zip answers with it, a charset may stand in it.
    content_type: str
    state: str = BatchState.QUEUED
    message: str | None = None
    processed: int = 0
    failed: int = 0
    total_ms: int = 0
    api_ms: int = 0
    apex_ms: int = 0
    #: The original of a chunked query: left out of ``numberBatchesTotal``.
    chunked: bool = False
    #: A batch that PK chunking made.
    is_chunk: bool = False
    #: And the original that it is a part of.
    chunk_of: str = ""
    #: 15-character ids of the result files of a query, in order.
    results: list[str] = field(default_factory=list)
    #: Where in the list of batches it stands.
    number: int = 0


class Jobs:
    """All jobs of the org. Whoever changes a record holds ``lock`` and calls ``save``."""

    def __init__(self, folder: Path | None) -> None:
        self.lock = threading.RLock()
        self._temporary = tempfile.TemporaryDirectory(prefix="local-org-") if folder is None else None
        self.folder = folder or Path(self._temporary.name if self._temporary else ".")
        self.files = self.folder / "bulk1"
        self.files.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            self.folder / "jobs.sqlite" if folder else ":memory:", check_same_thread=False, isolation_level=None
        )
        self._database.executescript(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = NORMAL;
            CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS batch (id TEXT PRIMARY KEY, job_id TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS counter (prefix TEXT PRIMARY KEY, used INTEGER NOT NULL) WITHOUT ROWID;
            """
        )
        self._jobs: dict[str, Job] = {}
        self._batches: dict[str, Batch] = {}
        self._of_job: dict[str, list[Batch]] = {}
        self._numbers: dict[str, Iterator[str]] = {}
        self._load()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()
        if self._temporary:
            self._temporary.cleanup()

    def new_id(self, prefix: str) -> str:
        with self.lock:
            row = self._database.execute(
                "INSERT INTO counter VALUES (?, 1) ON CONFLICT (prefix) DO UPDATE SET used = used + 1 RETURNING used",
                (prefix,),
            ).fetchone()
            if prefix not in self._numbers:
                self._numbers[prefix] = ids.numbered(prefix, row[0])
            return next(self._numbers[prefix])

    def job(self, any_id: str) -> Job | None:
        """By its 15- or 18-character id."""
        return self._jobs.get(ids.normalise(any_id) or "")

    def batch(self, any_id: str) -> Batch | None:
        return self._batches.get(ids.normalise(any_id) or "")

    def batches(self, job: Job) -> list[Batch]:
        return list(self._of_job.get(job.id, ()))

    def all(self) -> list[Job]:
        return list(self._jobs.values())

    def save(self, *records: Job | Batch) -> None:
        """All of them, or after a crash none."""
        with self.lock, self._transaction():
            for record in records:
                text = json.dumps(asdict(record))
                if isinstance(record, Job):
                    self._jobs[record.id] = record
                    self._database.execute("INSERT OR REPLACE INTO job VALUES (?, ?)", (record.id, text))
                else:
                    if record.id not in self._batches:
                        self._batches[record.id] = record
                        siblings = self._of_job.setdefault(record.job_id, [])
                        record.number = len(siblings)
                        siblings.append(record)
                    self._database.execute(
                        "INSERT OR REPLACE INTO batch VALUES (?, ?, ?)", (record.id, record.job_id, text)
                    )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def remove(self, job: Job) -> None:
        with self.lock:
            del self._jobs[job.id]
            for batch in self._of_job.pop(job.id, ()):
                del self._batches[batch.id]
                for path in (self.request_file(batch), self.result_file(batch), *map(self.query_file, batch.results)):
                    path.unlink(missing_ok=True)
            self._database.execute("DELETE FROM batch WHERE job_id = ?", (job.id,))
            self._database.execute("DELETE FROM job WHERE id = ?", (job.id,))

    def clear(self) -> None:
        with self.lock:
            self._database.executescript("DELETE FROM job; DELETE FROM batch;")
            self._jobs.clear()
            self._batches.clear()
            self._of_job.clear()
            shutil.rmtree(self.files)
            self.files.mkdir()

    # Ids of 18 characters name the files: they stay apart where the file system does not tell capitals from small letters.

    def request_file(self, batch: Batch) -> Path:
        return self.files / f"{batch.id}.request"

    def result_file(self, batch: Batch) -> Path:
        return self.files / f"{batch.id}.result"

    def query_file(self, result: str) -> Path:
        return self.files / f"{ids.to18(result)}.result"

    def _load(self) -> None:
        for (text,) in self._database.execute("SELECT record FROM job"):
            job = Job(**json.loads(text))
            self._jobs[job.id] = job
        records = [Batch(**json.loads(text)) for (text,) in self._database.execute("SELECT record FROM batch")]
        for batch in sorted(records, key=lambda record: record.number):
            self._batches[batch.id] = batch
            self._of_job.setdefault(batch.job_id, []).append(batch)

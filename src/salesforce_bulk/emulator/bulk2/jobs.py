"""Jobs of Bulk API 2.0 and the files that belong to them.

A file holds what will be sent or what was sent, byte for byte. Jobs are kept in a small database beside the files, so that an
org with a folder goes on after a restart.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from salesforce_bulk.wire.names import Delimiter, Job2State, JobType, LineEnding

from .. import ids

ENDED: Final = frozenset({Job2State.JOB_COMPLETE, Job2State.FAILED, Job2State.ABORTED})


@dataclass(kw_only=True)
class Job2:
    id: str
    type: str
    operation: str
    object: str
    created_by: str
    #: Seconds since 1970.
    created: float
    modified: float
    api_version: str
    state: str
    external_id: str | None = None
    assignment_rule: str | None = None
    line_ending: str = LineEnding.LF
    delimiter: str = Delimiter.COMMA
    #: How often data was sent to it.
    uploads: int = 0
    #: Rows that have an outcome, those that failed among them.
    processed: int = 0
    failed: int = 0
    #: Rows whose outcome is in the result files. Less than *processed* only while an internal batch is under way.
    kept: int = 0
    #: How often an internal batch was put back.
    retries: int = 0
    total_ms: int = 0
    api_ms: int = 0
    message: str | None = None
    #: Of a query: its text, whether it could be chunked by the service, and its columns.
    query: str = ""
    chunkable: bool = False
    header: str = ""
    #: Id of the result file of a query (0Ga…): what the locators are made of.
    result: str = ""

    @property
    def is_query(self) -> bool:
        return self.type == JobType.V2_QUERY

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class Jobs2:
    """All 2.0 jobs of the org. Whoever changes a job holds ``lock`` and calls ``save``."""

    def __init__(self, folder: Path | None, new_id: Callable[[str], str]) -> None:
        self.lock = threading.RLock()
        #: Shared with Bulk API 1.0: all jobs have ids of one series.
        self.new_id = new_id
        self._temporary = tempfile.TemporaryDirectory(prefix="local-org-") if folder is None else None
        self.files = (folder or Path(self._temporary.name if self._temporary else ".")) / "bulk2"
        self.files.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            folder / "jobs2.sqlite" if folder else ":memory:", check_same_thread=False, isolation_level=None
        )
        self._database.executescript(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = NORMAL;
            CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
            """
        )
        self._jobs: dict[str, Job2] = {}
        for (text,) in self._database.execute("SELECT record FROM job ORDER BY id"):
            job = Job2(**json.loads(text))
            self._jobs[job.id] = job

    def close(self) -> None:
        with self.lock:
            self._database.close()
        if self._temporary:
            self._temporary.cleanup()

    def get(self, any_id: str) -> Job2 | None:
        """By its 15- or 18-character id."""
        return self._jobs.get(ids.normalise(any_id) or "")

    def has(self, job: Job2) -> bool:
        """False when *job* was deleted, or the org was reset."""
        return self._jobs.get(job.id) is job

    def all(self, types: Collection[str] = (JobType.V2_INGEST, JobType.V2_QUERY)) -> list[Job2]:
        return [job for job in list(self._jobs.values()) if job.type in types]

    def save(self, job: Job2) -> None:
        with self.lock:
            self._jobs[job.id] = job
            self._database.execute("INSERT OR REPLACE INTO job VALUES (?, ?)", (job.id, json.dumps(asdict(job))))

    def change(self, job: Job2, state: str, moment: datetime) -> None:
        job.state = state
        job.modified = moment.timestamp()
        self.save(job)

    def remove(self, job: Job2) -> None:
        with self.lock:
            self._jobs.pop(job.id, None)
            self._database.execute("DELETE FROM job WHERE id = ?", (job.id,))
            for path in self.files.glob(f"{job.id}.*"):
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        with self.lock:
            self._jobs.clear()
            self._database.execute("DELETE FROM job")
            shutil.rmtree(self.files)
            self.files.mkdir()

    def file(self, job: Job2, kind: str) -> Path:
        """``upload``, ``successful``, ``failed`` of an ingest job; ``rows`` and ``index`` of a query."""
        return self.files / f"{job.id}.{kind}"

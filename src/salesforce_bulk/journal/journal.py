"""The journal of a run: one SQLite file of facts, each on the disk before the next step.

It can be read with the ``sqlite3`` program alone, also while the run goes on: the table ``run`` says what was asked, ``facts``
what happened, and the views ``parts``, ``applied`` and ``remaining`` what became of it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from ..errors import JournalError, JournalLocked, JournalTooNew
from ..facts import Fact, as_text, from_text

#: The format of the file. A newer one is refused: what its facts mean is not known here.
FORMAT: Final = 2
#: "sfbk": what ``file`` and ``PRAGMA application_id`` tell of the file.
_APPLICATION: Final = 0x7366626B
JOURNAL: Final = "journal.db"
_LOCK: Final = "lock.db"

_TABLES: Final = """
CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE facts (number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, fact TEXT NOT NULL);
-- One line a part: its rows, the job or batch that has them now, and how far it has come.
CREATE VIEW parts AS
WITH told AS (
    SELECT number, kind, fact ->> 'part' AS part, fact ->> 'job' AS job, fact ->> 'batch' AS batch, fact FROM facts
    WHERE fact ->> 'part' IS NOT NULL
), last AS (
    SELECT part, max(number) AS number FROM told WHERE kind NOT IN ('UploadBegun', 'JobLost') GROUP BY part
)
SELECT
    kept.part AS part,
    kept.fact ->> 'first_row' AS first_row,
    kept.fact ->> 'rows' AS rows,
    kept.fact ->> 'in_pass' AS in_pass,
    (SELECT job FROM told WHERE told.part = kept.part AND job IS NOT NULL ORDER BY number DESC LIMIT 1) AS job,
    (SELECT batch FROM told WHERE told.part = kept.part AND batch IS NOT NULL ORDER BY number DESC LIMIT 1) AS batch,
    CASE (SELECT kind FROM told JOIN last USING (number) WHERE last.part = kept.part)
        WHEN 'PartKept' THEN CASE WHEN EXISTS (SELECT 1 FROM told WHERE part = kept.part AND kind = 'UploadBegun')
            THEN 'perhaps sent, to be looked for' ELSE 'not sent' END
        WHEN 'JobMade' THEN 'job made, nothing sent or the sending broke off: no effect'
        WHEN 'JobGivenUp' THEN 'job given up without effect, not sent'
        WHEN 'PartSent' THEN 'the org works on it'
        WHEN 'PartEnded' THEN 'ended, outcomes to be fetched'
        WHEN 'PartSettled' THEN 'settled'
    END AS state,
    settled.fact ->> 'succeeded' AS succeeded,
    settled.fact ->> 'failed' AS failed,
    settled.fact ->> 'unprocessed' AS unprocessed
FROM told AS kept
LEFT JOIN told AS settled ON settled.number =
    (SELECT max(number) FROM told WHERE part = kept.part AND kind = 'PartSettled')
WHERE kept.kind = 'PartKept'
ORDER BY kept.part;
-- What is known to have been applied, and what is not settled yet.
CREATE VIEW applied AS SELECT part, first_row, rows, job, batch, succeeded, failed, unprocessed FROM parts
    WHERE state = 'settled';
CREATE VIEW remaining AS SELECT part, first_row, rows, job, batch, state FROM parts WHERE state != 'settled';
"""


class Journal:
    """The facts of one run. One process at a time; its threads share it."""

    def __init__(self, path: Path, lock: sqlite3.Connection, file: sqlite3.Connection) -> None:
        self.path = path
        self._lock_file = lock
        self._file = file
        self._lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, about: Mapping[str, Any]) -> Self:
        """A new journal in *folder*; *about* is what the run was asked to do, as values that JSON has."""
        lock = _locked(folder)
        try:
            return cls(folder / JOURNAL, lock, _made(folder / JOURNAL, about))
        except sqlite3.Error as error:
            lock.close()
            raise JournalError(
                f"No journal can be kept in {folder} ({error}).\nNothing was sent.\nMake room on the disk, and start anew."
            ) from error

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The journal of a run that was begun before, to go on with it.

        Raises:
            JournalLocked: Another process is at work on the run.
            JournalTooNew: A newer version of this package wrote it.
            JournalError: There is none, or it was never begun.
        """
        _checked(folder)
        lock = _locked(folder)
        try:
            file = sqlite3.connect(folder / JOURNAL, isolation_level=None, check_same_thread=False)
            file.execute("PRAGMA synchronous = FULL")
        except BaseException:
            lock.close()
            raise
        return cls(folder / JOURNAL, lock, file)

    def note(self, *facts: Fact) -> None:
        """Add *facts*, all of them or none; they are on the disk when this returns."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [(at, *as_text(fact)) for fact in facts]
        with self._lock:
            try:
                self._file.execute("BEGIN IMMEDIATE")
                self._file.executemany("INSERT INTO facts (at, kind, fact) VALUES (?, ?, ?)", lines)
                self._file.execute("COMMIT")
            except sqlite3.Error as error:
                raise JournalError(
                    f"The journal {self.path} cannot be written ({error}).\nWhat is under way goes on in the org; nothing "
                    "more was sent.\nMake room on the disk, then resume the run."
                ) from error
            finally:
                # Ctrl-C in the midst of it, too: other threads have things to write down yet.
                if self._file.in_transaction:
                    with suppress(sqlite3.Error):
                        self._file.rollback()

    def about(self) -> dict[str, Any]:
        """What the run was asked to do."""
        with self._lock:
            return {name: json.loads(value) for name, value in self._file.execute("SELECT name, value FROM run")}

    def facts(self) -> list[Fact]:
        """All facts, in their order."""
        with self._lock:
            try:
                lines = self._file.execute("SELECT kind, fact FROM facts ORDER BY number").fetchall()
            except sqlite3.Error as error:
                raise JournalError(
                    f"The journal {self.path} cannot be read ({error}).\nNothing was sent because of it.\n"
                    "Look at the org's jobs for what the run did."
                ) from error
        return [from_text(kind, told) for kind, told in lines]

    def close(self) -> None:
        with self._lock:
            self._file.close()
            self._lock_file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Journal {self.path.parent.name}>"


def read(folder: Path) -> tuple[dict[str, Any], list[Fact]]:
    """What a run was asked to do, and its facts, without going on with it: also while another process does."""
    _checked(folder)
    with _reading(folder) as file:
        about = {name: json.loads(value) for name, value in file.execute("SELECT name, value FROM run")}
        return about, [
            from_text(kind, told) for kind, told in file.execute("SELECT kind, fact FROM facts ORDER BY number")
        ]


def is_locked(folder: Path) -> bool:
    """Whether a process is at work on the run."""
    try:
        _locked(folder).close()
    except JournalLocked:
        return True
    except JournalError:
        return False
    return False


def _made(path: Path, about: Mapping[str, Any]) -> sqlite3.Connection:
    file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # Each fact costs one write that is waited for, and readers do not stand in the way.
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = FULL")
    file.execute(f"PRAGMA application_id = {_APPLICATION}")
    file.executescript(_TABLES)
    file.execute("BEGIN")
    file.executemany("INSERT INTO run VALUES (?, ?)", [(name, json.dumps(value)) for name, value in about.items()])
    # Last: a journal without a format was never begun.
    file.execute(f"PRAGMA user_version = {FORMAT}")
    file.execute("COMMIT")
    return file


class _reading:
    def __init__(self, folder: Path) -> None:
        self._file = sqlite3.connect(f"{(folder / JOURNAL).absolute().as_uri()}?mode=ro", uri=True)

    def __enter__(self) -> sqlite3.Connection:
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _checked(folder: Path) -> None:
    if not (folder / JOURNAL).exists():
        raise JournalError(f"There is no run in {folder}: it has no {JOURNAL}. Nothing was sent.")
    try:
        with _reading(folder) as file:
            (application,) = file.execute("PRAGMA application_id").fetchone()
            (found,) = file.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise JournalError(
            f"The journal {folder / JOURNAL} cannot be read ({error}).\nNothing was sent.\n"
            "Look at the org's jobs for what the run did."
        ) from error
    if found > FORMAT:
        raise JournalTooNew(
            f"The journal of run {folder.name} has format {found}; this version reads formats up to {FORMAT}.\n"
            "Nothing was sent.\nResume it with the version that began it, or a newer one."
        )
    if application != _APPLICATION or found < 1:
        raise JournalError(
            f"Run {folder.name} was never begun: its journal is empty.\nNothing was sent.\nStart it anew."
        )


def _locked(folder: Path) -> sqlite3.Connection:
    """A lock that the system takes back when the process dies, however it dies: an open transaction of SQLite."""
    lock = sqlite3.connect(folder / _LOCK, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise JournalError(
                f"Run {folder.name} cannot be locked in {folder} ({error}).\nNothing was sent from here.\n"
                "Make room on the disk, and see that the folder can be written to."
            ) from error
        raise JournalLocked(
            f"Another process is at work on run {folder.name}.\nNothing was sent from here.\n"
            "Wait until it has ended, then resume the run."
        ) from error
    return lock

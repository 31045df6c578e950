"""What has been done of a job, kept beside the records that it wrote.

The outcomes of up to 200 rows are written in the transaction that writes the rows: a process that dies at any moment leaves
both or neither. After a restart the job is done again from its first row; what is found here is not done twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from .database import Cell, Plan, RowError, SaveResult, Store


class Applied:
    """The outcomes of the job or batch *id*, in the order of its rows."""

    def __init__(self, store: Store, id: str) -> None:
        self._store = store
        self._id = id
        self._known: deque[SaveResult] = deque()
        if store.outlives_the_process:
            with store.reader() as connection:
                found = connection.execute("SELECT results FROM _applied WHERE id = ? ORDER BY rowid", (id,))
                for (text,) in found:
                    self._known.extend(map(_read, json.loads(text)))

    @property
    def known(self) -> tuple[int, int]:
        """How many rows were done before the restart, and how many of them failed."""
        return len(self._known), sum(not result.success for result in self._known)

    def apply(self, plan: Plan, rows: Iterable[Sequence[Cell] | RowError]) -> list[SaveResult]:
        """One result per row: the one that was written down before the restart, or that of doing it now."""
        remaining = iter(rows)
        results = [self._known.popleft() for _ in islice(remaining, len(self._known))]
        return results + plan.apply(remaining, self._note if self._store.outlives_the_process else None)

    def _note(self, connection: sqlite3.Connection, results: Sequence[SaveResult]) -> None:
        text = json.dumps([_written(result) for result in results], separators=(",", ":"))
        connection.execute("INSERT INTO _applied (id, results) VALUES (?, ?)", (self._id, text))


def forget(store: Store, id: str) -> None:
    """The job has ended, and its results are kept elsewhere."""
    if store.outlives_the_process:
        with store.writing() as connection:
            connection.execute("DELETE FROM _applied WHERE id = ?", (id,))


def _written(result: SaveResult) -> list[Any]:
    errors = [[error.code, error.message, list(error.fields)] for error in result.errors]
    return [result.id, int(result.success), int(result.created), *([errors] if errors else [])]


def _read(written: list[Any]) -> SaveResult:
    id, success, created, *errors = written
    told = tuple(RowError(code, message, tuple(fields)) for code, message, fields in (errors[0] if errors else ()))
    return SaveResult(id, bool(success), bool(created), told)

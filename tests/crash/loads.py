"""The loads whose every step is a place to die at: small, in several parts, with rows that the org refuses."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.results import IngestResult

#: The exit code of a load that was asked to end and did.
ENDED = 5


@dataclass(frozen=True)
class Load:
    """One load. *kind*: its rows come from a file, or from an iterator that gives them once."""

    operation: str
    api: str
    parallel: int
    kind: str = "file"
    retries: int = 0

    @property
    def name(self) -> str:
        return f"{self.operation}-{self.api}-{self.parallel}-{self.kind}" + (
            f"-retries{self.retries}" if self.retries else ""
        )

    @property
    def sobject(self) -> str:
        return "Contact" if self.retries else "Account"

    def perform(self, sf: Org, path: Path) -> IngestResult:
        more: dict[str, Any] = {"external_id": "Key__c"} if self.operation == "upsert" else {}
        verb = getattr(sf, self.operation)
        result: IngestResult = verb(
            self.sobject,
            path if self.kind == "file" else rows_of(path),
            api=self.api,
            part_rows=3,
            parallel_jobs=self.parallel,
            retries=self.retries,
            **more,
        )
        return result


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def opened(url: str, token: str) -> Org:
    """An org whose pauses are short."""
    clock = Clock(sleep=lambda seconds: time.sleep(min(seconds, 0.01)))
    return connect(login=AccessToken(token, instance_url=url), api_version="66.0", clock=clock)


def die() -> None:
    """At once: no finally, no atexit, nothing flushed."""
    os.kill(os.getpid(), 9)

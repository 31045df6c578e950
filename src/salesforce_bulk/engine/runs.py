"""The folder of a run: parts and results on their way, outcomes, and the receipt."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

RECEIPT = "receipt.json"


def home() -> Path:
    """Where runs are kept: ``SFBULK_HOME``, else the platform's own folder for data of programs."""
    if chosen := os.environ.get("SFBULK_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "salesforce-bulk"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "salesforce-bulk"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "salesforce-bulk"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run, by its id."""

    run_id: str
    path: Path

    @classmethod
    def new(cls) -> RunFolder:
        """A folder that nobody else can read: it holds rows on their way."""
        while True:
            run_id = f"r-{secrets.token_hex(4)}"
            path = home() / "runs" / run_id
            try:
                path.mkdir(mode=0o700, parents=True)
            except FileExistsError:
                continue
            return cls(run_id, path)

    def part(self, number: int) -> Path:
        return self.path / f"part-{number}.csv"

    def outcomes(self, number: int) -> Path:
        return self.path / f"outcomes-{number}.jsonl"

    def result(self, number: int, kind: str) -> Path:
        return self.path / f"part-{number}.{kind}.csv"

    def write_receipt(self, receipt: Mapping[str, Any]) -> None:
        with whole_file(self.path / RECEIPT) as file:
            file.write(json.dumps(receipt, indent=1, default=str).encode() + b"\n")


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is complete, and not before; what was there stays until then."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

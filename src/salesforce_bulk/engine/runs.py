"""The folder of a run: parts and results on their way, outcomes, and the receipt."""

from __future__ import annotations

import io
import json
import os
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

RECEIPT = "receipt.json"
#: After so many bytes the disk is set to work, beside us, so that it has little left to do at the end.
_SYNC_BYTES: Final = 32 * 1024 * 1024


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


class _SyncedBeside(io.BufferedWriter):
    """A new file whose bytes are brought to the disk in a thread of their own while more are written."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path, "x"))
        self._unsynced = 0
        self._thread: threading.Thread | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        count = super().write(data)
        self._unsynced += count
        if self._unsynced >= _SYNC_BYTES and (self._thread is None or not self._thread.is_alive()):
            self._unsynced = 0
            self._thread = threading.Thread(target=self._head_start, name="sync", daemon=True)
            self._thread.start()
        return count

    def _head_start(self) -> None:
        with suppress(OSError):  # whether all is on the disk is asked, and answered, at the end
            os.fsync(self.fileno())

    def sync(self) -> None:
        """Return when all bytes are on the disk."""
        self.flush()
        os.fsync(self.fileno())

    def close(self) -> None:
        if self._thread is not None:
            self._thread.join()
        super().close()


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is complete, and not before; what was there stays until then."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with _SyncedBeside(temporary) as file:
            yield file
            file.sync()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

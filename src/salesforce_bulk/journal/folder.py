"""The folder of a run: parts and results on their way, outcomes, and the receipt. Each file appears when it is whole."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import sys
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import JournalError, OutputError
from ..frozen import frozen
from .journal import JOURNAL

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

RECEIPT = "receipt.json"
#: After so many bytes the disk is set to work, beside us, so that it has little left to do at the end.
_SYNC_BYTES: Final = 32 * 1024 * 1024
#: So many bytes of a part are written at once, beside whoever makes the next ones, who seldom lets go of the interpreter: for
#: each step a thread may have to wait 5 ms for it. Of a million dicts, a tenth of the time.
_BESIDE_BYTES: Final = 4 * 1024 * 1024


def home() -> Path:
    """Where runs are kept: ``SFBULK_HOME``, else the platform's own folder for data of programs."""
    if chosen := os.environ.get("SFBULK_HOME"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "salesforce-bulk"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "salesforce-bulk"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "salesforce-bulk"


def runs_folder() -> Path:
    return home() / "runs"


class Kept(NamedTuple):
    """A part that stands in the folder: its size, and what its bytes add up to."""

    bytes: int
    sha256: str


@frozen
class RunFolder:
    """One run, by its id."""

    run_id: str
    path: Path

    @classmethod
    def new(cls) -> RunFolder:
        """A folder that nobody else can read: it holds rows on their way.

        Raises:
            JournalError: It cannot be made.
        """
        while True:
            run_id = f"r-{secrets.token_hex(4)}"
            path = runs_folder() / run_id
            try:
                path.mkdir(mode=0o700, parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise JournalError(
                    f"No folder for a run can be made in {path.parent} ({error.strerror or error}).\nNothing was sent.\n"
                    "Make room on the disk, or name a folder that can be written to: SFBULK_HOME."
                ) from error
            return cls(run_id, path)

    @classmethod
    def of(cls, run_id: str) -> RunFolder:
        """The folder of a run that was begun before.

        Raises:
            JournalError: There is none.
        """
        path = runs_folder() / run_id
        if path.name != run_id or not path.is_dir():
            raise JournalError(f"There is no run {run_id!r} in {path.parent}. Nothing was sent. sf.runs() lists them.")
        return cls(run_id, path)

    def part(self, number: int) -> Path:
        return self.path / f"part-{number}.csv"

    def rows(self, number: int) -> Path:
        """Which rows of the input stand in a part of a later pass."""
        return self.path / f"part-{number}.rows"

    def outcomes(self, number: int) -> Path:
        return self.path / f"outcomes-{number}.jsonl"

    def result(self, number: int, kind: str) -> Path:
        return self.path / f"part-{number}.{kind}.csv"

    def keep(self, number: int, pieces: Iterable[bytes]) -> Kept:
        """Write a part down, whole or not at all. Errors of *pieces* are its own.

        Raises:
            JournalError: It cannot be written.
        """
        with self._room_for(number), whole_file(self.part(number)) as file:
            return _written(file, pieces)

    def page(self, number: int) -> Path:
        return self.path / f"page-{number}.csv"

    def keep_page(self, number: int, pieces: Iterable[bytes]) -> Kept:
        """Write a page of a query's result down, whole or not at all. Errors of *pieces* are its own.

        Raises:
            JournalError: It cannot be written.
        """
        try:
            with whole_file(self.page(number)) as file:
                return _written(file, pieces)
        except Unwritable as error:
            raise JournalError(
                f"Page {number} cannot be kept in {self.path} ({error.strerror}).\nNo data was changed; the pages before it "
                "are kept.\nMake room on the disk, then go on with the query."
            ) from error

    def keep_rows(self, number: int, rows: array[int]) -> None:
        with self._room_for(number), whole_file(self.rows(number)) as file:
            file.write(rows.tobytes())

    def read_rows(self, number: int) -> array[int]:
        rows = array("q")
        rows.frombytes(self.rows(number).read_bytes())
        return rows

    def write_receipt(self, receipt: Mapping[str, Any]) -> None:
        """
        Raises:
            JournalError: It cannot be written.
        """
        try:
            with whole_file(self.path / RECEIPT) as file:
                file.write(json.dumps(receipt, indent=1, default=str).encode() + b"\n")
        except OSError as error:
            raise JournalError(
                f"The receipt of run {self.run_id} cannot be written ({error.strerror or error}).\n"
                "What was sent, and what became of it, is in the journal.\n"
                f"Make room on the disk; sf.resume({self.run_id!r}) gives the result."
            ) from error

    def read_receipt(self) -> dict[str, Any]:
        """What was written last; nothing if there is none that can be read."""
        try:
            told = json.loads((self.path / RECEIPT).read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def forget_parts(self, numbers: Iterable[int]) -> None:
        """Parts whose outcomes are known."""
        for number in numbers:
            self.part(number).unlink(missing_ok=True)
            self.rows(number).unlink(missing_ok=True)

    def tidy(self, keeping: Iterable[int] = ()) -> None:
        """Leave nothing of the rows on their way, but the parts that are still needed."""
        wanted = {path.name for number in keeping for path in (self.part(number), self.rows(number))}
        for path in self.path.iterdir():
            is_ours = path.name.startswith(("part-", "again-")) or path.suffix == ".part"
            if is_ours and path.name not in wanted:
                path.unlink(missing_ok=True)

    @contextmanager
    def room(self, what: str) -> Iterator[None]:
        """For what is written beside parts and outcomes.

        Raises:
            JournalError: *what* cannot be written.
        """
        try:
            yield
        except OSError as error:
            raise JournalError(
                f"{what} cannot be written down in {self.path} ({error.strerror or error}).\nWhat had been sent is in the "
                "journal; nothing more was sent.\nMake room on the disk, then resume the run."
            ) from error

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def _room_for(self, number: int) -> Iterator[None]:
        try:
            yield
        except Unwritable as error:
            raise JournalError(
                f"Part {number} cannot be kept in {self.path} ({error.strerror}).\nIt was not sent; what is under way "
                "goes on in the org.\nMake room on the disk, then resume the run."
            ) from error


def _written(file: IO[bytes], pieces: Iterable[bytes]) -> Kept:
    """Write *pieces*, in a thread of their own where they are many, while the next ones are made."""
    digest = sha256()
    size = 0

    def write(some: list[bytes]) -> None:
        data = b"".join(some)
        digest.update(data)
        file.write(data)

    held: list[bytes] = []
    count = 0
    with ExitStack() as stack:
        beside: ThreadPoolExecutor | None = None
        under_way: Future[None] | None = None
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            count += len(piece)
            if count >= _BESIDE_BYTES:
                if beside is None:
                    beside = stack.enter_context(ThreadPoolExecutor(1, "keep"))
                if under_way is not None:
                    under_way.result()
                under_way = beside.submit(write, held)
                held, count = [], 0
        if under_way is not None:
            under_way.result()
        write(held)
    return Kept(size, digest.hexdigest())


class Unwritable(OSError):
    """A file of ours cannot be written. Not to be mistaken for an error of what it is made of, which may be an OSError, too."""

    def __init__(self, error: OSError, path: Path) -> None:
        super().__init__(error.errno, error.strerror or str(error), str(path))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(error, path) from error


class _Raw(io.FileIO):
    """Where all that is written to the file goes through."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _writing(path):
            super().__init__(path, "x")

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise Unwritable(error, self.path) from error


class _SyncedBeside(io.BufferedWriter):
    """A new file whose bytes are brought to the disk in a thread of their own while more are written."""

    def __init__(self, path: Path) -> None:
        super().__init__(_Raw(path))
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
    """A file that appears under its name when it is complete, and not before; what was there stays until then.

    Raises:
        Unwritable: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    file = _SyncedBeside(temporary)
    try:
        try:
            yield file
            with _writing(path):
                file.sync()
                file.close()
                temporary.replace(path)
        except BaseException:
            with suppress(OSError):  # what is still in its buffer does not matter, and may have no room
                file.close()
            raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def output_file(path: Path) -> Iterator[IO[bytes]]:
    """The same, for a file that a caller has asked for.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        with whole_file(path) as file:
            yield file
    except Unwritable as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror}).\nNothing of it was left behind, and what was there before is as it "
            "was; in the org nothing was changed.\nMake room on the disk, or name another file, and write it again."
        ) from error


def old_runs(seconds: float, now: float) -> Sequence[RunFolder]:
    """Runs to which nothing was added for so long."""
    folder = runs_folder()
    if not folder.is_dir():
        return ()
    found = []
    for path in folder.iterdir():
        with suppress(OSError):  # one that somebody else removes meanwhile
            if now - (path / JOURNAL).stat().st_mtime > seconds:
                found.append(RunFolder(path.name, path))
    return found


def all_runs() -> Sequence[RunFolder]:
    folder = runs_folder()
    return [RunFolder(path.name, path) for path in sorted(folder.iterdir())] if folder.is_dir() else ()

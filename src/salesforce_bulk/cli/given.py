"""The rows that a command is given: a file, or stdin, which is kept in one for as long as a run needs it."""

from __future__ import annotations

import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ..errors import JournalError, UsageError

_PIECE_BYTES: Final = 1024 * 1024


@contextmanager
def rows(file: str) -> Iterator[Path]:
    """The path of *file*; of ``-``, that of a copy of stdin: rows are read more than once, and by a resume in another
    process. The copy goes when the load has ended, unless there is a run that may need it.
    """
    if file != "-":
        yield Path(file)
        return
    _tidy()
    path = _kept()
    try:
        yield path
    except BaseException as error:
        if getattr(error, "run_id", None) is None:
            path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def _folder() -> Path:
    from ..journal.folder import home

    return home().absolute() / "stdin"


def _kept() -> Path:
    from ..journal.folder import whole_file

    path = _folder() / f"rows-{secrets.token_hex(4)}.csv"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(path) as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy, _PIECE_BYTES)
    except OSError as error:
        raise UsageError(
            f"The rows from stdin cannot be kept in {path.parent} ({error.strerror or error}). Nothing was sent. "
            "Make room there, or have SFBULK_HOME name another folder."
        ) from error
    return path


def _tidy() -> None:
    """Remove copies that nobody will ask for: of runs that ended long ago, and of commands that were killed."""
    from ..verbs.runs import KEEP_SECONDS, runs

    folder = _folder()
    if not folder.is_dir():
        return
    needed = {_copy_of(run.run_id) for run in runs() if run.state != "finished"}
    for path in folder.iterdir():
        with suppress(OSError):  # one that somebody else removes meanwhile
            if time.time() - path.stat().st_mtime > KEEP_SECONDS and path not in needed:
                path.unlink()


def forget(run_id: str) -> None:
    """Remove the copy of stdin that a run was begun with, if it was: the run has come to its end."""
    path = _copy_of(run_id)
    if path is not None:
        path.unlink(missing_ok=True)


def _copy_of(run_id: str) -> Path | None:
    """The copy of stdin that a run was begun with; None if it was begun with something else."""
    from ..journal.folder import RunFolder
    from ..journal.journal import read

    with suppress(JournalError):
        about, _ = read(RunFolder.of(run_id).path)
        source = Path(about["source"].get("path", ""))
        if source.parent == _folder():
            return source
    return None

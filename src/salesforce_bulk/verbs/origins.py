"""Where the rows of a run come from, and which org it is for: what a resume has to find unchanged."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..data.source import Block, Detected, Source
from ..data.sources import open_source
from ..errors import JournalError, SourceChanged, UsageError
from ..facts import PartKept
from ..protocol import ingest2
from ..records import Dialect
from .setting import Setting

SAMPLE_BYTES: Final = 64 * 1024


def place_of(setting: Setting) -> dict[str, Any]:
    """Which org: its id, where the session knows it, its host, and the API version."""
    url = urlsplit(setting.driver.access.url(ingest2.list_jobs()))
    version = re.search(r"/v(\d+\.\d+)/", url.path)
    return {
        "org_id": setting.organization_id(),
        "host": url.netloc,
        "api_version": version[1] if version else None,
    }


def check_same_org(setting: Setting, about: Mapping[str, Any]) -> None:
    """
    Raises:
        JournalError: The run is for another org.
    """
    now = place_of(setting)
    ids = about["org_id"], now["org_id"]
    if ids[0] == ids[1] if all(ids) else about["host"] == now["host"]:
        return
    raise JournalError(
        f"Run {about['run_id']} is for the org {about['org_id'] or ''} at {about['host']}, and this is "
        f"{now['org_id'] or ''} at {now['host']}.\nNothing was sent.\nResume it with a session of its own org."
    )


def source_told(rows: Any) -> dict[str, Any]:
    """What is kept of where rows come from. To be asked before they are looked at: a change after that is found out."""
    if isinstance(rows, str | os.PathLike):
        path = Path(rows).absolute()
        return {"kind": "file", "path": str(path), "fingerprint": _fingerprint(path)}
    return {"kind": "rows", "type": type(rows).__name__}


def _fingerprint(path: Path) -> str | None:
    """Changes when the file changes, and stays when it is moved to another machine with its time."""
    try:
        about = path.stat()
    except OSError:
        return None
    return f"{about.st_size}-{about.st_mtime_ns}"


def checked_path(about: Mapping[str, Any]) -> Path:
    """The file of a run, if it is the one that was looked at.

    Raises:
        SourceChanged: It is another one, or none.
    """
    path, run_id = Path(about["source"]["path"]), about["run_id"]
    found = _fingerprint(path)
    if found is None or found != about["source"]["fingerprint"]:
        raise _changed(path, run_id, "is not there" if found is None else "was changed since")
    return path


def check_samples(source: Source, kept: Iterable[PartKept], about: Mapping[str, Any]) -> None:
    """
    Raises:
        SourceChanged: The bytes of these parts are not in the file any more, although it looks as it did.
    """
    for part in kept:
        if part.start is None or part.stop is None or part.sample is None:
            continue
        if sample_of(source, part.start, part.stop) != part.sample:
            raise _changed(Path(about["source"]["path"]), about["run_id"], "was changed since, though not its time")


def sample_of(source: Source, start: int, stop: int) -> str:
    """What the bytes of a file from *start* to *stop* are known by: their first and their last ones.

    Not all of them: they are not read before they are sent, and for a million rows (234 MB) that, with the SHA-256 of them,
    would take 0.3 s; a sample takes 0.12 ms a part. Whoever changes a file changes its time, which is compared first. This
    finds another file that was given the old one's time, and one whose rows have moved.
    """
    digest = sha256()
    for at, end in ((start, min(start + SAMPLE_BYTES, stop)), (max(stop - SAMPLE_BYTES, start), stop)):
        for piece in source.pieces(at, end):
            digest.update(piece)
    return digest.hexdigest()


def _changed(path: Path, run_id: str, how: str) -> SourceChanged:
    return SourceChanged(
        f"{path}, whose rows run {run_id} loads, {how}.\n"
        "Nothing was sent from here; what was sent before is in the journal.\n"
        f"Put the file back as it was; or name another that has the same rows: sf.resume({run_id!r}, rows=...)."
    )


class GoneSource(Source):
    """Rows that were all taken in, and are not needed any more: their columns. A file is opened when it is asked for."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.columns = tuple(about["columns"])
        self.dialect = Dialect(**about["dialect"])
        self.detected = Detected(kind=about["source"].get("type") or about["source"]["kind"])
        self._about = about
        self.reopenable = about["source"]["kind"] == "file"

    def blocks(self, dialect: Dialect) -> Iterator[Block]:  # noqa: ARG002 -- there are none
        raise UsageError("The rows of this run were taken in before. Nothing was sent.")

    def as_given(self) -> Source:
        return open_source(checked_path(self._about)).as_given()

"""``resume``: go on with a run, in another process, from what its journal says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from ..data.parts import PartStream, parts
from ..data.source import Source
from ..engine.resume import Left, PartLeft, left_of
from ..errors import SourceChanged, UsageError
from ..facts import PartKept, RunResumed
from ..journal.folder import RunFolder
from ..journal.journal import Journal
from ..options import LoadOptions
from ..records import Dialect, PartLimits
from ..results import IngestResult
from .loading import Lacking, Load, Progress
from .origins import GoneSource, check_same_org, check_samples, checked_path, sample_of
from .setting import Setting, stop_after
from .writing import asked_for, open_rows


def resume(
    setting: Setting, run_id: str, rows: Any, on_progress: Progress | None, run_seconds: float | None
) -> IngestResult:
    stop = stop_after(run_seconds, setting)
    folder = RunFolder.of(run_id)
    with Journal.open(folder.path) as journal:
        about = journal.about()
        if about.get("verb") != "load":
            raise UsageError(
                f"Run {run_id} is no load. Nothing was sent. sf.resume_query({run_id!r}) goes on with a query."
            )
        check_same_org(setting, about)
        left = left_of(journal.facts())
        source, is_there = _source(about, left, rows)
        asked = asked_for(
            about["operation"],
            about["object"],
            about["external_id"],
            source,
            LoadOptions(**about["options"]),
            about["api"],
            about["why"],
            PartLimits(**about["limits"]),
        )
        remaining: Iterator[PartStream] | None = None
        if is_there:
            cut = parts(source, asked.limits, asked.dialect(asked.api))
            remaining = _remaining(cut, left.of_pass(1), about, source, are_new=rows is not None)
        if is_there and rows is None:
            check_samples(source, (part.kept for part in left.of_pass(1) if part.settled is None), about)
        if left.input_read is not None and remaining is not None:
            # Slices of the file are needed, and nothing else of it: it only has to be the same.
            if rows is not None and next(remaining, None) is not None:
                raise _others(about, f"they go on after row {left.rows - 1}")
            remaining = None
        if left.ended is None:
            journal.note(RunResumed())
            left = left_of(journal.facts())
        run = Load(setting, asked, folder, journal, left, on_progress, stop, about["started_at"])
        if left.input_read is None and not is_there:
            return run.carry_out(None, Lacking(left.rows, about["source"]["type"]))
        return run.carry_out(remaining)


def _source(about: Mapping[str, Any], left: Left, rows: Any) -> tuple[Source, bool]:
    """The rows of the run, and whether they can be read."""
    needs_file = left.input_read is None or any(
        part.settled is None and part.kept.start is not None for part in left.parts
    )
    if rows is None and not (needs_file and about["source"]["kind"] == "file"):
        return GoneSource(about), False
    given = checked_path(about) if rows is None else rows
    source = open_rows(given, about["operation"], about["nulls"], about["options"].get("rename"))
    if source.columns != tuple(about["columns"]) or source.dialect != Dialect(**about["dialect"]):
        raise _others(about, "they have other columns, or are written otherwise")
    return source, True


def _remaining(
    cut: Iterable[PartStream], known: list[PartLeft], about: Mapping[str, Any], source: Source, *, are_new: bool
) -> Iterator[PartStream]:
    """The parts that were not taken from the input yet. Those that were have to be the same again."""
    seen = 0
    for part in cut:
        if part.number >= len(known):
            yield part
            continue
        kept = known[part.number].kept
        # A part that was read when it was kept is read now; a slice of the same file is not.
        digest = _digest(part) if part.again is None or (are_new and kept.sha256 is not None) else None
        sample = sample_of(source, *part.offsets) if are_new and kept.sample and part.offsets else None
        if not _is_same(part, kept, digest) or sample not in (None, kept.sample):
            raise _others(about, f"part {kept.part}, from row {kept.first_row} on, is another one")
        seen += 1
    if seen < len(known):
        raise _others(about, f"they end before row {known[seen].kept.first_row}")


def _digest(part: PartStream) -> str:
    digest = sha256()
    for piece in part:
        digest.update(piece)
    return digest.hexdigest()


def _is_same(part: PartStream, kept: PartKept, digest: str | None) -> bool:
    return (
        (part.first_row, part.rows, part.bytes) == (kept.first_row, kept.rows, kept.bytes)
        and (kept.start is None or part.offsets == (kept.start, kept.stop))
        and (digest is None or kept.sha256 is None or digest == kept.sha256)
    )


def _others(about: Mapping[str, Any], how: str) -> SourceChanged:
    return SourceChanged(
        f"These are not the rows of run {about['run_id']}: {how}.\n"
        "None of them was sent; what was sent before is in the journal.\n"
        "Hand in the rows as they were, all of them, in their order."
    )

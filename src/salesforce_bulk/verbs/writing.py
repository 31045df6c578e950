"""``insert``, ``update``, ``upsert``, ``delete``, ``hard_delete``: what is asked for, checked, and a run begun with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from ..__version__ import __version__
from ..data.extras import has_pyarrow
from ..data.parts import BULK1, BULK2, REST, parts
from ..data.source import Nulls, Source
from ..data.sources import open_source
from ..engine.resume import Left
from ..engine.stop import Stop
from ..errors import AnswerMalformed, ApiError, UsageError
from ..facts import PartSettled
from ..journal.folder import RunFolder
from ..journal.journal import Journal, read
from ..options import LoadOptions
from ..records import PartLimits
from ..results import IngestResult, QueryResult
from ..wire.names import NULL_CELL, Operation
from .loading import Asked, Load
from .origins import place_of, source_told
from .runs import remove_old_runs
from .setting import Setting, check_at_least_one, check_choice, check_job_seconds, stop_after

LOAD_APIS: Final = ("auto", "bulk2", "bulk1", "rest")

_MOST: Final = {"bulk2": BULK2, "bulk1": BULK1, "rest": REST}


def write(
    setting: Setting,
    operation: str,
    sobject: str,
    rows: Any,
    *,
    external_id: str | None,
    nulls: Nulls,
    options: LoadOptions,
    on_progress: Callable[[Mapping[str, Any]], Any] | None,
) -> IngestResult:
    check_choice("api", options.api, LOAD_APIS)
    check_choice("outcomes", options.outcomes, ("now", "later"))
    check_at_least_one(part_rows=options.part_rows, part_bytes=options.part_bytes, parallel_jobs=options.parallel_jobs)
    check_job_seconds(options.job_seconds)
    if options.retries < 0:
        raise UsageError(f"retries is 0 or more, not {options.retries}. Nothing was sent.")
    _check_api(operation, options)
    stop = stop_after(options.run_seconds, setting)
    origin = source_told(rows)
    is_small = _is_small(rows)  # before it is opened: a relation of duckdb cannot be asked afterwards
    source = open_rows(rows, operation, nulls, options.rename)
    _check_columns(operation, source, external_id)
    api, why = _api_for(operation, source, external_id, options, is_small=is_small)
    remove_old_runs()

    def carried_out(api: str, why: str) -> IngestResult:
        asked = asked_for(operation, sobject, external_id, source, options, api, why, _limits(_MOST[api], options))
        return _carried_out(setting, asked, origin, nulls, on_progress, stop)

    try:
        return carried_out(api, why)
    except (ApiError, AnswerMalformed) as refused:
        if options.api != "auto" or api != "rest" or not source.reopenable or not _is_not_offered(refused):
            raise
        status = refused.status_code
    return carried_out("bulk2", f"REST is not offered for it here (HTTP {status})")


def _is_not_offered(refused: ApiError | AnswerMalformed) -> bool:
    """Whether REST has no such call here and nothing of the rows was heard. Then nothing is left of the run either."""
    if refused.run_id is None or refused.applied is not False or refused.status_code not in (404, 405, 501):
        return False
    folder = RunFolder.of(refused.run_id)
    if any(isinstance(fact, PartSettled) for fact in read(folder.path)[1]):
        return False
    folder.remove()
    return True


def _carried_out(
    setting: Setting,
    asked: Asked,
    origin: Mapping[str, Any],
    nulls: Nulls,
    on_progress: Callable[[Mapping[str, Any]], Any] | None,
    stop: Stop,
) -> IngestResult:
    """The whole load, as a run of its own."""
    place = place_of(setting)
    source, options = asked.source, asked.options
    folder = RunFolder.new()
    about = {
        "verb": "load",
        "run_id": folder.run_id,
        "operation": asked.operation,
        "object": asked.sobject,
        "external_id": asked.external_id,
        "nulls": nulls,
        "options": asdict(options),
        "api": asked.api,
        "why": asked.why,
        "limits": asdict(asked.limits),
        "source": origin,
        "columns": source.columns,
        "dialect": asdict(source.dialect),
        **place,
        "version": __version__,
        "started_at": _now(),
    }
    run: Load | None = None
    try:
        with Journal.create(folder.path, about) as journal:
            run = Load(setting, asked, folder, journal, Left(), on_progress, stop, about["started_at"])
            return run.carry_out(parts(source, asked.limits, asked.dialect(asked.api)))
    finally:
        if run is None or run.is_void:
            folder.remove()


def open_rows(rows: Any, operation: str, nulls: Nulls, rename: Mapping[str, str] | None) -> Source:
    """A delete sends ``Id`` and nothing else."""
    only: tuple[str, ...] | None = None
    if operation in (Operation.DELETE, Operation.HARD_DELETE):
        rename = {old: new for old, new in (rename or {}).items() if new == "Id"}
        only = tuple(rename) or ("Id",)
    if isinstance(rows, QueryResult) and not has_pyarrow():
        rows = _Dicts(rows)
    return open_source(rows, nulls=nulls, only=only, rename=rename)


class _Dicts:
    """The rows of a query, which offers a stream of Arrow, too, that nobody here can take."""

    def __init__(self, rows: QueryResult) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)


def asked_for(
    operation: str,
    sobject: str,
    external_id: str | None,
    source: Source,
    options: LoadOptions,
    api: str,
    why: str,
    limits: PartLimits,
) -> Asked:
    limits_of = partial(_limits_of, options)
    return Asked(operation, sobject, external_id, source, options, api, why, limits, limits_of)


def _limits_of(options: LoadOptions, api: str) -> PartLimits:
    return _limits(_MOST[api], options)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_api(operation: str, options: LoadOptions) -> None:
    if options.serial and options.api in ("bulk2", "rest"):
        name = "Bulk API 2.0" if options.api == "bulk2" else "REST"
        raise UsageError(f"{name} has no serial mode. Nothing was sent. Leave api out, or take api='bulk1'.")
    if options.api == "rest" and operation == Operation.HARD_DELETE:
        raise UsageError("REST has no hard delete. Nothing was sent. Leave api out, or take api='bulk2'.")


def _api_for(
    operation: str, source: Source, external_id: str | None, options: LoadOptions, *, is_small: bool
) -> tuple[str, str]:
    if options.serial:
        return "bulk1", "serial mode exists in Bulk API 1.0 only"
    if options.api != "auto":
        return options.api, "as asked for"
    if operation == Operation.HARD_DELETE or not is_small or _is_about_parts(options):
        return "bulk2", "one job for up to 100 MB"
    # When an answer is lost, a job can be asked what it did. A REST call cannot, and what it made would be made twice.
    if operation == Operation.INSERT:
        return "bulk2", "an insert: a job can be asked what it did when an answer is lost"
    if operation == Operation.UPSERT and not _has_keys(source, external_id):
        return "bulk2", "rows without a key: a job can be asked what it did when an answer is lost"
    return "rest", f"{REST.rows} rows at most: one REST call"


def _is_small(rows: Any) -> bool:
    """One call takes the input whole. A job takes seven calls and its time in the queue, however small; two calls and more
    would give up what a job has over them: it can be asked what it did when an answer is lost."""
    return isinstance(rows, Sized) and not isinstance(rows, str | bytes | Mapping) and len(rows) <= REST.rows


def _has_keys(source: Source, external_id: str | None) -> bool:
    """Each row has a value by which the org finds again what it made of it; False where they cannot be looked at."""
    if not source.reopenable:
        return False
    names = [name.lower() for name in source.columns]
    if (external_id or "").lower() not in names:
        return True  # an input without rows
    place = names.index((external_id or "").lower())
    return all(row[place] not in ("", NULL_CELL) for row in source.rows_again())


def _is_about_parts(options: LoadOptions) -> bool:
    """Who says how jobs are made wants jobs. An assignment rule too: what REST does with one on an update differs."""
    return any((options.part_rows, options.part_bytes, options.assignment_rule_id))


def _check_columns(operation: str, source: Source, external_id: str | None) -> None:
    """What cannot be right whatever the org. An input without rows has no columns, and is done at once."""
    names = {name.lower() for name in source.columns}
    if not names:
        return
    needed = external_id if operation == Operation.UPSERT else None if operation == Operation.INSERT else "Id"
    if needed and needed.lower() not in names:
        raise UsageError(
            f"The operation {operation} needs the column {needed!r}; the rows have {', '.join(source.columns)}. "
            "Nothing was sent."
        )
    if operation == Operation.INSERT and "id" in names:
        raise UsageError("An insert takes no column 'Id'; to change records, update or upsert. Nothing was sent.")


def _limits(most: PartLimits, options: LoadOptions) -> PartLimits:
    return replace(
        most,
        rows=min(most.rows, options.part_rows or most.rows),
        bytes=min(most.bytes, options.part_bytes or most.bytes),
    )

"""What would go wrong with a load, and what it would cost, before anything is sent.

The rows are read once, as they would be sent, and compared with the org's describe: in stretches of some thousand rows,
column by column. A column that a pattern proves right as a whole costs next to nothing; only in others each different
value is judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from ..data.parts import BULK1, BULK2
from ..data.source import Detected, Nulls, Source
from ..errors import ApiError, TransportError, UsageError
from ..wire.names import Operation
from .columns import DELETIONS, CheckedColumn, Compiler
from .objects import Describe, Objects, nearest
from .report import Allowance, Calls, CheckReport, Cost
from .rows import Rows, opened, too_long_rows
from .tally import Rule, Tally
from .values import units

#: Rows of the batches into which the org cuts a 2.0 upload; each counts for ``DailyBulkApiBatches`` (bulk-api-2, 9).
_INTERNAL_BATCH_ROWS: Final = 10_000
#: Create, upload, complete, one look at the least, three result files.
_REQUESTS_A_JOB2: Final = 7
#: Of 1.0: create and close the job; for each batch add it, look at the least once, fetch its result.
_REQUESTS_A_JOB1: Final = 2
_REQUESTS_A_BATCH1: Final = 3

_SPELLINGS: Final = {
    **{name: name for name in (Operation.INSERT, Operation.UPDATE, Operation.UPSERT, Operation.DELETE)},
    **dict.fromkeys((Operation.HARD_DELETE, "hard_delete", "hard-delete"), Operation.HARD_DELETE),
}


def check(
    operation: str,
    sobject: str,
    rows: Any,
    *,
    external_id: str | None,
    nulls: Nulls,
    rename: Mapping[str, str] | None = None,
    show_values: bool,
    describe_of: Callable[[str], Describe | None],
    objects: Callable[[], Mapping[str, Any]],
    limits: Callable[[], Mapping[str, Any]],
) -> CheckReport:
    """See ``Org.check``. ``describe_of`` gives the describe of an object, or None when the org has none; ``objects`` the
    org's list of objects, ``limits`` its limits.
    """
    operation = _checked_call(operation, sobject, external_id)
    tally, org = Tally(), Objects(describe_of, objects)
    source = opened(rows, nulls, rename, tally)
    names = source.columns
    described = org.object(sobject)
    if described is None:
        message = f"The org has no object {sobject}, or you may not see it."
        tally.column(Rule("object", "error", message), None, nearest(sobject, org.listed()))
        columns = [CheckedColumn(name) for name in names]
    else:
        compiler = Compiler(operation, described, external_id, org, tally)
        compiler.object()
        compiler.key_field(names, external_id)
        columns = compiler.compiled(names)
    _check_header(operation, source, tally)
    reader = Rows(source, tally)
    sizes = _looked_at(reader, columns, operation, tally)
    if reader.stopped is not None:
        message = f"{reader.stopped} The rows from {reader.rows} on were not looked at."
        tally.column(Rule("unsendable", "error", message), getattr(reader.stopped, "column", None))
    elif not reader.rows:
        tally.column(Rule("no-rows", "warning", "There are no rows: the load would do nothing."), None)
    cost = _with_allowances(sizes, limits, tally)
    return CheckReport(
        operation,
        described.name if described is not None else sobject,
        external_id,
        tally.problems(names, show_values=show_values),
        cost,
        _told(source.detected),
        reader.stopped is None,
    )


def _checked_call(operation: str, sobject: str, external_id: str | None) -> str:
    known = _SPELLINGS.get(operation)
    if known is None:
        raise UsageError(
            f"There is no operation {operation!r} to check. Nothing was sent. There are "
            f"{', '.join(dict.fromkeys(_SPELLINGS.values()))}."
        )
    if not isinstance(sobject, str) or not sobject.strip():
        raise UsageError("The object has no name: give its API name, such as 'Account'. Nothing was sent.")
    if (known == Operation.UPSERT) is not bool(external_id):
        raise UsageError("An upsert, and only an upsert, needs external_id=, the name of a field. Nothing was sent.")
    return known


def _check_header(operation: str, source: Source, tally: Tally) -> None:
    names = source.columns
    if operation in DELETIONS:
        others = [name for name in names if name.lower() != "id"]
        if others:
            message = f"A delete sends the column Id and nothing else. These stay here: {', '.join(others)}."
            tally.column(Rule("stays-here", "warning", message), None)
        return
    if len(names) > BULK2.columns:
        message = f"There are {len(names):_} columns, and the org takes {BULK2.columns:_}."
        tally.column(Rule("header", "error", message), None)
    most = BULK2.header_characters or 0
    if len(source.header(source.dialect)) > most and units(source.header(source.dialect).decode("utf-8")) > most:
        tally.column(Rule("header", "error", f"The header row is longer than {most:_} characters."), None)


def _looked_at(reader: Rows, columns: list[CheckedColumn], operation: str, tally: Tally) -> Cost:
    """Judge all rows. What the load would cost."""
    ids = next((place for place, column in enumerate(columns) if column.name.lower() == "id"), None)
    is_deletion = operation in DELETIONS
    places = range(len(columns)) if not is_deletion else [] if ids is None else [ids]
    head = sum(len(columns[place].name) + 1 for place in places) if is_deletion else reader.head
    size = before = 0
    batches1 = 0.0
    for first, stretch in reader.stretches():
        longest = 0
        cells = list(zip(*stretch, strict=True))
        for place in places:
            longest += columns[place].look(cells[place], first, tally) + 1
        if 2 * longest > BULK2.record_characters:
            too_long_rows(stretch, first, tally)
        grown = reader.bytes - before
        before = reader.bytes
        if is_deletion:  # only the Ids are sent
            grown = sum(sum(map(len, cells[place])) + len(stretch) for place in places)
        size += grown
        batches1 += max(len(stretch) / BULK1.rows, grown / (BULK1.bytes - head))
    rows = reader.rows
    jobs = math.ceil(size / (BULK2.bytes - head)) if rows else 0
    batches2 = math.ceil(rows / _INTERNAL_BATCH_ROWS) + jobs - 1 if rows else 0
    # Ten times a tenth is a little less than one, and no second batch.
    batches = math.ceil(round(batches1, 6))
    return Cost(
        rows,
        size + jobs * head,
        Calls(jobs, batches2, jobs * _REQUESTS_A_JOB2),
        Calls(min(batches, 1), batches, batches * _REQUESTS_A_BATCH1 + min(batches, 1) * _REQUESTS_A_JOB1),
    )


def _with_allowances(cost: Cost, limits: Callable[[], Mapping[str, Any]], tally: Tally) -> Cost:
    try:
        told = limits()
    except (ApiError, TransportError) as error:
        why = str(error).partition("\n")[0]
        return replace(cost, notes=(f"The org's limits could not be read, so the cost was not compared: {why}",))
    found: list[Allowance] = []
    notes: list[str] = []
    for name, needed in (("DailyBulkApiBatches", cost.bulk2.batches), ("DailyApiRequests", cost.bulk2.requests)):
        entry = told.get(name)
        numbers = [entry.get("Remaining"), entry.get("Max")] if isinstance(entry, Mapping) else []
        if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
            notes.append(f"{name}: the org does not tell.")
            continue
        remaining, maximum = numbers
        found.append(Allowance(name, needed, int(remaining or 0), int(maximum or 0)))
        if needed > found[-1].remaining:
            message = f"The load needs {needed:_} of {name}, and {found[-1].remaining:_} of {maximum:_} are left today."
            tally.column(Rule("limit", "error", message), None)
    return replace(cost, allowances=tuple(found), notes=tuple(notes))


def _told(detected: Detected) -> dict[str, Any]:
    told = {
        "kind": detected.kind,
        "encoding": detected.encoding,
        "delimiter": detected.delimiter,
        "line_ending": detected.line_ending,
        "value_line_breaks": detected.value_line_breaks,
        "compressed": detected.compressed,
        "notes": detected.notes,
    }
    return {name: value for name, value in told.items() if value}

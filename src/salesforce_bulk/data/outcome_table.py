"""Outcomes as an Arrow table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..outcome_lines import outcome_of
from .extras import pyarrow

_STATES = {"c": "succeeded", "u": "succeeded", "s": "succeeded", "f": "failed", "-": "unprocessed"}


def outcome_table(blocks: Iterable[bytes]) -> Any:
    """Blocks of lines (see :mod:`..outcome_lines`) as a ``pyarrow.Table``: row, state, id, created, code, message."""
    what = "An Arrow table"
    pa, pc = pyarrow(what), pyarrow(what, "pyarrow.compute")
    schema = pa.schema(
        [
            ("row", pa.int64()),
            ("state", pa.string()),
            ("id", pa.string()),
            ("created", pa.bool_()),
            ("code", pa.string()),
            ("message", pa.string()),
        ]
    )
    batches = []
    row = 0
    for block in blocks:
        lines = pa.array(block.decode("utf-8").split("\n")[:-1], pa.string())
        kinds = pc.utf8_slice_codeunits(lines, 0, 1)
        rest = pc.utf8_slice_codeunits(lines, 1)
        created = pc.if_else(pc.equal(kinds, "s"), None, pc.equal(kinds, "c"))
        has_id = pc.and_(pc.is_in(kinds, value_set=pa.array(["c", "u", "s"])), pc.not_equal(rest, ""))
        ids = pc.if_else(has_id, rest, None)
        is_failed = pc.equal(kinds, "f")
        failed = [outcome_of(0, line) for line in pc.filter(lines, is_failed).to_pylist()]
        empty = pa.nulls(len(lines), pa.string()).fill_null("")
        states = pa.array(list(_STATES.values())).take(pc.index_in(kinds, value_set=pa.array(list(_STATES))))

        def told(base: Any, texts: list[str | None], where: Any = is_failed) -> Any:
            return pc.replace_with_mask(base, where, pa.array(texts, pa.string()))

        batches.append(
            pa.record_batch(
                [
                    pa.array(range(row, row + len(lines)), pa.int64()),
                    states,
                    told(ids, [outcome.id for outcome in failed]),
                    created,
                    told(empty, [outcome.code for outcome in failed]),
                    told(empty, [outcome.message for outcome in failed]),
                ],
                schema=schema,
            )
        )
        row += len(lines)
    return pa.Table.from_batches(batches, schema)

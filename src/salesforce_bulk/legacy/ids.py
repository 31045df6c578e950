"""Which of two ids is the job and which the batch.

The first and third generation of the old library say ``(job, batch)``, the second ``(batch, job)``. Ids tell by
themselves: a job begins with 750, a batch with 751, a query result with 752 (Bulk API guide; recorded traffic).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ..errors import UsageError
from .exceptions import OrderUnclear
from .memory import BATCH, JOB, RESULT, Memory

_PREFIXES: Final = {"750": JOB, "751": BATCH, "752": RESULT}

R = TypeVar("R")


def role_of(memory: Memory, identifier: Any) -> str | None:
    """``"job"``, ``"batch"``, ``"result"``, or None when nothing tells."""
    try:
        known = {
            BATCH: identifier in memory.batches or identifier in memory.batch_statuses,
            JOB: identifier in memory.jobs or identifier in tuple(memory.batches.values()),
            RESULT: identifier in memory.result_ids,
        }
    except TypeError:
        return None
    # A test server may count jobs and batches from 1 each: an id that is both tells nothing.
    if sum(known.values()) == 1:
        return next(role for role, is_known in known.items() if is_known)
    return _PREFIXES.get(identifier[:3]) if has_service_form(identifier) else None


def has_service_form(identifier: Any) -> bool:
    """True for what looks like an id of the service, in either spelling."""
    return isinstance(identifier, str) and len(identifier) in (15, 18) and identifier.isascii() and identifier.isalnum()


def job_and_batch(
    memory: Memory, where: str, ids: Sequence[Any], named: Mapping[str, Any], order: tuple[str, str] | None
) -> tuple[Any, Any]:
    """Job id (None when not given) and batch id, from positional ids in either order and keywords.

    *order* is the order in which every generation of the old library takes them, or None where they differ.
    """
    given = {name: named[key] for key, name in (("job_id", JOB), ("batch_id", BATCH)) if named.get(key) is not None}
    free = [identifier for identifier in ids if identifier is not None]
    if len(given) == 1 and len(free) == 1:
        (role,) = given
        found = role_of(memory, free[0])
        if found in (role, RESULT):
            raise _same_role(where, free[0], given[role], found)
        given[BATCH if role == JOB else JOB] = free[0]
    elif len(free) == 1:
        found = role_of(memory, free[0])
        if found in (JOB, RESULT):
            raise UsageError(f"{where} needs the id of a batch; {free[0]!r} is a {found}. Nothing was sent.")
        given[BATCH] = free[0]
    elif len(free) == 2:
        given = _told_apart(memory, where, free[0], free[1], order)
    if BATCH not in given:
        raise UsageError(f"{where} needs the id of a batch. Nothing was sent.")
    return given.get(JOB), given[BATCH]


def _told_apart(memory: Memory, where: str, first: Any, second: Any, order: tuple[str, str] | None) -> dict[str, Any]:
    roles = role_of(memory, first), role_of(memory, second)
    if RESULT in roles or (roles[0] is not None and roles[0] == roles[1]):
        raise _same_role(where, first, second, roles[0] if roles[0] == roles[1] else RESULT)
    if roles[0] == JOB or roles[1] == BATCH:
        return {JOB: first, BATCH: second}
    if roles[0] == BATCH or roles[1] == JOB:
        return {JOB: second, BATCH: first}
    if order is None:
        order = memory.default_id_order
        warnings.warn(
            f"{where}: nothing tells which of {first!r} and {second!r} is the job; taken as ({', '.join(order)}). "
            "Use the keywords job_id= and batch_id=.",
            OrderUnclear,
            stacklevel=4,
        )
    return dict(zip(order, (first, second), strict=True))


def _same_role(where: str, first: Any, second: Any, role: str | None) -> UsageError:
    are = "one of them is a result" if role == RESULT else f"both are a {role}"
    return UsageError(f"{where} needs a job and a batch, and got {first!r} and {second!r}: {are}. Nothing was sent.")


def either_order(
    order: tuple[str, str] | None = None, name: str | None = None
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Let a method ``(self, job_id, batch_id, ...)`` be called in the order of any generation of the old library.

    Errors call it *name*, or what it is called here.
    """

    def decorate(method: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **named: Any) -> R:
            ids: dict[str, Any] = {key: named.pop(key) for key in ("job_id", "batch_id") if key in named}
            room = 2 - len(ids)
            job, batch = job_and_batch(self, f"{name or method.__name__}()", args[:room], ids, order)
            return method(self, job, batch, *args[room:], **named)

        return call

    return decorate

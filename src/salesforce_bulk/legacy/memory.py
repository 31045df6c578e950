"""What a client of the old interface remembers: the ids that it issued or listed, and what they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, overload

JOB: Final = "job"
BATCH: Final = "batch"
RESULT: Final = "result"

T = TypeVar("T")


class OnFirstUse(Generic[T]):
    """An attribute that is made when it is first read or simply assigned, one for all threads.

    ``functools.cached_property`` has no lock since Python 3.12: of two threads that are first at the same time, one would
    fill a dict that nobody else sees.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> OnFirstUse[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> OnFirstUse[T] | T:
        if instance is None:
            return self
        made: T = instance.__dict__.setdefault(self._name, self._make(instance))
        return made


class Memory:
    """Filled as it is first used, for some subclasses set their attributes by hand and never call ``__init__``."""

    #: How two ids are taken that nothing tells apart; with the service's own ids that does not happen.
    default_id_order: tuple[str, str] = (JOB, BATCH)

    @OnFirstUse
    def jobs(self) -> dict[Any, Any]:
        """The jobs that were made here."""
        return {}

    @OnFirstUse
    def batches(self) -> dict[Any, Any]:
        """batch id -> job id."""
        return {}

    @OnFirstUse
    def batch_statuses(self) -> dict[Any, Any]:
        """batch id -> its last status, once it has ended."""
        return {}

    @OnFirstUse
    def job_content_types(self) -> dict[str, str]:
        """job id -> contentType."""
        return {}

    @OnFirstUse
    def result_ids(self) -> set[Any]:
        """The ids of query results that were listed here."""
        return set()

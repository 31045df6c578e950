"""A query that is ready to run, and what it finds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .filters import Bound, distance, fold, options

if TYPE_CHECKING:
    from ..schema import Field, SObject

Stored = None | str | int | float | bool | bytes | dict[str, Any]
Record = tuple[Stored, ...]

_FETCH_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result.

    Attributes:
        path: ``("Owner", "Name")``, spelled as the schema spells it. An aggregate has its alias or ``expr0``.
        type: The describe type its values are rendered as; a count is an ``int``.
        field: The field, or None for what is no field (a count, ``Owner.Type``).
        only: Of TYPEOF: the objects whose records show it; empty: all do.
    """

    path: tuple[str, ...]
    type: str
    field: Field | None = None
    only: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent whose fields are selected. A record of the result holds the parent's id, or None, at *index*."""

    path: tuple[str, ...]
    targets: tuple[SObject, ...]
    index: int

    def sobject(self, record: Record) -> SObject | None:
        """The object of this record's parent (``attributes.type``); None when there is no parent."""
        key = record[self.index]
        if not isinstance(key, str):
            return None
        return next((target for target in self.targets if target.key_prefix == key[:3]), self.targets[0])

    def id(self, record: Record) -> str | None:
        key = record[self.index]
        return key if isinstance(key, str) else None


@dataclass(frozen=True, slots=True)
class Children:
    """A query inside the select list: the children of every record, by the relationship that leads to them.

    Attributes:
        name: The relationship, as the schema spells it.
        compiled: Finds the children of all records there are.
        parent: Where a child holds the id of its parent.
        limit, offset: Of the children of one parent.
    """

    name: str
    compiled: Compiled
    parent: int
    limit: int | None
    offset: int

    def run(self, connection: sqlite3.Connection) -> dict[str, list[Record]]:
        """The children of each parent that has any, by its id."""
        found: dict[str, list[Record]] = {}
        for record in self.compiled.run(connection).records:
            found.setdefault(str(record[self.parent]), []).append(record)
        end = None if self.limit is None else self.offset + self.limit
        cut = {parent: records[self.offset : end] for parent, records in found.items()}
        return {parent: records for parent, records in cut.items() if records}


class ResultSet:
    """What a query found, read once and in constant memory.

    Attributes:
        columns: The columns of the select list.
        records: The records, each as its columns and then its hidden values: what :attr:`Compiled.record_id` and the
            ``index`` of each :attr:`Compiled.parents` point at.
    """

    def __init__(self, columns: tuple[Column, ...], records: Iterator[Record]) -> None:
        self.columns = columns
        self.records = records

    @property
    def rows(self) -> Iterator[Record]:
        """The values of the select list alone. Reads from :attr:`records`: use one of the two."""
        width = len(self.columns)
        return (record[:width] for record in self.records)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query ready to run.

    Attributes:
        root: The object after FROM. The records of an aggregate query are ``AggregateResult``s: see *aggregate*.
        columns: See :class:`Column`.
        parents: Every parent on a selected path, each before its own parents (``Owner``, then ``Owner.Profile``).
        record_id: Where a record holds its id; None in an aggregate query.
        count_only: ``SELECT COUNT()``: one record of one number, which REST shows as ``totalSize`` and not as a record.
        children: The queries inside the select list.
    """

    root: SObject
    columns: tuple[Column, ...]
    parents: tuple[Parent, ...]
    record_id: int | None
    aggregate: bool
    count_only: bool
    sql: str
    parameters: tuple[Bound, ...]
    children: tuple[Children, ...] = ()

    def run(self, connection: sqlite3.Connection) -> ResultSet:
        _register(connection)
        cursor = connection.cursor()
        cursor.row_factory = None
        cursor.execute(self.sql, self.parameters)
        return ResultSet(self.columns, self._read(cursor))

    def _read(self, cursor: sqlite3.Cursor) -> Iterator[Record]:
        readers = [(i, _READERS[c.type]) for i, c in enumerate(self.columns) if c.type in _READERS]
        while rows := cursor.fetchmany(_FETCH_ROWS):
            if not readers:
                yield from rows
                continue
            for row in rows:
                values = list(row)
                for index, read in readers:
                    if values[index] is not None:
                        values[index] = read(values[index])
                yield tuple(values)


def _register(connection: sqlite3.Connection) -> None:
    """Give *connection* our functions, once: SQLite does not replace one while a statement of the connection runs."""
    try:
        connection.execute("SELECT soql_options(NULL)").fetchone()
    except sqlite3.OperationalError:
        connection.create_function("soql_fold", 1, fold, deterministic=True)
        connection.create_function("soql_distance", 5, distance, deterministic=True)
        connection.create_function("soql_options", 1, options, deterministic=True)


_READERS: Final[dict[str, Callable[[Any], Stored]]] = {"boolean": bool, "address": json.loads, "location": json.loads}

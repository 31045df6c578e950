"""A query and a schema -> one SQLite statement and the readers of its columns."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from .errors import SoqlError
from .filters import Bound, Filters, fold, options
from .scope import Node, Operand, Scope, is_aggregate, not_served
from .syntax import Call, Fields, Path, Query, Selected, Target, TypeOf

if TYPE_CHECKING:
    from ..schema import Field, Schema, SObject

Dialect = Literal["bulk_csv", "bulk_json", "rest"]
Stored = None | str | int | float | bool | bytes | dict[str, Any]
Record = tuple[Stored, ...]

MAX_OFFSET: Final = 2_000
MAX_FIELDS_LIMIT: Final = 200
_FETCH_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result.

    Attributes:
        path: ``("Owner", "Name")``, spelled as the schema spells it. An aggregate has its alias or ``expr0``.
        type: The describe type its values are rendered as; a count is an ``int``.
        field: The field, or None for what is no field (a count, ``Owner.Type``).
    """

    path: tuple[str, ...]
    type: str
    field: Field | None = None

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
    """

    root: SObject
    columns: tuple[Column, ...]
    parents: tuple[Parent, ...]
    record_id: int | None
    aggregate: bool
    count_only: bool
    sql: str
    parameters: tuple[Bound, ...]

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
        connection.create_function("soql_options", 1, options, deterministic=True)


_READERS: Final[dict[str, Callable[[Any], Stored]]] = {"boolean": bool, "address": json.loads, "location": json.loads}


def compile_query(query: Query, schema: Schema, *, dialect: Dialect, all_rows: bool, now: datetime) -> Compiled:
    """Make *query* ready to run.

    Args:
        query: What :func:`.parse` read.
        dialect: Who asks. ``bulk_csv`` and ``bulk_json`` refuse what a Bulk API query refuses.
        all_rows: Include deleted records (``queryAll``).
        now: The present, for date literals; with a time zone.

    Raises:
        SoqlError: The service would refuse the query, or the local org does not serve it (the message says which).
    """
    return _Compiler(schema, query.text, dialect, all_rows, now).compile(query)


class _Compiler:
    def __init__(self, schema: Schema, text: str, dialect: Dialect, all_rows: bool, now: datetime) -> None:
        self._schema = schema
        self._text = text
        self._dialect = dialect
        self._bulk = dialect != "rest"
        self._all_rows = all_rows
        self._now = now
        self._parameters: list[Bound] = []
        self._numbers = itertools.count()

    def compile(self, query: Query) -> Compiled:
        self._refuse(query)
        scope = Scope(self._schema, query.sources, self._text, next(self._numbers))
        if _is_count(query):
            return self._count(query, scope)
        if query.group or any(isinstance(item, Selected) and is_aggregate(item.target) for item in query.select):
            return self._aggregate(query, scope)
        return self._records(query, scope)

    def _refuse(self, query: Query) -> None:
        """Turn away what this dialect, or this org, does not do."""
        aggregates = query.group or any(
            isinstance(item, Selected) and is_aggregate(item.target) for item in query.select
        )
        for item in query.select:
            if isinstance(item, Query):
                if self._dialect == "bulk_csv":
                    text = "Aggregate Relationships not supported in Bulk Query with CSV content type"
                    raise SoqlError("API_ERROR", text, feature=True)
                raise not_served("queries inside the select list")
            if isinstance(item, TypeOf):
                if self._dialect == "bulk_csv":
                    raise SoqlError("FUNCTIONALITY_NOT_ENABLED", "TYPEOF not supported in Bulk Query", feature=True)
                raise not_served("TYPEOF")
        if self._bulk and aggregates:
            text = "Aggregate queries not supported in Bulk Query"
            raise SoqlError("FUNCTIONALITY_NOT_ENABLED", text, feature=True)
        if self._bulk and query.offset is not None:
            raise SoqlError("FUNCTIONALITY_NOT_ENABLED", "OFFSET not supported in Bulk Query", feature=True)
        if query.offset is not None and query.offset > MAX_OFFSET:
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        if "ALL ROWS" in query.tail:
            raise SoqlError("MALFORMED_QUERY", "ALL ROWS not allowed in this context")
        if query.with_mode == "DATA CATEGORY":
            raise not_served("WITH DATA CATEGORY")
        if query.scope is not None and query.scope.lower() != "everything":
            raise not_served(f"USING SCOPE {query.scope}")

    def _count(self, query: Query, scope: Scope) -> Compiled:
        """``SELECT COUNT() FROM …``; a LIMIT bounds what is counted."""
        where = self._where(query, scope)
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {scope.table}{where}{_limits(query)})"
        columns = (Column(("count",), "int"),)
        return Compiled(scope.sobject, columns, (), None, True, True, sql, tuple(self._parameters))

    def _records(self, query: Query, scope: Scope) -> Compiled:
        selected = self._select_list(query, scope)
        columns = tuple(column for column, _ in selected)
        expressions = [sql for _, sql in selected]
        hidden = [scope.record_id()]
        parents = []
        for node in self._parent_nodes(selected, scope):
            parents.append(Parent(node.path, node.targets, len(columns) + len(hidden)))
            hidden.append(scope.parent_id(node))
        where = self._where(query, scope)
        order = [self._ordered(scope.operand(by.target), by.descending, by.nulls_last, scope) for by in query.order]
        order.append(scope.record_id())
        sql = (
            f"SELECT {', '.join(expressions + hidden)} FROM {scope.table}{where} "
            f"ORDER BY {', '.join(order)}{_limits(query)}"
        )
        parameters = tuple(self._parameters)
        return Compiled(scope.sobject, columns, tuple(parents), len(columns), False, False, sql, parameters)

    def _select_list(self, query: Query, scope: Scope) -> list[tuple[Column, str]]:
        selected: list[tuple[Column, str]] = []
        seen: set[tuple[str, ...]] = set()

        def add(operand: Operand, alias: str | None = None) -> None:
            path = (alias,) if alias else operand.path
            if path in seen:
                raise SoqlError("MALFORMED_QUERY", f"duplicate field selected: {'.'.join(path)}")
            seen.add(path)
            sql = operand.sql
            if operand.type == "base64":  # REST shows a path, made of the record's id
                sql = f"CASE WHEN {sql} IS NOT NULL THEN {scope.record_id()} END"
            selected.append((Column(path, operand.type, operand.field), sql))

        for item in query.select:
            if isinstance(item, Fields):
                for field in self._expand(item, query, scope):
                    add(scope.operand(Path((field.name,), item.position)))
            elif isinstance(item, Selected):
                if item.alias and isinstance(item.target, Path):
                    says = "only aggregate expressions use field aliasing"
                    raise scope.wrong("MALFORMED_QUERY", item.alias_position, says)
                operand = scope.operand(item.target)
                if isinstance(item.target, Call) and operand.field is None:
                    raise _not_grouped(operand, scope)
                self._check_selectable(operand)
                add(operand, item.alias)
        return selected

    def _check_selectable(self, operand: Operand) -> None:
        if not self._bulk:
            return
        if operand.type in ("address", "location"):
            raise SoqlError("FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
        if operand.type == "base64":
            raise SoqlError("FUNCTIONALITY_NOT_ENABLED", "Binary field not supported", feature=True)

    def _expand(self, item: Fields, query: Query, scope: Scope) -> list[Field]:
        """The fields of ``FIELDS(…)``. Bulk gets those that it can carry."""
        fields = list(scope.sobject.fields.values())
        if item.kind == "STANDARD":
            fields = [field for field in fields if not field.custom]
        elif self._bulk:
            text = "The SOQL FIELDS function is not supported with an unbounded set of fields in this API"
            raise SoqlError("MALFORMED_QUERY", text)
        elif query.limit is None or query.limit > MAX_FIELDS_LIMIT:
            text = f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}"
            raise SoqlError("MALFORMED_QUERY", text)
        elif item.kind == "CUSTOM":
            fields = [field for field in fields if field.custom]
        if self._bulk:
            fields = [field for field in fields if field.stored and field.type != "base64"]
        return fields

    def _parent_nodes(self, selected: list[tuple[Column, str]], scope: Scope) -> list[Node]:
        nodes: dict[tuple[str, ...], Node] = {}
        for column, _ in selected:
            if len(column.path) > 1:
                nodes.update((node.path, node) for node in scope.parents(column.path))
        return [nodes[path] for path in sorted(nodes, key=len)]

    def _aggregate(self, query: Query, scope: Scope) -> Compiled:
        grouped = {operand.sql: operand for operand in (scope.operand(target) for target in query.group)}
        for operand in grouped.values():
            if operand.field is not None and not operand.field.groupable and operand.sql.endswith('"'):
                says = f"field '{operand.name}' can not be grouped in a query call"
                raise scope.wrong("MALFORMED_QUERY", operand.position, says)
        if query.limit is not None and not query.group:
            text = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            raise SoqlError("MALFORMED_QUERY", text)

        def usable(target: Target) -> Operand:
            """An aggregate of a field that is not grouped, or what is grouped."""
            operand = scope.operand(target, aggregates=True)
            if is_aggregate(target):
                inner = scope.operand(target.arguments[0])  # type: ignore[union-attr,arg-type]
                if inner.sql in grouped:
                    says = f"Grouped field should not be aggregated: {inner.name}"
                    raise scope.wrong("MALFORMED_QUERY", inner.position, says)
            elif operand.sql not in grouped:
                raise _not_grouped(operand, scope)
            return operand

        aliases: dict[str, Operand] = {}
        columns, expressions, unnamed = [], [], itertools.count()
        names: set[str] = set()
        for item in query.select:
            if not isinstance(item, Selected):
                raise _fields_in_aggregate()
            operand = usable(item.target)
            calls = (isinstance(item.target, Call) and operand.field is None) or is_aggregate(item.target)
            name = item.alias or (f"expr{next(unnamed)}" if calls else operand.path[-1])
            if name.lower() in names:
                raise SoqlError("MALFORMED_QUERY", f"duplicate alias: {name}")
            names.add(name.lower())
            if item.alias:
                aliases[item.alias.lower()] = operand
            columns.append(Column((name,), operand.type, operand.field))
            expressions.append(operand.sql)
        where = self._where(query, scope)
        having = ""
        if query.having is not None:
            having = f" HAVING {self._filters(scope, usable, 0).sql(query.having)}"
        group = f" GROUP BY {', '.join(grouped)}" if grouped else ""
        keys = []
        for by in query.order:
            operand = aliases.get(str(by.target).lower()) or usable(by.target)
            keys.append(self._ordered(operand, by.descending, by.nulls_last, scope))
        order = f" ORDER BY {', '.join(keys)}" if keys else ""
        sql = f"SELECT {', '.join(expressions)} FROM {scope.table}{where}{group}{having}{order}{_limits(query)}"
        return Compiled(scope.sobject, tuple(columns), (), None, True, False, sql, tuple(self._parameters))

    def _where(self, query: Query, scope: Scope, depth: int = 0) -> str:
        tests = []
        if not self._all_rows and scope.sobject.has_recycle_bin:
            tests.append(f'{scope.root.members[0].alias}."IsDeleted" IS NOT 1')
        if query.where is not None:
            tests.append(self._filters(scope, scope.operand, depth).sql(query.where))
        return f" WHERE {' AND '.join(tests)}" if tests else ""

    def _filters(self, scope: Scope, operand: Callable[[Target], Operand], depth: int) -> Filters:
        def subquery(inner: Query, position: int) -> str:
            if depth:
                says = "Nesting of semi join sub-selects is not supported"
                raise scope.wrong("MALFORMED_QUERY", position, says)
            return self._semi_join(inner, position)

        return Filters(scope, self._parameters, self._now, subquery, operand)

    def _semi_join(self, query: Query, position: int) -> str:
        scope = Scope(self._schema, query.sources, self._text, next(self._numbers))
        item = query.select[0]
        if len(query.select) > 1 or not isinstance(item, Selected) or query.group:
            raise scope.wrong("MALFORMED_QUERY", position, "A semi join sub-select must select exactly one field")
        operand = scope.operand(item.target)
        if operand.kind != "id":
            says = f"The selected field '{operand.name}' in the semi join sub-select must be an ID or a reference"
            raise scope.wrong("INVALID_FIELD", operand.position, says)
        where = self._where(query, scope, depth=1)
        found = f"{operand.sql} IS NOT NULL"
        where = f"{where} AND {found}" if where else f" WHERE {found}"
        return f"SELECT {operand.sql} FROM {scope.table}{where}{_limits(query)}"

    def _ordered(self, operand: Operand, descending: bool, nulls_last: bool, scope: Scope) -> str:
        if operand.field is not None and not operand.field.sortable:
            says = f"field '{operand.name}' can not be sorted in a query call"
            raise scope.wrong("MALFORMED_QUERY", operand.position, says)
        sql = f"soql_fold({operand.sql})" if operand.kind == "text" else operand.sql
        return f"{sql} {'DESC' if descending else 'ASC'} NULLS {'LAST' if nulls_last else 'FIRST'}"


def _fields_in_aggregate() -> SoqlError:
    return SoqlError("MALFORMED_QUERY", "The SOQL FIELDS function is not supported with GROUP BY")


def _not_grouped(operand: Operand, scope: Scope) -> SoqlError:
    says = f"Field must be grouped or aggregated: {operand.name}"
    return scope.wrong("MALFORMED_QUERY", operand.position, says)


def _is_count(query: Query) -> bool:
    item = query.select[0]
    return len(query.select) == 1 and isinstance(item, Selected) and item.target == Call("COUNT", ())


def _limits(query: Query) -> str:
    if query.limit is None and query.offset is None:
        return ""
    limit = -1 if query.limit is None else query.limit
    return f" LIMIT {limit}" + (f" OFFSET {query.offset}" if query.offset else "")

"""A query and a schema -> one SQLite statement and the readers of its columns."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from .compiled import Children, Column, Compiled, Parent
from .errors import SoqlError
from .filters import Bound, Filters
from .scope import NO_COLUMN, REFERENCE, Node, Operand, Scope, is_aggregate, not_served
from .syntax import Call, Fields, OrderBy, Path, Query, Selected, Source, Target, TypeOf

if TYPE_CHECKING:
    from ..schema import Field, Schema

Dialect = Literal["bulk_csv", "bulk_json", "rest"]

NO_CHILDREN: Final = (
    "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom relationship, be "
    f"sure to append the '__r' after the custom relationship name. {REFERENCE}"
)
#: "GROUP BY ROLLUP", "GROUP BY CUBE": up to three fields.
MAX_SUBTOTALS: Final = 3
MAX_OFFSET: Final = 2_000
MAX_FIELDS_LIMIT: Final = 200


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
                if self._bulk:
                    raise not_served("queries inside the select list")
            # A recording shows it at work in a job of JSON, which the guide denies (bulk-api-1.md U9).
            if isinstance(item, TypeOf) and self._dialect == "bulk_csv":
                raise SoqlError("FUNCTIONALITY_NOT_ENABLED", "TYPEOF not supported in Bulk Query", feature=True)
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
        children = tuple(self._children(item, scope) for item in query.select if isinstance(item, Query))
        return Compiled(scope.sobject, columns, tuple(parents), len(columns), False, False, sql, parameters, children)

    def _children(self, query: Query, scope: Scope) -> Children:
        """A query inside the select list. Its children are looked for by a column that is not shown."""
        path = query.sources[0].path
        found = [
            (child, field)
            for child, field in self._schema.children(scope.sobject)
            if (field.child_relationship or "").lower() == str(path).lower()
        ]
        if not found:
            raise scope.wrong("INVALID_TYPE", path.position, NO_CHILDREN.format(path))
        if any(isinstance(item, Query) for item in query.select):
            raise not_served("queries inside a query of children")
        child, field = found[0]
        source = Source(Path((child.name,), path.position), query.sources[0].alias)
        # Under its own alias the reference can be selected besides, and FIELDS() may hold it, too.
        whole = replace(query, sources=(source, *query.sources[1:]), limit=None, offset=None, text=self._text)
        compiled = self._inner().compile(whole)
        if compiled.aggregate:
            raise scope.wrong(
                "MALFORMED_QUERY", query.position, "Aggregate functions are not supported in inner queries"
            )
        place = next((n for n, column in enumerate(compiled.columns) if column.path == (field.name,)), None)
        if place is None:
            with_parent = replace(whole, select=(*whole.select, Selected(Path((field.name,), path.position))))
            compiled = self._inner().compile(with_parent)
            place = len(compiled.columns) - 1
            compiled = replace(compiled, columns=compiled.columns[:-1])
        return Children(field.child_relationship or "", compiled, place, query.limit, query.offset or 0)

    def _inner(self) -> _Compiler:
        return _Compiler(self._schema, self._text, self._dialect, self._all_rows, self._now)

    def _select_list(self, query: Query, scope: Scope) -> list[tuple[Column, str]]:
        selected: list[tuple[Column, str]] = []
        seen: set[tuple[str, ...]] = set()

        def add(operand: Operand, alias: str | None = None, only: frozenset[str] = frozenset()) -> None:
            path = (alias,) if alias else operand.path
            if path in seen:
                raise SoqlError("MALFORMED_QUERY", f"duplicate field selected: {'.'.join(path)}")
            seen.add(path)
            sql = operand.sql
            if operand.type == "base64":  # REST shows a path, made of the record's id
                sql = f"CASE WHEN {sql} IS NOT NULL THEN {scope.record_id()} END"
            selected.append((Column(path, operand.type, operand.field, only), sql))

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
            elif isinstance(item, TypeOf):
                for operand, kinds in self._typeof(item, scope):
                    add(operand, only=kinds)
        return selected

    def _typeof(self, item: TypeOf, scope: Scope) -> list[tuple[Operand, frozenset[str]]]:
        """The fields of each kind of parent. One that several kinds show is one column."""
        names = item.relationship.names
        reference = scope.operand(Path((*names, "Id"), item.relationship.position))
        node = scope.parents(reference.path)[-1]
        if not node.polymorphic:
            says = f"TYPEOF is only valid on polymorphic relationships: {item.relationship}"
            raise scope.wrong("MALFORMED_QUERY", item.relationship.position, says)
        rest = {target.name for target in node.targets}
        wanted: list[tuple[Path, set[str]]] = []
        for kind, paths in item.whens:
            target = next((known for known in node.targets if known.name.lower() == str(kind).lower()), None)
            if target is None:
                says = f"sObject type '{kind}' is not a target of {item.relationship}"
                raise scope.wrong("INVALID_TYPE", kind.position, says)
            rest.discard(target.name)
            for path in paths:
                if len(path.names) > 1:
                    raise not_served("paths in TYPEOF")
                if target.field(path.names[0]) is None:
                    says = NO_COLUMN.format(path, target.name)
                    raise scope.wrong("INVALID_FIELD", path.position, says)
                wanted.append((path, {target.name}))
        wanted += [(path, rest) for path in item.otherwise]
        found: dict[tuple[str, ...], tuple[Operand, set[str]]] = {}
        for path, kinds in wanted:
            operand = scope.operand(Path((*names, *path.names), path.position))
            self._check_selectable(operand)
            found.setdefault(operand.path, (operand, set()))[1].update(kinds)
        return [(operand, frozenset(kinds)) for operand, kinds in found.values()]

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
        sets, targets = _grouping_sets(query.group)
        grouped = {operand.sql: operand for operand in (scope.operand(target) for target in targets)}
        for operand in grouped.values():
            if operand.field is not None and not operand.field.groupable and operand.sql.endswith('"'):
                says = f"field '{operand.name}' can not be grouped in a query call"
                raise scope.wrong("MALFORMED_QUERY", operand.position, says)
        if query.limit is not None and not query.group:
            text = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            raise SoqlError("MALFORMED_QUERY", text)

        def usable(target: Target) -> Operand:
            """An aggregate of a field that is not grouped, or what is grouped; with subtotals, whether a record is one."""
            if sets and isinstance(target, Call) and target.name == "GROUPING" and len(target.arguments) == 1:
                inner = scope.operand(target.arguments[0])  # type: ignore[arg-type]
                if inner.sql not in grouped:
                    raise _not_grouped(inner, scope)
                return Operand(_is_subtotal(inner.sql), "int", inner.path, target.position)
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
        if sets:
            order = [(aliases.get(str(by.target).lower()) or usable(by.target), by) for by in query.order]
            sql = self._subtotals(query, scope, list(grouped), sets, expressions, usable, order)
            return Compiled(scope.sobject, tuple(columns), (), None, True, False, sql, tuple(self._parameters))
        where = self._where(query, scope)
        having = ""
        if query.having is not None:
            having = f" HAVING {self._filters(scope, usable, 0).sql(query.having)}"
        group = f" GROUP BY {', '.join(grouped)}" if grouped else ""
        keys = []
        for by in query.order:
            operand = aliases.get(str(by.target).lower()) or usable(by.target)
            keys.append(self._ordered(operand, by.descending, by.nulls_last, scope))
        ordered = f" ORDER BY {', '.join(keys)}" if keys else ""
        sql = f"SELECT {', '.join(expressions)} FROM {scope.table}{where}{group}{having}{ordered}{_limits(query)}"
        return Compiled(scope.sobject, tuple(columns), (), None, True, False, sql, tuple(self._parameters))

    def _subtotals(
        self,
        query: Query,
        scope: Scope,
        grouped: list[str],
        sets: list[list[int]],
        expressions: list[str],
        usable: Callable[[Target], Operand],
        order: list[tuple[Operand, OrderBy]],
    ) -> str:
        """``GROUP BY ROLLUP`` and ``CUBE``: a query for each set of what is grouped, what is not in it being null."""
        parts = []
        for chosen in sets:
            present = [grouped[place] for place in chosen]
            values = {sql: "NULL" for sql in grouped if sql not in present}
            values |= {_is_subtotal(sql): str(int(sql not in present)) for sql in grouped}
            shown = ", ".join(f"{values.get(sql, sql)} AS c{place}" for place, sql in enumerate(expressions))
            where = self._where(query, scope)
            having = ""
            if query.having is not None:
                having = f" HAVING {self._filters(scope, usable, 0).sql(query.having)}"
            # Grouped by nothing, all records are one group; without records there is none.
            parts.append(f"SELECT {shown} FROM {scope.table}{where} GROUP BY {', '.join(present) or 'NULL'}{having}")
        keys = []
        for operand, by in order:
            if operand.sql not in expressions:
                raise not_served("ORDER BY of what is not selected, beside ROLLUP and CUBE")
            column = replace(operand, sql=f"c{expressions.index(operand.sql)}")
            keys.append(self._ordered(column, by.descending, by.nulls_last, scope))
        ordered = f" ORDER BY {', '.join(keys)}" if keys else ""
        return f"SELECT * FROM ({' UNION ALL '.join(parts)}){ordered}{_limits(query)}"

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


def _grouping_sets(group: tuple[Target, ...]) -> tuple[list[list[int]], tuple[Target, ...]]:
    """The sets of ``ROLLUP(a, b)`` or ``CUBE(a, b)``, as places in what stands there, and that. None: a plain GROUP BY."""
    first = group[0] if group else None
    if len(group) != 1 or not isinstance(first, Call) or first.name not in ("ROLLUP", "CUBE"):
        return [], group
    targets = tuple(target for target in first.arguments if isinstance(target, Path | Call))
    if not 1 <= len(targets) <= MAX_SUBTOTALS or len(targets) != len(first.arguments):
        raise SoqlError("MALFORMED_QUERY", f"{first.name} takes one to {MAX_SUBTOTALS} fields")
    places = range(len(targets))
    if first.name == "ROLLUP":
        return [list(places[:count]) for count in range(len(targets), -1, -1)], targets
    sizes = range(len(targets), -1, -1)
    return [list(chosen) for size in sizes for chosen in itertools.combinations(places, size)], targets


def _is_subtotal(sql: str) -> str:
    """Stands for ``GROUPING()`` of what *sql* groups until a set is chosen."""
    return f"grouping({sql})"


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

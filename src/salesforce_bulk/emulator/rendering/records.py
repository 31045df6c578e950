"""Records as documents: the select list as a tree, and REST's shape of a record."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..soql import Children, Column, Compiled, Parent
from .values import text_of


class Tree:
    """The select list as records hold it: fields and parents, in order of first mention."""

    def __init__(self, compiled: Compiled, path: tuple[str, ...] = ()) -> None:
        self.texts = {place: text_of(column) for place, column in enumerate(compiled.columns)}
        self.columns = compiled.columns
        self.parent: Parent | None = next((p for p in compiled.parents if p.path == path), None)
        self._members: dict[str, int | Tree] = {}
        depth = len(path)
        for place, column in enumerate(compiled.columns):
            if column.path[:depth] != path:
                continue
            name = column.path[depth]
            if len(column.path) == depth + 1:
                self._members[name] = place
            elif name not in self._members:
                self._members[name] = Tree(compiled, column.path[: depth + 1])
        self.fields = [(name, below) for name, below in self._members.items() if isinstance(below, int)]
        self._is_choosy = any(self.columns[below].only for _, below in self.fields)

    def members(self, kind: str) -> Iterable[tuple[str, int | Tree]]:
        """Those that a record of the object *kind* has."""
        if not self._is_choosy:
            return self._members.items()
        return [(name, below) for name, below in self._members.items() if self._has(below, kind)]

    def _has(self, below: int | Tree, kind: str) -> bool:
        return isinstance(below, Tree) or not (only := self.columns[below].only) or kind in only

    def parent_of(self, record: Sequence[Any]) -> str | None:
        sobject = self.parent.sobject(tuple(record)) if self.parent else None
        return sobject.name if sobject else None


class RecordShape:
    """Records in REST style: ``attributes``, then the fields, parents nested."""

    def __init__(self, compiled: Compiled, version: str, value: Callable[[Column], Callable[[Any], Any]]) -> None:
        self.compiled = compiled
        self.version = version
        self.values = [value(column) for column in compiled.columns]

    def of(self, record: Sequence[Any], tree: Tree) -> dict[str, Any]:
        where = self.compiled.record_id
        type = "AggregateResult" if self.compiled.aggregate else self.compiled.root.name
        return self._node(record, tree, type, str(record[where]) if where is not None else None)

    def _node(self, record: Sequence[Any], tree: Tree, type: str, id: str | None) -> dict[str, Any]:
        attributes = {"type": type}
        if id is not None:
            attributes["url"] = f"/services/data/v{self.version}/sobjects/{type}/{id}"
        node: dict[str, Any] = {"attributes": attributes}
        for name, below in tree.members(type):
            if isinstance(below, Tree):
                kind = below.parent_of(record)
                parent = below.parent
                node[name] = self._node(record, below, kind, parent.id(tuple(record))) if kind and parent else None
            else:
                value = record[below]
                node[name] = None if value is None else self.values[below](value)
        return node


class NestedRecords:
    """The children of records, as REST shows them: a query result of their own, or null."""

    def __init__(
        self,
        children: Children,
        connection: sqlite3.Connection,
        version: str,
        value: Callable[[Column], Callable[[Any], Any]],
    ) -> None:
        self.name = children.name
        self._found = children.run(connection)
        self._tree = Tree(children.compiled)
        self._shape = RecordShape(children.compiled, version, value)

    def of(self, parent: str) -> dict[str, Any] | None:
        records = self._found.get(parent)
        if not records:
            return None
        return {"totalSize": len(records), "done": True, "records": [self._shape.of(r, self._tree) for r in records]}

"""Records as REST gives them -> the CSV that a bulk query would have given, so that one way of reading serves both.

Columns are those of the select list, in its order, in the schema's spelling; a parent's field is dotted. Numbers are the
texts that came. A datetime ends in ``+0000`` here and in ``Z`` there (REST guide, "Field Types"): it is given the ``Z``. An
address or a location, which a bulk query refuses, is its JSON. Nothing of a record is left out silently: a value without a
column is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..errors import MalformedResult
from ..records import Selected
from .schema import Column, ColumnType, Describe, columns_for

#: What a function gives, where it is not what its field is.
_GIVES: Final = {
    "count": ColumnType.INTEGER,
    "count_distinct": ColumnType.INTEGER,
    "sum": ColumnType.DOUBLE,
    "avg": ColumnType.DOUBLE,
    "distance": ColumnType.DOUBLE,
    "grouping": ColumnType.INTEGER,
    "calendar_month": ColumnType.INTEGER,
    "calendar_quarter": ColumnType.INTEGER,
    "calendar_year": ColumnType.INTEGER,
    "day_in_month": ColumnType.INTEGER,
    "day_in_week": ColumnType.INTEGER,
    "day_in_year": ColumnType.INTEGER,
    "day_only": ColumnType.DATE,
    "fiscal_month": ColumnType.INTEGER,
    "fiscal_quarter": ColumnType.INTEGER,
    "fiscal_year": ColumnType.INTEGER,
    "hour_in_day": ColumnType.INTEGER,
    "week_in_month": ColumnType.INTEGER,
    "week_in_year": ColumnType.INTEGER,
    "tolabel": ColumnType.TEXT,
    "format": ColumnType.TEXT,
}
_COMPOUND: Final = ("address", "location")

#: Where the values of a record go, by lower-case name: the place of a column, a parent, or None for what is passed over.
_Tree = dict[str, Any]


class RestTable:
    """The columns of a query by REST, and its pages as CSV.

    Args:
        first: The records of the first page, which show how the org spells the names.
        selected: The select list, and *fields*, the kind of ``FIELDS(...)`` in it: see ``protocol.soql``.
        describe: Of the object of the query; None: not known.
        describe_of: The same for another object, by its API name.
    """

    def __init__(
        self,
        first: Sequence[Mapping[str, Any]],
        selected: Sequence[Selected],
        fields: str,
        describe: Describe | None,
        describe_of: Callable[[str], Describe | None],
    ) -> None:
        passed_over = _compound_fields(describe) if fields else set()
        try:
            found = {path: None for record in first for path in _paths(record)}
        except RecursionError as error:
            raise _too_deep(0) from error
        found = {path: None for path in found if not any(other.startswith(path + ".") for other in found)}
        spelled = {path.lower(): path for path in found if path.lower() not in passed_over}
        asked = [entry.name for entry in selected]
        if fields:
            names = list(spelled.values()) if first else [*_fields_of(describe, fields), *asked]
            names = list(dict.fromkeys(names))
        else:
            # A parent that is null is one value for all of its columns.
            parents = {above for name in asked for above in _above(name.lower())}
            if not spelled.keys() <= {name.lower() for name in asked} | parents:
                names = list(spelled.values())  # the list was misread: the org's own order, and nothing is lost
            else:
                names = [spelled.get(name.lower()) or _as_described(name, describe, describe_of) for name in asked]
        self.names = tuple(names)
        self._functions = {entry.name.lower(): entry for entry in selected}
        self._columns = self._typed(describe, describe_of)
        self._datetimes = frozenset(at for at, column in enumerate(self._columns) if column.type is ColumnType.DATETIME)
        self._tree = _tree(self.names, passed_over)

    def columns(self, header: Sequence[str]) -> Sequence[Column]:
        """The columns of a result with this *header*, typed."""
        return self._columns if header else ()

    def csv(self, records: Iterable[Mapping[str, Any]], first_row: int = 0) -> bytes:
        """A page: header, then a line a record, every cell in quotes as the org writes it.

        Raises:
            MalformedResult: A record has a value that no column is for, or a text that UTF-8 cannot carry.
        """
        lines = [_line(self.names)]
        row = first_row
        try:
            for record in records:
                cells = [""] * len(self.names)
                self._fill(record, self._tree, cells, row, "")
                for at in self._datetimes:
                    if cells[at].endswith("+0000"):
                        cells[at] = cells[at][:-5] + "Z"
                lines.append(_line(cells))
                row += 1
        except RecursionError as error:
            raise _too_deep(row) from error
        try:
            return "".join(lines).encode()
        except UnicodeEncodeError as error:
            raise MalformedResult(
                "The result has a text with half of a surrogate pair, which is no character. The page was not read. "
                "Correct the record in the org, or leave its column out."
            ) from error

    def _fill(self, record: Mapping[str, Any], tree: _Tree, cells: list[str], row: int, above: str) -> None:
        for name, value in record.items():
            if name == "attributes":
                continue
            below = tree.get(name.lower(), _NOWHERE)
            if below.__class__ is int:
                cells[below] = _text(value)
            elif below is None or (value is None and below is not _NOWHERE):
                continue
            elif isinstance(below, dict) and isinstance(value, dict):
                self._fill(value, below, cells, row, f"{above}{name}.")
            elif value is not None:
                raise MalformedResult(
                    f"Row {row} of the result has a value for {above + name!r}, which is no column of the rows before it. "
                    "Nothing after that row was read. Name the columns in the select list.",
                    row=row,
                    column=above + name,
                )

    def _typed(self, describe: Describe | None, describe_of: Callable[[str], Describe | None]) -> tuple[Column, ...]:
        entries = [self._functions.get(name.lower()) for name in self.names]
        paths = [entry.path if entry else name for name, entry in zip(self.names, entries, strict=True)]
        typed = columns_for(paths, describe, describe_of)
        return tuple(
            Column(name, _GIVES.get(entry.function, column.type) if entry else column.type)
            for name, entry, column in zip(self.names, entries, typed, strict=True)
        )


_NOWHERE: Final = object()


def _too_deep(row: int) -> MalformedResult:
    return MalformedResult(
        f"Row {row} of the result has records within records, deeper than can be read. Nothing after that row was read. "
        "Run the query again; it cannot be the org's own answer.",
        row=row,
    )


def _paths(record: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and "attributes" in value:
            yield from _paths(value, f"{above}{name}.")
        else:
            yield above + name


def _above(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _tree(names: Sequence[str], passed_over: Iterable[str]) -> _Tree:
    tree: _Tree = {}
    for at, name in enumerate(names):
        *parents, field = name.lower().split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[field] = at
    for name in passed_over:
        tree.setdefault(name, None)
    return tree


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _line(cells: Sequence[str]) -> str:
    return '"' + '","'.join(cell.replace('"', '""') if '"' in cell else cell for cell in cells) + '"\n'


def _compound_fields(describe: Describe | None) -> set[str]:
    """Their parts are fields of their own, so ``FIELDS(...)`` gives them twice."""
    return {str(field["name"]).lower() for field in (describe or {}).get("fields", ()) if field["type"] in _COMPOUND}


def _fields_of(describe: Describe | None, kind: str) -> list[str]:
    return [
        str(field["name"])
        for field in (describe or {}).get("fields", ())
        if field["type"] not in _COMPOUND and (kind == "all" or bool(field.get("custom")) == (kind == "custom"))
    ]


def _as_described(path: str, describe: Describe | None, describe_of: Callable[[str], Describe | None]) -> str:
    """*path* in the schema's spelling; what the schema does not know stays as it is."""
    *parents, name = path.split(".")
    spelled: list[str] = []
    for parent in parents:
        field = _named(describe, "relationshipName", parent)
        spelled.append(str(field["relationshipName"]) if field else parent)
        targets = list((field or {}).get("referenceTo") or ())
        describe = describe_of(targets[0]) if len(targets) == 1 else None
    field = _named(describe, "name", name)
    return ".".join([*spelled, str(field["name"]) if field else name])


def _named(describe: Describe | None, attribute: str, name: str) -> Mapping[str, Any] | None:
    return next(
        (
            field
            for field in (describe or {}).get("fields", ())
            if str(field.get(attribute) or "").lower() == name.lower()
        ),
        None,
    )

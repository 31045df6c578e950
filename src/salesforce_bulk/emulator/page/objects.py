"""The objects of the org, the records of each, and a page for every record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..rendering.values import text_of
from ..schema import Field, SObject
from ..soql import Column
from ..store import Store
from ..store.database import quote
from .html import Child, Html, address, e, facts, link, table, whole
from .layout import Page

PAGE_ROWS: Final = 50
#: Columns that are shown of an object when nobody chose any.
FIRST_COLUMNS: Final = 8
#: Of a longer text, a table shows the beginning.
SHOWN_CHARACTERS: Final = 120
#: Not worth a column unless asked for: they are the same in all records, or told otherwise.
_DULL: Final = frozenset(
    {
        "Id",
        "IsDeleted",
        "OwnerId",
        "CreatedById",
        "LastModifiedById",
        "SystemModstamp",
        "LastModifiedDate",
        "CreatedDate",
    }
)
_WHERE: Final = {"": "", "no": "IsDeleted = 0", "only": "IsDeleted = 1"}


class ObjectPages:
    def __init__(self, store: Store) -> None:
        self.store = store

    # --- objects ------------------------------------------------------------------------------------------------------

    def all(self, said: dict[str, str]) -> Page:
        with self.store.reader() as connection:
            counted = [(sobject, _count(connection, sobject)) for sobject in self.store.schema.objects]
        shown = [(sobject, n) for sobject, n in counted if n or said.get("show") != "filled"]
        rows: Iterable[list[Child]] = (
            [
                link(sobject.name, address("objects", sobject.name), id=f"object-{sobject.name}"),
                sobject.label,
                whole(n),
                len(sobject.fields),
                sobject.key_prefix,
            ]
            for sobject, n in sorted(shown, key=lambda pair: pair[0].name.lower())
        )
        body = [
            e(
                "p",
                link("All objects", "/objects", aria_current="true" if said.get("show") != "filled" else None),
                " ",
                link(
                    "Objects with records",
                    address("objects", show="filled"),
                    aria_current="true" if said.get("show") == "filled" else None,
                ),
                class_="choices",
            ),
            table(
                f"{len(shown)} objects, with how many records each holds, the recycle bin included",
                ("API name", "Label", "Records", "Fields", "Key prefix"),
                rows,
                id="objects",
                numbers=(2, 3),
            ),
        ]
        total = sum(n for _, n in counted)
        return Page("Objects", body, "Objects", f"{whole(total)} records in {len(counted)} objects.")

    # --- records ------------------------------------------------------------------------------------------------------

    def records(self, name: str, said: Sequence[tuple[str, str]]) -> Page | None:
        """A page of records, in the order of their ids; None when there is no such object.

        *said*: ``columns`` (any number of field names), ``deleted`` ("no", "only"), ``after`` or ``before`` an id.
        """
        sobject = self.store.schema.object(name)
        if sobject is None:
            return None
        one = dict(said)
        deleted = one.get("deleted", "") if sobject.has_recycle_bin and one.get("deleted") in _WHERE else ""
        with self.store.reader() as connection:
            count = _count(connection, sobject, _WHERE[deleted])
            ids, more_before, more_after = _ids(connection, sobject, one, _WHERE[deleted])
            chosen = [field for text in _all(said, "columns") if (field := sobject.field(text)) and field.stored]
            fields = chosen or _first_columns(connection, sobject, ids)
            rows = _read(connection, sobject, fields, ids)
        kept = [*(("columns", field.name) for field in chosen), *([("deleted", deleted)] if deleted else [])]
        heads = ["Record ID", *(field.name for field in fields)]
        if sobject.has_recycle_bin:
            heads.append("Deleted")
        listed = table(
            f"{whole(count)} {sobject.name} record{'' if count == 1 else 's'}, in the order of their IDs",
            heads,
            (self._row(sobject, fields, row) for row in rows),
            id="records",
            numbers=[place for place, field in enumerate(fields, 1) if field.type in _NUMBERS],
        )
        first = ids[0] if ids else ""
        last = ids[-1] if ids else ""
        ways = [
            link("First", _target(sobject, kept), id="first") if more_before else None,
            " ",
            link("Previous", _target(sobject, [*kept, ("before", first)]), rel="prev", id="previous")
            if more_before
            else None,
            " ",
            link("Next", _target(sobject, [*kept, ("after", last)]), rel="next", id="next") if more_after else None,
        ]
        body = [
            self._choices(sobject, fields, deleted),
            e("h2", "Records"),
            listed,
            e("nav", ways, class_="pages", aria_label="Pages") if more_before or more_after else None,
        ]
        return Page(f"{sobject.label_plural or sobject.name}", body, "Objects", f"{whole(count)} records.")

    def _choices(self, sobject: SObject, fields: Sequence[Field], deleted: str) -> Html:
        names = {field.name for field in fields}
        boxes = [
            e(
                "label",
                e("input", type="checkbox", name="columns", value=field.name, checked=field.name in names),
                " ",
                field.name,
            )
            for field in sobject.fields.values()
            if field.stored and field.name not in ("Id", "IsDeleted")
        ]
        bin = [("", "Shown"), ("no", "Left out"), ("only", "Alone")]
        asked = e(
            "div",
            e("label", "Deleted records", for_="deleted"),
            e(
                "select",
                [e("option", text, value=value, selected=value == deleted) for value, text in bin],
                name="deleted",
                id="deleted",
            ),
        )
        return e(
            "form",
            asked if sobject.has_recycle_bin else None,
            e("details", e("summary", "Columns"), e("fieldset", e("legend", "Columns to show"), boxes, class_="boxes")),
            e("div", e("button", "Show", type="submit"), " ", link("As at first", address("objects", sobject.name))),
            method="get",
            action=address("objects", sobject.name),
            class_="filters",
            role="search",
            aria_label="Choose records and columns",
        )

    def _row(self, sobject: SObject, fields: Sequence[Field], row: Mapping[str, Any]) -> list[Child]:
        id18 = str(row["Id"])
        cells: list[Child] = [link(id18, address("objects", sobject.name, id18), id=f"record-{id18}")]
        cells += [self._value(field, row[field.name], SHOWN_CHARACTERS) for field in fields]
        if sobject.has_recycle_bin:
            cells.append(e("span", "In recycle bin", class_="state bad") if row["IsDeleted"] else "")
        return cells

    def record(self, name: str, any_id: str) -> Page | None:
        """Every field of a record, whole."""
        sobject = self.store.schema.object(name)
        if sobject is None:
            return None
        fields = [field for field in sobject.fields.values() if field.stored]
        with self.store.reader() as connection:
            rows = _read(connection, sobject, fields, [any_id])
        if not rows:
            return None
        (row,) = rows
        empty = e("span", "empty", class_="quiet")
        pairs = [
            (field.name, self._value(field, row[field.name]) if row[field.name] is not None else empty)
            for field in fields
        ]
        deleted = sobject.has_recycle_bin and row["IsDeleted"]
        body = [
            e("p", link(f"All {sobject.label_plural or sobject.name}", address("objects", sobject.name))),
            e("h2", "Fields"),
            facts(pairs),
        ]
        status = "In the recycle bin." if deleted else ""
        return Page(f"{sobject.label} {any_id}", body, "Objects", status)

    def _value(self, field: Field, value: Any, most: int | None = None) -> Child:
        """As the APIs write it in CSV; a reference leads to its record."""
        if value is None:
            return ""
        if isinstance(value, bytes):
            return f"{whole(len(value))} bytes"
        text = text_of(Column((field.name,), field.type, field))(value)
        if field.type == "reference" and (target := self.store.schema.by_prefix(text[:3])) is not None:
            return link(text, address("objects", target.name, text))
        return f"{text[:most]}…" if most is not None and len(text) > most else text


_NUMBERS: Final = frozenset({"int", "long", "double", "currency", "percent"})


def _count(connection: sqlite3.Connection, sobject: SObject, where: str = "") -> int:
    sql = f"SELECT count(*) FROM {quote(sobject.name)}{' WHERE ' if where else ''}{where}"
    return int(connection.execute(sql).fetchone()[0])


def _ids(
    connection: sqlite3.Connection, sobject: SObject, said: Mapping[str, str], where: str
) -> tuple[list[str], bool, bool]:
    """The ids of a page, and whether there are records before it and after it. By id and not by number, so that the last page
    of a million costs what the first does."""
    table = quote(sobject.name)

    def some(condition: str, at: str, order: str, most: int) -> list[str]:
        wanted = [part for part in (where, condition) if part]
        sql = f"SELECT Id FROM {table}{' WHERE ' if wanted else ''}{' AND '.join(wanted)} ORDER BY Id {order} LIMIT {most}"
        return [str(row[0]) for row in connection.execute(sql, [at] if condition else [])]

    if said.get("before"):
        found = some("Id < ?", said["before"], "DESC", PAGE_ROWS)[::-1]
    elif said.get("after"):
        found = some("Id > ?", said["after"], "ASC", PAGE_ROWS)
    else:
        found = some("", "", "ASC", PAGE_ROWS)
    if not found:
        return [], False, False
    return found, bool(some("Id < ?", found[0], "DESC", 1)), bool(some("Id > ?", found[-1], "ASC", 1))


def _read(
    connection: sqlite3.Connection, sobject: SObject, fields: Iterable[Field], ids: Sequence[str]
) -> list[dict[str, Any]]:
    names = ["Id", *(["IsDeleted"] if sobject.has_recycle_bin else []), *(field.name for field in fields)]
    names = list(dict.fromkeys(names))
    sql = (
        f"SELECT {', '.join(map(quote, names))} FROM {quote(sobject.name)} "
        f"WHERE Id IN ({', '.join('?' * len(ids))}) ORDER BY Id"
    )
    return [dict(zip(names, row, strict=True)) for row in connection.execute(sql, ids)]


def _first_columns(connection: sqlite3.Connection, sobject: SObject, ids: Sequence[str]) -> list[Field]:
    """The name, and fields of which these records have any value; without records, the first that can be written."""
    names = [field for field in sobject.fields.values() if field.name_field]
    others = [
        field
        for field in sobject.fields.values()
        if field.stored and field.type != "base64" and field.name not in _DULL and field not in names
    ]
    if ids:
        counts = ", ".join(f"count({quote(field.name)})" for field in others)
        sql = f"SELECT {counts} FROM {quote(sobject.name)} WHERE Id IN ({', '.join('?' * len(ids))})"
        filled = connection.execute(sql, ids).fetchone() if others else ()
        others = [field for field, count in zip(others, filled, strict=True) if count]
    # Checkboxes are always filled, and seldom tell much: they come last.
    others.sort(key=lambda field: field.type == "boolean")
    dates = [field for name in ("CreatedDate",) if (field := sobject.field(name)) is not None]
    return [*names, *others][: FIRST_COLUMNS - len(dates)] + dates


def _target(sobject: SObject, parameters: Sequence[tuple[str, str]]) -> str:
    return address("objects", sobject.name, pairs=parameters)


def _all(said: Sequence[tuple[str, str]], name: str) -> list[str]:
    return list(dict.fromkeys(value for key, value in said if key == name))

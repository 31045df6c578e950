"""What the database is asked while it is written: records by key, records by id, and the stamps that every change leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from ..schema import Field, SObject
from .values import SqlValue


def fold(value: SqlValue) -> SqlValue:
    """What two values share when the org takes them for the same: it does not mind the case of letters."""
    return value.lower() if isinstance(value, str) else value


def key_of(field: Field, value: SqlValue) -> SqlValue:
    return value if field.case_sensitive else fold(value)


def find_by(
    connection: sqlite3.Connection, sobject: SObject, field: Field, keys: Iterable[SqlValue]
) -> dict[SqlValue, list[str]]:
    """The live records whose *field* has one of *keys* (as ``key_of`` makes them), by key."""
    wanted = list(keys)
    if not wanted:
        return {}
    column = f'fold("{field.name}")' if field.is_text and not field.case_sensitive else f'"{field.name}"'
    alive = "AND IsDeleted = 0" if sobject.has_recycle_bin else ""
    sql = (
        f'SELECT {column}, Id FROM "{sobject.name}" WHERE {column} IN ({marks(len(wanted))}) '
        f'AND "{field.name}" IS NOT NULL {alive} ORDER BY Id'
    )
    found: dict[SqlValue, list[str]] = {}
    for key, id18 in connection.execute(sql, wanted):
        found.setdefault(key, []).append(id18)
    return found


def look_up(connection: sqlite3.Connection, sobject: SObject, wanted: Iterable[str]) -> dict[str, bool]:
    """Which of *wanted* are there, and whether each is alive."""
    all_wanted = list(wanted)
    alive = "NOT IsDeleted" if sobject.has_recycle_bin else "1"
    sql = f'SELECT Id, {alive} FROM "{sobject.name}" WHERE Id IN ({marks(len(all_wanted))})'
    return {id18: bool(is_alive) for id18, is_alive in connection.execute(sql, all_wanted)}


def modification_stamps(sobject: SObject, user: str, timestamp: int) -> dict[str, SqlValue]:
    stamps: dict[str, SqlValue] = {
        "LastModifiedDate": timestamp, "LastModifiedById": user, "SystemModstamp": timestamp,
    }  # fmt: skip
    return {name: value for name, value in stamps.items() if sobject.field(name)}


def stamps_and_defaults(sobject: SObject, user: str, timestamp: int) -> dict[str, SqlValue]:
    """What a new record has before anyone says anything."""
    stamps: dict[str, SqlValue] = {
        **modification_stamps(sobject, user, timestamp), "CreatedDate": timestamp, "CreatedById": user, "OwnerId": user,
    }  # fmt: skip
    values: dict[str, SqlValue] = {}
    for field in sobject.fields.values():
        if field.name in stamps:
            values[field.name] = stamps[field.name]
        elif field.default is not None and field.stored and not field.formula:
            values[field.name] = int(field.default) if isinstance(field.default, bool) else field.default
    if sobject.default_record_type is not None and sobject.field("RecordTypeId"):
        values["RecordTypeId"] = sobject.default_record_type
    return values


def marks(count: int) -> str:
    return ", ".join("?" * count)

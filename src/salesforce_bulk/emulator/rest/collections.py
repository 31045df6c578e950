"""A few records in one call: ``/composite/sobjects``. Source: rest-support.md 6.1.

Answers stand in the order of the request, and HTTP says 200 even when every record failed.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from salesforce_bulk.wire import paths
from salesforce_bulk.wire.names import Operation

from .. import ids, soql
from ..answers.rest import Answer, document, not_found, read_object
from ..clock import Clock
from ..faults import Faults
from ..http.messages import Reply, Request
from ..http.routing import Call
from ..limits import Limits
from ..rendering.records import RecordShape, Tree
from ..rendering.values import rest_value
from ..schema import SObject
from ..store import NULL, Cell, ColumnNotFound, RowError, SaveResult, Store

#: "Update without id", as recorded.
_NO_ID: Final = RowError("MISSING_ARGUMENT", "Id not specified in an update call")
_ROLLED_BACK: Final = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)
_NAME: Final = re.compile(r"\w+(?:\.\w+)*", re.ASCII)


class _RollBack(Exception):
    pass


@dataclass
class Entry:
    """A record of the request: its object, its columns and their cells."""

    sobject: SObject
    columns: tuple[str, ...]
    cells: list[Cell]


class Collections:
    def __init__(self, store: Store, clock: Clock, limits: Limits, faults: Faults) -> None:
        self.store = store
        self.clock = clock
        self.limits = limits
        self.faults = faults

    def calls(self) -> tuple[Call, ...]:
        one_object = paths.COLLECTIONS + "/{sobject}"
        return (
            ("collections.insert", "POST", paths.COLLECTIONS, self._insert),
            ("collections.update", "PATCH", paths.COLLECTIONS, self._update),
            ("collections.delete", "DELETE", paths.COLLECTIONS, self._delete),
            ("collections.upsert", "PATCH", paths.COLLECTION_UPSERT, self._upsert),
            ("collections.retrieve", "POST", one_object, self._retrieve),
        )

    # --- the calls ----------------------------------------------------------------------------------------------------

    def _insert(self, request: Request, version: str) -> Reply:
        said = read_object(request)
        entries = [self.entry(record, None) for record in self._records(said)]
        return _answer(self.save(entries, Operation.INSERT, None, all_or_none=_flag(said)))

    def _update(self, request: Request, version: str) -> Reply:
        said = read_object(request)
        entries: list[Entry | RowError] = []
        for record in self._records(said):
            entry = self.entry(record, None)
            has_id = any(name.lower() == "id" for name in entry.columns)
            entries.append(entry if has_id else _NO_ID)
        return _answer(self.save(entries, Operation.UPDATE, None, all_or_none=_flag(said)))

    def _upsert(self, request: Request, version: str, sobject: str, field: str) -> Reply:
        known = self.object(sobject)
        key = known.field(field)
        if key is None or not key.id_lookup:
            raise not_found()
        said = read_object(request)
        entries = [self.entry(record, known) for record in self._records(said)]
        results = self.save(entries, Operation.UPSERT, key.name, all_or_none=_flag(said))
        return _answer(results, created=True)

    def _delete(self, request: Request, version: str) -> Reply:
        said = request.parameters()
        wanted = [id for id in said.get("ids", "").split(",") if id]
        self._check_count(len(wanted), self.limits.collection_records)
        entries: list[Entry | RowError] = []
        for id in wanted:
            id18 = ids.normalise(id)
            sobject = self.store.schema.by_prefix(id18[:3]) if id18 else None
            if sobject is None:
                entries.append(RowError("MALFORMED_ID", f"malformed id {id}"))
            else:
                entries.append(Entry(sobject, ("Id",), [id]))
        all_or_none = said.get("allOrNone", "").lower() == "true"
        return _answer(self.save(entries, Operation.DELETE, None, all_or_none=all_or_none))

    def _retrieve(self, request: Request, version: str, sobject: str) -> Reply:
        known = self.object(sobject)
        said = read_object(request)
        wanted, fields = said.get("ids"), said.get("fields")
        if not _are_texts(wanted) or not _are_texts(fields) or not all(map(_NAME.fullmatch, fields)):
            raise Answer(400, "JSON_PARSER_ERROR", "ids and fields are lists of texts")
        self._check_count(len(wanted), self.limits.collection_reads)
        found = [ids.normalise(id) for id in wanted]
        records = self.read(known, [id for id in found if id], fields, version)
        return document([records.get(id or "") for id in found])

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, sobject: SObject, wanted: Sequence[str], fields: Sequence[str], version: str) -> dict[str, Any]:
        """The records with these ids of 18 characters, as documents, by id; what is not there, or deleted, is not."""
        listed = ", ".join(f"'{id}'" for id in sorted(set(wanted))) or "''"
        text = f"SELECT {', '.join(dict.fromkeys(fields))} FROM {sobject.name} WHERE Id IN ({listed})"
        compiled = soql.compile_query(
            soql.parse(text), self.store.schema, dialect="rest", all_rows=False, now=self.clock.now()
        )
        tree, shape = Tree(compiled), RecordShape(compiled, version, rest_value)
        assert compiled.record_id is not None
        with self.store.reader() as connection:
            return {
                str(record[compiled.record_id]): shape.of(record, tree) for record in compiled.run(connection).records
            }

    def _records(self, said: Mapping[str, Any]) -> list[dict[str, Any]]:
        records = said.get("records")
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise Answer(400, "JSON_PARSER_ERROR", "records is no list of objects")
        self._check_count(len(records), self.limits.collection_records)
        return records

    def _check_count(self, count: int, most: int) -> None:
        if not count:
            raise Answer(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
        if count > most:
            text = f"record limit reached. cannot submit more than {most} records into this call"
            raise Answer(400, "EXCEEDED_ID_LIMIT", text)

    def object(self, name: str) -> SObject:
        sobject = self.store.schema.object(name)
        if sobject is None:
            raise not_found()
        return sobject

    def entry(self, record: Mapping[str, Any], sobject: SObject | None) -> Entry:
        attributes = record.get("attributes")
        type = attributes.get("type") if isinstance(attributes, dict) else None
        known = self.store.schema.object(type) if isinstance(type, str) else sobject
        if known is None:
            if type is None:
                raise Answer(400, "INVALID_TYPE", "The record has no attributes.type")
            raise Answer(400, "INVALID_TYPE", f"sObject type '{type}' is not supported.")
        if sobject is not None and known is not sobject:
            raise Answer(400, "INVALID_TYPE", f"The records of this call are {sobject.name}, not {known.name}")
        cells = dict(_cell(name, value) for name, value in record.items() if name != "attributes")
        return Entry(known, tuple(cells), list(cells.values()))

    # --- writing ------------------------------------------------------------------------------------------------------

    def save(
        self, entries: Sequence[Entry | RowError], operation: str, external_id: str | None, *, all_or_none: bool
    ) -> list[SaveResult]:
        results: list[SaveResult] = []
        try:
            with self.store.writing() as connection:
                for group in _groups(entries):
                    results += self._save_group(connection, group, operation, external_id)
                if all_or_none and not all(result.success for result in results):
                    raise _RollBack
        except _RollBack:
            return [SaveResult(None, False, False, result.errors or (_ROLLED_BACK,)) for result in results]
        return results

    def _save_group(
        self,
        connection: sqlite3.Connection,
        group: Sequence[Entry | RowError],
        operation: str,
        external_id: str | None,
    ) -> list[SaveResult]:
        first = group[0]
        if isinstance(first, RowError):
            return [SaveResult(None, False, False, (first,))]
        try:
            plan = self.store.prepare(operation, first.sobject, first.columns, external_id=external_id)
        except ColumnNotFound as error:
            if error.name == external_id:
                missing = RowError("MISSING_ARGUMENT", f"{external_id} not specified", (external_id,))
                return [SaveResult(None, False, False, (missing,)) for _ in group]
            text = f"No such column '{error.name}' on sobject of type {first.sobject.name}"
            raise Answer(400, "INVALID_FIELD", text) from error
        fault = self.faults.of_call("collections.save", "", f"{operation} {first.sobject.name}")
        if fault.locks:
            plan.locked = fault.happened
        return plan.apply_within(connection, [entry.cells for entry in group if isinstance(entry, Entry)])


def _groups(entries: Sequence[Entry | RowError]) -> Iterator[list[Entry | RowError]]:
    """Neighbours of one object with the same columns; a record that was refused already stands alone."""

    def key(numbered: tuple[int, Entry | RowError]) -> object:
        number, entry = numbered
        return number if isinstance(entry, RowError) else (entry.sobject.name, entry.columns)

    for _, group in itertools.groupby(enumerate(entries), key):
        yield [entry for _, entry in group]


def _cell(name: str, value: Any) -> tuple[str, Cell]:
    """A member of a record as column and cell. A nested record names its parent by one field."""
    if value is None:
        return name, NULL
    if isinstance(value, dict):
        lookups = [(key, below) for key, below in value.items() if key != "attributes"]
        attributes = value.get("attributes")
        kind = f"{attributes['type']}:" if isinstance(attributes, dict) and "type" in attributes else ""
        if len(lookups) == 1 and not isinstance(lookups[0][1], dict | list):
            key, below = lookups[0]
            return f"{kind}{name}.{key}", NULL if below is None else below
    if isinstance(value, dict | list):
        raise Answer(400, "JSON_PARSER_ERROR", f"The value of {name} cannot be read")
    cell: Cell = value
    return name, cell


def _flag(said: Mapping[str, Any]) -> bool:
    return said.get("allOrNone") is True


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _answer(results: Sequence[SaveResult], *, created: bool = False) -> Reply:
    """A failed record has no ``id`` (recorded)."""
    return document(
        [
            {"id": result.id, "success": True, "errors": [], **({"created": result.created} if created else {})}
            if result.success
            else {"success": False, "errors": list(map(_error, result.errors))}
            for result in results
        ]
    )


def _error(error: RowError) -> dict[str, Any]:
    return {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}

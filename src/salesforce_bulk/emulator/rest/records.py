"""One record in one call: ``/sobjects/{object}/{id}``, and by an external id. Source: rest-support.md 6.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from salesforce_bulk.wire import paths
from salesforce_bulk.wire.names import Operation

from .. import ids
from ..answers.rest import Answer, document, not_found, read_object
from ..http.messages import Reply, Request
from ..http.routing import Call
from ..schema import Field, SObject
from ..store import RowError, SaveResult
from ..store.records import find_by, key_of
from ..store.values import Refused, converter
from .collections import Collections, Entry

#: From here on an upsert that updates has a body (rest-support.md 6.2); before, it was 204 without one.
FIRST_VERSION_THAT_TELLS: Final = 46.0
#: Errors that say that there is no such record, which HTTP has a status for.
_GONE: Final = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}


class SingleRecords:
    def __init__(self, collections: Collections) -> None:
        self.collections = collections
        self.store = collections.store

    def calls(self) -> tuple[Call, ...]:
        return (
            ("record.insert", "POST", paths.SOBJECT, self._insert),
            ("record.get", "GET", paths.RECORD, self._get),
            ("record.update", "PATCH", paths.RECORD, self._update),
            ("record.delete", "DELETE", paths.RECORD, self._delete),
            ("record.get", "GET", paths.RECORD_BY_KEY, self._get_by_key),
            ("record.upsert", "PATCH", paths.RECORD_BY_KEY, self._upsert),
            ("record.delete", "DELETE", paths.RECORD_BY_KEY, self._delete_by_key),
        )

    def _insert(self, request: Request, version: str, sobject: str) -> Reply:
        result = self._save(Operation.INSERT, self.collections.object(sobject), read_object(request))
        return document(_saved(result), 201)

    def _get(self, request: Request, version: str, sobject: str, id: str) -> Reply:
        known = self.collections.object(sobject)
        id18 = ids.normalise(id)
        if id18 is None:
            raise not_found()
        wanted = [name for name in request.parameters().get("fields", "").split(",") if name]
        unknown = next((name for name in wanted if "." not in name and known.field(name) is None), None)
        if unknown is not None:
            raise Answer(400, "INVALID_FIELD", f"No such column '{unknown}' on sobject of type {known.name}")
        found = self.collections.read(known, [id18], wanted or [field.name for field in known.fields.values()], version)
        if id18 not in found:
            raise not_found()
        return document(found[id18])

    def _update(self, request: Request, version: str, sobject: str, id: str) -> Reply:
        known = self.collections.object(sobject)
        said = read_object(request)
        if any(name.lower() == "id" for name in said):
            text = "The Id field should not be specified in the sobject data."
            raise Answer(400, "INVALID_FIELD", text)
        self._save(Operation.UPDATE, known, {"Id": id, **said})
        return Reply(204)

    def _delete(self, request: Request, version: str, sobject: str, id: str) -> Reply:
        self._save(Operation.DELETE, self.collections.object(sobject), {"Id": id})
        return Reply(204)

    def _get_by_key(self, request: Request, version: str, sobject: str, field: str, value: str) -> Reply:
        found = self._found(version, sobject, field, value)
        if not found:
            raise not_found()
        return self._get(request, version, sobject, found[0])

    def _upsert(self, request: Request, version: str, sobject: str, field: str, value: str) -> Reply:
        known, key = self._key(sobject, field)
        said = read_object(request)
        if any(name.lower() == key.name.lower() for name in said):
            text = f"The {key.name} field should not be specified in the sobject data."
            raise Answer(400, "INVALID_FIELD", text)
        self._found(version, sobject, field, value)  # several are an answer of their own
        result = self._save(Operation.UPSERT, known, {key.name: unquote(value), **said}, key.name)
        if not result.created and float(version) < FIRST_VERSION_THAT_TELLS:
            return Reply(204)
        return document({**_saved(result), "created": result.created}, 201 if result.created else 200)

    def _delete_by_key(self, request: Request, version: str, sobject: str, field: str, value: str) -> Reply:
        found = self._found(version, sobject, field, value)
        if not found:
            raise not_found()
        return self._delete(request, version, sobject, found[0])

    def _key(self, sobject: str, field: str) -> tuple[SObject, Field]:
        known = self.collections.object(sobject)
        key = known.field(field)
        if key is None or not key.id_lookup:
            text = f"Provided external ID field does not exist or is not accessible: {field}"
            raise Answer(404, "NOT_FOUND", text)
        return known, key

    def _found(self, version: str, sobject: str, field: str, value: str) -> list[str]:
        """The id of the record with that key, or none. Several: 300, and their paths."""
        known, key = self._key(sobject, field)
        try:
            wanted = key_of(key, converter(key, 0)(unquote(value)))
        except Refused as refused:
            raise _answer(refused.error) from refused
        with self.store.reader() as connection:
            found: Sequence[str] = find_by(connection, known, key, [wanted]).get(wanted, [])
        if len(found) > 1:
            answer = Answer(300, "", "")
            answer.reply = document(
                [paths.RECORD.format(version=version, sobject=known.name, id=id) for id in found], 300
            )
            raise answer
        return list(found)

    def _save(self, operation: str, sobject: SObject, said: dict[str, Any], key: str | None = None) -> SaveResult:
        entry: list[Entry | RowError] = [self.collections.entry(said, sobject)]
        result = self.collections.save(entry, operation, key, all_or_none=True)[0]
        if not result.success:
            raise _answer(result.errors[0])
        return result


def _saved(result: SaveResult) -> dict[str, Any]:
    return {"id": result.id, "success": True, "errors": []}


def _answer(error: RowError) -> Answer:
    if error.code == "INVALID_CROSS_REFERENCE_KEY" and not error.fields:
        return not_found()
    answer = Answer(404 if error.code in _GONE else 400, error.code, error.message)
    told = {"message": error.message, "errorCode": error.code, "fields": list(error.fields)}
    answer.reply = document([told], answer.reply.status)
    return answer

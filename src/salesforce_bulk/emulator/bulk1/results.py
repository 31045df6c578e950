"""Results as they are sent: of rows that were saved, and of queries. Source: bulk-api-1.md 3.9, 6.4, 6.5."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from salesforce_bulk.wire.names import DATALOAD_NS, NO_RECORDS, XSI_NS, ContentType

from ..answers.bulk1 import HEAD
from ..rendering.records import RecordShape, Tree
from ..rendering.row_errors import error_cell
from ..rendering.values import json_value, text_of
from ..safe_xml import escape
from ..soql import Compiled
from ..store import RowError, SaveResult

#: Records rendered at a time.
SLICE = 500
#: The first version at which a failed update names its record (ss#627).
FIRST_VERSION_WITH_FAILED_IDS = 57.0


class SaveResults:
    """The result file of a batch that writes: head, then any number of slices, then tail."""

    def __init__(self, form: str, api_version: str) -> None:
        self.form = form
        self.names_failed = float(api_version) >= FIRST_VERSION_WITH_FAILED_IDS
        self._first = True

    def head(self) -> str:
        match self.form:
            case ContentType.CSV:
                return '"Id","Success","Created","Error"\n'
            case ContentType.XML:
                return f'{HEAD}<results xmlns="{DATALOAD_NS}">'
            case _:
                return "["

    def tail(self) -> str:
        return {ContentType.CSV: "", ContentType.XML: "</results>"}.get(self.form, "]")

    def render(self, results: Sequence[SaveResult]) -> str:
        match self.form:
            case ContentType.CSV:
                return "".join(map(self._csv, results))
            case ContentType.XML:
                return "".join(map(self._xml, results))
            case _:
                text = ",".join(map(self._json, results))
                comma, self._first = "" if self._first or not text else ",", self._first and not text
                return comma + text

    def _id(self, result: SaveResult) -> str | None:
        return result.id if result.success or self.names_failed else None

    def _csv(self, result: SaveResult) -> str:
        if result.success:
            return f'"{result.id}","true","{"true" if result.created else "false"}",""\n'
        return f'"{self._id(result) or ""}","false","false","{_doubled(error_cell(result.errors))}"\n'

    def _xml(self, result: SaveResult) -> str:
        errors = "".join(
            "<errors>"
            + "".join(f"<fields>{escape(name)}</fields>" for name in error.fields)
            + f"<message>{escape(error.message)}</message><statusCode>{error.code}</statusCode></errors>"
            for error in result.errors
        )
        id = f"<id>{self._id(result)}</id>" if self._id(result) else ""
        success, created = str(result.success).lower(), str(result.created).lower()
        return f"<result>{errors}{id}<success>{success}</success><created>{created}</created></result>"

    def _json(self, result: SaveResult) -> str:
        return json.dumps(
            {
                "success": result.success,
                "created": result.created,
                "id": self._id(result),
                "errors": [_error(error) for error in result.errors],
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )


def _error(error: RowError) -> dict[str, Any]:
    return {"statusCode": error.code, "message": error.message, "fields": list(error.fields)}


def _doubled(text: str) -> str:
    return text.replace('"', '""') if '"' in text else text


# --- queries ----------------------------------------------------------------------------------------------------------


class QueryRows:
    """Renders what a query found, in slices: text of some records, and how many they are."""

    def __init__(self, form: str, compiled: Compiled, api_version: str) -> None:
        self.form = form
        self.compiled = compiled
        self.api_version = api_version

    def head(self) -> str:
        match self.form:
            case ContentType.CSV:
                return ",".join(f'"{_doubled(column.name)}"' for column in self.compiled.columns) + "\n"
            case ContentType.XML:
                return f'{HEAD}<queryResult xmlns="{DATALOAD_NS}" xmlns:xsi="{XSI_NS}">'
            case _:
                return "["

    def tail(self) -> str:
        return {ContentType.CSV: "", ContentType.XML: "</queryResult>"}.get(self.form, "]")

    def separator(self) -> str:
        return ",\n" if self.form == ContentType.JSON else ""

    def nothing(self) -> str:
        """The whole file of a query that found nothing. The CSV text is recorded; the others are inferred (U9)."""
        return NO_RECORDS if self.form == ContentType.CSV else self.head() + self.tail()

    def slices(self, records: Iterator[Sequence[Any]], size: int = SLICE) -> Iterator[tuple[str, int]]:
        render = self._renderer()
        while slice := list(islice(records, size)):
            yield render(slice), len(slice)

    def _renderer(self) -> Callable[[list[Sequence[Any]]], str]:
        match self.form:
            case ContentType.CSV:
                return self._csv()
            case ContentType.XML:
                return self._xml()
            case _:
                return self._json()

    def _csv(self) -> Callable[[list[Sequence[Any]]], str]:
        columns = self.compiled.columns
        texts = [(place, text_of(column)) for place, column in enumerate(columns) if text_of(column) is not str]
        width = len(columns)

        def cells(record: Sequence[Any]) -> list[Any]:
            row = list(record[:width])
            for place, text in texts:
                if row[place] is not None:
                    row[place] = text(row[place])
            return row

        def render(records: list[Sequence[Any]]) -> str:
            out = io.StringIO(newline="")
            csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(map(cells, records))
            return out.getvalue()

        return render

    def _xml(self) -> Callable[[list[Sequence[Any]]], str]:
        tree = Tree(self.compiled)

        def record_xml(record: Sequence[Any], node: Tree, name: str, type: str) -> str:
            parts = [f'<{name} xsi:type="sObject"><type>{type}</type>']
            # The schema has type, then Id, then the fields: Id is there twice if selected, and once, nil, if not.
            id_place = next((place for key, place in node.fields if key == "Id"), None)
            parts.append('<Id xsi:nil="true"/>' if id_place is None else f"<Id>{record[id_place]}</Id>")
            for key, below in node.members(type):
                if isinstance(below, Tree):
                    parent = below.parent_of(record)
                    parts.append(record_xml(record, below, key, parent) if parent else f'<{key} xsi:nil="true"/>')
                elif (value := record[below]) is None:
                    parts.append(f'<{key} xsi:nil="true"/>')
                else:
                    parts.append(f"<{key}>{escape(node.texts[below](value))}</{key}>")
            parts.append(f"</{name}>")
            return "".join(parts)

        root = self.compiled.root.name
        return lambda records: "".join(record_xml(record, tree, "records", root) for record in records)

    def _json(self) -> Callable[[list[Sequence[Any]]], str]:
        tree = Tree(self.compiled)
        shape = RecordShape(self.compiled, self.api_version, json_value)
        return lambda records: ",\n".join(
            json.dumps(shape.of(record, tree), ensure_ascii=False, separators=(",", ":")) for record in records
        )

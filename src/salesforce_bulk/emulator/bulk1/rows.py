"""From the body of a batch to columns and rows, whatever form the body has.

Nested records become the columns that the store knows: ``Owner.Email``, and ``Lead:Who.Email`` for a parent that can be of
several objects. A cell is MISSING, NULL, text, bytes, or in JSON a plain value. Source: bulk-api-1.md section 6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree.ElementTree import Element

from salesforce_bulk.wire.names import NULL_CELL, XSI_NS, ContentType

from ..limits import Limits
from ..safe_xml import BadXml, local_name, parse
from ..store import MISSING, NULL, Cell, RowError
from .csv_records import BadCsv, read_csv

_NIL: Final = f"{{{XSI_NS}}}nil"


class BatchFault(Exception):
    """What fails a whole batch. The text is the ``stateMessage``."""

    def __init__(self, message: str, code: str = "InvalidBatch") -> None:
        super().__init__(f"{code} : {message}")


Row = list[Cell] | RowError


@dataclass
class Rows:
    columns: list[str]
    #: A row that is refused before it reaches the database stands here as its error.
    rows: list[Row]


def read_rows(data: bytes, form: str, limits: Limits, charset: str = "utf-8") -> Rows:
    """*form*: CSV, XML or JSON."""
    if form == ContentType.CSV:
        return read_csv_rows(data.decode(charset, "replace"), limits)
    rows = _xml_rows(data) if form == ContentType.XML else _json_rows(data)
    # The number is documented for all forms; the text is on record for none, and published for CSV.
    most = limits.batch_rows - 1
    if len(rows.rows) > most:
        raise BatchFault(
            f"Exceeded number of records : {len(rows.rows)}. Number of records should be less than or equal to {most}"
        )
    return rows


def csv_records(text: str, limits: Limits) -> tuple[list[str], list[list[str]]]:
    """Header and records, as text."""
    try:
        records = list(read_csv(text, limits))
    except BadCsv as error:
        raise BatchFault(f"Failed to parse CSV. {error}") from error
    return (records[0], records[1:]) if records else ([], [])


def read_csv_rows(text: str, limits: Limits) -> Rows:
    header, records = csv_records(text, limits)
    return Rows(header, csv_cells(header, records))


def csv_cells(header: Sequence[str], records: list[list[str]]) -> list[Row]:
    """Text to cells: empty says nothing, ``#N/A`` says null. A short row says nothing of its last columns."""
    width = len(header)
    rows: list[Row] = []
    for record in records:
        if len(record) > width:
            raise BatchFault(f"Failed to parse CSV. Record has {len(record)} values, the header has {width}")
        if "" in record or NULL_CELL in record:
            rows.append([MISSING if cell == "" else NULL if cell == NULL_CELL else cell for cell in record])
        else:
            rows.append(list(record))
    return rows


class _Table:
    """Rows that name their own columns, made into a table. Names match without regard to case."""

    def __init__(self) -> None:
        self.columns: list[str] = []
        self.rows: list[Row] = []
        self._places: dict[str, int] = {}

    def add(self, cells: Iterator[tuple[str, Cell]]) -> None:
        row: list[Cell] = [MISSING] * len(self.columns)
        for name, cell in cells:
            place = self._places.setdefault(name.lower(), len(self.columns))
            if place == len(self.columns):
                self.columns.append(name)
                row.append(cell)
            else:
                row[place] = cell
        self.rows.append(row)

    def done(self) -> Rows:
        width = len(self.columns)
        for row in self.rows:
            if isinstance(row, list) and len(row) < width:
                row.extend([MISSING] * (width - len(row)))
        return Rows(self.columns, self.rows)


def _xml_rows(data: bytes) -> Rows:
    try:
        root = parse(data, elements=None)
    except BadXml as error:
        raise BatchFault(f"Failed to parse XML. {error}") from error
    if local_name(root) != "sObjects":
        raise BatchFault(f"Failed to parse XML. Expected sObjects but found {local_name(root)}")
    table = _Table()
    for record in root:
        if local_name(record) != "sObject":
            raise BatchFault(f"Failed to parse XML. Expected sObject but found {local_name(record)}")
        table.add(_xml_cells(record))
    return table.done()


def _xml_cells(record: Element) -> Iterator[tuple[str, Cell]]:
    for element in record:
        name = local_name(element)
        if element.get(_NIL, "").lower() in {"true", "1"}:
            yield name, NULL
        elif len(element):
            yield _parent_cell(name, element)
        else:
            # An empty element: taken as saying nothing, like an empty value in CSV (uncertain: FIDELITY.md).
            yield name, element.text or MISSING


def _parent_cell(name: str, element: Element) -> tuple[str, Cell]:
    """``<Owner><sObject><Email>x</Email></sObject></Owner>``: one lookup field, and ``type`` if there are several objects."""
    kind, lookups = "", []
    for below in element[0]:
        if local_name(below) == "type":
            kind = f"{below.text or ''}:"
        else:
            lookups.append(below)
    if len(element) != 1 or local_name(element[0]) != "sObject" or len(lookups) != 1:
        raise BatchFault(f"Failed to parse XML. {name} should hold one sObject with one field")
    cell: Cell = NULL if lookups[0].get(_NIL) == "true" else lookups[0].text or MISSING
    return f"{kind}{name}.{local_name(lookups[0])}", cell


def _json_rows(data: bytes) -> Rows:
    try:
        records = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BatchFault(f"Failed to parse JSON. {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise BatchFault("Failed to parse JSON. Expected an array of objects")
    table = _Table()
    for record in records:
        table.add(_json_cells(record))
    return table.done()


def _json_cells(record: dict[str, Any]) -> Iterator[tuple[str, Cell]]:
    for name, value in record.items():
        if name == "attributes":
            continue
        if value is None:
            yield name, NULL
        elif isinstance(value, dict):
            lookups = [(key, below) for key, below in value.items() if key != "attributes"]
            attributes = value.get("attributes")
            kind = f"{attributes['type']}:" if isinstance(attributes, dict) and "type" in attributes else ""
            if len(lookups) != 1 or isinstance(lookups[0][1], dict | list):
                raise BatchFault(f"Failed to parse JSON. {name} should hold one field")
            key, below = lookups[0]
            yield f"{kind}{name}.{key}", NULL if below is None else _json_scalar(below)
        elif isinstance(value, list):
            raise BatchFault(f"Failed to parse JSON. {name} is an array")
        else:
            yield name, _json_scalar(value)


def _json_scalar(value: Any) -> Cell:
    """An empty text says nothing, as in CSV (uncertain: FIDELITY.md)."""
    cell: Cell = MISSING if value == "" else value
    return cell

"""Every decoder of rows and results, by name: each reads pieces of bytes to the end and returns what they hold."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from salesforce_bulk.data import arrow_match
from salesforce_bulk.data.arrow import batches, to_table
from salesforce_bulk.data.decode import CsvRecords, DictRows, record_texts
from salesforce_bulk.data.delimited import DelimitedRows
from salesforce_bulk.data.json_lines import write_json_lines
from salesforce_bulk.data.json_rows import json_records, json_results
from salesforce_bulk.data.rest_rows import RestTable
from salesforce_bulk.data.result_files import write_result_files
from salesforce_bulk.data.results import csv_results, parse_errors, parse_result_errors
from salesforce_bulk.data.schema import Column, ColumnType, columns_for
from salesforce_bulk.data.sinks import write_csv, write_jsonl, write_parquet
from salesforce_bulk.data.streams import PieceReader, Texts, unless_no_records
from salesforce_bulk.data.typed import TypedDictRows
from salesforce_bulk.data.xml import xml_records, xml_results
from salesforce_bulk.documents import NotReadable, looks_like, parse_json, parse_xml
from salesforce_bulk.legacy import results as old
from salesforce_bulk.protocol import rest_query
from salesforce_bulk.protocol.messages import Reply
from salesforce_bulk.records import Dialect, Selected
from salesforce_bulk.transport.inflate import inflated

Pieces = list[bytes]
_KINDS: Final = list(ColumnType)


def typed_columns(header: Iterable[str]) -> tuple[Column, ...]:
    """Each column of another type, in turn, so that every converter meets what its column never holds."""
    return tuple(Column(name, _KINDS[at % len(_KINDS)]) for at, name in enumerate(header))


def rows_by_csv(pieces: Pieces) -> list[dict[str, Any]]:
    return list(TypedDictRows([pieces], typed_columns, use_pyarrow=False))


def rows_by_arrow(pieces: Pieces) -> list[dict[str, Any]]:
    return list(TypedDictRows([pieces], typed_columns, use_pyarrow=True))


def text_rows(pieces: Pieces) -> list[dict[str, Any]]:
    return list(TypedDictRows([pieces], use_pyarrow=False))


def text_rows_by_arrow(pieces: Pieces) -> list[dict[str, Any]]:
    return list(TypedDictRows([pieces], use_pyarrow=True))


def text_table(pieces: Pieces) -> list[dict[str, Any]]:
    table, fallbacks = to_table(lambda: [pieces], threads=0, block_bytes=64)
    assert not fallbacks
    return [
        dict(zip(table.schema.names, row, strict=True))
        for row in zip(*(c.to_pylist() for c in table.columns), strict=True)
    ]


def typed_table(pieces: Pieces) -> Any:
    return to_table(lambda: [pieces], typed_columns, threads=0, block_bytes=64)


def small_batches(pieces: Pieces) -> int:
    stream = batches([pieces], typed_columns, threads=0, block_bytes=64)
    return sum(batch.num_rows for batch in stream)


def json_lines(pieces: Pieces) -> bytes:
    file = io.BytesIO()
    write_json_lines([pieces], typed_columns, file, block_bytes=64)
    return file.getvalue()


def json_lines_by_row(pieces: Pieces) -> bytes:
    file = io.BytesIO()
    write_jsonl(TypedDictRows([pieces], typed_columns, use_pyarrow=False), file)
    return file.getvalue()


def csv_file(pieces: Pieces) -> tuple[int, bytes]:
    file = io.BytesIO()
    return write_csv([pieces, pieces], file), file.getvalue()


def result_files(pieces: Pieces) -> tuple[int, bytes]:
    file = io.BytesIO()
    return write_result_files([pieces, pieces], file), file.getvalue()


def parquet(pieces: Pieces) -> int:
    return write_parquet(batches([pieces], threads=0, block_bytes=64), io.BytesIO())


def columns_of_bytes(pieces: Pieces) -> list[list[str]] | None:
    """None: it is not for this reader, and the careful one reads it."""
    try:
        file = arrow_match.TextFile(pieces)
        try:
            return file.look(10**6) if file.header else []
        finally:
            file.close()
    except arrow_match.Unsuited:
        return None


def documents(pieces: Pieces) -> tuple[str, Any]:
    body = b"".join(pieces)
    kind = looks_like(body)
    try:
        if kind == "json":
            # It can be written down again.
            return kind, json.dumps(parse_json(body), ensure_ascii=False).encode()
        if kind == "xml":
            return kind, [element.tag for element in parse_xml(body).iter()]
    except NotReadable as error:
        return kind, str(error)
    return kind, None


_SELECTED: Final = [Selected("Id", "Id"), Selected("Amount", "Amount"), Selected("Owner.Name", "Owner.Name")]


def rest_page(pieces: Pieces) -> bytes:
    request = rest_query.query("SELECT Id, Amount, Owner.Name FROM Account")
    page = rest_query.read_page(request, Reply(200, {}, b"".join(pieces)))
    table = RestTable(page.records, _SELECTED, "", None, lambda _: None)
    made = table.csv(page.records)
    assert len(page.records) == len(text_rows([made]))
    return made


def described(pieces: Pieces) -> Any:
    """The columns by whatever a describe says."""
    try:
        document = parse_json(b"".join(pieces))
    except NotReadable:
        return None
    if not isinstance(document, dict):
        return None
    return columns_for(["Id", "Amount", "Owner.Name"], document, lambda _: document)


def errors_of_rows(pieces: Pieces) -> Any:
    text = b"".join(pieces).decode("utf-8", "replace")
    return parse_errors(text), parse_result_errors(text)


def as_file(pieces: Pieces) -> list[bytes]:
    lines = list(PieceReader(pieces))
    assert b"".join(pieces) == b"".join(lines)
    return lines


def texts(pieces: Pieces) -> str | None:
    """Text is UTF-8 or it is not: here the error is Python's own, which every reader makes ours."""
    reader = Texts(pieces)
    try:
        return "".join(iter(lambda: reader.more(0), ""))
    except UnicodeDecodeError:
        return None


def _old(make: Callable[[Pieces], Iterator[Any]]) -> Callable[[Pieces], list[Any]]:
    return lambda pieces: list(make(pieces))


DECODERS: Final[dict[str, Callable[[Pieces], Any]]] = {
    "CsvRecords": lambda pieces: list(CsvRecords(pieces)),
    "DictRows": lambda pieces: list(DictRows(pieces)),
    "record_texts": lambda pieces: list(record_texts(pieces)),
    "DelimitedRows": lambda pieces: list(DelimitedRows(pieces, Dialect(";"))),
    "TypedDictRows without pyarrow": rows_by_csv,
    "TypedDictRows with pyarrow": rows_by_arrow,
    "to_table": typed_table,
    "batches": small_batches,
    "write_json_lines": json_lines,
    "write_csv": csv_file,
    "write_result_files": result_files,
    "write_parquet": parquet,
    "arrow_match.TextFile": columns_of_bytes,
    "csv_results": lambda pieces: list(csv_results(pieces)),
    "parse_errors": errors_of_rows,
    "xml_records": lambda pieces: list(xml_records(pieces)),
    "xml_results": lambda pieces: list(xml_results(pieces)),
    "json_records": lambda pieces: list(json_records(pieces)),
    "json_results": lambda pieces: list(json_results(pieces)),
    "rest_rows": rest_page,
    "columns_for": described,
    "documents": documents,
    "inflated": lambda pieces: b"".join(inflated(pieces)),
    "unless_no_records": lambda pieces: b"".join(unless_no_records(pieces)),
    "PieceReader": as_file,
    "Texts": texts,
    "old dict_rows": _old(lambda pieces: old.dict_rows(iter(pieces))),
    "old upload_results": _old(lambda pieces: iter(old.upload_results(iter(pieces)))),
}

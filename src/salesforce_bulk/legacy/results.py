"""Bodies of results, in whatever format the job has, as the old interface hands them out."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from ..data.decode import CsvRecords, DictRows, record_texts
from ..data.json_rows import json_records
from ..data.streams import PieceReader
from ..data.xml import xml_records, xml_results
from ..documents import looks_like
from ..records import RowResult
from .exceptions import UploadResult

Pieces = Iterable[bytes]

#: What the old library showed as the first row of upload results.
HEADER = UploadResult("Id", "Success", "Created", "Error")


def told(pieces: Pieces) -> tuple[str, Iterator[bytes]]:
    """``"csv"``, ``"xml"`` or ``"json"``, told from the first bytes, and all the pieces."""
    source = iter(pieces)
    head = b""
    # The first piece may be only a blank or a byte order mark.
    for piece in source:
        head += piece
        if len(head) >= 64:
            break
    kind = looks_like(head)
    return (kind if kind in ("xml", "json") else "csv"), chain((head,), source)


def dict_rows(pieces: Pieces) -> Iterator[dict[str, Any]]:
    kind, pieces = told(pieces)
    if kind == "json":
        return iter(json_records(pieces))
    if kind == "xml":
        head = next(pieces, b"")
        pieces = chain((head,), pieces)
        if b"<results" in head:
            # Of an upload: the columns that its results have in CSV.
            return (dict(zip(HEADER, as_text(result), strict=True)) for result in upload_results(pieces))
        return iter(xml_records(pieces))
    return iter(DictRows(pieces))


def lists(pieces: Pieces) -> Iterator[list[str]]:
    """CSV records as lists, the header first. Nothing for a query without rows."""
    records = CsvRecords(pieces)
    if records.columns:
        yield list(records.columns)
        yield from records


def lines(pieces: Pieces, *, skip: str | None = None) -> Iterator[str]:
    """One text a CSV record; one a line for XML and JSON. A first text equal to *skip* is left out."""
    kind, pieces = told(pieces)
    if kind == "csv":
        texts = record_texts(pieces)
    else:
        texts = (line.rstrip("\r\n") for line in io.TextIOWrapper(PieceReader(pieces), encoding="utf-8", newline=""))
    for number, text in enumerate(texts):
        if number or text != skip:
            yield text


def all_lines(files: Iterable[Callable[[], Pieces]]) -> Iterator[str]:
    """The lines of several result files as those of one: the header once."""
    header: str | None = None
    for open_ in files:
        for text in lines(open_(), skip=header):
            header = text if header is None else header
            yield text


def upload_results(pieces: Pieces) -> list[UploadResult]:
    """One result a row. CSV: text throughout; XML and JSON: bools, and a list of errors as dicts."""
    kind, pieces = told(pieces)
    if kind == "json":
        return [
            UploadResult(row.get("id"), row.get("success"), row.get("created"), row.get("errors"))
            for row in json_records(pieces)
        ]
    if kind == "xml":
        return [
            UploadResult(result.id, result.success, result.created, _errors(result)) for result in xml_results(pieces)
        ]
    return list(text_results(pieces))


def text_results(pieces: Pieces) -> Iterator[UploadResult]:
    """The rows of a CSV result, read by the names of its columns: not every operation sends all four."""
    records = CsvRecords(pieces)
    place = {name.lower(): at for at, name in enumerate(records.columns)}
    wanted = [place.get(name) for name in ("id", "success", "created", "error")]
    missing = ("", "false", "false", "")
    for record in records:
        yield UploadResult(
            *(default if at is None else record[at] for at, default in zip(wanted, missing, strict=True))
        )


def as_text(result: UploadResult) -> UploadResult:
    """*result* with the texts that a CSV job gives."""
    if isinstance(result.success, str):
        return result
    errors = "".join(
        f"{error.get('statusCode')}:{error.get('message')}:{','.join(error.get('fields') or ())} --"
        for error in result.error or ()
    )
    return UploadResult(result.id or "", str(bool(result.success)).lower(), str(bool(result.created)).lower(), errors)


def _errors(result: RowResult) -> list[dict[str, Any]]:
    return [
        {"fields": list(error.fields), "message": error.message, "statusCode": error.code} for error in result.errors
    ]


class RawResult(PieceReader):
    """What ``raw=True`` gives: the reading side of a urllib3 response. The content is inflated already."""

    def read(self, amt: int | None = None, decode_content: bool | None = None, cache_content: bool = False) -> bytes:
        return super().read(amt)

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        while data := self.read(amt):
            yield data

    def release_conn(self) -> None:
        self.close()

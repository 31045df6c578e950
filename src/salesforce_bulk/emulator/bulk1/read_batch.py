"""The rows of a batch, whatever it came as: CSV, XML, JSON, a zip of one of them, or CSV that a spec translates."""

from __future__ import annotations

import re
from email.message import Message
from typing import Final

from ..limits import Limits
from ..schema import SObject
from ..store import RowError
from .attachments import Attachments
from .jobs import Job
from .rows import BatchFault, Rows, read_rows
from .spec import read_spec, transform

_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def read_batch(data: bytes, job: Job, content_type: str, sobject: SObject, limits: Limits) -> Rows:
    """Raises `BatchFault` for what cannot be read."""
    rows = _read(data, job, content_type, sobject, limits)
    if job.line_ending:
        _settle_line_ends(rows, sobject, "\r\n" if job.line_ending.upper() == "CRLF" else "\n")
    return rows


def _read(data: bytes, job: Job, content_type: str, sobject: SObject, limits: Limits) -> Rows:
    if job.is_zip:
        attachments = Attachments(data, limits)
        rows = read_rows(attachments.manifest(), job.row_format, limits)
        attachments.fill(rows, sobject)
        return rows
    if job.spec is not None:
        text = data.decode(_charset(content_type), "replace")
        return transform(text, read_spec(job.spec, limits), sobject, limits)
    return read_rows(data, job.row_format, limits)


def _settle_line_ends(rows: Rows, sobject: SObject, line_end: str) -> None:
    """``Sforce-Line-Ending``: how line breaks inside text areas are stored. Without it, they stay as they came."""
    fields = [sobject.field(name) for name in rows.columns]
    places = [place for place, field in enumerate(fields) if field is not None and field.type == "textarea"]
    for row in rows.rows:
        if isinstance(row, RowError):
            continue
        for place in places:
            if place < len(row) and isinstance(text := row[place], str):
                row[place] = _LINE_END.sub(line_end, text)


def _charset(content_type: str) -> str:
    message = Message()
    message["Content-Type"] = content_type
    name = message.get_content_charset("utf-8")
    try:
        "".encode(name)
    except LookupError as error:
        raise BatchFault(f"Unsupported charset: {name}") from error
    return name

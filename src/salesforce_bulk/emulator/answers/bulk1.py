"""How Bulk API 1.0 says no, and how its documents are laid out, as XML and as JSON. Source: bulk-api-1.md 1.3, 1.8, 12."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from salesforce_bulk.wire.names import DATALOAD_NS, Mime

from ..http.messages import Reply, Request
from ..safe_xml import escape

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


class Refused(Exception):
    """A request that is not carried out. Nearly everything is a 400 here."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def error_reply(refused: Refused, *, as_json: bool, pretty: bool = False) -> Reply:
    fields = [("exceptionCode", refused.code), ("exceptionMessage", refused.message)]
    if as_json:
        return json_document(dict(fields), refused.status, pretty)
    return Reply(refused.status, xml_document("error", fields), Mime.XML)


def is_json(request: Request) -> bool:
    return request.mime() == Mime.JSON


def xml_document(root: str, fields: Sequence[tuple[str, Any]]) -> bytes:
    return f'{HEAD}<{root}\n   xmlns="{DATALOAD_NS}">\n{xml_elements(fields, indent=1)}</{root}>'.encode()


def xml_elements(fields: Sequence[tuple[str, Any]], indent: int) -> str:
    """What is unset is absent in XML, and null in JSON."""
    margin = " " * indent
    return "".join(f"{margin}<{name}>{escape(str(value))}</{name}>\n" for name, value in fields if value is not None)


def json_document(value: Any, status: int, pretty: bool) -> Reply:
    separators = (",", " : ") if pretty else (",", ":")
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=separators, indent=2 if pretty else None)
    return Reply(status, text.encode("utf-8", "replace"), Mime.JSON)

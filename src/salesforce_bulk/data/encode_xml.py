"""Rows -> the XML of one batch. API: Bulk API guide, "Valid XML and JSON Records"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..errors import BadValue
from ..records import CLEAR
from ..wire.names import DATALOAD_NS, XSI_NS
from .relations import gathered_parents
from .values import bad_value, text_of

_HEAD: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<sObjects xmlns="{DATALOAD_NS}" xmlns:xsi="{XSI_NS}">'
_TAIL: Final = "</sObjects>"

#: What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: API names are made of these. A name goes into the document as a tag, so nothing else may pass.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def xml_batch(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows as one ``<sObjects>`` document. None leaves a field out; ``CLEAR`` is ``xsi:nil``.

    Raises:
        BadValue: A value that XML or the API cannot carry; the first one met, with its row and column.
    """
    parts = [_HEAD]
    for number, row in enumerate(rows):
        parts.append("<sObject>")
        for name, value in gathered_parents(row, number):
            if isinstance(value, tuple):
                kind, fields = value
                parts.append(f"<{_tag(name, number)}><sObject>")
                if kind:
                    parts.append(f"<type>{_tag(kind, number)}</type>")
                parts += [
                    _field(inner, inner_value, number, f"{name}.{inner}") for inner, inner_value in fields.items()
                ]
                parts.append(f"</sObject></{name}>")
            else:
                parts.append(_field(name, value, number, name))
        parts.append("</sObject>\n")
    parts.append(_TAIL)
    return "".join(parts).encode("utf-8")


def _tag(name: str, row: int) -> str:
    if not _NAME.fullmatch(name):
        raise BadValue(
            f"Row {row}: {name!r} is no field name, so it cannot be sent as XML. The batch was not sent.",
            row=row,
            column=name,
        )
    return name


def _field(name: str, value: Any, row: int, column: str) -> str:
    tag = _tag(name, row)
    if value is CLEAR:
        return f'<{tag} xsi:nil="true"/>'
    text = text_of(value, row, column)
    if _FORBIDDEN.search(text):
        raise bad_value(value, row, column, "it holds a character that XML does not have. Send it as CSV or JSON.")
    # A bare CR would arrive as LF: parsers normalise line ends, but not references.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return f"<{tag}>{text}</{tag}>"

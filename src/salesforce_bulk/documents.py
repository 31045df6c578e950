"""Small documents of the API, read safely: XML without document types or entities, JSON, and telling them apart."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

#: Surely 64 bits; and no count comes near it.
_MOST_DIGITS: Final = 18
_HALF: Final = re.compile("[\ud800-\udfff]")


class NotReadable(ValueError):
    """The bytes are not the document they were taken for."""


def parse_xml(document: bytes) -> Element:
    """The root element; names keep their namespace as ``{namespace}name``. A document type is refused unread."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")

    def refuse(*_: object) -> None:
        raise NotReadable("an XML document with a document type or entities")

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(_braced(tag), {_braced(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        builder.end(_braced(tag))

    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
    except NotReadable:
        raise
    except expat.ExpatError as error:
        raise NotReadable(f"not well-formed XML ({error})") from error
    except (LookupError, ValueError) as error:
        # The declaration names an encoding that nobody knows, or one that expat does not read.
        raise NotReadable(f"XML in an encoding that is not read ({error})") from error
    return builder.close()


def _braced(name: str) -> str:
    return "{" + name if "}" in name else name


def local_name(tag: str) -> str:
    """*tag* without its namespace: both namespaces and none have been seen for the same element."""
    return tag.rpartition("}")[2]


def parse_json(document: bytes) -> Any:
    """The value. Half of a surrogate pair, which is no character and could be sent nowhere, comes as U+FFFD."""
    try:
        value = json.loads(document)
        if b"\\u" in document and _HALF.search(text := json.dumps(value, ensure_ascii=False)):
            value = json.loads(_HALF.sub("\ufffd", text))
    except ValueError as error:
        raise NotReadable(f"not JSON ({error})") from error
    except RecursionError as error:
        raise NotReadable("not JSON of the API (it is nested too deeply)") from error
    return value


def whole_number(text: str) -> int | None:
    """The number that *text* is in ASCII digits, at most 18 of them; None: it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def looks_like(document: bytes) -> str:
    """``"xml"``, ``"json"``, ``"html"``, ``"empty"`` or ``"text"``.

    Which of XML and JSON comes is not stable for the same call, and servers in front of the org answer HTML whatever
    was asked for (field notes, B 4.5): so look at the bytes.
    """
    head = document[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        return "empty"
    if head[:1] in b"{[":
        return "json"
    if head[:1] == b"<":
        lower = head.lower()
        return "html" if lower.startswith((b"<!doctype html", b"<html")) or b"<html" in lower else "xml"
    return "text"

"""XML from outside: no document type, hence no entities, hence no bombs and no reading of files."""

from __future__ import annotations

import sys
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat


class BadXml(Exception):
    """Not well-formed, or more than we are willing to read."""


def _refuse_doctype(*_: object) -> NoReturn:
    raise BadXml("a document type is not allowed")


#: Rows stand five levels deep at most, with their envelope; a login no deeper.
MOST_LEVELS = 100
#: Of a document that says what is to be done. An element takes twenty times the memory of its bytes.
MOST_ELEMENTS = 10_000


def parse(data: bytes, *, elements: int | None = MOST_ELEMENTS) -> Element:
    """*elements*: how many there may be; None: any number, for rows."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    levels = seen = 0
    most = sys.maxsize if elements is None else elements

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal levels, seen
        levels += 1
        seen += 1
        if levels > MOST_LEVELS:
            raise BadXml(f"elements stand more than {MOST_LEVELS} levels deep")
        if seen > most:
            raise BadXml(f"there are more than {most} elements")
        builder.start(_qualified(name), {_qualified(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal levels
        levels -= 1
        builder.end(_qualified(name))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, UnicodeError) as error:
        raise BadXml(str(error)) from error


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def child_text(element: Element, name: str) -> str | None:
    """Text of the first descendant of that local name."""
    for below in element.iter():
        if local_name(below) == name:
            return below.text or ""
    return None


def escape(text: str) -> str:
    """Text as element content. What XML 1.0 cannot carry goes as a numeric reference (uncertain: FIDELITY.md)."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.translate(_CONTROLS) if not text.isprintable() else text


_CONTROLS = {code: f"&#x{code:X};" for code in (*range(9), 11, 12, 13, *range(14, 32), 0xFFFE, 0xFFFF)}

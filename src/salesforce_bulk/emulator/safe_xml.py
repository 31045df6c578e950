"""XML from outside: no document type, hence no entities, hence no bombs and no reading of files."""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat


class BadXml(Exception):
    """Not well-formed, or more than we are willing to read."""


def _refuse_doctype(*_: object) -> NoReturn:
    raise BadXml("a document type is not allowed")


def parse(data: bytes) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, attributes: builder.start(
        _qualified(name), {_qualified(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: builder.end(_qualified(name))
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

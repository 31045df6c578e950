"""XML results -> records and row results, as they arrive. Document types and entities are refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ..documents import local_name
from ..errors import MalformedResult
from ..records import RecordError, RowResult
from ..wire.names import XSI_NS
from .results import truth
from .streams import unless_no_records
from .xml_characters import Carried, restore

_NIL: Final = f"{{{XSI_NS}}}nil"


class _Tree:
    """The children of a root element named *root*, each handed out when it is complete and then forgotten.

    Whole documents, which are small, are read by ``documents.parse_xml``.
    """

    def __init__(self, root: str) -> None:
        self._root_name = root
        self._parser = parser = expat.ParserCreate("utf-8", "}")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartCdataSectionHandler = self._cdata_start
        parser.EndCdataSectionHandler = self._cdata_end
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._carried = Carried()
        self._builder = TreeBuilder()
        self._depth = 0
        self._in_cdata = False
        self._texts: list[str] = []
        self._complete: list[Element] = []

    def feed(self, data: bytes) -> list[Element]:
        """Take in more bytes. Returns the children of the root that ended in them."""
        self._parse(self._carried.translate(data), False)
        complete, self._complete = self._complete, []
        return complete

    def close(self) -> Element:
        self._parse(self._carried.rest(), True)
        return self._builder.close()

    def _parse(self, data: bytes, final: bool) -> None:
        try:
            self._parser.Parse(data, final)
        except (expat.ExpatError, UnicodeError) as error:
            raise MalformedResult(f"The XML document is broken or cut off: {error}. Fetch it again.") from error

    def _refuse_doctype(self, *_: object) -> None:
        raise MalformedResult(
            "The XML document declares a document type; the org's documents never do. It was not read."
        )

    def _start(self, tag: str, pairs: list[str]) -> None:
        self._flush()
        if self._depth == 0 and local_name(tag) != self._root_name:
            raise MalformedResult(
                f"Expected an XML document <{self._root_name}>, and got <{local_name(tag)}>. It was not read."
            )
        attributes = {_qualified(name): restore(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
        # Below a named root every child is a tree of its own, so that it can be handed out and forgotten.
        if self._root_name is None or self._depth > 0:
            self._builder.start(_qualified(tag), attributes)
        self._depth += 1

    def _end(self, tag: str) -> None:
        self._flush()
        self._depth -= 1
        if self._root_name is None:
            self._builder.end(_qualified(tag))
        elif self._depth > 0:
            self._builder.end(_qualified(tag))
            if self._depth == 1:
                self._complete.append(self._builder.close())
                self._builder = TreeBuilder()
        else:
            self._builder.start(_qualified(tag), {})
            self._builder.end(_qualified(tag))

    def _text(self, text: str) -> None:
        # The parser may cut a text anywhere, so an escape is undone only when the text is whole.
        self._texts.append(text)

    def _flush(self) -> None:
        if self._texts:
            if self._depth > 1:
                self._builder.data(restore("".join(self._texts), cdata=self._in_cdata))
            self._texts.clear()

    def _cdata_start(self) -> None:
        self._flush()
        self._in_cdata = True

    def _cdata_end(self) -> None:
        self._flush()
        self._in_cdata = False


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def _children(pieces: Iterable[bytes], root: str) -> Iterator[Element]:
    """The children of the root element, each as soon as it is complete. No bytes but "no rows": none."""
    tree = _Tree(root)
    empty = True
    for piece in unless_no_records(pieces):
        empty = False
        yield from tree.feed(piece)
    if not empty:
        tree.close()


def xml_records(pieces: Iterable[bytes]) -> Iterator[dict[str, str | None]]:
    """The records of a ``<queryResult>``: text, or None for ``xsi:nil``. Parents are flattened: ``Owner.Name``.

    ``type`` is left out. ``Id`` stands twice in a record when it was selected, and once, nil, when it was not (guide,
    "Use Bulk Query"): it becomes one key, or none. A parent that is nil is one key, ``Owner``, with None.
    """
    for child in _children(pieces, "queryResult"):
        if local_name(child.tag) == "records":
            record: dict[str, str | None] = {}
            _flatten(child, "", record)
            yield record


def _flatten(element: Element, prefix: str, record: dict[str, str | None]) -> None:
    ids = 0
    for child in element:
        name = local_name(child.tag)
        if name == "type":
            continue
        key = prefix + name
        if len(child):
            _flatten(child, key + ".", record)
            continue
        if name == "Id":
            # The first one is the schema's, the second stands where the query asked for it.
            ids += 1
            record.pop(key, None)
        record[key] = _value(child)
    if ids == 1 and record[prefix + "Id"] is None:
        del record[prefix + "Id"]


def _value(element: Element) -> str | None:
    # xsi:nil="false" has no effect (guide, "Valid XML and JSON Records").
    if element.get(_NIL, "").strip() in ("true", "1"):
        return None
    return element.text or ""


def xml_results(pieces: Iterable[bytes]) -> Iterator[RowResult]:
    """The ``<results>`` of an XML batch, one per input row, in input order."""
    row = 0
    for child in _children(pieces, "results"):
        if local_name(child.tag) == "result":
            yield _result(child, row)
            row += 1


def _result(element: Element, row: int) -> RowResult:
    texts: dict[str, str] = {}
    errors = []
    for child in element:
        name = local_name(child.tag)
        if name == "errors":
            errors.append(_error(child))
        else:
            texts[name] = _value(child) or ""
    return RowResult(
        id=texts.get("id") or None,
        success=truth(texts.get("success"), row, "success"),
        created=truth(texts.get("created", "false"), row, "created"),
        errors=tuple(errors),
    )


def _error(element: Element) -> RecordError:
    code = message = ""
    fields = []
    for child in element:
        name, text = local_name(child.tag), _value(child) or ""
        if name == "statusCode":
            code = text
        elif name == "message":
            message = text
        elif name == "fields" and text:
            fields.append(text)
    return RecordError(code, message, tuple(fields))

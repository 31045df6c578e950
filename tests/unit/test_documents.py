"""Small documents of the API, read safely."""

from __future__ import annotations

import pytest

from salesforce_bulk.documents import NotReadable, local_name, looks_like, parse_json, parse_xml


def test_a_document_is_parsed_whole() -> None:
    """Names keep their namespace, comments go, text stays."""
    root = parse_xml(b'<a xmlns="urn:n" k="v"> x<!-- c --><b>y</b>z</a>')

    assert "{urn:n}a" == root.tag
    assert ("a", "a") == (local_name(root.tag), local_name("a"))
    assert {"k": "v"} == dict(root.attrib)
    assert (" x", "y", "z") == (root.text, root[0].text, root[0].tail)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a>",
        b"<a/>x",
        b"<a>&x;</a>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///x"><a/>',
        b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><a>&z;</a>',
    ],
)
def test_a_document_that_is_broken_or_declares_a_type_is_refused(document: bytes) -> None:
    """No entity is ever expanded, no file ever opened."""
    with pytest.raises(NotReadable):
        parse_xml(document)


@pytest.mark.parametrize("document", [b"", b"{", b"\xff", b"NaN x"])
def test_what_is_no_json_is_said_so(document: bytes) -> None:
    with pytest.raises(NotReadable):
        parse_json(document)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b'\xef\xbb\xbf{"id":1}', "json"),
        (b"[]", "json"),
        (b'<?xml version="1.0"?><error/>', "xml"),
        (b"<!DOCTYPE html><p>", "html"),
        (b"<!-- x --><HTML>", "html"),
        (b'"Id","Name"', "text"),
        (b"Bad Message 400", "text"),
    ],
)
def test_documents_are_told_apart_by_their_bytes(document: bytes, kind: str) -> None:
    """Which of XML and JSON comes is not stable for the same call, and servers in front of the org answer HTML."""
    assert kind == looks_like(document)

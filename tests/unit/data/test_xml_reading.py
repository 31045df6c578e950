"""XML results -> records and row results."""

from __future__ import annotations

import itertools

import pytest
from cuts import cut, whole_and_single
from hypothesis import example, given
from hypothesis import strategies as st

from salesforce_bulk.data.xml import xml_records, xml_results
from salesforce_bulk.data.xml_characters import ESCAPE
from salesforce_bulk.errors import MalformedResult
from salesforce_bulk.records import RecordError, RowResult

API = 'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def query_result(records: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><queryResult {API} {XSI}>{records}</queryResult>'.encode()


def test_the_guides_record() -> None:
    """``type`` is left out, the doubled ``Id`` is one, nil is None."""
    data = query_result(
        '<records xsi:type="sObject"><type>Account</type><Id>001Rm00000Gh1aAIAR</Id><Id>001Rm00000Gh1aAIAR</Id>'
        '<Name>Brightwater Mills</Name><Fax xsi:nil="true"/></records>'
    )
    for pieces in whole_and_single(data):
        assert list(xml_records(pieces)) == [{"Id": "001Rm00000Gh1aAIAR", "Name": "Brightwater Mills", "Fax": None}]


def test_an_id_that_was_not_selected_is_no_field() -> None:
    """It stands there once, nil."""
    data = query_result('<records><type>Account</type><Id xsi:nil="true"/><Name>A</Name></records>')
    assert list(xml_records([data])) == [{"Name": "A"}]


def test_an_id_stands_where_the_query_asked_for_it() -> None:
    """The first is the schema's place, the second the query's."""
    data = query_result("<records><type>Account</type><Id>1</Id><Name>A</Name><Id>1</Id></records>")
    assert list(next(xml_records([data]))) == ["Name", "Id"]


def test_parents_are_flattened() -> None:
    """A parent's ``type`` and unselected ``Id`` go the same way; a missing parent is None."""
    data = query_result(
        '<records xsi:type="sObject"><type>Contact</type><Id xsi:nil="true"/>'
        '<Account xsi:type="sObject"><type>Account</type><Id xsi:nil="true"/><Name>A</Name>'
        '<Owner xsi:type="sObject"><type>User</type><Id>5</Id><Id>5</Id><Alias>x</Alias></Owner></Account>'
        '<ReportsTo xsi:nil="true"/></records>'
    )
    assert list(xml_records([data])) == [
        {"Account.Name": "A", "Account.Owner.Id": "5", "Account.Owner.Alias": "x", "ReportsTo": None}
    ]


def test_records_are_read_by_local_name() -> None:
    """The guide's sample has the partner namespace, recordings have the API's."""
    data = (
        f'<q:queryResult xmlns:q="urn:a" xmlns:sf="urn:sobject.partner.soap.sforce.com" {XSI}>\n <q:records>\n'
        "  <sf:type>Account</sf:type>\n  <sf:Id>1</sf:Id>\n  <sf:Id>1</sf:Id>\n  <sf:Name>A</sf:Name>\n </q:records>\n"
        "</q:queryResult>"
    ).encode()
    assert list(xml_records([data])) == [{"Id": "1", "Name": "A"}]


@pytest.mark.parametrize("nil", ["false", "0", ""])
def test_nil_false_has_no_effect(nil: str) -> None:
    """The value next to it counts."""
    data = query_result(f'<records><Name xsi:nil="{nil}">A</Name><Fax></Fax></records>')
    assert list(xml_records([data])) == [{"Name": "A", "Fax": ""}]


@pytest.mark.parametrize("data", [b"", query_result(""), b"Records not found for this query"])
def test_no_records(data: bytes) -> None:
    """Nothing, an empty result, or the sentence."""
    for pieces in whole_and_single(data):
        assert list(xml_records(pieces)) == []


def test_records_come_out_before_the_end_is_there() -> None:
    """Constant memory: a record is handed out when it is complete."""

    def pieces():  # type: ignore[no-untyped-def]
        yield query_result("<records><Name>A</Name></records><records>").removesuffix(b"</queryResult>")
        raise AssertionError("read too far")

    assert next(xml_records(pieces())) == {"Name": "A"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"<results/>", "Expected an XML document <queryResult>, and got <results>"),
        (b"<queryResult><records>", "broken or cut off"),
        (b"<queryResult/><more/>", "broken or cut off"),
        (b"<queryResult>\xff</queryResult>", "broken or cut off"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><queryResult>&x;</queryResult>', "document type"),
        (b"<queryResult>&x;</queryResult>", "broken or cut off"),
    ],
)
def test_documents_that_are_refused(document: bytes, message: str) -> None:
    """Truncated, of another kind, or with a document type."""
    for pieces in whole_and_single(document):
        with pytest.raises(MalformedResult, match=message):
            list(xml_records(pieces))


LETTERS = st.one_of(
    st.characters(max_codepoint=0x20),
    st.sampled_from(["\ufffe", "\uffff", ESCAPE, "!", "#", "x", "1", ";", "&", "<", "]", "\ue0fe", "\ufffd", "😀"]),
    st.characters(exclude_categories=["Cs"]),
)


@given(st.lists(st.tuples(LETTERS, st.sampled_from(["raw", "decimal", "hex", "HEX", "cdata"]))), st.data())
@example([(letter, "hex") for letter in "\x00\x01\x0b\x1f\ufffe"], None)
@example([(ESCAPE, "raw"), ("#x1;", "raw"), (ESCAPE, "cdata"), ("!1;", "cdata")], None)
@example([("&#1;", "cdata"), ("&#x0;", "raw"), ("\x01", "cdata")], None)
def test_characters_that_xml_forbids_are_read_without_loss(
    letters: list[tuple[str, str]], draws: st.DataObject | None
) -> None:
    """Raw or as a reference, in text or in CDATA, however the bytes are cut."""
    spelled, expected = [], []
    for text, how in letters:
        if how == "cdata":
            spelled.append(f"<![CDATA[{text}]]>")
        elif how == "raw":
            spelled.append(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        else:
            pattern = {"decimal": "&#{};", "hex": "&#x{:x};", "HEX": "&#x{:X};"}[how]
            spelled.append("".join(pattern.format(ord(letter)) for letter in text))
        # A bare CR is a line end to XML and becomes LF; a reference to it stays CR.
        expected.append(text.replace("\r", "\n") if how in ("raw", "cdata") else text)
    document = query_result(f"<records><Name>{''.join(spelled)}</Name></records>")
    joined = "".join(expected)
    for (before, how), (after, next_how) in itertools.pairwise(letters):
        if before[-1:] == "\r" and after[:1] == "\n" and how == next_how == "raw":
            return  # CRLF is one line end
    for pieces in [*whole_and_single(document), draws.draw(cut(document)) if draws else [document]]:
        assert [*xml_records(pieces)] == [{"Name": joined}]


def test_a_surrogate_is_no_character() -> None:
    """Not even as a reference."""
    for reference in ("&#xD800;", "&#55296;", "&#x110000;"):
        with pytest.raises(MalformedResult):
            list(xml_records([query_result(f"<records><Name>{reference}</Name></records>")]))


def test_the_guides_results() -> None:
    """One created, one refused with its field; ``id`` is absent for a failed insert."""
    data = f"""<?xml version="1.0" encoding="UTF-8"?>
<results {API}>
  <result>
    <id>003Rm00000Vn8cDIAR</id>
    <success>true</success>
    <created>true</created>
  </result>
  <result>
    <errors>
      <fields>LastName</fields>
      <fields>FirstName</fields>
      <message>Required fields are missing: [LastName]</message>
      <statusCode>REQUIRED_FIELD_MISSING</statusCode>
    </errors>
    <errors><message>also</message><statusCode>OTHER</statusCode></errors>
    <success>false</success>
    <created>false</created>
  </result>
</results>""".encode()
    for pieces in whole_and_single(data):
        assert list(xml_results(pieces)) == [
            RowResult("003Rm00000Vn8cDIAR", True, True),
            RowResult(
                None,
                False,
                False,
                (
                    RecordError(
                        "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ("LastName", "FirstName")
                    ),
                    RecordError("OTHER", "also"),
                ),
            ),
        ]


def test_a_result_without_an_answer_is_refused() -> None:
    """Neither true nor false is not a failure: it is not known."""
    with pytest.raises(MalformedResult) as caught:
        list(xml_results([f"<results {API}><result><id>1</id></result></results>".encode()]))
    assert caught.value.row == 0

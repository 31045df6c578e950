"""CSV results -> rows."""

from __future__ import annotations

import csv
import io

import pytest
from cuts import TEXTS, cut, whole_and_single
from hypothesis import example, given
from hypothesis import strategies as st

from salesforce_bulk.data.decode import CsvRecords, DictRows, record_texts
from salesforce_bulk.errors import MalformedResult


def quoted(rows: list[list[str]], end: str = "\n") -> bytes:
    """CSV as the org writes it: every cell quoted."""
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + end for row in rows).encode()


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header of distinct names and some rows, all of one width."""
    width = draw(st.integers(1, 4))
    header = draw(st.lists(TEXTS, min_size=width, max_size=width, unique=True))
    if header[0].startswith("\ufeff"):
        header[0] = "Id" + header[0]
    rows = draw(st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=6))
    return [header, *rows]


@given(tables(), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
@example([["Id"], [""], ["\r"], ["#N/A"], ["\x00"], ['"'], ['"\n"'], ["\u2028"]], "\n", None)
def test_every_character_survives_however_the_bytes_are_cut(
    table: list[list[str]], end: str, draws: st.DataObject | None
) -> None:
    """Lone CR, NUL, U+2028, quotes, emoji, a row of one empty value: the cells come out as they went in."""
    data = quoted(table, end)
    dicts = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
    for pieces in [*whole_and_single(data), draws.draw(cut(data)) if draws else [data]]:
        records = CsvRecords(pieces)
        assert records.columns == table[0]
        assert list(records) == table[1:]
        rows = DictRows(pieces)
        assert rows.fieldnames == table[0]
        assert list(rows) == dicts


@given(tables(), st.data())
def test_cells_are_quoted_or_not_row_by_row(table: list[list[str]], draws: st.DataObject) -> None:
    """A file may mix both; the quick way and the careful way give the same."""
    lines = []
    for row in table:
        style = draws.draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
        text = io.StringIO(newline="")
        csv.writer(text, quoting=style).writerow(row)
        lines.append(text.getvalue().removesuffix("\r\n") + "\n")
    data = "".join(lines).encode()
    assert list(CsvRecords(draws.draw(cut(data)))) == table[1:]


@given(
    st.binary(max_size=60) | st.lists(st.sampled_from('",\n\ra')).map(lambda found: "".join(found).encode()), st.data()
)
def test_any_bytes_give_the_same_as_the_csv_module_or_are_refused(data: bytes, draws: st.DataObject) -> None:
    """Where csv.reader in strict mode finds a fault, so do we, and where a row has another width, or where a quoted file
    ends behind a comma; else the rows are its rows."""

    def outcome(pieces: list[bytes]) -> object:
        try:
            records = CsvRecords(pieces)
            return [records.columns, *records]
        except MalformedResult:
            return "malformed"

    try:
        text = data.decode("utf-8-sig")
        expected: object = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row] or [[]]
        behind_a_comma = text.startswith('"') and text.endswith(",")
        if behind_a_comma or len({len(row) for row in expected}) > 1:  # type: ignore[attr-defined]
            expected = "malformed"
    except (UnicodeDecodeError, csv.Error):
        expected = "malformed"
    assert outcome([data]) == expected
    assert outcome(draws.draw(cut(data))) == expected


@pytest.mark.parametrize("size", [131_072, 5_000_000])
@pytest.mark.parametrize("letter", ["x", "\n", '"', "é"])
def test_long_cells_arrive_whole(size: int, letter: str) -> None:
    """The longest text area of an org, and more."""
    cell = letter * (size // len(letter.encode()))
    data = quoted([["Id", "Body"], ["1", cell], ["2", "short"]])
    pieces = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    assert list(DictRows(pieces)) == [{"Id": "1", "Body": cell}, {"Id": "2", "Body": "short"}]


@pytest.mark.parametrize("cell", ['a "name"', '"\n"', '","', "\n", "\r\n"])
@pytest.mark.parametrize("share", [1, 3, 50, 997])
def test_a_long_file_is_read_in_blocks(cell: str, share: int) -> None:
    """Rows with quotes and line breaks between rows without: blocks of every kind, in order."""
    table = [["Id", "Name"]] + [[str(row), cell if row % share == 0 else "name, and more"] for row in range(10_000)]
    data = quoted(table)
    assert list(CsvRecords([data])) == table[1:]
    assert list(CsvRecords(data[at : at + 1000] for at in range(0, len(data), 1000))) == table[1:]
    with pytest.raises(MalformedResult) as caught:
        list(DictRows([data[:-5]]))
    assert caught.value.row == 9_999


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    """Whether the first name is quoted or not."""
    for data in (b'\xef\xbb\xbf"Id"\n"1"\n', b"\xef\xbb\xbfId\n1\n"):
        for pieces in whole_and_single(data):
            assert list(DictRows(pieces)) == [{"Id": "1"}]


def test_blank_lines_are_skipped() -> None:
    """The guide's rule; a row of one empty value is not blank."""
    assert list(CsvRecords([b'\n"Id"\n\n"1"\n\r\n""\n\n'])) == [["1"], [""]]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Records not found for this query",
        b"Records not found for this query\n",
        b'"Records not found for this query"',
    ],
)
def test_no_rows(data: bytes) -> None:
    """Nothing, or the sentence that stands for nothing."""
    for pieces in whole_and_single(data):
        assert DictRows(pieces).fieldnames == []
        assert list(DictRows(pieces)) == []
        assert list(CsvRecords(pieces)) == []
        assert list(record_texts(pieces)) == []


def test_a_header_alone_has_columns_and_no_rows() -> None:
    """The sentence is not the only form."""
    rows = DictRows([b'"Id","Name"\n'])
    assert rows.fieldnames == ["Id", "Name"]
    assert list(rows) == []


def test_reading_on_after_the_sentence_is_refused() -> None:
    """It is a whole body or a mistake."""
    with pytest.raises(MalformedResult, match="goes on"):
        list(DictRows([b"Records not found for this query\n1\n"]))


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b'"Id","Name"\n"1","a"\n"2"\n', 1),
        (b'"Id","Name"\n"1","a"\n"2","b","c"\n"3","d"\n', 1),
        (b'"Id","Name"\n"1","a"\n"2","b', 1),
        (b'"Id","Name"\n"1","a"\n"2', 1),
        (b'"Id","Name"\n"1","a"x\n', 0),
        (b"Id,Name\n1,a\n2", 1),
        (b'"Id","Name"\n"1","a"\n"2",', 1),
    ],
)
@pytest.mark.parametrize("reader", [DictRows, CsvRecords])
def test_a_damaged_row_is_never_a_short_result(
    data: bytes, row: int, reader: type[DictRows] | type[CsvRecords]
) -> None:
    """The rows before it come out, and then the error names it."""
    for pieces in whole_and_single(data):
        rows = reader(pieces)
        seen = [next(rows) for _ in range(row)]
        assert len(seen) == row
        with pytest.raises(MalformedResult) as caught:
            next(rows)
        assert caught.value.row == row


@pytest.mark.parametrize("data", [b'"Id"\n"\xff"\n', b'"Id"\n"\xc3', b"\xff"])
def test_invalid_utf8_is_refused(data: bytes) -> None:
    """A character cut in two at the end as well."""
    for reader in (DictRows, CsvRecords, record_texts):
        for pieces in whole_and_single(data):
            with pytest.raises(MalformedResult, match="not valid UTF-8"):
                list(reader(pieces))


def test_a_file_that_is_cut_off_is_an_error_unless_a_record_ends_there() -> None:
    """Each prefix of a file of the org: whole records, or MalformedResult."""
    table = [["Id", "Né"], ["1", "a\nb"], ["", "c"]]
    data = quoted(table)
    whole = {quoted(table[:rows]): table[1:rows] for rows in (1, 2, 3)}
    for size in range(1, len(data) + 1):
        expected = whole.get(data[:size], whole.get(data[:size] + b"\n"))
        if expected is None and b"\n" in data[:size]:
            with pytest.raises(MalformedResult):
                list(DictRows([data[:size]]))
        elif expected is not None:
            assert list(CsvRecords([data[:size]])) == expected


def test_an_error_of_the_source_passes_unchanged() -> None:
    """A lost connection is not a malformed file."""

    def pieces():  # type: ignore[no-untyped-def]
        yield b'"Id"\n"1"\n'
        raise ValueError("not ours")

    for reader in (DictRows, CsvRecords):
        with pytest.raises(ValueError, match="not ours") as caught:
            list(reader(pieces()))
        assert type(caught.value) is ValueError


def test_nothing_is_read_before_it_is_wanted() -> None:
    """Making the reader opens nothing."""

    def pieces():  # type: ignore[no-untyped-def]
        raise AssertionError
        yield b""

    assert repr(DictRows(pieces())) == "<DictRows>"
    assert repr(CsvRecords(pieces())) == "<CsvRecords>"
    record_texts(pieces())


def test_column_names_are_literals_in_the_made_code() -> None:
    """Whatever a column is called."""
    name = "'}: __import__('os') #\\\n{\x00"
    assert list(DictRows([quoted([[name, "{v0}"], ["1", "2"]])])) == [{name: "1", "{v0}": "2"}]


def test_a_limit_of_the_program_is_not_lowered() -> None:
    """The csv module has one limit for the whole process."""
    before = csv.field_size_limit(2_000_000_000)
    try:
        list(DictRows([b'"Id"\n']))
        assert csv.field_size_limit() == 2_000_000_000
    finally:
        csv.field_size_limit(before)


@given(tables(), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.data())
def test_record_texts_are_the_records_without_line_ends(
    table: list[list[str]], end: str, final: bool, draws: st.DataObject
) -> None:
    """Joined again they read as the same table; a line break inside quotes stays."""
    data = quoted(table, end)
    texts = list(record_texts(draws.draw(cut(data if final else data.removesuffix(end.encode())))))
    assert [text.encode() + end.encode() for text in texts] == [quoted([row], end) for row in table]


def test_record_texts_of_an_unfinished_quote_are_refused() -> None:
    """A truncated file is never a short result."""
    texts = record_texts([b'"Id"\n"1"\n"2\n'])
    assert [next(texts), next(texts)] == ['"Id"', '"1"']
    with pytest.raises(MalformedResult) as caught:
        next(texts)
    assert caught.value.row == 1

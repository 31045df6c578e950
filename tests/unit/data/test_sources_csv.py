"""CSV files as sources: what they are is found out, what is sent is what stands in them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from pathlib import Path

import pytest
from cuts import TEXTS, cut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesforce_bulk.data.csv_file import mended
from salesforce_bulk.data.delimited import DelimitedRows
from salesforce_bulk.data.parts import BULK2, parts
from salesforce_bulk.data.record_text import record_writer
from salesforce_bulk.data.sources import Source, open_source
from salesforce_bulk.errors import BadValue, MalformedResult, UsageError
from salesforce_bulk.records import Dialect


def sent(source: Source, dialect: Dialect | None = None) -> bytes:
    dialect = dialect or source.dialect
    return source.header(dialect) + b"".join(block.data for block in source.blocks(dialect))


def file(folder: Path, data: bytes | str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_plain_file_goes_out_as_it_is(tmp_path: Path) -> None:
    data = 'Id,Name\n1,"a\nb"\n2,é\n'.encode()
    source = open_source(str(file(tmp_path, data)))

    assert (True, Dialect(), ("Id", "Name")) == (source.passthrough, source.dialect, source.columns)
    assert data == sent(source)
    assert ("utf-8", ",", "LF", None) == (
        source.detected.encoding,
        source.detected.delimiter,
        source.detected.line_ending,
        source.detected.value_line_breaks,
    )


@pytest.mark.parametrize("delimiter", list(",;|\t^`"))
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_job_takes_the_dialect_of_the_file(tmp_path: Path, delimiter: str, end: str) -> None:
    data = end.join([f"Id{delimiter}Name", f'1{delimiter}"x;,|"', ""]).encode()
    source = open_source(file(tmp_path, data))

    assert (Dialect(delimiter, end), True) == (source.dialect, source.passthrough)
    assert data == sent(source)
    assert b'Id,Name\n1,"x;,|"\n' == sent(source, Dialect())


def test_the_delimiter_that_makes_rows_as_wide_as_the_header(tmp_path: Path) -> None:
    """Where the header has more than one of the six."""
    source = open_source(file(tmp_path, "Id;First, last;City\n1;a, b, c;d\n2;e;f\n"))
    assert (";", ("Id", "First, last", "City")) == (source.dialect.delimiter, source.columns)
    assert any("semicolon" in note for note in source.detected.notes)


def test_excel_names_the_delimiter_in_the_first_line(tmp_path: Path) -> None:
    source = open_source(file(tmp_path, "sep=;\r\nId;Name\r\n1;a\r\n"))
    assert (Dialect(";", "\r\n"), True) == (source.dialect, source.passthrough)
    assert b"Id;Name\r\n1;a\r\n" == sent(source)


def test_a_delimiter_can_be_given(tmp_path: Path) -> None:
    path = file(tmp_path, "A,B;C\n1,2;3\n")
    assert ("A,B", "C") == open_source(path, delimiter=";").columns
    with pytest.raises(UsageError, match="no ':'"):
        open_source(path, delimiter=":")


@pytest.mark.parametrize(
    ("encoding", "mark", "found"),
    [
        ("utf-8", codecs.BOM_UTF8, "utf-8"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16-le"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16-be"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
        ("cp1252", b"", "cp1252"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(tmp_path: Path, encoding: str, mark: bytes, found: str, end: str, packed: bool) -> None:
    """Whatever a file is in, UTF-8 without a mark goes out; a mark in front of a quoted name too."""
    text = end.join(['"Name",City', '"Zoë\n–",Köln', "x,y"]) + end
    data = mark + text.encode(encoding)
    source = open_source(file(tmp_path, gzip.compress(data) if packed else data, "x.csv.gz" if packed else "x.csv"))

    assert found == source.detected.encoding
    assert packed == source.detected.compressed
    assert ("Name", "City") == source.columns
    # The line break inside the value decides: rows end as it does.
    assert "\n" == source.dialect.line_ending
    assert 'Name,City\n"Zoë\n–",Köln\nx,y\n' == sent(source).decode()
    assert (found == "utf-8" and end == "\n" and not packed) == source.passthrough


def test_one_letter_at_the_end_of_a_large_file(tmp_path: Path) -> None:
    """The whole file is looked at, not its first megabyte."""
    data = b"A,B\n" + b"1,2\n" * 600_000 + b"\xe9,2\n"
    source = open_source(file(tmp_path, data))
    assert "cp1252" == source.detected.encoding
    assert sent(source).endswith("é,2\n".encode())
    assert any("not valid UTF-8" in note for note in source.detected.notes)


def test_what_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither UTF-8 nor Windows-1252"):
        open_source(file(tmp_path, b"A\n\x81\n"))
    with pytest.raises(UsageError, match="not text in shift_jis"):
        open_source(file(tmp_path, b"A\n\x81\n"), encoding="shift_jis")
    with pytest.raises(UsageError, match="no encoding"):
        open_source(file(tmp_path, b"A\n"), encoding="x")
    assert "A\nÄ\n".encode() == sent(open_source(file(tmp_path, "A\nÄ\n".encode("cp850")), encoding="cp850"))


@pytest.mark.parametrize(
    ("data", "line_ending", "expected", "told"),
    [
        # Values cannot be changed, record ends can: the job takes the kind of the values.
        ('A,B\r\n1,"x\ny"\r\n', "\n", 'A,B\n1,"x\ny"\n', "Rows end in CRLF; they are sent with LF."),
        ('A,B\n1,"x\r\ny"\n', "\r\n", 'A,B\r\n1,"x\r\ny"\r\n', "Rows end in LF; they are sent with CRLF."),
        ("A,B\r1,2\r3,4\r", "\n", "A,B\n1,2\n3,4\n", "Rows end in CR; they are sent with LF."),
        ("A,B\n1,2\r\n3,4\n", "\n", "A,B\n1,2\n3,4\n", "Rows end in mixed; they are sent with LF."),
        ('A,B\r\n1,"x\ny\r\nz"\r\n', "\r\n", 'A,B\r\n1,"x\ny\r\nz"\r\n', "Line breaks inside values are mixed"),
        ('A,B\n1,"x\ry"\n', "\n", 'A,B\n1,"x\ry"\n', "Line breaks inside values are CR"),
        ('A,B\r\n1,"x\r\ny"\r\n', "\r\n", 'A,B\r\n1,"x\r\ny"\r\n', ""),
    ],
)
def test_line_ends(tmp_path: Path, data: str, line_ending: str, expected: str, told: str) -> None:
    """One kind of record end goes out, and no value is changed; what was done is told."""
    source = open_source(file(tmp_path, data))
    assert line_ending == source.dialect.line_ending
    assert expected == sent(source).decode()
    assert told in " ".join(source.detected.notes)

    normalised = open_source(file(tmp_path, data), line_breaks="normalise")
    plain = expected.replace("\r\n", "\n").replace("\r", "\n").replace("\n", line_ending)
    assert plain == sent(normalised).decode()


RECORDS = st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=6)


@given(RECORDS, st.data(), st.sampled_from(["\n", "\r\n"]))
def test_mending_changes_no_value(rows: list[list[str]], data: st.DataObject, end: str) -> None:
    """However the text is cut and however its records end."""
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=len(rows), max_size=len(rows)))
    text = "".join(record_writer(Dialect(",", mark))(row) for row, mark in zip(rows, ends, strict=True)).encode()
    pieces = data.draw(cut(text))

    result = b"".join(mended(iter(pieces), end)).decode()

    assert rows == list(csv.reader(io.StringIO(result, newline="")))
    assert "".join(map(record_writer(Dialect(",", end)), rows)) == result


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    RECORDS,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_a_file_is_its_rows_are_the_same(
    tmp_path: Path, rows: list[list[str]], end: str, encoding: str, packed: bool, final: bool
) -> None:
    """The same rows as dicts and as a file in any form give the same cells, through parts and again."""
    rows = [["first", "row"], *rows]
    text = "".join(map(record_writer(Dialect(";", end)), [["Id", "Name"], *rows]))
    if not final:
        text = text.removesuffix(end)
    data = text.encode(encoding)
    source = open_source(file(tmp_path, gzip.compress(data) if packed else data))
    bodies = [b"".join(part) for part in parts(source, BULK2, source.dialect)]
    records = list(csv.reader(io.StringIO(b"".join(bodies).decode(), newline=""), delimiter=";"))

    assert [["Id", "Name"], *rows] == records
    assert rows == list(source.rows_again())
    assert rows == list(open_source([dict(zip(("Id", "Name"), row, strict=True)) for row in rows]).rows_again())


def test_empty_cells_can_clear(tmp_path: Path) -> None:
    source = open_source(file(tmp_path, 'A;B\n;""\n1;\n'), nulls="clear")
    assert not source.passthrough
    assert b"A;B\n#N/A;#N/A\n1;#N/A\n" == sent(source)
    assert b'A;B\n;""\n1;\n' == sent(source.as_given())


def test_only_some_columns(tmp_path: Path) -> None:
    """A short row has empty cells; a long one is refused: which cell is which is not certain."""
    path = file(tmp_path, 'Id,"Na\nme",X\n1,2,3\n4\n5,6,7,8\n')
    assert b"A,B,Id\n" == open_source(path, only=["X", "Na\nme", "Id"], rename={"X": "A", "Na\nme": "B"}).header(
        Dialect()
    )
    blocks = open_source(path, only=["X", "Id"]).blocks(Dialect())
    with pytest.raises(BadValue, match="Row 2 has 4 cells"):
        list(blocks)
    path = file(tmp_path, "Id,Name\n1,2\n\n4\n")
    assert b"Id\n1\n4\n" == sent(open_source(path, only=["Id"]))


def test_other_names_cost_nothing(tmp_path: Path) -> None:
    """Only the header is written anew."""
    source = open_source(file(tmp_path, "id,name\n1,2\n"), rename={"id": "Id", "name": "Name"})
    assert source.passthrough
    assert b"Id,Name\n1,2\n" == sent(source)
    assert ("id", "name") == source.as_given().columns


def test_places_in_the_file(tmp_path: Path) -> None:
    """A part can be read again from where it stood."""
    source = open_source(file(tmp_path, codecs.BOM_UTF8 + b"A\n1\n2\n"))
    assert [(5, b"1\n2\n")] == [(block.start, block.data) for block in source.blocks(source.dialect)]
    assert b"2\n" == b"".join(source.pieces(7, 9))
    with pytest.raises(UsageError, match="shorter"):
        list(source.pieces(7, 11))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        (b'A\n"1\n', "odd number of quotes"),
        (b"A,a\n", "'A' and 'a'"),
        (b"A,,B\n", "Column 2 of 3 has no name"),
        (b"PK\x03\x04", "Excel"),
        (b"\x1f\x8b\x08\x00", "cut off"),
    ],
)
def test_files_that_cannot_be_sent(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_source(file(tmp_path, data))


def test_a_gzip_file_that_was_cut_off(tmp_path: Path) -> None:
    packed = gzip.compress(b"A\n" + bytes(str(list(range(50_000))), "ascii"))
    with pytest.raises(UsageError, match="cut off"):
        open_source(file(tmp_path, packed[:-200]))


def test_a_gzip_file_that_is_damaged(tmp_path: Path) -> None:
    """Wherever: it is never a shorter file, and never an error of the library that unpacks."""
    packed = gzip.compress("".join(f"{number},{number**2}\n" for number in range(3_000)).encode())
    for place in range(10, len(packed), 97):
        data = bytearray(packed)
        data[place] ^= 0x10
        with pytest.raises(UsageError, match="cannot be read to its end"):
            open_source(file(tmp_path, bytes(data)))


def test_a_path_without_a_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        open_source(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="no regular file"):
        open_source(tmp_path)


def test_a_cell_of_200_kb(tmp_path: Path) -> None:
    """Longer than the csv module takes by itself; whether the org takes it is for the parts to say."""
    source = open_source(file(tmp_path, 'A,B\n"' + "x\n" * 100_000 + '",2\n'), only=["A"])
    assert 200_000 == len(next(source.rows_again())[0])


def test_rows_that_do_not_fit_the_header_go_out_all_the_same(tmp_path: Path) -> None:
    """The org judges them one by one; they can be read again to see which is which."""
    data = b"A;B\n1\n2;3;4\n\n5;6\n"
    source = open_source(file(tmp_path, data))
    rows = [["1"], ["2", "3", "4"], ["5", "6"]]

    assert data == sent(source)
    assert rows == list(source.rows_again())
    again = DelimitedRows([sent(source)], source.dialect)
    assert (["A", "B"], rows) == (again.columns, list(again))


def test_a_part_is_read_back_in_its_dialect() -> None:
    """Cut anywhere; nothing is no rows; what is broken is no short part."""
    data = 'A|B\r\n"x|\n"|é\r\n'.encode()
    rows = DelimitedRows((data[at : at + 1] for at in range(len(data))), Dialect("|", "\r\n"))
    assert (["A", "B"], [["x|\n", "é"]]) == (rows.columns, list(rows))
    assert ([], []) == (DelimitedRows([], Dialect()).columns, list(DelimitedRows([b""], Dialect())))
    for broken in (b'A\n1\n"2', b"A\n1\n\xff"):
        with pytest.raises(MalformedResult, match="broken"):
            list(DelimitedRows([broken], Dialect()))


@pytest.mark.parametrize("text", ["\u2028", "\u0085", "\0", "a\x0b\x0cb"])
def test_characters_that_look_like_line_ends(tmp_path: Path, text: str) -> None:
    source = open_source(file(tmp_path, f"A,B\n{text},2\n"))
    assert [[text, "2"]] == list(source.rows_again())
    assert [1] == [part.rows for part in parts(source, BULK2, source.dialect) if b"".join(part)]

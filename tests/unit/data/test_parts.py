"""Rows -> parts: nothing lost, nothing too large, nothing cut inside a value, as few as can be."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from cuts import TEXTS, cut
from hypothesis import given, settings
from hypothesis import strategies as st

from salesforce_bulk.data.parts import BULK1, BULK2, REST, PartStream, parts
from salesforce_bulk.data.record_ends import count_rows, last_end, row_ends
from salesforce_bulk.data.record_text import record_writer
from salesforce_bulk.data.source import Block, Detected, Source
from salesforce_bulk.data.sources import open_source
from salesforce_bulk.errors import BadValue, RecordTooLarge, UsageError
from salesforce_bulk.records import Dialect, PartLimits

COMMA = Dialect()
WIDE = PartLimits(rows=1_000_000, bytes=1_000_000, record_characters=400_000, cell_characters=131_072, columns=5_000)


def limits(**changes: int) -> PartLimits:
    values = {name: getattr(WIDE, name) for name in WIDE.__slots__ if name != "header_characters"}
    return PartLimits(**{**values, **changes})


class Pieces(Source):
    """CSV bytes, cut anywhere, as a source; with places, as a file whose own bytes are sent."""

    def __init__(self, header: str, pieces: list[bytes], *, is_file: bool = False) -> None:
        self.columns = tuple(header.split(","))
        self.passthrough = is_file
        self.detected = Detected(kind="pieces")
        self._pieces = pieces

    def blocks(self, dialect: Dialect) -> Iterator[Block]:
        at = 0
        for piece in self._pieces:
            yield Block(piece, None, at if self.passthrough else None)
            at += len(piece)

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        yield b"".join(self._pieces)[start:stop]

    def as_given(self) -> Source:
        return self


def written(rows: list[list[str]], end: str = "\n") -> bytes:
    # Not csv.writer, which leaves a lone CR without quotes.
    return "".join(map(record_writer(Dialect(",", end)), rows)).encode()


def read(data: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(data.decode(), newline="")) if row]


def made(source: Source, most: PartLimits, dialect: Dialect = COMMA) -> tuple[list[bytes], list[PartStream]]:
    bodies, streams = [], []
    for part in parts(source, most, dialect):
        bodies.append(b"".join(part))
        streams.append(part)
    return bodies, streams


def rows_of(bodies: list[bytes]) -> list[list[str]]:
    return [row for body in bodies for row in read(body)[1:]]


ROWS = st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=12)


@given(ROWS, st.data(), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_the_parts_hold_the_rows_in_order_within_the_limits(
    rows: list[list[str]], data: st.DataObject, is_file: bool, end: str
) -> None:
    """However the input is cut: the same parts, none above its limits, and joined they are the rows."""
    text = written(rows, end)
    most = limits(rows=data.draw(st.integers(1, 5)), bytes=data.draw(st.integers(110, 200)))
    dialect = Dialect(",", end)
    pieces = data.draw(cut(text))

    bodies, streams = made(Pieces("A,B", pieces, is_file=is_file), most, dialect)
    whole, _ = made(Pieces("A,B", [text]), most, dialect)

    assert bodies == whole
    assert rows == rows_of(bodies)
    first = 0
    for number, (body, part) in enumerate(zip(bodies, streams, strict=True)):
        assert (number, first, len(body)) == (part.number, part.first_row, part.bytes)
        assert part.rows == len(read(body)) - 1
        assert 1 <= part.rows <= most.rows
        assert len(body) <= most.bytes
        if is_file:
            assert part.offsets is not None
            assert body.endswith(text[slice(*part.offsets)])
        first += part.rows


@given(ROWS, st.integers(1, 5), st.integers(110, 200))
def test_there_are_as_few_parts_as_can_be(rows: list[list[str]], most_rows: int, most_bytes: int) -> None:
    """No part would have held the first row of the next one as well."""
    bodies, streams = made(Pieces("A,B", [written(rows)]), limits(rows=most_rows, bytes=most_bytes))

    for (body, part), after in itertools.pairwise(zip(bodies, streams, strict=True)):
        following = written([read(after[0])[1]])
        assert part.rows == most_rows or len(body) + len(following) > most_bytes


@given(st.lists(st.sampled_from(["a,b", '"x\ny",1', '"\n\n",""', '"""",","', ",", '"a""\n""b",\r', ""]), max_size=9))
def test_where_records_end(lines: list[str]) -> None:
    """The three ways of looking agree with csv.reader."""
    text = "".join(line + "\n" for line in lines).replace("\r", "").encode()
    ends = row_ends(text)

    assert len(read(text)) == len(ends) == count_rows(text)
    assert [read(text[start:stop]) for start, stop in itertools.pairwise([0, *ends])] == [[row] for row in read(text)]
    for stop in range(len(text) + 1):
        inside = text[:stop].count(b'"') % 2 == 1
        expected = max((at + 1 for at in range(stop) if text[at] == 10 and text[:at].count(b'"') % 2 == 0), default=-1)
        assert expected == last_end(text, 0, stop, inside=inside)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 199, 200, 201, 400, 401])
def test_the_last_row_is_never_lost(count: int) -> None:
    """Alone in its part, or the one that fills it."""
    rows = [{"Name": f"n{number}"} for number in range(count)]
    bodies, streams = made(open_source(rows), REST)

    assert [[row["Name"]] for row in rows] == rows_of(bodies)
    assert -(-count // 200) == len(streams)
    assert count == sum(part.rows for part in streams)


def test_a_file_without_a_final_line_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"A,B\n1,2\n3,4")
    bodies, streams = made(open_source(path), limits(rows=1))

    assert [b"A,B\n1,2\n", b"A,B\n3,4"] == bodies
    assert [(4, 8), (8, 11)] == [part.offsets for part in streams]


def test_a_row_of_one_empty_value() -> None:
    """It is written as two quotes: a blank line would be no row."""
    bodies, _ = made(open_source([{"Name": ""}, {"Name": None}, {"Name": "x"}]), BULK2)

    assert [b'Name\n""\n""\nx\n'] == bodies


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_blank_lines_are_no_rows(end: str, size: int) -> None:
    """Wherever they are; they neither make a part nor count in one."""
    text = (end * 3 + f"1,2{end}{end}{end}3,4{end}" + end * 2).encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    for is_file in (False, True):
        bodies, streams = made(Pieces("A,B", pieces, is_file=is_file), limits(rows=1), Dialect(",", end))
        assert [f"A,B{end}1,2{end}".encode(), f"A,B{end}3,4{end}".encode()] == bodies
        assert [1, 1] == [part.rows for part in streams]

    bodies, streams = made(Pieces("A,B", pieces), WIDE, Dialect(",", end))
    assert [2] == [part.rows for part in streams]


def test_no_rows_are_no_parts(tmp_path: Path) -> None:
    """A header alone is nothing to send; neither is an empty list."""
    path = tmp_path / "a.csv"
    for text in (b"A,B", b"A,B\n", b"A,B\r\n\r\n"):
        path.write_bytes(text)
        assert ([], []) == made(open_source(path), BULK2)
    assert ([], []) == made(open_source([]), BULK2)
    assert ([], []) == made(open_source(iter([])), BULK2)


def test_bulk1_parts_have_ten_thousand_rows() -> None:
    bodies, streams = made(Pieces("A,B", [b'1,"x\ny"\n' * 25_001]), BULK1)

    assert [10_000, 10_000, 5_001] == [part.rows for part in streams]
    assert all(body.startswith(b"A,B\n1") for body in bodies)


def test_bulk2_parts_fill_a_hundred_megabytes() -> None:
    """Header included, and to the last byte that a row leaves."""
    line = b"x" * 999 + b"\n"
    part = next(parts(Pieces("A", [line * 250] * 401), BULK2, Dialect()))
    size = sum(map(len, part))

    assert (99_999, 99_999_002) == (part.rows, size)


LONG = "é" * 131_072


@pytest.mark.parametrize("is_file", [False, True])
def test_a_cell_may_have_131072_characters(is_file: bool) -> None:
    """Characters, not bytes."""
    text = written([["a", "b"], ["c", LONG], ["d", "e"]])
    pieces = [text[at : at + 50_000] for at in range(0, len(text), 50_000)]

    bodies, _ = made(Pieces("A,B", pieces, is_file=is_file), BULK2)
    assert ["c", LONG] == rows_of(bodies)[1]


@pytest.mark.parametrize("cell", [LONG + "é", "y" * 200_000, "😀" * 65_537, "a,\n" * 44_000])
@pytest.mark.parametrize("is_file", [False, True])
@pytest.mark.parametrize("size", [1_000, 200_000, 10_000_000])
def test_a_cell_that_is_too_long_is_named(cell: str, is_file: bool, size: int) -> None:
    """By row and column, and nothing of it was handed out. A character beyond U+FFFF counts as two."""
    text = written([["a", "b"]] * 3000 + [["c", cell]] + [["d", "e"]] * 3000)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    with pytest.raises(RecordTooLarge, match="column 'B'") as caught:
        made(Pieces("A,B", pieces, is_file=is_file), BULK2)
    assert (3000, "B") == (caught.value.row, caught.value.column)
    assert "zzz" not in str(caught.value)


def test_a_file_is_walked_through_before_its_part_is_handed_out(tmp_path: Path) -> None:
    """So the error comes before the first byte of the part."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"A\n" + b"x\n" * 10 + b"y" * 131_073 + b"\n")
    with pytest.raises(RecordTooLarge):
        next(parts(open_source(path), BULK2, Dialect()))


def test_what_is_known_of_a_file_part_beforehand(tmp_path: Path) -> None:
    """Its length is: it can be sent with a Content-Length without being held."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfA\n1\n2\n3\n")
    stream = parts(open_source(path), limits(rows=2), Dialect())

    part = next(stream)
    assert (2, 6, (5, 9)) == (part.rows, part.bytes, part.offsets)
    assert b"A\n1\n2\n" == b"".join(part)
    assert "<PartStream 0 from row 0: 2 rows, 6 bytes>" == repr(part)


def test_a_record_has_400000_characters_at_most() -> None:
    source = Pieces("A,B,C,D", [written([["a", "b", "c", "d"], ["x" * 131_000] * 4])])
    with pytest.raises(RecordTooLarge, match="Row 1 has 524003 characters") as caught:
        made(source, BULK2)
    assert (1, None) == (caught.value.row, caught.value.column)


def test_a_record_that_no_part_has_room_for() -> None:
    with pytest.raises(RecordTooLarge, match="Row 2") as caught:
        made(Pieces("A,B", [b"1,2\n3,4\n" + b"5" * 90 + b",6\n7,8\n"]), limits(bytes=60))
    assert 2 == caught.value.row


@pytest.mark.parametrize("text", [b'1,2\n3,"4\n5,6\n', b'1,2\n3,"' + b"4" * 3_000_000])
def test_a_quote_that_never_closes_is_an_error(text: bytes) -> None:
    """It is never a short part."""
    with pytest.raises((BadValue, RecordTooLarge)) as caught:
        made(Pieces("A,B", [text]), WIDE)
    assert 1 == caught.value.row


def test_a_part_must_be_read_to_its_end() -> None:
    stream = parts(open_source([{"A": 1}, {"A": 2}]), limits(rows=1), Dialect())
    next(next(stream))
    with pytest.raises(UsageError, match="Part 0 was not read to its end"):
        next(stream)


def test_the_header_has_limits_too() -> None:
    row = {f"Field_{number}__c": 1 for number in range(4_000)}
    with pytest.raises(UsageError, match="32000"):
        made(open_source([row]), BULK2)
    with pytest.raises(UsageError, match="5001 columns"):
        made(open_source([dict.fromkeys(map(str, range(5_001)))]), BULK2)


LONG_CELLS = ["x" * 70_000, "\n" * 70_000, '"' * 40_000, "k"]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), max_size=8), st.integers(1_000, 400_000), st.integers(0, 70_000))
def test_long_cells_pass_however_they_are_cut(kinds: list[int], size: int, first: int) -> None:
    """Line breaks and quotes by the thousand inside values; cells around the size of what is looked at once."""
    cells = [LONG_CELLS[kind] for kind in kinds]
    text = written([[cell, "z"] for cell in cells])
    pieces = [text[:first], *(text[at : at + size] for at in range(first, len(text), size))]
    bodies, _ = made(Pieces("A,B", pieces), limits(bytes=150_000))

    assert [[cell, "z"] for cell in cells] == rows_of(bodies)

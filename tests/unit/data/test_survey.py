"""One walk tells what a file is and where it can be cut."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from cuts import cut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesforce_bulk.data import survey as module
from salesforce_bulk.data.marks import numpy_see, see
from salesforce_bulk.data.parts import parts
from salesforce_bulk.data.record_ends import row_ends
from salesforce_bulk.data.sources import open_source
from salesforce_bulk.data.survey import Survey
from salesforce_bulk.records import PartLimits

#: What makes cells and lines hard; the last ones are two, three and four bytes long.
PIECES = ["a", ",", '"', '""', "\n", "\r\n", "\n\n", "\r", "é", "\u2028", "👩"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.booleans()), max_size=10)


def written(rows: list[tuple[str, str, bool]], end: str) -> bytes:
    """Every value quoted, or bare where it can be."""

    def cell(text: str, bare: bool) -> str:
        return text if bare and not re.search(r'[,"\r\n]', text) else '"' + text.replace('"', '""') + '"'

    return "".join(f"{cell(one, bare)},{cell(other, bare)}{end}" for one, other, bare in rows).encode()


def surveyed(pieces: list[bytes], header: int) -> Survey:
    survey = Survey(0, header)
    survey.read(pieces)
    return survey


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 60), st.data())
def test_places_are_record_ends_and_count_rows(
    rows: list[tuple[str, str, bool]], end: str, has_last_end: bool, block: int, draws: st.DataObject
) -> None:
    """However the text is cut and however small the blocks are, down to one byte."""
    body = written(rows, end)
    if not has_last_end:
        body = body.removesuffix(end.encode())
    header = f"A,B{end}".encode()
    text = header + body

    survey = Survey(0, len(header), block_bytes=block)
    survey.read(draws.draw(cut(text)))

    ends = [len(header), *(len(header) + at for at in row_ends(body))]
    if survey.lone:
        assert survey.places is None
        return
    assert survey.places is not None
    found = dict(zip(survey.places.ends, survey.places.rows, strict=True))
    assert (len(header), 0) == (survey.places.ends[0], survey.places.rows[0])
    assert (len(text), len(rows)) == (survey.places.ends[-1], survey.places.rows[-1])
    assert set(found) <= set(ends)
    assert all(ends.index(place) == count for place, count in found.items())


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.data())
def test_line_breaks_are_counted_outside_and_inside_of_quotes(
    rows: list[tuple[str, str, bool]], end: str, draws: st.DataObject
) -> None:
    text = f"A,B{end}".encode() + written(rows, end)
    runs = text.split(b'"')

    survey = surveyed(draws.draw(cut(text)), len(f"A,B{end}"))

    assert (text.count(b'"') % 2 == 1) == survey.inside
    assert (re.search(rb"\r(?!\n)", text) is not None) == survey.lone
    for side in (0, 1):
        mine = b'"'.join(runs[side::2])
        assert mine.count(b"\n") == survey.feeds[side]
        assert mine.count(b"\r") == survey.returns[side]


@pytest.mark.parametrize("body", [b"1,2\n\n3,4\n", b"\n1,2\n", b"1,2\n\r\n3,4\n", b"1,2\n\n", b"1,2\r\n\r\n"])
@pytest.mark.parametrize("block", [1, 2, 3, 5, 100])
def test_blank_lines_are_no_rows_so_places_are_left_to_a_walk(body: bytes, block: int) -> None:
    survey = Survey(0, 4, block_bytes=block)
    survey.read([b"A,B\n" + body])

    assert None is survey.places


def test_blank_lines_inside_a_value_are_text() -> None:
    survey = surveyed([b'A,B\n1,"x\n\n\r\n\ny"\n2,3\n'], 4)

    assert survey.places is not None
    assert 2 == survey.places.rows[-1]


@pytest.mark.parametrize("text", [b"A\n\xff\n", b"A\n\xc3", b"A\n\xc3x\xa9\n", b"A\n" + "é".encode("cp1252") + b"\n"])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_is_not_utf8_is_seen(text: bytes, size: int) -> None:
    """Half a character at the end of a piece is none of these, half a one at the end of the text is."""
    with pytest.raises(UnicodeDecodeError):
        surveyed([text[at : at + size] for at in range(0, len(text), size)], 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.integers(1, 4), st.integers(1000, 1100))
def test_the_parts_of_a_file_are_the_same_with_places_and_by_a_walk(
    tmp_path: Path, rows: list[tuple[str, str, bool]], end: str, most_rows: int, most_bytes: int
) -> None:
    """And each is the stretch of the file that it says it is."""
    path = tmp_path / "rows.csv"
    path.write_bytes(f"A,B{end}".encode() + written(rows, end))
    limits = PartLimits(most_rows, most_bytes, 400_000, 131_072, 5_000)
    placed, walked = open_source(path), open_source(path)
    walked.places = None

    made = [(b"".join(part), part) for part in parts(placed, limits, placed.dialect)]

    assert [b"".join(part) for part in parts(walked, limits, walked.dialect)] == [body for body, _ in made]
    for body, part in made:
        if part.again is not None:
            assert part.offsets is not None
            assert body == b"".join(part.again())
            assert body.endswith(path.read_bytes()[slice(*part.offsets)])


@given(
    st.lists(st.sampled_from([*PIECES, "a" * 50]), max_size=80).map("".join),
    st.booleans(),
    st.sampled_from([64, 150, 512]),
)
def test_numpy_sees_what_is_seen_without_it(text: str, inside: bool, ends_apart: int) -> None:
    """Also where no rows are: it need not be CSV. The places that it tells may be more, and are as right."""
    data = text.encode().removesuffix(b"\r")
    by_numpy = numpy_see(ends_apart)
    assert by_numpy is not None

    expected, found = see(data, inside), by_numpy(data, inside)

    assert expected._replace(ends=()) == found._replace(ends=())
    assert list(expected.ends) == list(found.ends)[-1:]
    for end, number in found.ends:
        assert (end, number) == see(data[:end], inside).ends[0]


def test_a_large_file_is_seen_as_a_small_one() -> None:
    body = b'1,"x\n\r\ny"\r\n2,"\xc3\xa9"\r\n' * 60_000
    pieces = [body[at : at + 999_983] for at in range(0, len(body), 999_983)]
    small, large = Survey(0, 5), Survey(0, 5, is_large=True)
    small.read([b"A,B\r\n", *pieces])
    large.read([b"A,B\r\n", *pieces])

    assert small.places is not None
    assert large.places is not None
    assert 120_000 == small.places.rows[-1] == large.places.rows[-1]
    assert (small.feeds, small.returns, small.inside) == (large.feeds, large.returns, large.inside)
    assert all(after - before < 2 * module.BLOCK_BYTES for before, after in pairwise(large.places.ends))
    assert set(large.places.ends) <= {5 + end for end in row_ends(body)} | {5}


def test_a_block_is_small_enough_for_a_row_that_is_too_long_to_be_seen() -> None:
    """Two places that follow each other are a cell's limit apart only where a row may break it."""
    assert 131_072 >= 2 * module.BLOCK_BYTES

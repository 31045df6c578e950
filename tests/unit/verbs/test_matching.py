"""Outcomes of 2.0 jobs by columns and cell by cell: the same outcomes, the same errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.data.arrow_match import Unsuited
from salesforce_bulk.engine.ingest import ResultFiles, Sent
from salesforce_bulk.errors import MalformedResult, ReconciliationError
from salesforce_bulk.records import Dialect, Outcome
from salesforce_bulk.verbs.matching import Matching

pytest.importorskip("pyarrow")

MISSING = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
Rows = Sequence[Sequence[str]]


def text(header: Sequence[str], rows: Rows, *, quote_all: bool = False, end: str = "\n") -> bytes:
    def quoted(cell: str) -> str:
        must = quote_all or not cell.isprintable() or any(mark in cell for mark in ',"\r\n')
        return '"' + cell.replace('"', '""') + '"' if must else cell

    # A row of one empty cell would be a blank line.
    return "".join((",".join(map(quoted, row)) or '""') + end for row in (header, *rows)).encode("utf-8")


class Job:
    """A part as it was sent, and the three files of its job. Files are opened as often as they are asked for."""

    def __init__(
        self,
        columns: Sequence[str],
        sent: Rows,
        good: Rows = (),
        bad: Rows = (),
        rest: Rows = (),
        *,
        echo: Sequence[str] | None = None,
        end: str = "\n",
        counters: tuple[int | None, int | None] = (None, None),
        first_row: int = 0,
        key: str | None = None,
        cut: int = 1 << 20,
    ) -> None:
        echo = columns if echo is None else echo
        body = text(columns, sent, end=end)
        self.sent = Sent(0, first_row, len(sent), len(body), self._opener(body, cut))
        self.files = ResultFiles(
            self._opener(text(["sf__Id", "sf__Created", *echo], good, quote_all=True, end=end), cut),
            self._opener(text(["sf__Id", "sf__Error", *echo], bad, quote_all=True, end=end), cut),
            self._opener(text(echo, rest, quote_all=True, end=end), cut),
            *counters,
        )
        self.matching = Matching(tuple(columns), Dialect(",", end), key)

    @staticmethod
    def _opener(body: bytes, cut: int) -> Callable[[], Iterator[bytes]]:
        return lambda: (body[at : at + cut] for at in range(0, len(body), cut))

    def fast(self) -> list[Outcome]:
        return list(self.matching.by_columns(self.sent, self.files))

    def careful(self) -> list[Outcome]:
        return list(self.matching.carefully(self.sent, self.files))

    def both(self) -> list[Outcome]:
        """The outcomes, which are the same both ways."""
        fast = self.fast()
        assert self.careful() == fast
        return fast


def ids(outcomes: Sequence[Outcome]) -> list[str | None]:
    return [outcome.id for outcome in outcomes]


def good(rows: Sequence[int], cells: Rows) -> list[list[str]]:
    return [[f"id{row}", "true", *cells[row]] for row in rows]


def many(count: int) -> list[list[str]]:
    """Rows that are more than a few blocks of a megabyte."""
    return [[f"k{row}", f'{"x" * 400},"{row}"', str(row % 7)] for row in range(count)]


NAMES = ["Key__c", "Name", "Size__c"]


def test_three_files_in_any_order() -> None:
    sent = [["a", "1", ""], ["b", "2", ""], ["c", "3", ""], ["d", "4", ""]]
    job = Job(
        NAMES,
        sent,
        [["004", "false", "d", "4", ""], ["001", "true", "a", "1", ""]],
        [["", MISSING, "c", "3", ""]],
        [["b", "2", ""]],
        counters=(3, 1),
        first_row=10,
    )

    assert [
        Outcome(10, "succeeded", id="001", created=True),
        Outcome(11, "unprocessed"),
        Outcome(12, "failed", None, False, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
        Outcome(13, "succeeded", id="004"),
    ] == job.both()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_answers_in_the_order_of_the_rows(end: str) -> None:
    """Over many blocks: none of them is kept."""
    rows = many(9_000)

    assert [f"id{row}" for row in range(9_000)] == ids(Job(NAMES, rows, good(range(9_000), rows), end=end).both())


def test_answers_with_gaps() -> None:
    """Failed records stand in another file, so every answer behind one stands elsewhere."""
    rows = many(9_000)
    failed = set(range(100, 9_000, 1_111))
    job = Job(
        NAMES,
        rows,
        good([row for row in range(9_000) if row not in failed], rows),
        [["", MISSING, *rows[row]] for row in sorted(failed, reverse=True)],
    )

    outcomes = job.both()

    assert failed == {outcome.row for outcome in outcomes if outcome.state == "failed"}
    assert all(outcome.id == f"id{outcome.row}" for outcome in outcomes if outcome.state == "succeeded")


@pytest.mark.parametrize("step", [7, 5_003], ids=["nearby", "all over the part"])
def test_answers_in_another_order(step: int) -> None:
    rows = many(26_000)
    groups = [range(at, min(at + 2_000, 26_000)) for at in range(0, 26_000, 2_000)]
    order = (
        [row for group in groups for row in reversed(group)]
        if step == 7
        else [row * step % 26_000 for row in range(26_000)]
    )

    assert [f"id{row}" for row in range(26_000)] == ids(Job(NAMES, rows, good(order, rows)).fast())


def test_rows_that_are_alike_each_use_up_an_answer() -> None:
    """And they get them in order."""
    sent = [["a", "x", ""], ["b", "x", ""], ["a", "x", ""], ["a", "x", ""]]
    job = Job(
        NAMES,
        sent,
        [["1", "true", *sent[1]], ["2", "true", *sent[0]], ["3", "false", *sent[0]]],
        [["", MISSING, *sent[0]]],
    )

    assert ["2", "1", "3", None] == ids(job.both())


def test_a_part_in_which_most_rows_have_a_twin() -> None:
    """Few columns do not tell rows apart there; all of them do."""
    rows = [[str(row % 50), str(row // 50 % 50), str(row // 2_500)] for row in range(7_500)]
    order = [row * 1_001 % 7_500 for row in range(7_500)]

    assert [f"id{row}" for row in range(7_500)] == ids(Job(NAMES, rows, good(order, rows)).both())


def test_columns_in_another_order_and_case_and_one_that_is_not_echoed() -> None:
    job = Job(
        NAMES,
        [["a", "b", "1"], ["b", "a", "2"]],
        [["2", "true", "a", "b"], ["1", "true", "b", "a"]],
        echo=["NAME", "key__C"],
    )

    assert ["1", "2"] == ids(job.both())


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("912260031", "9.12260031E8"),
        ("5", "5.0"),
        ("1.50", "1.5"),
        ("1e3", "1000.0"),
        ("+5", "5.0"),
        ("-0", "-0.0"),
        ("1e999", "Infinity"),
        ("#N/A", ""),
        ("#N/A", "#N/A"),
        (" x ", "x"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("a\nb", "a\r\nb"),
        ("TRUE", "true"),
        ("2026-11-02T11:15:27+02:00", "2026-11-02T09:15:27.000Z"),
        ('\x00\u2028"', '\x00\u2028"'),
        ("007", "007"),
    ],
)
def test_an_echo_that_was_written_anew(sent: str, echoed: str) -> None:
    job = Job(["K", "V"], [["k", sent], ["l", "8.0"]], [["2", "true", "l", "8.0"], ["1", "true", "k", echoed]])
    if echoed == "Infinity":
        with pytest.raises(ReconciliationError):
            job.careful()
        with pytest.raises(ReconciliationError):
            job.fast()
        return

    assert ["1", "2"] == ids(job.both())


def test_a_column_of_doubles_in_all_rows() -> None:
    """The org writes each of them anew; rows are found all the same."""
    sent = [[f"k{row}", "n", f"{row}.50"] for row in range(3_000)]
    answers = [[f"id{row}", "true", f"k{row}", "n", f"{row}.5"] for row in range(3_000)]

    assert [f"id{row}" for row in range(3_000)] == ids(Job(NAMES, sent, answers).both())
    assert [f"id{row}" for row in range(3_000)] == ids(Job(NAMES, sent, answers[::-1]).both())


def test_a_key_finds_its_row_when_all_else_was_changed() -> None:
    sent = [["k1", "<b>", ""], ["k2", "<i>", ""]]
    job = Job(
        NAMES, sent, (), [["2", MISSING, "k2", "&lt;i&gt;", ""], ["1", MISSING, "k1", "&lt;b&gt;", ""]], key="KEY__c"
    )

    assert ["1", "2"] == ids(job.both())


def test_error_texts_are_unescaped() -> None:
    """Field notes, 4.3: the text of row errors is HTML-escaped."""
    said = "STRING_TOO_LONG:Name: data value too large: R&amp;D &lt;b&gt; &quot;x&quot; (max length=4):Name --"

    outcomes = Job(["Name"], [["R&D"]], (), [["", said, "R&D"]]).both()

    assert 'Name: data value too large: R&D <b> "x" (max length=4)' == outcomes[0].message


@pytest.mark.parametrize(
    ("answers", "counters"),
    [
        ({"good": [["1", "true", "a"]]}, (None, None)),
        ({"good": [["1", "true", "a"]], "bad": [["", MISSING, "b"]] * 2}, (None, None)),
        ({"good": [["1", "true", "a"]], "rest": [["b"]]}, (2, None)),
        ({"good": [["1", "true", "a"], ["2", "true", "b"]]}, (2, 1)),
        ({"good": [["1", "true", "a"], ["2", "true", "a"]]}, (None, None)),
        ({"good": [["1", "true", "a"]], "rest": [["c"]]}, (None, None)),
        ({"rest": [["a"], ["c"]]}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_what_does_not_add_up_is_the_same_error(answers: Any, counters: Any) -> None:
    job = Job(["V"], [["a"], ["b"]], **answers, counters=counters, first_row=100)
    with pytest.raises(ReconciliationError) as careful:
        job.careful()
    with pytest.raises(ReconciliationError) as fast:
        job.fast()

    assert str(careful.value) == str(fast.value)
    assert careful.value.numbers == fast.value.numbers


def test_files_of_another_job() -> None:
    with pytest.raises(ReconciliationError, match="none of the columns"):
        Job(["A"], [["a"]], [["1", "true", "x"]], echo=["X"]).fast()


def test_what_a_fast_reader_cannot_take_goes_the_careful_way() -> None:
    """Rows of unequal length; a result that is cut off is the careful way's error."""
    ragged = Job(["A", "B"], [["a"], ["b", "2"]], [["1", "true", "a", ""], ["2", "true", "b", "2"]])
    ragged.matching = Matching(("A", "B"), Dialect(), None, fast_rows=1)
    with pytest.raises(Unsuited):
        ragged.fast()
    assert ["1", "2"] == ids(list(ragged.matching(ragged.sent, ragged.files)))

    whole = ragged.files
    cut = ResultFiles(
        lambda: [b'"sf__Id","sf__Created","A","B"\n"1","true","a'], whole.failed, whole.unprocessed, None, None
    )
    with pytest.raises(MalformedResult, match="cut off or damaged"):
        list(ragged.matching(ragged.sent, cut))


CELLS = st.one_of(
    st.sampled_from(
        ["", "a", "b", "#N/A", "5", "5.0", "0.5", "a\r\nb", "a\nb", "\x1f", "\xff", "\r", "\u2028", " a", 'a","b', '"']
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    st.integers(-(10**12), 10**12).map(str),
)


def changed(cell: str, how: str) -> str:
    if how == "double":
        try:
            return repr(float(cell))
        except ValueError:
            return cell
    if how == "null":
        return "" if cell == "#N/A" else cell
    return cell.replace("\r\n", "\n").strip(" ")


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=25),
    data=st.data(),
    end=st.sampled_from(["\n", "\r\n"]),
    cut=st.integers(1, 200),
)
def test_both_ways_tell_the_same(rows: list[tuple[str, str, str]], data: st.DataObject, end: str, cut: int) -> None:
    """Over shuffles, rows that are alike, header case, dropped columns, echoes written anew, and answers that do not fit.

    Rows that are alike in all that is compared may have exchanged outcomes of their group.
    """
    states = data.draw(st.lists(st.sampled_from("sssfu"), min_size=len(rows), max_size=len(rows)))
    order = data.draw(st.one_of(st.just(list(range(len(rows)))), st.permutations(range(len(rows)))))
    hows = data.draw(st.sets(st.sampled_from(["double", "null", "breaks"])))
    kept = data.draw(st.sets(st.integers(0, 2), min_size=1))
    places = data.draw(st.permutations(sorted(kept)))
    columns = ["A", "B", "C"]
    echo = [data.draw(st.sampled_from([columns[place], columns[place].lower()])) for place in places]

    def echoed(row: int) -> list[str]:
        cells = [rows[row][place] for place in places]
        for how in sorted(hows):
            cells = [changed(cell, how) for cell in cells]
        return cells

    good_rows = [[f"id{row}", "true", *echoed(row)] for row in order if states[row] == "s"]
    bad = [[f"id{row}", f"CODE:row {row}:--", *echoed(row)] for row in order if states[row] == "f"]
    rest = [echoed(row) for row in order if states[row] == "u"]
    if data.draw(st.booleans()) and good_rows:
        wrong = data.draw(st.sampled_from(["drop", "double", "foreign"]))
        if wrong == "drop":
            good_rows.pop()
        elif wrong == "double":
            good_rows.append(good_rows[0])
        else:
            good_rows[0] = ["id", "true", *["never sent"] * len(echo)]
    job = Job(columns, rows, good_rows, bad, rest, echo=echo, end=end, first_row=3, cut=cut)

    careful = told(job.careful)
    try:
        fast = told(job.fast)
    except Unsuited:
        return
    if isinstance(careful, str) or isinstance(fast, str):
        assert careful == fast
        return
    assert [outcome.row for outcome in careful] == [outcome.row for outcome in fast]
    alike: dict[Any, list[int]] = {}
    for row, cells in enumerate(rows):
        alike.setdefault(tuple(canonical(cells[place]) for place in sorted(kept)), []).append(row)
    for members in alike.values():
        kinds = [
            sorted((o.state, o.id or "", o.message) for o in (way[row] for row in members)) for way in (careful, fast)
        ]
        assert kinds[0] == kinds[1]


def told(way: Callable[[], list[Outcome]]) -> list[Outcome] | str:
    try:
        return way()
    except ReconciliationError as error:
        return str(error)


def canonical(cell: str) -> str:
    cell = "" if cell == "#N/A" else cell.replace("\r\n", "\n").replace("\r", "\n").strip()
    try:
        return repr(float(cell))
    except ValueError:
        return cell.lower()

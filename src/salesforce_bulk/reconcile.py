"""Sent rows x the org's answers -> one outcome per row, or an error. Never a guess that is not told, never silence.

Bulk API 1.0 and REST answer in the order of the rows: there the number of answers must be right. Bulk API 2.0 answers with
three files in no order ("Get Job Successful Record Results"), which echo the columns that were sent: there rows are matched
by content, as a multiset. An echo is parsed and written anew by the org, so it can differ from what was sent in ways that
are known (numbers as Java writes a double, line breaks, ``#N/A``); what is compared is a form in which these are equal.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from operator import add, itemgetter
from typing import Any, Final, Protocol

from .errors import ReconciliationError
from .records import Outcome, RecordError, RowResult
from .wire.names import NULL_CELL

__all__ = [
    "LOOK_ROWS",
    "Echo",
    "Matched",
    "Rows",
    "Subset",
    "by_content",
    "by_position",
    "check_counts",
    "echo_of",
    "not_tried",
    "refused",
]

#: So many rows of a file are looked at to find the columns that the org writes in its own way.
LOOK_ROWS: Final = 1_000
#: As Java writes a double: 0.0, 150.25, 9.12260031E8.
_DOUBLE: Final = re.compile(r"-?\d+\.\d+(?:E-?\d+)?\Z", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)

_FILES: Final = ("succeeded", "failed", "unprocessed")
_UNKNOWN, _CREATED, _DONE, _FAILED, _NOT_TRIED = range(5)
#: To which file each of them belongs.
_ENDS: Final = (None, 0, 0, 1, 2)


class Rows(Protocol):
    """A result file as rows: its header and its cells. A file of no bytes has no columns and no rows."""

    @property
    def columns(self) -> Sequence[str]: ...

    def __iter__(self) -> Iterator[Sequence[str]]: ...


def by_position(results: Iterable[RowResult], rows: int, *, first_row: int = 0) -> Iterator[Outcome]:
    """The outcomes of a part whose answers come in the order of its rows (Bulk API 1.0, REST).

    Nothing is given before all answers were counted: with one too few, any of them may belong to another row.

    Raises:
        ReconciliationError: There are more or fewer answers than rows.
    """
    answers = list(results)
    if len(answers) != rows:
        raise ReconciliationError(
            f"{rows} rows were sent (from row {first_row} on), and the org gave {len(answers)} results. Which result belongs "
            "to which row is not certain, so none was assigned. Fetch the results again.",
            numbers={"sent": rows, "results": len(answers)},
        )
    return (_outcome(row, answer) for row, answer in enumerate(answers, first_row))


def not_tried(rows: int, *, first_row: int = 0) -> Iterator[Outcome]:
    """The outcomes of a part that the org never tried: all of its rows may be sent again."""
    return (Outcome(row, "unprocessed") for row in range(first_row, first_row + rows))


def _outcome(row: int, answer: RowResult) -> Outcome:
    if answer.success:
        return Outcome(row, "succeeded", id=answer.id, created=answer.created)
    return refused(row, answer.id, answer.errors)


def refused(row: int, identity: str | None, errors: Sequence[RecordError]) -> Outcome:
    """The outcome of a row that the org refused, with all that it said."""
    code, message, fields = _told(errors)
    return Outcome(row, "failed", id=identity, code=code, message=message, fields=fields)


def _told(errors: Sequence[RecordError]) -> tuple[str, str, tuple[str, ...]]:
    """Several errors as one: the code of the first, all messages, all fields."""
    if not errors:
        return "", "", ()
    messages = [errors[0].message, *(f"{error.code}: {error.message}" for error in errors[1:])]
    fields = dict.fromkeys(field for error in errors for field in error.fields)
    return errors[0].code, "; ".join(messages), tuple(fields)


class Matched:
    """One outcome for each row, in the order of the input; may be iterated again.

    Attributes:
        succeeded, failed, unprocessed: How many; together they are all rows.
        indistinguishable: Rows that equal another row in all that the org echoed and ended otherwise, or whose echo fits
            several rows: each of them has one of the outcomes of its group, in order, but which one is not certain.
    """

    def __init__(self, rows: Callable[[int], int]) -> None:
        #: The row of the input that stands at a place.
        self._row = rows
        self._states = bytearray()
        self._ids: list[str | None] = []
        self._errors: dict[int, int] = {}
        self._texts: list[tuple[str, str, tuple[str, ...]]] = []
        self.succeeded = self.failed = self.unprocessed = 0
        self.indistinguishable: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[Outcome]:
        for place, state in enumerate(self._states):
            row = self._row(place)
            if state == _NOT_TRIED:
                yield Outcome(row, "unprocessed")
                continue
            identity = self._ids[place]
            if state == _FAILED:
                code, message, fields = self._texts[self._errors[place]]
                yield Outcome(row, "failed", id=identity, code=code, message=message, fields=fields)
            else:
                yield Outcome(row, "succeeded", id=identity, created=state == _CREATED)

    def __repr__(self) -> str:
        return f"<Matched {self.succeeded} succeeded, {self.failed} failed, {self.unprocessed} unprocessed>"


@dataclass(frozen=True, slots=True)
class Echo:
    """What a part and its result files are compared by."""

    #: The columns that every file with rows echoes, by their places in what was sent.
    shared: tuple[int, ...]
    #: Those of them whose values the org writes as Java writes a double, by their places in *shared*.
    doubles: tuple[int, ...]
    #: ``#N/A`` comes back as it was sent; else it comes back as nothing.
    keeps_null: bool


def echo_of(columns: Sequence[str], files: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]) -> Echo:
    """How the org echoes these columns, from the headers and the first :data:`LOOK_ROWS` rows of the three files.

    Raises:
        ReconciliationError: The files have none of the columns that were sent.
    """
    return _echo_of(columns, [_File(kind, header, look) for kind, (header, look) in enumerate(files)])


def _echo_of(columns: Sequence[str], files: Sequence[_File]) -> Echo:
    names = [name.lower() for name in columns]
    answered = [file for file in files if file.look]
    shared = tuple(place for place, name in enumerate(names) if all(name in file.columns for file in answered))
    if answered and columns and not shared:
        raise ReconciliationError(
            "The result files have none of the columns that were sent; they belong to another job. No outcome was "
            "assigned. Fetch them again."
        )
    doubles = tuple(place for place, sent in enumerate(shared) if _is_double(names[sent], answered))
    return Echo(shared, doubles, any(NULL_CELL in row for file in answered for row in file.look))


@dataclass(frozen=True, slots=True)
class Subset:
    """Some rows of a part: all others have their answers already.

    ``rows`` are their numbers in the input, ``sent`` is how many rows the part has. What was found out of the whole files
    holds for them, too.
    """

    rows: Sequence[int]
    sent: int
    echo: Echo


class _File:
    """One result file: where its columns are, and its rows."""

    def __init__(self, kind: int, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        self.kind = kind
        places = {name.strip("\0").lower(): place for place, name in reversed(list(enumerate(columns)))}
        self.columns = places
        self.identity = places.get("sf__id")
        self.created = places.get("sf__created")
        self.error = places.get("sf__error")
        self.count = 0
        self._rows = iter(rows) if places else iter(())
        self.look: list[Sequence[str]] = list(islice(self._rows, LOOK_ROWS))

    def __iter__(self) -> Iterator[Sequence[str]]:
        for row in chain(self.look, self._rows):
            self.count += 1
            yield row


class _Group:
    """Rows that are equal in what is compared."""

    __slots__ = ("at", "exact", "guessed", "members")

    def __init__(self, members: list[int]) -> None:
        self.members = members
        self.at = 0
        self.exact: set[int] | None = None
        self.guessed = False


def by_content(
    sent: Iterable[Sequence[str]],
    successful: Rows,
    failed: Rows,
    unprocessed: Rows,
    *,
    columns: Sequence[str],
    parse_errors: Callable[[str], Sequence[RecordError]],
    first_row: int = 0,
    key: str | None = None,
    records_processed: int | None = None,
    records_failed: int | None = None,
    subset: Subset | None = None,
) -> Matched:
    """The outcomes of a part whose answers come in three files, in any order (Bulk API 2.0).

    Rows are compared as they are, then without what an echo is known to change, then by *key* where it is unique, then
    without the columns that are blank in all answers left over (the org leaves out values of columns whose name was sent in
    another case than its own; known issue a028c00000gAyI4AAK). Equal rows get their answers in order.

    Args:
        sent: The cells of each row, as sent. It is iterated a second time when some answers do not fit at once; a one-time
            iterator is therefore held.
        successful, failed, unprocessed: The three files.
        columns: The columns of *sent*.
        parse_errors: What an ``sf__Error`` cell says.
        key: A column that tells rows apart: the external id of an upsert, ``Id`` of an update.
        records_processed, records_failed: The counters of the job, where it gave them.
        subset: *sent* and the files are what is left of a larger part.

    Raises:
        ReconciliationError: The numbers do not agree, an answer fits no row, or a row has no answer.
    """
    if isinstance(sent, Iterator):
        sent = list(sent)
    matcher = _Matcher(
        [_File(kind, rows.columns, rows) for kind, rows in enumerate((successful, failed, unprocessed))],
        columns,
        parse_errors,
        first_row,
        subset,
    )
    matcher.take_in(sent)
    matcher.match()
    matcher.check_counts(records_processed, records_failed)
    if matcher.left:
        matcher.match_what_is_left(sent, key)
    return matcher.finished()


class _Matcher:
    def __init__(
        self,
        files: list[_File],
        columns: Sequence[str],
        parse_errors: Callable[[str], Sequence[RecordError]],
        first_row: int,
        subset: Subset | None,
    ) -> None:
        self._files = files
        self._parse = parse_errors
        self._names = [name.lower() for name in columns]
        echo = subset.echo if subset is not None else _echo_of(columns, files)
        self._shared = echo.shared
        self._doubles = echo.doubles
        self._keeps_null = echo.keeps_null
        self._sent = subset.sent if subset is not None else None
        self._matched = Matched(subset.rows.__getitem__ if subset is not None else partial(add, first_row))
        self._exact = array("q")
        self._index: dict[int, int] = {}
        self._groups: list[_Group] = []
        self._known_errors: dict[str, int] = {}
        #: Answers that fit no row as they are.
        self.left: list[tuple[_File, Sequence[str]]] = []
        self._flagged: set[int] = set()

    # -- the rows that were sent

    def take_in(self, sent: Iterable[Sequence[str]]) -> None:
        index, groups, exact = self._index, self._groups, self._exact
        setdefault = index.setdefault
        place = -1
        for place, (key, raw) in enumerate(map(self._keys(self._shared, len(self._names)), sent)):
            exact.append(raw)
            first = setdefault(key, place)
            if first != place:
                if first >= 0:
                    index[key] = ~len(groups)
                    groups.append(_Group([first, place]))
                else:
                    groups[~first].members.append(place)
        self._matched._states = bytearray(place + 1)
        self._matched._ids = [None] * (place + 1)

    def _keys(self, places: Sequence[int], width: int) -> Callable[[Sequence[str]], tuple[int, int]]:
        """A function that gives two hashes of a row: of what rows are compared by, and of the row as it is.

        They come about in different ways, of the text of the row and of its cells one by one. Should two rows agree in the
        first by accident (once in thirty million runs of a million rows), the second tells them apart.
        """
        cells_of = _picker(places, width)
        doubles, keeps_null = self._doubles, self._keeps_null
        join = "\x1f".join

        def keys(row: Sequence[str]) -> tuple[int, int]:
            cells = cells_of(row)
            text = join(cells)
            # A single character is found ten times as fast as four.
            if "\r" in text or ("#" in text and not keeps_null and NULL_CELL in text):
                changed: list[Any] = [_broken(cell) for cell in cells]
                if not keeps_null:
                    changed = ["" if cell == NULL_CELL else cell for cell in changed]
            elif doubles:
                changed = list(cells)
            else:
                return hash(text), hash(tuple(cells))
            for place in doubles:
                if changed[place]:
                    try:
                        changed[place] = float(changed[place])
                    except ValueError:
                        continue
            return hash(tuple(changed)), hash(text)

        return keys

    # -- the answers

    def match(self) -> None:
        states, ids = self._matched._states, self._matched._ids
        find, assign = self._index.get, self._assign
        for file in self._files:
            keys = self._keys(self._places_in(file), len(file.columns))
            identity, created = file.identity, file.created
            for row in file:
                key, raw = keys(row)
                place = find(key)
                if place is not None and place < 0:
                    place = self._next_of(self._groups[~place], raw)
                if place is None or states[place]:
                    self.left.append((file, row))
                elif file.kind == 0 and identity is not None and created is not None:
                    states[place] = _CREATED if row[created] == "true" else _DONE
                    ids[place] = row[identity] or None
                else:
                    assign(place, file, row)

    def _places_in(self, file: _File) -> list[int]:
        return [file.columns[self._names[place]] for place in self._shared if self._names[place] in file.columns]

    def _next_of(self, group: _Group, raw: int) -> int | None:
        """The next row of a group: one that is the answer's very text, if there is one, else the first that is left."""
        states, members = self._matched._states, group.members
        while group.at < len(members) and states[members[group.at]]:
            group.at += 1
        if group.at == len(members):
            return None
        first = members[group.at]
        if self._exact[first] != raw:
            if group.exact is None:
                group.exact = {self._exact[member] for member in members}
            if raw in group.exact:
                for place in islice(members, group.at, None):
                    if self._exact[place] == raw and not states[place]:
                        return place
            group.guessed |= len(group.exact) > 1
        return first

    def _assign(self, place: int, file: _File, row: Sequence[str]) -> None:
        matched = self._matched
        if file.kind == 2:
            matched._states[place] = _NOT_TRIED
            return
        if file.identity is not None:
            matched._ids[place] = row[file.identity] or None
        if file.kind == 0:
            created = file.created is not None and row[file.created].lower() == "true"
            matched._states[place] = _CREATED if created else _DONE
            return
        matched._states[place] = _FAILED
        text = row[file.error] if file.error is not None else ""
        known = self._known_errors.get(text)
        if known is None:
            known = self._known_errors[text] = len(matched._texts)
            matched._texts.append(_told(self._parse(text)))
        matched._errors[place] = known

    # -- numbers

    def check_counts(self, processed: int | None, refused: int | None) -> None:
        check_counts(len(self._matched), [file.count for file in self._files], processed, refused)

    # -- what does not fit at once

    def match_what_is_left(self, sent: Iterable[Sequence[str]], key: str | None) -> None:
        states = self._matched._states
        cells_of = _picker(self._shared, len(self._names))
        names = [self._names[place] for place in self._shared]
        rows = {place: _canonical(cells_of(row), names) for place, row in enumerate(sent) if not states[place]}
        answers = [
            (file, row, _canonical(_picker(self._places_in(file), len(file.columns))(row), names))
            for file, row in self.left
        ]
        answers = self._pair(rows, answers, range(len(names)))
        if answers and key is not None and key.lower() in names:
            answers = self._pair(rows, answers, [names.index(key.lower())], only_unique=True)
        for kind in range(3):
            mine = [answer for answer in answers if answer[0].kind == kind]
            filled = [place for place in range(len(names)) if any(cells[place] for _, _, cells in mine)]
            if mine and filled and len(filled) < len(names):
                answers = [answer for answer in answers if answer[0].kind != kind]
                answers += self._pair(rows, mine, filled)
        if answers or rows:
            self._refuse(rows, answers)

    def _pair(
        self,
        rows: dict[int, tuple[str, ...]],
        answers: list[tuple[_File, Sequence[str], tuple[str, ...]]],
        places: Sequence[int],
        *,
        only_unique: bool = False,
    ) -> list[tuple[_File, Sequence[str], tuple[str, ...]]]:
        """Pair rows and answers that agree in *places*; what was paired is taken out of *rows*. The answers left over."""
        by_key: dict[tuple[str, ...], list[int]] = {}
        for place, cells in rows.items():
            by_key.setdefault(tuple([cells[at] for at in places]), []).append(place)
        wanted: dict[tuple[str, ...], int] = {}
        for _, _, cells in answers:
            mine = tuple([cells[at] for at in places])
            wanted[mine] = wanted.get(mine, 0) + 1
        taken: dict[tuple[str, ...], int] = {}
        left = []
        for answer in answers:
            file, row, cells = answer
            mine = tuple([cells[at] for at in places])
            candidates = by_key.get(mine, [])
            at = taken.get(mine, 0)
            is_refused = only_unique and (len(candidates) > 1 or wanted[mine] > 1 or not mine[0])
            if at >= len(candidates) or is_refused:
                left.append(answer)
                continue
            taken[mine] = at + 1
            del rows[candidates[at]]
            self._assign(candidates[at], file, row)
            if len(candidates) > 1 and not at:
                group = _Group(candidates)
                group.guessed = len({self._exact[place] for place in candidates}) > 1
                self._groups.append(group)
        return left

    def _refuse(
        self, rows: dict[int, tuple[str, ...]], answers: list[tuple[_File, Sequence[str], tuple[str, ...]]]
    ) -> None:
        sent = self._sent if self._sent is not None else len(self._matched)
        first = self._matched._row(min(rows)) if rows else None
        kinds = [sum(answer[0].kind == kind for answer in answers) for kind in range(3)]
        raise ReconciliationError(
            f"{sent} rows were sent and as many answers came, but {len(answers)} answers fit no row "
            f"({kinds[0]} succeeded, {kinds[1]} failed, {kinds[2]} unprocessed) and {len(rows)} rows have no answer, "
            f"the first of them row {first}. No outcome was assigned to those rows, and none is guessed. "
            "Compare the result files with what was sent.",
            numbers={"sent": sent, "rows_without_answer": len(rows), "answers_without_row": len(answers)},
        )

    def finished(self) -> Matched:
        matched = self._matched
        states = matched._states
        matched.succeeded = states.count(_CREATED) + states.count(_DONE)
        matched.failed = states.count(_FAILED)
        matched.unprocessed = states.count(_NOT_TRIED)
        if _UNKNOWN in states:
            self._refuse({place: () for place, state in enumerate(states) if not state}, [])
        for group in self._groups:
            ends = {(_ENDS[states[place]], matched._errors.get(place)) for place in group.members}
            if group.guessed or len(ends) > 1:
                self._flagged.update(group.members)
        matched.indistinguishable = frozenset(map(matched._row, self._flagged))
        return matched


def check_counts(sent: int, answers: Sequence[int], processed: int | None, refused: int | None) -> None:
    """Every count against every other one.

    Args:
        sent: How many rows.
        answers: How many rows the three files hold, each.
        processed, refused: The counters of the job, where it gave them.

    Raises:
        ReconciliationError: Two of them do not agree.
    """
    numbers = {"sent": sent, **dict(zip(_FILES, answers, strict=True))}
    wrong: list[str] = []
    answered = sum(answers)
    if answered != numbers["sent"]:
        wrong.append(f"the result files hold {answered} rows")
    if processed is not None and processed != numbers["succeeded"] + numbers["failed"]:
        numbers["records_processed"] = processed
        wrong.append(f"the job counts {processed} as processed")
    if refused is not None and refused != numbers["failed"]:
        numbers["records_failed"] = refused
        wrong.append(f"the job counts {refused} as failed")
    if wrong:
        raise ReconciliationError(
            f"{numbers['sent']} rows were sent; the files say that {numbers['succeeded']} succeeded, "
            f"{numbers['failed']} failed and {numbers['unprocessed']} were not processed; but {', and '.join(wrong)}. "
            "What became of every row is not certain, so no outcome was assigned. Fetch the results again.",
            numbers=numbers,
        )


def _picker(places: Sequence[int], width: int) -> Callable[[Sequence[str]], Sequence[str]]:
    """Takes the cells at *places* out of a row; cells that a short row lacks are empty."""
    if list(places) == list(range(width)):
        return lambda row: row if len(row) == width else [*row, *[""] * (width - len(row))][:width]
    if len(places) > 1 and list(places) == list(range(places[0], width)):
        first = places[0]
        return lambda row: row[first:] if len(row) == width else [*row, *[""] * (width - len(row))][first:width]
    get: Any = itemgetter(*places) if len(places) > 1 else lambda row: tuple(row[place] for place in places)

    def picked(row: Sequence[str]) -> Sequence[str]:
        try:
            return get(row)  # type: ignore[no-any-return]
        except IndexError:
            return get([*row, *[""] * width])  # type: ignore[no-any-return]

    return picked


def _is_double(name: str, files: Iterable[_File]) -> bool:
    """Whether the org writes all values of a column as Java writes a double."""
    seen = False
    for file in files:
        if file.kind != 0:
            continue
        place = file.columns[name]
        for row in file.look:
            cell = row[place] if place < len(row) else ""
            if cell and cell != NULL_CELL:
                if _DOUBLE.match(cell) is None:
                    return False
                seen = True
    return seen


def _number(cell: str) -> str:
    try:
        return float.__repr__(float(cell))
    except ValueError:
        return cell


def _broken(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def _canonical(cells: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The cells without all that an echo may change."""
    return tuple([_same(cell, name) for cell, name in zip(cells, names, strict=False)])


def _same(cell: str, name: str) -> str:
    if not cell or cell == NULL_CELL:
        return ""
    cell = _broken(cell).strip()
    if name == "id":
        return cell[:15]  # 15 and 18 characters name the same record
    if _NUMBER.match(cell):
        return _number(cell)
    lower = cell.lower()
    if lower in ("true", "false"):
        return lower
    if _DATETIME.match(cell):
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            return cell
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return cell

"""Answers in any order: rows and the echoes of rows, matched by what stands in them, as a multiset."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from operator import add
from typing import Any

from ..errors import ReconciliationError
from ..frozen import frozen
from ..records import RecordError
from ..wire.names import NULL_CELL
from .counting import check_counts
from .echo import Echo, File, Rows, echo_of_files
from .likeness import broken, canonical, picker
from .outcomes import CREATED, DONE, ENDS, FAILED, NOT_TRIED, UNKNOWN, Matched, told


@frozen
class Subset:
    """Some rows of a part: all others have their answers already.

    ``rows`` are their numbers in the input, ``sent`` is how many rows the part has. What was found out of the whole files
    holds for them, too.
    """

    rows: Sequence[int]
    sent: int
    echo: Echo


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
        [File(kind, rows.columns, rows) for kind, rows in enumerate((successful, failed, unprocessed))],
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


class _Group:
    """Rows that are equal in what is compared."""

    __slots__ = ("at", "exact", "guessed", "members")

    def __init__(self, members: list[int]) -> None:
        self.members = members
        self.at = 0
        self.exact: set[int] | None = None
        self.guessed = False


class _Matcher:
    def __init__(
        self,
        files: list[File],
        columns: Sequence[str],
        parse_errors: Callable[[str], Sequence[RecordError]],
        first_row: int,
        subset: Subset | None,
    ) -> None:
        self._files = files
        self._parse = parse_errors
        self._names = [name.lower() for name in columns]
        echo = subset.echo if subset is not None else echo_of_files(columns, files)
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
        self.left: list[tuple[File, Sequence[str]]] = []
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
        self._matched.states = bytearray(place + 1)
        self._matched.ids = [None] * (place + 1)

    def _keys(self, places: Sequence[int], width: int) -> Callable[[Sequence[str]], tuple[int, int]]:
        """A function that gives two hashes of a row: of what rows are compared by, and of the row as it is.

        They come about in different ways, of the text of the row and of its cells one by one. Should two rows agree in the
        first by accident (once in thirty million runs of a million rows), the second tells them apart.
        """
        cells_of = picker(places, width)
        doubles, keeps_null = self._doubles, self._keeps_null
        join = "\x1f".join

        def keys(row: Sequence[str]) -> tuple[int, int]:
            cells = cells_of(row)
            text = join(cells)
            # A single character is found ten times as fast as four.
            if "\r" in text or ("#" in text and not keeps_null and NULL_CELL in text):
                changed: list[Any] = [broken(cell) for cell in cells]
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
        states, ids = self._matched.states, self._matched.ids
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
                    states[place] = CREATED if row[created].lower() == "true" else DONE
                    ids[place] = row[identity] or None
                else:
                    assign(place, file, row)

    def _places_in(self, file: File) -> list[int]:
        return [file.columns[self._names[place]] for place in self._shared if self._names[place] in file.columns]

    def _next_of(self, group: _Group, raw: int) -> int | None:
        """The next row of a group: one that is the answer's very text, if there is one, else the first that is left."""
        states, members = self._matched.states, group.members
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

    def _assign(self, place: int, file: File, row: Sequence[str]) -> None:
        matched = self._matched
        if file.kind == 2:
            matched.states[place] = NOT_TRIED
            return
        if file.identity is not None:
            matched.ids[place] = row[file.identity] or None
        if file.kind == 0:
            created = file.created is not None and row[file.created].lower() == "true"
            matched.states[place] = CREATED if created else DONE
            return
        matched.states[place] = FAILED
        text = row[file.error] if file.error is not None else ""
        known = self._known_errors.get(text)
        if known is None:
            known = self._known_errors[text] = len(matched.texts)
            matched.texts.append(told(self._parse(text)))
        matched.errors[place] = known

    # -- numbers

    def check_counts(self, processed: int | None, refused: int | None) -> None:
        check_counts(len(self._matched), [file.count for file in self._files], processed, refused)

    # -- what does not fit at once

    def match_what_is_left(self, sent: Iterable[Sequence[str]], key: str | None) -> None:
        states = self._matched.states
        cells_of = picker(self._shared, len(self._names))
        names = [self._names[place] for place in self._shared]
        rows = {place: canonical(cells_of(row), names) for place, row in enumerate(sent) if not states[place]}
        answers = [
            (file, row, canonical(picker(self._places_in(file), len(file.columns))(row), names))
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
        answers: list[tuple[File, Sequence[str], tuple[str, ...]]],
        places: Sequence[int],
        *,
        only_unique: bool = False,
    ) -> list[tuple[File, Sequence[str], tuple[str, ...]]]:
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
        self, rows: dict[int, tuple[str, ...]], answers: list[tuple[File, Sequence[str], tuple[str, ...]]]
    ) -> None:
        sent = self._sent if self._sent is not None else len(self._matched)
        first = self._matched.row_at(min(rows)) if rows else None
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
        states = matched.states
        matched.succeeded = states.count(CREATED) + states.count(DONE)
        matched.failed = states.count(FAILED)
        matched.unprocessed = states.count(NOT_TRIED)
        if UNKNOWN in states:
            self._refuse({place: () for place, state in enumerate(states) if not state}, [])
        for group in self._groups:
            ends = {(ENDS[states[place]], matched.errors.get(place)) for place in group.members}
            if group.guessed or len(ends) > 1:
                self._flagged.update(group.members)
        matched.indistinguishable = frozenset(map(matched.row_at, self._flagged))
        return matched

"""Rows that the org refused for a passing reason are sent again, and only those.

Locks are what mostly passes: two jobs that touch the same parent at once. So rows that name the same record travel in one
part, and where one part does not hold them, in parts that go out one after the other. Each pass is smaller than the one
before, and the last one lets the org do one batch at a time (field notes 67; that halving helps is users' advice).
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from ..facts import PartKept, PartSettled, PassMerged
from ..frozen import frozen
from ..outcome_lines import line_of, outcome_of
from ..protocol.passing import is_passing, may_try_rest_again
from ..records import Outcome
from ..wire.names import NULL_CELL, Job2State
from .drive import Clock
from .ingest import Begun, Book, PartDone, Way, begun_part, file_pieces, perform_part
from .outcomes import write_outcomes
from .stop import Stop, waited

#: Rows of a 2.0 job are cut into batches of this many, which the org does in parallel ("How Requests Are Processed"): with
#: no more than that, the rows of a part do not meet each other.
MOST_ROWS: Final = 10_000
#: The bulk APIs save 200 rows in one transaction: smaller parts only make more of them.
LEAST_ROWS: Final = 200
#: A lock is waited for a few seconds before its row is refused (Bulk API guide, data load guidelines); so is a busy org.
FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0
#: Rows on their way into the parts of a pass are held up to so many characters.
_HELD: Final = 8 * 1024 * 1024


@frozen
class Pass:
    """One more sending: through which API, one part at a time or several, and how many rows a part at most."""

    number: int
    api: str
    serial: bool
    rows: int


def passes(retries: int, api: str, serial: bool, rows: int) -> list[Pass]:
    """What is tried, in order, after a first sending in parts of *rows*: as they are, in smaller parts, at last serially.

    Only Bulk API 1.0 has a serial mode; REST calls made one after the other come to the same.
    """
    rows = min(rows, MOST_ROWS)
    least = min(rows, 1 if api == "rest" else LEAST_ROWS)
    plan = []
    for number in range(1, retries + 1):
        size = max(least, rows >> (number - 1))
        if number == retries and retries > 1:
            plan.append(Pass(number + 1, "rest" if api == "rest" else "bulk1", True, size))
        else:
            plan.append(Pass(number + 1, api, serial, size))
    return plan


def pause(clock: Clock, number: int) -> None:
    """Let pass what passes: twice as long before each pass, by chance between half and all of it."""
    longest = min(FIRST_PAUSE_SECONDS * 2 ** (number - 2), LONGEST_PAUSE_SECONDS)
    clock.sleep(longest * (0.5 + clock.chance() / 2))


@frozen
class Texts:
    """How the text of a row is taken out of the parts that were sent, and written into those of another pass."""

    #: The rows of a part, from its bytes.
    read: Callable[[Iterator[bytes]], Iterable[Sequence[str]]]
    header: bytes
    write: Callable[[Sequence[str]], str]
    #: The columns that name a record, by their places: rows that share one of these values stay together.
    naming: tuple[int, ...]
    #: Bytes a part at most.
    most_bytes: int


@frozen
class _Part:
    """A part of a pass: the rows of the input that it holds."""

    number: int
    path: Path
    rows: array[int]


class Again:
    """The passes over the parts of a load. Keeps a few numbers for each row that is sent again, and no row."""

    def __init__(self, done: Sequence[PartDone], book: Book, parallel: int, stop: Stop, *, parts: int) -> None:
        #: The parts of the first sending, with what became of their rows by now.
        self.done = sorted(done, key=attrgetter("number"))
        #: The parts of the last pass.
        self.last: list[PartDone] = []
        self._book = book
        self._folder = book.folder
        self._parallel = parallel
        self._stop = stop
        #: So many parts there are, those of earlier passes with them.
        self._next = parts

    @property
    def rows(self) -> int:
        """How many rows may be sent again."""
        return sum(part.again for part in self.done)

    @property
    def aborted(self) -> bool:
        """Somebody aborted a job of the last pass: then there is no next one."""
        return any(part.state == Job2State.ABORTED for part in self.last)

    def begin(self, this: Pass, texts: Texts) -> list[list[Begun]]:
        """The rows that may be sent again, in parts on disk, in the lanes in which they go out: what shares a lane never
        meets."""
        with self._folder.room("The rows that are to be sent again"):
            parts, lanes = self._gathered(this, texts)
        begun = []
        for part in parts:
            self._folder.keep_rows(part.number, part.rows)
            # Written piece by piece, so it is read once more on its way to the disk.
            kept = self._folder.keep(part.number, file_pieces(part.path))
            part.path.unlink()
            fact = PartKept(part.number, part.rows[0], len(part.rows), kept.bytes, kept.sha256, in_pass=this.number)
            begun.append(begun_part(fact, self._folder))
        # All of them or none: a pass that has begun has all of its rows.
        self._book.note(*(one.left.kept for one in begun))
        return [[begun[place] for place in lane] for lane in lanes]

    def send(self, this: Pass, way: Way, lanes: Sequence[Sequence[Begun]], settled: Sequence[PartDone] = ()) -> None:
        """Send the parts of a pass, or go on with them, and take in what becomes of their rows. *settled*: parts of it whose
        outcomes are known."""
        self.last = list(settled)
        try:
            self._send_lanes(lanes, way, 1 if this.serial else self._parallel)
        finally:
            self.last.sort(key=attrgetter("number"))
        with self._folder.room("What became of the rows that were sent again"):
            self._merge(this)

    def forget(self, parts: Sequence[PartDone]) -> None:
        """Parts of a pass whose outcomes have taken the place of those before."""
        for part in parts:
            self._folder.outcomes(part.number).unlink(missing_ok=True)
        self._folder.forget_parts(part.number for part in parts)

    # -- rows -> parts

    def _passing(self, texts: Texts) -> Iterator[tuple[int, Sequence[str]]]:
        """The rows that may be sent again, in order, with their cells."""
        for part in self.done:
            if not part.again:
                continue
            rest = may_try_rest_again(part.state, part.said)
            cells_of_rows = texts.read(file_pieces(self._folder.part(part.number)))
            for cells, outcome in zip(cells_of_rows, part.outcomes(), strict=True):
                if is_passing(outcome, rest=rest):
                    yield outcome.row, cells

    def _gathered(self, this: Pass, texts: Texts) -> tuple[list[_Part], list[list[int]]]:
        groups, sizes = _Groups(), array("q")
        for _, cells in self._passing(texts):
            # A row of a file may be shorter than its header.
            groups.add([(place, cells[place]) for place in texts.naming if place < len(cells)])
            sizes.append(len(texts.write(cells).encode("utf-8")))
        part_of, lanes = packed(groups.roots(), sizes, this.rows, texts.most_bytes - len(texts.header))
        parts = []
        for number in range(self._next, self._next + sum(map(len, lanes))):
            parts.append(_Part(number, self._folder.path / f"again-{number}.csv", array("q")))
            parts[-1].path.write_bytes(texts.header)
        self._next += len(parts)
        held: defaultdict[int, list[str]] = defaultdict(list)
        size = 0
        for (row, cells), place in zip(self._passing(texts), part_of, strict=True):
            parts[place].rows.append(row)
            text = texts.write(cells)
            held[place].append(text)
            size += len(text)
            if size >= _HELD:
                _append(parts, held)
                size = 0
        _append(parts, held)
        return parts, lanes

    # -- parts -> outcomes

    def _send_lanes(self, lanes: Sequence[Sequence[Begun]], way: Way, parallel: int) -> None:
        stopped = threading.Event()

        def lane(parts: Sequence[Begun]) -> None:
            for part in parts:
                if stopped.is_set():
                    return
                try:
                    with self._stop.working():
                        self.last.append(perform_part(part, way, self._book, keep=True))
                except BaseException:
                    stopped.set()
                    raise

        with ThreadPoolExecutor(parallel, "again") as pool:
            futures = [pool.submit(lane, parts) for parts in lanes]
            try:
                waited(futures, for_all=True)
            except BaseException:
                stopped.set()
                self._stop.now()
                raise
        for future in futures:
            future.result()

    def _merge(self, this: Pass) -> None:
        """The last outcome of a row is what counts. One part of the first sending after the other is written anew: doing it
        once more, after a process died in the midst of it, gives the same."""
        starts = [part.first_row for part in self.done]
        touched = set()
        for part in self.last:
            told = zip(self._folder.read_rows(part.number), part.outcomes(), strict=True)
            for place, some in groupby(told, lambda pair: bisect_right(starts, pair[0]) - 1):
                if place not in touched:
                    self._changes(place).unlink(missing_ok=True)
                    touched.add(place)
                with self._changes(place).open("a", encoding="utf-8", newline="\n") as file:
                    file.writelines(f"{row} {line_of(outcome)}\n" for row, outcome in some)
        merged = {place: self._merged(self.done[place], self._changes(place)) for place in touched}
        self._book.note(
            *(
                PartSettled(part.number, part.succeeded, part.failed, part.unprocessed, part.again)
                for part in merged.values()
            ),
            PassMerged(this.number),
        )
        for place, part in merged.items():
            self.done[place] = part
        self.forget(self.last)
        self._folder.forget_parts(part.number for part in self.done if not part.again)

    def _changes(self, place: int) -> Path:
        return self._folder.path / f"again-{self.done[place].number}.txt"

    def _merged(self, part: PartDone, path: Path) -> PartDone:
        changed: dict[int, str] = {}
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                row, _, text = line.rstrip("\n").partition(" ")
                changed[int(row)] = text
        rest = may_try_rest_again(part.state, part.said)
        again = 0

        def outcomes() -> Iterator[Outcome]:
            nonlocal again
            for outcome in part.outcomes():
                text = changed.get(outcome.row)
                last = outcome if text is None else outcome_of(outcome.row, text)
                again += is_passing(last, rest=rest)
                yield last

        counts = write_outcomes(self._folder.outcomes(part.number), outcomes())
        path.unlink()
        return replace(
            part,
            succeeded=counts["succeeded"],
            failed=counts["failed"],
            unprocessed=counts["unprocessed"],
            again=again,
        )


def _append(parts: list[_Part], held: defaultdict[int, list[str]]) -> None:
    for place, lines in held.items():
        with parts[place].path.open("ab") as file:
            file.write("".join(lines).encode("utf-8"))
    held.clear()


class _Groups:
    """Rows that share a value of a naming column, directly or by way of others, are one group."""

    def __init__(self) -> None:
        self._above = array("q")
        self._first: dict[int, int] = {}

    def add(self, values: Iterable[tuple[int, str]]) -> None:
        row = len(self._above)
        self._above.append(row)
        for place, value in values:
            if not value or value == NULL_CELL:
                continue
            # The 15 and the 18 characters of an id are the same record, whatever column it stands in. Two values of one
            # hash would only share a part.
            name: Any = value[:15] if len(value) in (15, 18) and value.isalnum() else (place, value)
            self._join(self._first.setdefault(hash(name), row), row)

    def _join(self, one: int, other: int) -> None:
        one, other = self._root(one), self._root(other)
        self._above[max(one, other)] = min(one, other)

    def _root(self, row: int) -> int:
        above = self._above
        while above[row] != row:
            above[row] = above[above[row]]
            row = above[row]
        return row

    def roots(self) -> array[int]:
        """For each row, the first row of its group."""
        return array("q", map(self._root, range(len(self._above))))


def packed(
    roots: Sequence[int], sizes: Sequence[int], most_rows: int, most_bytes: int
) -> tuple[array[int], list[list[int]]]:
    """The part of each row, and the lanes of parts. A group is cut only when no part can hold it, and then shares a lane.

    A row that is larger than a part goes out alone: the limits of the API were kept when it was sent first.
    """
    part_of = array("q", bytes(8 * len(roots)))
    lanes: list[list[int]] = []
    part = -1
    rows = size = 0
    for _, group in groupby(sorted(range(len(roots)), key=roots.__getitem__), roots.__getitem__):
        members = list(group)
        fits = rows + len(members) <= most_rows and size + sum(sizes[row] for row in members) <= most_bytes
        if not lanes or not fits:
            part, rows, size = part + 1, 0, 0
            lanes.append([part])
        for row in members:
            if rows and (rows == most_rows or size + sizes[row] > most_bytes):
                part, rows, size = part + 1, 0, 0
                lanes[-1].append(part)
            part_of[row] = part
            rows += 1
            size += sizes[row]
    return part_of, lanes

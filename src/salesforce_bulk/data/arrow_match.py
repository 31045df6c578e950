"""The rows of a part and the org's answers to them, compared as columns: exact, and at the speed of the machine.

An answer belongs to a row when all columns that it echoes are equal; a line break of another kind, ``#N/A`` that came back
as nothing, and a number that was written anew as a double make no difference. A row is looked up by the hash of the columns
that tell rows apart, and then its whole content is compared, so a hash decides nothing. Only those rows get their answers
here that no other row is like. What is left (rows that are alike, and whatever else an echo may change) is for the careful
way, which looks at every cell.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from typing import Any, Final

from ..errors import MalformedResult
from ..frozen import frozen
from ..wire.names import NULL_CELL
from .ahead import in_order
from .arrow_values import binary_array, binary_scalar, double_scalar, int_array, null_scalar, text_scalar
from .blocks import PageBlocks
from .extras import pyarrow

_WHAT: Final = "Matching by columns"
#: Text that is worked on at a time: what is held for matching is columns of it, several at once. Threads that share the
#: interpreter lose time at each hand-over: of 95 MB, 512 KB took 2.45 s, 1 MB 2.22, 1.5 MB 2.14 and more memory.
BLOCK_BYTES: Final = 1024 * 1024
#: Threads that take answers apart, beside one that reads them. The rows that were sent are taken apart by whoever compares:
#: another thread for them wins nothing, and five million rows then take 290 MB instead of 245.
_THREADS: Final = 1
#: Where more rows than these are alike in the few columns that are hashed, all columns are.
_SOME_ALIKE: Final = 0.01
#: Rows that stand in so many blocks, or more, are better taken out of a part that is one block.
_NEAR: Final = 8
#: So many columns may tell rows apart together, before all of them are asked.
_FEW: Final = 3
_NULL: Final = NULL_CELL.encode("ascii")
#: So many rows are looked at to choose them.
_SAMPLE_ROWS: Final = 1_000
#: What both Arrow and Python read as the same double.
_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"

_SUCCEEDED: Final = 0
_UNPROCESSED: Final = 2

#: The columns of a block, ``pyarrow.BinaryArray`` without nulls.
_Columns = list[Any]


class Unsuited(Exception):
    """This text is not for a fast reader: it is damaged, or its rows are of unequal length."""


class TextFile:
    """A CSV file with commas, as columns of bytes. It is read once, and must be closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._blocks = PageBlocks([pieces], BLOCK_BYTES)
        self._held: list[bytes] = []
        try:
            self.header: Sequence[str] = self._blocks.header
        except MalformedResult as error:
            self.close()
            raise Unsuited from error
        self.parse = block_parser(len(self.header))

    def look(self, count: int) -> list[list[str]]:
        """The first *count* rows, which are read again later."""
        rows: list[list[str]] = []
        while len(rows) < count and (block := self._next()) is not None:
            self._held.append(block)
            columns = [column.slice(0, count - len(rows)) for column in self.parse(block)]
            rows += rows_of(columns)
        return rows

    def __iter__(self) -> Generator[bytes]:
        """Blocks of whole rows."""
        try:
            # Between two blocks there may be nothing but a line end.
            yield from (block for block in self._held if block.strip(b"\r\n"))
            self._held.clear()
            while (block := self._next()) is not None:
                if block.strip(b"\r\n"):
                    yield block
        finally:
            self.close()

    def _next(self) -> bytes | None:
        try:
            block = next(self._blocks, None)
            return block if block is None else bytes(block)
        except MalformedResult as error:
            raise Unsuited from error

    def close(self) -> None:
        self._blocks.close()


def block_parser(width: int) -> Callable[[bytes], _Columns]:
    """A function that takes a block of CSV apart. It raises :class:`Unsuited` where a row has not *width* cells."""
    pa, csv = pyarrow(_WHAT), pyarrow(_WHAT, "pyarrow.csv")
    names = [str(number) for number in range(width)]
    parse = csv.ParseOptions(newlines_in_values=True)
    # An empty cell is an empty text. Whether it is UTF-8 is not asked: what equals a row that was sent is.
    convert = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), null_values=[])

    def parsed(block: bytes) -> _Columns:
        options = csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names)
        try:
            table = csv.read_csv(
                pa.BufferReader(block), read_options=options, parse_options=parse, convert_options=convert
            )
        except pa.ArrowInvalid as error:
            raise Unsuited from error
        return [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]

    return parsed


def rows_of(columns: _Columns, places: Sequence[int] | None = None) -> list[list[str]]:
    """The rows of a block, or those at *places*, as lists of cells."""
    if places is not None:
        indices = int_array(places)
        columns = [column.take(indices) for column in columns]
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    try:
        return [[cell.decode("utf-8") for cell in row] for row in rows]
    except UnicodeDecodeError as error:
        raise Unsuited from error


def release_memory() -> None:
    """Give back what pyarrow keeps for later: the next part is worked on by other threads, which would not find it."""
    pyarrow(_WHAT).default_memory_pool().release_unused()


@frozen
class Compared:
    """What rows are compared by: see :class:`..reconcile.Echo`. ``names`` are those of the shared columns, lower case."""

    names: Sequence[str]
    places: Sequence[int]
    doubles: frozenset[int]
    keeps_null: bool
    #: The place of the column that is said to tell rows apart, among the shared ones.
    key: int | None


class _Comparing:
    def __init__(self, compared: Compared) -> None:
        self._pa = pyarrow(_WHAT)
        self._pc = pyarrow(_WHAT, "pyarrow.compute")
        self._doubles = compared.doubles
        self._keeps_null = compared.keeps_null
        #: The columns that are hashed, by their places among the shared ones.
        self.key: list[int] = [] if compared.key is None else [compared.key]

    def _plain(self, column: Any) -> Any:
        """A column without what an echo is known to change in a text."""
        pc = self._pc
        if not self._keeps_null:
            is_null = pc.equal(column, binary_scalar(_NULL))
            if pc.any(is_null).as_py():
                column = pc.if_else(is_null, binary_scalar(b""), column)
        if pc.any(pc.match_substring(column, b"\r")).as_py():
            column = pc.replace_substring(pc.replace_substring(column, b"\r\n", b"\n"), b"\r", b"\n")
        return column

    def choose(self, columns: _Columns) -> None:
        """Find the columns that tell the rows of a block apart."""
        mine = [place for place in range(len(columns)) if place not in self._doubles]
        columns = [column.slice(0, _SAMPLE_ROWS) for column in columns]
        rows = len(columns[0]) if columns else 0
        distinct = {place: self._pc.count_distinct(columns[place]).as_py() for place in mine}
        best = sorted(mine, key=lambda place: -distinct[place])
        for few in range(1, _FEW + 1):
            if self._pc.count_distinct(self._joined(columns, best[:few])).as_py() == rows:
                self.key = best[:few]
                return
        self.key = mine

    def all_for_key(self, width: int) -> bool:
        """Hash all columns from now on. False: they are hashed already."""
        mine = [place for place in range(width) if place not in self._doubles]
        is_new = len(mine) > len(self.key)
        self.key = mine
        return is_new

    def hashes(self, columns: _Columns, key: Sequence[int] | None = None) -> array[int]:
        return array("q", map(hash, self._joined(columns, self.key if key is None else key).to_pylist()))

    def _joined(self, columns: _Columns, places: Sequence[int]) -> Any:
        # 0xFF is in no UTF-8 text: two rows are joined to the same bytes only when their cells are the same.
        return self._pc.binary_join_element_wise(
            *(self._plain(columns[place]) for place in places), binary_scalar(b"\xff")
        )

    def are_same(self, one: _Columns, other: _Columns) -> bool:
        """Whether all rows are the same on both sides."""
        pairs = enumerate(zip(one, other, strict=True))
        return all(mine.equals(theirs) or self._mask(place, mine, theirs) is None for place, (mine, theirs) in pairs)

    def same_rows(self, one: _Columns, other: _Columns) -> list[bool]:
        """For each row, whether it is the same on both sides."""
        masks = [self._mask(place, mine, theirs) for place, (mine, theirs) in enumerate(zip(one, other, strict=True))]
        masks = [mask for mask in masks if mask is not None]
        if not masks:
            return [True] * len(one[0])
        same: list[bool] = reduce(self._pc.and_, masks).to_pylist()
        return same

    def _mask(self, place: int, mine: Any, theirs: Any) -> Any:
        """For each row, whether the cells of a column are the same. None: all are."""
        pc = self._pc
        change = self._numbers if place in self._doubles else self._plain
        mask = pc.equal(mine, theirs)
        if not pc.all(mask).as_py():
            mask = pc.or_(mask, pc.equal(change(mine), change(theirs)))
        return None if pc.all(mask).as_py() else mask

    def _numbers(self, column: Any) -> Any:
        """Numbers as one text for one double; other cells without what an echo is known to change."""
        pa, pc = self._pa, self._pc
        column = self._plain(column)
        try:
            text = column.cast(pa.string())
            is_number = pc.match_substring_regex(text, _NUMBER)
            # The zero is added to make one of both zeros.
            values = pc.add(
                pc.cast(pc.if_else(is_number, text, null_scalar(pa.string())), pa.float64()), double_scalar(0.0)
            )
        except pa.ArrowInvalid:
            return column
        return pc.if_else(is_number, pc.cast(values, pa.string()), text).cast(pa.binary())


class SentRows:
    """The rows of a part as columns, read as far as answers need them, and given up once they have their answers.

    Where answers come in the order of the rows, a few blocks are in memory; where they do not, all that have no answer yet.
    Must be closed.
    """

    def __init__(self, open_: Callable[[], Iterable[bytes]], columns: Sequence[str], compared: Compared) -> None:
        self._open = open_
        self._places = compared.places
        self.comparing = _Comparing(compared)
        #: For each row, the number of its answer; -1: it has none yet.
        self.order = array("i")
        #: The row behind the one that was found last.
        self.next = 0
        self._hashes = array("q")
        #: The columns that hold the rows of a block, and where it begins in them. None: all of its rows have their answers.
        self._blocks: list[tuple[_Columns, int] | None] = []
        self._starts = [0]
        self._index: dict[int, int] | None = None
        self._more = self._read(len(columns))

    def _read(self, width: int) -> Generator[tuple[_Columns, array[int]]]:
        comparing = self.comparing
        file = TextFile(self._open())
        source = iter(file)
        try:
            first = next(source, None)
            if first is None or len(file.header) != width:
                raise Unsuited

            def shared(block: bytes) -> _Columns:
                columns = file.parse(block)
                return [columns[place] for place in self._places]

            def prepared(block: bytes) -> tuple[_Columns, array[int]]:
                columns = shared(block)
                return columns, comparing.hashes(columns)

            if not comparing.key:
                comparing.choose(shared(first))
            if not comparing.key:
                raise Unsuited
            yield from map(prepared, _with(first, source))
        finally:
            source.close()

    def read(self, rows: int | None = None) -> None:
        """Have at least so many rows; all."""
        while rows is None or len(self._hashes) < rows:
            found = next(self._more, None)
            if found is None:
                return
            columns, hashes = found
            self._blocks.append((columns, 0))
            self._hashes += hashes
            self._starts.append(len(self._hashes))
            self.order.extend([-1] * len(hashes))

    def close(self) -> None:
        self._more.close()
        self._blocks.clear()

    def are_next(self, hashes: array[int], columns: _Columns, number: int) -> bool:
        """Whether these answers are those of the rows that come next, in their order. Then they are taken."""
        first, stop = self.next, self.next + len(hashes)
        self.read(stop)
        none = array("i", [-1]) * len(hashes)
        if self._hashes[first:stop] != hashes or self.order[first:stop] != none:
            return False
        if self._index is not None and -1 in map(self._index.get, hashes):
            return False  # answers to rows that are alike have been left: those come first
        if not self.comparing.are_same(self._stretch(first, stop), columns):
            return False
        self.order[first:stop] = array("i", range(number, number + len(hashes)))
        self.next = stop
        self._give_up(first, stop)
        return True

    def _give_up(self, first: int, stop: int) -> None:
        """Forget the blocks that end between these rows, and have no row without an answer."""
        for block in range(bisect_right(self._starts, first) - 1, bisect_right(self._starts, stop) - 1):
            if -1 not in self.order[self._starts[block] : self._starts[block + 1]]:
                self._blocks[block] = None

    def find(self, columns: _Columns, key: list[int], hashes: array[int], number: int) -> list[int]:
        """Give rows these answers, the first of which has this *number*. The places of the answers that are left."""
        index = self._index_of_the_rest()
        if key != self.comparing.key:  # which was another when they were hashed
            hashes = self.comparing.hashes(columns)
        rows = map(index.get, hashes)
        known = [(at, row) for at, row in enumerate(rows) if row is not None and row >= 0 and self.order[row] < 0]
        left = set(range(len(hashes)))
        if known:
            places = int_array(at for at, _ in known)
            ours = self._taken([row for _, row in known])
            same_rows = self.comparing.same_rows(ours, [column.take(places) for column in columns])
            for (at, row), is_same in zip(known, same_rows, strict=True):
                if is_same and self.order[row] < 0:
                    self.order[row] = number + at
                    left.discard(at)
            self.next = known[-1][1] + 1
            found = [row for _, row in known]
            self._give_up(min(found), max(found) + 1)
        return sorted(left)

    def _index_of_the_rest(self) -> dict[int, int]:
        """The row of each hash, of those that had no answer when it was first asked for; -1: several have it."""
        if self._index is None:
            self.read()
            self._index = self._indexed()
            most_alike = self.order.count(-1) * _SOME_ALIKE
            if list(self._index.values()).count(-1) > most_alike and self.comparing.all_for_key(len(self._places)):
                for start, stop, block in zip(self._starts, self._starts[1:], self._blocks, strict=False):
                    if block is not None:
                        self._hashes[start:stop] = self.comparing.hashes(block[0])
                self._index = self._indexed()
        return self._index

    def _indexed(self) -> dict[int, int]:
        index: dict[int, int] = {}
        for row, (key, answer) in enumerate(zip(self._hashes, self.order, strict=True)):
            if answer < 0 and index.setdefault(key, row) != row:
                index[key] = -1
        return index

    def _stretch(self, first: int, stop: int) -> _Columns:
        """The columns of the rows from *first* to *stop*, none of which has its answer."""
        pa = pyarrow(_WHAT)
        found = []
        for block in range(bisect_right(self._starts, first) - 1, bisect_left(self._starts, stop)):
            start = self._starts[block]
            columns, offset = self._kept(block)
            low, high = max(first - start, 0), min(stop, self._starts[block + 1]) - start
            found.append([column.slice(offset + low, high - low) for column in columns])
        return found[0] if len(found) == 1 else [pa.concat_arrays(pieces) for pieces in zip(*found, strict=True)]

    def _taken(self, rows: Sequence[int]) -> _Columns:
        """The columns of these rows, none of which has its answer."""
        pa = pyarrow(_WHAT)
        blocks = [bisect_right(self._starts, row) - 1 for row in rows]
        storages = {id(columns): columns for columns, _ in map(self._kept, set(blocks))}
        if len(storages) > _NEAR:
            self._join()
            storages = {id(columns): columns for columns, _ in map(self._kept, set(blocks))}
        stored = list(storages.values())
        bases = dict(zip(storages, accumulate((len(columns[0]) for columns in stored), initial=0), strict=False))
        places = []
        for row, block in zip(rows, blocks, strict=True):
            columns, offset = self._kept(block)
            places.append(bases[id(columns)] + offset + row - self._starts[block])
        indices = int_array(places)
        joined = stored[0] if len(stored) == 1 else [pa.concat_arrays(pieces) for pieces in zip(*stored, strict=True)]
        return [column.take(indices) for column in joined]

    def _kept(self, block: int) -> tuple[_Columns, int]:
        kept = self._blocks[block]
        assert kept is not None, "rows without an answer are kept"
        return kept

    def _join(self) -> None:
        """Answers come from all over the part: from now on the columns of all blocks are one."""
        pa = pyarrow(_WHAT)
        numbers = [number for number, block in enumerate(self._blocks) if block is not None]
        found = [self._kept(number) for number in numbers]
        joined: _Columns = []
        for place in range(len(self._places)):
            pieces = [
                columns[place].slice(offset, self._size(number))
                for number, (columns, offset) in zip(numbers, found, strict=True)
            ]
            joined.append(pa.concat_arrays(pieces))
            for columns, _ in found:
                columns[place] = None  # the part in memory twice would be too much
        offset = 0
        for number in numbers:
            self._blocks[number] = (joined, offset)
            offset += self._size(number)

    def _size(self, block: int) -> int:
        return self._starts[block + 1] - self._starts[block]

    def cells_of(self, rows: Sequence[int]) -> list[list[str]]:
        """The cells of these rows, as they were sent; *rows* ascend. Only the blocks that hold them are taken apart."""
        found: list[list[str]] = []
        at = done = 0
        file = TextFile(self._open())
        for number, block in enumerate(file):
            count = self._size(number)
            mine = done
            done = bisect_left(rows, at + count, mine)
            if mine < done:
                found += rows_of(file.parse(block), [row - at for row in rows[mine:done]])
            at += count
        return found


def _with(first: bytes, rest: Generator[bytes]) -> Generator[bytes]:
    try:
        yield first
        yield from rest
    finally:
        rest.close()


@dataclass(slots=True)
class Placed:
    """Which answer each row has got.

    ``order`` gives the number of the answer for each row, -1 for those that have none yet; ``lines`` are the answers as
    outcomes, each a text that ends in LF, in the order of their numbers; ``left`` are the answers of each file that fit no
    row or several, with all their cells; ``counts`` how many answers each file has.
    """

    order: array[int]
    lines: list[Any] = field(default_factory=list)
    left: tuple[list[list[str]], list[list[str]], list[list[str]]] = field(default_factory=lambda: ([], [], []))
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def unplaced(self) -> list[int]:
        return [row for row, answer in enumerate(self.order) if answer < 0] if -1 in self.order else []

    def add(self, rows: Sequence[int], lines: Sequence[str]) -> None:
        """What became of rows that were found in another way."""
        number = sum(map(len, self.lines))
        for row in rows:
            self.order[row] = number
            number += 1
        self.lines.append(binary_array([f"{line}\n".encode() for line in lines]))

    def text(self) -> bytes:
        """The lines of all rows, in the order of the rows."""
        pa = pyarrow(_WHAT)
        if not self.order:
            return b""
        order = pa.Array.from_buffers(pa.int32(), len(self.order), [None, pa.py_buffer(self.order)])
        lines = pa.concat_arrays(self.lines).take(order)
        _, offsets, text = lines.buffers()
        size = memoryview(offsets).cast("i")[len(lines)]
        return bytes(memoryview(text)[:size])


def place(
    sent: SentRows, files: Sequence[TextFile], compared: Compared, failed_line: Callable[[str, str], str]
) -> Placed:
    """Give each row the answer that has its content.

    Args:
        sent: The rows.
        files: The successful, the failed and the unprocessed records.
        compared: What they are compared by.
        failed_line: ``sf__Id`` and ``sf__Error`` of a failed record as the line of its outcome.
    """
    placed = Placed(sent.order)
    comparing = sent.comparing
    sent.read(1)
    number = 0
    for kind, file in enumerate(files):
        sent.next = 0
        names = {name.strip("\0").lower(): at for at, name in reversed(list(enumerate(file.header)))}
        mine = [names[name] for name in compared.names if name in names]

        def prepared(
            block: bytes, file: TextFile = file, mine: list[int] = mine
        ) -> tuple[_Columns, _Columns, list[int], array[int]]:
            columns = file.parse(block)
            shared = [columns[at] for at in mine]
            key = comparing.key
            return columns, shared, key, comparing.hashes(shared, key)

        for columns, shared, key, hashes in in_order(iter(file), prepared, threads=_THREADS):
            if key != comparing.key or not sent.are_next(hashes, shared, number):
                left = sent.find(shared, key, hashes, number)
                if left:
                    placed.left[kind].extend(rows_of(columns, left))
            placed.lines.append(_lines(kind, columns, names, failed_line))
            placed.counts[kind] += len(hashes)
            number += len(hashes)
    sent.read()
    return placed


def _lines(kind: int, columns: _Columns, names: dict[str, int], failed_line: Callable[[str, str], str]) -> Any:
    """The outcomes that the answers of a block tell."""
    pa, pc = pyarrow(_WHAT), pyarrow(_WHAT, "pyarrow.compute")
    count = len(columns[0])

    def column(name: str) -> Any:
        return columns[names[name]] if name in names else binary_array([b""] * count)

    if kind == _UNPROCESSED:
        return binary_array([b"-\n"] * count)
    if kind == _SUCCEEDED:
        try:
            created = pc.equal(pc.ascii_lower(column("sf__created").cast(pa.string())), text_scalar("true"))
            identity = column("sf__id").cast(pa.string())
        except pa.ArrowInvalid as error:
            raise Unsuited from error
        if pc.any(pc.match_substring(identity, "\n"), min_count=0).as_py():
            raise Unsuited  # no id: a line of its own would be another row's
        return pc.binary_join_element_wise(
            pc.if_else(created, binary_scalar(b"c"), binary_scalar(b"u")),
            identity.cast(pa.binary()),
            binary_scalar(b"\n"),
            binary_scalar(b""),
        )
    told = rows_of([column("sf__id"), column("sf__error")])
    return binary_array([f"{failed_line(identity, error)}\n".encode() for identity, error in told])

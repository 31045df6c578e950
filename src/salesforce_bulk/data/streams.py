"""Pieces of bytes, read as a file."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ..wire.names import NO_RECORDS

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_NO_RECORDS = NO_RECORDS.encode("ascii")


class PieceReader(io.BufferedIOBase):
    """A binary file over an iterable of byte pieces, cut anywhere. Reads forward only; holds one piece at a time.

    Lines end in LF. Nothing here touches single bytes: a line is found by ``bytes.find``, a whole piece is handed on
    as it is. Closing it closes the pieces, if they can be closed; being forgotten does not.
    """

    #: What io.TextIOWrapper shows in its repr.
    name = "<pieces>"

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._source: Iterable[Any] = pieces
        self._pieces: Iterator[Any] = iter(pieces)
        self._piece = b""
        self._at = 0

    def __del__(self) -> None:
        # io.IOBase would close the source here. A generator closes itself when nobody holds it; a file that somebody
        # still holds must not be closed because this wrapper went away.
        pass

    def readable(self) -> bool:
        return True

    def _load(self) -> bool:
        """Make sure that there is something to read in the current piece. False: the end."""
        if self._at < len(self._piece):
            return True
        self._checkClosed()
        for piece in self._pieces:
            if piece:
                # memoryview() refuses what bytes() would misread: an int, a list of ints.
                self._piece = piece if type(piece) is bytes else bytes(memoryview(piece))
                self._at = 0
                return True
        self._piece = b""
        self._at = 0
        return False

    def _take(self, count: int) -> bytes:
        """At most *count* bytes of the current piece; all that is left of it when *count* is negative."""
        piece, start = self._piece, self._at
        stop = len(piece) if count < 0 else min(len(piece), start + count)
        self._at = stop
        return piece if start == 0 and stop == len(piece) else piece[start:stop]

    def read(self, size: int | None = -1, /) -> bytes:
        self._checkClosed()
        if size is None or size < 0:
            parts = []
            while self._load():
                parts.append(self._take(-1))
            return parts[0] if len(parts) == 1 else b"".join(parts)
        parts = []
        while size > 0 and self._load():
            part = self._take(size)
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        self._checkClosed()
        return self._take(size) if size != 0 and self._load() else b""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with memoryview(buffer) as view, view.cast("B") as target:
            done = 0
            while done < len(target):
                part = self.read1(len(target) - done)
                if not part:
                    break
                target[done : done + len(part)] = part
                done += len(part)
            return done

    def readinto1(self, buffer: WriteableBuffer, /) -> int:
        with memoryview(buffer) as view, view.cast("B") as target:
            part = self.read1(len(target))
            target[: len(part)] = part
            return len(part)

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = -1 if size is None else size
        if limit < 0:
            # The common case first: the whole line lies in the current piece.
            start = self._at
            stop = self._piece.find(b"\n", start) + 1
            if stop:
                self._at = stop
                return self._piece[start:stop]
        parts = []
        while limit != 0 and self._load():
            stop = self._piece.find(b"\n", self._at) + 1
            wanted = stop - self._at if stop else -1
            if limit >= 0:
                left = len(self._piece) - self._at if wanted < 0 else wanted
                wanted = min(left, limit)
            part = self._take(wanted)
            parts.append(part)
            if part.endswith(b"\n"):
                break
            if limit >= 0:
                limit -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._piece, self._at, self._pieces = b"", 0, iter(())
            close = getattr(self._source, "close", None)
            if callable(close):
                close()


#: How many bytes are decoded at a time: enough that the calls around it do not count, and still in the cache.
TEXT_BYTES: Final = 32 * 1024


class Texts:
    """Pieces of UTF-8 as pieces of text of a handy size. Raises UnicodeDecodeError, also when the last character is cut."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._reader = PieceReader(without_bom(pieces))
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.ended = False

    def more(self, wanted: int) -> str:
        """The next text: *wanted* bytes of it or more, and "" only at the end."""
        parts: list[str] = []
        while not self.ended and (wanted > 0 or not parts):
            data = self._reader.read1(max(wanted, TEXT_BYTES))
            self.ended = not data
            wanted -= len(data)
            part = self._decoder.decode(data, self.ended)
            if part:
                parts.append(part)
        return parts[0] if len(parts) == 1 else "".join(parts)


def without_bom(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, without a UTF-8 byte order mark at their very start."""
    head = b""
    source = iter(pieces)
    for piece in source:
        head += piece
        if len(head) >= len(codecs.BOM_UTF8):
            break
    head = head.removeprefix(codecs.BOM_UTF8)
    if head:
        yield head
    yield from source


def unless_no_records(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces; none at all when together they are the sentence that stands for "no rows".

    A CSV query result without rows is this text. Whether an XML or JSON one is too has not been recorded
    (Bulk API 1.0, "Get a query result"), so every reader understands it.
    """
    head = b""
    source = without_bom(pieces)
    for piece in source:
        head += piece
        text = head.strip()
        if len(text) > len(_NO_RECORDS) or not (_NO_RECORDS.startswith(text)):
            break
    else:
        if head.strip() == _NO_RECORDS:
            return
    if head:
        yield head
    yield from source

"""The user's file, opened for reading: plain or gzip, as bytes, as UTF-8, as text."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from ..errors import UsageError

try:
    from isal import igzip, isal_zlib
except ImportError:
    _gunzip: Any = gzip.open
    _DAMAGED: tuple[Any, ...] = (OSError, EOFError, zlib.error)
else:
    _gunzip = igzip.open
    _DAMAGED = (OSError, EOFError, isal_zlib.error)

GZIP_MAGIC: Final = b"\x1f\x8b"
READ_BYTES: Final = 256 * 1024


def regular(path: Path) -> os.stat_result:
    """What the system says about a file that can be read more than once.

    Raises:
        UsageError: It is not there, or is none.
    """
    try:
        about = path.stat()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}. Nothing was sent.") from error
    if not stat.S_ISREG(about.st_mode):
        raise UsageError(
            f"{path} is no regular file, and it must be read more than once: save it first. Nothing was sent."
        )
    return about


def first_bytes(path: Path, size: int) -> bytes:
    """How the file begins, unpacked."""
    with opened(path) as file:
        return read_some(path, file, size)


def is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == GZIP_MAGIC


def opened(path: Path) -> IO[bytes]:
    """The file, unpacked when it is gzip, whatever its name."""
    if not is_gzip(path):
        return open(path, "rb", buffering=0)
    made: IO[bytes] = _gunzip(path, "rb")
    return made


def read_some(path: Path, file: IO[bytes], size: int = READ_BYTES) -> bytes:
    """*size* bytes, fewer only at the end."""
    parts: list[bytes] = []
    try:
        while size > 0:
            data = file.read(size)
            if not data:
                break
            parts.append(data)
            size -= len(data)
    except _DAMAGED as error:
        raise UsageError(f"{path} cannot be read to its end: {error}. The file is damaged or was cut off.") from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


def raw_pieces(path: Path, start: int = 0, stop: int | None = None, *, size: int = READ_BYTES) -> Iterator[bytes]:
    """The bytes of the file, unpacked, from *start* to *stop*, *size* of them at a time."""
    with opened(path) as file:
        if start:
            file.seek(start)
        left = stop - start if stop is not None else None
        while left is None or left > 0:
            data = read_some(path, file, size if left is None else min(left, size))
            if not data:
                break
            if left is not None:
                left -= len(data)
            yield data
    if left:
        raise UsageError(f"{path} is {left} bytes shorter than it was. It was changed while it was read.")


def utf8_pieces(path: Path, encoding: str, start: int = 0, *, size: int = READ_BYTES) -> Iterator[bytes]:
    """The text of the file as UTF-8, not looked at if it is that already. *start* is the length of its byte order mark.

    Raises:
        UnicodeDecodeError: The file is in another encoding.
    """
    if encoding == "utf-8":
        yield from raw_pieces(path, start, size=size)
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for data in raw_pieces(path, start, size=size):
        yield decoder.decode(data).encode("utf-8")
    yield decoder.decode(b"", True).encode("utf-8")


def text_of_file(path: Path, encoding: str, start: int = 0) -> IO[str]:
    """The file as text, line breaks as they are."""
    file = opened(path)
    if start:
        file.seek(start)
    buffered = io.BufferedReader(file, READ_BYTES) if isinstance(file, io.RawIOBase) else file
    return io.TextIOWrapper(buffered, encoding=encoding, newline="")

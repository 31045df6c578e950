"""Files as bodies of replies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_READ_BYTES: Final = 65_536


def file_pieces(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """A kept file, or bytes *start* to *end* of it. Opened at once, so that a missing one is an error and no broken reply."""
    source = path.open("rb")
    source.seek(start)

    def pieces() -> Iterator[bytes]:
        left = end - start if end is not None else None
        with source:
            while left != 0 and (piece := source.read(_READ_BYTES if left is None else min(_READ_BYTES, left))):
                left = left - len(piece) if left is not None else None
                yield piece

    return pieces()

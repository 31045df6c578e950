"""The old library's ``salesforce_bulk.util``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..data.streams import PieceReader


class IteratorBytesIO(PieceReader):
    """A binary file over an iterator of bytes, or over another of its kind; ``None`` is an empty one.

    What the old one could do it does (``read``, ``readable``, lines), and what callers tried: ``read(-1)``,
    ``readinto``, ``io.TextIOWrapper``, ``json.load``, ``csv``, ``pandas.read_csv``. It is not seekable.
    """

    def __init__(self, iterator: Iterable[Any] | None = None) -> None:
        # One of our own is read in its pieces, not in its lines.
        pieces = iter(iterator.read1, b"") if isinstance(iterator, PieceReader) else iterator
        super().__init__(pieces if pieces is not None else ())
        self.iterator = iterator

    def close(self) -> None:
        super().close()
        if isinstance(self.iterator, PieceReader):
            self.iterator.close()

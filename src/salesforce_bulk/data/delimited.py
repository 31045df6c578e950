"""CSV in any of the org's six delimiters -> rows of cells: a part as it was sent, a result file of the same job.

Rows may be shorter or longer than the header; of what was sent, the org judges that row by row. For query results, where
such a row means damage, there is :class:`~.decode.CsvRecords`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from ..errors import MalformedResult
from ..records import Dialect
from .decode import raise_csv_limit
from .streams import PieceReader, without_bom


class DelimitedRows:
    """An iterator of rows, each a list of ``str``; the header is ``columns``. No bytes are no columns and no rows.

    Raises:
        MalformedResult: Invalid UTF-8, or a quote that never closes.
    """

    def __init__(self, pieces: Iterable[bytes], dialect: Dialect) -> None:
        raise_csv_limit()
        text = io.TextIOWrapper(PieceReader(without_bom(pieces)), encoding="utf-8", newline="")
        self._rows = self._read(csv.reader(text, delimiter=dialect.delimiter, strict=True))
        self.columns: list[str] = next(self._rows, [])

    def __iter__(self) -> Iterator[list[str]]:
        return self._rows

    @staticmethod
    def _read(reader: Iterator[list[str]]) -> Iterator[list[str]]:
        number = -2  # the header is -1
        try:
            for row in filter(None, reader):
                number += 1
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise MalformedResult(
                f"The CSV is broken after row {number}: {error}. It is cut off or damaged.", row=max(number + 1, 0)
            ) from error

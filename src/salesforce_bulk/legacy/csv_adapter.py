"""The old library's ``CsvDictsAdapter``: an iterator of dicts becomes an iterator of CSV bytes."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quoted_text(value: Any) -> str:
    return _quoted(str(value))


def _empty(_: Any) -> str:
    return '""'


#: How ``csv.QUOTE_NONNUMERIC`` writes a value of exactly this type. What is not here goes through the csv module itself.
_WRITTEN: Final[dict[type, Callable[[Any], str]]] = {
    str: _quoted,
    type(None): _empty,
    int: str,
    float: str,
    bool: str,
    Decimal: str,
    date: _quoted_text,
    datetime: _quoted_text,
}


class CsvDictsAdapter:
    """An iterator over dicts, as an iterator over CSV: UTF-8 bytes, one piece a record, the header before the first.

    The columns are the keys of the first dict, in its order. A later dict may lack some (an empty cell) and may have no
    others (``ValueError``). All text is quoted, ``None`` is ``""``, numbers and booleans are bare; lines end in CRLF.

        job = bulk.create_insert_job("Account", contentType="CSV")
        batch = bulk.post_batch(job, CsvDictsAdapter(iter(rows)))
    """

    def __init__(self, source_generator: Iterator[Mapping[Any, Any]]) -> None:
        self.source = source_generator
        self.add_header = False
        self._fields: list[Any] | None = None
        self._pick: Callable[[Any], Sequence[Any]] = tuple
        self._bare_quotes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def write_header(self) -> None:
        """Repeat the header before the next record."""
        self.add_header = True

    def __next__(self) -> bytes:
        row = next(self.source)
        if self._fields is None:
            self._fields = list(row.keys())
            self._pick = _picker(self._fields)
            # Each record that is all text has two quotes between two cells, and the others are its own.
            self._bare_quotes = 2 * (len(self._fields) - 1)
            self.add_header = True
        values = self._values(row, self._fields)
        record = self._record(values)
        if self.add_header:
            record = _by_csv(self._fields) + record
            self.add_header = False
        return record.encode("utf-8")

    def next(self) -> bytes:
        """The same, as Python 2 spelled it."""
        return self.__next__()

    def _values(self, row: Mapping[Any, Any], fields: list[Any]) -> Sequence[Any]:
        # As many keys as columns, and every column among them: then there is no other key. Only for true dicts: looking
        # a key up in a defaultdict would add it.
        if len(row) == len(fields) and type(row) in (dict, OrderedDict):
            try:
                return self._pick(row)
            except KeyError:
                pass
        extra = [name for name in row if name not in fields]
        if extra:
            raise ValueError("dict contains fields not in fieldnames: " + ", ".join([repr(name) for name in extra]))
        return [row.get(name, "") for name in fields]

    def _record(self, values: Sequence[Any]) -> str:
        if not values:
            return _by_csv(values)
        try:
            text = '","'.join(values)
        except TypeError:
            try:
                return (
                    ",".join(
                        [
                            f'"{value}"' if type(value) is str and '"' not in value else _WRITTEN[type(value)](value)
                            for value in values
                        ]
                    )
                    + "\r\n"
                )
            except KeyError:
                return _by_csv(values)
        if text.count('"') != self._bare_quotes:
            text = '","'.join([value.replace('"', '""') for value in values])
        return f'"{text}"\r\n'


def _picker(fields: list[Any]) -> Callable[[Any], Sequence[Any]]:
    if len(fields) > 1:
        return itemgetter(*fields)
    return lambda row: [row[name] for name in fields]


def _by_csv(values: Sequence[Any]) -> str:
    """One record, written by the csv module: for the header, and for values that it knows better."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerow(values)
    return text.getvalue()

"""The old import path of :class:`CsvDictsAdapter`."""

from .legacy.csv_adapter import CsvDictsAdapter as CsvDictsAdapter

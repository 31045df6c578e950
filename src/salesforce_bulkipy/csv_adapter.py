"""The old import path of :class:`CsvDictsAdapter`."""

from salesforce_bulk.legacy.csv_adapter import CsvDictsAdapter as CsvDictsAdapter

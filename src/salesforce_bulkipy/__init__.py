"""The import name of the fork salesforce-bulkipy, over ``salesforce_bulk``."""

from . import bulk_states, csv_adapter, salesforce_bulkipy
from .csv_adapter import CsvDictsAdapter
from .salesforce_bulkipy import SalesforceBulkipy

__version__ = "1.0"

__all__ = ["CsvDictsAdapter", "SalesforceBulkipy", "__version__", "bulk_states", "csv_adapter", "salesforce_bulkipy"]

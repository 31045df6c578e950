"""The old import path of the fork's class, its exceptions and its result."""

from salesforce_bulk.legacy.bulkipy import SalesforceBulkipy
from salesforce_bulk.legacy.exceptions import BulkApiError, BulkBatchFailed, BulkJobAborted, UploadResult

__all__ = ["BulkApiError", "BulkBatchFailed", "BulkJobAborted", "SalesforceBulkipy", "UploadResult"]

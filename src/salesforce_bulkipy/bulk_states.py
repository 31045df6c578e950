"""The old import path of the batch states."""

from salesforce_bulk.legacy.names import ABORTED, COMPLETED, ERROR_STATES, FAILED, NOT_PROCESSED

__all__ = ["ABORTED", "COMPLETED", "ERROR_STATES", "FAILED", "NOT_PROCESSED"]

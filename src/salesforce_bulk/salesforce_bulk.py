"""The old import path of the old interface."""

from .legacy.bulk import SalesforceBulk, job_to_http_content_type
from .legacy.exceptions import BulkApiError, BulkBatchFailed, BulkJobAborted, UploadResult
from .legacy.names import (
    DEFAULT_API_VERSION,
    DEFAULT_CLIENT_ID_PREFIX,
    BatchFailedMessage,
    HttpErrorMessage,
    IncompleteCredentialsMessage,
    JobAbortedMessage,
    MissingDependencyMessage,
    MissingEnvironmentVariablesMessage,
    nsclean,
)

__all__ = [
    "DEFAULT_API_VERSION",
    "DEFAULT_CLIENT_ID_PREFIX",
    "BatchFailedMessage",
    "BulkApiError",
    "BulkBatchFailed",
    "BulkJobAborted",
    "HttpErrorMessage",
    "IncompleteCredentialsMessage",
    "JobAbortedMessage",
    "MissingDependencyMessage",
    "MissingEnvironmentVariablesMessage",
    "SalesforceBulk",
    "UploadResult",
    "job_to_http_content_type",
    "nsclean",
]

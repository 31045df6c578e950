"""Header names. Source: Bulk API guide, "Headers"; REST API guide, "Headers"."""

from __future__ import annotations

from typing import Final

SESSION: Final = "X-SFDC-Session"
AUTHORIZATION: Final = "Authorization"
CONTENT_TYPE: Final = "Content-Type"
CONTENT_ENCODING: Final = "Content-Encoding"
CONTENT_LENGTH: Final = "Content-Length"
ACCEPT: Final = "Accept"
ACCEPT_ENCODING: Final = "Accept-Encoding"
LOCATION: Final = "Location"
RETRY_AFTER: Final = "Retry-After"
SOAP_ACTION: Final = "SOAPAction"
PK_CHUNKING: Final = "Sforce-Enable-PKChunking"
DISABLE_BATCH_RETRY: Final = "Sforce-Disable-Batch-Retry"
LINE_ENDING: Final = "Sforce-Line-Ending"
CALL_OPTIONS: Final = "Sforce-Call-Options"
AUTO_ASSIGN: Final = "Sforce-Auto-Assign"
LIMIT_INFO: Final = "Sforce-Limit-Info"
LOCATOR: Final = "Sforce-Locator"
NUMBER_OF_RECORDS: Final = "Sforce-NumberOfRecords"
QUERY_OPTIONS: Final = "Sforce-Query-Options"

"""Names as they stand on the wire.

Source: Bulk API 2.0 and Bulk API Developer Guide, "JobInfo", "BatchInfo", "Errors".
"""

from __future__ import annotations

from typing import Final

#: The namespace of every Bulk API 1.0 document ("Schema").
DATALOAD_NS: Final = "http://www.force.com/2009/06/asyncapi/dataload"
XSI_NS: Final = "http://www.w3.org/2001/XMLSchema-instance"
SOAP_ENV_NS: Final = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER_NS: Final = "urn:partner.soap.sforce.com"
ENTERPRISE_NS: Final = "urn:enterprise.soap.sforce.com"


class Operation:
    INSERT: Final = "insert"
    UPDATE: Final = "update"
    UPSERT: Final = "upsert"
    DELETE: Final = "delete"
    HARD_DELETE: Final = "hardDelete"
    QUERY: Final = "query"
    QUERY_ALL: Final = "queryAll"


class ContentType:
    """``contentType`` of a Bulk API 1.0 job."""

    CSV: Final = "CSV"
    XML: Final = "XML"
    JSON: Final = "JSON"
    ZIP_CSV: Final = "ZIP_CSV"
    ZIP_XML: Final = "ZIP_XML"
    ZIP_JSON: Final = "ZIP_JSON"


class Mime:
    CSV: Final = "text/csv"
    XML: Final = "application/xml"
    JSON: Final = "application/json"
    ZIP_CSV: Final = "zip/csv"
    ZIP_XML: Final = "zip/xml"
    ZIP_JSON: Final = "zip/json"
    SOAP: Final = "text/xml"
    FORM: Final = "application/x-www-form-urlencoded"
    MULTIPART: Final = "multipart/form-data"


class Concurrency:
    PARALLEL: Final = "Parallel"
    SERIAL: Final = "Serial"


class JobState:
    """States of a Bulk API 1.0 job."""

    OPEN: Final = "Open"
    CLOSED: Final = "Closed"
    ABORTED: Final = "Aborted"
    FAILED: Final = "Failed"


class Job2State:
    """States of a Bulk API 2.0 job, ingest and query."""

    OPEN: Final = "Open"
    UPLOAD_COMPLETE: Final = "UploadComplete"
    IN_PROGRESS: Final = "InProgress"
    JOB_COMPLETE: Final = "JobComplete"
    FAILED: Final = "Failed"
    ABORTED: Final = "Aborted"


class Delimiter:
    """``columnDelimiter`` of a Bulk API 2.0 job."""

    COMMA: Final = "COMMA"
    SEMICOLON: Final = "SEMICOLON"
    PIPE: Final = "PIPE"
    TAB: Final = "TAB"
    CARET: Final = "CARET"
    BACKQUOTE: Final = "BACKQUOTE"


class LineEnding:
    LF: Final = "LF"
    CRLF: Final = "CRLF"


class JobType:
    """``jobType`` of a job in the REST listing."""

    CLASSIC: Final = "Classic"
    V2_INGEST: Final = "V2Ingest"
    V2_QUERY: Final = "V2Query"


class BatchState:
    QUEUED: Final = "Queued"
    IN_PROGRESS: Final = "InProgress"
    COMPLETED: Final = "Completed"
    FAILED: Final = "Failed"
    NOT_PROCESSED: Final = "NotProcessed"


class ExceptionCode:
    """``exceptionCode`` of a Bulk API 1.0 error body (the published AsyncExceptionCode enum)."""

    CLIENT_INPUT_ERROR: Final = "ClientInputError"
    EXCEEDED_QUOTA: Final = "ExceededQuota"
    FEATURE_NOT_ENABLED: Final = "FeatureNotEnabled"
    GONE: Final = "Gone"
    HTTPS_REQUIRED: Final = "HttpsRequired"
    INTERNAL_SERVER_ERROR: Final = "InternalServerError"
    INVALID_BATCH: Final = "InvalidBatch"
    INVALID_ENTITY: Final = "InvalidEntity"
    INVALID_JOB: Final = "InvalidJob"
    INVALID_JOB_STATE: Final = "InvalidJobState"
    INVALID_OPERATION: Final = "InvalidOperation"
    INVALID_SESSION_ID: Final = "InvalidSessionId"
    INVALID_URL: Final = "InvalidUrl"
    INVALID_USER: Final = "InvalidUser"
    INVALID_VERSION: Final = "InvalidVersion"
    INVALID_XML: Final = "InvalidXml"
    TIMEOUT: Final = "Timeout"
    TOO_MANY_LOCK_FAILURE: Final = "TooManyLockFailure"
    TRANSACTION_SECURITY_BLOCK: Final = "TransactionSecurityBlock"
    TRANSACTION_SECURITY_DEVELOPER_ERROR: Final = "TransactionSecurityDeveloperError"
    TRANSACTION_SECURITY_INTERNAL_ERROR: Final = "TransactionSecurityInternalError"
    UNKNOWN: Final = "Unknown"
    UNSUPPORTED_CONTENT_TYPE: Final = "UnsupportedContentType"


class ResultColumn:
    """What the result files of an ingest job put in front of the uploaded columns."""

    ID: Final = "sf__Id"
    CREATED: Final = "sf__Created"
    ERROR: Final = "sf__Error"


#: ``Sforce-Locator`` of the last page is this word ("Get Results for a Query Job").
NO_LOCATOR: Final = "null"
#: The cell that empties a field in CSV ("Prepare CSV Files").
NULL_CELL: Final = "#N/A"
#: The whole body of a CSV query result without rows.
NO_RECORDS: Final = "Records not found for this query"
#: The manifest of a ZIP batch ("Load Binary Attachments").
ZIP_MANIFEST: Final = "request.txt"

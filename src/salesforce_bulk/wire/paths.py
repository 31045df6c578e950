"""URL paths, as templates for ``str.format``. Source: Bulk API guide, "About URIs"; REST API guide, "Reference"."""

from __future__ import annotations

from typing import Final

# Bulk API 1.0: the version has no "v".
ASYNC: Final = "/services/async/{version}"
JOBS: Final = ASYNC + "/job"
JOB: Final = JOBS + "/{job}"
BATCHES: Final = JOB + "/batch"
BATCH: Final = BATCHES + "/{batch}"
BATCH_REQUEST: Final = BATCH + "/request"
BATCH_RESULT: Final = BATCH + "/result"
QUERY_RESULT: Final = BATCH_RESULT + "/{result}"
SPEC: Final = JOB + "/spec"
SCHEMA: Final = ASYNC + "/AsyncApi.xsd"

# REST: the version has a "v".
VERSIONS: Final = "/services/data"
RESOURCES: Final = VERSIONS + "/v{version}"
SOBJECTS: Final = RESOURCES + "/sobjects"
SOBJECT: Final = SOBJECTS + "/{sobject}"
DESCRIBE: Final = SOBJECT + "/describe"
RECORD: Final = SOBJECT + "/{id}"
RECORD_BY_KEY: Final = SOBJECT + "/{field}/{value}"
LIMITS: Final = RESOURCES + "/limits"
QUERY: Final = RESOURCES + "/query"
QUERY_ALL: Final = RESOURCES + "/queryAll"
QUERY_MORE: Final = QUERY + "/{locator}"
QUERY_ALL_MORE: Final = QUERY_ALL + "/{locator}"
COLLECTIONS: Final = RESOURCES + "/composite/sobjects"
COLLECTION_UPSERT: Final = COLLECTIONS + "/{sobject}/{field}"

# Bulk API 2.0.
INGEST_JOBS: Final = RESOURCES + "/jobs/ingest"
INGEST_JOB: Final = INGEST_JOBS + "/{job}"
INGEST_BATCHES: Final = INGEST_JOB + "/batches"
SUCCESSFUL_RESULTS: Final = INGEST_JOB + "/successfulResults"
FAILED_RESULTS: Final = INGEST_JOB + "/failedResults"
UNPROCESSED_RECORDS: Final = INGEST_JOB + "/unprocessedrecords"
QUERY_JOBS: Final = RESOURCES + "/jobs/query"
QUERY_JOB: Final = QUERY_JOBS + "/{job}"
RESULTS: Final = QUERY_JOB + "/results"
RESULT_PAGES: Final = QUERY_JOB + "/resultPages"

# Login.
SOAP_PARTNER: Final = "/services/Soap/u/{version}"
OAUTH_TOKEN: Final = "/services/oauth2/token"  # noqa: S105 -- a path
OAUTH_AUTHORIZE: Final = "/services/oauth2/authorize"
OAUTH_REVOKE: Final = "/services/oauth2/revoke"
OAUTH_INTROSPECT: Final = "/services/oauth2/introspect"
OAUTH_USERINFO: Final = "/services/oauth2/userinfo"

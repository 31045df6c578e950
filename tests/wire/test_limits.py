"""Limits, transcribed from the guides: the client keeps below them, and the local org enforces them. Each side has its own copy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from salesforce_bulk import session
from salesforce_bulk.data import attachments, parts
from salesforce_bulk.emulator.bulk1 import area as area1
from salesforce_bulk.emulator.limits import Limits
from salesforce_bulk.emulator.login import soap
from salesforce_bulk.emulator.rest import area as rest_area
from salesforce_bulk.errors import UsageError
from salesforce_bulk.protocol import ingest2, rest_query
from salesforce_bulk.records import PkChunking

LIMITS = Limits(lambda: datetime(2026, 3, 2, tzinfo=UTC))

QUICK_REFERENCE = "Limits and Allocations Quick Reference, Bulk API and Bulk API 2.0"

#: (what, page, number, the client's, the local org's). A header row is a row to the org, and none to the client.
BOTH = [
    ("records of a batch", QUICK_REFERENCE, 10_000, parts.BULK1.rows, LIMITS.batch_rows - 1),
    ("bytes of a batch", QUICK_REFERENCE, 10_000_000, parts.BULK1.bytes, LIMITS.batch_bytes),
    ("fields of a record", QUICK_REFERENCE, 5_000, parts.BULK1.columns, LIMITS.record_columns),
    ("characters of a record", QUICK_REFERENCE, 400_000, parts.BULK1.record_characters, LIMITS.record_characters),
    ("characters of a field", QUICK_REFERENCE, 131_072, parts.BULK1.cell_characters, LIMITS.cell_characters),
    ("fields of a record, 2.0", QUICK_REFERENCE, 5_000, parts.BULK2.columns, LIMITS.record_columns),
    ("characters of a record, 2.0", QUICK_REFERENCE, 400_000, parts.BULK2.record_characters, LIMITS.record_characters),
    ("characters of a field, 2.0", QUICK_REFERENCE, 131_072, parts.BULK2.cell_characters, LIMITS.cell_characters),
    (
        "characters of a header, 2.0",
        "Prepare CSV Files",
        32_000,
        parts.BULK2.header_characters,
        LIMITS.header_characters,
    ),
    ("bytes of an upload, 2.0", "Upload Job Data", 100_000_000, parts.BULK2.bytes, LIMITS.upload_bytes),
    ("records a day, 2.0", QUICK_REFERENCE, 150_000_000, parts.BULK2.rows, LIMITS.bulk_records.maximum),
    (
        "characters of a multipart job",
        "Create a Job",
        100_000,
        ingest2.MULTIPART_CHARACTERS,
        LIMITS.multipart_characters,
    ),
    ("records of a collection", "sObject Collections", 200, parts.REST.rows, LIMITS.collection_records),
    ("records of a page of a query", "Query Options Header", 2_000, rest_query.LARGEST_PAGE, rest_area.DEFAULT_PAGE),
    ("the least a page may be", "Query Options Header", 200, rest_query.SMALLEST_PAGE, rest_area.SMALLEST_PAGE),
    ("files of a zip", QUICK_REFERENCE, 1_000, attachments.MAX_FILES, LIMITS.zip_files),
    ("bytes of a name in a zip", QUICK_REFERENCE, 512, attachments.MAX_NAME_BYTES, LIMITS.zip_name_bytes),
    ("bytes of a zip", QUICK_REFERENCE, 10_000_000, attachments.MAX_ZIP_BYTES, LIMITS.batch_bytes),
    ("bytes of a zip, unpacked", QUICK_REFERENCE, 20_000_000, attachments.MAX_UNZIPPED_BYTES, LIMITS.unzipped_bytes),
    ("oldest version", "Bulk API End-of-Life Policy", 31.0, session.OLDEST_API_VERSION[0], area1.FIRST_VERSION),
    ("newest version", "Versions", 68.0, float(session.NEWEST_TESTED_VERSION), area1.LATEST_VERSION),
    (
        "newest version with SOAP login",
        "login()",
        64.0,
        float(session.NEWEST_SOAP_LOGIN_VERSION),
        soap.FIRST_VERSION_WITHOUT_LOGIN - 1,
    ),
]

#: (what, page, number, the local org's): those that no client has to know.
ORG = [
    ("batches a day", QUICK_REFERENCE, 15_000, LIMITS.bulk_batches.maximum),
    ("query jobs a day", QUICK_REFERENCE, 10_000, LIMITS.query_jobs.maximum),
    ("kilobytes of query results a day", "LIMIT_EXCEEDED, as recorded", 1_000_000_000, LIMITS.query_storage.maximum),
    ("rows of an internal batch", "How Requests Are Processed", 10_000, LIMITS.internal_batch_rows),
    ("jobs of a page of a list", "Get All Jobs", 1_000, LIMITS.listing_page),
    ("how long a job stays open", QUICK_REFERENCE, timedelta(hours=24), LIMITS.job_open),
    ("how long a job is kept", QUICK_REFERENCE, timedelta(days=7), LIMITS.retention),
    ("bytes of a result file", QUICK_REFERENCE, 1_000_000_000, LIMITS.result_file_bytes),
    ("result files of a query", QUICK_REFERENCE, 15, LIMITS.result_files),
    ("ids of a PK range", "PK Chunking Header", 100_000, LIMITS.chunk_size),
    ("ids of a PK range, at most", "PK Chunking Header", 250_000, LIMITS.max_chunk_size),
    ("characters of a spec", "Map Data Fields", 8_192, LIMITS.spec_characters),
]


@pytest.mark.parametrize(("what", "page", "number", "ours", "theirs"), BOTH, ids=[row[0] for row in BOTH])
def test_client_and_org_know_the_limit(what: str, page: str, number: float, ours: float, theirs: float) -> None:
    """Of the page of the guide, on both sides."""
    assert number == ours, f"the client's limit on {what} ({page})"
    assert number == theirs, f"the local org's limit on {what} ({page})"


@pytest.mark.parametrize(("what", "page", "number", "theirs"), ORG, ids=[row[0] for row in ORG])
def test_the_org_knows_the_limit(what: str, page: str, number: object, theirs: object) -> None:
    """Of the page of the guide."""
    assert number == theirs, f"the local org's limit on {what} ({page})"


def test_the_client_asks_for_no_larger_chunk_than_there_is() -> None:
    """PK Chunking Header: 250,000 at most."""
    assert "chunkSize=250000" == PkChunking(250_000).header
    with pytest.raises(UsageError):
        PkChunking(250_001)

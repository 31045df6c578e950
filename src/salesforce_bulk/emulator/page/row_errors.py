"""Why rows failed, counted: read from the beginning of result files."""

from __future__ import annotations

import csv
import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from salesforce_bulk.wire.names import BatchState, ContentType

from ..bulk1.jobs import Batch, Job, Jobs
from ..bulk2.ingest_results import FAILED, FIRST_VERSION_WITH_FAILED_IDS
from ..bulk2.jobs import Job2, Jobs2
from ..bulk2.requests import DELIMITERS

#: Failed rows that are looked at: enough to see what is wrong. The rest is in the files.
MOST_ROWS: Final = 1_000
_MOST_CHARACTERS: Final = 1_000_000
_ENDED: Final = frozenset({BatchState.COMPLETED, BatchState.FAILED})
_XML: Final = re.compile(r"<message>([^<]*)</message><statusCode>([^<]*)</statusCode>")
_JSON: Final = re.compile(r'"statusCode":"([^"]*)","message":("(?:[^"\\]|\\.)*")')


def of_classic(jobs: Jobs, job: Job, batches: Iterable[Batch]) -> Counter[str]:
    """Of the first failed rows of a job of Bulk API 1.0: each text, and how often it was said."""
    texts = (
        text
        for batch in batches
        if not job.is_query and batch.failed and batch.state in _ENDED
        for text in _texts(jobs.result_file(batch), job.row_format)
    )
    return Counter(islice(texts, MOST_ROWS))


def of_job2(jobs: Jobs2, job: Job2) -> Counter[str]:
    """The same of an ingest job of Bulk API 2.0."""
    if job.is_query or not job.failed:
        return Counter()
    place = 1 if float(job.api_version) >= FIRST_VERSION_WITH_FAILED_IDS else 0
    rows = _rows(jobs.file(job, FAILED), DELIMITERS[job.delimiter])
    return Counter(islice((html.unescape(row[place]) for row in rows if len(row) > place), MOST_ROWS))


def _texts(path: Path, form: str) -> Iterator[str]:
    if form == ContentType.CSV:
        yield from (row[3] for row in _rows(path, ",") if len(row) > 3 and row[1] == "false")
        return
    data = _beginning(path)
    if form == ContentType.XML:
        yield from (f"{html.unescape(code)}:{html.unescape(text)}" for text, code in _XML.findall(data))
    else:
        yield from (f"{code}:{json.loads(text)}" for code, text in _JSON.findall(data))


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    """As far as they are written: the job may be under way."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as source:
            yield from csv.reader(source, delimiter=delimiter)
    except (OSError, csv.Error):
        return


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as source:
            return source.read(_MOST_CHARACTERS)
    except OSError:
        return ""

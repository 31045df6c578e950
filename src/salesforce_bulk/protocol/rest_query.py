"""Queries by REST: what answers the few that no bulk query takes. API: REST API Developer Guide, "Query", "QueryAll"."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote_plus, unquote, urlsplit

from ..documents import NotReadable, whole_number
from ..errors import ApiError, JobFailed, SalesforceBulkError, UsageError
from ..frozen import frozen
from ..wire import headers, paths
from ..wire.names import Mime
from .jobs2 import call
from .messages import Call, Flow, Reply, Request
from .refusals import malformed

#: "batchSize": 200 to 2,000 records a page; a wish, for wide records come in smaller pages.
SMALLEST_PAGE, LARGEST_PAGE = 200, 2_000
#: "Status Codes": 414 for a longer address, 431 for a longer address with headers, which need about a thousand.
MAX_QUERY_BYTES: Final = 15_000

# Bulk API 2.0 guide, on what SOQL it takes; texts as recorded: "... not supported in Bulk Query", "Entity 'X' is not supported
# by the Bulk API.", "X does not support query". INVALID_TYPE says "not supported" of an object that is not there.
_CODES: Final = frozenset(
    {"API_ERROR", "INVALIDENTITY", "FEATURENOTENABLED", "FUNCTIONALITY_NOT_ENABLED", "FEATURE_NOT_ENABLED"}
)
_TEXT: Final = re.compile(r"not supported|does not support", re.IGNORECASE)
_COMPOUND: Final = re.compile(r"compound", re.IGNORECASE)
# Where a body would stand REST shows a path, so the answer would be another one.
_BINARY: Final = re.compile(r"binary|base64", re.IGNORECASE)


@frozen
class RecordPage:
    """Records as REST gives them, every number as the text that it was; ``more`` asks for the next page."""

    records: Sequence[dict[str, Any]]
    total: int
    more: Request | None


def query(soql: str, *, all_rows: bool = False, page_rows: int | None = None) -> Request:
    """The call "Query", or "QueryAll" with deleted and archived records."""
    if not soql.strip():
        raise UsageError("The query is empty. Nothing was sent.")
    length = len(quote_plus(soql))
    if length > MAX_QUERY_BYTES:
        raise UsageError(
            f"The query takes {length} bytes in an address, and REST takes {MAX_QUERY_BYTES}. Nothing was sent. "
            "Shorten it, or ask for something that a bulk query can answer."
        )
    return _sized(
        call("rest.query", "GET", paths.QUERY_ALL if all_rows else paths.QUERY, params={"q": soql}), page_rows
    )


def read_page(request: Request, reply: Reply, page_rows: int | None = None) -> RecordPage:
    try:
        # Numbers stay the texts that they are: a float would bend some of them.
        page = json.loads(reply.body, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise malformed(request, reply, f"it is {NotReadable(f'not JSON ({error})')}") from error
    records = page.get("records") if isinstance(page, dict) else None
    total = whole_number(str(page.get("totalSize"))) if isinstance(page, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise malformed(request, reply, "it is no page of records")
    if total is None:
        raise malformed(request, reply, "it does not say how many records were found")
    more = None
    if page.get("done") is not True:
        more = _more(request, reply, page.get("nextRecordsUrl"))
    return RecordPage(records, total, _sized(more, page_rows) if more else None)


def ask_page(request: Request, page_rows: int | None = None) -> Flow[RecordPage]:
    """Send a request that is answered with a page of records."""
    return read_page(request, (yield Call(request)), page_rows)


def is_beyond_bulk(refused: SalesforceBulkError) -> bool:
    """Did Bulk API 2.0 refuse the query for a reason that REST does not have?"""
    if isinstance(refused, JobFailed):
        text, is_known = refused.state_message, True
    elif isinstance(refused, ApiError) and refused.status_code == 400:
        text = refused.body
        # Compound fields: INVALID_FIELD was seen, too (field notes, 63).
        is_known = refused.error_code in _CODES or bool(_COMPOUND.search(text))
    else:
        return False
    return is_known and bool(_TEXT.search(text)) and not _BINARY.search(text)


def _sized(request: Request, page_rows: int | None) -> Request:
    size = min(max(page_rows or LARGEST_PAGE, SMALLEST_PAGE), LARGEST_PAGE)
    return Request(
        request.name,
        request.method,
        request.path,
        request.ids,
        {**request.headers, headers.QUERY_OPTIONS: f"batchSize={size}"},
        None,
        request.params,
        request.auth,
    )


def _more(request: Request, reply: Reply, link: Any) -> Request:
    """Of the link only the locator is taken, so it cannot lead the token elsewhere."""
    try:
        *_, resource, locator = ["", "", *urlsplit(link).path.split("/")] if isinstance(link, str) else ["", ""]
    except ValueError:  # no URL at all
        resource = locator = ""
    if not locator or resource.lower() not in ("query", "queryall"):
        raise malformed(request, reply, "it is not the last page and names no next one")
    path = paths.QUERY_MORE if resource.lower() == "query" else paths.QUERY_ALL_MORE
    request = call("rest.query_more", "GET", path, accept=Mime.JSON)
    return Request(
        request.name, request.method, path, {"locator": unquote(locator)}, request.headers, auth=request.auth
    )

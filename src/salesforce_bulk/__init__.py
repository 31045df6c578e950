"""Move data in and out of Salesforce.

``connect()`` opens an org. The interface of the old ``salesforce_bulk`` package, all three generations of it, works as it
did: ``from salesforce_bulk import SalesforceBulk, CsvDictsAdapter``.

Importing this package opens nothing and loads nothing: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Loaded at once, for else importing the module of this name would later put itself in the place of the text.
from .__version__ import __version__

if TYPE_CHECKING:
    from . import bulk_states, csv_adapter, errors, salesforce_bulk, util
    from .aio import AsyncIngestResult, AsyncOrg, AsyncQueryResult, connect_async
    from .check import CheckReport, Problem
    from .client import Org, connect
    from .legacy.bulk import SalesforceBulk
    from .legacy.csv_adapter import CsvDictsAdapter
    from .legacy.exceptions import BulkApiError, BulkBatchFailed, BulkJobAborted, UploadResult
    from .legacy.names import Parallel, Serial
    from .logins import (
        AccessToken,
        ClientCredentials,
        JwtBearer,
        OAuthPassword,
        Password,
        RefreshToken,
        SalesforceCli,
    )
    from .options import TransportOptions
    from .records import CLEAR, Outcome, PkChunking
    from .results import IngestResult, QueryResult
    from .verbs.runs import Run

__all__ = [
    "CLEAR",
    "AccessToken",
    "AsyncIngestResult",
    "AsyncOrg",
    "AsyncQueryResult",
    "BulkApiError",
    "BulkBatchFailed",
    "BulkJobAborted",
    "CheckReport",
    "ClientCredentials",
    "CsvDictsAdapter",
    "IngestResult",
    "JwtBearer",
    "OAuthPassword",
    "Org",
    "Outcome",
    "Parallel",
    "Password",
    "PkChunking",
    "Problem",
    "QueryResult",
    "RefreshToken",
    "Run",
    "SalesforceBulk",
    "SalesforceCli",
    "Serial",
    "TransportOptions",
    "UploadResult",
    "__version__",
    "bulk_states",
    "connect",
    "connect_async",
    "csv_adapter",
    "errors",
    "salesforce_bulk",
    "util",
]

_HOMES = {
    "CLEAR": ".records",
    "AccessToken": ".logins",
    "AsyncIngestResult": ".aio",
    "AsyncOrg": ".aio",
    "AsyncQueryResult": ".aio",
    "BulkApiError": ".legacy.exceptions",
    "BulkBatchFailed": ".legacy.exceptions",
    "BulkJobAborted": ".legacy.exceptions",
    "CheckReport": ".check",
    "ClientCredentials": ".logins",
    "CsvDictsAdapter": ".legacy.csv_adapter",
    "IngestResult": ".results",
    "JwtBearer": ".logins",
    "OAuthPassword": ".logins",
    "Org": ".client",
    "Outcome": ".records",
    "Parallel": ".legacy.names",
    "Password": ".logins",
    "PkChunking": ".records",
    "Problem": ".check",
    "QueryResult": ".results",
    "RefreshToken": ".logins",
    "Run": ".verbs.runs",
    "SalesforceBulk": ".legacy.bulk",
    "SalesforceCli": ".logins",
    "Serial": ".legacy.names",
    "TransportOptions": ".options",
    "UploadResult": ".legacy.exceptions",
    "connect": ".client",
    "connect_async": ".aio",
}
_MODULES = ("bulk_states", "csv_adapter", "errors", "salesforce_bulk", "util")


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name], __name__), name)
    elif name in _MODULES:
        value = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""No call of the local org and no documented error is without a golden exchange, but for those named here, with the reason."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.exchanges import Exchange, read_script

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.wire.names import ExceptionCode

FOLDER = Path(__file__).parent
EXCHANGES = [exchange for path in sorted(FOLDER.glob("*/*.txt")) for exchange in read_script(path).exchanges]

#: Calls of which no reply can be transcribed.
WITHOUT_EXCHANGE = {"bulk1.schema": "our own text: the real schema is longer"}

#: Bulk API 1.0, "Errors" and the published client's enum: codes that the local org never says.
NEVER_SAID = {
    "HttpsRequired": "it is served over plain HTTP",
    "InvalidOperation": "of a misspelt path, where a recording says InvalidUrl",
    "Timeout": "not modelled",
    "TransactionSecurityBlock": "no transaction security",
    "TransactionSecurityDeveloperError": "no transaction security",
    "TransactionSecurityInternalError": "no transaction security",
    "Unknown": "of planned faults only",
}

#: Of REST and Bulk API 2.0, bulk-api-2.md 8 and rest-support.md 7.
REST_CODES = {
    "INVALIDJOB", "INVALIDJOBSTATE", "INVALIDENTITY", "FEATURENOTENABLED", "CLIENTINPUTERROR", "API_ERROR", "MALFORMED_QUERY",
    "INVALID_FIELD", "INVALID_TYPE", "LIMIT_EXCEEDED", "EXCEEDEDQUOTA", "JSON_PARSER_ERROR", "INVALID_SESSION_ID",
    "INVALID_AUTH_HEADER", "REQUEST_LIMIT_EXCEEDED", "API_DISABLED_FOR_ORG", "NOT_FOUND", "METHOD_NOT_ALLOWED",
    "UNSUPPORTED_MEDIA_TYPE", "INVALID_QUERY_LOCATOR", "EXCEEDED_ID_LIMIT", "REQUIRED_FIELD_MISSING", "ENTITY_IS_DELETED",
    "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "GONE",
}  # fmt: skip

#: Of rows: bulk-api-1.md 12.3, bulk-api-2.md 8.
ROW_CODES = {
    "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG", "INVALID_FIELD", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "DUPLICATE_VALUE",
    "DUPLICATE_EXTERNAL_ID", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "ENTITY_IS_DELETED", "UNABLE_TO_LOCK_ROW",
    "FIELD_INTEGRITY_EXCEPTION", "MISSING_ARGUMENT", "DELETE_FAILED", "INVALID_EMAIL_ADDRESS", "NUMBER_OUTSIDE_VALID_RANGE",
    "INVALID_TYPE_ON_FIELD_IN_RECORD",
}  # fmt: skip


def test_every_call_has_an_exchange() -> None:
    """Each row of the routing tables of the APIs."""
    org = LocalOrg()
    routes = [route for area in org.server.areas for route in area.routes if not route.operation.startswith("page")]
    org.stop()
    shown = {
        route.operation
        for exchange in EXCHANGES
        for route in routes
        if route.method == exchange.method and route.pattern.fullmatch(urlsplit(exchange.path).path)
    }

    assert set(WITHOUT_EXCHANGE) == {route.operation for route in routes} - shown


def test_every_code_of_bulk_1_has_an_exchange() -> None:
    """As a refusal, or in the state message of a batch."""
    codes = {value for name, value in vars(ExceptionCode).items() if name.isupper()}
    said = _found(r"<exceptionCode>(\w+)|\"exceptionCode\":\"(\w+)|<stateMessage>(\w+) : |\"stateMessage\":\"(\w+) : ")

    assert set(NEVER_SAID) == codes - said


def test_every_code_of_rest_and_bulk_2_has_an_exchange() -> None:
    """As a refusal of the call."""
    assert set() == REST_CODES - _found(r'"errorCode":"(\w+)"')


def test_every_code_of_a_row_has_an_exchange() -> None:
    """In a result of Bulk API 1.0, 2.0 or of a collection."""
    assert set() == ROW_CODES - _found(r'"([A-Z_]{6,}):[^"]|"statusCode":"(\w+)"')


def _found(pattern: str) -> set[str]:
    def of(exchange: Exchange) -> set[str]:
        return {group for found in re.finditer(pattern, exchange.reply) for group in found.groups() if group}

    return {code for exchange in EXCHANGES for code in of(exchange)}

"""The client answers to the golden exchanges of REST: it sends such requests, and understands such replies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.exchanges import Exchange, code_and_text, read_script

from salesforce_bulk.errors import ApiError, SalesforceBulkError, SessionExpired
from salesforce_bulk.protocol import collections, rest, rest_query
from salesforce_bulk.protocol.messages import Auth, Call, Reply, Request
from salesforce_bulk.protocol.refusals import refusal
from salesforce_bulk.records import IngestSpec
from salesforce_bulk.session import filled
from salesforce_bulk.wire.headers import QUERY_OPTIONS

FOLDER = Path(__file__).parent / "rest"
_NAME = re.compile(r"\{([a-z-]+)(\d*)\}")
_STANDS_FOR = {
    "account": "001Rm00000Gh1{:02}AIAR",
    "task": "00TRm00000Pq5{:02}ZMAR",
    "contact": "003Rm00000Vn8{:02}DIAR",
    "user": "005Rm000003c9{:02}IAI",
    "list": "01gRm0000034D{:02}IAU",
    "json-time": "2026-03-02T09:14:05.000+0000",
}


def real(text: str) -> str:
    """*text* with something real in the place of each name; the same for the same name."""
    return _NAME.sub(
        lambda found: _STANDS_FOR[found[1]].format(int(found[2] or 1)) if found[1] in _STANDS_FOR else found[0], text
    )


def exchanges() -> list[Any]:
    """Those in which the client could be the one who asks, and every refusal that it could meet."""
    return [
        pytest.param(exchange, id=f"{path.stem}-{number}")
        for path in sorted(FOLDER.glob("*.txt"))
        for number, exchange in enumerate(read_script(path).exchanges)
        if ours(exchange) is not None
    ]


def ours(exchange: Exchange) -> Request | None:
    """The request of ours that this exchange is an instance of. None: the client never sends it."""
    address = urlsplit(real(exchange.path))
    said = dict(parse_qsl(address.query))
    version, _, rest_of_it = address.path.rstrip("/").removeprefix("/services/data").partition("v")[2].partition("/")
    match exchange.method, *rest_of_it.split("/"):
        case "GET", "":
            return rest.versions("https://acme.my.salesforce.com") if not version else None
        case "GET", "sobjects":
            return rest.objects()
        case "GET", "sobjects", sobject, "describe":
            return rest.describe(sobject)
        case "GET", "limits":
            return rest.limits()
        case "GET", "query" | "queryAll" as resource:
            sized = re.search(r"batchSize=(\d+)", exchange.headers.get(QUERY_OPTIONS, ""))
            rows = int(sized[1]) if sized else None
            return (
                rest_query.query(said["q"], all_rows=resource == "queryAll", page_rows=rows) if said.get("q") else None
            )
        case "GET", "query", locator:
            page = {
                "totalSize": 201,
                "done": False,
                "records": [],
                "nextRecordsUrl": f"/services/data/v68.0/query/{locator}",
            }
            asked = rest_query.query("SELECT Name FROM Account")
            return rest_query.read_page(asked, Reply(200, {}, json.dumps(page).encode())).more
        case (method, "composite", "sobjects", *key):
            return collection(exchange, method, said, key)
    return None


def collection(exchange: Exchange, method: str, said: dict[str, str], key: list[str]) -> Request | None:
    if method == "DELETE":
        return collections.delete(said["ids"].split(","))
    try:
        document = json.loads(real(exchange.body))
    except ValueError:
        return None
    records = [json.dumps(record).encode() for record in document["records"]]
    if document["allOrNone"] or not records:  # not our way
        return None
    if method == "POST":
        return collections.insert(IngestSpec("insert", "Account"), records)
    if key:
        return collections.upsert(IngestSpec("upsert", key[0], key[1]), records)
    return collections.update(IngestSpec("update", "Account"), records)


def reply(exchange: Exchange) -> Reply:
    headers = {name.lower(): value for name, value in exchange.reply_headers.items()}
    text = real(exchange.reply)
    if text.endswith("…"):  # the rest of a list in an object
        text = text.removesuffix("…").rstrip(",") + "]}"
    return Reply(exchange.status, headers, text.encode())


@pytest.mark.parametrize("exchange", exchanges())
def test_the_client_sends_such_a_request(exchange: Exchange) -> None:
    """The same method, address, and document."""
    request = ours(exchange)
    assert request is not None
    said = urlsplit(real(exchange.path))
    version = said.path.partition("/data/v")[2].partition("/")[0]
    sent_to = urlsplit(filled(request, version))
    assert exchange.method == request.method
    assert said.path.rstrip("/").lower() == sent_to.path.lower()
    assert sorted(parse_qsl(said.query)) == sorted(parse_qsl(sent_to.query))
    assert (Auth.NONE if request.name == "rest.versions" else Auth.BEARER) is request.auth
    if QUERY_OPTIONS in exchange.headers:
        assert exchange.headers[QUERY_OPTIONS] == request.headers[QUERY_OPTIONS]
    if request.body is not None:
        assert json.loads(real(exchange.body)) == json.loads(b"".join(request.body.pieces()))
        assert exchange.headers["Content-Type"] == request.headers["Content-Type"].partition(";")[0]


@pytest.mark.parametrize("exchange", exchanges())
def test_the_client_understands_the_reply(exchange: Exchange) -> None:
    """A no becomes an error with the org's own code and text; a yes is read to the last member."""
    request = ours(exchange)
    assert request is not None
    answered = reply(exchange)
    error = refusal(request, answered)
    if exchange.status >= 400:
        check_refusal(exchange, answered, error)
        return
    assert error is None
    document = json.loads(answered.body)
    match request.name:
        case "rest.versions":
            assert "68.0" == played(rest.newest_version(request.base or ""), answered)
        case "rest.objects" | "rest.describe" | "rest.limits":
            assert document == played(rest.ask_document(request, dict), answered)
        case "rest.query" | "rest.query_more":
            page = rest_query.read_page(request, answered)
            assert (document["totalSize"], len(document["records"])) == (page.total, len(page.records))
            assert document["done"] is (page.more is None)
            if page.more is not None:
                assert document["nextRecordsUrl"] == filled(page.more, "68.0")
        case _:
            results = collections.read_results(
                request, answered, len(document), created=request.name.endswith("insert")
            )
            for told, result in zip(document, results, strict=True):
                assert (told.get("id"), told["success"]) == (result.id, result.success)
                assert told.get("created", told["success"] and request.name == "collections.insert") is result.created
                assert [(e["statusCode"], e["message"], tuple(e["fields"])) for e in told["errors"]] == [
                    (e.code, e.message, e.fields) for e in result.errors
                ]


def check_refusal(exchange: Exchange, answered: Reply, error: SalesforceBulkError | None) -> None:
    code, text = code_and_text(answered.body.decode())
    assert isinstance(error, ApiError | SessionExpired)
    assert (code, exchange.status) == (error.error_code, error.status_code)
    assert f"{code}: {text}\n" in str(error)
    # A new session helps against one 401 only; the others must not be taken for it (auth reference, 7).
    assert ("Session expired or invalid" == text) is isinstance(error, SessionExpired)


def played(flow: Any, answered: Reply) -> Any:
    step = next(flow)
    assert isinstance(step, Call)
    with pytest.raises(StopIteration) as done:
        flow.send(answered)
    return done.value.value


def test_every_call_of_rest_stands_in_an_exchange() -> None:
    """Each request that the client can make of REST and of its collections."""
    from salesforce_bulk.protocol.repeat import RULES

    shown = {request.name for value in exchanges() if (request := ours(value.values[0])) is not None}

    assert {name for name in RULES if name.startswith(("rest.", "collections."))} == shown

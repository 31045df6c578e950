"""The client answers to the golden exchanges of logins: it sends such requests, and understands such replies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.etree.ElementTree import Element

import pytest
from tests.support.exchanges import Exchange, code_and_text, read_script

from salesforce_bulk.documents import local_name, parse_xml
from salesforce_bulk.errors import LoginRefused, SalesforceBulkError
from salesforce_bulk.logins import ClientCredentials, JwtBearer, Login, OAuthPassword, Password, RefreshToken
from salesforce_bulk.protocol.login import JWT_BEARER, log_in, log_in_by_assertion
from salesforce_bulk.protocol.messages import Auth, Call, Flow, Reply, Request
from salesforce_bulk.protocol.refusals import refusal
from salesforce_bulk.session import Session
from salesforce_bulk.wire.headers import CONTENT_TYPE

FOLDER = Path(__file__).parent / "auth"
URL = "https://acme.my.salesforce.com"
STANDS_FOR = {
    "username": "ana@example.com",
    "password": "S3cret",
    "security-token": "TOKEN",
    "client-id": "3MVG9acme",
    "client-secret": "1955279925675241571",
    "session": "00DFk0000001aBc!AQEAQ.token",
    "session2": "00DFk0000001aBc!AQEAQ.other",
    "refresh": "5Aep861one",
    "refresh2": "5Aep861two",
    "url": URL,
    "org": "00DFk0000001aBcMAI",
    "org2": "00DFk0000001aBc",
    "user": "005Fk00000Lm3NpIAJ",
    "profile": "00eFk000000Qw1EIAS",
    "signature": "c2lnbmF0dXJl",
    "epoch": "1793610927000",
}


def real(text: str) -> str:
    return re.sub(r"\{([a-z-]+\d?)\}", lambda found: STANDS_FOR.get(found[1], found[0]), text)


def logins() -> list[Any]:
    """The exchanges in which the client could be the one who logs in."""
    return [
        pytest.param(exchange, id=f"{path.stem}-{number}")
        for path in sorted(FOLDER.glob("*.txt"))
        for number, exchange in enumerate(read_script(path).exchanges)
        if exchange.method == "POST"
        and ("/Soap/" in exchange.path or exchange.path.endswith("/token"))
        and flow(exchange) is not None
    ]


def flow(exchange: Exchange) -> Flow[Session] | None:
    """The client's way to this exchange. None: it never goes there (another API version, another grant, a call that is wrong)."""
    body = real(exchange.body)
    if "/Soap/" in exchange.path:
        said = {local_name(element.tag): element.text or "" for element in parse_xml(body.encode()).iter()}
        if exchange.path != "/services/Soap/u/64.0" or "login" not in said:
            return None
        return log_in(Password(said["username"], said["password"], client=said["client"]))
    login = oauth_login({name: values[0] for name, values in parse_qs(body).items()}, exchange)
    if isinstance(login, str):
        return log_in_by_assertion(JwtBearer(STANDS_FOR["username"], STANDS_FOR["client-id"], b""), login)
    return log_in(login) if login is not None else None


def oauth_login(form: dict[str, str], exchange: Exchange) -> Login | str | None:
    if "Authorization" in exchange.headers or "Host" in exchange.headers:
        return None
    match form.get("grant_type"):
        case "password":
            return OAuthPassword(
                form["username"], form["password"], client_id=form["client_id"], client_secret=form["client_secret"]
            )
        case "client_credentials":
            return ClientCredentials(URL, form["client_id"], form["client_secret"])
        case "refresh_token":
            return RefreshToken(URL, form["client_id"], form["refresh_token"], form.get("client_secret", ""))
        case grant if grant == JWT_BEARER:
            return form["assertion"]
    return None


def first_request(asked: Flow[Session]) -> Request:
    step = next(asked)
    assert isinstance(step, Call)
    return step.request


def tree(element: Element) -> tuple[str, str, list[Any]]:
    return element.tag, (element.text or "").strip(), [tree(child) for child in element]


@pytest.mark.parametrize("exchange", logins())
def test_the_client_sends_such_a_request(exchange: Exchange) -> None:
    """The same method, address, content type, elements and members; and no session."""
    asked = flow(exchange)
    assert asked is not None
    request = first_request(asked)
    assert (exchange.method, exchange.path) == (request.method, request.path)
    assert Auth.NONE is request.auth
    assert exchange.headers["Content-Type"].partition(";")[0] == request.headers[CONTENT_TYPE].partition(";")[0]
    assert request.body is not None
    sent = b"".join(request.body.pieces())
    if "/Soap/" in exchange.path:
        assert exchange.headers["SOAPAction"] == request.headers["SOAPAction"]
        assert tree(parse_xml(real(exchange.body).encode())) == tree(parse_xml(sent))
    else:
        assert sorted(parse_qsl(real(exchange.body))) == sorted(parse_qsl(sent.decode()))


@pytest.mark.parametrize("exchange", logins())
def test_the_client_understands_the_reply(exchange: Exchange) -> None:
    """A no becomes a refused login with the service's own code and text; a yes, a session at the address that it names."""
    asked = flow(exchange)
    assert asked is not None
    request = first_request(asked)
    answered = Reply(
        exchange.status,
        {name.lower(): value for name, value in exchange.reply_headers.items()},
        real(exchange.reply).encode(),
    )
    error = refusal(request, answered)
    if exchange.status >= 400:
        code, text = code_and_text(real(exchange.reply))
        refused = refused_with(asked, error)
        assert (code, exchange.status) == (refused.error_code, refused.status_code)
        assert f": {code}: {text}\n" in str(refused)
        assert refused.applied is False
    elif "<passwordExpired>true" in exchange.reply:
        with pytest.raises(LoginRefused, match=r"^The password of this user has expired\."):
            asked.send(answered)
    else:
        session = opened(asked, answered)
        token = re.search(r'<sessionId>(.*?)<|"access_token":"(.*?)"', answered.body.decode())
        assert token is not None
        assert (URL, token[1] or token[2]) == (session.instance_url, session.access_token)
        assert (STANDS_FOR["org"], STANDS_FOR["user"]) == (full(session.organization_id), session.user_id)
        renewed = re.search(r'"refresh_token":"(.*?)"', answered.body.decode())
        assert (renewed[1] if renewed else None) == session.refresh_token


def full(organization: str | None) -> str | None:
    """``{org}`` is the first form of the id that a file shows: of SOAP, the one in the addresses."""
    return STANDS_FOR["org"] if organization == STANDS_FOR["org2"] else organization


def refused_with(asked: Flow[Session], error: SalesforceBulkError | None) -> LoginRefused:
    assert error is not None
    with pytest.raises(LoginRefused) as caught:
        asked.throw(error)
    return caught.value


def opened(asked: Flow[Session], answered: Reply) -> Session:
    with pytest.raises(StopIteration) as done:
        asked.send(answered)
    session = done.value.value
    assert isinstance(session, Session)
    return session


def test_every_way_to_log_in_with_one_request_stands_in_an_exchange() -> None:
    """SOAP, and each grant that the client asks for."""
    shown = {first_request(asked).name for value in logins() if (asked := flow(value.values[0])) is not None}
    grants = {
        dict(parse_qsl(value.values[0].body)).get("grant_type")
        for value in logins()
        if value.values[0].path.endswith("/token")
    }

    assert {"login.soap", "login.oauth", "login.refresh"} == shown
    assert {"password", "client_credentials", "refresh_token", JWT_BEARER} == grants

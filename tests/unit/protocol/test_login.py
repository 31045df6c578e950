"""Logging in, over a scripted transport: what is sent where, what is read, what is said when it fails."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from salesforce_bulk.client import open_org
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import AnswerLost, AnswerMalformed, LoginRefused, UsageError
from salesforce_bulk.logins import (
    AccessToken,
    ClientCredentials,
    JwtBearer,
    Login,
    OAuthPassword,
    Password,
    RefreshToken,
    login_url,
)
from salesforce_bulk.protocol.login import log_in, log_in_by_assertion
from salesforce_bulk.session import Session
from salesforce_bulk.transport.scripted import Scripted, ScriptedTransport

TOKEN = "00DFk0000001aBc!AQEAQ.token"
SOAP_OK = f"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">
 <soapenv:Body><loginResponse><result>
  <passwordExpired>false</passwordExpired>
  <serverUrl>https://acme.my.salesforce.com/services/Soap/u/64.0/00DFk0000001aBc</serverUrl>
  <sessionId>{TOKEN}</sessionId>
  <userId>005Fk00000Lm3NpIAJ</userId>
  <userInfo><organizationId>00DFk0000001aBcMAI</organizationId></userInfo>
 </result></loginResponse></soapenv:Body>
</soapenv:Envelope>""".encode()
OAUTH_OK = json.dumps(
    {
        "access_token": TOKEN,
        "instance_url": "https://acme.my.salesforce.com",
        "id": "https://login.salesforce.com/id/00DFk0000001aBcMAI/005Fk00000Lm3NpIAJ",
        "token_type": "Bearer",
    }
).encode()


def fault(code: str, text: str) -> Scripted:
    return Scripted(
        500,
        f"""<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>{code}</faultcode>
 <faultstring>{code}: {text}</faultstring><detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>
 <sf:exceptionMessage>{text}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>""".encode(),
    )


def logged_in(login: Login, *answers: Scripted) -> tuple[Session, ScriptedTransport]:
    transport = ScriptedTransport(answers)
    return open_org(None, transport=transport).perform(log_in(login)), transport


def test_a_soap_login() -> None:
    """At 64.0, the last version that has it; the password and the security token are one word; both are escaped."""
    session, transport = logged_in(
        Password("ana&co@example.com", "S3<cret", security_token="TOK", domain="test"), Scripted(200, SOAP_OK)
    )

    sent = transport.sent[0]
    assert ("POST", "https://test.salesforce.com/services/Soap/u/64.0") == (sent.method, sent.url)
    assert ("text/xml; charset=UTF-8", "login") == (sent.headers["Content-Type"], sent.headers["SOAPAction"])
    assert b"<urn:username>ana&amp;co@example.com</urn:username><urn:password>S3&lt;cretTOK</urn:password>" in sent.body
    assert Session("https://acme.my.salesforce.com", TOKEN, "00DFk0000001aBcMAI", "005Fk00000Lm3NpIAJ") == session


def test_a_portal_user_names_its_organization() -> None:
    _, transport = logged_in(Password("a", "b", organization_id="00DFk0000001aBc"), Scripted(200, SOAP_OK))

    assert b"<urn:LoginScopeHeader><urn:organizationId>00DFk0000001aBc</urn:organizationId>" in transport.sent[0].body


def test_the_oauth_username_password_flow() -> None:
    """The form is in the body, never in the URL."""
    session, transport = logged_in(
        OAuthPassword("ana@example.com", "S3+cret", client_id="3MVG9", client_secret="sec&ret", security_token="TOK"),
        Scripted(200, OAUTH_OK),
    )

    sent = transport.sent[0]
    assert ("POST", "https://login.salesforce.com/services/oauth2/token") == (sent.method, sent.url)
    assert {
        "grant_type": ["password"],
        "client_id": ["3MVG9"],
        "client_secret": ["sec&ret"],
        "username": ["ana@example.com"],
        "password": ["S3+cretTOK"],
    } == parse_qs(sent.body.decode())
    assert ("00DFk0000001aBcMAI", "005Fk00000Lm3NpIAJ") == (session.organization_id, session.user_id)


def test_client_credentials_go_to_the_orgs_own_host() -> None:
    _, transport = logged_in(ClientCredentials("acme.my.salesforce.com", "3MVG9", "secret"), Scripted(200, OAUTH_OK))

    assert "https://acme.my.salesforce.com/services/oauth2/token" == transport.sent[0].url
    assert ["client_credentials"] == parse_qs(transport.sent[0].body.decode())["grant_type"]


@pytest.mark.parametrize("secret", ["", "sec&ret"])
def test_a_refresh_token_goes_to_the_orgs_own_host(secret: str) -> None:
    """A public client sends no secret. The token that comes instead of it is the session's."""
    rotated = json.dumps({**json.loads(OAUTH_OK), "refresh_token": "5Aep861new"}).encode()
    session, transport = logged_in(
        RefreshToken("acme.my.salesforce.com", "3MVG9", "5Aep861old", secret), Scripted(200, rotated)
    )

    assert "https://acme.my.salesforce.com/services/oauth2/token" == transport.sent[0].url
    form = {"grant_type": ["refresh_token"], "client_id": ["3MVG9"], "refresh_token": ["5Aep861old"]}
    assert form | ({"client_secret": [secret]} if secret else {}) == parse_qs(transport.sent[0].body.decode())
    assert "5Aep861new" == session.refresh_token
    assert "5Aep861new" not in repr(session)


def test_a_refresh_whose_answer_was_lost_is_not_made_again() -> None:
    """Where tokens rotate, the second one would end every session of the grant."""
    lost = AnswerLost("the answer did not come")
    with pytest.raises(AnswerLost):
        logged_in(RefreshToken("acme.my.salesforce.com", "3MVG9", "5Aep861old"), Scripted(200, [lost]))


@pytest.mark.parametrize(
    ("audience", "claim", "host"),
    [
        ("https://login.salesforce.com", "https://login.salesforce.com", "https://login.salesforce.com"),
        ("test", "https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.my.site.com/partners", "https://acme.my.site.com/partners", "https://acme.my.site.com"),
    ],
)
def test_a_signed_statement_goes_to_its_audience(audience: str, claim: str, host: str) -> None:
    """Alone: no client id, and no secret."""
    login = JwtBearer("ana@example.com", "3MVG9", "key", audience=audience)
    transport = ScriptedTransport([Scripted(200, OAUTH_OK)])
    open_org(None, transport=transport).perform(log_in_by_assertion(login, "a.b.c"))

    assert claim == login.audience
    assert f"{host}/services/oauth2/token" == transport.sent[0].url
    assert {
        "grant_type": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "assertion": ["a.b.c"],
    } == parse_qs(transport.sent[0].body.decode())


def test_a_token_that_the_caller_has_asks_nobody() -> None:
    session, transport = logged_in(AccessToken(TOKEN, instance_url="https://acme.my.salesforce.com/"))

    assert ("https://acme.my.salesforce.com", []) == (session.instance_url, transport.sent)


WAYS = (
    "What works today: client credentials (connect(login=ClientCredentials(...))), or a session you already have "
    "(connect(login=AccessToken(...)), SalesforceBulk(sessionId=..., host=...))."
)


@pytest.mark.parametrize(
    ("login", "answer", "text"),
    [
        (
            Password("a", "b"),
            fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out."),
            "https://login.salesforce.com refused the login: INVALID_LOGIN: Invalid username, password, security token; or user "
            "locked out.\nNo session was opened.\nCheck user name, password and security token; a sandbox needs domain='test'. "
            "In newer orgs SOAP login is switched off by default. " + WAYS,
        ),
        (
            Password("a", "b"),
            fault("sf:UNSUPPORTED_API_VERSION", "gone"),
            "https://login.salesforce.com refused the login: UNSUPPORTED_API_VERSION: gone\nNo session was opened.\n"
            "SOAP login exists up to API 64.0 only. " + WAYS,
        ),
        (
            Password("a", "b"),
            fault("INVALID_OPERATION", "SOAP API login() is disabled by default in this org."),
            "https://login.salesforce.com refused the login: INVALID_OPERATION: SOAP API login() is disabled by default in this "
            "org.\nNo session was opened.\nSOAP login is switched off in this org. " + WAYS,
        ),
        (
            OAuthPassword("a", "b", client_id="c", client_secret="d"),
            Scripted(400, b'{"error":"invalid_grant","error_description":"authentication failure"}'),
            "https://login.salesforce.com refused the login: invalid_grant: authentication failure\nNo session was opened.\n"
            "Check user name, password and security token. Orgs made since Summer '23 block the username-password flow by "
            "default, with this same answer. " + WAYS,
        ),
        (
            ClientCredentials("acme.my.salesforce.com", "c", "d"),
            Scripted(401, b'{"error":"invalid_client","error_description":"invalid client credentials"}'),
            "https://acme.my.salesforce.com refused the login: invalid_client: invalid client credentials\n"
            "No session was opened.\nThe consumer secret does not belong to the consumer key.",
        ),
        (
            ClientCredentials("acme.my.salesforce.com", "c", "d"),
            Scripted(404, b"<html>no such page</html>"),
            "https://acme.my.salesforce.com answered the login with HTTP 404 and a page of HTML.\nNo session was opened.\n"
            "Check the login host; the org may also be down for maintenance.",
        ),
    ],
)
def test_a_refused_login_says_what_to_do(login: Login, answer: Scripted, text: str) -> None:
    with pytest.raises(LoginRefused) as refused:
        logged_in(login, answer)
    assert text == str(refused.value)


def test_an_expired_password_is_a_refusal() -> None:
    """It comes with HTTP 200 and a session that is good for nothing else; using it would loop."""
    with pytest.raises(LoginRefused, match="The password of this user has expired"):
        logged_in(
            Password("a", "b"), Scripted(200, SOAP_OK.replace(b"<passwordExpired>false", b"<passwordExpired>true"))
        )


@pytest.mark.parametrize("body", [b"", b"<x/>", b"{}", b"[]", b'{"access_token":"x"}', b"<!DOCTYPE x><x/>"])
def test_a_yes_without_a_session_is_malformed(body: bytes) -> None:
    for login in (Password("a", "b"), ClientCredentials("acme.my.salesforce.com", "c", "d")):
        with pytest.raises(AnswerMalformed):
            open_org(
                None, transport=ScriptedTransport([Scripted(200, body)] * 5), clock=Clock(sleep=lambda _: None)
            ).perform(log_in(login))


@pytest.mark.parametrize("instance_url", ["http://acme.my.salesforce.com", "https://acme.lightning.force.com"])
def test_an_org_at_an_address_where_a_token_must_not_go_is_refused(instance_url: str) -> None:
    """Even when the login host itself sends us there."""
    answer = OAUTH_OK.replace(b"https://acme.my.salesforce.com", instance_url.encode())
    with pytest.raises(UsageError):
        logged_in(ClientCredentials("acme.my.salesforce.com", "c", "d"), Scripted(200, answer))


def test_client_credentials_at_a_generic_host_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match=r"not served by login\.salesforce\.com"):
        ClientCredentials("https://login.salesforce.com", "c", "d")


@pytest.mark.parametrize(
    ("domain", "url"),
    [
        ("login", "https://login.salesforce.com"),
        ("test", "https://test.salesforce.com"),
        ("acme.my", "https://acme.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com/path", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_a_domain_names_the_host_of_the_login(domain: str, url: str) -> None:
    assert url == login_url(domain)


@pytest.mark.parametrize(
    "login",
    [
        AccessToken("00Dsecret!x", instance_url="acme.my.salesforce.com"),
        Password("ana", "secret", security_token="secret"),
        OAuthPassword("ana", "secret", client_id="c", client_secret="secret", security_token="secret"),
        ClientCredentials("acme.my.salesforce.com", "c", "secret"),
        RefreshToken("acme.my.salesforce.com", "c", "secret", "secret"),
        JwtBearer("ana", "c", "secret"),
    ],
)
def test_reprs_hide_secrets(login: Login) -> None:
    assert "secret" not in repr(login)

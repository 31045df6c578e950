"""Logging in: SOAP ``login()`` and the OAuth token endpoint, first part.

API: SOAP API Developer Guide, "login()"; Salesforce Help, "OAuth Authorization Flows".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from ..documents import NotReadable, local_name, looks_like, parse_json, parse_xml
from ..errors import AnswerMalformed, ApiError, LimitReached, LoginRefused, SessionExpired, UsageError
from ..logins import (
    AccessToken,
    ClientCredentials,
    JwtBearer,
    Login,
    OAuthPassword,
    Password,
    RefreshToken,
    login_url,
)
from ..records import Body
from ..session import NEWEST_SOAP_LOGIN_VERSION, Session, can_be_sent, masked, origin
from ..wire import headers, paths
from ..wire.names import PARTNER_NS, SOAP_ENV_NS, Mime
from .messages import Auth, Call, Flow, Reply, Request
from .refusals import malformed, read_refusal

_WAYS: Final = (
    "What works today: client credentials (connect(login=ClientCredentials(...))), or a session you already have "
    "(connect(login=AccessToken(...)), SalesforceBulk(sessionId=..., host=...))."
)

#: API: Help, "OAuth 2.0 JWT Bearer Flow", ``grant_type``.
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

#: What to do about an ``invalid_grant``, by the grant that was asked for: the code alone says nothing ("OAuth Authorization
#: Flow Errors").
GRANT_CURES: Final = {
    "refresh_token": "The refresh token was revoked, has aged out, or was rotated away by another program: log in anew.",
    "client_credentials": "The app needs the client-credentials flow switched on and a user to run as; ask an administrator.",
    JWT_BEARER: (
        "Check that the user is approved for the app beforehand, that the app has the certificate of this key, that the "
        "audience is right (https://test.salesforce.com for a sandbox), and this machine's clock."
    ),
}

#: What to do about a refused login, by the service's own code.
CURES: Final = {
    "INVALID_LOGIN": (
        "Check user name, password and security token; a sandbox needs domain='test'. In newer orgs SOAP login is switched "
        "off by default. " + _WAYS
    ),
    "LOGIN_MUST_USE_SECURITY_TOKEN": "Add the security token of this user (Settings, Reset My Security Token).",
    "UNSUPPORTED_API_VERSION": "SOAP login exists up to API 64.0 only. " + _WAYS,
    "INVALID_OPERATION": "SOAP login is switched off in this org. " + _WAYS,
    "INSUFFICIENT_ACCESS": "This user lacks the permission 'Use Any API Auth', which SOAP login needs here. " + _WAYS,
    "API_DISABLED_FOR_ORG": "The org's edition or this user's profile has no API access; ask an administrator.",
    "invalid_grant": (
        "Check user name, password and security token. Orgs made since Summer '23 block the username-password flow by "
        "default, with this same answer. " + _WAYS
    ),
    "invalid_client_id": "The org does not know this consumer key; a new one takes up to ten minutes to be known.",
    "invalid_client": "The consumer secret does not belong to the consumer key.",
    "unsupported_grant_type": "The flow is switched off for this app, or not served by this host. " + _WAYS,
    "invalid_app_access": "An administrator must approve the app for this user.",
}


def log_in(login: Login) -> Flow[Session]:
    """A session by *login*. Nothing is asked of the org for a token that the caller already has."""
    if isinstance(login, AccessToken):
        # A session id begins with the id of its org ("00D…!…"); other kinds of token do not say.
        organization = login.access_token.partition("!")[0]
        return Session(login.instance_url, login.access_token, organization if organization[:3] == "00D" else None)
    if isinstance(login, Password):
        return (yield from _soap(login))
    if isinstance(login, OAuthPassword):
        return (
            yield from _oauth(
                login_url(login.domain),
                {
                    "grant_type": "password",
                    "client_id": login.client_id,
                    "client_secret": login.client_secret,
                    "username": login.username,
                    "password": login.password + login.security_token,
                },
            )
        )
    if isinstance(login, RefreshToken):
        form = {"grant_type": "refresh_token", "client_id": login.client_id, "refresh_token": login.refresh_token}
        if login.client_secret:
            form["client_secret"] = login.client_secret
        return (yield from _oauth(login.instance_url, form, "login.refresh"))
    if not isinstance(login, ClientCredentials):
        raise UsageError(
            f"A login by {type(login).__name__} is not made of one request. Nothing was sent. Use connect()."
        )
    return (
        yield from _oauth(
            login.instance_url,
            {
                "grant_type": "client_credentials",
                "client_id": login.client_id,
                "client_secret": login.client_secret,
            },
        )
    )


def log_in_by_assertion(login: JwtBearer, assertion: str) -> Flow[Session]:
    """A session for a signed statement: see ``opening.jwt``. API: Help, "OAuth 2.0 JWT Bearer Flow"."""
    form = {"grant_type": JWT_BEARER, "assertion": assertion}
    return (yield from _oauth(login_url(login.audience), form))


# -- SOAP ---------------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    # As xml.sax.saxutils does it, which imports urllib.request; html.escape, all named entities.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def soap_request(login: Password) -> Request:
    header = f"<urn:CallOptions><urn:client>{_escaped(login.client)}</urn:client></urn:CallOptions>"
    if login.organization_id:
        header += (
            f"<urn:LoginScopeHeader><urn:organizationId>{_escaped(login.organization_id)}</urn:organizationId>"
            "</urn:LoginScopeHeader>"
        )
    document = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<env:Envelope xmlns:env="{SOAP_ENV_NS}" xmlns:urn="{PARTNER_NS}"><env:Header>{header}</env:Header><env:Body>'
        f"<urn:login><urn:username>{_escaped(login.username)}</urn:username>"
        f"<urn:password>{_escaped(login.password + login.security_token)}</urn:password></urn:login>"
        "</env:Body></env:Envelope>"
    )
    return Request(
        "login.soap",
        "POST",
        paths.SOAP_PARTNER.replace("{version}", NEWEST_SOAP_LOGIN_VERSION),
        headers={headers.CONTENT_TYPE: f"{Mime.SOAP}; charset=UTF-8", headers.SOAP_ACTION: "login"},
        body=Body.of(document),
        auth=Auth.NONE,
        base=login_url(login.domain),
    )


def _soap(login: Password) -> Flow[Session]:
    request = soap_request(login)
    reply = yield from _or_refused(request)
    try:
        root = parse_xml(reply.body)
    except NotReadable as error:
        raise malformed(request, reply, f"it is {error}") from error
    if _text(root, "passwordExpired") == "true":
        raise LoginRefused(
            "The password of this user has expired.\nThe session that came is good for changing it only, and was not used.\n"
            "Change the password in the browser, then log in again.",
            error_code="PASSWORD_EXPIRED",
        )
    token, url = _text(root, "sessionId"), _text(root, "serverUrl")
    if not token or not url or not can_be_sent(token):
        raise malformed(request, reply, "it names no session and server")
    return Session(origin(url), token, _text(root, "organizationId") or None, _text(root, "userId") or None)


def _text(root: Element, name: str) -> str:
    return next((element.text or "" for element in root.iter() if local_name(element.tag) == name), "").strip()


# -- OAuth --------------------------------------------------------------------------------------------------------------


def oauth_request(base: str, form: Mapping[str, str], name: str = "login.oauth") -> Request:
    return Request(
        name,
        "POST",
        paths.OAUTH_TOKEN,
        headers={headers.CONTENT_TYPE: Mime.FORM, headers.ACCEPT: Mime.JSON},
        body=Body.of(urlencode(form)),
        auth=Auth.NONE,
        base=base,
    )


def _oauth(base: str, form: Mapping[str, str], name: str = "login.oauth") -> Flow[Session]:
    request = oauth_request(base, form, name)
    reply = yield from _or_refused(request, GRANT_CURES.get(form["grant_type"], ""))
    try:
        answer = parse_json(reply.body)
    except NotReadable as error:
        raise malformed(request, reply, f"it is {error}") from error
    if (
        not isinstance(answer, dict)
        or not all(isinstance(answer.get(name), str) and answer[name] for name in ("access_token", "instance_url"))
        or not can_be_sent(answer["access_token"])
    ):
        raise malformed(request, reply, "it names no access token and instance")
    identity = str(answer.get("id") or "")
    organization, user = (["", "", *identity.rstrip("/").split("/")])[-2:]
    return Session(
        origin(str(answer["instance_url"])),
        str(answer["access_token"]),
        organization or None,
        user or None,
        identity or None,
        str(answer["refresh_token"]) if answer.get("refresh_token") else None,
    )


def _or_refused(request: Request, grant_cure: str = "") -> Flow[Reply]:
    """The reply to a login, or :class:`LoginRefused` with what to do about it."""
    try:
        reply: Reply = yield Call(request)
        return reply
    except LimitReached:
        raise
    except (ApiError, SessionExpired) as error:
        where = request.base or ""
        said = error.error_code or f"HTTP {error.status_code}"
        text = _said(error.body)
        cure = grant_cure if error.error_code == "invalid_grant" else ""
        raise LoginRefused(
            f"{where} refused the login: {said}{': ' + text if text else ''}\nNo session was opened.\n"
            + (cure or CURES.get(error.error_code, _WAYS)),
            error_code=error.error_code,
            status_code=error.status_code,
        ) from error
    except AnswerMalformed as error:
        if error.status_code is not None and looks_like(error.body.encode()) == "html":
            raise LoginRefused(
                f"{request.base} answered the login with HTTP {error.status_code} and a page of HTML.\nNo session was opened.\n"
                "Check the login host; the org may also be down for maintenance.",
                status_code=error.status_code,
            ) from error
        raise


def _said(body: str) -> str:
    read = read_refusal(body.encode())
    if read is None:
        return ""
    # The fault's own text repeats its code in front.
    return masked(read.text.removeprefix(f"{read.code}:").strip())

"""OAuth: tokens for a password, client credentials, a refresh token, a signed statement, a code; revoke, introspect, userinfo,
identity.

Source: auth.md 4 to 6.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import unquote_plus, urlencode

from salesforce_bulk.wire import headers, paths

from ..http.messages import Reply, Request, json_reply
from ..http.routing import Area, route
from .jwt import why_not
from .policy import GENERIC_HOSTS, LoginPolicy, instance_url
from .sessions import CODE_LIFE, Sessions

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Grants for which a public client sends no secret.
PUBLIC = frozenset({"refresh_token", "authorization_code"})


class OAuthArea(Area):
    prefix = "/services/oauth2"

    def __init__(self, sessions: Sessions, policy: LoginPolicy, own_url: str = "") -> None:
        self.sessions = sessions
        self.policy = policy
        self.own_url = own_url
        self.routes = (
            route("oauth.token", "POST", paths.OAUTH_TOKEN, self._token),
            route("oauth.token", "GET", paths.OAUTH_TOKEN, self._must_post),
            route("oauth.authorize", "GET", paths.OAUTH_AUTHORIZE, self._authorize),
            route("oauth.revoke", "POST", paths.OAUTH_REVOKE, self._revoke),
            route("oauth.revoke", "GET", paths.OAUTH_REVOKE, self._revoke),
            route("oauth.introspect", "POST", paths.OAUTH_INTROSPECT, self._introspect),
            route("oauth.userinfo", "GET", paths.OAUTH_USERINFO, self._userinfo),
            route("oauth.userinfo", "POST", paths.OAUTH_USERINFO, self._userinfo),
        )

    def not_found(self, request: Request) -> Reply:
        return Reply(404, b"", "text/html; charset=UTF-8")

    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        return Reply(405, b"", headers=[("Allow", ", ".join(allowed))])

    def failed(self, request: Request, error: Exception) -> Reply:
        return json_reply({"error": "unknown_error", "error_description": "retry your request"}, 500)

    def _must_post(self, request: Request) -> Reply:
        return _error("invalid_request", "must use HTTP POST")

    def _token(self, request: Request) -> Reply:
        form = request.form()
        if self.policy.refusal is not None:
            return _error(*self.policy.refusal)
        if form.get("grant_type") == JWT_BEARER:
            return self._jwt(request, form)
        if refusal := self._refuse_client(request, form):
            return refusal
        match form.get("grant_type"):
            case "password":
                return self._password(request, form)
            case "client_credentials":
                return self._client_credentials(request)
            case "refresh_token":
                return self._refresh(request, form)
            case "authorization_code":
                return self._code(request, form)
            case None | "":
                return _error("invalid_request", "missing required code parameter: grant_type")
            case _:
                return _error("unsupported_grant_type", "grant type not supported")

    def _refuse_client(self, request: Request, form: dict[str, str]) -> Reply | None:
        who = self.sessions.identity
        client_id, client_secret = form.get("client_id"), form.get("client_secret")
        scheme, _, credentials = request.header("authorization").partition(" ")
        if scheme.lower() == "basic":
            try:
                client_id, _, client_secret = base64.b64decode(credentials).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return _error("invalid_client", "invalid client credentials")
            client_id, client_secret = unquote_plus(client_id), unquote_plus(client_secret)
        if client_id != who.client_id:
            return _error("invalid_client_id", "client identifier invalid")
        # A public client has no secret; a wrong one is always refused.
        if client_secret is None and form.get("grant_type") in PUBLIC:
            return None
        if client_secret != who.client_secret:
            return _error("invalid_client", "invalid client credentials", self.policy.wrong_secret_status)
        return None

    def _password(self, request: Request, form: dict[str, str]) -> Reply:
        who = self.sessions.identity
        right = {who.password + who.security_token} | ({who.password} if self.policy.trusted_network else set())
        same_user = form.get("username", "").lower() == who.username.lower()
        # Guide: blocked in newer orgs, with the very text of a wrong password.
        if not self.policy.oauth_password or not same_user or form.get("password") not in right:
            return _error("invalid_grant", "authentication failure")
        return self._granted(request)

    def _client_credentials(self, request: Request) -> Reply:
        if request.host in GENERIC_HOSTS:
            return _error("invalid_grant", "request not supported on this domain")
        if not self.policy.client_credentials:
            return _error("invalid_grant", "client credentials flow not enabled")
        return self._granted(request)

    def _refresh(self, request: Request, form: dict[str, str]) -> Reply:
        token = form.get("refresh_token", "")
        if not self.sessions.knows_refresh_token(token):
            self.sessions.reused(token)
            return _error("invalid_grant", "expired access/refresh token")
        rotates = self.policy.rotate_refresh_tokens
        if rotates:
            token = self.sessions.rotate(token)
        return self._granted(request, refresh_token=token, scope="refresh_token api", rotated=rotates)

    def _authorize(self, request: Request) -> Reply:
        """The browser's part of the web server flow: nobody is asked, the answer stands in the policy."""
        said = request.parameters()
        back = said.get("redirect_uri", "")
        if said.get("client_id") != self.sessions.identity.client_id:
            return _error("invalid_client_id", "client identifier invalid")
        # Nobody is sent to an address that was not registered, be it to learn of an error.
        if back not in self.policy.callback_urls:
            return _error("redirect_uri_mismatch", "redirect_uri must match configuration")
        if said.get("response_type") != "code":
            answer = {"error": "unsupported_response_type", "error_description": "response type not supported"}
        elif not self.policy.approves:
            answer = {"error": "access_denied", "error_description": "end-user denied authorization"}
        else:
            scope = said.get("scope", "api")
            answer = {"code": self.sessions.new_code(back, said.get("code_challenge", ""), scope)}
        if "state" in said:
            answer["state"] = said["state"]
        return Reply(302, headers=[(headers.LOCATION, f"{back}?{urlencode(answer)}")])

    def _code(self, request: Request, form: dict[str, str]) -> Reply:
        code = self.sessions.take_code(form.get("code", ""))
        if code is None:
            return _error("invalid_grant", "invalid authorization code")
        if self.sessions.now() - code.issued > CODE_LIFE:
            return _error("invalid_grant", "expired authorization code")
        if form.get("redirect_uri") != code.redirect_uri:
            return _error("redirect_uri_mismatch", "redirect_uri must match configuration")
        if not _proves(form.get("code_verifier", ""), code.challenge):
            return _error("invalid_grant", "invalid code verifier")
        words = set(code.scope.split())
        token = self.sessions.new_refresh_token() if words & {"refresh_token", "offline_access"} else None
        return self._granted(request, refresh_token=token, scope=code.scope, rotated=token is not None)

    def _jwt(self, request: Request, form: dict[str, str]) -> Reply:
        """The statement names the app itself: neither a client id nor a secret stands beside it."""
        who = self.sessions.identity
        own = {f"http://{request.header('host')}", self.own_url}
        reason = why_not(
            form.get("assertion", ""),
            self.policy.jwt_keys,
            client_id=who.client_id,
            username=who.username,
            audiences={"https://login.salesforce.com", "https://test.salesforce.com", *own},
            now=self.sessions.now().timestamp(),
        )
        return self._granted(request) if reason is None else _error("invalid_grant", reason)

    def _granted(
        self, request: Request, *, refresh_token: str | None = None, scope: str = "api", rotated: bool = False
    ) -> Reply:
        who = self.sessions.identity
        url = instance_url(request, self.own_url)
        login = f"https://{request.host}" if request.host in GENERIC_HOSTS else url
        identity_url = f"{login}/id/{who.organization_id}/{who.user_id}"
        issued_at = str(int(self.sessions.now().timestamp() * 1000))
        digest = hmac.new(who.client_secret.encode(), (identity_url + issued_at).encode(), hashlib.sha256).digest()
        return json_reply(
            {
                "access_token": self.sessions.open(refresh_token=refresh_token),
                "signature": base64.b64encode(digest).decode(),
                "scope": scope,
                "instance_url": url,
                "id": identity_url,
                "token_type": "Bearer",
                "issued_at": issued_at,
                **({"refresh_token": refresh_token} if rotated else {}),
            }
        )

    def _revoke(self, request: Request) -> Reply:
        token = request.form().get("token") or request.parameters().get("token", "")
        if self.sessions.revoke(token):
            return Reply(200)
        return _error("unsupported_token_type" if not token else "invalid_token", "invalid token: token")

    def _introspect(self, request: Request) -> Reply:
        form = request.form()
        if refusal := self._refuse_client(request, form):
            return refusal
        who = self.sessions.identity
        session = self.sessions.find(form.get("token", ""))
        if session is None:
            return json_reply({"active": False})
        begun = int(session.last_used.timestamp())
        return json_reply(
            {
                "active": True,
                "scope": "api",
                "client_id": who.client_id,
                "username": who.username,
                "sub": f"{instance_url(request, self.own_url)}/id/{who.organization_id}/{who.user_id}",
                "token_type": "access_token",
                "exp": begun + self.sessions.seconds_valid,
                "iat": begun,
                "nbf": begun,
            }
        )

    def _userinfo(self, request: Request) -> Reply:
        if self.sessions.find(bearer(request)) is None:
            return Reply(403, b"Bad_OAuth_Token", "text/plain")
        who = self.sessions.identity
        url = instance_url(request, self.own_url)
        return json_reply(
            {
                "sub": f"{url}/id/{who.organization_id}/{who.user_id}",
                "user_id": who.user_id,
                "organization_id": who.organization_id,
                "preferred_username": who.username,
                "nickname": who.username.partition("@")[0],
                "name": who.full_name,
                "email": who.email,
                "email_verified": True,
                "zoneinfo": "Europe/Lisbon",
                "urls": {"rest": f"{url}/services/data/v{{version}}/"},
                "active": True,
                "user_type": "STANDARD",
                "language": "en_US",
                "locale": "en_US",
                "utcOffset": 0,
            }
        )


class IdentityArea(Area):
    """The identity URL. A bad token is 403 with a word of text here, not 401."""

    prefix = "/id/"

    def __init__(self, sessions: Sessions, own_url: str = "") -> None:
        self.sessions = sessions
        self.own_url = own_url
        self.routes = (route("oauth.identity", "GET", "/id/{organization}/{user}", self._identity),)

    def not_found(self, request: Request) -> Reply:
        return Reply(404, b"Bad_Id", "text/plain")

    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        return Reply(405, b"", headers=[("Allow", ", ".join(allowed))])

    def failed(self, request: Request, error: Exception) -> Reply:
        return Reply(500, b"", "text/plain")

    def _identity(self, request: Request, organization: str, user: str) -> Reply:
        who = self.sessions.identity
        token = bearer(request)
        if not token:
            return Reply(403, b"Missing_OAuth_Token", "text/plain")
        if self.sessions.find(token) is None:
            return Reply(403, b"Bad_OAuth_Token", "text/plain")
        if organization[:15] != who.organization_id[:15]:
            return Reply(403, b"Wrong_Org", "text/plain")
        if user[:15] != who.user_id[:15]:
            return Reply(403, b"Bad_Id", "text/plain")
        url = instance_url(request, self.own_url)
        return json_reply(
            {
                "id": f"{url}/id/{who.organization_id}/{who.user_id}",
                "asserted_user": True,
                "user_id": who.user_id,
                "organization_id": who.organization_id,
                "username": who.username,
                "display_name": who.full_name,
                "email": who.email,
                "urls": {"rest": f"{url}/services/data/v{{version}}/"},
                "active": True,
            }
        )


def bearer(request: Request) -> str:
    scheme, _, token = request.header("authorization").partition(" ")
    return token.strip() if scheme.lower() in {"bearer", "oauth"} else ""


def _proves(verifier: str, challenge: str) -> bool:
    """RFC 7636, 4.6, S256. No challenge, no verifier: a confidential client may do without."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return digest == challenge if challenge else not verifier


def _error(error: str, description: str, status: int = 400) -> Reply:
    return json_reply({"error": error, "error_description": description}, status)

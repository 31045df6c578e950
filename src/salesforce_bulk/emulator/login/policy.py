"""What an administrator decides about logins, and where a login sends its caller."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..http.messages import Request
from .jwt import PublicKey

GENERIC_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})


@dataclass
class LoginPolicy:
    """What an administrator could have set otherwise."""

    soap_login: bool = True
    oauth_password: bool = True
    client_credentials: bool = True
    #: A call from here needs no security token.
    trusted_network: bool = False
    password_expired: bool = False
    #: Of the certificates that the app has: modulus and exponent each. None of them: no JWT bearer flow.
    jwt_keys: list[PublicKey] = field(default_factory=list)
    #: Each use of a refresh token brings a new one; the old one, used again, ends all that came of it.
    rotate_refresh_tokens: bool = False
    #: What every login is refused with, however right it is: code and text ("invalid_app_access", "user is not admin approved
    #: to access this app"; of SOAP "PASSWORD_LOCKOUT"). auth.md 3 and 4 list them.
    refusal: tuple[str, str] | None = None
    #: 400 or 401: both are reported for an app that does not know its secret.
    wrong_secret_status: int = 400
    #: Where the web server flow may lead back to, port and all. auth.md 5.3: the address must be the very same.
    callback_urls: list[str] = field(default_factory=lambda: ["http://localhost:1717/OauthRedirect"])
    #: What the person at the browser says: yes, at once.
    approves: bool = True


def instance_url(request: Request, own_url: str) -> str:
    """Where the caller should go on: where it already is, unless that is a generic login host."""
    return own_url if request.host in GENERIC_HOSTS or not request.host else f"http://{request.header('host')}"

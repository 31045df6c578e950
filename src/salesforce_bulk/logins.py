"""Ways to log in, as plain records for ``connect(login=...)``. Secrets stay out of every repr."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from .errors import UsageError
from .frozen import frozen
from .session import origin

#: Login hosts of every org ("My Domain login URLs").
PRODUCTION: Final = "login"
SANDBOX: Final = "test"


def login_url(domain: str) -> str:
    """Where to log in: ``"login"``, ``"test"``, ``"acme.my"``, a whole host name, or a whole URL."""
    if "://" in domain:
        return origin(domain)
    if (
        domain.endswith((".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn"))
        or ":" in domain
        or domain == "localhost"
    ):
        return origin(f"https://{domain}")
    return origin(f"https://{domain}.salesforce.com")


@frozen
class AccessToken:
    """A session id or access token that the caller already has, with the URL of its org."""

    access_token: str = field(repr=False)
    instance_url: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if not self.access_token or any(character.isspace() for character in self.access_token):
            raise UsageError("An access token is one word without blanks. Nothing was sent.")
        object.__setattr__(self, "instance_url", origin(self.instance_url))


@frozen
class Password:
    """SOAP login with user name, password and security token.

    Ends in Summer '27, is off by default in orgs made since late 2025, and does not exist at API 65.0 and newer: the
    login itself is made at 64.0, and its session serves every version.
    ``organization_id`` is for portal users. ``domain``: see :func:`login_url`. API: SOAP guide, "login()".
    """

    username: str
    password: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    domain: str = PRODUCTION
    organization_id: str | None = None
    client: str = "salesforce-bulk"


@frozen
class OAuthPassword:
    """OAuth username-password flow. Blocked by default in orgs made since Summer '23, and being withdrawn."""

    username: str
    password: str = field(repr=False)
    client_id: str = field(kw_only=True)
    client_secret: str = field(repr=False, kw_only=True)
    security_token: str = field(default="", repr=False, kw_only=True)
    domain: str = field(default=PRODUCTION, kw_only=True)


@frozen
class ClientCredentials:
    """OAuth client-credentials flow: server to server, at the org's own My Domain host."""

    instance_url: str
    client_id: str
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        url = origin(self.instance_url)
        if (urlsplit(url).hostname or "") in ("login.salesforce.com", "test.salesforce.com"):
            raise UsageError(
                "The client-credentials flow is not served by login.salesforce.com or test.salesforce.com. Nothing was "
                "sent. Give the org's own address as instance_url, https://NAME.my.salesforce.com."
            )
        object.__setattr__(self, "instance_url", url)


@frozen
class JwtBearer:
    """OAuth JWT bearer flow: server to server, by a signed statement instead of a secret. Needs the extra ``jwt``.

    ``private_key``: the RSA key whose certificate the app has, as PEM text or as a path to it. A file that others can read
    is refused. ``audience``: ``https://login.salesforce.com``, ``https://test.salesforce.com`` for a sandbox, or the org's own
    address; the login goes to that host. ``username``: of the user to be, approved for the app beforehand.
    """

    username: str
    client_id: str
    private_key: str | bytes | Path = field(repr=False)
    audience: str = "https://login.salesforce.com"

    def __post_init__(self) -> None:
        url = login_url(self.audience)
        if "://" not in self.audience:
            object.__setattr__(self, "audience", url)


@frozen
class RefreshToken:
    """OAuth refresh token flow, for a token that a login in the browser has left.

    ``client_secret``: where the app has one. ``on_rotation`` is called with the new refresh token where the org gives one
    with each answer: keep it, for the old one is dead, and using it again ends every session of the grant. It is called
    before the new session is used; what it raises ends the call.
    """

    instance_url: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    on_rotation: Callable[[str], Any] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "instance_url", origin(self.instance_url))


@frozen
class SalesforceCli:
    """The session that the Salesforce CLI (``sf``) holds for an org: by its alias or user name, or its default org."""

    alias: str = ""


Login: TypeAlias = AccessToken | Password | OAuthPassword | ClientCredentials | JwtBearer | RefreshToken | SalesforceCli

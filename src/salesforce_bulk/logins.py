"""Ways to log in, as plain records for ``connect(login=...)``. Secrets stay out of every repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from .errors import UsageError
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


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A session id or access token that the caller already has, with the URL of its org."""

    access_token: str = field(repr=False)
    instance_url: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if not self.access_token or any(character.isspace() for character in self.access_token):
            raise UsageError("An access token is one word without blanks. Nothing was sent.")
        object.__setattr__(self, "instance_url", origin(self.instance_url))


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class OAuthPassword:
    """OAuth username-password flow. Blocked by default in orgs made since Summer '23, and being withdrawn."""

    username: str
    password: str = field(repr=False)
    client_id: str = field(kw_only=True)
    client_secret: str = field(repr=False, kw_only=True)
    security_token: str = field(default="", repr=False, kw_only=True)
    domain: str = field(default=PRODUCTION, kw_only=True)


@dataclass(frozen=True, slots=True)
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


Login: TypeAlias = AccessToken | Password | OAuthPassword | ClientCredentials

"""Who we are and where: sessions, and which addresses a token may be sent to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from .errors import UsageError
from .frozen import frozen

#: "Supported versions" end below this one (Bulk API guide, "End-of-Life Policy").
OLDEST_API_VERSION: Final = (31, 0)
#: Offered by every org in late 2026; the newest are not yet rolled out everywhere (REST guide, "Versions").
DEFAULT_API_VERSION: Final = "66.0"
#: The newest version whose documents were read for this package (REST guide, "Versions").
NEWEST_TESTED_VERSION: Final = "68.0"
#: SOAP login() does not exist from 65.0 on; a session made at 64.0 serves every version (SOAP guide, "login()").
NEWEST_SOAP_LOGIN_VERSION: Final = "64.0"

# A session id or access token ("00D…!…"), and refresh tokens ("5Aep…"), wherever they might turn up in a text.
_SECRETS: Final = re.compile(r"00D[0-9A-Za-z]{12,15}![0-9A-Za-z._\-]+|5Aep[0-9A-Za-z._\-]{20,}")


def masked(text: str) -> str:
    """*text* with everything that looks like a token struck out."""
    return _SECRETS.sub("[token]", text)


def can_be_sent(token: str) -> bool:
    """Whether a header can carry *token*. Visible ASCII: what is not is no token, and would be shown as what it broke."""
    return token.isascii() and token.isprintable() and " " not in token


def is_loopback(host: str) -> bool:
    """True for this machine's own names and addresses."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """The instance URL that *url* belongs to: scheme, host and port; refused where a token must not go.

    Plain http is for loopback addresses only. The Lightning host of an org serves pages, not the API; old instance
    hosts carry ``-api`` in their first label, which the API host does not.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:  # brackets that hold no IPv6 address, letters that no host has
        raise UsageError(f"{masked(url)!r} is not an address. Nothing was sent.") from None
    host = parts.hostname or ""
    try:
        port = parts.port
    except ValueError:
        raise UsageError(f"The port in {masked(url)!r} is not a number. Nothing was sent.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            f"{masked(url)!r} is not the address of an org. Nothing was sent. Give https://NAME.my.salesforce.com."
        )
    if parts.username or parts.password:
        raise UsageError("The address of an org carries no user or password. Nothing was sent. Use connect(login=...).")
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"A session is never sent over plain http to {host}. Nothing was sent. Use https (http is for a loopback address)."
        )
    if host.endswith(".lightning.force.com"):
        name = host.removesuffix(".lightning.force.com")
        raise UsageError(
            f"{host} shows pages and does not serve the API. Nothing was sent. Use https://{name}.my.salesforce.com."
        )
    first, dot, rest = host.partition(".")
    host = first.removesuffix("-api") + dot + rest
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def checked_version(version: str) -> str:
    """*version* as ``"66.0"``; also takes ``66``, ``66.0`` and ``v66.0``."""
    match = re.fullmatch(r"v?(\d{1,3})(?:\.(\d))?", str(version).strip())
    if match is None:
        raise UsageError(f"An API version looks like {DEFAULT_API_VERSION!r}, not {version!r}. Nothing was sent.")
    return f"{int(match[1])}.{match[2] or 0}"


@frozen
class Session:
    """A session of one user with one org. The repr hides the token."""

    instance_url: str
    access_token: str = field(repr=False)
    organization_id: str | None = None
    user_id: str | None = None
    #: Who this is, as the token endpoint names it.
    identity_url: str | None = None
    #: The one that came with the session, and takes the place of the one that was sent.
    refresh_token: str | None = field(default=None, repr=False)


class Addressed(Protocol):
    """What :class:`Access` needs to know of a request."""

    @property
    def path(self) -> str: ...
    @property
    def ids(self) -> Mapping[str, str]: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def params(self) -> Mapping[str, str]: ...


def filled(request: Addressed, version: str, under: str = "") -> str:
    """Path and query of *request*; of the path, what comes after *under*.

    Ids come from callers and replies, so they are quoted: none can lead the token to another resource.
    """
    ids = {name: quote(str(value), safe="") for name, value in request.ids.items()}
    path = request.path.removeprefix(under).format_map({"version": version, **ids})
    return f"{path}?{urlencode(request.params)}" if request.params else path


class Access(Protocol):
    """How requests get their address and their credentials: the engine's view of a session."""

    def url(self, request: Addressed) -> str:
        """The absolute URL of *request*."""

    def headers(self, request: Addressed) -> dict[str, str]:
        """All headers of *request*, credentials included. Asked anew for each attempt."""

    def renew(self, refused: Mapping[str, str]) -> bool:
        """A session was refused that was sent as *refused*. True: there is another one now, so ask again."""

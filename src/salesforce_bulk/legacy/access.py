"""Address, headers and session of requests that the old interface makes: its own attributes and overrides decide."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from ..errors import UsageError
from ..session import Access, Addressed, filled, is_loopback, origin
from ..wire import headers, paths


class Face(Protocol):
    """What is asked of a ``SalesforceBulk``, which may be a subclass that sets its attributes by hand."""

    endpoint: str
    API_version: str

    def headers(self, values: dict[str, str]) -> dict[str, str]: ...
    def renew_session(self, refused: str) -> bool: ...


class LegacyAccess(Access):
    """The ``endpoint`` attribute is the base of every URL; ``headers()`` is called for every attempt."""

    def __init__(self, face: Face) -> None:
        self._face = face

    @property
    def version(self) -> str:
        return self._face.API_version

    def url(self, request: Addressed) -> str:
        return self._face.endpoint + filled(request, "", under=paths.ASYNC)

    def headers(self, request: Addressed) -> dict[str, str]:
        # Positionally: old subclasses override headers(self, values={}) and know no other parameter.
        return self._face.headers(dict(request.headers))

    def renew(self, refused: Mapping[str, str]) -> bool:
        return self._face.renew_session(refused.get(headers.SESSION, ""))


def instance_url(host: str) -> str:
    """The instance URL for what the old interface calls ``host``: a bare host name, or a URL.

    The old examples pass ``urlparse(instance_url).hostname``, which has lost scheme and port. Where
    ``SFBULK_INSTANCE_URL`` names the same host they come from there.
    """
    if not host:
        raise UsageError("A session needs its host, such as NAME.my.salesforce.com. Nothing was sent.")
    if host[:4] == "http":
        return origin(host)
    known = os.environ.get("SFBULK_INSTANCE_URL", "")
    if known and urlsplit(known).hostname == host:
        return origin(known)
    return origin(("http://" if is_loopback(host.partition(":")[0]) else "https://") + host)

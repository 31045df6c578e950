"""What requests are sent with: an address and a session, or neither yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..logins import AccessToken, Login
from ..protocol import rest
from ..protocol.messages import Auth, Flow, Request
from ..session import NEWEST_TESTED_VERSION, Access, Addressed, Session, filled
from ..wire import headers
from .sessions import open_session


class LoginHost(Access):
    """For requests that go to a login host: no session yet, and none is sent."""

    def url(self, request: Addressed) -> str:
        assert isinstance(request, Request)
        assert request.base is not None
        return request.base + filled(request, "")

    def headers(self, request: Addressed) -> dict[str, str]:
        return dict(request.headers)

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 -- there is nothing to renew
        return False


class SessionAccess(Access):
    """A session that is opened when it is first needed and opened anew, once for all threads, when the org ends it.

    *perform* performs flows at a login host, without a session.
    """

    def __init__(self, login: Login, perform: Callable[[Flow[Any]], Any], version: str | None) -> None:
        self._login = login
        self._perform = perform
        self._session: Session | None = None
        self._version = version
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The API version: as given, else the newest that both the org and this package know."""
        if self._version is None:
            offered: str = self._perform(rest.newest_version(self.session().instance_url))
            self._version = min(offered, NEWEST_TESTED_VERSION, key=float)
        return self._version

    def session(self) -> Session:
        with self._lock:
            if self._session is None:
                self._open()
            assert self._session is not None
            return self._session

    def _open(self) -> None:
        self._session, self._login = open_session(self._login, self._perform)

    def url(self, request: Addressed) -> str:
        return self.session().instance_url + filled(request, self.version)

    def headers(self, request: Addressed) -> dict[str, str]:
        assert isinstance(request, Request)
        mine = {headers.ACCEPT_ENCODING: "gzip"}
        token = self.session().access_token
        if request.auth is Auth.BULK1:
            mine[headers.SESSION] = token
        elif request.auth is Auth.BEARER:
            mine[headers.AUTHORIZATION] = f"Bearer {token}"
        return {**mine, **request.headers}

    def renew(self, refused: Mapping[str, str]) -> bool:
        if isinstance(self._login, AccessToken):
            return False  # the caller gave a token; only the caller can give another
        with self._lock:
            sent = refused.get(headers.SESSION) or refused.get(headers.AUTHORIZATION, "").removeprefix("Bearer ")
            if self._session is not None and self._session.access_token == sent:
                self._open()
            return True

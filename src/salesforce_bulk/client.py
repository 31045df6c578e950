"""The front door: ``connect()`` opens an org.

What stands here so far carries the old face and its local counterpart: logging in, performing the flows of Bulk API 1.0,
renewing the session. The verbs that load and query whole tables move in next.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self, TypeVar

from .engine.drive import Clock, Driver, Fetched
from .errors import UsageError
from .logins import AccessToken, Login
from .options import DEFAULT_OPTIONS, TransportOptions
from .protocol.login import log_in
from .protocol.messages import Auth, Flow, Reply, Request
from .session import DEFAULT_API_VERSION, Access, Addressed, Session, checked_version, filled
from .transport.base import Transport
from .wire import headers

T = TypeVar("T")


class _LoginHost(Access):
    """For requests that go to a login host: no session yet, and none is sent."""

    def url(self, request: Addressed) -> str:
        assert isinstance(request, Request)
        assert request.base is not None
        return request.base + request.path

    def headers(self, request: Addressed) -> dict[str, str]:
        return dict(request.headers)

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002 -- there is nothing to renew
        return False


class SessionAccess(Access):
    """A session that is opened when it is first needed and opened anew, once for all threads, when the org ends it."""

    def __init__(self, login: Login, host: Org, version: str) -> None:
        self._login = login
        self._host = host
        self._session: Session | None = None
        self._lock = threading.Lock()
        self.version = version

    def session(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = self._host.perform(log_in(self._login))
            return self._session

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
                self._session = self._host.perform(log_in(self._login))
            return True


class Org:
    """An org that requests can be made of. A context manager; safe to share between threads."""

    def __init__(self, access: Access, driver: Driver) -> None:
        self._access = access
        self._driver = driver

    def perform(self, flow: Flow[T]) -> T:
        """Run a flow of ``salesforce_bulk.protocol`` and return its result."""
        return self._driver.perform(flow)

    def call(self, request: Request) -> Reply:
        """Make one request and read its whole answer."""
        return self._driver.call(request)

    def stream(self, request: Request) -> Iterator[bytes]:
        """Make one GET request; its body in pieces, in constant memory. Breaking off costs a re-fetch, not the rows."""
        return self._driver.stream(request)

    def fetch(self, request: Request) -> Fetched:
        """Make one GET request and read the head of its answer; the body as by :meth:`stream`."""
        return self._driver.fetch(request)

    def close(self) -> None:
        """Give up the connections. The session stays valid: other programs may share it."""
        self._driver.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Org {getattr(self._access, 'version', '')}>"


def _network(options: TransportOptions) -> Transport:
    # Imported when it is first needed: it is two thirds of the time that importing us would take.
    from .transport.http import HttpTransport

    return HttpTransport(options)


def open_org(
    access: Access | None,
    options: TransportOptions = DEFAULT_OPTIONS,
    *,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> Org:
    """An org by an access of one's own; by ``None``, the login hosts, which need no session."""
    access = access or _LoginHost()
    return Org(access, Driver(access, transport or _network(options), options, clock or Clock()))


def connect(
    *,
    login: Login,
    api_version: str = DEFAULT_API_VERSION,
    options: TransportOptions = DEFAULT_OPTIONS,
    transport: Transport | None = None,
    clock: Clock | None = None,
) -> Org:
    """Open an org.

    Args:
        login: How to log in: ``AccessToken``, ``ClientCredentials``, ``Password`` or ``OAuthPassword``. The login itself
            happens at the first request.
        api_version: Such as ``"66.0"``; one version serves a job for its whole life.
        options: Time limits and tries of one exchange.
        transport: Something else than the network, for tests.
        clock: Something else than real time, for tests.

    Raises:
        UsageError: The call cannot be right; nothing was sent.
    """
    if not isinstance(login, Login):
        raise UsageError(f"login takes one of the records of salesforce_bulk.logins, not {type(login).__name__}.")
    transport = transport or _network(options)
    host = open_org(None, options, transport=transport, clock=clock)
    access = SessionAccess(login, host, checked_version(api_version))
    return open_org(access, options, transport=transport, clock=clock)

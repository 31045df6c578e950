"""HTTP, by the one HTTP library of this package. Its exceptions become ours here, and keep their cause."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import urlsplit

import httpx2

from ..__version__ import __version__
from ..errors import AnswerLost, AnswerMalformed, ConnectFailed, UsageError
from ..options import DEFAULT_OPTIONS, TransportOptions
from ..records import PIECE_BYTES
from ..session import masked
from ..wire import headers as names
from .base import Outgoing
from .inflate import deflated, inflated

#: An idle connection is given up after this time: servers close idle ones after about a minute, and a request that meets
#: the closing is a request whose fate is unknown.
IDLE_SECONDS: Final = 20.0

_USER_AGENT: Final = f"salesforce-bulk/{__version__} Python/{platform.python_version()}"

_NEVER_LEFT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class HttpTransport:
    """A pool of connections: timeouts on everything, certificates checked, proxies from the environment.

    Redirects are not followed and cookies are not kept, so a token goes nowhere but where it is addressed.
    """

    def __init__(self, options: TransportOptions = DEFAULT_OPTIONS) -> None:
        self._options = options
        self._clients: dict[bool, httpx2.Client] = {}
        self._lock = threading.Lock()
        #: A server has refused a body whose length was not said beforehand.
        self._says_lengths = False

    def _pool(self, url: str) -> httpx2.Client:
        tls = not url.startswith("http:")
        with self._lock:
            if tls not in self._clients:
                self._clients[tls] = _client(self._options, tls=tls)
            return self._clients[tls]

    def send(self, outgoing: Outgoing) -> HttpIncoming:
        where = f"{outgoing.method} {masked(outgoing.url)}"
        headers, content = self._body(outgoing)
        client = self._pool(outgoing.url)
        try:
            request = client.build_request(outgoing.method, outgoing.url, headers=headers, content=content)
            response = client.send(request, stream=True)
        except _NEVER_LEFT as error:
            raise ConnectFailed(
                f"{where}: no connection to {urlsplit(outgoing.url).netloc} ({_reason(error)}).\nNothing was sent.\n"
                "Check the address, the network and the proxy settings, then try again."
            ) from error
        except (httpx2.InvalidURL, httpx2.LocalProtocolError) as error:
            raise UsageError(f"{where} cannot be sent ({_reason(error)}).\nNothing was applied.") from error
        except UnicodeError as error:
            if not _is_of_the_head(error):
                raise
            raise UsageError(
                f"{where} cannot be sent: its host or a header has characters that none can have.\nNothing was applied."
            ) from error
        except httpx2.TransportError as error:
            raise AnswerLost(
                f"{where}: the request was sent and no answer came ({_reason(error)}).\n"
                + _perhaps_applied(outgoing.method)
            ) from error
        if (
            response.status_code == 411
            and outgoing.body is not None
            and not self._says_lengths
            and not outgoing.body.spent
        ):
            # "Length Required": whether every org and every proxy takes a body of unknown length is recorded nowhere.
            response.close()
            self._says_lengths = True
            return self.send(outgoing)
        return HttpIncoming(response, outgoing.method, where)

    def _body(self, outgoing: Outgoing) -> tuple[dict[str, str], Iterator[bytes] | None]:
        headers = {"User-Agent": _USER_AGENT, names.ACCEPT: "*/*", **outgoing.headers}
        body = outgoing.body
        if body is None:
            return headers, None
        # A ZIP batch is compressed already; the vendor's own client leaves it as it is (Bulk 1.0 reference, 1.4).
        wanted = body.compress if self._options.compress is None else self._options.compress
        if wanted and not headers.get(names.CONTENT_TYPE, "").startswith("zip/"):
            headers[names.CONTENT_ENCODING] = "gzip"
            if not self._says_lengths:
                return headers, deflated(body.pieces())
            packed = TemporaryFile()  # noqa: SIM115 -- closed with the pieces
            for piece in deflated(body.pieces()):
                packed.write(piece)
            headers[names.CONTENT_LENGTH] = str(packed.tell())
            return headers, _of_file(packed)
        if body.length is not None:
            headers[names.CONTENT_LENGTH] = str(body.length)
        return headers, body.pieces()

    def close(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()


def _client(options: TransportOptions, *, tls: bool) -> httpx2.Client:
    client = httpx2.Client(
        # Reading the machine's certificates takes 20 to 35 ms, which http to this machine itself has no use for.
        verify=tls,
        timeout=httpx2.Timeout(
            connect=options.connect_seconds,
            read=options.read_seconds,
            write=options.write_seconds,
            pool=options.read_seconds,
        ),
        limits=httpx2.Limits(
            max_connections=options.connections,
            max_keepalive_connections=options.connections,
            keepalive_expiry=IDLE_SECONDS,
        ),
        follow_redirects=False,
        # No proxy can reach this machine's own loopback addresses for us.
        mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Only what we say is sent; above all no Accept-Encoding that we do not ask for.
    client.headers.clear()
    return client


def _of_file(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(PIECE_BYTES):
            yield piece


class HttpIncoming:
    """An answer whose head has arrived."""

    def __init__(self, response: httpx2.Response, method: str, where: str) -> None:
        self._response = response
        self._method = method
        self._where = where
        self.status: int = response.status_code
        self.headers: dict[str, str] = {name.lower(): value for name, value in response.headers.items()}

    def pieces(self) -> Iterator[bytes]:
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            if self._method == "GET":
                return inflated(self._raw())
            # The request was answered, so it may have been acted on: what is damaged is the answer, not the asking.
            return inflated(self._raw(), repeatable=False, advice=_perhaps_applied(self._method))
        if encoding in ("identity", ""):
            return self._raw()
        raise AnswerMalformed(
            f"{self._where} was answered in the encoding {encoding!r}, which was not asked for.\n"
            "What the answer says is unknown.\nA proxy on the way may have changed it.",
            status_code=self.status,
        )

    def _raw(self) -> Iterator[bytes]:
        try:
            yield from self._response.iter_raw()
        except httpx2.TransportError as error:
            raise AnswerLost(
                f"{self._where}: the answer broke off ({_reason(error)}).\n" + _perhaps_applied(self._method),
                repeatable=self._method == "GET",
            ) from error

    def close(self) -> None:
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_of_the_head(error: UnicodeError) -> bool:
    """Host names are encoded as IDNA and headers as ASCII; whatever else cannot be encoded is the maker's of the body."""
    return getattr(error, "encoding", "idna") in ("ascii", "idna")


def _perhaps_applied(method: str) -> str:
    if method == "GET":
        return "Nothing was changed.\nAsk again."
    return "The org may have acted on it.\nLook at the job before sending it again."


def _reason(error: Exception) -> str:
    text = masked(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

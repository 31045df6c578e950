"""HTTP, by the one HTTP library of this package. Its exceptions become ours here, and keep their cause."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Final, Literal, Self
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
#: A body of so many bytes travels in one round trip as it is (ten segments, RFC 6928), so gzip would not make it faster.
SMALL_BYTES: Final = 14_000
#: A body of so many bytes is compressed before it is sent, so that its length can be said; a larger one while it is sent.
HELD_BYTES: Final = 1024 * 1024
#: Ways to send a body that not every server may take: compressed, and without its length.
_Way = Literal["gzip", "open"]
_WAYS: Final[tuple[_Way, ...]] = ("gzip", "open")
#: What a server answers that does not take one of them ("Length Required", "Unsupported Media Type", "Not Implemented"; "Bad
#: Request" is what some say to all that they cannot read).
_NOT_TAKEN: Final[Mapping[int, tuple[_Way, ...]]] = {400: _WAYS, 411: ("open",), 415: ("gzip",), 501: _WAYS}

_USER_AGENT: Final = f"salesforce-bulk/{__version__} Python/{'.'.join(map(str, sys.version_info[:3]))}"

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
        #: Which ways to send a body the server was seen to take, and which not.
        self._takes: dict[_Way, bool] = {}

    def _pool(self, url: str) -> httpx2.Client:
        tls = not url.startswith("http:")
        with self._lock:
            if tls not in self._clients:
                self._clients[tls] = _client(self._options, tls=tls)
            return self._clients[tls]

    def send(self, outgoing: Outgoing) -> HttpIncoming:
        """See :class:`Transport`. Whether every org and every proxy takes a body that is compressed, or of unknown length, is
        recorded nowhere, so one that is refused for what may be that is sent once more in the plainer way. After no answer,
        or one that the server is at fault, whoever repeats the request goes the plainer way, too.
        """
        ways = {way for way in _WAYS if self._takes.get(way, True)}
        given_up: set[_Way] = set()
        while True:
            headers, content, sent = self._body(outgoing, ways)
            try:
                incoming = self._send(outgoing, headers, content)
            except AnswerLost:
                self._doubt(sent)
                raise
            doubtful = {way for way in _NOT_TAKEN.get(incoming.status, ()) if way in sent and not self._takes.get(way)}
            if doubtful and outgoing.body is not None and not outgoing.body.spent:
                # Not acted on, so nothing is sent twice; a refusal that means something else comes again.
                incoming.close()
                ways -= doubtful
                given_up |= doubtful
                continue
            if incoming.status < 300:
                self._takes.update({**dict.fromkeys(sent, True), **dict.fromkeys(given_up, False)})
            elif incoming.status >= 500:
                self._doubt(sent)
            return incoming

    def _doubt(self, ways: Iterable[_Way]) -> None:
        for way in ways:
            self._takes.setdefault(way, False)

    def _send(self, outgoing: Outgoing, headers: dict[str, str], content: Iterator[bytes] | None) -> HttpIncoming:
        where = f"{outgoing.method} {masked(outgoing.url)}"
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
        return HttpIncoming(response, outgoing.method, where)

    def _body(self, outgoing: Outgoing, ways: set[_Way]) -> tuple[dict[str, str], Iterator[bytes] | None, set[_Way]]:
        """Headers, body, and which of *ways* are gone with it."""
        headers = {"User-Agent": _USER_AGENT, names.ACCEPT: "*/*", **outgoing.headers}
        body = outgoing.body
        if body is None:
            return headers, None, set()
        pieces, length, sent = body.pieces(), body.length, set[_Way]()
        wanted = self._options.compress
        if wanted is None:
            wanted = body.compress and (length is None or length > SMALL_BYTES)
        # A ZIP batch is compressed already; the vendor's own client leaves it as it is (Bulk 1.0 reference, 1.4).
        is_held = length is not None and length <= HELD_BYTES
        if wanted and "gzip" in ways and not headers.get(names.CONTENT_TYPE, "").startswith("zip/"):
            headers[names.CONTENT_ENCODING] = "gzip"
            sent.add("gzip")
            pieces, length = deflated(pieces), None
        if length is None and (is_held or "open" not in ways):
            file = BytesIO() if is_held else TemporaryFile()  # noqa: SIM115 -- closed with the pieces
            for piece in pieces:
                file.write(piece)
            pieces, length = _of_file(file), file.tell()
        if length is None:
            sent.add("open")
        else:
            headers[names.CONTENT_LENGTH] = str(length)
        return headers, pieces, sent

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

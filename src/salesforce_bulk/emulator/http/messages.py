"""A request as it came in, and a reply as it should go out."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Any, Literal
from urllib.parse import parse_qsl

#: Bodies above this many bytes are held on disk.
SPOOL_BYTES = 1_000_000
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::\d*)?", re.ASCII)


class Body:
    """A request body, already received and inflated; on disk when large."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        #: The body is longer than the server keeps; what is over the limit was dropped.
        self.exceeded = False
        #: ``Content-Encoding`` names something other than gzip; the bytes are as they came.
        self.unknown_encoding = False
        #: The gzip stream is broken.
        self.damaged = False
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 -- closed with the request

    def add(self, data: bytes) -> None:
        if self.size + len(data) > self.limit:
            self.exceeded = True
            data = data[: max(0, self.limit - self.size)]
        self.size += len(data)
        self._file.write(data)

    def open(self) -> IO[bytes]:
        self._file.seek(0)
        return self._file

    def read(self) -> bytes:
        return self.open().read()

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class Request:
    method: str
    target: str
    path: str
    query: str
    headers: dict[str, str]
    body: Body
    http_version: str = "1.1"
    #: How the body travelled: "chunked", "length" or "none".
    framing: str = "none"
    #: Filled in by the router: what was asked for, as ``local_org.requests()`` counts it.
    operation: str = "unknown"
    #: Filled in by an API when it has looked at the session: the user who asks.
    user_id: str = ""

    def header(self, name: str, default: str = "") -> str:
        """The value of a header; names match in any case."""
        return self.headers.get(name.lower(), default)

    def mime(self) -> str:
        """``Content-Type`` without parameters, in lower case."""
        return self.header("content-type").split(";")[0].strip().lower()

    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.read().decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def host(self) -> str:
        """The name in ``Host``, in small letters and without its port; of an IPv6 address with its brackets."""
        found = _HOST.fullmatch(self.header("host").strip().lower())
        return found[1] if found else ""

    def wants_gzip(self) -> bool:
        """Guide, "Use Compression for Responses": gzip is the only encoding served; others are ignored."""
        for entry in self.header("accept-encoding").lower().split(","):
            name, _, weight = entry.partition(";")
            if name.strip() == "gzip":
                return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
        return False

    def wants_pretty(self) -> bool:
        return self.header("x-prettyprint") in {"1", "true"}


@dataclass(frozen=True, slots=True)
class Cut:
    """A reply that does not come to its end: after *bytes* of it the connection is reset, or nothing more is sent.

    However short the reply, its last bytes are held back, so it never is complete.
    """

    bytes: int
    then: Literal["reset", "stall"]


@dataclass(slots=True)
class Reply:
    status: int
    body: bytes | Iterable[bytes] = b""
    content_type: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    close: bool = False
    #: The body leaves as it is: compressed already, or not to be.
    raw: bool = False
    #: What ``Content-Length`` says, where that is not the truth. For a body of bytes.
    said_length: int | None = None
    cut: Cut | None = None

    def whole(self) -> bytes:
        """The body in one piece, produced if need be."""
        if not isinstance(self.body, bytes):
            self.body = b"".join(self.body)
        return self.body


def json_reply(value: Any, status: int = 200, *, pretty: bool = False) -> Reply:
    text = json.dumps(
        value, ensure_ascii=False, indent=2 if pretty else None, separators=None if pretty else (",", ":")
    )
    return Reply(status, text.encode(), "application/json;charset=UTF-8")

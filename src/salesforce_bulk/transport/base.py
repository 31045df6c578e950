"""The one thing a transport does: send a request, and hand back what comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from types import TracebackType
from typing import Protocol, Self

from ..frozen import frozen
from ..records import Body


@frozen
class Outgoing:
    """A request with its address and credentials. The repr shows neither headers nor body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Body | None = field(default=None, repr=False)


class Incoming(Protocol):
    """An answer whose head has arrived. Header names are lower-case; close it, or use it in a ``with`` statement."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    def pieces(self) -> Iterator[bytes]:
        """The body, inflated, in pieces as they arrive. A body that ends too early raises AnswerLost."""

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Transport(Protocol):
    def send(self, outgoing: Outgoing) -> Incoming:
        """Send and wait for the head of the answer. ConnectFailed: nothing was sent. AnswerLost: perhaps applied."""

    def close(self) -> None: ...

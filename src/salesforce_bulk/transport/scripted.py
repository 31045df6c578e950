"""A transport that plays a list of replies, for tests: no socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from ..errors import SalesforceBulkError
from .base import Outgoing


@dataclass(slots=True)
class Scripted:
    """One answer: a status, headers and pieces of a body. An exception among the pieces is raised at its place."""

    status: int = 200
    body: Iterable[bytes | SalesforceBulkError] | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def pieces(self) -> Iterator[bytes]:
        for piece in (self.body,) if isinstance(self.body, bytes) else self.body:
            if isinstance(piece, SalesforceBulkError):
                raise piece
            yield piece

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


@dataclass(slots=True)
class Sent:
    """A request as it went out, with its body."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


class ScriptedTransport:
    """Answers the n-th request with the n-th entry, or raises it, and remembers what was sent."""

    def __init__(self, answers: Iterable[Scripted | SalesforceBulkError]) -> None:
        self._answers = iter(answers)
        self.sent: list[Sent] = []

    def send(self, outgoing: Outgoing) -> Scripted:
        body = b"".join(outgoing.body.pieces()) if outgoing.body is not None else b""
        self.sent.append(Sent(outgoing.method, outgoing.url, dict(outgoing.headers), body))
        try:
            answer = next(self._answers)
        except StopIteration:
            raise AssertionError(f"nobody scripted an answer to {outgoing.method} {outgoing.url}") from None
        if isinstance(answer, SalesforceBulkError):
            raise answer
        return answer

    def close(self) -> None:
        pass

"""Who answers what: the rows of a routing table, and the areas of the URL space that have one each."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .messages import Reply, Request

Handler = Callable[..., Reply]
#: (operation, method, path, handler), as the routing table of REST takes them up.
Call = tuple[str, str, str, Handler]


@dataclass(frozen=True)
class Route:
    """*operation* is the name under which requests are counted and faults are planned."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(operation: str, method: str, path: str, handler: Handler) -> Route:
    """A row of a routing table. ``{name}`` stands for one path segment; a trailing slash is accepted everywhere."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path.rstrip("/")))
    return Route(operation, method, re.compile(pattern + "/?", re.IGNORECASE), handler)


class Area(ABC):
    """A part of the URL space with its own manner of saying no."""

    prefix: str = "/"
    routes: Sequence[Route] = ()
    #: No part of the org: its requests are not counted, not written down, and meet no planned faults.
    beside: bool = False

    @abstractmethod
    def not_found(self, request: Request) -> Reply:
        """What to say to a path that is none."""

    @abstractmethod
    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        """What to say to a method that the path does not take."""

    @abstractmethod
    def failed(self, request: Request, error: Exception) -> Reply:
        """What to say after a fault of our own."""

    def before(self, request: Request) -> Reply | None:
        """A check common to all calls; a reply ends it there."""
        return None

"""What travels: requests, replies, and the steps of a flow.

A flow is a generator. It yields steps and receives their answers; it has no socket, no clock and no sleep of its own, so
that it can be performed, awaited, or played in a test.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from ..frozen import frozen
from ..records import Body
from ..wire import paths

if TYPE_CHECKING:
    from ..facts import Fact


class Auth(Enum):
    """How a request says who is asking."""

    BULK1 = "X-SFDC-Session"
    BEARER = "Authorization"
    NONE = "none"


@frozen
class Request:
    """One request, without address or credentials: those are added when it is sent.

    ``name`` is what the table of repeatable requests knows it by; ``path`` is a template of ``wire.paths``, filled from
    ``ids`` and the session's API version. ``base`` is set where a request goes to a login host instead of the org.
    """

    name: str
    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Body | None = None
    #: The query of the URL.
    params: Mapping[str, str] = field(default_factory=dict)
    auth: Auth = Auth.BULK1
    base: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix(paths.ASYNC).format_map({'version': '...', **self.ids})}"


@frozen
class Reply:
    """A whole answer. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    #: An earlier try of the call, whose answer was lost, may have been acted on.
    is_doubtful: bool = False

    @property
    def content_type(self) -> str:
        """The media type alone: parameters are never compared, for some replies carry a charset and some do not."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@frozen
class Call:
    """Send *request*; the answer is a :class:`Reply` that says yes. A no, or no answer, is raised into the flow."""

    request: Request


@frozen
class Pause:
    """Wait; the answer is the number of seconds that have passed since the flow began."""

    seconds: float


@frozen
class Note:
    """Write *fact* down, where a journal is kept: it is on the disk before the next step. The answer is nothing."""

    fact: Fact


@frozen
class LastWord:
    """Send *request*, also when the work is to be left where it is, for what it is about should not stay as it is. Then it is
    tried once. The answer is nothing: that nobody heard it changes nothing."""

    request: Request


class Stopped(Exception):
    """Raised in a flow in the place of an answer: the work is to be left where it is. Not one of our errors, so no flow takes
    it for an answer. ``has_begun``: the step may have had its effect."""

    def __init__(self, *, has_begun: bool = False) -> None:
        super().__init__("the work is left where it is")
        self.has_begun = has_begun


Step: TypeAlias = Call | Pause | Note | LastWord
T = TypeVar("T")
#: ``Any`` is what a step is answered with: a Reply for a Call, seconds for a Pause, None for a Note.
Flow: TypeAlias = Generator[Step, Any, T]

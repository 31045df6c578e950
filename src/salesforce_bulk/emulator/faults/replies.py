"""What the faults of requests do. Each is a function of the scene: it performs the request, or not, and gives a reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from salesforce_bulk.wire import headers

from ..http.messages import Cut, Reply, Request
from ..http.routing import Area
from ..login.sessions import Sessions
from . import damage, refusals

#: No session has this token.
DEAD_TOKEN: Final = "00DLo0000000001!dead"  # noqa: S105
ELSEWHERE: Final = "https://elsewhere.example.com"


@dataclass
class Scene:
    """A request that meets a fault."""

    request: Request
    perform: Callable[[], Reply]
    area: Area
    sessions: Sessions
    #: The number at the end of the fault's name.
    number: int | None
    #: The org acts on the request, and answers something else.
    applied: bool
    to: str | None
    #: Differs from scene to scene, and is always the same for the same plan.
    seed: int
    #: False when the fault found nothing to spoil: the reply is as it should be.
    met: bool = field(default=True, init=False)


Act = Callable[[Scene], Reply]


def _resets_before(scene: Scene) -> Reply:
    return Reply(0, cut=Cut(0, "reset"))


def _resets_after(scene: Scene) -> Reply:
    reply = scene.perform()
    reply.cut = Cut(scene.number or 0, "reset")
    return reply


def _stalls(scene: Scene) -> Reply:
    reply = scene.perform()
    reply.cut = Cut(scene.number or 0, "stall")
    return reply


def _answers(make: Callable[[Scene], Reply]) -> Act:
    """Another answer in the place of the real one. Nothing is applied, unless the plan says so."""

    def act(scene: Scene) -> Reply:
        if scene.applied:
            scene.perform()
        return make(scene)

    return act


def _spoils(spoil: Callable[[Scene, Reply], bool]) -> Act:
    """The real answer, made wrong. Refusals are left alone."""

    def act(scene: Scene) -> Reply:
        reply = scene.perform()
        scene.met = reply.status < 300 and spoil(scene, reply)
        return reply

    return act


def _with_retry_after(make: Callable[[Request], Reply]) -> Act:
    def make_it(scene: Scene) -> Reply:
        reply = make(scene.request)
        if scene.number is not None:
            reply.headers.append((headers.RETRY_AFTER, str(scene.number)))
        return reply

    return _answers(make_it)


def _too_many(scene: Scene) -> Reply:
    reply = refusals.bare(429)
    reply.headers.append((headers.RETRY_AFTER, str(1 if scene.number is None else scene.number)))
    return reply


def _redirects(scene: Scene) -> Reply:
    location = (scene.to or ELSEWHERE) + scene.request.target
    return Reply(scene.number or 302, b"", None, [(headers.LOCATION, location)])


def _truncates_gzip(scene: Scene, reply: Reply) -> bool:
    return scene.request.wants_gzip() and damage.truncate_gzip(reply)


def _ends_session(scene: Scene) -> Reply:
    """The session of this request ends, and the org says so in the words of the API."""
    token = _token(scene.request)
    if not token:
        scene.met = False
    else:
        scene.sessions.revoke(token)
    return scene.perform()


def _refuses_session(scene: Scene) -> Reply:
    """As if the session had ended, once: the same token is good for the next request."""
    said = scene.request.headers
    if not _token(scene.request):
        scene.met = False
    if "authorization" in said:
        said["authorization"] = f"Bearer {DEAD_TOKEN}"
    if "x-sfdc-session" in said:
        said["x-sfdc-session"] = DEAD_TOKEN
    return scene.perform()


def _token(request: Request) -> str:
    return request.header("x-sfdc-session").strip() or request.header("authorization").partition(" ")[2].strip()


@dataclass(frozen=True)
class Kind:
    """*requests*: names, or beginnings of names, of those that can meet it; empty: all. *counts*: what its number means."""

    act: Act
    requests: tuple[str, ...] = ()
    counts: str = ""

    def can_meet(self, operation: str) -> bool:
        return not self.requests or operation.startswith(self.requests)


_JSON: Final = ("rest.", "query2.", "ingest2.", "collections.", "record.")
_WITH_SESSION: Final = (*_JSON, "bulk1.")
_RESULTS: Final = (
    "query2.results", "ingest2.successful_results", "ingest2.failed_results", "ingest2.unprocessed_records",
    "bulk1.batch_result", "bulk1.query_result",
)  # fmt: skip
_REST_QUERIES: Final = ("rest.query",)
_COUNTED: Final = (
    "query2.results", "query2.get_job", "ingest2.get_job", "bulk1.get_job", "bulk1.get_batch", "bulk1.list_batches",
    *_REST_QUERIES,
)  # fmt: skip


def _status(status: int) -> dict[str, Kind]:
    return {
        f"{status}-html": Kind(_answers(lambda scene: refusals.page(status))),
        f"{status}-empty": Kind(_answers(lambda scene: refusals.bare(status))),
    }


KINDS: Final[dict[str, Kind]] = {
    "reset-before": Kind(_resets_before),
    "reset-after": Kind(_resets_after, counts="bytes"),
    "stall": Kind(_stalls),
    "stall-after": Kind(_stalls, counts="bytes"),
    "truncated": Kind(_spoils(lambda scene, reply: damage.truncate(reply, None))),
    "truncated-after": Kind(_spoils(lambda scene, reply: damage.truncate(reply, scene.number)), counts="bytes"),
    "truncated-gzip": Kind(_spoils(_truncates_gzip)),
    "lying-length": Kind(_spoils(lambda scene, reply: damage.lie_about_length(reply, more=True))),
    "lying-length-short": Kind(_spoils(lambda scene, reply: damage.lie_about_length(reply, more=False))),
    "garbled": Kind(_spoils(lambda scene, reply: damage.garble(reply, scene.seed))),
    "html": Kind(_answers(lambda scene: Reply(200, refusals.LOGIN_PAGE.encode(), "text/html; charset=UTF-8"))),
    "redirect": Kind(_answers(_redirects), counts="status"),
    "429": Kind(_answers(_too_many), counts="seconds"),
    "500": Kind(_answers(lambda scene: scene.area.failed(scene.request, RuntimeError("a planned fault")))),
    "502": Kind(_answers(lambda scene: refusals.page(502))),
    "503": Kind(_with_retry_after(refusals.unavailable), counts="seconds"),
    "504": Kind(_answers(lambda scene: refusals.page(504))),
    **{name: kind for status in (406, 420, 429, 500, 502, 503, 504) for name, kind in _status(status).items()},
    "request-limit": Kind(_answers(lambda scene: refusals.limit(scene.request, refusals.REQUEST_LIMIT))),
    "concurrent-limit": Kind(_answers(lambda scene: refusals.limit(scene.request, refusals.CONCURRENT_LIMIT))),
    "session-expired": Kind(_ends_session, _WITH_SESSION),
    "session-refused": Kind(_refuses_session, _WITH_SESSION),
    "unauthorized-for-good": Kind(_answers(lambda scene: refusals.unauthorized(refusals.NOT_FOR_REST)), _JSON),
    "unauthorized-agent": Kind(_answers(lambda scene: refusals.unauthorized(refusals.NOT_ATTACHED)), _JSON),
    "wrong-count": Kind(_spoils(lambda scene, reply: damage.miscount(reply)), _COUNTED),
    "missing-locator": Kind(_spoils(lambda scene, reply: damage.lose_locator(reply)), ("query2.results",)),
    "malformed-csv": Kind(_spoils(lambda scene, reply: damage.break_quotes(reply)), _RESULTS),
    "short-page": Kind(_spoils(lambda scene, reply: damage.lose_last_row(reply)), (*_RESULTS, *_REST_QUERIES)),
}  # fmt: skip

#: What a client should get over by asking again: the choice of ``"passing"``.
PASSING: Final = (
    "reset-before", "reset-after", "reset-after-64k", "truncated-gzip", "lying-length", "502", "503-html", "429"
)  # fmt: skip

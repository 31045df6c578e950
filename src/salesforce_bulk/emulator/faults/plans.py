"""Which request or work meets which fault, and how often it was met."""

from __future__ import annotations

import json
import random
import re
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from ..http.messages import Reply, Request
from ..http.routing import Area
from ..login.sessions import Sessions
from .replies import KINDS, PASSING, Scene
from .work import NO_FAULT, WORK, WORK_COUNTS, WORK_NAMES, WorkFault, work_fault

_UNITS: Final = {"": 1, "k": 1_024, "m": 1_024 * 1_024}
#: Short names, which mean requests of 2.0.
_FAMILIES: Final = {"query": "query2", "ingest": "ingest2"}
#: Named by what stands in its body; the routing table has it under the name of the other.
ABORT: Final = "ingest2.abort_job"
_CLOSE: Final = "ingest2.upload_complete"
#: A look at these is a look at the job or batch whose id stands last in the path.
_LOOKS: Final = frozenset(
    {"ingest2.get_job", "query2.get_job", "bulk1.get_job", "bulk1.get_batch", "bulk1.list_batches"}
)
_ID: Final = re.compile(r"(?<=/)(\w{15})(?:\w{3})?(?=/|$)", re.ASCII)


def full_name(name: str) -> str:
    """``query.results`` is ``query2.results``, ``ingest.upload`` is ``ingest2.upload``."""
    first, dot, rest = name.partition(".")
    return f"{_FAMILIES.get(first, first)}{dot}{rest}"


@dataclass(frozen=True)
class Met:
    """A fault that came to pass."""

    #: Of the request or the work.
    name: str
    fault: str
    #: The path of the request, or the id of the job or batch.
    target: str


@dataclass(eq=False)
class Planned:
    request: str
    faults: tuple[str, ...]
    times: int | None
    after: int
    chance: float | None
    seed: int
    matching: str | None
    applied: bool
    to: str | None
    #: How often it came to pass.
    met: int = field(default=0, init=False)
    _taken: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False)
    _drawn: Counter[str] = field(default_factory=Counter, init=False)

    def __str__(self) -> str:
        return (
            f"{self.request} {'|'.join(self.faults)}: met {self.met} of {'any' if self.times is None else self.times}"
        )

    @property
    def is_open(self) -> bool:
        """It has a time yet to come."""
        return self.chance is None and self.met < (1 if self.times is None else self.times)

    def take(self, name: str, able: Callable[[str], bool], text: Callable[[], str]) -> str | None:
        """The fault that request or work *name* is to meet. One that was taken counts, until it is given back."""
        if not fnmatchcase(name, self.request) or (self.times is not None and self._taken >= self.times):
            return None
        faults = [fault for fault in self.faults if able(fault)]
        if not faults or (self.matching is not None and self.matching not in text()):
            return None
        if self._passed < self.after:
            self._passed += 1
            return None
        if self.chance is not None:
            # By the number of the request among those of its name: threads that overtake each other change nothing.
            self._drawn[name] += 1
            dice = random.Random(f"{self.seed} {name} {self._drawn[name]}")  # noqa: S311 -- not for secrets
            if dice.random() >= self.chance:
                return None
            faults = [dice.choice(faults)]
        self._taken += 1
        return faults[0]

    def give_back(self) -> None:
        self._taken -= 1


@dataclass
class _Held:
    """Work that goes on when it has been looked at often enough."""

    ids: frozenset[str]
    looks: int
    go: Callable[[], None]


class Faults:
    """``local_org.faults``: what is to go wrong, and what did.

    Safe to share between threads. Nothing is planned in a new org, and ``local_org.reset()`` forgets all plans.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._requests: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._plans: list[Planned] = []
        self._held: list[_Held] = []
        self._work: dict[str, WorkFault] = {}
        self._met: list[Met] = []

    def __repr__(self) -> str:
        return f"<Faults: {len(self._plans)} planned, {len(self._met)} met>"

    def know(self, requests: Iterable[str]) -> None:
        """The names of all requests that there are."""
        self._requests = frozenset(requests) | {ABORT}

    # --- planning -----------------------------------------------------------------------------------------------------

    def plan(
        self,
        request: str,
        fault: str | Sequence[str],
        *,
        times: int | None = None,
        after: int = 0,
        chance: float | None = None,
        seed: int = 0,
        matching: str | None = None,
        applied: bool = False,
        to: str | None = None,
    ) -> Planned:
        """From now on, *request* meets *fault*. Plans are looked at in the order in which they were made.

        Args:
            request: A name as ``local_org.requests(name)`` counts it, ``"*"`` for any, or a pattern (``"query2.*"``):

                - Bulk API 2.0: ingest2.create_job, .list_jobs, .get_job, .upload, .upload_complete, .abort_job, .delete_job,
                  .successful_results, .failed_results, .unprocessed_records; query2.create_job, .list_jobs, .get_job,
                  .abort_job, .delete_job, .results, .result_pages. ``ingest.`` and ``query.`` will do.
                - Bulk API 1.0: bulk1.create_job, .get_job, .update_job, .add_batch, .list_batches, .get_batch, .batch_request,
                  .batch_result, .query_result, .upload_spec, .schema
                - REST: rest.versions, .resources, .sobjects, .describe, .limits, .query, .query_more; collections.insert,
                  .update, .upsert, .delete, .retrieve
                - Login: login.soap; oauth.token, .revoke, .introspect, .userinfo, .identity
                - What the org does by itself: ingest2.job, query2.job, bulk1.batch, collections.save. Taken when the work
                  begins.
            fault: A kind, or several to be drawn from by *chance*, or ``"passing"`` for all that asking again gets over.
                N is a number, ``64k`` and ``1m`` are too.

                - The connection: ``reset-before`` (nothing is applied), ``reset-after`` (applied, the answer is lost),
                  ``reset-after-N`` (after N bytes of the answer, head included, and before its end), ``stall`` and
                  ``stall-after-N`` (nothing more comes, until the client gives up or the org stops).
                - The body: ``truncated`` (half), ``truncated-after-N`` (bytes), ``truncated-gzip`` (met by requests that accept
                  gzip), all in a frame that says it is complete; ``lying-length`` (Content-Length promises too much),
                  ``lying-length-short``, ``garbled``.
                - Another answer, instead of acting (see *applied*): ``500``, ``503``, ``503-N`` (Retry-After) in the words of
                  the API; ``502``, ``504`` as a page; ``429``, ``429-N`` (Retry-After, 1 without N); ``S-html`` and ``S-empty``
                  for S of 406, 420, 429, 500, 502, 503, 504; ``request-limit``, ``concurrent-limit``; ``html`` (200, a login
                  page); ``redirect``, ``redirect-N`` (302, or N; see *to*).
                - Sessions: ``session-expired`` (the session of this request ends), ``session-refused`` (this once),
                  ``unauthorized-for-good``, ``unauthorized-agent`` (401s that no new session helps; REST and 2.0).
                - Results: ``missing-locator`` (where there are more pages), ``malformed-csv`` (a quote is gone), ``short-page``
                  (a row is gone), ``wrong-count`` (headers and counters tell one row too many).
                - Work: ``job-failed``, ``job-failed-after-N`` and ``job-aborted``, ``job-aborted-after-N`` (rows; of a 1.0
                  batch: the batch, or its whole job), ``not-processed`` (a 1.0 batch), ``slow``, ``slow-N`` (as it is until
                  it was looked at N times, 3 without N), ``lock`` (of rows in one transaction that name the same parent,
                  all but the first are refused: UNABLE_TO_LOCK_ROW).
            times: How often; 1, or with *chance* for ever.
            after: So many requests pass first.
            chance: Between 0 and 1: each request meets the fault so often. Drawn anew by *seed*, by the number of the request
                among those of its name, so that threads do not change what is drawn. Such plans are never unmet.
            matching: A text that stands in the target or the body of the request; of work, in its operation, object and id
                (``"insert Contact 750…"``).
            applied: The org acts on the request before it answers something else.
            to: Where a redirect leads, without a path; by default to a host that there is not.

        Raises:
            ValueError: There is no such request or fault, or they cannot meet.
        """
        name = full_name(request)
        kinds = PASSING if fault == "passing" else (fault,) if isinstance(fault, str) else tuple(fault)
        for kind in kinds:
            _read_kind(kind)
        names = [known for known in self._requests | WORK_NAMES if fnmatchcase(known, name)]
        if not names:
            raise ValueError(
                f"There is no request {request!r}. There are {', '.join(sorted(self._requests | WORK_NAMES))}"
            )
        for kind in kinds:
            if not any(_can_meet(known, kind) for known in names):
                able = sorted(known for known in self._requests | WORK_NAMES if _can_meet(known, kind))
                raise ValueError(f"{request} cannot meet {kind!r}. What can: {', '.join(able)}")
        if len(kinds) > 1 and chance is None:
            raise ValueError("Several faults are drawn from by chance: say chance=")
        if chance is not None and not 0 <= chance <= 1:
            raise ValueError(f"chance is {chance}, and is between 0 and 1")
        if times is None and chance is None:
            times = 1
        planned = Planned(name, kinds, times, after, chance, seed, matching, applied, to)
        with self._lock:
            self._plans.append(planned)
        return planned

    def load(self, path: Path) -> list[Planned]:
        """Plan what stands in a file: a JSON list of objects, or TOML with a table ``[[faults]]`` each; members are the
        parameters of ``plan``.

        Raises:
            ValueError: The file, or a plan in it, cannot be used. Says which.
            OSError: It cannot be read.
        """
        planned = []
        for number, entry in enumerate(_read_entries(path), 1):
            try:
                planned.append(self.plan(**entry))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}: fault {number}: {error}") from error
        return planned

    @property
    def plans(self) -> list[Planned]:
        """All that is planned, in the order in which it was."""
        with self._lock:
            return list(self._plans)

    @property
    def met(self) -> list[Met]:
        """All that came to pass, in order."""
        with self._lock:
            return list(self._met)

    def unmet(self) -> list[Planned]:
        """The plans that have not come to pass as often as they should have."""
        with self._lock:
            return [planned for planned in self._plans if planned.is_open]

    def check(self) -> None:
        """Fail the test that planned a fault which nobody met."""
        if unmet := self.unmet():
            raise AssertionError(f"Planned and not met: {'; '.join(map(str, unmet))}")

    def clear(self) -> None:
        """Forget all plans, and what was met. Work that was held goes on."""
        with self._lock:
            held, self._held = self._held, []
            self._plans.clear()
            self._work.clear()
            self._met.clear()
        for one in held:
            one.go()

    # --- requests -----------------------------------------------------------------------------------------------------

    def around(self, request: Request, perform: Callable[[], Reply], area: Area) -> Reply:
        """Perform *request*, or have it meet what is planned for it. The one place where requests and faults come together."""
        if not self._plans and not self._held:
            return perform()
        name = _name_of(request)
        taken = self._take(name, lambda kind: name not in WORK_NAMES and _can_meet(name, kind), _text_of(request))
        if taken is None:
            reply = perform()
        else:
            planned, kind, number = taken
            scene = Scene(
                request,
                perform,
                area,
                self._sessions,
                _number(kind),
                planned.applied,
                planned.to,
                planned.seed + number,
            )
            reply = KINDS[_read_kind(kind)[0]].act(scene)
            self._settle(planned, Met(name, kind, request.path), came_to_pass=scene.met)
        self._looked_at(request)
        return reply

    def _take(self, name: str, able: Callable[[str], bool], text: Callable[[], str]) -> tuple[Planned, str, int] | None:
        with self._lock:
            for planned in self._plans:
                kind = planned.take(name, able, text)
                if kind is not None:
                    return planned, kind, planned.met
        return None

    def _settle(self, planned: Planned, met: Met, *, came_to_pass: bool) -> None:
        with self._lock:
            if not came_to_pass:
                planned.give_back()
            elif planned in self._plans:
                planned.met += 1
                self._met.append(met)

    # --- work ---------------------------------------------------------------------------------------------------------

    def begin(self, name: str, ids: Sequence[str], about: str, go: Callable[[], None]) -> None:
        """Work *name* on the job or batch ``ids[0]`` begins: *go* starts it, now or later. The other ids are those by which it
        is looked at, too. *about*: its operation and object."""
        fault = self.of_call(name, ids[0], about)
        if fault is NO_FAULT:
            go()
            return
        with self._lock:
            self._work[ids[0]] = fault
            if fault.looks:
                self._held.append(_Held(frozenset(id[:15] for id in ids), fault.looks, go))
        if fault.looks:
            fault.happened()
        else:
            go()

    def of_work(self, id: str) -> WorkFault:
        """What is to befall the job or batch *id*."""
        return self._work.get(id, NO_FAULT)

    def of_call(self, name: str, id: str, about: str) -> WorkFault:
        """The same for work that has no beginning of its own."""
        if not self._plans:
            return NO_FAULT
        taken = self._take(name, lambda kind: _can_meet(name, kind), lambda: f"{about} {id}")
        if taken is None:
            return NO_FAULT
        planned, kind, _ = taken
        met = Met(name, kind, id)
        return work_fault(*_read_kind(kind), lambda: self._settle(planned, met, came_to_pass=True))

    def _looked_at(self, request: Request) -> None:
        found = _ID.findall(request.path) if self._held and request.operation in _LOOKS else []
        if not found:
            return
        with self._lock:
            ready = []
            for held in self._held:
                held.looks -= found[-1] in held.ids
                if not held.looks:
                    ready.append(held)
            self._held = [held for held in self._held if held.looks]
        for held in ready:
            held.go()


def _text_of(request: Request) -> Callable[[], str]:
    return lambda: f"{request.target} {request.path}\n{request.body.read().decode('utf-8', 'replace')}"


def _name_of(request: Request) -> str:
    if request.operation == _CLOSE and b'"Aborted"' in request.body.read():
        return ABORT
    return request.operation


def _can_meet(name: str, kind: str) -> bool:
    base = _read_kind(kind)[0]
    if name in WORK_NAMES:
        return name in WORK.get(base, ())
    return base in KINDS and KINDS[base].can_meet(name)


def _number(kind: str) -> int | None:
    return _read_kind(kind)[1]


def _read_kind(text: str) -> tuple[str, int | None]:
    """``reset-after-64k`` is reset-after with 65,536. Raises `ValueError` for what is no kind."""
    if text in KINDS or (text in WORK and not text.endswith("-after")):
        return text, None
    found = re.fullmatch(r"(.+)-(\d+)([km]?)", text)
    if found and (WORK_COUNTS.get(found[1]) or (found[1] in KINDS and KINDS[found[1]].counts)):
        return found[1], int(found[2]) * _UNITS[found[3]]
    numbered = sorted({*(f"{name}-N" for name in WORK_COUNTS), *(f"{n}-N" for n, k in KINDS.items() if k.counts)})
    plain = sorted({*KINDS, *(name for name in WORK if not name.endswith("-after"))})
    raise ValueError(f"There is no fault {text!r}. There are {', '.join([*plain, *numbered])}")


def _read_entries(path: Path) -> Iterator[Mapping[str, Any]]:
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix.lower() == ".toml":
            entries = tomllib.loads(text).get("faults")
        else:
            entries = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path} holds no list of faults: a JSON list of objects, or TOML tables [[faults]]")
    yield from entries

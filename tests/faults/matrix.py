"""Every fault at every request: a case is a verb, a request that it makes, and a fault that befalls it there.

The promise: the call returns and everything is right; or it ends with one of our errors, all that the error says is true, and
going on from there comes to right. There is no third outcome. ``judge`` performs a case and holds it against that.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from salesforce_bulk import Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.faults.replies import KINDS
from salesforce_bulk.emulator.faults.work import WORK
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import JobError, JournalError, SalesforceBulkError
from salesforce_bulk.logins import ClientCredentials, Login, Password
from salesforce_bulk.options import TransportOptions

from .verbs import VERBS, Loading, Reading

#: Faults with a number, at a place that says something here; all others stand in the org's own table.
_NUMBERED: Final = ("reset-after-1k", "stall-after-1k", "truncated-after-40", "503-2")
#: The same as another one, for all that a client can see.
_ALIKE: Final = (
    "406-empty", "420-html", "429-empty", "500-empty", "502-html", "502-empty", "504-html", "504-empty",
)  # fmt: skip
REQUEST_FAULTS: Final = (*(kind for kind in KINDS if kind not in _ALIKE), *_NUMBERED)
WORK_FAULTS: Final = (
    *(kind for kind in WORK if not kind.endswith("-after")),
    "job-failed-after-3",
    "job-aborted-after-3",
)
#: The org acts on the request, and something in front of it answers.
APPLIED_FAULTS: Final = ("500", "502", "503-html", "html")
#: Asked for more often than any client asks.
FOR_GOOD: Final = 1_000
#: Requests that change something: a fault for good there is the same as one that comes once, for they are not repeated.
_WRITES: Final = (
    "create_job",
    "upload",
    "upload_complete",
    "add_batch",
    "update_job",
    "insert",
    "update",
    "upsert",
    "delete",
)

#: Cases whose error differs from run to run, for one request or thread comes before another; each has a case beside it:
#: whether the look with a wrong count is the last one, which alone counts; which page meets the bytes that another one left.
BY_CHANCE: Final = (
    ("ingest2.get_job", "wrong-count", "once"),
    ("query2.results", "lying-length-short", "for good"),
)

_OPTIONS: Final = TransportOptions(
    read_seconds=0.5, connect_seconds=5, tries=3, first_pause_seconds=0.001, longest_pause_seconds=0.002
)


@dataclass(frozen=True)
class Case:
    verb: str
    request: str
    fault: str
    #: "once", "for good", or "applied": once, and the org acted on it.
    how: str

    def __str__(self) -> str:
        return f"{self.verb}: {self.request} {self.fault} {self.how}"


def cases() -> Iterator[Case]:
    met: set[tuple[type, str, str]] = set()
    for verb in VERBS.values():
        for request in verb.requests:
            # One verb of its kind is enough where nothing of the verb is in the request yet.
            place = (type(verb), verb.api, request)
            if request.partition(".")[0] in ("login", "oauth", "rest") and place in met:
                continue
            met.add(place)
            is_write = request.partition(".")[2] in _WRITES
            for fault in REQUEST_FAULTS:
                if not _kind(fault).can_meet(request):
                    continue
                if (request, fault, "once") not in BY_CHANCE:
                    yield Case(verb.name, request, fault, "once")
                if not is_write and (request, fault, "for good") not in BY_CHANCE:
                    yield Case(verb.name, request, fault, "for good")
            if is_write:
                yield from (Case(verb.name, request, fault, "applied") for fault in APPLIED_FAULTS)
        for work in verb.works:
            yield from (Case(verb.name, work, fault, "once") for fault in WORK_FAULTS if work in _works(fault))


def _kind(fault: str) -> Any:
    return KINDS[fault] if fault in KINDS else KINDS[fault.rpartition("-")[0]]


def _works(fault: str) -> Any:
    return WORK[fault] if fault in WORK else WORK[fault.rpartition("-")[0]]


def login_of(verb: Reading | Loading, org: LocalOrg) -> Login:
    if verb.api == "bulk1":
        return Password(org.username, org.password, security_token=org.security_token, domain=org.url)
    return ClientCredentials(org.url, org.client_id, org.client_secret)


def opened(verb: Reading | Loading, org: LocalOrg) -> Org:
    # Pauses are real, for the org works meanwhile, but short whatever the org asks for.
    clock = Clock(sleep=lambda seconds: time.sleep(min(seconds, 0.02)))
    return connect(login=login_of(verb, org), options=_OPTIONS, clock=clock)


def perform(verb: Reading | Loading, sf: Org, folder: Path, org: LocalOrg) -> Any:
    return verb.perform(sf, folder) if isinstance(verb, Reading) else verb.perform(sf, folder, org)


def judge(case: Case, org: LocalOrg, folder: Path) -> str:
    """Perform *case* and hold it against the promise. What became of it, in a word: ``right``, ``not met``, or the name of the
    error.

    Raises:
        AssertionError: There was a third outcome.
    """
    verb = VERBS[case.verb]
    verb.prepare(org)
    folder.mkdir(parents=True, exist_ok=True)
    before = org.rows("SELECT Id, Name, Key__c FROM Account")
    threads = _ours()
    planned = org.faults.plan(
        case.request, case.fault, times=FOR_GOOD if case.how == "for good" else 1, applied=case.how == "applied"
    )
    with opened(verb, org) as sf:
        try:
            done = perform(verb, sf, folder, org)
        except SalesforceBulkError as caught:
            error = caught
        else:
            assert threads == _ours(), "no thread is left"
            verb.check(org, done)
            return "right" if planned.met else "not met"
        assert threads == _ours(), "no thread is left"
        org.faults.clear()
        assert planned.met or case.how == "for good", f"an error without a fault: {error!r}"
        _check_error(case, verb, org, error, folder, before)
    with opened(verb, org) as sf:
        _go_on(case, verb, org, sf, error, folder)
    return type(error).__name__


def _check_error(
    case: Case, verb: Reading | Loading, org: LocalOrg, error: SalesforceBulkError, folder: Path, before: list[Any]
) -> None:
    """What it says is useful and true."""
    text = str(error)
    assert len(re.findall(r"[.:?]\s", f"{text} ")) >= 2, f"it says what it means for the data, or what to do: {text}"
    assert org.access_token not in text
    assert error.applied in (True, False, None)
    if case.request in verb.carrying and not isinstance(error, JobError) and error.applied is not None:
        # The first request of its kind met the fault, so nothing had been loaded before.
        is_changed = before != org.rows("SELECT Id, Name, Key__c FROM Account")
        assert error.applied is is_changed, f"applied={error.applied}: {text}"
    verb.check_error(org, error, folder)


def _go_on(
    case: Case, verb: Reading | Loading, org: LocalOrg, sf: Org, error: SalesforceBulkError, folder: Path
) -> None:
    """From where the error left it to right: by resuming the run, and where there was none yet, by the same call."""
    run_id = getattr(error, "run_id", "")
    if not run_id:
        verb.check(org, perform(verb, sf, folder, org))
        return
    assert isinstance(verb, Loading)
    # The org gave up on rows, or said too little of them; what is to become of these, the caller decides.
    stays = case.request in verb.works
    try:
        result = _resumed(verb, org, sf, run_id)
    except SalesforceBulkError as again:
        if not stays or not isinstance(again, JobError | type(error)):
            raise
        verb.check_error(org, again, folder)
        return
    verb.check(org, result)


def _resumed(verb: Loading, org: LocalOrg, sf: Org, run_id: str) -> Any:
    """Rows of this program that were not all read before the error have to be handed in again."""
    try:
        return sf.resume(run_id)
    except JournalError as lacking:
        if "Hand in all rows again" not in str(lacking):
            raise
    return sf.resume(run_id, verb.rows(org))


def _ours() -> list[str]:
    """Threads of the client; those of the local org have names of their own."""
    names = (thread.name for thread in threading.enumerate())
    return sorted(name for name in names if name.startswith(("ThreadPoolExecutor", "load")))

"""Whole queries and loads, one reply of which is anything at all: right rows, or one of our errors, within bounded requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import SalesforceBulkError

from .bounds import examples, outcome_of
from .recorded import Recorder, Replay, Said, clock, only_rows
from .replies import STATUSES, AnyReply, bodies, chances, heads, mutated

ROWS: Final = 450
LOADED: Final = [{"Name": f"n{n}", "Key__c": f"k{n}", "Score__c": n / 4} for n in range(7)] + [
    {"Name": "", "Key__c": "k7"}
]
SOQL: Final = "SELECT Id, Name, Score__c, Visited__c, Owner.Name FROM Account"
WAIT: Final = {"job_seconds": 600.0}


def _query(**how: Any) -> Callable[[Org], Counter[Any]]:
    return lambda sf: Counter(tuple(row.items()) for row in sf.query(SOQL, types="text", **WAIT, **how))


def _typed(sf: Org) -> Counter[Any]:
    """Values are as the describe says, which may be the changed reply: only how many there are can be told."""
    return Counter({"rows": sf.query(SOQL, **WAIT).to_arrow().num_rows})


def _files(sf: Org) -> Counter[Any]:
    """All three hold the rows, or none is there."""
    result = sf.query(SOQL, types="text", **WAIT)
    lines: Counter[Any] = Counter()
    counts = set()
    with TemporaryDirectory() as folder:
        for write, name in ((result.to_csv, "a.csv"), (result.to_jsonl, "a.jsonl"), (result.to_parquet, "a.parquet")):
            path = Path(folder) / name
            try:
                count = write(path)
            except SalesforceBulkError:
                assert not path.exists()
                raise
            counts.add(count)
            if name == "a.jsonl":
                lines = Counter(path.read_text("utf-8").split("\n")[:-1])
    assert {lines.total()} == counts
    return lines


def _load(verb: str, **how: Any) -> Callable[[Org], Counter[Any]]:
    def load(sf: Org) -> Counter[Any]:
        result = getattr(sf, verb)("Account", LOADED, parallel_jobs=1, **WAIT, **how)
        outcomes = list(result)
        assert list(range(len(LOADED))) == [outcome.row for outcome in outcomes]
        states = Counter(outcome.state for outcome in outcomes)
        assert (result.succeeded, result.failed, result.unprocessed) == tuple(
            states[state] for state in ("succeeded", "failed", "unprocessed")
        )
        return states

    return load


CONVERSATIONS: Final[dict[str, Callable[[Org], Counter[Any]]]] = {
    "a query, its pages by links": _query(api="bulk2"),
    "a query, page by page": _query(api="bulk2", page_rows=200),
    "a query, typed": _typed,
    "a query, to files": _files,
    "a query by Bulk API 1.0": _query(api="bulk1"),
    "a query by REST": _query(api="rest", page_rows=200),
    "an insert by Bulk API 2.0": _load("insert", api="bulk2", part_rows=5),
    "an upsert by Bulk API 2.0": _load("upsert", api="bulk2", external_id="Key__c"),
    "an insert by Bulk API 1.0": _load("insert", api="bulk1", part_rows=5),
    "an insert by REST": _load("insert", api="rest"),
    "an upsert by REST": _load("upsert", api="rest", external_id="Key__c"),
}


@dataclass(frozen=True)
class Conversation:
    url: str
    token: str
    said: list[Said] = field(repr=False)
    found: Counter[Any] = field(repr=False)
    rows: frozenset[int]

    def again(self, converse: Callable[[Org], Counter[Any]], replay: Replay) -> Counter[Any]:
        with _connected(self.url, self.token, replay) as sf:
            return converse(sf)


def _connected(url: str, token: str, transport: Any) -> Org:
    return connect(login=AccessToken(token, instance_url=url), transport=transport, clock=clock(), api_version="66.0")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))


@pytest.fixture(params=list(CONVERSATIONS))
def converse(request: pytest.FixtureRequest) -> Callable[[Org], Counter[Any]]:
    return CONVERSATIONS[request.param]


@pytest.fixture
def conversation(local_org: LocalOrg, converse: Callable[[Org], Counter[Any]]) -> Conversation:
    if not converse.__qualname__.startswith("_load"):
        local_org.holds(
            "Account", [{"Name": f"n{n}", "Score__c": n / 4, "Visited__c": "2026-01-02T03:04:05Z"} for n in range(ROWS)]
        )
    recorder = Recorder()
    with connect(
        login=AccessToken(local_org.access_token, instance_url=local_org.url), transport=recorder, api_version="66.0"
    ) as sf:
        found = converse(sf)
    said = recorder.said
    return Conversation(local_org.url, local_org.access_token, said, found, frozenset(only_rows(said)))


@settings(examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 10**4),
    body=bodies,
    status=st.sampled_from(STATUSES),
    head=heads,
    chance=chances,
    keeps=st.sampled_from(["status and head", "status and head", "status and head", "body", "nothing"]),
)
def test_one_reply_is_anything(
    conversation: Conversation,
    converse: Callable[[Org], Counter[Any]],
    at: int,
    body: bytes,
    status: int,
    head: dict[str, str],
    chance: Any,
    keeps: str,
) -> None:
    """Nothing is silently missing: what comes to an end has all rows, or an outcome for each."""
    at %= len(conversation.said)
    was = conversation.said[at].reply
    if keeps == "status and head":
        instead = AnyReply(was.status, was.headers, mutated(was.body, chance))
    elif keeps == "body":
        instead = AnyReply(was.status, {**was.headers, **head}, was.body)
    else:
        instead = AnyReply(status, head, body)
    replay = Replay(conversation.said, at, instead)

    found, error = outcome_of(lambda: conversation.again(converse, replay))

    event("rows" if error is None else type(error).__name__)  # pytest --hypothesis-show-statistics
    if error is None:
        assert conversation.found.total() == found.total()
        if at not in conversation.rows:
            assert conversation.found == found


def test_a_conversation_that_nobody_changes_gives_the_same_again(
    conversation: Conversation, converse: Callable[[Org], Counter[Any]]
) -> None:
    """So what the others find is found because of the change."""
    assert conversation.found == conversation.again(converse, Replay(conversation.said))

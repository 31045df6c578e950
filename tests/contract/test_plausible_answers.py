"""Where the sources differ or are silent the client takes every plausible answer of the org, with the same meaning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import JobFailed, ReconciliationError


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


@pytest.fixture
def told(local_org: LocalOrg) -> Iterator[Any]:
    """The org's choices, put back afterwards."""
    options = local_org.bulk2
    before = {name: getattr(options, name) for name in type(options).__dataclass_fields__}
    yield options
    for name, value in before.items():
        setattr(options, name, value)


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"links": "observed"},
        {"links": "missing"},
        {"links": "missing", "end_locator": "absent"},
        {"links": "missing", "lower_case_headers": True},
        {"links_at_once": 1},
        {"lower_case_headers": True, "exponents": True},
    ],
    ids=str,
)
def test_result_pages_in_every_shape(sf: Org, local_org: LocalOrg, told: Any, choices: dict[str, Any]) -> None:
    """Links as documented, as observed, or none; the end named or not; headers in any case."""
    for name, value in {"page_rows": 100, **choices}.items():
        setattr(told, name, value)
    local_org.holds("Account", [{"Name": f"n{n}", "Score__c": n * 1_000_000.5} for n in range(1_050)])

    result = sf.query(
        "SELECT Name, Score__c FROM Account", page_rows=100 if choices.get("links") == "missing" else None
    )

    assert [{"Name": f"n{n}", "Score__c": n * 1_000_000.5} for n in range(1_050)] == list(result)
    assert result.receipt["complete"] is True


@pytest.mark.parametrize("choices", [{}, {"in_order": True}, {"blanks_miscased": True}], ids=str)
def test_outcomes_in_every_order(sf: Org, told: Any, choices: dict[str, Any]) -> None:
    """Result files are in no order; values may be left out of them where a header was sent in another case."""
    for name, value in choices.items():
        setattr(told, name, value)
    rows = [{"key__C": f"K{n}", "NAME": "" if n % 5 == 0 else f"n{n}", "Score__c": n * 1_000_000} for n in range(400)]

    result = sf.insert("Account", rows)

    assert [("failed" if n % 5 == 0 else "succeeded") for n in range(400)] == [outcome.state for outcome in result]
    ids = {row["Key__c"]: row["Id"] for row in sf.query("SELECT Id, Key__c FROM Account")}
    assert all(ids[rows[o.row]["key__C"]] == o.id for o in result if o.state == "succeeded")


@pytest.mark.parametrize("message", ["", "Unexpected exception encountered in query processing."])
def test_a_query_job_that_fails_with_and_without_a_reason(sf: Org, told: Any, message: str) -> None:
    told.query_failure = message

    with pytest.raises(JobFailed, match=message or "the org gave no reason"):
        sf.query("SELECT Id FROM Account")


def test_a_page_that_is_missing_is_never_a_shorter_result(
    sf: Org, local_org: LocalOrg, told: Any, tmp_path: Path
) -> None:
    """A missing locator is the end only if the counts agree; no file appears."""
    told.links, told.end_locator, told.page_rows = "missing", "absent", 10
    local_org.holds("Account", 25)
    local_org.faults.plan("query2.get_job", "wrong-count", chance=1.0)
    result = sf.query("SELECT Id FROM Account", page_rows=10)

    with pytest.raises(ReconciliationError, match="26 rows by what the job says, and 25 were read"):
        result.to_csv(tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()

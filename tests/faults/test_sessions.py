"""Sessions that end in the middle of a run, and refusals that no session cures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import ClientCredentials, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import ApiError

ROWS = [{"Name": f"n{n}"} for n in range(80)]


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path))
    login = ClientCredentials(local_org.url, local_org.client_id, local_org.client_secret)
    with connect(login=login, api_version="66.0") as sf:
        yield sf


def load(sf: Org, api: str) -> Any:
    return sf.insert("Account", ROWS, api=api, part_rows=10, parallel_jobs=8, longest_poll_seconds=0.05)


@pytest.mark.parametrize(
    ("api", "request_name"),
    [
        ("bulk2", "ingest2.upload"),
        ("bulk2", "ingest2.get_job"),
        ("bulk1", "bulk1.add_batch"),
        ("bulk1", "bulk1.get_batch"),
    ],
)
def test_a_session_that_ends_in_the_middle_of_a_load_is_renewed_once_for_all_threads(
    local_org: LocalOrg, sf: Org, api: str, request_name: str
) -> None:
    """REST and Bulk API 2.0 say so with 401 INVALID_SESSION_ID, 1.0 with 400 InvalidSessionId."""
    local_org.faults.plan(request_name, "session-expired", after=3)

    result = load(sf, api)

    assert (80, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert sorted(row["Name"] for row in ROWS) == sorted(r["Name"] for r in local_org.rows("SELECT Name FROM Account"))
    assert 2 == local_org.requests("oauth.token")


@pytest.mark.parametrize(
    ("fault", "text", "cure"),
    [
        (
            "unauthorized-for-good",
            "This session is not valid for use with the REST API",
            "The session is of a kind that the API does not take, or lacks the scope api: log in for the API. Another session "
            "of the same kind does not help.",
        ),
        (
            "unauthorized-agent",
            "Connected app is not attached to Agent",
            "The connected app is not allowed here: ask an administrator. Another session does not help.",
        ),
    ],
)
def test_a_401_that_no_new_session_cures_is_an_error_at_once(
    local_org: LocalOrg, sf: Org, fault: str, text: str, cure: str
) -> None:
    """Other clients logged in anew for ever."""
    local_org.faults.plan("query2.create_job", fault)

    with pytest.raises(ApiError) as refused:
        sf.query("SELECT Id FROM Account", api="bulk2")

    assert (
        f"POST /services/data/v.../jobs/query was refused with HTTP 401 INVALID_SESSION_ID: {text}\n"
        f"No data was changed by this call.\n{cure}"
    ) == str(refused.value)
    assert 1 == local_org.requests("query2.create_job")
    assert 1 == local_org.requests("oauth.token")

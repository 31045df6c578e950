"""The org's calls of a day are watched: a load stops before they are gone, or when they are, and goes on later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import LimitReached
from salesforce_bulk.options import TransportOptions

ROWS = [{"Name": f"n{n}"} for n in range(60)]


@pytest.fixture
def limited(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalOrg]:
    """An org that allows a hundred calls a day."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path))
    before = local_org.limits.api_requests.maximum
    local_org.limits.api_requests.maximum = 100
    yield local_org
    local_org.limits.api_requests.maximum = before


def opened(org: LocalOrg, stop_at_usage: float | None) -> Org:
    login = AccessToken(org.access_token, instance_url=org.url)
    return connect(login=login, api_version="66.0", options=TransportOptions(stop_at_usage=stop_at_usage))


@pytest.mark.parametrize(
    ("stop_at_usage", "most", "text"),
    [(0.2, 20, "20 of the org's 100 API calls"), (None, 100, "TotalRequests Limit exceeded")],
)
def test_a_load_that_meets_the_limit_stops_and_is_gone_on_with_later(
    limited: LocalOrg, stop_at_usage: float | None, most: int, text: str
) -> None:
    """At a share of the calls that the caller chose, or at the org's own word."""
    with opened(limited, stop_at_usage) as sf:
        with pytest.raises(LimitReached, match=text) as reached:
            sf.insert("Account", ROWS, api="bulk2", part_rows=2, parallel_jobs=1, longest_poll_seconds=0.05)
        assert most <= limited.limits.api_requests.used <= most + 1
        assert 60 > len(limited.rows("SELECT Id FROM Account"))
    limited.limits.api_requests.maximum = 1_000

    with opened(limited, None) as sf:
        result = sf.resume(reached.value.run_id, ROWS)

    assert (60, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert sorted(row["Name"] for row in ROWS) == sorted(
        row["Name"] for row in limited.rows("SELECT Name FROM Account")
    )


def test_nothing_is_loaded_when_the_share_is_used_up_before(limited: LocalOrg) -> None:
    """The first answer says so: an empty job is all that there is."""
    limited.limits.api_requests.use(50)
    with opened(limited, 0.5) as sf, pytest.raises(LimitReached, match="51 of the org's 100 API calls"):
        sf.insert("Account", ROWS, api="bulk2")

    assert [] == limited.rows("SELECT Id FROM Account")
    assert 0 == limited.requests("ingest2.upload")

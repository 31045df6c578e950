"""A job that somebody aborts while we wait for it: what is known of its rows is told, and what is not is an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salesforce_bulk import AccessToken, Org, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.engine.drive import Clock
from salesforce_bulk.errors import JobAborted, JobFailed

from ..support.bulk2_talk import Talk2

ROWS = [{"Name": f"n{row}"} for row in range(1_000)]


@pytest.fixture
def aborted(local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Org]]:
    """An org in which somebody aborts a job after so many rows, as soon as we pause for the first time."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    options = local_org.bulk2
    before = options.step_rows, options.aborted_has_results
    options.step_rows = 400
    local_org.clock.pause()
    talk = Talk2(local_org)
    opened: list[Org] = []

    def connected(rows: int) -> Org:
        def abort(_: float) -> None:
            job = talk.ask("GET", "jobs/ingest?jobType=V2Ingest").json()["records"][0]["id"]
            while talk.info(job).get("numberRecordsProcessed", 0) < rows:
                local_org.clock.advance(0.001)
            talk.change(job, "Aborted")

        login = AccessToken(local_org.access_token, instance_url=local_org.url)
        opened.append(connect(login=login, clock=Clock(sleep=abort)))
        return opened[-1]

    yield connected
    for org in opened:
        org.close()
    local_org.clock.resume()
    options.step_rows, options.aborted_has_results = before


def test_rows_that_were_applied_and_rows_that_were_not_tried(aborted: Callable[[int], Org]) -> None:
    with pytest.raises(JobFailed) as caught:
        aborted(400).insert("Account", ROWS, api="bulk2")

    result = caught.value.result
    assert (400, 0, 600) == (result.succeeded, result.failed, result.unprocessed)
    assert ["succeeded"] * 400 + ["unprocessed"] * 600 == [outcome.state for outcome in result]


def test_an_org_that_gives_no_results_of_an_aborted_job_leaves_rows_unknown(
    local_org: LocalOrg, aborted: Callable[[int], Org]
) -> None:
    """Never a success, and no guess: which of the others were applied, only the org knows."""
    local_org.bulk2.aborted_has_results = False

    with pytest.raises(JobAborted) as caught:
        aborted(400).insert("Account", ROWS, api="bulk2")

    error = caught.value
    assert (
        f"Job {error.job_id} (insert Account, part 0, 1000 rows from row 0 on) ended Aborted: the org gave no reason. "
        "The org does not give its results; 600 were not tried.\n"
        "What became of the other rows is not known: the org may have applied them.\n"
        "Look in the org for the records of this part before its rows are sent again."
    ) == str(error)
    assert error.applied is None
    assert 400 == len(local_org.rows("SELECT Id FROM Account"))


def test_a_job_that_was_aborted_before_its_first_row(local_org: LocalOrg, aborted: Callable[[int], Org]) -> None:
    """All of its rows are known not to have been tried, whatever results the org gives."""
    local_org.bulk2.aborted_has_results = False

    with pytest.raises(JobFailed) as caught:
        aborted(0).insert("Account", ROWS, api="bulk2")

    assert (0, 0, 1_000) == (caught.value.result.succeeded, caught.value.result.failed, caught.value.result.unprocessed)
    assert [] == local_org.rows("SELECT Id FROM Account")

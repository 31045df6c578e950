"""The verbs of an org, awaited: the same as the others, in an event loop that goes on meanwhile."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import (
    AccessToken,
    AsyncIngestResult,
    AsyncOrg,
    AsyncQueryResult,
    IngestResult,
    Org,
    QueryResult,
    connect,
    connect_async,
)
from salesforce_bulk.aio import AsyncJob
from salesforce_bulk.aio.crossing import RUN_ROWS, runs_of
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import ApiError, JobFailed, RecordsFailed
from salesforce_bulk.verbs.jobs import Job

#: What of Org is no verb.
PLUMBING = {"perform", "call", "stream", "fetch", "pausing"}


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))


Run = Callable[[Callable[[AsyncOrg], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture
def run(local_org: LocalOrg) -> Iterator[Run]:
    """Runs a coroutine function with an org in an event loop of its own; none of the org's threads is left behind."""

    async def with_org(what: Callable[[AsyncOrg], Coroutine[Any, Any, Any]]) -> Any:
        async with connect_async(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as sf:
            return await what(sf)

    yield lambda what: asyncio.run(with_org(what))
    for thread in threading.enumerate():
        if thread.name.startswith("salesforce-bulk"):
            thread.join(10)
    assert [] == [thread.name for thread in threading.enumerate() if thread.name.startswith("salesforce-bulk")]


def verbs(kind: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith("_") and name not in PLUMBING
    }


def test_the_verbs_are_the_same_with_the_same_arguments() -> None:
    """Names, order, kinds, defaults and annotations; what they return is the awaited kind of it."""
    awaited = {"QueryResult": "AsyncQueryResult", "IngestResult": "AsyncIngestResult", "Job": "AsyncJob"}
    assert set(verbs(Org)) == set(verbs(AsyncOrg))
    for name, verb in verbs(Org).items():
        expected, found = inspect.signature(verb), inspect.signature(verbs(AsyncOrg)[name])
        assert expected.parameters == found.parameters, name
        assert awaited.get(expected.return_annotation, expected.return_annotation) == found.return_annotation, name
        assert inspect.iscoroutinefunction(verbs(AsyncOrg)[name]), name
    assert inspect.signature(connect).parameters == inspect.signature(connect_async).parameters


@pytest.mark.parametrize(
    ("sync", "awaited"), [(QueryResult, AsyncQueryResult), (IngestResult, AsyncIngestResult), (Job, AsyncJob)]
)
def test_the_results_have_the_same_methods(sync: type, awaited: type) -> None:
    plumbing = {"through", "find"}
    assert set(verbs(sync)) - plumbing == set(verbs(awaited))
    for name in set(verbs(sync)) - plumbing:
        expected, found = inspect.signature(verbs(sync)[name]), inspect.signature(verbs(awaited)[name])
        assert expected.parameters == found.parameters, name


def test_rows_and_batches_come_as_they_do_otherwise(run: Run, local_org: LocalOrg) -> None:
    """More than a run of them, and exactly a run of them."""
    local_org.holds("Account", [{"Name": f"n{n}", "Score__c": n + 0.5} for n in range(1_000)])

    async def read(sf: AsyncOrg) -> None:
        result = await sf.query("SELECT Name, Score__c FROM Account ORDER BY Id")
        expected = [{"Name": f"n{n}", "Score__c": n + 0.5} for n in range(1_000)]
        assert expected == [row async for row in result]
        assert expected == [row async for row in result]
        assert expected == [row async for batch in result.batches() for row in batch.to_pylist()]
        assert 1_000 == (await result.to_arrow()).num_rows
        assert 1_000 == result.receipt["rows"]["received"]
        assert result.receipt["complete"] is True
        assert "<AsyncQueryResult Account: 1_000 rows>" == repr(result)

    run(read)


def test_a_job_by_its_id(run: Run, tmp_path: Path) -> None:
    async def look(sf: AsyncOrg) -> None:
        result = await sf.insert("Account", [{"Name": "x"}, {"Name": None}], api="bulk2")
        job = await sf.job(result.receipt["jobs"][0]["id"])
        assert ("bulk2", "insert", "Account", "JobComplete") == (job.api, job.operation, job.sobject, job.state)
        assert (2, 1, False) == (job.records_processed, job.records_failed, job.is_query)
        assert 1 == await job.results(tmp_path / "failed.csv", "failed")
        assert job is await job.refresh()
        assert job.id == job.info.id
        assert repr(job).startswith("<AsyncJob 750")
        await job.delete()
        with pytest.raises(ApiError, match="NOT_FOUND"):
            await job.refresh()

    run(look)


def test_files_and_frames(run: Run, local_org: LocalOrg, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    local_org.holds("Account", 30)

    async def read(sf: AsyncOrg) -> None:
        result = await sf.query("SELECT Id, Name FROM Account")
        assert [30] * 4 == await asyncio.gather(
            result.to_csv(tmp_path / "a.csv"),
            result.to_jsonl(tmp_path / "a.jsonl"),
            result.to_parquet(tmp_path / "a.parquet"),
            result.to_arrow_file(tmp_path / "a.arrow"),
        )
        assert 30 == len(await result.to_pandas())
        assert 30 == len(await result.to_polars())

    run(read)
    assert {"a.csv", "a.jsonl", "a.parquet", "a.arrow", "home"} >= {path.name for path in tmp_path.iterdir()}


def test_loads_of_every_kind(run: Run, local_org: LocalOrg, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    async def write(sf: AsyncOrg) -> None:
        loop = threading.get_ident()
        result = await sf.insert(
            "Account",
            [{"Name": f"n{n}" if n % 3 else None, "Key__c": f"K{n}"} for n in range(30)],
            api="bulk2",
            part_rows=10,
            on_progress=lambda counts: told.append((threading.get_ident(), counts["parts"])),
        )
        assert (20, 10, 0, 30) == (result.succeeded, result.failed, result.unprocessed, len(result))
        assert list(range(30)) == [outcome.row async for outcome in result]
        assert list(range(0, 30, 3)) == [outcome.row async for outcome in result.failures()]
        assert 10 == await result.to_csv(tmp_path / "failed.csv", only="failed")
        assert 30 == (await result.to_arrow()).num_rows
        with pytest.raises(RecordsFailed, match="10 of 30 rows were refused"):
            await result.raise_for_failures()
        assert result.run_id == result.receipt["run_id"]
        assert repr(result).startswith("<AsyncIngestResult r-")
        assert {(loop, number) for number in (1, 2, 3)} == set(told)

        rows = await sf.query("SELECT Id, Name FROM Account")
        assert 20 == (await sf.update("Account", rows)).succeeded
        assert 1 == (await sf.upsert("Account", [{"Key__c": "K1", "Name": "x"}], external_id="Key__c")).succeeded
        assert 20 == (await sf.delete("Account", await sf.query("SELECT Id FROM Account"))).succeeded
        assert (await sf.check("insert", "Account", [{"Name": "x"}])).ok
        assert "fields" in await sf.describe("Account")
        assert "DailyApiRequests" in await sf.limits()
        assert {"V2Ingest", "V2Query"} <= {job.job_type for job in await sf.jobs()}

    run(write)


def test_several_queries_and_loads_at_once(run: Run, local_org: LocalOrg) -> None:
    local_org.holds("Contact", 700)

    async def both(sf: AsyncOrg) -> None:
        async def read() -> int:
            return len([row async for row in await sf.query("SELECT Id FROM Contact")])

        async def write(number: int) -> int:
            rows = [{"Name": f"{number}-{n}"} for n in range(250)]
            return (await sf.insert("Account", rows)).succeeded

        assert [700, 250] * 10 == await asyncio.gather(*(call for n in range(10) for call in (read(), write(n))))

    run(both)
    assert 2_500 == len(local_org.rows("SELECT Id FROM Account"))


def test_the_event_loop_goes_on_meanwhile(run: Run, local_org: LocalOrg) -> None:
    """Everything else in the program has its turn between two runs of rows, and while a verb waits."""
    local_org.holds("Account", 3_000)

    async def read(sf: AsyncOrg) -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(other())
        result = await sf.query("SELECT Id FROM Account")
        seen = [turns]
        count = 0
        async for _ in result:
            count += 1
            if count % 500 == 0:
                seen.append(turns)
        ticking.cancel()
        assert 3_000 == count
        assert sorted(set(seen)) == seen

    run(read)


# -- rows from an async generator ---------------------------------------------------------------------------------------


def test_an_async_generator_is_a_source(run: Run, local_org: LocalOrg) -> None:
    async def write(sf: AsyncOrg) -> None:
        async def rows() -> AsyncIterator[dict[str, Any]]:
            for n in range(2_600):
                await asyncio.sleep(0)
                yield {"Key__c": f"K{n}", "Name": f"n{n}"}

        result = await sf.upsert("Account", rows(), external_id="Key__c", api="bulk2", part_rows=1_000)
        assert (2_600, 3) == (result.succeeded, len(result.receipt["jobs"]))
        ids = [outcome.id async for outcome in result]
        found = {row["Id"]: row["Name"] for row in local_org.rows("SELECT Id, Name FROM Account")}
        assert [f"n{n}" for n in range(2_600)] == [found[id] for id in ids]

    run(write)


def test_an_async_generator_is_asked_for_a_run_at_a_time() -> None:
    """The next run when the one before is used up, however fast it could give: memory does not grow with it."""
    given = 0

    async def rows() -> AsyncIterator[int]:
        nonlocal given
        for n in range(10 * RUN_ROWS):
            given += 1
            yield n

    async def take() -> None:
        taken = runs_of(rows(), asyncio.get_running_loop(), threading.Event())
        for n in (1, RUN_ROWS, RUN_ROWS + 1):
            while await asyncio.to_thread(next, taken) < n - 1:
                pass
            assert (n + RUN_ROWS - 1) // RUN_ROWS * RUN_ROWS == given
        await asyncio.to_thread(taken.close)

    asyncio.run(take())


def test_one_query_flows_into_another_load_many_times_at_once(run: Run, local_org: LocalOrg) -> None:
    """More loads than there are threads, each waiting for a read of the same org: none waits for another."""
    local_org.holds("Contact", [{"LastName": f"c{n}"} for n in range(20)])

    async def copy_all(sf: AsyncOrg) -> None:
        async def rows(number: int) -> AsyncIterator[dict[str, Any]]:
            async for row in await sf.query("SELECT LastName FROM Contact"):
                yield {"Name": f"{number} {row['LastName']}"}

        results = await asyncio.gather(*(sf.insert("Account", rows(n), api="rest") for n in range(20)))
        assert [20] * 20 == [result.succeeded for result in results]

    run(copy_all)


def test_what_an_async_generator_raises_is_what_the_load_raises(run: Run, local_org: LocalOrg) -> None:
    """And nothing that was sent before is sent again; its ``finally`` has run."""
    ended = []

    async def write(sf: AsyncOrg) -> None:
        async def rows() -> AsyncIterator[dict[str, Any]]:
            try:
                for n in range(1_500):
                    yield {"Name": f"n{n}"}
                raise LookupError("the cupboard is bare")
            finally:
                ended.append(True)

        with pytest.raises(LookupError, match="the cupboard is bare"):
            await sf.insert("Account", rows(), api="bulk2", part_rows=500)

    run(write)
    assert [True] == ended
    names = [row["Name"] for row in local_org.rows("SELECT Name FROM Account")]
    assert len(set(names)) == len(names)


def test_a_timeout_error_of_the_generators_own_is_no_wait_of_ours(run: Run) -> None:
    async def write(sf: AsyncOrg) -> None:
        async def rows() -> AsyncIterator[dict[str, Any]]:
            yield {"Name": "x"}
            raise TimeoutError("upstream")

        with pytest.raises(TimeoutError, match="upstream"):
            await sf.insert("Account", rows(), api="bulk2")

    run(write)


# -- errors and endings -------------------------------------------------------------------------------------------------


def test_errors_are_those_of_the_other_door(run: Run) -> None:
    """With the awaited kind of result inside."""

    async def fail(sf: AsyncOrg) -> None:
        with pytest.raises(ApiError, match="No such column 'Nope'"):
            await sf.query("SELECT Nope FROM Account")
        with pytest.raises(JobFailed) as failed:
            await sf.insert("Account", [{"Nmae": "x"}] * 3, api="bulk2")
        assert 3 == failed.value.result.unprocessed
        assert [0, 1, 2] == [outcome.row async for outcome in failed.value.result.failures()]

    run(fail)


def test_rows_that_are_not_read_to_the_end_are_given_up(run: Run, local_org: LocalOrg) -> None:
    """Their connections, too: what is read after it finds all of them free."""
    local_org.holds("Account", 2_000)

    async def read(sf: AsyncOrg) -> None:
        result = await sf.query("SELECT Id FROM Account", page_rows=100)
        for _ in range(30):
            rows = aiter(result)
            await anext(rows)
            await rows.aclose()
            async for _ in result:
                break
        assert 2_000 == len([row async for row in result])

    run(read)


def test_a_reader_that_is_cancelled_in_the_middle(run: Run, local_org: LocalOrg) -> None:
    local_org.holds("Account", 2_000)

    async def read(sf: AsyncOrg) -> None:
        result = await sf.query("SELECT Id FROM Account", page_rows=100)
        begun = asyncio.Event()

        async def rows() -> None:
            async for _ in result:
                begun.set()
                await asyncio.sleep(0)

        reader = asyncio.create_task(rows())
        await begun.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert 2_000 == len([row async for row in result])

    run(read)


def test_a_file_whose_writing_is_cancelled_does_not_appear(run: Run, local_org: LocalOrg, tmp_path: Path) -> None:
    """Nor does its temporary one stay behind, when the cancelled await returns."""
    local_org.holds("Account", 1_000)

    async def read(sf: AsyncOrg) -> None:
        result = await sf.query("SELECT Id FROM Account", page_rows=10)
        writing = asyncio.create_task(result.to_csv(tmp_path / "a.csv"))
        while local_org.requests("query2.results") < 3:
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert [] == [path.name for path in tmp_path.iterdir() if path.name != "home"]
        assert local_org.requests("query2.results") < 100
        assert 1_000 == await result.to_csv(tmp_path / "a.csv")

    run(read)


def test_a_query_that_waits_for_its_job_is_cancelled_at_once(run: Run, local_org: LocalOrg) -> None:
    """Not at its next look at the job."""
    local_org.clock.pause()

    async def wait(sf: AsyncOrg) -> None:
        waiting = asyncio.create_task(sf.query("SELECT Id FROM Account", longest_poll_seconds=3_600))
        while not local_org.requests("query2.get_job"):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    try:
        run(wait)
    finally:
        local_org.clock.resume()


def test_a_load_that_is_cancelled_goes_on_to_its_end(run: Run, local_org: LocalOrg) -> None:
    """What the org has taken cannot be taken back; leaving the org waits for it."""

    async def write(sf: AsyncOrg) -> None:
        rows = [{"Name": f"n{n}"} for n in range(1_000)]
        writing = asyncio.create_task(sf.insert("Account", rows, api="bulk2", part_rows=100))
        while not local_org.requests("ingest2.create_job"):
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    run(write)
    assert 1_000 == len(local_org.rows("SELECT Id FROM Account"))


def test_a_cancelled_load_asks_its_generator_for_nothing_more(run: Run, local_org: LocalOrg) -> None:
    """The generator is closed, and the load ends with what was sent."""
    ended: list[str] = []

    async def write(sf: AsyncOrg) -> None:
        waits = asyncio.Event()

        async def rows() -> AsyncIterator[dict[str, Any]]:
            try:
                for n in range(3_000):
                    yield {"Name": f"n{n}"}
                waits.set()
                await asyncio.Event().wait()
            finally:
                ended.append("closed")

        writing = asyncio.create_task(sf.insert("Account", rows(), api="bulk2", part_rows=1_000))
        await waits.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    run(write)
    assert ["closed"] == ended


def test_the_embedded_local_org() -> None:
    async def use() -> int:
        async with connect_async("local") as sf:
            await sf.insert("Lead", [{"LastName": "x", "Company": "y"}])
            rows = [row async for row in await sf.query("SELECT LastName FROM Lead")]
        with suppress(RuntimeError):
            await sf.limits()
        return len(rows)

    assert 1 <= asyncio.run(use())

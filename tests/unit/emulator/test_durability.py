"""A local org with a folder that dies at any moment: no record is lost, none is made twice, and work goes on."""

from __future__ import annotations

import csv
import http.client
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg

ROWS = 30_000
CSV = "Name\n" + "".join(f"A{n}\n" for n in range(ROWS))


class Served:
    """A local org in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.entrance: dict[str, str] = json.loads(process.stdout.readline())
        self.connection = http.client.HTTPConnection(self.entrance["url"].removeprefix("http://"), timeout=30)

    def ask(self, method: str, path: str, body: str | None = None, mime: str = "application/json") -> Any:
        token = self.entrance["access_token"]
        headers = {"Authorization": f"Bearer {token}", "X-SFDC-Session": token, "Content-Type": mime}
        self.connection.request(method, f"/services/{path}", body, headers)
        text = self.connection.getresponse().read().decode()
        return json.loads(text) if text.startswith(("{", "[")) else text


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Killed at the end, without a chance to write anything down."""
    process = subprocess.Popen(
        [sys.executable, "-m", "salesforce_bulk.emulator", "--port", "0", "--data", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Served(process)
    finally:
        process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def check_records(org: LocalOrg) -> None:
    """Each row is there, once."""
    assert sorted(f"A{n}" for n in range(ROWS)) == sorted(row["Name"] for row in org.rows("SELECT Name FROM Account"))


def test_a_killed_org_goes_on_with_an_ingest_job(tmp_path: Path) -> None:
    """Its results name each row, with the id of its record."""
    with served(tmp_path) as org:
        job = org.ask("POST", "data/v66.0/jobs/ingest", '{"object": "Account", "operation": "insert"}')["id"]
        org.ask("PUT", f"data/v66.0/jobs/ingest/{job}/batches", CSV, "text/csv")
        org.ask("PATCH", f"data/v66.0/jobs/ingest/{job}", '{"state": "UploadComplete"}')
        while not (info := org.ask("GET", f"data/v66.0/jobs/ingest/{job}")).get("numberRecordsProcessed"):
            pass
    assert info["numberRecordsProcessed"] < ROWS

    with LocalOrg(data=tmp_path) as again:
        again.clock.pause()
        talk = Talk2(again)
        talk.settle()

        info = talk.info(job)
        assert ("JobComplete", ROWS, 0) == (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"])
        check_records(again)
        told = {row["sf__Id"]: row["Name"] for row in talk.rows(job, "successfulResults")}
        assert {row["Id"]: row["Name"] for row in again.rows("SELECT Id, Name FROM Account")} == told


def test_a_killed_org_goes_on_with_its_batches(tmp_path: Path) -> None:
    """Results stand in the order of the rows."""
    head = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">'
    made = f"{head}<operation>insert</operation><object>Account</object><contentType>CSV</contentType></jobInfo>"
    lines = CSV.splitlines(keepends=True)[1:]
    bodies = ["Name\n" + "".join(lines[start : start + 10_000]) for start in range(0, ROWS, 10_000)]
    with served(tmp_path) as org:
        answer = org.ask("POST", "async/66.0/job", made, "application/xml")
        job = answer.partition("<id>")[2].partition("</id>")[0]
        batches = [
            org.ask("POST", f"async/66.0/job/{job}/batch", body, "text/csv").partition("<id>")[2].partition("</id>")[0]
            for body in bodies
        ]
        while "<numberRecordsProcessed>0<" in (answer := org.ask("GET", f"async/66.0/job/{job}")):
            pass
    assert f"<numberRecordsProcessed>{ROWS}<" not in answer

    with LocalOrg(data=tmp_path) as again:
        again.clock.pause()
        talk = Talk(again)
        talk.settle()

        check_records(again)
        by_id = {row["Id"]: row["Name"] for row in again.rows("SELECT Id, Name FROM Account")}
        told = [
            by_id[row["Id"]]
            for batch in batches
            for row in csv.DictReader(io.StringIO(talk.result(job, batch).text, newline=""))
        ]
        assert [line.strip() for line in lines] == told


#: Where a large job is killed: after so many of its rows, three times.
KILLED_AFTER = (1, 10_000, 25_000)
LARGE = 40_000
SPREAD = 10_000


def names(start: int, stop: int) -> str:
    return "Name,Key__c\n" + "".join(f"A{n},K{n}\n" for n in range(start, stop))


def kept(folder: Path) -> dict[str, str]:
    """What the dead org has in its database: ids by name."""
    with closing(sqlite3.connect(folder / "org.sqlite")) as database:
        return dict(database.execute("SELECT Name, Id FROM Account"))


def test_a_large_ingest_job_survives_kill_after_kill(tmp_path: Path) -> None:
    """An upsert of 40,000 rows. Each record that was there after a kill is there at the end, by the same id; each row made one
    record, and the results say so."""
    there: dict[str, str] = {}
    with served(tmp_path) as org:
        made = '{"object": "Account", "operation": "upsert", "externalIdFieldName": "Key__c"}'
        job = org.ask("POST", "data/v66.0/jobs/ingest", made)["id"]
        org.ask("PUT", f"data/v66.0/jobs/ingest/{job}/batches", names(0, LARGE), "text/csv")
        org.ask("PATCH", f"data/v66.0/jobs/ingest/{job}", '{"state": "UploadComplete"}')
    for least in KILLED_AFTER:
        with served(tmp_path) as org:
            while org.ask("GET", f"data/v66.0/jobs/ingest/{job}").get("numberRecordsProcessed", 0) < least:
                pass
        after = kept(tmp_path)
        assert least <= len(after)
        assert there.items() <= after.items()
        there = after
    assert len(there) < LARGE

    with LocalOrg(data=tmp_path) as again:
        again.clock.pause()
        talk = Talk2(again)
        talk.settle()

        info = talk.info(job)
        assert ("JobComplete", LARGE, 0) == (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"])
        told = talk.rows(job, "successfulResults")
        assert {"true"} == {row["sf__Created"] for row in told}
        found = {row["Name"]: row["Id"] for row in again.rows("SELECT Id, Name FROM Account")}
        assert found == {row["Name"]: row["sf__Id"] for row in told}
        assert {f"A{n}" for n in range(LARGE)} == set(found)
        assert LARGE == len(told) == again.store.count("Account")
        assert there.items() <= found.items()


def test_a_large_job_of_many_batches_survives_kill_after_kill(tmp_path: Path) -> None:
    """Four batches of 10,000 rows by Bulk API 1.0."""
    head = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload">'
    made = f"{head}<operation>insert</operation><object>Account</object><contentType>CSV</contentType></jobInfo>"
    there: dict[str, str] = {}
    with served(tmp_path) as org:
        job = org.ask("POST", "async/66.0/job", made, "application/xml").partition("<id>")[2].partition("</id>")[0]
        batches = [
            org.ask("POST", f"async/66.0/job/{job}/batch", names(start, start + SPREAD), "text/csv")
            .partition("<id>")[2]
            .partition("</id>")[0]
            for start in range(0, LARGE, SPREAD)
        ]
    for least in KILLED_AFTER:
        with served(tmp_path) as org:
            done = 0
            while done < least:
                answer = org.ask("GET", f"async/66.0/job/{job}")
                done = int(answer.partition("<numberRecordsProcessed>")[2].partition("<")[0])
        after = kept(tmp_path)
        assert least <= len(after)
        assert there.items() <= after.items()
        there = after

    with LocalOrg(data=tmp_path) as again:
        again.clock.pause()
        talk = Talk(again)
        talk.settle()

        found = {row["Name"]: row["Id"] for row in again.rows("SELECT Id, Name FROM Account")}
        told = [
            row["Id"]
            for batch in batches
            for row in csv.DictReader(io.StringIO(talk.result(job, batch).text, newline=""))
        ]
        assert [found[f"A{n}"] for n in range(LARGE)] == told
        assert LARGE == len(found) == again.store.count("Account")
        assert there.items() <= found.items()


@pytest.mark.parametrize("steps", range(1, 12))
def test_results_are_those_of_an_undisturbed_job(tmp_path: Path, steps: int) -> None:
    """Wherever it was cut off: before the first row, within an internal batch, between two, or at its end."""
    rows = "Name,NumberOfEmployees\n" + "".join(f"A{n},{'x' if n % 7 == 0 else n}\n" for n in range(1_000))

    def opened(folder: Path) -> LocalOrg:
        org = LocalOrg(data=folder)
        org.clock.pause()
        org.limits.internal_batch_rows, org.bulk2.step_rows = 400, 200
        return org

    with opened(tmp_path / "whole") as org:
        talk = Talk2(org)
        job = talk.load("insert", rows)
        whole = [talk.result(job, kind) for kind in ("successfulResults", "failedResults", "unprocessedrecords")]
    with opened(tmp_path / "first") as org:
        job = Talk2(org).start("insert", rows)
        org.clock.advance(org.limits.queue_seconds + (steps - 1) * org.limits.work_seconds / 2)
        shutil.copytree(tmp_path / "first", tmp_path / "cut")
    with opened(tmp_path / "cut") as org:
        talk = Talk2(org)
        talk.settle()

        assert ("JobComplete", 1_000, 143) == tuple(
            talk.info(job)[name] for name in ("state", "numberRecordsProcessed", "numberRecordsFailed")
        )
        assert whole == [
            talk.result(job, kind) for kind in ("successfulResults", "failedResults", "unprocessedrecords")
        ]
        assert 857 == len(org.rows("SELECT Id FROM Account"))


def test_what_was_written_down_for_a_restart_goes_with_the_job(tmp_path: Path) -> None:
    """The database does not grow by it."""
    with LocalOrg(data=tmp_path) as org:
        org.clock.pause()
        Talk2(org).load("insert", "Name\nA\n")
        Talk(org).load("insert", "Name\nB\n")
        with org.store.reader() as connection:
            assert [(0,)] == connection.execute("SELECT count(*) FROM _applied").fetchall()


def test_chunks_that_were_to_come_come_after_a_restart(tmp_path: Path) -> None:
    """The original is NotProcessed already, its chunks are not in the list yet."""
    with LocalOrg(data=tmp_path / "first") as org:
        org.clock.pause()
        org.holds("Account", 3)
        talk = Talk(org)
        job = talk.create("query", Sforce_Enable_PKChunking="chunkSize=2")
        talk.add(job, "SELECT Id FROM Account")
        org.clock.advance(org.limits.queue_seconds + org.limits.work_seconds)
        assert 1 == talk.bulk("GET", f"job/{job}/batch").text.count("<state>NotProcessed</state>")
        shutil.copytree(tmp_path / "first", tmp_path / "cut")
    with LocalOrg(data=tmp_path / "cut") as org:
        org.clock.pause()
        talk = Talk(org)
        talk.settle()

        listed = talk.bulk("GET", f"job/{job}/batch").text
        assert (1, 2) == (listed.count("<state>NotProcessed</state>"), listed.count("<state>Completed</state>"))

"""How parts travel: as gzip, from the user's own file; and what becomes of a load whose file changes or whose outcomes wait."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.locking_org import LockingOrg, locking_org
from tests.support.raw_server import Play, raw_server, resets, says

from salesforce_bulk import AccessToken, Org, SalesforceBulk, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import AnswerLost, SourceChanged
from salesforce_bulk.options import TransportOptions
from salesforce_bulk.records import Body
from salesforce_bulk.transport.base import Outgoing
from salesforce_bulk.transport.http import HttpTransport


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def sf(local_org: LocalOrg) -> Iterator[Org]:
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as org:
        yield org


@pytest.fixture
def org() -> Iterator[LockingOrg]:
    with locking_org() as served:
        yield served


def opened(org: LockingOrg, **options: Any) -> Org:
    login = AccessToken("00Dxx0000001gPL!AQ0AQ", instance_url=org.url)
    return connect(login=login, api_version="66.0", options=TransportOptions(**options))


def contacts(path: Path, count: int = 9) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [("LastName", "AccountId"), *((f'é {n}\n, "{n}"', "") for n in range(count))]
        )
    return path


def names_in(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["LastName"] for row in csv.DictReader(file)]


# -- gzip ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("api", "upload"), [("bulk2", "/batches"), ("bulk1", "/batch")])
@pytest.mark.parametrize(("compress", "wanted"), [(None, "gzip"), (False, "")])
def test_rows_travel_as_gzip_and_control_documents_as_they_are(
    org: LockingOrg, tmp_path: Path, api: str, upload: str, compress: bool | None, wanted: str
) -> None:
    """Unless the options say otherwise."""
    with opened(org, compress=compress) as sf:
        result = sf.insert("Contact", contacts(tmp_path / "rows.csv", 3_000), api=api, part_rows=1_500)

    assert 3_000 == result.succeeded == sum(org.made.values())
    uploads = {encoding for method, path, encoding in org.heard if path.endswith(upload) and method in ("PUT", "POST")}
    assert {wanted} == uploads
    assert {""} == {encoding for method, path, encoding in org.heard if not path.endswith(upload)}


def test_the_old_interface_sends_plain_text(org: LockingOrg) -> None:
    """Its bytes on the wire stay what they were."""
    bulk = SalesforceBulk(sessionId="x", host=org.url, API_version="66.0")
    bulk.post_batch(bulk.create_insert_job("Contact"), "LastName,AccountId\nA,\n")

    assert {""} == {encoding for _, _, encoding in org.heard}
    assert ["A"] == list(org.made)


def test_a_server_that_wants_lengths_gets_them() -> None:
    """411 is answered by the same body with its length, and later bodies have one from the first."""
    no = b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    yes = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    transport = HttpTransport()
    body = Body(lambda: [b"A\n", b"1\n" * 1_000_000], length=2_000_002, repeatable=True, compress=True)
    with raw_server(says(no), says(yes)) as server:
        for _ in range(2):
            with transport.send(Outgoing("PUT", server.url + "/x", {}, body)) as incoming:
                assert 201 == incoming.status
    transport.close()

    assert [True, False, False] == [b"transfer-encoding: chunked" in head.lower() for head in server.heads]
    assert all(b"content-encoding: gzip" in head.lower() for head in server.heads)
    assert server.bodies[1] == server.bodies[2]
    assert b"A\n" + b"1\n" * 1_000_000 == gzip.decompress(server.bodies[1])


@pytest.mark.parametrize("status", [b"400 Bad Request", b"415 Unsupported Media Type", b"501 Not Implemented"])
@pytest.mark.parametrize("rows", [10_000, 1_000_000])
def test_a_server_that_takes_no_gzip_gets_the_rows_as_they_are(status: bytes, rows: int) -> None:
    """The same body with its length and not compressed, and later bodies so from the first."""
    no = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    yes = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    transport = HttpTransport()
    body = Body(lambda: [b"A\n", b"1\n" * rows], length=2 + 2 * rows, repeatable=True, compress=True)
    with raw_server(says(no), says(yes)) as server:
        for _ in range(2):
            with transport.send(Outgoing("PUT", server.url + "/x", {}, body)) as incoming:
                assert 201 == incoming.status
    transport.close()

    assert [True, False, False] == [b"content-encoding: gzip" in head.lower() for head in server.heads]
    assert [b"A\n" + b"1\n" * rows] * 2 == server.bodies[1:]


def test_a_refusal_that_means_something_else_is_handed_out() -> None:
    """Plainer or not, the answer is the same; the next body is compressed again. Once a compressed body was taken, none is
    sent twice."""
    no = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    yes = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    transport = HttpTransport()
    body = Body(lambda: [b"1\n" * 10_000], length=20_000, repeatable=True, compress=True)
    with raw_server(says(no), says(no), says(yes), says(no)) as server:
        statuses = []
        for _ in range(3):
            with transport.send(Outgoing("PUT", server.url + "/x", {}, body)) as incoming:
                statuses.append(incoming.status)
    transport.close()

    assert [400, 201, 400] == statuses
    assert [True, False, True, True] == [b"content-encoding: gzip" in head.lower() for head in server.heads]


def test_a_server_that_takes_neither_is_found_out_step_by_step() -> None:
    """First it wants a length, then it does not read what is compressed."""
    answers = (b"411 Length Required", b"415 Unsupported Media Type", b"201 Created")
    plays = [says(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") for answer in answers]
    transport = HttpTransport()
    body = Body(lambda: [b"1\n" * 1_000_000], length=2_000_000, repeatable=True, compress=True)
    with raw_server(*plays) as server:
        for _ in range(2):
            transport.send(Outgoing("PUT", server.url + "/x", {}, body)).close()
    transport.close()

    heads = [head.lower() for head in server.heads]
    assert [True, True, False, False] == [b"content-encoding: gzip" in head for head in heads]
    assert [True, False, False, False] == [b"transfer-encoding: chunked" in head for head in heads]


@pytest.mark.parametrize("fault", [resets(), says(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")])
def test_after_a_fault_the_first_body_is_repeated_as_it_is(fault: Play) -> None:
    """It may be that the server cannot read the other way. Once a compressed body was taken, that is no question."""
    yes = says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    body = Body(lambda: [b"1\n" * 1_000_000], length=2_000_000, repeatable=True, compress=True)

    def heads(*plays: Play) -> list[bool]:
        transport = HttpTransport()
        with raw_server(*plays) as server:
            for _ in plays:
                with suppress(AnswerLost):
                    transport.send(Outgoing("PUT", server.url + "/x", {}, body)).close()
        transport.close()
        return [b"content-encoding: gzip" in head.lower() for head in server.heads]

    assert [True, False] == heads(fault, yes)
    assert [True, True, True] == heads(yes, fault, yes)


def test_a_small_body_travels_as_it_is() -> None:
    """It fits into one round trip, and any server can read it."""
    yes = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    transport = HttpTransport()
    with raw_server(says(yes)) as server:
        for rows in (7_000, 7_001):
            body = Body(partial(lambda rows: [b"1\n" * rows], rows), length=2 * rows, repeatable=True, compress=True)
            transport.send(Outgoing("PUT", server.url + "/x", {}, body)).close()
    transport.close()

    assert [False, True] == [b"content-encoding: gzip" in head.lower() for head in server.heads]
    assert [True, True] == [b"content-length: " in head.lower() for head in server.heads]


# -- slices -------------------------------------------------------------------------------------------------------------


def test_a_plain_file_goes_out_without_a_copy_of_it(org: LockingOrg, tmp_path: Path, home: Path) -> None:
    """Its parts are stretches of the file; nothing of them stands in the folder of the run while they are sent. Rows that can
    be had only once are kept there, ahead of their sending."""
    path = contacts(tmp_path / "rows.csv")
    seen: list[list[str]] = []
    org.give_up = lambda job, number: seen.append(sorted(found.name for found in home.rglob("part-*")))  # type: ignore[func-returns-value]

    with opened(org) as sf:
        sliced = sf.insert("Contact", path, part_rows=4)
        with path.open(encoding="utf-8", newline="") as file:
            spooled = sf.insert("Contact", iter(list(csv.DictReader(file))), api="bulk2", part_rows=4, parallel_jobs=1)

    assert [[], [], []] == seen[:3]
    assert [True, True, True] == [f"part-{number}.csv" in names for number, names in enumerate(seen[3:])]
    assert [] == list(home.rglob("part-*"))
    assert (9, 9) == (sliced.succeeded, spooled.succeeded)
    by_first_row = sorted(job.names for job in org.jobs[:3])
    assert [job.names for job in org.jobs[3:]] == by_first_row
    assert names_in(path) == [name for names in by_first_row for name in names]


def changes(path: Path) -> dict[str, Callable[[], object]]:
    def replaced() -> None:
        other = path.with_suffix(".new")
        other.write_bytes(path.read_bytes())
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.replace(path)

    return {
        "longer": lambda: path.write_bytes(path.read_bytes() + b"X,\n"),
        "shorter": lambda: path.write_bytes(path.read_bytes()[:-9]),
        "replaced": replaced,
        "gone": path.unlink,
    }


@pytest.mark.parametrize("how", ["longer", "shorter", "replaced", "gone"])
def test_a_file_that_changes_meanwhile_stops_the_load(org: LockingOrg, tmp_path: Path, how: str) -> None:
    """What was sent before stays applied and is in the receipt; nothing of the changed file is applied."""
    path = contacts(tmp_path / "rows.csv")
    names = names_in(path)
    done: list[dict[str, Any]] = []
    change = changes(path)[how]

    def on_progress(told: Any) -> None:
        done.append(dict(told))
        if len(done) == 1:
            change()

    with opened(org) as sf, pytest.raises(SourceChanged) as raised:
        sf.insert("Contact", path, part_rows=4, parallel_jobs=1, on_progress=on_progress)

    assert (
        f"{path} is not the file any more that was looked at: it was written to, or another one took its place.\n"
        "What was read of it since then was not applied; what had been sent before was.\n"
        "Load a file that nobody writes to. The receipt of the run names the jobs that have ended, with their rows."
    ) == str(raised.value)
    assert raised.value.applied is False
    assert set(names[:4]) == set(org.made)
    assert [{"parts": 1, "succeeded": 4, "failed": 0, "unprocessed": 0}] == done


def test_a_file_that_changes_before_its_outcomes_are_matched_says_what_is_applied(
    org: LockingOrg, tmp_path: Path
) -> None:
    path = contacts(tmp_path / "rows.csv", 3)
    org.give_up = lambda job, number: path.write_bytes(b"LastName\nB\n") and None  # type: ignore[func-returns-value]

    with opened(org) as sf, pytest.raises(SourceChanged) as raised:
        sf.insert("Contact", path)

    assert (
        "Part 0 was sent (3 rows from row 0 on; 750Rm0000000000 ended JobComplete), but its rows cannot be read again: the "
        "file has been changed since.\n"
        "Rows were applied; which record each became is not known here.\n"
        "The org keeps the results of 750Rm0000000000 for seven days. Next time, leave the file as it is until all is read."
    ) == str(raised.value)
    assert raised.value.applied is True
    assert 3 == sum(org.made.values())


# -- outcomes that wait -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
@pytest.mark.parametrize("kind", ["file", "generator"])
def test_outcomes_can_wait_when_the_counters_prove_them(
    sf: Org, local_org: LocalOrg, tmp_path: Path, home: Path, api: str, kind: str
) -> None:
    """The counts are there at once; results are fetched when somebody asks for them, once."""
    path = tmp_path / "rows.csv"
    path.write_text("Name\n" + "".join(f"n{n}\n" for n in range(25)))
    rows: Any = path if kind == "file" else ({"Name": f"n{n}"} for n in range(25))

    result = sf.insert("Account", rows, api=api, part_rows=10, outcomes="later")

    assert (25, 0, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert result.receipt["complete"]
    assert [] == list(result.failures())
    assert [] == list(home.rglob("outcomes-*"))
    before = local_org.requests()
    ids = [outcome.id for outcome in result]
    fetched = local_org.requests() - before
    assert ids == [outcome.id for outcome in result]
    assert before + fetched == local_org.requests()
    assert fetched >= 3
    assert {row["Id"]: row["Name"] for row in sf.query("SELECT Id, Name FROM Account")} == {
        id: f"n{n}" for n, id in enumerate(ids)
    }
    assert [] == list(home.rglob("part-*"))


@pytest.mark.parametrize("api", ["bulk2", "bulk1"])
def test_outcomes_do_not_wait_where_a_row_was_refused(sf: Org, home: Path, api: str) -> None:
    """A part with a failed row is matched before the verb returns; the others wait."""
    rows = [{"Name": "" if n == 13 else f"n{n}", "Key__c": str(n)} for n in range(30)]

    result = sf.insert("Account", rows, api=api, part_rows=10, outcomes="later")

    assert (29, 1, 0) == (result.succeeded, result.failed, result.unprocessed)
    assert ["outcomes-1.jsonl"] == [path.name for path in home.rglob("outcomes-*")]
    assert [13] == [outcome.row for outcome in result.failures()]
    assert list(range(30)) == [outcome.row for outcome in result]

"""Slow, huge and malformed requests, bombs, and many clients: each costs the org little, and none of them costs others theirs."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import json
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.bulk2_talk import Talk2

from salesforce_bulk.emulator import LocalOrg

BATCH = "POST /services/async/66.0/job/{job}/batch HTTP/1.1\r\nHost: x\r\nX-SFDC-Session: {token}\r\nContent-Type: text/csv\r\n"


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        yield org


@contextmanager
def connected(org: LocalOrg) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", org.server.port), timeout=20) as sock:
        yield sock


def rest_of(sock: socket.socket) -> bytes:
    """All that comes until the org closes."""
    received = b""
    while piece := sock.recv(65_536):
        received += piece
    return received


def raw(org: LocalOrg, data: bytes) -> bytes:
    with connected(org) as sock:
        sock.sendall(data)
        return rest_of(sock)


def is_well(org: LocalOrg) -> bool:
    """Another client is answered."""
    with closing(http.client.HTTPConnection("127.0.0.1", org.server.port, timeout=20)) as connection:
        connection.request("GET", "/services/data")
        return connection.getresponse().status == 200


# --- malformed --------------------------------------------------------------------------------------------------------

INNER = b"GET /services/data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("framing", "body", "status"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + INNER, 400),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 0", b"0\r\n\r\n" + INNER, 400),
        (b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n" + INNER, 501),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n" + INNER, 501),
        (b"Transfer-Encoding: xchunked", b"0\r\n\r\n" + INNER, 501),
        (b"Content-Length: 5\r\nContent-Length: 6", b"Name\n" + INNER, 400),
        (b"Content-Length: 5, 6", b"Name\n" + INNER, 400),
        (b"Content-Length: -5", INNER, 400),
        (b"Content-Length: +5", b"Name\n" + INNER, 400),
        (b"Content-Length: 0x5", b"Name\n" + INNER, 400),
        (b"Content-Length: " + b"9" * 30, INNER, 400),
        (b"Content-Length : 5", b"Name\n" + INNER, 400),
        (b"Transfer-Encoding: chunked", b"-1\r\n" + INNER, 400),
        (b"Transfer-Encoding: chunked", b"5 \t x\r\nName\n\r\n" + INNER, 400),
        (b"Transfer-Encoding: chunked", b"5\r\nName\nXX0\r\n\r\n" + INNER, 400),
        (b"Transfer-Encoding: chunked", b"f" * 40_000, 431),
        (b"Transfer-Encoding: chunked", b"5;" + b"x" * 40_000, 431),
        (b"A: b\r\n c: d\0", INNER, 400),
        (b": empty", INNER, 400),
    ],
)
def test_a_body_whose_end_is_in_doubt_is_refused(local_org: LocalOrg, framing: bytes, body: bytes, status: int) -> None:
    """What follows it is not taken for a request, and the connection ends."""
    received = raw(local_org, b"POST /services/data HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n" + body)

    assert f"HTTP/1.1 {status} ".encode() == received[:13]
    assert 1 == received.count(b"HTTP/1.1 ")
    assert 0 == local_org.requests()


def test_pieces_in_http_1_0_are_refused(local_org: LocalOrg) -> None:
    """There are none in that version: a proxy before us would read on."""
    received = raw(local_org, b"POST /services/data HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER)

    assert b"HTTP/1.1 400 " == received[:13]
    assert 0 == local_org.requests()


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"A%d: x\r\n" % n for n in range(1_000)),
        b"A: x\r\n" * 1_000,
        b"A: " + b"x" * 33_000 + b"\r\n",
        b"A" * 33_000 + b": x\r\n",
    ],
    ids=["many", "many of one name", "a long one", "a long name"],
)
def test_headers_have_bounds(local_org: LocalOrg, head: bytes) -> None:
    """In number and in size."""
    assert b"HTTP/1.1 431 " == raw(local_org, b"GET /services/data HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")[:13]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"\0" * 100_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"\r\n" * 50_000,
    ],
)
def test_what_is_no_http_ends_the_connection(local_org: LocalOrg, garbage: bytes) -> None:
    """TLS, zeros, HTTP/2 (whose first line is one of HTTP/1, of a target that is none), half a line, empty lines."""
    with connected(local_org) as sock:
        sock.sendall(garbage)
        sock.shutdown(socket.SHUT_WR)
        received = rest_of(sock)

    assert received[:13] in (b"", b"HTTP/1.1 400 ", b"HTTP/1.1 431 ", b"HTTP/1.1 404 ")
    assert b"HTTP/1.1 2" not in received
    assert is_well(local_org)


# --- huge -------------------------------------------------------------------------------------------------------------


def test_a_body_beyond_all_measure_is_answered_unread(local_org: LocalOrg) -> None:
    """The API says that it is too large, while nothing of it was sent."""
    job = Talk(local_org).create("insert")
    head = BATCH.format(job=job, token=local_org.access_token)
    received = raw(local_org, f"{head}Content-Length: 9000000000000\r\n\r\n".encode())

    assert b"HTTP/1.1 400 " == received[:13]
    assert b"Exceeded max size limit of 10000000" in received
    assert b"Connection: close" in received


def test_a_client_that_asks_first_is_told_at_once(local_org: LocalOrg) -> None:
    """Without 100 Continue: it need not send what is too long anyway."""
    job = Talk2(local_org).create()
    head = (
        f"PUT /services/data/v66.0/jobs/ingest/{job}/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {local_org.access_token}"
        "\r\nContent-Type: text/csv\r\nExpect: 100-continue\r\nContent-Length: 200000000\r\n\r\n"
    )
    received = raw(local_org, head.encode())

    assert b"HTTP/1.1 400 " == received[:13]
    assert b"Exceeded max size limit of 100000000" in received


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_documents_are_short(local_org: LocalOrg, framing: str) -> None:
    """What says what is to be done takes no 2 MB: 413, and the next request of the connection is answered."""
    size = local_org.server.document_bytes + 1
    body: Any = b" " * size if framing == "length" else iter([b" " * 50_000] * (size // 50_000 + 1))
    with closing(http.client.HTTPConnection("127.0.0.1", local_org.server.port, timeout=20)) as connection:
        headers = {"X-SFDC-Session": local_org.access_token, "Content-Type": "application/xml"}
        connection.request("POST", "/services/async/66.0/job", body, headers, encode_chunked=framing == "chunked")
        reply = connection.getresponse()
        assert (413, b"") == (reply.status, reply.read())
        connection.request("GET", "/services/data")
        assert 200 == connection.getresponse().status


def test_records_in_json_may_be_long(local_org: LocalOrg) -> None:
    """A file in base64 fits in a call of the collections, and many long texts do."""
    records = [{"attributes": {"type": "Account"}, "Name": "A", "Description": "x" * 30_000} for _ in range(200)]
    answer = Talk2(local_org).ask("POST", "composite/sobjects", {"records": records})

    assert 200 == answer.status
    assert 200 == len(local_org.rows("SELECT Id FROM Account"))


def test_what_is_too_long_is_dropped_as_it_comes(org: LocalOrg) -> None:
    """In pieces, and of no announced length: read to its end, not kept, and told so by the API."""
    org.server.body_bytes["ingest2.upload"] = 1_000_000
    talk = Talk2(org)
    job = talk.create()
    answer = talk.ask("PUT", f"jobs/ingest/{job}/batches", iter([b"x" * 50_000] * 200), Content_Type="text/csv")

    assert 400 == answer.status
    assert "Exceeded max size limit of 100000000" in answer.text
    assert 1_000_000 == org.seen[-1].body_bytes


# --- slow -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start",
    [
        b"GET /services/data HTTP/1.1\r\nX: ",
        b"POST /services/data HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        b"POST /services/data HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ],
    ids=["head", "body", "piece"],
)
def test_who_drips_is_cut_off(org: LocalOrg, start: bytes) -> None:
    """A byte now and then does not renew the time that a request has; others are served meanwhile."""
    org.server.slow_seconds = 0.3
    with connected(org) as sock:
        sock.sendall(start)
        sock.settimeout(0.02)
        ended = False
        for _ in range(500):
            try:
                sock.sendall(b"x")
                ended = sock.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
            break
        assert ended
    assert is_well(org)


def test_a_body_has_more_time_the_more_has_come(org: LocalOrg) -> None:
    """A large upload over a slow line is no attack: 16 KB a second are enough."""
    org.server.slow_seconds = 0.2
    job = Talk(org).create("insert")
    rows = b"Name\n" + b"A\n" * 100_000
    head = BATCH.format(job=job, token=org.access_token)
    with connected(org) as sock:
        sock.sendall(f"{head}Content-Length: {len(rows)}\r\nConnection: close\r\n\r\n".encode())
        sock.sendall(rows[:100_000])
        sock.settimeout(0.5)
        with pytest.raises(TimeoutError):  # longer than a request has at first, and the org waits
            sock.recv(1)
        sock.settimeout(20)
        sock.sendall(rows[100_000:])
        assert b"HTTP/1.1 201 " == rest_of(sock)[:13]


def test_a_client_that_reads_nothing_hinders_nobody(org: LocalOrg) -> None:
    """It is waited for, and then it is not."""
    org.server.slow_seconds = 0.3
    org.clock.pause()
    data = "Name\n" + ("A" * 200 + "\n") * 250_000
    job = Talk2(org).start("insert", data)
    received = 0
    before = set(threading.enumerate())
    with connected(org) as sock:
        sock.sendall(f"GET /jobs/{job}/upload HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert is_well(org)
        for thread in set(threading.enumerate()) - before:
            thread.join(20)
            assert not thread.is_alive()
        with contextlib.suppress(ConnectionError):
            while piece := sock.recv(65_536):
                received += len(piece)
    assert received < len(data)


def gets_in(org: LocalOrg) -> bool:
    with contextlib.suppress(ConnectionError):
        return raw(org, INNER)[:13] == b"HTTP/1.1 200 "
    return False


def test_connections_have_a_number(org: LocalOrg) -> None:
    """One too many is told 503; when another ends, there is room."""
    org.server.most_connections = 3
    with ExitStack() as stack:
        held = [stack.enter_context(connected(org)) for _ in range(3)]
        for sock in held:
            sock.sendall(b"GET /services/data HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP/1.1 200 " == sock.recv(65_536)[:13]
        assert b"HTTP/1.1 503 " == raw(org, b"")[:13]
        held[0].sendall(INNER)
        rest_of(held[0])
        held[0].close()
        assert any(gets_in(org) for _ in range(1_000))  # the org notices the end a moment after us


# --- bombs ------------------------------------------------------------------------------------------------------------


def test_a_gzip_bomb_is_unpacked_to_the_bound_and_no_further(org: LocalOrg) -> None:
    """Fifty megabytes of nothing in 50 KB."""
    org.server.body_bytes["ingest2.upload"] = 1_000_000
    talk = Talk2(org)
    job = talk.create()
    bomb = gzip.compress(bytes(50_000_000), 9)
    answer = talk.upload(job, bomb, Content_Encoding="gzip")

    assert 400 == answer.status
    assert "Exceeded max size limit of 100000000" in answer.text
    assert (len(bomb) < 60_000, 1_000_000) == (True, org.seen[-1].body_bytes)


def test_a_gzip_bomb_in_a_document_is_413(local_org: LocalOrg) -> None:
    """The bound is on what it unpacks to."""
    answer = Talk2(local_org).ask(
        "POST",
        "jobs/ingest",
        gzip.compress(b'{"object": "' + bytes(5_000_000), 9),
        Content_Encoding="gzip",
        Content_Type="application/json",
    )

    assert 413 == answer.status


@pytest.mark.parametrize("name", ["request.txt", "file.bin"])
def test_a_zip_bomb_fails_the_batch(local_org: LocalOrg, name: str) -> None:
    """Whatever its directory claims, what it unpacks to is counted while it is read."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb:
        with bomb.open(name, "w") as file:
            for _ in range(60):
                file.write(bytes(1_000_000))
        if name != "request.txt":
            bomb.writestr("request.txt", "Name,ParentId,Body\na,001000000000001,#file.bin\n")
    data = packed.getvalue()
    claimed = data.replace((60_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    local_org.clock.pause()
    talk = Talk(local_org)

    for body in (data, claimed):
        job, batch = talk.load("insert", body, "ZIP_CSV", sobject="Attachment")
        assert talk.message(job, batch) in (
            "InvalidBatch : The zip unpacks to more than 20000000 bytes",
            f"InvalidBatch : Unable to read {name} in the zip",
        )
    assert len(data) < 1_000_000


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
DOCUMENTS = {
    "entities": (f"{ENTITIES}]><x>&j;</x>", "a document type is not allowed"),
    "a file": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>', "a document type is not allowed"),
    "levels": ("<x>" * 1_000 + "</x>" * 1_000, "elements stand more than 100 levels deep"),
    "elements": ("<x>" + "<y/>" * 10_000 + "</x>", "there are more than 10000 elements"),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_xml_bombs_are_refused_in_logins_and_jobs(local_org: LocalOrg, kind: str) -> None:
    """Before anything is made of them."""
    document, reason = DOCUMENTS[kind]
    talk = Talk(local_org)
    login = talk.ask("POST", "/services/Soap/u/62.0", document, Content_Type="text/xml", SOAPAction="login")
    job = talk.bulk("POST", "job", document, Content_Type="application/xml")

    assert (500, reason in login.text) == (login.status, True), login.text
    assert (400, "InvalidXml", f"Unable to parse Job: {reason}") == job.error


@pytest.mark.parametrize("kind", ["entities", "a file", "levels"])
def test_xml_bombs_fail_a_batch(local_org: LocalOrg, kind: str) -> None:
    """Rows may be many, and nothing else may."""
    document, reason = DOCUMENTS[kind]
    local_org.clock.pause()
    talk = Talk(local_org)
    job, batch = talk.load("insert", document, "XML")

    assert f"InvalidBatch : Failed to parse XML. {reason}" == talk.message(job, batch)


DEEP = "[" * 100_000


def test_json_that_is_too_deep_is_malformed(local_org: LocalOrg) -> None:
    """In jobs and records: 400, in the words of each API."""
    talk, other = Talk(local_org), Talk2(local_org)
    for body in (DEEP, '{"a":' * 100_000):
        assert (400, "InvalidJob", "Unable to parse Job") == talk.bulk(
            "POST", "job", body, Content_Type="application/json"
        ).error
        for method, path in (("POST", "jobs/ingest"), ("POST", "jobs/query"), ("POST", "composite/sobjects")):
            answer = other.ask(method, path, body, Content_Type="application/json")
            assert (400, "JSON_PARSER_ERROR") == (answer.status, answer.json()[0]["errorCode"]), answer.text


def test_json_rows_that_are_too_deep_fail_the_batch(local_org: LocalOrg) -> None:
    """And no other."""
    local_org.clock.pause()
    talk = Talk(local_org)
    job, batch = talk.load("insert", DEEP, "JSON")

    assert talk.message(job, batch).startswith("InvalidBatch : ")


# --- many -------------------------------------------------------------------------------------------------------------


@dataclass
class Served:
    """A local org in a process of its own."""

    port: int
    token: str
    pid: int

    def ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
    ) -> Any:
        """The answer, read; as JSON where it is."""
        if isinstance(body, dict):
            body, headers = json.dumps(body), {**headers, "Content-Type": "application/json"}
        said = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connection.request(method, f"/services/data/v66.0/{path}", body, said)
        reply = connection.getresponse()
        data = reply.read()
        assert reply.status < 300, (method, path, reply.status, data[:300])
        return json.loads(data) if "json" in (reply.getheader("content-type") or "") else data

    @property
    def peak_megabytes(self) -> int:
        """The most memory that it ever had at once."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1_024
        raise AssertionError("the system does not tell the memory of a process")


@pytest.fixture
def served() -> Iterator[Served]:
    with subprocess.Popen(
        [sys.executable, "-m", "salesforce_bulk.emulator", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        entrance = json.loads(process.stdout.readline())
        try:
            yield Served(int(entrance["url"].rsplit(":", 1)[1]), entrance["access_token"], process.pid)
        finally:
            process.terminate()
            process.wait(30)


def together(clients: int, act: Any) -> list[BaseException]:
    """*act* in so many threads at once, with their numbers; what went wrong."""
    wrong: list[BaseException] = []
    start = threading.Barrier(clients)

    def perform(number: int) -> None:
        try:
            start.wait(60)
            act(number)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=perform, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_a_hundred_clients_load_and_query_at_once(served: Served) -> None:
    """Each gets what it asked for: its own job is complete, and its own rows are there."""
    found: dict[int, bytes] = {}

    def client(number: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)) as connection:

            def finished(kind: str, job: str) -> dict[str, Any]:
                while True:
                    info: dict[str, Any] = served.ask(connection, "GET", f"jobs/{kind}/{job}")
                    if info["state"] in ("JobComplete", "Failed", "Aborted"):
                        return info

            job = served.ask(connection, "POST", "jobs/ingest", {"object": "Account", "operation": "insert"})["id"]
            rows = "Name\n" + "".join(f"of {number}\n" for _ in range(20))
            served.ask(connection, "PUT", f"jobs/ingest/{job}/batches", rows, Content_Type="text/csv")
            served.ask(connection, "PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
            assert 20 == finished("ingest", job)["numberRecordsProcessed"]
            soql = f"SELECT Name FROM Account WHERE Name = 'of {number}'"
            query = served.ask(connection, "POST", "jobs/query", {"operation": "query", "query": soql})["id"]
            finished("query", query)
            found[number] = served.ask(connection, "GET", f"jobs/query/{query}/results")

    assert [] == together(100, client)
    assert {n: b'"Name"\n' + b'"of %d"\n' % n * 20 for n in range(100)} == found
    if Path("/proc/self/status").exists():
        assert served.peak_megabytes < 150


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the memory of a process")
def test_a_hundred_large_bodies_at_once_are_held_on_the_disk(served: Served) -> None:
    """A gigabyte under way, of clients that need no session: the org keeps a megabyte of each in memory at most."""
    body = b"Name\n" + b"x" * 10_000_000

    def client(number: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=300)) as connection:
            path = "/services/async/66.0/job/750000000000001/batch"
            connection.request("POST", path, body, {"Content-Type": "text/csv"})
            assert 400 == connection.getresponse().status

    assert [] == together(100, client)
    assert served.peak_megabytes < 150


def test_hundreds_of_clients_that_never_come_to_the_point_hinder_nobody(served: Served) -> None:
    """Half a head each, or half a body: the others are answered, and little memory is held for them."""
    halves = (
        b"GET /services/data HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 8_000,
        b"POST /services/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 100_000,
    )
    with ExitStack() as stack:
        for number in range(300):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=20))
            sock.sendall(halves[number % 2])
        connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)))
        assert {"DailyApiRequests"} <= served.ask(connection, "GET", "limits").keys()
        if Path("/proc/self/status").exists():
            assert served.peak_megabytes < 150

"""A loopback server that refuses rows for passing reasons: just enough of Bulk API 2.0, 1.0 and REST collections to load.

It knows one object, Contact with a lookup to Account, and makes a record of every row that it does not refuse. A row is told
by its LastName. It does every job at once, when its upload is complete.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NS = 'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
DESCRIBE = {
    "name": "Contact",
    "fields": [
        {"name": "LastName", "type": "string", "relationshipName": None, "referenceTo": []},
        {"name": "AccountId", "type": "reference", "relationshipName": "Account", "referenceTo": ["Account"]},
    ],
}

Row = dict[str, str]


@dataclass
class Job:
    """A 2.0 job, a 1.0 batch or a call of a collection, and what was said of each of its rows: None, or why not."""

    api: str
    rows: list[Row]
    serial: bool = False
    #: (code, or None for "made"; "" for "not tried") a row.
    answers: list[str | None] = field(default_factory=list)
    given_up: str = ""

    @property
    def names(self) -> list[str]:
        return [row["LastName"] for row in self.rows]


@dataclass
class LockingOrg:
    url: str = ""
    #: (the row, how often it came before) -> the code with which it is refused, or None.
    refuse: Callable[[Row, int], str | None] = lambda row, times: None
    #: (the job, how many jobs came before) -> (rows that are done before the org gives the job up, what it says), or None.
    give_up: Callable[[Job, int], tuple[int, str] | None] = lambda job, number: None
    #: (how many jobs came before): no more batches are taken.
    is_full: Callable[[int], bool] = lambda number: False
    jobs: list[Job] = field(default_factory=list)
    #: How often a record was made of each row.
    made: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    open_jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: (method, path without version, Content-Encoding or "") of every request.
    heard: list[tuple[str, str, str]] = field(default_factory=list)

    def work(self, job: Job) -> str:
        with self.lock:
            given_up = self.give_up(job, len(self.jobs))
            done = len(job.rows)
            if given_up is not None:
                done, job.given_up = given_up
            for number, row in enumerate(job.rows):
                name = row["LastName"]
                code = self.refuse(row, self.seen[name]) if number < done else ""
                if number < done:
                    self.seen[name] += 1
                if code is None:
                    self.made[name] += 1
                job.answers.append(code)
            self.jobs.append(job)
            return str(len(self.jobs) - 1)


@contextmanager
def locking_org() -> Iterator[LockingOrg]:
    org = LockingOrg()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *arguments: _Handler(org, *arguments))
    org.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield org
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _csv(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def _rows(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _id(number: int) -> str:
    return f"003Rm{number:010d}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: otherwise the client delays its acknowledgement

    def __init__(self, org: LockingOrg, *arguments: Any) -> None:
        self.org = org
        super().__init__(*arguments)

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_PATCH = do_GET

    def _handle(self) -> None:
        body = self._body()
        encoding = self.headers.get("Content-Encoding", "")
        if encoding == "gzip":
            body = gzip.decompress(body)
        path = re.sub(r"^/services/(data|async)/v?66\.0/", "", self.path)
        self.org.heard.append((self.command, path, encoding))
        for method, pattern, answer in _CALLS:
            found = re.fullmatch(pattern, path)
            if self.command == method and found:
                status, text = answer(self.org, body.decode(), *found.groups())
                break
        else:
            raise AssertionError(f"nobody taught this server {self.command} {self.path}")
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)


# -- Bulk API 2.0 -------------------------------------------------------------------------------------------------------


def _create(org: LockingOrg, body: str) -> tuple[int, str]:
    with org.lock:
        id = f"750Rm{len(org.open_jobs):010d}"
        org.open_jobs[id] = {"state": "Open", "spec": json.loads(body)}
    return 200, json.dumps({"id": id, "state": "Open"})


def _upload(org: LockingOrg, body: str, id: str) -> tuple[int, str]:
    org.open_jobs[id]["job"] = Job("bulk2", _rows(body))
    return 201, ""


def _complete(org: LockingOrg, body: str, id: str) -> tuple[int, str]:
    job = org.open_jobs[id]["job"]
    org.work(job)
    org.open_jobs[id]["state"] = "Failed" if job.given_up else "JobComplete"
    return 200, json.dumps({"id": id, "state": "UploadComplete"})


def _info(org: LockingOrg, body: str, id: str) -> tuple[int, str]:
    held = org.open_jobs[id]
    job = held["job"]
    tried = [answer for answer in job.answers if answer != ""]
    counters = {
        "numberRecordsProcessed": len(tried),
        "numberRecordsFailed": sum(answer is not None for answer in tried),
    }
    said = {"errorMessage": job.given_up} if job.given_up else {}
    return 200, json.dumps({"id": id, "state": held["state"], **counters, **said})


def _results(org: LockingOrg, body: str, id: str, kind: str) -> tuple[int, str]:
    job = org.open_jobs[id]["job"]
    names = list(job.rows[0])
    told = [(number, row, answer) for number, (row, answer) in enumerate(zip(job.rows, job.answers, strict=True))]
    if kind == "successfulResults":
        return 200, _csv(
            ["sf__Id", "sf__Created", *names],
            [[_id(number), "true", *row.values()] for number, row, answer in reversed(told) if answer is None],
        )
    if kind == "failedResults":
        return 200, _csv(
            ["sf__Id", "sf__Error", *names],
            [["", f"{answer}:no luck:--", *row.values()] for _, row, answer in told if answer],
        )
    return 200, _csv(names, [list(row.values()) for _, row, answer in told if answer == ""])


# -- Bulk API 1.0 -------------------------------------------------------------------------------------------------------


def _create1(org: LockingOrg, body: str) -> tuple[int, str]:
    with org.lock:
        id = f"750Rm{len(org.open_jobs):010d}"
        org.open_jobs[id] = {"serial": "<concurrencyMode>Serial<" in body}
    return 201, f"<jobInfo {NS}><id>{id}</id><state>Open</state></jobInfo>"


def _close1(org: LockingOrg, body: str, id: str) -> tuple[int, str]:
    return 200, f"<jobInfo {NS}><id>{id}</id><state>Closed</state></jobInfo>"


def _batch(org: LockingOrg, body: str, id: str) -> tuple[int, str]:
    if org.is_full(len(org.jobs)):
        return (
            400,
            f"<error {NS}><exceptionCode>ExceededQuota</exceptionCode><exceptionMessage>no more</exceptionMessage></error>",
        )
    number = org.work(Job("bulk1", _rows(body), serial=org.open_jobs[id]["serial"]))
    return 201, f"<batchInfo {NS}><id>751{number}</id><jobId>{id}</jobId><state>Queued</state></batchInfo>"


def _batch_info(org: LockingOrg, body: str, id: str, number: str) -> tuple[int, str]:
    job = org.jobs[int(number)]
    state = "Failed" if job.given_up else "Completed"
    tried = sum(answer != "" for answer in job.answers)
    return 200, (
        f"<batchInfo {NS}><id>751{number}</id><jobId>{id}</jobId><state>{state}</state>"
        f"<stateMessage>{job.given_up}</stateMessage><numberRecordsProcessed>{tried}</numberRecordsProcessed></batchInfo>"
    )


def _batch_result(org: LockingOrg, body: str, id: str, number: str) -> tuple[int, str]:
    rows = [
        [_id(place), "true", "true", ""] if answer is None else ["", "false", "false", f"{answer}:no luck:--"]
        for place, answer in enumerate(org.jobs[int(number)].answers)
    ]
    return 200, _csv(["Id", "Success", "Created", "Error"], rows)


# -- REST ---------------------------------------------------------------------------------------------------------------


def _collection(org: LockingOrg, body: str) -> tuple[int, str]:
    job = Job("rest", json.loads(body)["records"])
    org.work(job)
    return 200, json.dumps(
        [
            {"id": _id(number), "success": True, "errors": []}
            if answer is None
            else {"success": False, "errors": [{"statusCode": answer, "message": "no luck", "fields": []}]}
            for number, answer in enumerate(job.answers)
        ]
    )


def _describe(org: LockingOrg, body: str) -> tuple[int, str]:
    return 200, json.dumps(DESCRIBE)


_CALLS: list[tuple[str, str, Callable[..., tuple[int, str]]]] = [
    ("POST", r"jobs/ingest", _create),
    ("PUT", r"jobs/ingest/(\w+)/batches", _upload),
    ("PATCH", r"jobs/ingest/(\w+)", _complete),
    ("GET", r"jobs/ingest/(\w+)", _info),
    ("GET", r"jobs/ingest/(\w+)/(successfulResults|failedResults|unprocessedrecords)", _results),
    ("POST", r"job", _create1),
    ("POST", r"job/(\w+)", _close1),
    ("POST", r"job/(\w+)/batch", _batch),
    ("GET", r"job/(\w+)/batch/751(\d+)", _batch_info),
    ("GET", r"job/(\w+)/batch/751(\d+)/result", _batch_result),
    ("POST", r"composite/sobjects", _collection),
    ("GET", r"sobjects/Contact/describe", _describe),
]

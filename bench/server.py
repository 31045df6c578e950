"""Just enough of Bulk API 1.0 and 2.0 to measure against: python bench/server.py FOLDER, a folder that data.py made.

A query gives as many rows as its ``LIMIT`` says, or all, repeated where the folder has fewer: by 2.0 in pages of the folder's
size (``resultPages`` from API 58.0 on, as in the org), by 1.0 in one file. An upload is swallowed; the keys in it say
which rows it holds, and the results of the job are those rows, each a success: in their order, or, for the object
``Scattered``, in members from the last one to the first. Each job is done at once. No session, field or value is looked
at, so this says nothing about how an org behaves; for that there is the local org. Standard library only, but for a faster
inflate. What goes out was compressed before and goes by sendfile, so that what is measured is the client.

Prints its URL, and ends when its standard input is closed. Beside the API: ``GET /measured`` (``cpu_seconds`` of this
process; ``wire_bytes`` and ``plain_bytes`` of the last load by 2.0), ``GET /whole`` (the whole result), ``PUT /sink``
(swallows and counts).
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import IOBase
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from data import COLUMNS, LOADED, TYPES, Made, header

inflating: Any
try:
    from isal import isal_zlib as inflating
except ImportError:
    inflating = zlib

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
RESULT_ID = "752Qz0000000001AAA"
RESULTS_HEADER = b'"Id","Success","Created","Error"\n'
RESULTS_LINE = b'"003Qz0000000001AAV","true","true",""\n'
BUFFER_BYTES = 256 * 1024
#: At each end of an upload so much is looked at for keys: more than one row.
END_BYTES = 64 * 1024
KEY = re.compile(rb"KEY-(\d{9})")
#: Links of result pages that one answer holds, and since when there are any.
LINKS = 5
FIRST_VERSION_WITH_LINKS = 58.0
#: The object whose results come out of order.
SCATTERED = "Scattered"

#: Bytes, or a file's path, a place in it and a length.
Stretch = bytes | tuple[Path, int, int]


@dataclass
class Upload:
    """A request body: counted, its ends kept, inflated where it must be understood."""

    gzip: bool = False
    wire_bytes: int = 0
    plain_bytes: int = 0
    head: bytes = b""
    tail: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._inflater = inflating.decompressobj(wbits=31) if self.gzip else None

    def add(self, piece: memoryview) -> None:
        self.wire_bytes += len(piece)
        plain = self._inflater.decompress(piece) if self._inflater else piece
        self.plain_bytes += len(plain)
        if len(self.head) < END_BYTES:
            self.head += plain[:END_BYTES]
        self.tail += plain[-END_BYTES:]
        if len(self.tail) > 2 * END_BYTES:
            del self.tail[:-END_BYTES]

    @property
    def keys(self) -> tuple[int, int]:
        """The numbers in the first key and the last one."""
        first, found = KEY.search(self.head), KEY.findall(self.tail)
        if first is None or not found:
            return 0, -1
        return int(first[1]), int(found[-1])


@dataclass
class Job:
    id: str
    version: float
    document: dict[str, Any]
    #: Of a query: how many rows; of a load: those which were sent, as numbers of rows in their order.
    rows: int = 0
    spans: list[range] = field(default_factory=list)
    state: str = "Open"
    #: 1.0: batch -> its rows.
    batches: dict[str, int] = field(default_factory=dict)

    @property
    def is_query(self) -> bool:
        return str(self.document["operation"]).startswith("query")


@dataclass
class Answer:
    status: int = 200
    kind: str = "application/json"
    stretches: list[Stretch] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    gzip: bool = False


@dataclass(frozen=True)
class Asked:
    method: str
    parts: list[str]
    query: dict[str, str]
    gzip: bool
    upload: Upload


def as_json(document: Any, status: int = 200) -> Answer:
    return Answer(status, stretches=[json.dumps(document).encode()])


def as_xml(root: str, content: str, status: int = 200) -> Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}">{content}</{root}>'
    return Answer(status, "application/xml", [text.encode()])


class Server:
    def __init__(self, made: Made) -> None:
        self.made = made
        self.uploaded = Upload()
        self._ids = count(1)
        self._jobs: dict[str, Job] = {}
        self._load_places = made.places("load")
        self._outcome_places = made.places("outcomes")
        self._edges: dict[tuple[int, int, int], bytes] = {}

    def answer(self, asked: Asked) -> Answer:
        match asked.parts:
            case ["measured"]:
                sizes = {"wire_bytes": self.uploaded.wire_bytes, "plain_bytes": self.uploaded.plain_bytes}
                return as_json({"cpu_seconds": time.process_time(), **sizes})
            case ["sink"]:
                return as_json({"bytes": asked.upload.wire_bytes})
            case ["whole"]:
                return self._whole(self.made.rows, gzip=asked.gzip)
            case ["services", "data"]:
                versions = [{"version": f"{number}.0", "url": f"/services/data/v{number}.0"} for number in (57, 62)]
                return as_json(versions)
            case ["services", "data", _, "sobjects", sobject, "describe"]:
                fields = [{"name": name, "type": TYPES.get(name, "string")} for name in COLUMNS]
                return as_json({"name": sobject, "fields": fields})
            case ["services", "data", version, "jobs", kind, *rest]:
                return self._bulk2(asked, float(version[1:]), kind, rest)
            case ["services", "async", version, "job", *rest]:
                return self._bulk1(asked, float(version), rest)
        return as_json([{"errorCode": "NOT_FOUND", "message": "/".join(asked.parts)}], 404)

    # -- Bulk API 2.0 ----------------------------------------------------------------------------------------------------

    def _bulk2(self, asked: Asked, version: float, kind: str, rest: list[str]) -> Answer:
        match rest:
            case []:
                job = self._new_job(version, json.loads(asked.upload.head))
                if kind == "query":
                    job.rows, job.state = self._limit(job.document["query"]), "JobComplete"
                return as_json(self._job2(job))
            case [name]:
                job = self._jobs[name]
                if asked.method == "PATCH":
                    job.state = "JobComplete"
                return as_json(self._job2(job))
            case [name, "batches"]:
                self._take(self._jobs[name], asked.upload)
                return Answer(201)
            case [name, "resultPages"] if version >= FIRST_VERSION_WITH_LINKS:
                return as_json(self._links(self._jobs[name], int(asked.query.get("locator", 0))))
            case [name, "results"]:
                return self._page(self._jobs[name], int(asked.query.get("locator", 0)))
            case [name, "successfulResults"]:
                return self._outcomes(self._jobs[name])
            case [_, "failedResults"]:
                columns = f'"sf__Id","sf__Error",{",".join(LOADED)}\n'
                return Answer(kind="text/csv", stretches=[columns.encode()])
            case [_, "unprocessedrecords"]:
                return Answer(kind="text/csv", stretches=[f"{','.join(LOADED)}\n".encode()])
        return as_json([{"errorCode": "NOT_FOUND", "message": "/".join(asked.parts)}], 404)

    def _new_job(self, version: float, document: dict[str, Any]) -> Job:
        job = Job(f"750Qz{next(self._ids):010d}AAA", version, document)
        self._jobs[job.id] = job
        return job

    def _limit(self, soql: str) -> int:
        found = re.search(r"LIMIT (\d+)", soql, re.IGNORECASE)
        return int(found[1]) if found else self.made.rows

    def _job2(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "operation": job.document["operation"],
            "object": job.document.get("object", "Contact"),
            "state": job.state,
            "contentType": "CSV",
            "apiVersion": job.version,
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
            "concurrencyMode": "Parallel",
            "jobType": "V2Query" if job.is_query else "V2Ingest",
            "numberRecordsProcessed": job.rows,
            "numberRecordsFailed": 0,
        }

    def _pages(self, job: Job) -> int:
        return -(-job.rows // self.made.page_rows)

    def _links(self, job: Job, first: int) -> dict[str, Any]:
        base = f"/services/data/v{job.version}/jobs/query/{job.id}"
        last = min(first + LINKS, self._pages(job))
        done = last == self._pages(job)
        return {
            "resultPages": [{"resultUrl": f"{base}/results?locator={page}"} for page in range(first, last)],
            "nextRecordsUrl": None if done else f"{base}/resultPages?locator={last}",
            "done": done,
        }

    def _page(self, job: Job, number: int) -> Answer:
        made = self.made
        if job.rows % made.page_rows:
            message = f"This server cuts its results by {made.page_rows} rows; {job.rows} are no whole number of pages."
            return as_json([{"errorCode": "INVALIDJOB", "message": message}], 400)
        place, length = made.pages[number % len(made.pages)]
        headers = {
            "Sforce-Locator": str(number + 1) if number + 1 < self._pages(job) else "null",
            "Sforce-NumberOfRecords": str(made.page_rows),
        }
        return Answer(200, "text/csv", [(made.folder / "pages.gz", place, length)], headers, gzip=True)

    def _take(self, job: Job, upload: Upload) -> None:
        """Which rows came: from the first key to the last, and as often all of them between as the size tells."""
        self.uploaded = upload
        first, last = upload.keys
        rows, places = self.made.rows, self._load_places
        stop = last + 1
        if first < stop <= rows:
            spans, size = [range(first, stop)], places[stop] - places[first]
        elif stop <= first < rows:
            spans, size = [range(first, rows), range(stop)], places[rows] - places[first] + places[stop] - places[0]
        else:
            spans, size = [], 0
        again = round((upload.plain_bytes - places[0] - size) / (places[rows] - places[0]))
        if again > 0:
            between = [range(rows)] * again
            spans = (
                [range(first, rows), *between[1:], range(stop)] if len(spans) == 1 else [spans[0], *between, spans[1]]
            )
        job.spans, job.rows = spans, sum(map(len, spans))

    def _outcomes(self, job: Job) -> Answer:
        stretches = [stretch for span in job.spans for stretch in self._members(span)]
        if job.document["object"] == SCATTERED:
            stretches.reverse()
        columns = f'"sf__Id","sf__Created",{",".join(LOADED)}\n'
        return Answer(200, "text/csv", [gzip.compress(columns.encode(), 1), *stretches], gzip=True)

    def _members(self, span: range) -> Iterator[Stretch]:
        size = self.made.member_rows
        for member in range(span.start // size, -(-span.stop // size)):
            first, stop = max(span.start, member * size), min(span.stop, (member + 1) * size)
            if stop - first == size:
                yield (self.made.folder / "outcomes.gz", *self.made.outcomes[member])
            else:
                yield self._edge(member, first, stop)

    def _edge(self, member: int, first: int, stop: int) -> bytes:
        """Some of the rows of a member, as a member of their own."""
        key = (member, first, stop)
        if key not in self._edges:
            place, length = self.made.outcomes[member]
            with (self.made.folder / "outcomes.gz").open("rb") as file:
                file.seek(place)
                content = gzip.decompress(file.read(length))
            ends_here = stop == (member + 1) * self.made.member_rows
            end = len(content) if ends_here else self._outcome_places[stop]
            self._edges[key] = gzip.compress(content[self._outcome_places[first] : end], 1)
        return self._edges[key]

    # -- Bulk API 1.0 ----------------------------------------------------------------------------------------------------

    def _bulk1(self, asked: Asked, version: float, rest: list[str]) -> Answer:
        match rest:
            case []:
                operation = re.search(rb"<operation>(\w+)", asked.upload.head)
                assert operation is not None
                job = self._new_job(version, {"operation": operation[1].decode(), "object": "Contact"})
                return as_xml("jobInfo", self._job1(job), 201)
            case [name]:
                job = self._jobs[name]
                if asked.method == "POST":
                    job.state = "Closed"
                return as_xml("jobInfo", self._job1(job))
            case [name, "batch"] if asked.method == "POST":
                job = self._jobs[name]
                batch = f"751Qz{next(self._ids):010d}AAA"
                first, last = asked.upload.keys
                job.batches[batch] = self._limit(asked.upload.head.decode()) if job.is_query else last + 1 - first
                return as_xml("batchInfo", self._batch(job, batch), 201)
            case [name, "batch"]:
                job = self._jobs[name]
                infos = [f"<batchInfo>{self._batch(job, batch)}</batchInfo>" for batch in job.batches]
                return as_xml("batchInfoList", "".join(infos))
            case [name, "batch", batch]:
                return as_xml("batchInfo", self._batch(self._jobs[name], batch))
            case [name, "batch", _, "result"] if self._jobs[name].is_query:
                return as_xml("result-list", f"<result>{RESULT_ID}</result>")
            case [name, "batch", batch, "result"]:
                content = RESULTS_HEADER + RESULTS_LINE * self._jobs[name].batches[batch]
                return Answer(kind="text/csv", stretches=[content])
            case [name, "batch", batch, "result", _]:
                return self._whole(self._jobs[name].batches[batch], gzip=asked.gzip)
        return as_xml("error", "<exceptionCode>InvalidUrl</exceptionCode>", 404)

    def _job1(self, job: Job) -> str:
        return (
            f"<id>{job.id}</id><operation>{job.document['operation']}</operation><object>Contact</object>"
            f"<state>{job.state}</state><contentType>CSV</contentType>"
        )

    def _batch(self, job: Job, batch: str) -> str:
        return (
            f"<id>{batch}</id><jobId>{job.id}</jobId><state>Completed</state>"
            f"<numberRecordsProcessed>{job.batches[batch]}</numberRecordsProcessed>"
            "<numberRecordsFailed>0</numberRecordsFailed>"
        )

    def _whole(self, rows: int, *, gzip: bool) -> Answer:
        """*rows* rows under one header."""
        made = self.made
        if not gzip:
            place, size = len(header(COLUMNS)), made.whole.stat().st_size
            if rows % made.rows:
                return as_xml("error", "<exceptionCode>InvalidBatch</exceptionCode>", 400)
            more = [(made.whole, place, size - place)] * (rows // made.rows - 1)
            return Answer(200, "text/csv", [(made.whole, 0, size), *more])
        if rows % made.page_rows:
            return as_xml("error", "<exceptionCode>InvalidBatch</exceptionCode>", 400)
        path = made.folder / "whole.csv.gz"
        first, *members = made.members
        stretches: list[Stretch] = [(path, *first)]
        stretches += [(path, *members[number % len(members)]) for number in range(rows // made.page_rows)]
        return Answer(200, "text/csv", stretches, gzip=True)


# -- HTTP ---------------------------------------------------------------------------------------------------------------


def serve(server: Server, connection: socket.socket) -> None:
    """The requests of one connection, until it is closed."""
    with connection, connection.makefile("rb", BUFFER_BYTES) as stream:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = memoryview(bytearray(BUFFER_BYTES))
        while line := stream.readline():
            method, target, _ = line.decode("ascii").split(" ")
            headers = {}
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            if headers.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            path, _, query = target.partition("?")
            is_packed = headers.get("content-encoding") == "gzip" and path != "/sink"
            upload = Upload(gzip=is_packed)
            for size in _sizes(stream, headers):
                left = size
                while left:
                    done = stream.readinto(buffer[:left])  # type: ignore[attr-defined]
                    if not done:
                        return
                    upload.add(buffer[:done])
                    left -= done
            asked = Asked(
                method,
                [part for part in path.split("/") if part],
                {name: values[0] for name, values in parse_qs(query).items()},
                "gzip" in headers.get("accept-encoding", ""),
                upload,
            )
            _send(connection, server.answer(asked))


def _sizes(stream: IOBase, headers: dict[str, str]) -> Iterator[int]:
    """The size of each stretch of a request body; who asks for the next one has read the one before."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        yield int(headers.get("content-length", 0))
        return
    while size := int(stream.readline(), 16):
        yield size
        stream.readline()
    stream.readline()


def _send(connection: socket.socket, answer: Answer) -> None:
    length = sum(len(stretch) if isinstance(stretch, bytes) else stretch[2] for stretch in answer.stretches)
    lines = [f"HTTP/1.1 {answer.status} Bench", f"Content-Type: {answer.kind}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if answer.gzip:
        lines.append("Content-Encoding: gzip")
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
    for stretch in answer.stretches:
        if isinstance(stretch, bytes):
            connection.sendall(stretch)
        else:
            path, place, size = stretch
            with open(path, "rb") as file:
                connection.sendfile(file, place, size)


def main(folder: str) -> None:
    server = Server(Made.open(Path(folder)))
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_quietly, args=(server, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    sys.stdin.buffer.read()


def _quietly(server: Server, connection: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):  # the client went away in the middle of something
        serve(server, connection)


if __name__ == "__main__":
    main(sys.argv[1])

"""Just enough of Bulk API 1.0 to measure against: python bench/server.py FOLDER ROWS [--gzip]

Every query has ROWS rows, made of the files of data.write_results() in FOLDER; every upload is swallowed and has ROWS results.
Each batch is Completed at once. No session, query or row is looked at, so this says nothing about how an org behaves; for that
there is the local org. Standard library only; results go out by sendfile, so that what is measured is the client.

Prints its URL, and ends when its standard input is closed. GET /measured: ``cpu_seconds``, the processor time of this process,
and ``received``, the bytes of the last request body.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
RESULT_ID = "752Qz0000000001AAA"
RESULTS_HEADER = b'"Id","Success","Created","Error"\n'
RESULTS_LINE = b'"003Qz0000000001AAV","true","true",""\n'
BUFFER_BYTES = 256 * 1024


class Server:
    def __init__(self, folder: Path, rows: int, *, gzip: bool) -> None:
        self.rows = rows
        self.gzip = gzip
        self.received = 0
        self._folder = folder
        self._ids = count(1)
        self._queries: set[str] = set()
        self._batches: dict[str, list[str]] = {}
        suffix = ".gz" if gzip else ""
        self._whole, self._more = folder / f"whole.csv{suffix}", folder / f"rows.csv{suffix}"
        self._repeats = 0

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes | list[Path]]:
        """Status, content type, and the body: bytes, or files to be sent one behind the other."""
        if path == "/measured":
            measured = {"cpu_seconds": time.process_time(), "received": self.received}
            return 200, "application/json", json.dumps(measured).encode()
        _, _, rest = path.partition("/job")
        match rest.strip("/").split("/"):
            case [""]:
                job = f"750Qz{next(self._ids):010d}AAA"
                self._batches[job] = []
                if re.search(rb"<operation>query", body):
                    self._queries.add(job)
                return 201, *_document("jobInfo", self._job(job, "Open"))
            case [job]:
                return 200, *_document("jobInfo", self._job(job, "Closed" if method == "POST" else "Open"))
            case [job, "batch"] if method == "POST":
                batch = f"751Qz{next(self._ids):010d}AAA"
                self._batches[job].append(batch)
                return 201, *_document("batchInfo", self._batch(job, batch))
            case [job, "batch"]:
                infos = [f"<batchInfo>{self._batch(job, batch)}</batchInfo>" for batch in self._batches[job]]
                return 200, *_document("batchInfoList", "".join(infos))
            case [job, "batch", batch]:
                return 200, *_document("batchInfo", self._batch(job, batch))
            case [job, "batch", _, "result"] if job in self._queries:
                return 200, *_document("result-list", f"<result>{RESULT_ID}</result>")
            case [_, "batch", _, "result"]:
                return 200, "text/csv", RESULTS_HEADER + RESULTS_LINE * self.rows
            case [_, "batch", _, "result", _]:
                return 200, "text/csv", [self._whole, *[self._more] * self._repeats]
        return 404, *_document("error", "<exceptionCode>InvalidUrl</exceptionCode>")

    def made_of(self, rows: int) -> None:
        """The files hold *rows* rows: the rest of a result is made by repeating them."""
        if self.rows % rows:
            raise SystemExit(f"{self.rows} rows cannot be made of files of {rows}")
        self._repeats = self.rows // rows - 1

    def _job(self, job: str, state: str) -> str:
        operation = "query" if job in self._queries else "insert"
        return (
            f"<id>{job}</id><operation>{operation}</operation><object>Contact</object><state>{state}</state>"
            "<contentType>CSV</contentType>"
        )

    def _batch(self, job: str, batch: str) -> str:
        return (
            f"<id>{batch}</id><jobId>{job}</jobId><state>Completed</state>"
            f"<numberRecordsProcessed>{self.rows}</numberRecordsProcessed><numberRecordsFailed>0</numberRecordsFailed>"
        )


def _document(root: str, content: str) -> tuple[str, bytes]:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{NAMESPACE}">{content}</{root}>'
    return "application/xml", text.encode()


def serve(server: Server, connection: socket.socket) -> None:
    """The requests of one connection, until it is closed."""
    with connection, connection.makefile("rb", BUFFER_BYTES) as stream:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = bytearray(BUFFER_BYTES)
        while line := stream.readline():
            method, path, _ = line.decode("ascii").split(" ")
            headers = {}
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            received, head = 0, b""
            for size in _sizes(stream, headers):
                left = size
                while left:
                    done = stream.readinto(memoryview(buffer)[:left])  # type: ignore[attr-defined]
                    if not done:
                        return
                    if len(head) < 4096:
                        head += buffer[: min(done, 4096)]
                    left -= done
                received += size
            if method == "POST":
                server.received = received
            status, kind, body = server.answer(method, path, head)
            _send(connection, status, kind, body, server.gzip)


def _sizes(stream: BinaryIO, headers: dict[str, str]) -> Iterator[int]:
    """The size of each stretch of a request body; who asks for the next one has read the one before."""
    if headers.get("transfer-encoding", "").lower() != "chunked":
        yield int(headers.get("content-length", 0))
        return
    while size := int(stream.readline(), 16):
        yield size
        stream.readline()
    stream.readline()


def _send(connection: socket.socket, status: int, kind: str, body: bytes | list[Path], gzip: bool) -> None:
    length = len(body) if isinstance(body, bytes) else sum(path.stat().st_size for path in body)
    head = f"HTTP/1.1 {status} Bench\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n"
    if gzip and not isinstance(body, bytes):
        head += "Content-Encoding: gzip\r\n"
    connection.sendall(head.encode() + b"\r\n")
    if isinstance(body, bytes):
        connection.sendall(body)
        return
    for path in body:
        with open(path, "rb") as file:
            connection.sendfile(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("--made-of", type=int, metavar="ROWS", help="how many rows the files hold (default: as many)")
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    server = Server(options.folder, options.rows, gzip=options.gzip)
    server.made_of(options.made_of or options.rows)
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
    main()

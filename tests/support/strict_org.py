"""An org with Bulk API 2.0 that is as strict as its guide allows, and answers in ways that are plausible but not its usual ones.

Not the local org: it knows nothing of records, and takes only what the guide names. API: Bulk API 2.0 guide.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = "/services/data/v66.0"
_MEMBERS = {
    "ingest": {"object", "operation", "externalIdFieldName", "contentType", "columnDelimiter", "lineEnding"},
    "query": {"operation", "query", "contentType", "columnDelimiter", "lineEnding"},
}


@dataclass
class StrictOrg:
    """``lag``: so many looks at a job that has ended still count a record too few. ``links`` and ``described``: the HTTP status
    of ``resultPages`` and of describes; 0: they are answered. ``takes_gzip``: else 415."""

    url: str = ""
    created: str = "true"
    lag: int = 0
    links: int = 404
    described: int = 0
    takes_gzip: bool = True
    found: list[list[str]] = field(default_factory=lambda: [["Id"]])
    heard: list[str] = field(default_factory=list)
    _jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, call: str, head: dict[str, str], body: bytes) -> tuple[int, Any, dict[str, str]]:
        """Status, document or CSV, and headers."""
        self.heard.append(call)
        method, _, address = call.partition(" ")
        parts = urlsplit(address)
        if head.get("authorization") != "Bearer 00Dxx0000001gPL!AQ0AQ":
            return _refused(401, "INVALID_SESSION_ID")
        steps = parts.path.removeprefix(ROOT).strip("/").split("/")
        if steps[0] == "sobjects":
            fields = [{"name": "Id", "type": "id"}, {"name": "Size__c", "type": "int"}]
            return _refused(self.described, "FORBIDDEN") if self.described else (200, {"fields": fields}, {})
        if steps[0] != "jobs":
            return _refused(404, "NOT_FOUND")
        kind = steps[1]
        if len(steps) == 2:
            told = json.loads(body)
            if method != "POST" or set(told) - _MEMBERS[kind] or "charset=UTF-8" not in head["content-type"]:
                return _refused(400, "INVALIDJOB")
            job = {
                "id": f"750Rm{len(self._jobs):010d}IAJ",
                "state": "Open" if kind == "ingest" else "JobComplete",
                **told,
            }
            self._jobs[job["id"]] = job
            return 200, _shown(job), {}
        job = self._jobs[steps[2]]
        if kind == "query":
            return self._query(job, steps[3:], parse_qs(parts.query))
        return self._ingest(job, method, steps[3:], head, body)

    def _ingest(
        self, job: dict[str, Any], method: str, rest: list[str], head: dict[str, str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        if rest == ["batches"]:
            if "content-encoding" in head and not self.takes_gzip:
                return _refused(415, "UNSUPPORTED_MEDIA_TYPE")
            if job["state"] != "Open" or "rows" in job or head["content-type"] != "text/csv":
                return _refused(400, "INVALIDJOBSTATE")
            data = gzip.decompress(body) if "content-encoding" in head else body
            job["head"], *job["rows"] = csv.reader(io.StringIO(data.decode(), newline=""))
            return 201, b"", {}
        if method == "PATCH":
            job["state"] = {"UploadComplete": "JobComplete"}.get(json.loads(body)["state"], "Aborted")
            return 200, _shown(job), {}
        if not rest:
            return (
                200,
                {**_shown(job), "numberRecordsProcessed": self._counted(job["rows"]), "numberRecordsFailed": 0},
                {},
            )
        if job["state"] != "JobComplete":
            return _refused(400, "INVALIDJOBSTATE")
        if rest != ["successfulResults"]:
            return 204, b"", {}
        results = [[f"001{at:012d}AAA", self.created, *row] for at, row in enumerate(job["rows"])]
        return 200, _csv([["sf__Id", "sf__Created", *job["head"]], *reversed(results)]), {}

    def _query(
        self, job: dict[str, Any], rest: list[str], params: dict[str, list[str]]
    ) -> tuple[int, Any, dict[str, str]]:
        if not rest:
            return 200, {**_shown(job), "numberRecordsProcessed": self._counted(self.found[1:])}, {}
        if rest == ["resultPages"]:
            return _refused(self.links, "NOT_HERE")
        at = int(params["locator"][0]) if "locator" in params else 1
        head = {"Sforce-Locator": str(at + 2) if at + 2 < len(self.found) else "null"}
        return 200, _csv([self.found[0], *self.found[at : at + 2]]), head

    def _counted(self, rows: list[Any]) -> int:
        self.lag -= 1
        return len(rows) - (self.lag >= 0)


def _shown(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in ("rows", "head", "query")}


def _refused(status: int, code: str) -> tuple[int, Any, dict[str, str]]:
    return status, [{"errorCode": code, "message": "no"}], {}


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def strict_org(**how: Any) -> Iterator[StrictOrg]:
    org = StrictOrg(**how)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            head = {name.lower(): value for name, value in self.headers.items()}
            # A body without a length is none to it.
            body = self.rfile.read(int(head.get("content-length", 0)))
            with lock:
                status, said, more = org.answer(f"{self.command} {self.path}", head, body)
            text = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_PATCH = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    org.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield org
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

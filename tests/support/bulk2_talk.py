"""Speaking Bulk API 2.0 and REST to a local org over real HTTP, with http.client and nothing of ours."""

from __future__ import annotations

import csv
import http.client
import io
import json
from typing import Any

from salesforce_bulk.emulator import LocalOrg

from .bulk1_talk import Answer


class Talk2:
    def __init__(self, org: LocalOrg, version: str = "66.0") -> None:
        self.org = org
        self.version = version
        self.connection = http.client.HTTPConnection("127.0.0.1", org.server.port, timeout=20)
        self.token: str | None = org.access_token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """*path* begins with a slash, or goes on after ``/services/data/v66.0/``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            session = {"X-SFDC-Session": self.token} if path.startswith("/services/async") else {}
            named = {"Authorization": f"Bearer {self.token}", **session, **named}
        if isinstance(body, dict | list):
            body = json.dumps(body)
            named.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        target = path if path.startswith("/") else f"/services/data/v{self.version}/{path}"
        self.connection.request(method, target, body, named)
        reply = self.connection.getresponse()
        return Answer(reply.status, dict(reply.getheaders()), reply.read())

    def settle(self) -> None:
        """Let everything happen that is going to."""
        self.org.clock.advance(600)

    # --- ingest -------------------------------------------------------------------------------------------------------

    def create(self, operation: str = "insert", sobject: str = "Account", **more: str) -> str:
        answer = self.ask("POST", "jobs/ingest", {"object": sobject, "operation": operation, **more})
        assert answer.status == 200, answer.text
        return str(answer.json()["id"])

    def upload(self, job: str, body: str | bytes, **headers: str) -> Answer:
        return self.ask("PUT", f"jobs/ingest/{job}/batches", body, Content_Type="text/csv", **headers)

    def change(self, job: str, state: str, kind: str = "ingest") -> Answer:
        return self.ask("PATCH", f"jobs/{kind}/{job}", {"state": state})

    def start(self, operation: str, body: str | bytes, sobject: str = "Account", **more: str) -> str:
        """A job with its data, in the queue."""
        job = self.create(operation, sobject, **more)
        assert self.upload(job, body).status == 201
        answer = self.change(job, "UploadComplete")
        assert answer.status == 200, answer.text
        return job

    def load(self, operation: str, body: str | bytes, sobject: str = "Account", **more: str) -> str:
        """A job that has ended."""
        job = self.start(operation, body, sobject, **more)
        self.settle()
        return job

    def info(self, job: str, kind: str = "ingest") -> dict[str, Any]:
        answer = self.ask("GET", f"jobs/{kind}/{job}")
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def result(self, job: str, kind: str) -> str:
        answer = self.ask("GET", f"jobs/ingest/{job}/{kind}")
        assert answer.status == 200, answer.text
        return answer.text

    def rows(self, job: str, kind: str) -> list[dict[str, str]]:
        return read_csv(self.result(job, kind))

    # --- query --------------------------------------------------------------------------------------------------------

    def create_query(self, soql: str, operation: str = "query", **more: str) -> Answer:
        return self.ask("POST", "jobs/query", {"operation": operation, "query": soql, **more})

    def query(self, soql: str, operation: str = "query", **more: str) -> str:
        """A query job that has ended."""
        answer = self.create_query(soql, operation, **more)
        assert answer.status == 200, answer.text
        self.settle()
        job = str(answer.json()["id"])
        assert self.info(job, "query")["state"] == "JobComplete"
        return job

    def page(self, job: str, **parameters: Any) -> Answer:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return self.ask("GET", f"jobs/query/{job}/results?{query}")


def read_csv(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))

"""Speaking Bulk API 1.0 to a local org over real HTTP, with http.client and nothing of ours."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any

from salesforce_bulk.emulator import LocalOrg

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
MIMES = {
    "CSV": "text/csv",
    "XML": "application/xml",
    "JSON": "application/json",
    "ZIP_CSV": "zip/csv",
    "ZIP_XML": "zip/xml",
    "ZIP_JSON": "zip/json",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    def get(self, name: str) -> str | None:
        """The text of an element or member."""
        found = re.search(rf"<{name}>(.*?)</{name}>", self.text, re.DOTALL)
        if found:
            return found[1]
        found = re.search(rf'"{name}"\s*:\s*"?((?:[^",}}\\]|\\.)*)', self.text)
        return found[1] if found else None

    @property
    def error(self) -> tuple[int, str | None, str | None]:
        return self.status, self.get("exceptionCode"), self.get("exceptionMessage")


class Talk:
    def __init__(self, org: LocalOrg, version: str = "66.0") -> None:
        self.org = org
        self.version = version
        self.connection = http.client.HTTPConnection("127.0.0.1", org.server.port, timeout=20)
        self.token: str | None = org.access_token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            named.setdefault("X-SFDC-Session", self.token)
        self.connection.request(method, path, body, named)
        reply = self.connection.getresponse()
        return Answer(reply.status, dict(reply.getheaders()), reply.read())

    def bulk(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask(method, f"/services/async/{self.version}/{path}", body, **headers)

    def create(self, operation: str, content_type: str = "CSV", sobject: str = "Account", **more: str) -> str:
        """A job, by its id. Names with capitals after an underscore are headers, the others elements."""
        headers = {name: value for name, value in more.items() if "_" in name}
        elements = "".join(f"<{name}>{value}</{name}>" for name, value in more.items() if "_" not in name)
        external = elements if "externalIdFieldName" in more else ""
        answer = self.bulk(
            "POST",
            "job",
            f'<jobInfo xmlns="{NAMESPACE}"><operation>{operation}</operation><object>{sobject}</object>{external}'
            f"{'' if external else elements}<contentType>{content_type}</contentType></jobInfo>",
            Content_Type="application/xml",
            **headers,
        )
        assert answer.status == 201, answer.text
        return str(answer.get("id"))

    def add(self, job: str, body: Any, content_type: str = "CSV", **headers: str) -> str:
        answer = self.bulk("POST", f"job/{job}/batch", body, Content_Type=MIMES[content_type], **headers)
        assert answer.status == 201, answer.text
        return str(answer.get("id"))

    def settle(self) -> None:
        """Let everything happen that is going to."""
        self.org.clock.advance(5)

    def batch(self, job: str, batch: str) -> Answer:
        return self.bulk("GET", f"job/{job}/batch/{batch}")

    def message(self, job: str, batch: str) -> str:
        """The state message of a batch that failed."""
        answer = self.batch(job, batch)
        assert answer.get("state") == "Failed", answer.text
        return str(answer.get("stateMessage"))

    def result(self, job: str, batch: str) -> Answer:
        return self.bulk("GET", f"job/{job}/batch/{batch}/result")

    def load(self, operation: str, body: Any, content_type: str = "CSV", **more: str) -> tuple[str, str]:
        """A job of one batch, processed."""
        job = self.create(operation, content_type, **more)
        batch = self.add(job, body, content_type)
        self.settle()
        return job, batch

    def query(self, soql: str, content_type: str = "CSV", **more: str) -> list[bytes]:
        """The result files of a query."""
        operation = more.pop("operation", "query")
        job = self.create(operation, content_type, **more)
        batch = self.add(job, soql, content_type)
        self.settle()
        return self.files(job, batch)

    def files(self, job: str, batch: str) -> list[bytes]:
        assert self.batch(job, batch).get("state") == "Completed", self.batch(job, batch).text
        listed = re.findall(r"752\w{12}", self.result(job, batch).text)
        return [self.bulk("GET", f"job/{job}/batch/{batch}/result/{result}").body for result in listed]

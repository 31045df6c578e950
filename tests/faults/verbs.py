"""The verbs that meet faults: what each is asked to do, what is right afterwards, and the requests that it makes."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from salesforce_bulk import Org
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import JobError

#: Above 16 kB, so that an answer that ends after 1 kB ends inside a row.
QUERIED_ROWS: Final = 300
LOADED_ROWS: Final = 24
PART_ROWS: Final = 12
#: The org refuses this one.
BAD_ROW: Final = 5
SOQL: Final = "SELECT Id, Name, Description, NumberOfEmployees FROM Account"
_LOGIN: Final = ("oauth.token", "rest.versions")


def text_of(number: int) -> str:
    return f'row {number}: "quoted", comma\nand a second line, {number % 7 * "x"}'


@dataclass(frozen=True)
class Reading:
    """A query, and how its rows are read. ``requests``: those that are looked at here; the others are with another verb."""

    name: str
    api: str
    requests: tuple[str, ...]
    works: tuple[str, ...] = ()
    way: str = "to_csv"
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The org cuts its pages so.
    page_rows: int = 50_000
    #: Requests that carry rows into the org.
    carrying: tuple[str, ...] = ()

    def prepare(self, org: LocalOrg) -> None:
        org.holds(
            "Account",
            [{"Name": f"n{n}", "Description": text_of(n), "NumberOfEmployees": str(n)} for n in range(QUERIED_ROWS)],
        )
        org.bulk2.page_rows = self.page_rows

    def perform(self, sf: Org, folder: Path) -> Any:
        result = sf.query(SOQL, api=self.api, longest_poll_seconds=0.02, job_seconds=5, **self.options)
        if self.way == "to_csv":
            result.to_csv(folder / "rows.csv")
            with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))
        if self.way == "to_arrow":
            return result.to_arrow().to_pylist()
        return list(result)

    def check(self, org: LocalOrg, rows: list[dict[str, Any]]) -> None:
        """The rows are those of the org, each once, whole, in its order."""
        assert [_plain(row) for row in org.rows(SOQL)] == [_plain(row) for row in rows]

    def check_error(self, org: LocalOrg, error: BaseException, folder: Path) -> None:
        assert not list(folder.iterdir()), "no file, neither whole nor in part, is left"


def _plain(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("Id", "Name", "Description", "NumberOfEmployees"))


@dataclass(frozen=True)
class Loading:
    """A load of two parts, one after the other; one row is refused."""

    name: str
    api: str
    operation: str
    requests: tuple[str, ...]
    works: tuple[str, ...]
    carrying: tuple[str, ...]

    def prepare(self, org: LocalOrg) -> None:
        if self.operation != "insert":
            org.holds("Account", [{"Name": f"old {n}", "Key__c": f"K-{n}"} for n in self._found()])
        org.holds("Account", [{"Name": "a bystander"}])

    def _found(self) -> range:
        """The rows that there are before; of those of an upsert, the second half."""
        return range(LOADED_ROWS // 2 if self.operation == "upsert" else 0, LOADED_ROWS)

    def rows(self, org: LocalOrg) -> list[dict[str, str]]:
        if self.operation in ("insert", "upsert"):
            rows = [{"Name": f"new {n}", "Key__c": f"K-{n}"} for n in range(LOADED_ROWS)]
            rows[BAD_ROW]["Name"] = ""
            return rows
        found = org.rows("SELECT Id, Key__c FROM Account WHERE Key__c != null", deleted=True)
        ids = {row["Key__c"]: row["Id"] for row in found}
        rows = [{"Id": ids[f"K-{n}"]} for n in range(LOADED_ROWS)]
        rows[BAD_ROW]["Id"] = rows[BAD_ROW]["Id"][:8] + "9999999" + rows[BAD_ROW]["Id"][15:]
        if self.operation == "update":
            for number, row in enumerate(rows):
                row["Name"] = f"new {number}"
        return rows

    def perform(self, sf: Org, folder: Path, org: LocalOrg) -> Any:
        options: dict[str, Any] = {
            "api": self.api, "part_rows": PART_ROWS, "parallel_jobs": 1, "longest_poll_seconds": 0.02, "job_seconds": 5,
        }  # fmt: skip
        if self.operation == "upsert":
            options["external_id"] = "Key__c"
        return getattr(sf, self.operation)("Account", self.rows(org), **options)

    def check(self, org: LocalOrg, result: Any) -> None:
        """Each row was applied once, but for the bad one; the outcomes say so."""
        outcomes = list(result)
        good = [n for n in range(LOADED_ROWS) if n != BAD_ROW]
        assert (LOADED_ROWS - 1, 1, 0) == (result.succeeded, result.failed, result.unprocessed)
        assert list(range(LOADED_ROWS)) == [outcome.row for outcome in outcomes]
        assert [BAD_ROW] == [outcome.row for outcome in outcomes if outcome.state != "succeeded"]
        self._check_told(org, outcomes)
        held = self.held(org)
        assert "a bystander" in held
        assert sorted(self._names(good)) == sorted(name for name in held if name != "a bystander")
        assert result.receipt["complete"]

    def check_error(self, org: LocalOrg, error: BaseException, folder: Path) -> None:
        result = getattr(error, "result", None)
        if isinstance(error, JobError) and result is not None:
            outcomes = list(result)
            states = [outcome.state for outcome in outcomes]
            counts = tuple(states.count(state) for state in ("succeeded", "failed", "unprocessed"))
            assert counts == (result.succeeded, result.failed, result.unprocessed)
            assert LOADED_ROWS == sum(counts)
            self._check_told(org, outcomes)
            told = [outcome.row for outcome in outcomes if outcome.state == "succeeded"]
            assert sorted(self._names(told)) == sorted(name for name in self.held(org) if name != "a bystander")

    def _names(self, applied: Iterable[int]) -> list[str]:
        """What the org holds when these rows were applied, and no others."""
        done = set(applied)
        if self.operation == "insert":
            return [f"new {n}" for n in done]
        if self.operation == "upsert":
            old = [f"old {n}" for n in self._found() if n not in done]
            return old + [f"new {n}" for n in done]
        if self.operation == "delete":
            return [f"old {n}" for n in range(LOADED_ROWS) if n not in done]
        return [f"new {n}" if n in done else f"old {n}" for n in range(LOADED_ROWS)]

    def _check_told(self, org: LocalOrg, outcomes: list[Any]) -> None:
        """Ids and ``created`` of the outcomes are true."""
        found = org.rows("SELECT Id, Key__c, Name FROM Account WHERE Key__c != null", deleted=True)
        ids = {row["Key__c"]: row["Id"] for row in found}
        for outcome in outcomes:
            if outcome.state == "succeeded":
                assert ids[f"K-{outcome.row}"] == outcome.id
                made = self.operation == "insert" or (self.operation == "upsert" and outcome.row not in self._found())
                # By REST nobody can tell a record that the first of two calls made from one that was there before.
                is_known = (self.api, self.operation) != ("rest", "upsert")
                assert outcome.created in ((made,) if is_known else (made, None))
            elif outcome.state == "failed":
                assert outcome.code

    def held(self, org: LocalOrg) -> list[str]:
        return [row["Name"] for row in org.rows("SELECT Name FROM Account")]


_CARRYING: Final = (
    *_LOGIN, "login.soap", "ingest2.create_job", "ingest2.upload", "bulk1.create_job", "bulk1.add_batch",
    "collections.insert", "collections.update", "collections.upsert", "collections.delete",
)  # fmt: skip
_INGEST2: Final = (
    *_LOGIN, "ingest2.create_job", "ingest2.upload", "ingest2.upload_complete", "ingest2.get_job",
    "ingest2.successful_results", "ingest2.failed_results", "ingest2.unprocessed_records",
)  # fmt: skip
_INGEST1: Final = (
    "login.soap", "rest.versions", "bulk1.create_job", "bulk1.add_batch", "bulk1.get_batch", "bulk1.batch_result",
    "bulk1.update_job",
)  # fmt: skip
_QUERY2: Final = (*_LOGIN, "query2.create_job", "query2.get_job", "query2.results")


def _load(api: str, operation: str) -> Loading:
    described = () if operation == "delete" else ("rest.describe",)
    rest = (*_LOGIN, *described, f"collections.{operation}")
    requests = {"bulk2": _INGEST2, "bulk1": _INGEST1, "rest": rest}[api]
    works = {"bulk2": ("ingest2.job",), "bulk1": ("bulk1.batch",), "rest": ("collections.save",)}[api]
    return Loading(f"{operation} by {api}", api, operation, requests, works, _CARRYING)


VERBS: Final[dict[str, Reading | Loading]] = {
    verb.name: verb
    for verb in (
        Reading(
            "query by bulk2, page after page", "bulk2", _QUERY2, ("query2.job",), options={"page_rows": 120}
        ),
        Reading(
            "query by bulk2, pages at once", "bulk2", (*_QUERY2[:-1], "query2.result_pages", "query2.results"),
            ("query2.job",), page_rows=120,
        ),
        Reading(
            "query by bulk2, row after row", "bulk2", ("rest.describe", "query2.results"), way="rows",
            options={"page_rows": 120},
        ),
        Reading(
            "query by bulk2, as Arrow", "bulk2", ("query2.results",), way="to_arrow",
            options={"page_rows": 120},
        ),
        Reading(
            "query by bulk1", "bulk1",
            ("login.soap", "rest.versions", "bulk1.create_job", "bulk1.add_batch", "bulk1.list_batches",
             "bulk1.update_job", "bulk1.batch_result", "bulk1.query_result"), ("bulk1.batch",),
        ),
        Reading(
            "query by rest", "rest", (*_LOGIN, "rest.query", "rest.describe", "rest.query_more"),
            options={"page_rows": 200},
        ),
        *(_load(api, operation) for api in ("bulk2", "bulk1") for operation in ("insert", "upsert", "delete")),
        *(_load("rest", operation) for operation in ("update", "upsert", "delete")),
    )
}  # fmt: skip

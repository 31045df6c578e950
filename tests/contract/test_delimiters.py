"""Every delimiter with every line ending, for loads and for queries: values come back as they went in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.client import Org
from salesforce_bulk.data.delimited import DelimitedRows
from salesforce_bulk.data.record_text import record_writer
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import UsageError
from salesforce_bulk.protocol import ingest2, query2
from salesforce_bulk.protocol.jobs2 import DELIMITERS, LINE_ENDINGS, ask_job
from salesforce_bulk.records import Body, Dialect, IngestSpec, QuerySpec

DIALECTS = [Dialect(delimiter, line_ending) for delimiter, line_ending in product(DELIMITERS, LINE_ENDINGS)]
NAMES = [f"{DELIMITERS[d.delimiter]}-{LINE_ENDINGS[d.line_ending]}" for d in DIALECTS]
VALUES = {
    **{f"delimiter {name}": f"a{delimiter}b{delimiter}" for delimiter, name in DELIMITERS.items()},
    "all delimiters": "".join(DELIMITERS),
    "line feed": "a\nb\n",
    "carriage return and line feed": "\r\na\r\nb",
    "lone carriage return": "a\rb",
    "quotes": '"quoted", "" and "',
    "only a quote": '"',
    "delimiters in quotes": '",";"|"\t"^"`"',
    "NUL": "a\0b",
    "U+2028 and U+0085": "a\u2028b\u0085c",
    "blanks": "  a  ",
    "zeros": "007",
    "formula": "=1+1",
    "emoji": "👩\u200d🚀 naïve 日本",
}
ROWS = [["Name", "LongText__c"], *map(list, VALUES.items())]
WAITS = {"limit_seconds": 60.0, "longest_pause": 0.05}


@pytest.fixture
def sf(local_org: LocalOrg) -> Iterator[Org]:
    login = AccessToken(local_org.access_token, instance_url=local_org.url)
    with connect(login=login, api_version="66.0") as org:
        yield org


def written(dialect: Dialect) -> str:
    return "".join(map(record_writer(dialect), ROWS))


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
def test_a_load_in_this_dialect(local_org: LocalOrg, sf: Org, dialect: Dialect) -> None:
    """The org holds what was sent, and its results, in the same dialect, give it back."""
    spec = IngestSpec("insert", "Account", dialect=dialect)
    job = sf.perform(ingest2.submit_part(spec, Body.of(written(dialect))))
    info = sf.perform(ingest2.await_job(job.id, **WAITS))

    assert ("JobComplete", len(VALUES), 0) == (info.state, info.records_processed, info.records_failed)
    assert (DELIMITERS[dialect.delimiter], LINE_ENDINGS[dialect.line_ending]) == (
        info.wire["columnDelimiter"],
        info.wire["lineEnding"],
    )
    held = local_org.rows("SELECT Name, LongText__c FROM Account")
    assert VALUES == {row["Name"]: row["LongText__c"] for row in held}
    results = DelimitedRows(sf.stream(ingest2.successful_results(job.id)), dialect)
    assert ["sf__Id", "sf__Created", "Name", "LongText__c"] == results.columns
    assert VALUES == {row[2]: row[3] for row in results}


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
def test_job_and_data_in_one_request_in_this_dialect(local_org: LocalOrg, sf: Org, dialect: Dialect) -> None:
    """A multipart request holds any value, line breaks at the ends of the data included."""
    spec = IngestSpec("insert", "Account", dialect=dialect)
    job = sf.perform(ingest2.submit_at_once(spec, written(dialect).encode()))
    assert "UploadComplete" == job.state
    info = sf.perform(ingest2.await_job(job.id, **WAITS))

    assert ("JobComplete", len(VALUES), 0) == (info.state, info.records_processed, info.records_failed)
    held = local_org.rows("SELECT Name, LongText__c FROM Account")
    assert VALUES == {row["Name"]: row["LongText__c"] for row in held}


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
def test_a_query_in_this_dialect(local_org: LocalOrg, sf: Org, dialect: Dialect) -> None:
    """Lines end as asked; breaks inside values stay as the org holds them."""
    local_org.holds("Account", [{"Name": name, "LongText__c": value} for name, value in VALUES.items()])
    job = sf.perform(ask_job(query2.create_job(QuerySpec("SELECT Name, LongText__c FROM Account", dialect=dialect))))
    sf.perform(query2.await_job(job.id, **WAITS))

    body = b"".join(sf.stream(query2.results(job.id)))

    assert body.startswith(f'"Name"{dialect.delimiter}"LongText__c"{dialect.line_ending}'.encode())
    assert body.endswith(f'"{dialect.line_ending}'.encode())
    assert VALUES == dict(DelimitedRows([body], dialect))


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
def test_a_file_in_this_dialect(
    local_org: LocalOrg, sf: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dialect: Dialect
) -> None:
    """Its dialect is found out."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    path = tmp_path / "rows.csv"
    path.write_bytes(written(dialect).encode())

    result = sf.insert("Account", path)

    assert (len(VALUES), 0) == (result.succeeded, result.failed)
    held = local_org.rows("SELECT Name, LongText__c FROM Account")
    assert VALUES == {row["Name"]: row["LongText__c"] for row in held}


@pytest.mark.parametrize(
    ("dialect", "message"),
    [
        (Dialect(":"), "The API has no delimiter ':'. Nothing was sent. It has , ; | \t ^ `."),
        (Dialect(",", "\r"), "Lines end in LF or CRLF in this API. Nothing was sent."),
    ],
    ids=["colon", "CR"],
)
def test_a_dialect_that_the_api_does_not_have(dialect: Dialect, message: str) -> None:
    """Said before anything is sent."""
    for make in (
        lambda: ingest2.create_job(IngestSpec("insert", "Account", dialect=dialect)),
        lambda: query2.create_job(QuerySpec("SELECT Id FROM Account", dialect=dialect)),
    ):
        with pytest.raises(UsageError) as caught:
            make()
        assert message == str(caught.value)

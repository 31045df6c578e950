"""``SalesforceBulkipy``. legacy-api.md 4; its login: test_constructor.py; its README: test_old_readme.py."""

from __future__ import annotations

import inspect

import pytest

from salesforce_bulk import BulkApiError, SalesforceBulk
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulkipy import CsvDictsAdapter, SalesforceBulkipy

from .support import HOST, TOKEN, Played, job_reply, refused, waiting_with


@pytest.fixture
def fork(local_org: LocalOrg) -> SalesforceBulkipy:
    return waiting_with(SalesforceBulkipy(local_org.access_token, local_org.url), local_org)


def test_the_constructor() -> None:
    """4 "Constructor": names and order; the attribute is still ``sessionId``."""
    parameters = list(inspect.signature(SalesforceBulkipy).parameters)
    assert parameters == "session_id host username password security_token sandbox exception_class API_version".split()  # noqa: SIM905
    assert TOKEN == SalesforceBulkipy(TOKEN, HOST).sessionId
    assert SalesforceBulkipy(TOKEN, HOST, None, None, None, True, KeyError, "52.0").exception_class is KeyError


def test_all_methods_of_the_old_class() -> None:
    """9 "try bulkipy import, fall back to salesforce_bulk under one alias": the same methods on both."""
    for name in dir(SalesforceBulk):
        if not name.startswith("_"):
            assert hasattr(SalesforceBulkipy, name)


def test_insert_and_query(fork: SalesforceBulkipy, local_org: LocalOrg) -> None:
    """4 "README examples": job first; unicode; rows as dicts of text, lazily."""
    records = [{"Name": "Añ", "Key__c": "1"}, {"Name": "日本\nnew line", "Key__c": "2"}]
    job = fork.create_insert_job("Account", contentType="CSV")
    batch = fork.post_bulk_batch(job, CsvDictsAdapter(iter(records)))
    fork.wait_for_batch(job, batch)
    fork.close_job(job)

    job = fork.create_query_job("Account", contentType="CSV")
    batch = fork.query(job, "SELECT Name, Key__c FROM Account ORDER BY Key__c")
    fork.wait_for_batch(job, batch)
    fork.close_job(job)
    results = fork.get_batch_result_iter(job, batch, parse_csv=True)
    assert records[0] == next(results)
    assert records[1:] == list(results)
    assert '"Name","Key__c"' == next(fork.get_batch_result_iter(job, batch))


def test_upsert(fork: SalesforceBulkipy, local_org: LocalOrg) -> None:
    """4 "Upsert documented"."""
    local_org.holds("Account", [{"Key__c": "1", "Name": "before"}])
    job = fork.create_upsert_job("Account", external_id_name="Key__c", contentType="CSV")
    batch = fork.post_bulk_batch(job, CsvDictsAdapter(iter([{"Key__c": "1", "Name": "after"}])))
    fork.wait_for_batch(job, batch)
    assert [{"Name": "after"}] == local_org.rows("SELECT Name FROM Account")


def test_bulk_delete(fork: SalesforceBulkipy, local_org: LocalOrg) -> None:
    """4 "bulk_delete repaired": closes the query job; works."""
    local_org.holds("Account", 3)
    batches = fork.bulk_delete(None, "Account", "Name != null")
    for batch in batches:
        fork.wait_for_batch(batch)
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_split_csv_of_nothing() -> None:
    """4 "split_csv('')": master gave ``['']``, the release crashed; 5.1 follows yplan: no piece of nothing."""
    assert [] == SalesforceBulkipy(TOKEN, HOST).split_csv("", 5)


def test_error_bodies_are_text() -> None:
    """4 "on Python 3 error bodies appear as ``b'…'`` in messages"."""
    played = Played(refused("InvalidJob", "no"), client=SalesforceBulkipy(TOKEN, HOST))
    with pytest.raises(BulkApiError) as caught:
        played.bulk.close_job("750x000000009tLAAQ")
    assert "b'" not in str(caught.value)


def test_its_text_documents_are_sent_as_bytes() -> None:
    """4 "XML documents are ``str``": what is sent does not depend on it."""
    one = Played(job_reply(), client=SalesforceBulkipy(TOKEN, HOST))
    other = Played(job_reply(), client=SalesforceBulk(TOKEN, HOST))
    for played in (one, other):
        played.bulk.create_insert_job("Account")
    assert one.transport.sent[0].body == other.transport.sent[0].body

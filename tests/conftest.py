"""A local org for every test that wants one: one server a session, emptied after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from salesforce_bulk import SalesforceBulk
from salesforce_bulk.emulator import LocalOrg

# How long an example takes says more of the machine's other work than of ours.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


@pytest.fixture(scope="session")
def shared_org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        yield org


@pytest.fixture
def local_org(shared_org: LocalOrg) -> Iterator[LocalOrg]:
    """A planned fault that nobody met fails the test."""
    yield shared_org
    try:
        shared_org.faults.check()
    finally:
        shared_org.reset()


@pytest.fixture
def bulk(local_org: LocalOrg) -> Iterator[SalesforceBulk]:
    client = SalesforceBulk(sessionId=local_org.access_token, host=local_org.url)
    yield client
    client.org.close()

"""The local org with its clock in the tests' hands, and clients that move it instead of sleeping."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from salesforce_bulk import SalesforceBulk
from salesforce_bulk.emulator import LocalOrg

from .support import waiting_with


@pytest.fixture
def local_org(local_org_server: LocalOrg) -> Iterator[LocalOrg]:
    yield local_org_server
    local_org_server.clock.resume()
    local_org_server.reset()


@pytest.fixture
def bulk(local_org: LocalOrg) -> Iterator[SalesforceBulk]:
    client = waiting_with(SalesforceBulk(sessionId=local_org.access_token, host=local_org.url), local_org)
    yield client
    client.org.close()


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SFBULK_INSTANCE_URL",
        "SALESFORCE_CLIENT_ID",
        "SALESFORCE_CLIENT_SECRET",
        "SALESFORCE_REDIRECT_URI",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def at_the_org(local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch) -> LocalOrg:
    """Logins and bare host names lead to the local org; its app is in the environment."""
    monkeypatch.setenv("SFBULK_INSTANCE_URL", local_org.url)
    monkeypatch.setenv("SALESFORCE_CLIENT_ID", local_org.client_id)
    monkeypatch.setenv("SALESFORCE_CLIENT_SECRET", local_org.client_secret)
    monkeypatch.setenv("SALESFORCE_REDIRECT_URI", "https://example.com/callback")
    return local_org

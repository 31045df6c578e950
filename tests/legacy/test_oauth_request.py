"""``salesforce_oauth_request``. legacy-api.md 6."""

from __future__ import annotations

import inspect
from pathlib import Path
from urllib.parse import urlparse

import pytest

import salesforce_oauth_request
from salesforce_bulk import SalesforceBulk
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import LoginRefused


def test_the_signature() -> None:
    """6, second line: order and defaults."""
    parameters = inspect.signature(salesforce_oauth_request.login).parameters
    assert {
        "username": None,
        "password": None,
        "token": None,
        "client_id": None,
        "client_secret": None,
        "redirect_uri": "",
        "state": "",
        "sandbox": False,
        "cache_session": False,
    } == {name: parameter.default for name, parameter in parameters.items()}


@pytest.fixture
def org(local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch) -> LocalOrg:
    """The local org as the login host, and no app in the environment."""
    monkeypatch.setenv("SFBULK_INSTANCE_URL", local_org.url)
    return local_org


def test_login_with_a_token(org: LocalOrg) -> None:
    """6 "password grant" and "return": the keys that programs read, and a session that works."""
    packet = salesforce_oauth_request.login(
        username=org.username,
        password=org.password,
        token=org.security_token,
        client_id=org.client_id,
        client_secret=org.client_secret,
        cache_session=False,
        sandbox=True,
    )
    assert org.url == packet["instance_url"]
    assert f"{org.url}/services/Soap/u/29.0" == packet["endpoint"]
    assert org.username == packet["username"]
    assert org.organization_id == packet["organization_id"]
    assert packet["id"].endswith(f"{packet['organization_id']}/{packet['user_id']}")
    bulk = SalesforceBulk(packet["access_token"], urlparse(packet["endpoint"]).hostname)
    assert bulk.create_query_job("Account").startswith("750")
    bulk = SalesforceBulk(packet["access_token"], packet["endpoint"])
    assert bulk.create_query_job("Account").startswith("750")


def test_the_environment_overrides_the_arguments(at_the_org: LocalOrg) -> None:
    """6 "settings"."""
    packet = salesforce_oauth_request.login(
        at_the_org.username, at_the_org.password, at_the_org.security_token, "wrong id", "wrong secret"
    )
    assert packet["access_token"]


def test_login_without_a_token(at_the_org: LocalOrg) -> None:
    """6 "choice": the scripted browser flow is gone; the password flow answers in its place."""
    packet = salesforce_oauth_request.login(
        username=at_the_org.username, password=at_the_org.password + at_the_org.security_token
    )
    assert packet["access_token"]


def test_token_login(org: LocalOrg) -> None:
    """6 "Exports"."""
    packet = salesforce_oauth_request.token_login(
        org.username, org.password, org.security_token, org.client_id, org.client_secret
    )
    assert packet["access_token"]


def test_a_refusal_is_an_exception(org: LocalOrg) -> None:
    """6 "failure": the old one returned the text of the body, and its caller died on indexing it."""
    with pytest.raises(LoginRefused, match="invalid_grant") as caught:
        salesforce_oauth_request.login(org.username, "hunter2", "", org.client_id, org.client_secret)
    assert "hunter2" not in str(caught.value)


def test_too_little_to_log_in_with(org: LocalOrg) -> None:
    """6 "failure": RuntimeError, as for a first page that did not come."""
    with pytest.raises(RuntimeError, match="needs username, password, client_id and client_secret"):
        salesforce_oauth_request.login(org.username, org.password, org.security_token)


def test_the_browser_flow_no_longer_exists() -> None:
    """6, last paragraph: it says what works today."""
    with pytest.raises(RuntimeError, match="The browser flow of the old library no longer exists"):
        salesforce_oauth_request.oauth_flow("https://login.salesforce.com", "someone@example.com", "secret")


def test_nothing_is_cached_on_disk(at_the_org: LocalOrg, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """6 "cache_session ... never copy this"."""
    monkeypatch.setenv("HOME", str(tmp_path))
    salesforce_oauth_request.login(
        at_the_org.username, at_the_org.password, at_the_org.security_token, cache_session=True
    )
    assert [] == list(tmp_path.iterdir())

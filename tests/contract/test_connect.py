"""Opening an org."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesforce_bulk import AccessToken, ClientCredentials, OAuthPassword, Password, connect
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import SessionExpired, UsageError
from salesforce_bulk.logins import Login


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path))
    for name in ("SFBULK_ORG", "SFBULK_INSTANCE_URL", "SFBULK_ACCESS_TOKEN", "SFBULK_API_VERSION"):
        monkeypatch.delenv(name, raising=False)


def logins(org: LocalOrg) -> list[Login]:
    return [
        AccessToken(org.access_token, instance_url=org.url),
        Password(org.username, org.password, security_token=org.security_token, domain=org.url),
        OAuthPassword(
            org.username,
            org.password,
            client_id=org.client_id,
            client_secret=org.client_secret,
            security_token=org.security_token,
            domain=org.url,
        ),
        ClientCredentials(org.url, org.client_id, org.client_secret),
    ]


@pytest.mark.parametrize("number", range(4))
def test_every_login_opens_the_org(local_org: LocalOrg, number: int) -> None:
    local_org.holds("Account", 3)
    with connect(login=logins(local_org)[number]) as sf:
        assert 3 == len(list(sf.query("SELECT Id FROM Account")))
        assert "DailyApiRequests" in sf.limits()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_session_that_ends_is_renewed_in_the_middle(local_org: LocalOrg, number: int) -> None:
    """REST and Bulk API 2.0 say it with 401, Bulk API 1.0 with 400."""
    with connect(login=logins(local_org)[number]) as sf:
        for api in ("bulk2", "bulk1"):
            local_org.expire_sessions()
            assert 1 == sf.insert("Account", [{"Name": "x"}], api=api).succeeded


def test_a_given_token_that_ends_is_an_error(local_org: LocalOrg) -> None:
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as sf:
        local_org.expire_sessions()
        with pytest.raises(SessionExpired):
            sf.query("SELECT Id FROM Account")


def test_the_newest_version_is_asked_for_once_and_kept(local_org: LocalOrg) -> None:
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as sf:
        list(sf.query("SELECT Id FROM Account"))
        list(sf.query("SELECT Id FROM Account"))

    assert 1 == local_org.requests("rest.versions")
    assert {"v68.0"} == {seen.path.split("/")[3] for seen in local_org.seen if "/jobs/" in seen.path}


def test_the_embedded_local_org() -> None:
    """The same one for all that ask, until the process ends."""
    with connect("local") as one, connect("local") as other:
        one.insert("Account", [{"Name": "embedded"}])
        assert [{"Name": "embedded"}] == list(other.query("SELECT Name FROM Account"))


def test_the_environment_names_the_org(local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFBULK_INSTANCE_URL", local_org.url)
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", local_org.access_token)
    monkeypatch.setenv("SFBULK_API_VERSION", "61.0")
    with connect() as sf:
        assert [] == list(sf.query("SELECT Id FROM Account"))
    assert any("/v61.0/" in seen.path for seen in local_org.seen)


@pytest.mark.parametrize(
    ("target", "text"), [(None, "Nothing says which org to open"), ("staging", "There is no org 'staging'")]
)
def test_an_org_that_nothing_names(target: str | None, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        connect(target)


def test_a_target_and_a_login_contradict(local_org: LocalOrg) -> None:
    with pytest.raises(UsageError, match="not both"):
        connect("local", login=logins(local_org)[0])

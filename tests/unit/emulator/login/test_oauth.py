"""OAuth at the local org."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from tests.support.bulk1_talk import Answer, Talk

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        yield org


def post(org: LocalOrg, path: str, form: dict[str, str], **headers: str) -> Answer:
    talk = Talk(org)
    talk.token = None
    mime = "application/x-www-form-urlencoded"
    return talk.ask("POST", f"/services/oauth2/{path}", urlencode(form), Content_Type=mime, **headers)


def token(org: LocalOrg, grant: str, **more: str) -> Answer:
    form = {"grant_type": grant, "client_id": org.client_id, "client_secret": org.client_secret}
    return post(org, "token", {**form, **more})


def test_password_grant(org: LocalOrg) -> None:
    """``issued_at`` is a text of milliseconds, and nothing tells when it ends."""
    answer = token(org, "password", username=org.username, password=org.password + org.security_token).json()

    assert answer["token_type"] == "Bearer"
    assert answer["instance_url"] == org.url
    assert answer["id"].endswith(f"/id/{org.organization_id}/{org.store.user.id}")
    assert answer["issued_at"].isdecimal()
    assert "expires_in" not in answer
    talk = Talk(org)
    talk.token = answer["access_token"]
    assert talk.create("insert")


def test_client_credentials_in_the_header(org: LocalOrg) -> None:
    """On My Domain only."""
    basic = base64.b64encode(f"{org.client_id}:{org.client_secret}".encode()).decode()
    form = {"grant_type": "client_credentials"}

    assert post(org, "token", form, Authorization=f"Basic {basic}").status == 200
    refused = post(org, "token", form, Authorization=f"Basic {basic}", Host="login.salesforce.com")
    assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("grant", "more", "error"),
    [
        ("password", {"username": "x", "password": "y"}, ("invalid_grant", "authentication failure")),
        ("client_credentials", {"client_secret": "x"}, ("invalid_client", "invalid client credentials")),
        ("client_credentials", {"client_id": "x"}, ("invalid_client_id", "client identifier invalid")),
        ("refresh_token", {"refresh_token": "x"}, ("invalid_grant", "expired access/refresh token")),
        ("magic", {}, ("unsupported_grant_type", "grant type not supported")),
    ],
)
def test_refusals(org: LocalOrg, grant: str, more: dict[str, str], error: tuple[str, str]) -> None:
    """400 and two words."""
    answer = token(org, grant, **more)

    assert answer.status == 400
    assert answer.json() == {"error": error[0], "error_description": error[1]}


def test_refreshing_and_revoking(org: LocalOrg) -> None:
    """Revoking a refresh token ends the access tokens that came of it."""
    refresh = org.new_refresh_token()
    answer = token(org, "refresh_token", refresh_token=refresh).json()
    talk = Talk(org)
    talk.token = None

    def who() -> Answer:
        return talk.ask("GET", "/services/oauth2/userinfo", Authorization=f"Bearer {answer['access_token']}")

    assert "refresh_token" not in answer
    assert who().json()["preferred_username"] == org.username
    assert post(org, "revoke", {"token": refresh}).status == 200
    assert (who().status, who().text) == (403, "Bad_OAuth_Token")
    assert post(org, "revoke", {"token": refresh}).json()["error"] == "invalid_token"


def test_the_identity_url(org: LocalOrg) -> None:
    """403 and a word of text for a bad token."""
    talk = Talk(org)
    path = f"/id/{org.organization_id}/{org.store.user.id}"

    assert talk.ask("GET", path, Authorization=f"Bearer {org.access_token}").json()["username"] == org.username
    assert (talk.ask("GET", path, Authorization="Bearer x").status, talk.ask("GET", path).text) == (
        403,
        "Missing_OAuth_Token",
    )


def test_an_idle_session_ends(org: LocalOrg) -> None:
    """After two hours, counted from its last use."""
    org.clock.pause()
    kept = org.access_token
    org.clock.advance(7_000)
    assert org.access_token == kept
    org.clock.advance(7_000)
    assert org.access_token == kept
    org.clock.advance(7_201)
    assert org.access_token != kept


def test_secrets_stay_out_of_reprs(org: LocalOrg) -> None:
    """Of the org and of what it is made of."""
    text = repr([org, org.identity, org.sessions])

    assert not [secret for secret in (org.password, org.client_secret, org.security_token) if secret in text]

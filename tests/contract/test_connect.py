"""Opening an org."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk import (
    AccessToken,
    ClientCredentials,
    JwtBearer,
    OAuthPassword,
    Password,
    RefreshToken,
    SalesforceCli,
    connect,
)
from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.errors import LoginRefused, SessionExpired, UsageError
from salesforce_bulk.logins import Login


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path))
    for name in ("SFBULK_ORG", "SFBULK_INSTANCE_URL", "SFBULK_ACCESS_TOKEN", "SFBULK_API_VERSION"):
        monkeypatch.delenv(name, raising=False)
    # Whatever Salesforce CLI this machine has is none of ours.
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def jwt(local_org: LocalOrg, tmp_path: Path) -> Iterator[JwtBearer]:
    """A login by a key whose certificate the local org has."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    form = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    numbers = key.public_key().public_numbers()
    local_org.login_policy.jwt_keys.append((numbers.n, numbers.e))
    path = tmp_path / "server.key"
    path.touch(0o600)
    path.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    yield JwtBearer(local_org.username, local_org.client_id, path, audience=local_org.url)
    local_org.login_policy.jwt_keys.clear()


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
        RefreshToken(org.url, org.client_id, org.new_refresh_token(), org.client_secret),
        RefreshToken(org.url, org.client_id, org.new_refresh_token()),
    ]


@pytest.mark.parametrize("number", range(6))
def test_every_login_opens_the_org(local_org: LocalOrg, number: int) -> None:
    local_org.holds("Account", 3)
    with connect(login=logins(local_org)[number]) as sf:
        assert 3 == len(list(sf.query("SELECT Id FROM Account")))
        assert "DailyApiRequests" in sf.limits()


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
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
        # By its name, for the process may have run the blocks of the README before, which ask for the same org.
        assert [{"Name": "embedded"}] == list(other.query("SELECT Name FROM Account WHERE Name = 'embedded'"))


def test_the_environment_names_the_org(local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFBULK_INSTANCE_URL", local_org.url)
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", local_org.access_token)
    monkeypatch.setenv("SFBULK_API_VERSION", "61.0")
    with connect() as sf:
        assert [] == list(sf.query("SELECT Id FROM Account"))
    assert any("/v61.0/" in seen.path for seen in local_org.seen)


# -- a signed statement, and refresh tokens ------------------------------------------------------------------------------


def test_a_signed_statement_opens_the_org_again_and_again(local_org: LocalOrg, jwt: JwtBearer) -> None:
    """By the path of the key, by its text, and by its bytes."""
    path = Path(str(jwt.private_key))
    for key in (path, str(path), path.read_text(), path.read_bytes()):
        with connect(login=JwtBearer(jwt.username, jwt.client_id, key, audience=local_org.url)) as sf:
            assert "DailyApiRequests" in sf.limits()
            local_org.expire_sessions()
            assert "DailyApiRequests" in sf.limits()
    assert str(path) not in repr(jwt)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"username": "somebody@else.example"}, "user hasn't approved this consumer"),
        ({"client_id": "another app"}, "user hasn't approved this consumer"),
    ],
)
def test_a_statement_that_the_org_does_not_take(
    local_org: LocalOrg, jwt: JwtBearer, change: dict[str, str], said: str
) -> None:
    login = JwtBearer(
        **{"username": jwt.username, "client_id": jwt.client_id, **change},
        private_key=jwt.private_key,
        audience=local_org.url,
    )
    with connect(login=login) as sf, pytest.raises(LoginRefused) as refused:
        sf.limits()

    assert (
        f"{local_org.url} refused the login: invalid_grant: {said}\nNo session was opened.\n"
        "Check that the user is approved for the app beforehand, that the app has the certificate of this key, that the "
        "audience is right (https://test.salesforce.com for a sandbox), and this machine's clock."
    ) == str(refused.value)


def test_a_statement_signed_by_another_key(local_org: LocalOrg, jwt: JwtBearer) -> None:
    local_org.login_policy.jwt_keys[:] = [(n + 2, e) for n, e in local_org.login_policy.jwt_keys]
    with connect(login=jwt) as sf, pytest.raises(LoginRefused, match="invalid assertion"):
        sf.limits()


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_a_key_that_others_can_read_is_not_used(local_org: LocalOrg, jwt: JwtBearer) -> None:
    path = Path(str(jwt.private_key))
    path.chmod(0o644)
    with connect(login=jwt) as sf, pytest.raises(UsageError) as refused:
        sf.limits()

    assert (
        f"The private key in {path} can be read by others. Nothing was sent. "
        "Make it readable for you alone (chmod 600), and have a new one made if others may have read it."
    ) == str(refused.value)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("missing.key", "The private key in missing.key cannot be read: No such file or directory. Nothing was sent."),
        (
            "-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----",
            "The private key of JwtBearer cannot be read. Nothing was sent. It is an RSA key in PEM form, without a password.",
        ),
    ],
)
def test_a_key_that_cannot_be_used(local_org: LocalOrg, jwt: JwtBearer, key: str, text: str) -> None:
    login = JwtBearer(jwt.username, jwt.client_id, key, audience=local_org.url)
    with connect(login=login) as sf, pytest.raises(UsageError) as refused:
        sf.limits()

    assert text == str(refused.value)
    assert 0 == local_org.requests("oauth.token")


def test_signing_without_its_extra_names_it(jwt: JwtBearer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with connect(login=jwt) as sf, pytest.raises(UsageError) as refused:
        sf.limits()

    assert (
        "JwtBearer signs with the package cryptography, which is not installed. Nothing was sent. "
        "pip install 'salesforce-bulk[jwt]'."
    ) == str(refused.value)


def test_refresh_tokens_that_rotate_are_kept_before_they_are_used(local_org: LocalOrg) -> None:
    """Each answer's token is sent the next time; the caller hears of each, before the session is used."""
    heard: list[tuple[str, int]] = []
    local_org.login_policy.rotate_refresh_tokens = True
    try:
        first = local_org.new_refresh_token()
        login = RefreshToken(
            local_org.url,
            local_org.client_id,
            first,
            on_rotation=lambda token: heard.append((token, local_org.requests("rest.limits"))),
        )
        with connect(login=login, api_version="66.0") as sf:
            sf.limits()
            local_org.expire_sessions()
            sf.limits()
        assert [0, 2] == [requests for _, requests in heard]
        assert 3 == len({first, *(token for token, _ in heard)})
        assert [] == [token for token, _ in heard if token in repr(login)]

        # Used once more, the old one ends what came of it.
        with connect(login=login) as other, pytest.raises(LoginRefused) as refused:
            other.limits()
        assert (
            f"{local_org.url} refused the login: invalid_grant: expired access/refresh token\nNo session was opened.\n"
            "The refresh token was revoked, has aged out, or was rotated away by another program: log in anew."
        ) == str(refused.value)
        present = RefreshToken(local_org.url, local_org.client_id, heard[-1][0])
        with connect(login=present) as other, pytest.raises(LoginRefused):
            other.limits()
    finally:
        local_org.login_policy.rotate_refresh_tokens = False


# -- the Salesforce CLI --------------------------------------------------------------------------------------------------

Answers = dict[str, dict[str, Any]]
HIDDEN = "[REDACTED] Use 'sf org auth show-access-token' to view"


@pytest.fixture
def sf_cli(tmp_path: Path) -> Callable[[Answers], Path]:
    """Installs an ``sf`` that gives these answers by its arguments, and writes down what it was asked."""
    if os.name != "posix":
        pytest.skip("a script with a shebang is POSIX's")

    def install(answers: Answers) -> Path:
        asked = tmp_path / "asked"
        program = tmp_path / "bin" / "sf"
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys\n"
            f"answers = json.loads({json.dumps(answers)!r})\n"
            f"with open({str(asked)!r}, 'a') as file: print(*sys.argv[1:], os.environ['NO_COLOR'], file=file)\n"
            "answer = answers.get(' '.join(sys.argv[1:]), {'status': 1, 'name': 'NotFound', 'message': 'No such org.'})\n"
            "print('update available', file=sys.stderr)\n"
            "print('\\x1b[1m' + json.dumps(answer) + '\\x1b[0m')\n"
            "sys.exit(answer['status'])\n"
        )
        program.chmod(0o755)
        return asked

    return install


def shown(org: LocalOrg, token: str) -> dict[str, Any]:
    return {
        "status": 0,
        "result": {"id": org.organization_id, "accessToken": token, "instanceUrl": org.url, "alias": "staging"},
    }


def test_an_alias_of_the_salesforce_cli(local_org: LocalOrg, sf_cli: Callable[[Answers], Path]) -> None:
    """Its newer releases hide the token there, and tell it when they are asked for it; colours do no harm."""
    told = {"status": 0, "result": {"accessToken": local_org.access_token}, "warnings": ["sensitive"]}
    asked = sf_cli(
        {
            "org display --target-org staging --json": shown(local_org, HIDDEN),
            "org auth show-access-token --target-org staging --json": told,
        }
    )
    for sf in (connect("staging"), connect(login=SalesforceCli("staging"))):
        with sf:
            assert [] == list(sf.query("SELECT Id FROM Account"))
            assert local_org.organization_id == sf.query("SELECT Id FROM Account").receipt["org_id"]

    assert [
        "org display --target-org staging --json 1",
        "org auth show-access-token --target-org staging --json 1",
    ] * 2 == asked.read_text().splitlines()


def test_the_default_org_of_an_older_cli(local_org: LocalOrg, sf_cli: Callable[[Answers], Path]) -> None:
    """Which shows the token. It is asked again when the session ends."""
    asked = sf_cli({"org display --json": shown(local_org, local_org.access_token)})
    with connect() as sf:
        sf.limits()
        local_org.expire_sessions()
        sf_cli({"org display --json": shown(local_org, local_org.access_token)})
        sf.limits()

    assert ["org display --json 1"] * 2 == asked.read_text().splitlines()


def test_an_alias_that_the_cli_does_not_know(sf_cli: Callable[[Answers], Path]) -> None:
    sf_cli({})
    with connect("staging") as sf, pytest.raises(LoginRefused) as refused:
        sf.limits()

    assert (
        "The Salesforce CLI gave no session for the org 'staging': No such org.\nNothing was sent.\n"
        "Look with `sf org list`; log in with `sf org login web --alias staging`."
    ) == str(refused.value)
    assert "NotFound" == refused.value.error_code


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 0, "result": {}}, "its answer names no address"),
        (
            {"status": 0, "result": {"instanceUrl": "https://acme.my.salesforce.com", "accessToken": HIDDEN}},
            "No such org",
        ),
        ({"status": 0}, "exit code 0"),
    ],
)
def test_an_answer_of_the_cli_without_a_session(
    sf_cli: Callable[[Answers], Path], answer: dict[str, Any], why: str
) -> None:
    sf_cli({"org display --json": answer})
    with connect() as sf, pytest.raises(LoginRefused) as refused:
        sf.limits()

    assert f"The Salesforce CLI gave no session for its default org: {why}.\nNothing was sent." in str(refused.value)


def test_a_cli_that_says_no_json(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "sf"
    program.write_text(f"#!{sys.executable}\nraise SystemExit(3)\n")
    program.chmod(0o755)
    with (
        connect(login=SalesforceCli()) as sf,
        pytest.raises(LoginRefused, match=r"its answer is no JSON \(exit code 3\)"),
    ):
        sf.limits()


def test_a_cli_that_is_not_there() -> None:
    with connect(login=SalesforceCli("staging")) as sf, pytest.raises(UsageError, match="is not installed, or not on"):
        sf.limits()


# -- what is meant -------------------------------------------------------------------------------------------------------


def test_sfbulk_org_names_any_target(local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An address takes its token from the environment; a folder is a local org of its own."""
    monkeypatch.setenv("SFBULK_ORG", f"local:{tmp_path / 'org'}")
    with connect() as sf:
        sf.insert("Account", [{"Name": "kept"}])
    with connect(f"local:{tmp_path / 'org'}") as sf:
        assert ["kept"] == [row["Name"] for row in sf.query("SELECT Name FROM Account")]
    assert (tmp_path / "org" / "org.sqlite").exists()

    monkeypatch.setenv("SFBULK_ORG", local_org.url)
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", local_org.access_token)
    for target in (None, local_org.url):
        with connect(target) as sf:
            assert [] == list(sf.query("SELECT Id FROM Account"))


def test_an_address_with_a_token_comes_before_sfbulk_org(local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFBULK_ORG", "nowhere")
    monkeypatch.setenv("SFBULK_INSTANCE_URL", local_org.url)
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", local_org.access_token)
    with connect() as sf:
        assert "DailyApiRequests" in sf.limits()


WAYS = "connect('local'), connect(login=...), SFBULK_INSTANCE_URL with SFBULK_ACCESS_TOKEN, or an org of the Salesforce CLI"


@pytest.mark.parametrize(
    ("target", "environment", "text"),
    [
        (
            None,
            {},
            f"Nothing says which org to open, and the Salesforce CLI (sf) is not installed. Nothing was sent. There are: {WAYS}.",
        ),
        (
            "staging",
            {},
            f"There is no org 'staging', and the Salesforce CLI (sf) is not installed. Nothing was sent. There are: {WAYS}.",
        ),
        (
            None,
            {"SFBULK_INSTANCE_URL": "https://acme.my.salesforce.com"},
            "SFBULK_INSTANCE_URL is set and SFBULK_ACCESS_TOKEN is not. Nothing was sent. Set both, or neither.",
        ),
        (
            None,
            {"SFBULK_ACCESS_TOKEN": "00Dx!y"},
            "SFBULK_ACCESS_TOKEN is set and SFBULK_INSTANCE_URL is not. Nothing was sent. Set both, or neither.",
        ),
        (
            "acme.my.salesforce.com",
            {},
            "https://acme.my.salesforce.com is an address and no login. Nothing was sent. Set SFBULK_ACCESS_TOKEN, or use "
            "connect(login=...).",
        ),
        (
            "https://acme.my.salesforce.com",
            {"SFBULK_ACCESS_TOKEN": "00Dx!y", "SFBULK_INSTANCE_URL": "https://other.my.salesforce.com"},
            "SFBULK_ACCESS_TOKEN is for https://other.my.salesforce.com (SFBULK_INSTANCE_URL), not for "
            "https://acme.my.salesforce.com. Nothing was sent. Unset one of them, or use connect(login=...).",
        ),
    ],
)
def test_what_does_not_say_which_org(
    target: str | None, environment: dict[str, str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is never sent to another address than the one it was given for."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(UsageError) as refused:
        connect(target)

    assert text == str(refused.value)


def test_a_target_and_a_login_contradict(local_org: LocalOrg) -> None:
    with pytest.raises(UsageError, match="not both"):
        connect("local", login=logins(local_org)[0])

"""SOAP login at the local org."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.bulk1_talk import Answer, Talk

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        yield org


def login(
    org: LocalOrg,
    password: str | None = None,
    version: str = "64.0",
    letter: str = "u",
    header: str = "",
    **headers: str,
) -> Answer:
    talk = Talk(org)
    talk.token = None
    password = org.password + org.security_token if password is None else password
    envelope = (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">'
        f"<env:Header>{header}</env:Header><env:Body><urn:login><urn:username>{org.username}</urn:username>"
        f"<urn:password>{password}</urn:password></urn:login></env:Body></env:Envelope>"
    )
    return talk.ask(
        "POST",
        f"/services/Soap/{letter}/{version}",
        envelope,
        Content_Type="text/xml; charset=UTF-8",
        SOAPAction="login",
        **headers,
    )


@pytest.mark.parametrize("letter", ["u", "c"])
def test_the_session_is_good_for_bulk(org: LocalOrg, letter: str) -> None:
    """``serverUrl`` leads back here and ends in the 15-character id of the org."""
    answer = login(org, letter=letter)
    talk = Talk(org)
    talk.token = str(answer.get("sessionId"))

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/xml;charset=UTF-8"
    assert answer.get("serverUrl") == f"{org.url}/services/Soap/{letter}/64.0/{org.organization_id[:15]}"
    assert answer.get("passwordExpired") == "false"
    assert talk.create("insert")


@pytest.mark.parametrize("password", ["", "wrong", "let-me-inWRONG"])
def test_a_wrong_password_is_a_fault(org: LocalOrg, password: str) -> None:
    """500, and the recorded text."""
    answer = login(org, password)

    assert answer.status == 500
    assert answer.get("sf:exceptionCode") == "INVALID_LOGIN"
    assert answer.get("faultstring") == (
        "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
    )


def test_the_security_token(org: LocalOrg) -> None:
    """Not needed from a trusted network, or for a caller that names its organization."""
    assert login(org, org.password).get("sf:exceptionCode") == "LOGIN_MUST_USE_SECURITY_TOKEN"
    scope = "<urn:LoginScopeHeader><urn:organizationId>{}</urn:organizationId></urn:LoginScopeHeader>"
    assert login(org, org.password, header=scope.format(org.organization_id)).status == 200
    assert login(org, org.password, header=scope.format("00D000000000009")).get("sf:exceptionCode") == "INVALID_LOGIN"
    org.login_policy.trusted_network = True
    assert login(org, org.password).status == 200


@pytest.mark.parametrize("version", ["65.0", "68.0", "30.0", "x"])
def test_versions_without_login(org: LocalOrg, version: str) -> None:
    """64.0 is the last."""
    assert login(org, version=version).get("sf:exceptionCode") == "UNSUPPORTED_API_VERSION"


def test_an_expired_password_gives_a_session_for_nothing(org: LocalOrg) -> None:
    """A client that goes on regardless is refused."""
    org.login_policy.password_expired = True
    answer = login(org)
    talk = Talk(org)
    talk.token = str(answer.get("sessionId"))

    assert (answer.status, answer.get("passwordExpired")) == (200, "true")
    assert talk.bulk("GET", "job/750000000000001").error == (400, "InvalidSessionId", "Invalid session id")


def test_a_generic_host_sends_the_client_to_the_instance(org: LocalOrg) -> None:
    """By the Host header."""
    assert str(login(org, Host="login.salesforce.com").get("serverUrl")).startswith(f"{org.url}/services/Soap/u/")


def test_no_document_types(org: LocalOrg) -> None:
    """Neither here."""
    talk = Talk(org)
    answer = talk.ask(
        "POST",
        "/services/Soap/u/64.0",
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        Content_Type="text/xml",
        SOAPAction='""',
    )
    assert answer.status == 500


def test_logout(org: LocalOrg) -> None:
    """Ends the session for all who share it."""
    talk = Talk(org)
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com"><e:Header>'
        f"<u:SessionHeader><u:sessionId>{talk.token}</u:sessionId></u:SessionHeader></e:Header>"
        "<e:Body><u:logout/></e:Body></e:Envelope>"
    )

    def logout() -> Answer:
        return talk.ask("POST", "/services/Soap/u/64.0", envelope, Content_Type="text/xml", SOAPAction='""')

    assert logout().status == 200
    assert logout().get("sf:exceptionCode") == "INVALID_SESSION_ID"


def test_the_ids_are_those_of_the_records(org: LocalOrg) -> None:
    """Whoever looks them up finds them."""
    answer = login(org)

    assert org.rows("SELECT Id FROM Organization") == [{"Id": answer.get("organizationId")}]
    assert org.rows("SELECT Id, ProfileId FROM User") == [
        {"Id": answer.get("userId"), "ProfileId": answer.get("profileId")}
    ]

"""SOAP ``login()`` and ``logout()``. Source: auth.md 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from salesforce_bulk.wire import names

from ..http.messages import Reply, Request
from ..http.routing import Area, route
from ..safe_xml import BadXml, child_text, escape, local_name, parse
from .policy import LoginPolicy, instance_url
from .sessions import Sessions

#: Winter '26: ``login()`` is gone from here on. Summer '25: what is below 31.0 is retired.
FIRST_VERSION_WITHOUT_LOGIN = 65.0
FIRST_VERSION = 31.0

INVALID_LOGIN = "Invalid username, password, security token; or user locked out."


class SoapArea(Area):
    prefix = "/services/soap"

    def __init__(
        self,
        sessions: Sessions,
        policy: LoginPolicy,
        own_url: str = "",
        api_enabled: Callable[[], bool] = lambda: True,
    ) -> None:
        self.sessions = sessions
        self.policy = policy
        self.api_enabled = api_enabled
        self.own_url = own_url
        self.routes = (
            route("login.soap", "POST", "/services/Soap/u/{version}", self._partner),
            route("login.soap", "POST", "/services/Soap/c/{version}", self._enterprise),
            # Clients call back at ``serverUrl``, which ends in the org id.
            route("login.soap", "POST", "/services/Soap/u/{version}/{org}", self._partner),
            route("login.soap", "POST", "/services/Soap/c/{version}/{org}", self._enterprise),
        )

    def not_found(self, request: Request) -> Reply:
        return Reply(404, b"", "text/html; charset=UTF-8")

    def method_not_allowed(self, request: Request, allowed: Sequence[str]) -> Reply:
        return Reply(405, b"", headers=[("Allow", ", ".join(allowed))])

    def failed(self, request: Request, error: Exception) -> Reply:
        return fault("UNKNOWN_EXCEPTION", "An unexpected error occurred.", "partner")

    def _partner(self, request: Request, version: str, org: str = "") -> Reply:
        return self._call(request, version, "partner")

    def _enterprise(self, request: Request, version: str, org: str = "") -> Reply:
        return self._call(request, version, "enterprise")

    def _call(self, request: Request, version: str, flavour: str) -> Reply:
        try:
            number = float(version)
        except ValueError:
            number = 0.0
        if "soapaction" not in request.headers:
            return fault("CLIENT_ERROR", "SOAPAction HTTP header missing", flavour)
        if number < FIRST_VERSION:
            return fault("UNSUPPORTED_API_VERSION", f"API version {version} is not supported.", flavour)
        try:
            envelope = parse(request.body.read())
        except BadXml as error:
            return fault("CLIENT_ERROR", f"The request is not well-formed XML: {error}", flavour)
        body = next((part for part in envelope if local_name(part) == "Body"), None)
        call = next(iter(body), None) if body is not None else None
        if call is None:
            return fault("CLIENT_ERROR", "The envelope has no body.", flavour)
        if local_name(call) == "logout":
            return self._logout(envelope, flavour)
        if local_name(call) != "login":
            return fault(
                "INVALID_OPERATION", f"Only login and logout are served here, not {local_name(call)}.", flavour
            )
        if number >= FIRST_VERSION_WITHOUT_LOGIN:
            return fault("UNSUPPORTED_API_VERSION", f"login() is not available in API version {version}.", flavour)
        if not self.policy.soap_login:
            return fault("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", flavour)
        if self.policy.refusal is not None:
            return fault(*self.policy.refusal, flavour)
        if not self.api_enabled():
            return fault("API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner", flavour)
        return self._login(request, envelope, call, version, flavour)

    def _login(self, request: Request, envelope: Element, call: Element, version: str, flavour: str) -> Reply:
        who = self.sessions.identity
        username, password = child_text(call, "username") or "", child_text(call, "password") or ""
        organization = child_text(envelope, "organizationId")
        if username.lower() != who.username.lower() or not password.startswith(who.password):
            return fault("INVALID_LOGIN", INVALID_LOGIN, flavour)
        if organization is not None and organization[:15] != who.organization_id[:15]:
            return fault("INVALID_LOGIN", INVALID_LOGIN, flavour)
        rest = password[len(who.password) :]
        if not rest and not self.policy.trusted_network and organization is None:
            return fault("LOGIN_MUST_USE_SECURITY_TOKEN", f"{INVALID_LOGIN} Are you at a new location?", flavour)
        if rest not in {"", who.security_token}:
            return fault("INVALID_LOGIN", INVALID_LOGIN, flavour)
        expired = self.policy.password_expired
        token = self.sessions.open(password_expired=expired)
        return self._welcome(instance_url(request, self.own_url), token, version, flavour, expired)

    def _welcome(self, url: str, token: str, version: str, flavour: str, expired: bool) -> Reply:
        who = self.sessions.identity
        letter = "u" if flavour == "partner" else "c"
        soap = f"{url}/services/Soap"
        namespace = names.PARTNER_NS if flavour == "partner" else names.ENTERPRISE_NS
        org15 = who.organization_id[:15]
        text = f"""<?xml version="1.0" encoding="UTF-8"?>\
<soapenv:Envelope xmlns:soapenv="{names.SOAP_ENV_NS}" xmlns="{namespace}" xmlns:xsi="{names.XSI_NS}">\
<soapenv:Body><loginResponse><result>\
<metadataServerUrl>{soap}/m/{version}/{org15}</metadataServerUrl>\
<passwordExpired>{str(expired).lower()}</passwordExpired>\
<sandbox>false</sandbox>\
<serverUrl>{soap}/{letter}/{version}/{org15}</serverUrl>\
<sessionId>{token}</sessionId>\
<userId>{who.user_id}</userId>\
<userInfo>\
<accessibilityMode>false</accessibilityMode><currencySymbol>$</currencySymbol>\
<orgAttachmentFileSizeLimit>5242880</orgAttachmentFileSizeLimit>\
<orgDefaultCurrencyIsoCode>USD</orgDefaultCurrencyIsoCode>\
<orgDisallowHtmlAttachments>false</orgDisallowHtmlAttachments>\
<orgHasPersonAccounts>false</orgHasPersonAccounts>\
<organizationId>{who.organization_id}</organizationId>\
<organizationMultiCurrency>false</organizationMultiCurrency>\
<organizationName>{escape(who.organization_name)}</organizationName>\
<profileId>{who.profile_id}</profileId><roleId xsi:nil="true"/>\
<sessionSecondsValid>{self.sessions.seconds_valid}</sessionSecondsValid>\
<userDefaultCurrencyIsoCode xsi:nil="true"/>\
<userEmail>{escape(who.email)}</userEmail><userFullName>{escape(who.full_name)}</userFullName>\
<userId>{who.user_id}</userId><userLanguage>en_US</userLanguage><userLocale>en_US</userLocale>\
<userName>{escape(who.username)}</userName><userTimeZone>Europe/Lisbon</userTimeZone>\
<userType>Standard</userType><userUiSkin>Theme3</userUiSkin>\
</userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>"""
        return Reply(200, text.encode(), "text/xml;charset=UTF-8")

    def _logout(self, envelope: Element, flavour: str) -> Reply:
        token = child_text(envelope, "sessionId") or ""
        if not self.sessions.revoke(token):
            return fault(
                "INVALID_SESSION_ID",
                "Invalid Session ID found in SessionHeader: Illegal Session",
                flavour,
                "UnexpectedErrorFault",
            )
        namespace = names.PARTNER_NS if flavour == "partner" else names.ENTERPRISE_NS
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{names.SOAP_ENV_NS}" xmlns="{namespace}">'
            "<soapenv:Body><logoutResponse/></soapenv:Body></soapenv:Envelope>"
        )
        return Reply(200, text.encode(), "text/xml;charset=UTF-8")


def fault(code: str, message: str, flavour: str, kind: str = "LoginFault") -> Reply:
    text = f"""<?xml version="1.0" encoding="UTF-8"?>\
<soapenv:Envelope xmlns:soapenv="{names.SOAP_ENV_NS}" xmlns:sf="urn:fault.{flavour}.soap.sforce.com" \
xmlns:xsi="{names.XSI_NS}">\
<soapenv:Body><soapenv:Fault>\
<faultcode>{code}</faultcode>\
<faultstring>{code}: {escape(message)}</faultstring>\
<detail><sf:{kind} xsi:type="sf:{kind}">\
<sf:exceptionCode>{code}</sf:exceptionCode>\
<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage>\
</sf:{kind}></detail>\
</soapenv:Fault></soapenv:Body></soapenv:Envelope>"""
    return Reply(500, text.encode(), "text/xml;charset=UTF-8")

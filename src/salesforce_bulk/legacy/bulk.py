"""``SalesforceBulk``: jobs and batches of Bulk API 1.0, called as the old library was called."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from ..client import Org, open_org
from ..errors import AnswerMalformed, ApiError, BatchFailed, JobAborted, SessionExpired, UsageError
from ..logins import Login
from ..options import DEFAULT_OPTIONS, TransportOptions
from ..protocol.login import log_in
from ..protocol.messages import Call, Flow, Reply, Request
from ..wire import headers as names
from ..wire.names import DATALOAD_NS
from .access import LegacyAccess, instance_url
from .exceptions import BulkApiError, BulkBatchFailed, BulkJobAborted, LoginIncomplete
from .jobs import Jobs, job_to_http_content_type
from .login import chosen_login
from .names import DEFAULT_API_VERSION, HttpErrorMessage, IncompleteCredentialsMessage

__all__ = ["SalesforceBulk", "job_to_http_content_type"]

#: What follows the password by position, in the second generation.
_POSITIONAL = ("API_version", "sandbox", "security_token", "organizationId", "client_id", "domain")

_VERSION = re.compile(r"\d+\.\d+")


class SalesforceBulk(Jobs):
    """The old interface. Every generation of it is understood: ``(job, batch)`` and ``(batch, job)``, names of 1.x and 2.x.

    Args:
        sessionId: A session id or access token; ``session_id`` is taken, too.
        host: Host name or URL of the org.
        username, password: To log in with, when there is no session.
        exception_class: Raised instead of :class:`BulkApiError`, with the message as its one argument. In the first
            generation this was the fifth positional argument; a class there is understood so.
        API_version: Such as ``"66.0"``.
        sandbox, security_token, organizationId, client_id, domain: For the login, as in the second generation.
    """

    exception_class: type[Exception] = BulkApiError
    API_version: str = DEFAULT_API_VERSION
    jobNS: str = DATALOAD_NS
    #: Time limits and tries of each exchange; assign another record, before the first request, to change them.
    transport_options: TransportOptions = DEFAULT_OPTIONS
    sessionId: str
    endpoint: str

    _login: Login | None = None
    _renewal: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        sessionId: str | None = None,
        host: str | None = None,
        username: str | None = None,
        password: str | None = None,
        *more: Any,
        exception_class: type[Exception] | None = None,
        API_version: str | None = None,
        sandbox: object = False,
        security_token: str | None = None,
        organizationId: str | None = None,
        client_id: str | None = None,
        domain: str | None = None,
        session_id: str | None = None,
    ) -> None:
        if more and isinstance(more[0], type):
            exception_class, *more_ = more
        else:
            more_ = list(more)
        if len(more_) > len(_POSITIONAL):
            raise TypeError(f"SalesforceBulk takes at most ten positional arguments, not {4 + len(more)}")
        values = dict(zip(_POSITIONAL, more_, strict=False))
        if not _VERSION.fullmatch(str(values.get("API_version") or DEFAULT_API_VERSION)):
            # What stands there may be a security token, the fork's fifth argument: it is not shown.
            raise UsageError(
                "The fifth argument of SalesforceBulk by position is an API version, such as '66.0', or an exception class. "
                "Nothing was sent. Give security_token= by keyword, or use salesforce_bulkipy.SalesforceBulkipy."
            )
        if exception_class is not None:
            self.exception_class = exception_class
        self.API_version = str(values.get("API_version") or API_version or DEFAULT_API_VERSION)
        token = sessionId or session_id
        if not token and not username:
            raise LoginIncomplete(f"{IncompleteCredentialsMessage()}. Nothing was sent.")
        if not token:
            self._login = chosen_login(
                username,
                password,
                sandbox=values.get("sandbox", sandbox),
                security_token=values.get("security_token", security_token),
                organization_id=values.get("organizationId", organizationId),
                client_id=values.get("client_id", client_id),
                domain=values.get("domain", domain),
            )
            token, host = self._log_in(self._login, self.transport_options)
        assert token is not None
        self.sessionId = token
        self.endpoint = f"{instance_url(host or '')}/services/async/{self.API_version}"

    @cached_property
    def org(self) -> Org:
        """The org behind this interface."""
        return open_org(LegacyAccess(self), self.transport_options)

    def __getstate__(self) -> dict[str, Any]:
        # A copy, here or in another process, has connections of its own. What the org is made of goes with it.
        return {name: value for name, value in self.__dict__.items() if name != "org"}

    # -- logging in -----------------------------------------------------------------------------------------------------

    @staticmethod
    def _log_in(login: Login, options: TransportOptions) -> tuple[str, str]:
        with open_org(None, options) as host:
            session = host.perform(log_in(login))
        return session.access_token, session.instance_url

    @staticmethod
    def login_to_salesforce(
        username: str | None,
        password: str | None,
        sandbox: object = False,
        security_token: str | None = None,
        organizationId: str | None = None,
        client_id: str | None = None,
        API_version: str = DEFAULT_API_VERSION,
        domain: str | None = None,
    ) -> tuple[str, str]:
        """``(session id, host name)`` by SOAP login; ``(access token, instance URL)`` by OAuth, without security token."""
        login = chosen_login(
            username,
            password,
            sandbox=sandbox,
            security_token=security_token,
            organization_id=organizationId,
            client_id=client_id,
            domain=domain,
        )
        token, url = SalesforceBulk._log_in(login, SalesforceBulk.transport_options)
        by_soap = security_token is not None or organizationId is not None
        # A host name is what the second generation gave; with http, on a loopback address, it would not be reachable.
        return token, url.removeprefix("https://") if by_soap else url

    def renew_session(self, refused: str) -> bool:
        """Log in again when the session *refused* has ended. False when only the caller can."""
        if self._login is None:
            return False
        with self._renewal:
            if self.sessionId == refused:
                self.sessionId, _ = self._log_in(self._login, self.transport_options)
            return True

    def headers(self, values: Mapping[str, str] = {}, content_type: str = "application/xml") -> dict[str, str]:
        """The headers of a request, updated by *values*."""
        return {
            names.SESSION: self.sessionId,
            names.CONTENT_TYPE: f"{content_type}; charset=UTF-8",
            names.ACCEPT_ENCODING: "gzip",
            **values,
        }

    get_headers = headers

    # -- what goes wrong ------------------------------------------------------------------------------------------------

    def check_status(self, resp: Any, content: Any = None) -> None:
        """Raise for an answer of 400 and above. Takes responses with ``status_code`` or with ``status``."""
        status = int(getattr(resp, "status_code", 0) or getattr(resp, "status", 0) or 0)
        if status >= 400:
            body = content if content is not None else getattr(resp, "text", "")
            if isinstance(body, bytes):
                body = body.decode("utf-8", "replace")
            self.raise_error(HttpErrorMessage(message=body), status)

    def raise_error(self, message: str, status_code: int | None = None) -> NoReturn:
        if status_code:
            message = f"[{status_code}] {message}"
        if self.exception_class is BulkApiError:
            raise BulkApiError(message, status_code=status_code)
        raise self.exception_class(message)

    def _call(self, request: Request) -> Reply:
        reply: Reply = self._perform(_call(request))
        return reply

    def _perform(self, flow: Flow[Any]) -> Any:
        """Run a flow; what the org refuses becomes the old kind of error, with the new explanation under it."""
        try:
            return self.org.perform(flow)
        except (ApiError, SessionExpired, AnswerMalformed) as error:
            self._refused(error)
        except JobAborted as error:
            raise BulkJobAborted(error.job_id) from error
        except BatchFailed as error:
            raise BulkBatchFailed(error.job_id, error.batch_id, error.state_message or str(error)) from error

    def _refused(self, error: ApiError | SessionExpired | AnswerMalformed) -> NoReturn:
        try:
            self.raise_error(f"{HttpErrorMessage(message=error.body)}\n{error}", error.status_code)
        except BulkApiError as old:
            old.applied = error.applied
            old.status_code = error.status_code  # a class of the caller's own is made with the message alone
            raise old from error
        except Exception as other:  # the caller's own exception_class
            raise other from error


def _call(request: Request) -> Flow[Reply]:
    reply: Reply = yield Call(request)
    return reply

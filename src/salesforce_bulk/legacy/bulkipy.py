"""``SalesforceBulkipy``, the fork that the old README recommends: its own constructor, its own login, text documents."""

from __future__ import annotations

from typing import Any

from ..wire.names import ContentType
from .bulk import SalesforceBulk
from .exceptions import BulkApiError, LoginIncomplete
from .login import chosen_login
from .names import DEFAULT_API_VERSION


class SalesforceBulkipy(SalesforceBulk):
    """The old interface as the fork opens it: a session with its host, or user name, password and security token."""

    def __init__(
        self,
        session_id: str | None = None,
        host: str | None = None,
        username: str | None = None,
        password: str | None = None,
        security_token: str | None = None,
        sandbox: object = False,
        exception_class: type[Exception] = BulkApiError,
        API_version: str = DEFAULT_API_VERSION,
    ) -> None:
        has_session = bool(session_id and host)
        # An empty token is what a user of a trusted network has; with a session beside it, the session was always meant.
        if username and password and (security_token or (security_token is not None and not has_session)):
            super().__init__(
                username=username,
                password=password,
                security_token=security_token,
                sandbox=sandbox,
                exception_class=exception_class,
                API_version=API_version,
            )
        elif has_session:
            super().__init__(session_id, host, exception_class=exception_class, API_version=API_version)
        else:
            raise LoginIncomplete(
                "Must supply either session_id and host, or username, password and security_token. Nothing was sent."
            )

    @staticmethod
    def login_to_salesforce_using_username_password(
        username: str, password: str, security_token: str, sandbox: object
    ) -> tuple[str, str]:
        """``(session id, instance host)`` by SOAP login."""
        login = chosen_login(username, password, security_token=security_token, sandbox=sandbox)
        token, url = SalesforceBulk._log_in(login, SalesforceBulk.transport_options)
        return token, url.removeprefix("https://")

    def create_job_doc(
        self,
        object_name: str | None = None,
        operation: str | None = None,
        contentType: str = ContentType.CSV,
        concurrency: str | None = None,
        external_id_name: str | None = None,
    ) -> Any:
        doc: bytes = super().create_job_doc(object_name, operation, contentType, concurrency, external_id_name)
        return doc.decode("utf-8")

    def create_close_job_doc(self) -> Any:
        doc: bytes = super().create_close_job_doc()
        return doc.decode("utf-8")

    def create_abort_job_doc(self) -> Any:
        doc: bytes = super().create_abort_job_doc()
        return doc.decode("utf-8")

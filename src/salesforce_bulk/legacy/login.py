"""Which login the arguments of the old interface mean."""

from __future__ import annotations

import os
from typing import Final

from ..logins import PRODUCTION, SANDBOX, Login, OAuthPassword, Password
from .exceptions import LoginIncomplete
from .names import DEFAULT_CLIENT_ID_PREFIX, MissingEnvironmentVariablesMessage

#: What the first generation read for its OAuth web flow.
WEB_FLOW_VARIABLES: Final = ("SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET", "SALESFORCE_REDIRECT_URI")

WHAT_WORKS: Final = (
    "The browser flow of the old library no longer exists. Today: pass security_token= with user name and password; or "
    "set these variables, whose app then logs in by the OAuth username-password flow; or pass sessionId= and host=; or "
    "use connect(login=ClientCredentials(...)). Nothing was sent."
)


def chosen_login(
    username: str | None,
    password: str | None,
    *,
    sandbox: object = False,
    security_token: str | None = None,
    organization_id: str | None = None,
    client_id: str | None = None,
    domain: str | None = None,
) -> Login:
    """SOAP login where a security token or organization is given, else OAuth with the app that the environment names."""
    if username is None or password is None:
        raise LoginIncomplete("A login needs username and password. Nothing was sent.")
    domain = domain or os.environ.get("SFBULK_INSTANCE_URL") or (SANDBOX if sandbox else PRODUCTION)
    if security_token is not None or organization_id is not None:
        return Password(
            username,
            password,
            security_token=security_token or "",
            organization_id=None if security_token is not None else organization_id,
            domain=domain,
            client=f"{DEFAULT_CLIENT_ID_PREFIX}/{client_id}" if client_id else DEFAULT_CLIENT_ID_PREFIX,
        )
    missing = [name for name in WEB_FLOW_VARIABLES if not os.environ.get(name)]
    if missing:
        raise LoginIncomplete(f"{MissingEnvironmentVariablesMessage(missing_vars=', '.join(missing))}.\n{WHAT_WORKS}")
    key, secret, _ = (os.environ[name] for name in WEB_FLOW_VARIABLES)
    return OAuthPassword(username, password, client_id=key, client_secret=secret, domain=domain)

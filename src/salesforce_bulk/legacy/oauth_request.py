"""``salesforce_oauth_request``: the calls of the package that the first generation logged in with.

That package read a code out of the login pages, which has not worked for years. The same call is answered by the OAuth
username-password flow, with the same keys in the reply.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn

from ..client import open_org
from ..logins import PRODUCTION, SANDBOX, OAuthPassword
from ..protocol.login import log_in
from .exceptions import LoginIncomplete
from .login import WHAT_WORKS

#: ``endpoint`` of the reply names this version of the partner API ("urls.partner" with its version filled in).
_PARTNER = "/services/Soap/u/29.0"


def login(
    username: str | None = None,
    password: str | None = None,
    token: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    redirect_uri: str = "",
    state: str = "",
    sandbox: bool = False,
    cache_session: bool = False,
) -> dict[str, Any]:
    """Log in; the reply of the token endpoint with ``access_token``, ``instance_url``, ``endpoint`` and ``username``.

    ``SALESFORCE_CLIENT_ID`` and ``SALESFORCE_CLIENT_SECRET`` override the arguments, as they did. *redirect_uri* and
    *state* belonged to the browser flow and are not needed; a session is never cached on disk, whatever *cache_session*.
    """
    client_id = os.environ.get("SALESFORCE_CLIENT_ID") or client_id
    client_secret = os.environ.get("SALESFORCE_CLIENT_SECRET") or client_secret
    if not (username and password and client_id and client_secret):
        raise LoginIncomplete(f"A login needs username, password, client_id and client_secret.\n{WHAT_WORKS}")
    return token_login(username, password, token or "", client_id, client_secret, sandbox=sandbox)


def token_login(
    username: str, password: str, token: str, client_id: str, client_secret: str, sandbox: bool = False
) -> dict[str, Any]:
    """The username-password flow, with the security token."""
    flow = OAuthPassword(
        username,
        password,
        client_id=client_id,
        client_secret=client_secret,
        security_token=token,
        domain=os.environ.get("SFBULK_INSTANCE_URL") or (SANDBOX if sandbox else PRODUCTION),
    )
    with open_org(None) as host:
        session = host.perform(log_in(flow))
    return {
        "access_token": session.access_token,
        "instance_url": session.instance_url,
        "endpoint": session.instance_url + _PARTNER,
        "id": session.identity_url,
        "organization_id": session.organization_id,
        "user_id": session.user_id,
        "username": username,
    }


def oauth_flow(*args: object, **kwargs: object) -> NoReturn:
    """The scripted browser flow, which no longer exists."""
    raise LoginIncomplete(WHAT_WORKS)

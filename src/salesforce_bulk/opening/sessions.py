"""A login -> a session."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ..logins import JwtBearer, Login, RefreshToken, SalesforceCli
from ..protocol.login import log_in, log_in_by_assertion
from ..protocol.messages import Flow
from ..session import Session
from . import salesforce_cli
from .jwt import assertion


def open_session(login: Login, perform: Callable[[Flow[Session]], Session]) -> tuple[Session, Login]:
    """The session, and the login that opens the next one: another one where a refresh token was rotated."""
    if isinstance(login, SalesforceCli):
        return salesforce_cli.session(login.alias), login
    if isinstance(login, JwtBearer):
        return perform(log_in_by_assertion(login, assertion(login, time.time()))), login
    session = perform(log_in(login))
    if isinstance(login, RefreshToken) and session.refresh_token not in (None, login.refresh_token):
        assert session.refresh_token is not None
        # Kept before the session is used: dying in between would leave a token that is dead already.
        if login.on_rotation is not None:
            login.on_rotation(session.refresh_token)
        login = replace(login, refresh_token=session.refresh_token)
    return session, login

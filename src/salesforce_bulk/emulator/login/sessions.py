"""Who is logged in, and the one user there is."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ..ids import to18

#: auth.md 4: two hours of idle time by default.
SECONDS_VALID: Final = 7_200
#: auth.md 5.3: a code is good for 15 minutes, and once.
CODE_LIFE: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Identity:
    """The org and its user. Invented, and the same in every local org unless told otherwise."""

    user_id: str
    username: str = "admin@local.example"
    password: str = field(default="let-me-in", repr=False)
    security_token: str = field(default="TOKENTOKEN", repr=False)
    client_id: str = "3MVG9local.org.consumer.key"
    client_secret: str = field(default="local-consumer-secret", repr=False)
    organization_id: str = to18("00DLo0000000001")
    profile_id: str = to18("00eLo0000000001")
    organization_name: str = "Local Org"
    full_name: str = "Ada Local"
    email: str = "admin@local.example"


@dataclass
class Session:
    token: str = field(repr=False)
    user_id: str
    last_used: datetime
    #: Good for nothing but a change of password.
    password_expired: bool = False


@dataclass(frozen=True)
class Code:
    """What the browser brings back of a web server flow."""

    redirect_uri: str
    challenge: str
    scope: str
    issued: datetime


class Sessions:
    def __init__(self, identity: Identity, now: Callable[[], datetime]) -> None:
        self.identity = identity
        self.now = now
        #: Idle time after which a session ends.
        self.seconds_valid: int = SECONDS_VALID
        self._sessions: dict[str, Session] = {}
        self._refresh_tokens: dict[str, set[str]] = {}
        self._rotated: dict[str, str] = {}
        self._codes: dict[str, Code] = {}
        self._lock = threading.Lock()

    def open(
        self, *, password_expired: bool = False, refresh_token: str | None = None, user_id: str | None = None
    ) -> str:
        """A new session, of the one user there is or of another one."""
        token = f"{self.identity.organization_id[:15]}!AQ{secrets.token_urlsafe(60).replace('-', '.')}"
        with self._lock:
            self._sessions[token] = Session(token, user_id or self.identity.user_id, self.now(), password_expired)
            if refresh_token is not None:
                self._refresh_tokens[refresh_token].add(token)
        return token

    def find(self, token: str) -> Session | None:
        """The session of *token*, and its idle time begins anew."""
        with self._lock:
            session = self._sessions.get(token)
            if session is None or session.password_expired:
                return None
            if self.now() - session.last_used > timedelta(seconds=self.seconds_valid):
                del self._sessions[token]
                return None
            session.last_used = self.now()
            return session

    def reset(self) -> None:
        """No session, no grant, and the idle time of a new org."""
        with self._lock:
            self._sessions.clear()
            self._refresh_tokens.clear()
            self._rotated.clear()
            self._codes.clear()
            self.seconds_valid = SECONDS_VALID

    def expire_all(self) -> None:
        with self._lock:
            self._sessions.clear()

    def new_code(self, redirect_uri: str, challenge: str, scope: str) -> str:
        # "The code often ends in ==": whoever does not decode it once, or decodes it twice, is found out.
        text = f"aPrx{secrets.token_urlsafe(32)}=="
        with self._lock:
            self._codes[text] = Code(redirect_uri, challenge, scope, self.now())
        return text

    def take_code(self, text: str) -> Code | None:
        """What *text* stands for, once; None: nothing (any more)."""
        with self._lock:
            return self._codes.pop(text, None)

    def new_refresh_token(self) -> str:
        token = f"5Aep861{secrets.token_urlsafe(40)}"
        with self._lock:
            self._refresh_tokens[token] = set()
        return token

    def knows_refresh_token(self, token: str) -> bool:
        with self._lock:
            return token in self._refresh_tokens

    def rotate(self, token: str) -> str:
        """The refresh token that takes the place of this one, with all that came of it."""
        new = self.new_refresh_token()
        with self._lock:
            self._refresh_tokens[new] = self._refresh_tokens.pop(token)
            self._rotated[token] = new
        return new

    def reused(self, token: str) -> None:
        """A rotated refresh token is presented again: the present one, and all sessions of the grant, end (auth.md 5.4)."""
        while token in self._rotated:
            token = self._rotated[token]
        self.revoke(token)

    def revoke(self, token: str) -> bool:
        """End an access token, or a refresh token and all that came of it. False if it is neither."""
        with self._lock:
            if (grants := self._refresh_tokens.pop(token, None)) is not None:
                for grant in grants:
                    self._sessions.pop(grant, None)
                return True
            return self._sessions.pop(token, None) is not None

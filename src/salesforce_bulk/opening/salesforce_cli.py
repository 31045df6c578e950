"""The session that the Salesforce CLI holds. Source: its release notes of May 2026, from when on it hides secrets.

``sf org display`` says where an org is, and in older releases its token; ``sf org auth show-access-token`` says the token,
renewed before. Only what comes on standard output is read, and nothing of it is shown.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any, Final

from ..errors import LoginRefused, UsageError
from ..session import Session, masked, origin

WAIT_SECONDS: Final = 60
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_HIDDEN: Final = "[REDACTED]"


def is_installed() -> bool:
    return shutil.which("sf") is not None


def session(alias: str) -> Session:
    """The session of the org with this alias or user name; "" is the CLI's default org.

    Raises:
        UsageError: The CLI is not installed.
        LoginRefused: It has no such org, or no session for it.
    """
    shown = _ask(["org", "display"], alias)
    token, url = str(shown.get("accessToken") or ""), str(shown.get("instanceUrl") or "")
    if not url:
        raise _refused(alias, "its answer names no address")
    if not token or token.startswith(_HIDDEN):
        token = str(_ask(["org", "auth", "show-access-token"], alias).get("accessToken") or "")
    if not token or token.startswith(_HIDDEN):
        raise _refused(alias, "its answer has no access token")
    return Session(origin(url), token, str(shown.get("id") or "") or None)


def _ask(command: list[str], alias: str) -> dict[str, Any]:
    program = shutil.which("sf")
    if program is None:
        raise UsageError(
            "The Salesforce CLI (sf) is not installed, or not on the PATH. Nothing was sent. "
            "Install it and log in with it, or use connect(login=...)."
        )
    arguments = [program, *command, *(["--target-org", alias] if alias else []), "--json"]
    try:
        done = subprocess.run(  # noqa: S603 -- the program that the user calls sf, and no shell
            arguments,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=WAIT_SECONDS,
            check=False,
            env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "0"},
        )
    except subprocess.TimeoutExpired:
        raise _refused(alias, f"it gave no answer in {WAIT_SECONDS} seconds") from None
    except OSError as error:
        raise _refused(alias, f"it cannot be run: {error.strerror}") from error
    try:
        answer = json.loads(_COLOURS.sub("", done.stdout.decode("utf-8", "replace")))
    except ValueError:
        raise _refused(alias, f"its answer is no JSON (exit code {done.returncode})") from None
    result = answer.get("result") if isinstance(answer, dict) else None
    if done.returncode or not isinstance(result, dict):
        said = answer.get("message") if isinstance(answer, dict) else None
        code = str(answer.get("name") or "") if isinstance(answer, dict) else ""
        raise _refused(alias, masked(str(said or f"exit code {done.returncode}")), code)
    return result


def _refused(alias: str, why: str, code: str = "") -> LoginRefused:
    which = f"the org {alias!r}" if alias else "its default org"
    cure = f"sf org login web --alias {alias}" if alias else "sf org login web --set-default"
    return LoginRefused(
        f"The Salesforce CLI gave no session for {which}: {why.rstrip('.')}.\nNothing was sent.\n"
        f"Look with `sf org list`; log in with `{cure}`.",
        error_code=code,
    )

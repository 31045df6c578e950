"""``sfbulk local``: a local org."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from ..emulator import LocalOrg


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    local = commands.add_parser("local", help="a local org, to try everything without an account")
    verbs = local.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    serve = verbs.add_parser("serve", help="serve a local org until Ctrl-C")
    serve.add_argument("--port", type=int, default=0, help="port on the loopback interface; default: a free one")
    serve.add_argument("--data", type=Path, metavar="DIR", help="keep the org's data there; default: in memory")
    serve.set_defaults(run=run_serve)


def run_serve(chosen: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    org = _started(chosen)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with org:
        print(_how_to_reach(org), flush=True)
        ended.wait()
    print("the local org has ended", file=sys.stderr)
    return 0


def _started(chosen: argparse.Namespace) -> LocalOrg:
    try:
        from ..emulator import LocalOrg
    except ImportError as error:
        raise UsageError(
            f"The local org needs {error.name}, which is not installed. Install it with: pip install 'salesforce-bulk[local]'"
        ) from error
    try:
        return LocalOrg(port=chosen.port, data=chosen.data).start()
    except OSError as error:
        raise UsageError(f"The local org cannot be opened: {error}") from error


def _how_to_reach(org: LocalOrg) -> str:
    return "\n".join(
        [
            f"local org      {org.url}",
            f"access token   {org.access_token}",
            f"user           {org.username}",
            f"password       {org.password}",
            f"security token {org.security_token}",
            "",
            "for programs that read the environment:",
            f"  export SFBULK_INSTANCE_URL={org.url} SFBULK_ACCESS_TOKEN='{org.access_token}'",
            "",
            "Ctrl-C ends it.",
        ]
    )

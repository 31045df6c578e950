"""``sfbulk local``: a local org."""

from __future__ import annotations

import argparse
import signal
import sys
import warnings
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ..errors import UsageError
from .console import Console

if TYPE_CHECKING:
    from ..emulator import LocalOrg


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    local = commands.add_parser("local", help="a local org, to try everything without an account", allow_abbrev=False)
    verbs = local.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    serve = verbs.add_parser(
        "serve",
        help="serve a local org until Ctrl-C",
        description="Serve a local org, for any client in any language, until Ctrl-C. Prints its address, access token, user "
        "and password.",
        allow_abbrev=False,
    )
    serve.add_argument("--port", metavar="N", type=int, default=0, help="port to listen on; default: a free one")
    serve.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address to listen on; any but a loopback address lets others in, without encryption; default: %(default)s",
    )
    serve.add_argument("--data", type=Path, metavar="DIR", help="keep the org's data there; default: in memory")
    serve.add_argument(
        "--schema",
        type=Path,
        metavar="FILE",
        help="JSON of describe answers: one, or a list; default: standard objects",
    )
    serve.add_argument(
        "--faults", type=Path, metavar="FILE", help="what is to go wrong: a JSON list, or TOML tables [[faults]]"
    )
    serve.add_argument("--no-page", action="store_true", help="show nothing to browsers")
    serve.set_defaults(run=run_serve)


def run_serve(chosen: argparse.Namespace, console: Console) -> int:
    """Serve until SIGINT or SIGTERM."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        org = _started(chosen)
    for warning in told:
        console.complain(console.ours(str(warning.message)))
    # Not an Event: one whose wait is just about to begin holds a lock that its set() needs, and both happen in this thread.
    asked = SimpleQueue[int]()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: asked.put(number))
    with org:
        print(_how_to_reach(org, has_page=org.server.is_local and not chosen.no_page), flush=True)
        asked.get()
        for planned in org.faults.unmet():
            print(f"planned and not met: {planned}", file=sys.stderr)
    print("the local org has ended", file=sys.stderr)
    return 0


def _started(chosen: argparse.Namespace) -> LocalOrg:
    try:
        from ..emulator import LocalOrg
    except ImportError as error:
        raise UsageError(
            f"The local org needs {error.name}, which is not installed. Install it with: pip install 'salesforce-bulk[local]'"
        ) from error
    if not 0 <= chosen.port <= 65535:
        raise UsageError(f"--port is 0 (a free one) to 65535, not {chosen.port}.")
    try:
        org = LocalOrg(chosen.port, chosen.data, chosen.schema, host=chosen.host, page=not chosen.no_page)
        if chosen.faults:
            org.faults.load(chosen.faults)
        return org.start()
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise UsageError(f"The local org cannot be opened: {where}{error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"The local org cannot be opened: {error}") from error


def _how_to_reach(org: LocalOrg, *, has_page: bool) -> str:
    return "\n".join(
        [
            f"local org      {org.url}",
            f"access token   {org.access_token}",
            f"user           {org.username}",
            f"password       {org.password}",
            f"security token {org.security_token}",
            *([f"in a browser   {org.url}/ shows jobs, records and limits"] if has_page else []),
            "",
            "for programs that read the environment:",
            f"  export SFBULK_INSTANCE_URL={org.url} SFBULK_ACCESS_TOKEN='{org.access_token}'",
            "",
            "Ctrl-C ends it.",
        ]
    )

"""``sfbulk local``: a local org."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .console import Console

if TYPE_CHECKING:
    from ..emulator import LocalOrg, Schema


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    local = commands.add_parser("local", help="a local org, to try everything without an account", allow_abbrev=False)
    verbs = local.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    serve = verbs.add_parser(
        "serve",
        help="serve a local org until Ctrl-C",
        description="Serve a local org on the loopback interface, for any client in any language, until Ctrl-C. Prints its "
        "address, access token, user and password.",
        allow_abbrev=False,
    )
    serve.add_argument(
        "--port", metavar="N", type=int, default=0, help="port on the loopback interface; default: a free one"
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
    serve.set_defaults(run=run_serve)


def run_serve(chosen: argparse.Namespace, console: Console) -> int:  # noqa: ARG001 -- all commands are called so
    """Serve until SIGINT or SIGTERM."""
    org = _started(chosen)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with org:
        print(_how_to_reach(org), flush=True)
        ended.wait()
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
    try:
        schema = _schema(chosen.schema) if chosen.schema else None
        org = LocalOrg(chosen.port, chosen.data, schema)
        if chosen.faults:
            org.faults.load(chosen.faults)
        return org.start()
    except (OSError, ValueError) as error:
        raise UsageError(f"The local org cannot be opened: {error}") from error


def _schema(path: Path) -> Schema:
    """Raises `ValueError` for what is no describe answer."""
    from ..emulator import Schema

    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        return Schema.load(described if isinstance(described, list) else [described])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} holds no describe answers: {error!r}") from error


def _how_to_reach(org: LocalOrg) -> str:
    return "\n".join(
        [
            f"local org      {org.url}",
            f"access token   {org.access_token}",
            f"user           {org.username}",
            f"password       {org.password}",
            f"security token {org.security_token}",
            f"in a browser   {org.url}/ shows jobs, records and limits",
            "",
            "for programs that read the environment:",
            f"  export SFBULK_INSTANCE_URL={org.url} SFBULK_ACCESS_TOKEN='{org.access_token}'",
            "",
            "Ctrl-C ends it.",
        ]
    )

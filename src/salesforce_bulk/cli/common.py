"""Options that every command has, and the org that they name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import UsageError

if TYPE_CHECKING:
    from ..client import Org

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def command(commands: Commands, name: str, help: str, description: str = "") -> argparse.ArgumentParser:
    """A command with the options that all have."""
    parser = commands.add_parser(
        name, help=help, description=description or f"{help[0].upper()}{help[1:]}.", allow_abbrev=False
    )
    # Whatever stands before the command is kept unless it is said again.
    add_common(parser, default=argparse.SUPPRESS)
    return parser


def add_common(parser: argparse.ArgumentParser, default: Any = None) -> None:
    """*default*: None for the options before the command, which have real ones."""

    def or_else(real: Any) -> Any:
        return real if default is None else default

    group = parser.add_argument_group("options of every command")
    group.add_argument(
        "--org",
        metavar="ORG",
        default=or_else(None),
        help="an alias of the Salesforce CLI, the address of an org (its token in SFBULK_ACCESS_TOKEN), local, or local:DIR; "
        "default: what the environment names, else the default org of the Salesforce CLI",
    )
    group.add_argument("--api-version", metavar="N", default=or_else(None), help="such as 66.0; default: the newest")
    group.add_argument(
        "--stop-at-usage",
        metavar="SHARE",
        type=float,
        default=or_else(None),
        help="stop once this share of the org's daily API calls is used up, such as 0.9",
    )
    group.add_argument(
        "--json",
        action="store_true",
        default=or_else(False),
        help="one JSON document on stdout; for a load or a query its receipt",
    )
    group.add_argument(
        "--progress",
        choices=("auto", "json", "none"),
        default=or_else("auto"),
        help="on stderr: auto, a line on a terminal and now and then a line elsewhere; json, JSON lines; none",
    )
    group.add_argument("--quiet", "-q", action="store_true", default=or_else(False), help="say nothing but errors")
    group.add_argument("--verbose", "-v", action="store_true", default=or_else(False), help="say more")
    group.add_argument("--yes", "-y", action="store_true", default=or_else(False), help="do not ask back on a terminal")
    group.add_argument("--no-color", action="store_true", default=or_else(False), help="no colours on a terminal")


def add_run_seconds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run-seconds", metavar="S", type=float, help="how long the whole command may take; default: any"
    )


def opened(chosen: argparse.Namespace) -> Org:
    """
    Raises:
        UsageError: Nothing names an org. Nothing was sent.
    """
    from ..client import connect
    from ..options import TransportOptions

    share = chosen.stop_at_usage
    if share is not None and not 0 < share <= 1:
        raise UsageError(f"--stop-at-usage is a share above 0 and up to 1, not {share:g}. Nothing was sent.")
    return connect(chosen.org, api_version=chosen.api_version, options=TransportOptions(stop_at_usage=share))

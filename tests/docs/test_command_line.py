"""docs/command-line.md is drawn from the parser, so that it has every command and option, with their help."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesforce_bulk.cli.exits import MEANINGS
from salesforce_bulk.cli.main import parser

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
HEAD = """# The command line

`sfbulk` moves data in and out of Salesforce. Drawn from its parser: run `scripts/docs` after a change there.

Data and results go to stdout, all else to stderr. `--json` puts one JSON document on stdout: for a load or a query its receipt (with
the rows of a query as `records`, if they go into no file), for what lists or shows something that. Where the command ends with an
error, it is the receipt as far as there is one, with `error` in it (`type`, `message`, `exit_code`, `run_id`). Ctrl-C and SIGTERM end
a command cleanly: what the org has it goes on with, nothing more is sent, and the command that goes on with the load is printed.

## Exit codes

| exit | meaning |
|---|---|
"""
ENVIRONMENT = """
## Environment

| variable | what |
|---|---|
| `SFBULK_INSTANCE_URL`, `SFBULK_ACCESS_TOKEN` | the address of an org, and a token for it |
| `SFBULK_ORG` | which org is meant, as `--org` |
| `SFBULK_API_VERSION` | as `--api-version` |
| `SFBULK_HOME` | where runs are kept; default: the platform's own folder |
| `NO_COLOR` | as `--no-color` |
"""
COMMON = "options of every command"


def commands(of: argparse.ArgumentParser, name: str = "sfbulk") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Those that can be called, with their whole names, in the order of the help."""
    subparsers = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    for action in subparsers:
        for one, inner in action.choices.items():
            if inner.get_default("run"):
                yield f"{name} {one}", inner
            yield from commands(inner, f"{name} {one}")


def named(action: argparse.Action) -> str:
    value = action.metavar or (f"{{{','.join(action.choices)}}}" if action.choices else "")
    if not action.option_strings:
        return f"`{value}`"
    if action.nargs == 0:
        value = ""
    return ", ".join(f"`{option} {value}`".replace(" `", "`") for option in reversed(action.option_strings))


def rows(actions: list[argparse.Action]) -> str:
    def text(action: argparse.Action) -> str:
        return (action.help or "").replace("|", "\\|")

    return "".join(f"| {named(action).replace('|', chr(92) + '|')} | {text(action)} |\n" for action in actions)


def arguments(of: argparse.ArgumentParser) -> list[argparse.Action]:
    """Its own, without those that every command has."""
    common = [action for group in of._action_groups if group.title == COMMON for action in group._group_actions]
    return [
        action
        for action in of._actions
        if action not in common and not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    ]


def drawn() -> str:
    root = parser()
    text = HEAD + "".join(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS.items()) + ENVIRONMENT
    common = next(group for group in root._action_groups if group.title == COMMON)
    text += "\n## Options of every command but `local`\n\nBefore the command, or behind it.\n\n| option | what |\n|---|---|\n"
    text += rows(common._group_actions)
    for name, one in commands(root):
        text += f"\n## `{name}`\n\n{one.description}\n"
        mine = arguments(one)
        if mine:
            text += f"\n| argument | what |\n|---|---|\n{rows(mine)}"
    return text


def test_the_page_says_what_the_parser_says() -> None:
    assert drawn() == PAGE.read_text("utf-8")


@pytest.mark.parametrize(("name", "one"), [pytest.param(*found, id=found[0]) for found in commands(parser())])
def test_every_command_and_option_has_help(name: str, one: argparse.ArgumentParser) -> None:
    assert one.description
    assert [] == [named(action) for action in one._actions if not action.help and not hasattr(action, "choices")]
    assert [] == [named(action) for action in arguments(one) if not action.help]


if __name__ == "__main__":
    PAGE.write_text(drawn(), "utf-8")

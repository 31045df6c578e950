"""Imports point down: the table of allowed edges, and who touches the world."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "salesforce_bulk"

GROUND = {
    "frozen",
    "errors",
    "records",
    "facts",
    "session",
    "options",
    "logins",
    "documents",
    "outcome_lines",
    "wire",
    "__version__",
}

#: room -> the rooms it may import from. A room is a folder or a file of the package.
ALLOWED: dict[str, set[str]] = {
    "wire": set(),
    "__version__": set(),
    # What the standard library has, cheaper: a class decorator.
    "frozen": set(),
    "errors": set(),
    "documents": set(),
    "options": {"frozen"},
    "session": {"errors", "frozen"},
    "records": {"errors", "frozen"},
    "outcome_lines": {"errors", "frozen", "records"},
    # What a journal holds, and the only room that writes to the disk.
    "facts": {"frozen"},
    "journal": {"errors", "facts", "frozen"},
    "logins": {"errors", "frozen", "session"},
    "protocol": GROUND,
    "data": GROUND,
    "transport": GROUND,
    "engine": GROUND | {"protocol", "transport", "journal"},
    # Pure: sent rows x the org's answers.
    "reconcile": GROUND,
    "results": GROUND | {"data"},
    # Pure apart from reading the rows: rows x describe -> what would go wrong, and what it would cost.
    "check": GROUND | {"data"},
    # Where the rooms of a verb meet: rows -> parts -> jobs -> outcomes; query -> pages -> result.
    "verbs": GROUND | {"data", "engine", "journal", "protocol", "reconcile", "results"},
    # Starts the local org for connect("local"); knows nothing of the client.
    "embedded": {"emulator"},
    # Which org is meant, and how a session with it is opened; asks the Salesforce CLI.
    "opening": GROUND | {"embedded", "protocol"},
    "client": GROUND | {"opening", "engine", "protocol", "transport", "verbs", "results", "data", "check"},
    # The same verbs in worker threads, awaited.
    "aio": GROUND | {"client", "engine", "protocol", "results", "check", "data", "transport", "verbs"},
    "legacy": GROUND | {"client", "protocol", "data"},
    # Old import paths, a few lines each.
    "salesforce_bulk": {"legacy"},
    "csv_adapter": {"legacy"},
    "bulk_states": {"legacy"},
    "util": {"legacy"},
    # The one module that imports both the client and the local org.
    "pytest_plugin": GROUND | {"client", "emulator"},
    # The witness: spellings, and nothing else of ours.
    "emulator": {"wire"},
    # A command names runs and versions of the API without an org, or by a flow of its own.
    "cli": GROUND | {"client", "results", "verbs", "journal", "protocol", "emulator"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Absolute names of what *path* imports, wherever in the file."""
    package = ["salesforce_bulk", *path.relative_to(PACKAGE).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *(node.module.split(".") if node.module else [])])
            found.add(name)
            # "from . import x" and "from .. import x" import modules
            found |= {f"{name}.{alias.name}" for alias in node.names if name.startswith("salesforce_bulk")}
    return found


@pytest.mark.parametrize(
    "path", [path for path in modules() if room(path) != "__init__"], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_point_down(path: Path) -> None:
    """A room imports only from the rooms of its row in the table."""
    mine = room(path)
    assert mine in ALLOWED, f"{mine} has no row in the table: draw it first (docs/architecture.md)"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "salesforce_bulk" or len(parts) == 1:
            continue
        theirs = parts[1]
        assert theirs == mine or theirs in ALLOWED[mine], (
            f"{path.relative_to(PACKAGE)} imports {name}: {mine} -> {theirs}"
        )


def test_one_file_imports_the_http_library() -> None:
    """Its exceptions become ours in one place."""
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if any(name.split(".")[0] == "httpx2" for name in imports(path))
    ]

    assert users == ["transport/http.py"]


def test_no_room_but_the_transport_and_the_local_org_opens_a_socket() -> None:
    """Flows and codecs are pure: they can be played in a test."""
    sockets = {"socket", "ssl", "http", "urllib", "select", "asyncio"}
    users = {
        room(path)
        for path in modules()
        for name in imports(path)
        if name.split(".")[0] in sockets and name != "urllib.parse" and (room(path), name) != ("aio", "asyncio")
    }

    assert users <= {"transport", "emulator", "cli"}


def test_every_room_stands_in_the_picture() -> None:
    """docs/architecture.md names each room."""
    picture = (SOURCE.parent / "docs" / "architecture.md").read_text("utf-8")

    assert (
        sorted(
            name
            for name in {room(path) for path in modules()} - {"__init__", "__version__"}
            if f"`{name}" not in picture
        )
        == []
    )

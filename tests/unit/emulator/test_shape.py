"""How the modules of the local org hang together."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import salesforce_bulk.emulator

FOLDER = Path(salesforce_bulk.emulator.__file__).parent
NAME = "salesforce_bulk.emulator"

GROUND = {"clock", "ids", "limits", "safe_xml"}
BELOW_THE_APIS = GROUND | {"http", "schema", "soql", "store", "rendering", "answers", "login", "faults"}

#: room -> the rooms of the local org that it may import from. A room is a folder or a file.
ALLOWED: dict[str, set[str]] = {
    "clock": set(),
    "ids": set(),
    "limits": set(),
    "safe_xml": set(),
    "http": {"clock"},
    "schema": set(),
    "soql": {"ids", "schema"},
    "store": {"ids", "schema"},
    "rendering": {"soql", "store"},
    "answers": {"http", "safe_xml"},
    "login": {"http", "ids", "safe_xml"},
    "faults": {"answers", "http", "login"},
    "bulk1": BELOW_THE_APIS,
    # The lists of 2.0 show the jobs of 1.0, and the rules of PK chunking are the same.
    "bulk2": BELOW_THE_APIS | {"bulk1"},
    "rest": BELOW_THE_APIS,
    # Looks at the jobs of both, and changes nothing.
    "page": BELOW_THE_APIS | {"bulk1", "bulk2"},
    "made_up": {"schema"},
    "local_org": BELOW_THE_APIS | {"bulk1", "bulk2", "rest", "page", "made_up"},
    "__main__": {"local_org"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join([NAME, *(part for part in parts if part != "__init__")])


def imports(path: Path, modules: set[str]) -> set[str]:
    """Modules of the local org that *path* imports anywhere: at its top, within a function, or for the types alone."""
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *(node.module.split(".") if node.module else [])])
            below = {f"{source}.{alias.name}" for alias in node.names} & modules
            found |= below or {source} & modules
    return found - {module_name(path)}


def room(module: str) -> str:
    return module.removeprefix(f"{NAME}.").partition(".")[0]


PATHS = sorted(path for path in FOLDER.rglob("*.py") if path != FOLDER / "__init__.py")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_room_imports_from_those_of_its_row(path: Path) -> None:
    """Data flows one way: the table says who may know whom."""
    mine = room(module_name(path))
    theirs = {room(name) for name in imports(path, {module_name(path) for path in PATHS})} - {mine}

    assert mine in ALLOWED, f"{mine} has no row in the table: draw it first (emulator/README.md)"
    assert set() == theirs - ALLOWED[mine]


def test_each_row_of_the_table_is_needed() -> None:
    """No room that is gone, and no two rooms that know each other."""
    assert {room(module_name(path)) for path in PATHS} == set(ALLOWED)
    assert len(ALLOWED) == len(list(TopologicalSorter(ALLOWED).static_order()))


def test_every_room_stands_in_the_picture() -> None:
    """README.md of the folder draws each."""
    picture = (FOLDER / "README.md").read_text("utf-8").split("```")[1].replace("/", " ").replace(".py", " ").split()

    assert set() == set(ALLOWED) - {"__main__"} - set(picture)


def test_no_module_needs_itself() -> None:
    """There is an order in which each module can be read after all those that it speaks of."""
    modules = {module_name(path) for path in PATHS}

    assert len(PATHS) == len(
        list(TopologicalSorter({module_name(path): imports(path, modules) for path in PATHS}).static_order())
    )

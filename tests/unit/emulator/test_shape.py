"""How the modules of the local org hang together."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import salesforce_bulk.emulator

FOLDER = Path(salesforce_bulk.emulator.__file__).parent
NAME = "salesforce_bulk.emulator"


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


def test_no_module_needs_itself() -> None:
    """There is an order in which each module can be read after all those that it speaks of."""
    paths = [path for path in FOLDER.rglob("*.py") if path != FOLDER / "__init__.py"]
    modules = {module_name(path) for path in paths}

    assert len(paths) == len(
        list(TopologicalSorter({module_name(p): imports(p, modules) for p in paths}).static_order())
    )

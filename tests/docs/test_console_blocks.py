"""Blocks of a console are executed: each command prints what stands under it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_documents import DOCUMENTS

BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
#: Ends the output of a command. The exit code stays what it was, for a command that asks for it.
END = "{ code=$?; printf '\\036'; (exit $code); }"


def commands(text: str) -> list[tuple[str, str]]:
    """Each command of the blocks of *text*, and what it prints."""
    found = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, printed))
    return found


def without_ids(text: str) -> str:
    """Ids of runs are drawn by chance."""
    return re.sub(r"\br-[0-9a-f]{8}\b", "r-RUN", text)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if BLOCK.search(path.read_text("utf-8"))], ids=lambda path: path.name
)
def test_the_commands_of_a_document_print_what_they_say(path: Path, tmp_path: Path) -> None:
    """In their order, in one shell, as a reader would type them."""
    said = commands(path.read_text("utf-8"))
    (tmp_path / "bin").mkdir()
    sfbulk = tmp_path / "bin" / "sfbulk"
    sfbulk.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m salesforce_bulk.cli "$@"\n')
    sfbulk.chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SFBULK_")}
    script = "".join(f"{command}\n{END}\n" for command, _ in said)

    ran = subprocess.run(
        ["bash"],
        input=f"exec 2>&1\n{script}",
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**clean, "SFBULK_HOME": str(tmp_path / "home"), "PATH": f"{tmp_path / 'bin'}{os.pathsep}{clean['PATH']}"},
        check=False,
    )

    printed = ran.stdout.split("\036")
    assert len(said) == len(printed) - 1, ran.stdout
    for (command, expected), found in zip(said, printed, strict=False):
        assert without_ids(expected) == without_ids(found), command

"""Foreign clients in environments of their own: Python packages, and packages of npm.

``SFBULK_FOREIGN_CACHE`` names a folder to keep the environments in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk.emulator import LocalOrg

HERE = Path(__file__).parent
#: Headroom for the polling of clients that look every five seconds.
TIMEOUT_SECONDS = 300


def run(cache: Path, requirement: str, script: str, org: LocalOrg, *login: str) -> dict[str, Any]:
    """What a script of Python reports, in an environment that holds *requirement*. *login*: an access token by default."""
    home = cache / requirement.replace("=", "-")
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (home / "complete").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", requirement], check=True)
        (home / "complete").touch()
    return report(python, script, org, home, *login)


def run_node(cache: Path, requirement: str, script: str, org: LocalOrg) -> dict[str, Any]:
    """What a script of node reports, in a folder in which npm has put *requirement*."""
    home = installed(cache / requirement.replace("/", "-"), requirement)
    return report(program("node"), script, org, home)


def installed(home: Path, *requirements: str) -> Path:
    """The folder *home*, in which npm has put *requirements*."""
    if not (home / "complete").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        arguments = ("install", "--silent", "--no-audit", "--no-fund", *requirements)
        subprocess.run([program("npm"), *arguments], check=True, cwd=home)
        (home / "complete").touch()
    return home


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def clean_environment() -> dict[str, str]:
    """Neither our package nor the settings of this environment may leak in."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SFBULK", "SF_", "SFDX"))
    }


def report(program: str | Path, script: str, org: LocalOrg, home: Path, *login: str) -> dict[str, Any]:
    """What the script prints last."""
    done = subprocess.run(
        [program, HERE / script, org.url, *(login or [org.access_token])],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        env=clean_environment(),
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told

"""An org for each foreign client, and a place for its environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    with LocalOrg() as org:
        org.permissions.hard_delete = True
        yield org


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("SFBULK_FOREIGN_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("foreign")

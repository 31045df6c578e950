"""A local org for each test of its own rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from salesforce_bulk.emulator import LocalOrg


@pytest.fixture
def org() -> Iterator[LocalOrg]:
    """Its clock stands: what happens, happens when a test says so."""
    with LocalOrg() as org:
        org.clock.pause()
        yield org

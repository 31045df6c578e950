"""Beside the fixtures of our own pytest plugin (``local_org``, ``sf``): the old interface, connected to the same org."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from salesforce_bulk import SalesforceBulk
from salesforce_bulk.emulator import LocalOrg

# How long an example takes says more of the machine's other work than of ours.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")

# A shell without job control starts what it runs in the background with SIGINT ignored, and whatever that starts inherits it:
# the tests that send one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def bulk(local_org: LocalOrg) -> Iterator[SalesforceBulk]:
    client = SalesforceBulk(sessionId=local_org.access_token, host=local_org.url)
    yield client
    client.org.close()

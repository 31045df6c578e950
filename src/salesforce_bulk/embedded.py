"""``connect("local")``: the local org in this process. Knows the local org, and nothing of the client."""

from __future__ import annotations

import atexit
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .emulator import LocalOrg

_started: dict[str, LocalOrg] = {}
_lock = threading.Lock()


class Address(NamedTuple):
    url: str
    access_token: str


def local_org(folder: str) -> Address:
    """Where the local org is that keeps its data in *folder* (empty: in memory). It is started when it is first asked for,
    shared by all that ask for the same folder, and ends with the process.

    Raises:
        ImportError: The extra ``local`` is not installed.
    """
    from .emulator import LocalOrg

    key = str(Path(folder).resolve()) if folder else ""
    with _lock:
        org = _started.get(key)
        if org is None:
            org = _started[key] = LocalOrg(data=key or None).start()
            atexit.register(org.stop)
        return Address(org.url, org.access_token)

"""Settings that travel together, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: A reply that has sent nothing for this long is taken for dead. The first byte of a large result was seen to take 17 s
#: (field notes, 17), and an idle connection through a firewall is cut after minutes at best.
READ_SECONDS: Final = 120.0
CONNECT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Time limits of one exchange, and how often it is tried.

    ``connect_seconds``, ``read_seconds`` (between two pieces of a reply), ``write_seconds`` (between two pieces of a
    request), ``tries`` (the first one included; only what may be repeated is), ``first_pause_seconds`` and
    ``longest_pause_seconds`` between tries, ``compress`` (gzip request bodies), ``connections`` kept in the pool.
    """

    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    write_seconds: float = READ_SECONDS
    tries: int = 5
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    compress: bool = False
    connections: int = 20


DEFAULT_OPTIONS: Final = TransportOptions()

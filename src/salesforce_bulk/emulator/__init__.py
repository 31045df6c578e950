"""The local org: a faithful local stand-in for a Salesforce org. Needs the ``local`` extra.

It imports nothing of the client but ``salesforce_bulk.wire``: what the two agree on, they agree on through HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock
    from .local_org import LocalOrg
    from .schema import Field, Schema, SObject

__all__ = ["Clock", "Field", "LocalOrg", "SObject", "Schema"]

_HOMES = {"Clock": "clock", "LocalOrg": "local_org", "Field": "schema", "Schema": "schema", "SObject": "schema"}


def __getattr__(name: str) -> Any:
    """Loaded when asked for: importing the package needs no extra."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""The REST resources that a bulk tool needs: versions, describe, limits. API: REST API Developer Guide."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from ..wire import paths
from .jobs2 import call, read_json
from .messages import Auth, Call, Flow, Reply, Request
from .refusals import malformed

_VERSION: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9])?")


def versions(instance_url: str) -> Request:
    """The call "Versions". It needs no session, and none is sent."""
    request = call("rest.versions", "GET", paths.VERSIONS)
    return replace(request, auth=Auth.NONE, base=instance_url)


def objects() -> Request:
    """The call "Describe Global"."""
    return call("rest.objects", "GET", paths.SOBJECTS)


def describe(sobject: str) -> Request:
    """The call "sObject Describe"."""
    return replace(call("rest.describe", "GET", paths.DESCRIBE), ids={"sobject": sobject})


def limits() -> Request:
    """The call "Limits"."""
    return call("rest.limits", "GET", paths.LIMITS)


def ask_document(request: Request, kind: type[dict[str, Any]] | type[list[Any]]) -> Flow[Any]:
    """Send a request that is answered with a JSON object or list."""
    reply: Reply = yield Call(request)
    document = read_json(request, reply)
    if not isinstance(document, kind):
        raise malformed(request, reply, f"it is no JSON {'object' if kind is dict else 'list'}")
    return document


def newest_version(instance_url: str) -> Flow[str]:
    """The newest API version that the org offers."""
    request = versions(instance_url)
    reply: Reply = yield Call(request)
    offered = read_json(request, reply)
    entries = offered if isinstance(offered, list) else ()
    named = [str(entry.get("version")) for entry in entries if isinstance(entry, dict)]
    numbers = [version for version in named if _VERSION.fullmatch(version)]
    if not numbers:
        raise malformed(request, reply, "it lists no version")
    return max(numbers, key=float)

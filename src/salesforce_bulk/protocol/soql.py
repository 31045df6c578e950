"""The little that the client reads of a query: which object a job has to be made for. The org reads the rest."""

from __future__ import annotations

import re
from typing import Final

from ..errors import UsageError

_OBJECT: Final = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_NESTED: Final = re.compile(r"\([^()]*\)")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL)


def object_of(soql: str | bytes) -> str:
    """The object that a query reads: the word after its own FROM, not that of a query inside it, nor of a text."""
    text = soql.decode("utf-8") if isinstance(soql, bytes) else soql
    text = _QUOTED.sub("''", text)
    while text != (outer := _NESTED.sub(" ", text)):
        text = outer
    found = _OBJECT.search(text)
    if found is None:
        raise UsageError("The query has no FROM, so no job can be created for it. Nothing was sent.")
    return found[1]

"""What stands between the quotes: escapes, and the wildcards of ``LIKE``.

SOQL reference, "Quoted String Escape Sequences".
"""

from __future__ import annotations

import re
from typing import Final

# "Quoted String Escape Sequences" calls \b a bell; its Japanese page and every Java reader say backspace.
_ESCAPES: Final = {
    "n": "\n",
    "N": "\n",
    "r": "\r",
    "R": "\r",
    "t": "\t",
    "T": "\t",
    "b": "\b",
    "B": "\b",
    "f": "\f",
    "F": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
}
_ESCAPE: Final = re.compile(r"((?:\\u[0-9A-Fa-f]{4})+)|\\(.)", re.DOTALL)
_LIKE_PART: Final = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+|\\.|.", re.DOTALL)
QUOTED: Final = re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL)


class IllegalEscape(Exception):
    """A backslash before something that it does not escape: its text is the two characters."""


def unescape(raw: str) -> str:
    """What a quoted value means, outside of ``LIKE``."""
    return _ESCAPE.sub(_escaped, raw) if "\\" in raw else raw


def _escaped(found: re.Match[str]) -> str:
    if found[1]:
        units = bytes.fromhex(found[1].replace("\\u", ""))
        return units.decode("utf-16-be", "replace")
    if found[2] not in _ESCAPES:
        raise IllegalEscape(f"\\{found[2]}")
    return _ESCAPES[found[2]]


def like_pattern(raw: str) -> str:
    r"""The pattern of a ``LIKE`` as SQLite takes it, with ``\`` as its escape character."""
    out = []
    for part in _LIKE_PART.findall(raw):
        if part in ("%", "_", "\\%", "\\_", "\\\\"):
            out.append(part)
        elif part[0] == "\\":
            plain = unescape(part)
            out.append("".join("\\" + c if c in "%_\\" else c for c in plain))
        else:
            out.append(part)
    return "".join(out)

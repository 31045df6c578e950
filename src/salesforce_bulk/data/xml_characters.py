"""Characters that XML 1.0 forbids, carried around an XML parser without loss.

Text in an org may hold control characters, and whether its XML then has them raw, as numeric references (``&#1;``), or
not at all has not been recorded. A parser stops at either. So before the parser each is spelled with an escape that
XML allows, and after it the escape is undone:

======================  ==============================  =========================================
in the document         given to the parser             in the text afterwards
======================  ==============================  =========================================
byte ``01``             ESCAPE ``!1;``                  U+0001
``&#x1;``               ESCAPE ``#x1;``                 U+0001; inside CDATA the six characters
the ESCAPE itself       ESCAPE ``!e0ff;``               the ESCAPE itself
======================  ==============================  =========================================
"""

from __future__ import annotations

import re
from typing import Final

#: A private-use character. Any would do: when it stands in a document, it is escaped as well.
ESCAPE: Final = "\ue0ff"
_ESCAPE: Final = ESCAPE.encode("utf-8")

# Raw: C0 controls without TAB, LF and CR; U+FFFE and U+FFFF. References: any number; which ones matter is decided below.
# References longer than ten digits are the parser's business: it refuses them or reads their leading zeros.
_FORBIDDEN: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xee\x83\xbf|&#(?:x[0-9A-Fa-f]{1,10}|[0-9]{1,10});"
)
#: The end of a piece that might be the beginning of one of these.
_UNFINISHED: Final = re.compile(rb"(?:\xef\xbf?|\xee\x83?|&(?:#(?:x[0-9A-Fa-f]{0,10}|[0-9]{0,10}))?)\Z")
_ESCAPED: Final = re.compile(ESCAPE + "(?:!([0-9a-f]{1,4})|#x([0-9A-Fa-f]{1,10})|#([0-9]{1,10}));")


def _forbidden(number: int) -> bool:
    return (number < 0x20 and number not in (0x09, 0x0A, 0x0D)) or number in (0xFFFE, 0xFFFF, ord(ESCAPE))


def _escape(match: re.Match[bytes]) -> bytes:
    found = match[0]
    if found[0] != 0x26:
        return _ESCAPE + b"!%x;" % ord(found.decode("utf-8"))
    digits = found[2:-1]
    number = int(digits[1:], 16) if digits[0] == 0x78 else int(digits)
    return _ESCAPE + found[1:] if _forbidden(number) else found


class Carried:
    """Escapes the bytes of one document, however they are cut."""

    def __init__(self) -> None:
        self._held = b""

    def translate(self, data: bytes) -> bytes:
        data = self._held + data
        unfinished = _UNFINISHED.search(data, max(0, len(data) - 16))
        if unfinished:
            self._held = data[unfinished.start() :]
            data = data[: unfinished.start()]
        else:
            self._held = b""
        return _FORBIDDEN.sub(_escape, data)

    def rest(self) -> bytes:
        held, self._held = self._held, b""
        return held


def restore(text: str, *, cdata: bool = False) -> str:
    """Undo the escapes in a text that came out of the parser."""
    if ESCAPE not in text:
        return text

    def plain(match: re.Match[str]) -> str:
        raw, hexadecimal, decimal = match.groups()
        if cdata and not raw:
            # Inside CDATA a reference is no reference.
            return "&" + match[0].removeprefix(ESCAPE)
        number = int(decimal) if decimal else int(raw or hexadecimal, 16)
        # Anything else is no escape of ours: a long reference to the ESCAPE, and what happens to follow it.
        return chr(number) if _forbidden(number) else match[0]

    return _ESCAPED.sub(plain, text)

"""Record ids: 15 significant characters, and three more that tell their case.

Source: rest-support.md section 8 (checksum and its check values).
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Final

#: In the order of their bytes, so that a later record has the greater id and ``ORDER BY Id`` is the order of insertion.
DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
#: Three characters after the key prefix that every id of this org shares. The real ones name the instance; nobody parses them.
INSTANCE: Final = "Lo0"
COUNTER_DIGITS: Final = 9

_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_ALPHABET: Final = frozenset(DIGITS)
_UPPER: Final = frozenset(string.ascii_uppercase)


def to18(id15: str) -> str:
    """Add the checksum to a 15-character id."""
    return id15 + _check(id15[:5]) + _check(id15[5:10]) + _check(id15[10:])


def _check(group: str) -> str:
    return _SUFFIX[sum(1 << bit for bit, character in enumerate(group) if character in _UPPER)]


def normalise(text: str) -> str | None:
    """The 18-character form of *text*, or None if it cannot be an id.

    The checksum says which letters are capitals, so an 18-character id survives a tool that folded its case.
    """
    if not _ALPHABET.issuperset(text):
        return None
    if len(text) == 15:
        return to18(text)
    if len(text) != 18:
        return None
    masks = [_SUFFIX.find(character) for character in text[15:].upper()]
    if -1 in masks:
        return None
    id15 = "".join(
        character.upper() if masks[place // 5] >> place % 5 & 1 else character.lower()
        for place, character in enumerate(text[:15])
    )
    fixed = to18(id15)
    return fixed if fixed[15:] == text[15:].upper() else None  # a digit cannot be a capital


def numbered(prefix: str, start: int) -> Iterator[str]:
    """The 18-character ids of *prefix* from counter value *start* on, without end."""
    while True:
        # 62 ids share all but their last digit: everything about them is worked out once.
        high, low = divmod(start, 62)
        head = prefix + INSTANCE + _base62(high, COUNTER_DIGITS - 1)
        checks = _check(head[:5]) + _check(head[5:10])
        for digit in DIGITS[low:]:
            yield head + digit + checks + _check(head[10:] + digit)
        start = (high + 1) * 62


def _base62(number: int, width: int) -> str:
    out = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        out = DIGITS[digit] + out
    return out


def number_of(id18: str) -> int:
    """The counter value that `numbered` gave to an id."""
    number = 0
    for digit in id18[15 - COUNTER_DIGITS : 15]:
        number = number * 62 + DIGITS.index(digit)
    return number

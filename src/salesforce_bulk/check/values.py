"""Whether the org takes a text as a value of a field: one judge a field, and patterns that prove a whole column right.

What is said here is what rest-support.md 9 and bulk-api-2.md 5 (our protocol notes) say; where they are not sure that the
org refuses something, it is a warning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Final

from ..data.decode import MAX_CELL_CHARACTERS
from ..data.parts import BULK2
from ..frozen import frozen
from .objects import Describe, nearest
from .tally import Rule

_ID: Final = re.compile(r"[0-9A-Za-z]{15}(?:[A-Za-z0-5]{3})?")
_CHECKS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#: Five characters as 1 (a capital) or 0 -> their check character; the first of the five counts least.
_CHECK_OF: Final = {format(number, "05b")[::-1]: mark for number, mark in enumerate(_CHECKS)}
_CAPITALS: Final = {
    ord(character): "1" if "A" <= character <= "Z" else "0"
    for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
}


def _checks(id15: str) -> str:
    marks = id15.translate(_CAPITALS)
    return _CHECK_OF[marks[:5]] + _CHECK_OF[marks[5:10]] + _CHECK_OF[marks[10:]]


def id15(text: str) -> str | None:
    """The 15 significant characters of an id; None: it is none. The last three of 18 restore lost case (REST notes, 8)."""
    if _ID.fullmatch(text) is None:
        return None
    if len(text) == 15 or _checks(text[:15]) == text[15:]:
        return text[:15]
    masks = [_CHECKS.index(mark) for mark in text[15:].upper()]
    mended = "".join(
        mark.upper() if masks[place // 5] >> place % 5 & 1 else mark.lower() for place, mark in enumerate(text[:15])
    )
    return mended if _checks(mended) == text[15:].upper() else None


CELL: Final = Rule(
    "cell-size", "error", f"Longer than the {BULK2.cell_characters:_} characters that the API takes in one cell."
)
RECORD: Final = Rule(
    "record-size", "error", f"Rows longer than the {BULK2.record_characters:_} characters that the API takes in one."
)
NAIVE: Final = Rule(
    "datetime-zone",
    "error",
    "A datetime without a time zone: the org would have to guess it. Write Z or +02:00 behind it.",
)
UNSENDABLE: Final = Rule("unsendable", "error", "A value that has no form in the API (infinite, bytes, a list).")
TIME_OFFSET: Final = Rule("unsendable", "error", "A time with an offset: the org keeps times in UTC.")

NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,40}")
_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:?[0-9]{2})?")
_DATETIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3})?Z?")

#: Shapes that prove a value right; what they leave out is looked at more closely.
_DAY: Final = (
    r"(?:1[7-9]|[23][0-9])[0-9]{2}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
_CLOCK: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
_ZONE: Final = r"(?:Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])"

Judge = Callable[[str], Rule | None]


@frozen
class Values:
    """How the values of a field are judged.

    ``judge`` is the definition. ``shape`` proves a whole column right at once, ``limit`` its lengths; without either,
    ``judge`` is asked for each different value.
    """

    judge: Judge
    shape: re.Pattern[str] | None = None
    limit: int | None = None


def _shape(cell: str) -> re.Pattern[str]:
    return re.compile(rf"(?:(?:{cell}|#N/A)?+\n)*+")


def values_of(one: Describe, prefixes: frozenset[str], owners: Callable[[str], Iterable[str]]) -> Values:
    kind = one.get("type")
    if kind == "boolean":
        return Values(_boolean, _shape("true|false"))
    if kind in ("int", "long"):
        return _integers(one)
    if kind in ("double", "currency", "percent"):
        return _numbers(one)
    if kind == "date":
        return Values(_date, _shape(_DAY))
    if kind == "datetime":
        return Values(_datetime, _shape(f"{_DAY}T{_CLOCK}{_ZONE}"))
    if kind == "time":
        return Values(_time, _shape(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,3})?Z?"))
    if kind in ("id", "reference"):
        return Values(partial(_id, prefixes, _foreign(prefixes, owners)))
    return _texts(one)


_NO_BOOLEAN: Final = Rule("boolean", "error", "No truth value: the org reads true and false.")
_NUMBER_BOOLEAN: Final = Rule(
    "boolean-number", "warning", "1 or 0 for true or false: not every way in takes them. Write true and false."
)


def _boolean(cell: str) -> Rule | None:
    if cell.lower() in ("true", "false"):
        return None
    return _NUMBER_BOOLEAN if cell in ("1", "0") else _NO_BOOLEAN


def _integers(one: Describe) -> Values:
    bits = 32 if one.get("type") == "int" else 64
    digits = int(one.get("digits") or 0) or (10 if bits == 32 else 19)
    unreadable = Rule("number", "error", "No whole number: digits only, no point, no separators.")
    too_large = Rule("number", "error", f"A number that does not fit into {bits} bits.")
    outside = Rule("number-range", "warning", f"More than the {digits} digits of the field: the org may refuse it.")

    def judge(cell: str) -> Rule | None:
        if _INTEGER.fullmatch(cell) is None:
            return unreadable
        value = int(cell)
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return too_large
        return outside if abs(value) >= 10**digits else None

    return Values(judge, _shape(f"[+-]?[0-9]{{1,{min(digits, 9 if bits == 32 else 18)}}}"))


def _numbers(one: Describe) -> Values:
    precision, scale = int(one.get("precision") or 0), int(one.get("scale") or 0)
    whole = precision - scale if precision else 18
    unreadable = Rule("number", "error", "No number: digits and a point, no separators, no sign of a currency.")
    outside = Rule(
        "number-range",
        "warning",
        f"More than the {whole} digits before the point that the field has: the org may refuse it.",
    )
    finer = Rule("number-scale", "warning", f"More decimals than the {scale} of the field: the org may round them.")

    def judge(cell: str) -> Rule | None:
        if NUMBER.fullmatch(cell) is None:
            return unreadable
        exact = Decimal(cell)
        if exact and exact.adjusted() >= whole:
            return outside
        return finer if precision and exact and _decimals(exact) > scale else None

    if whole < 1:
        return Values(judge)
    decimals = f"{{1,{scale}}}" if precision else "+"
    fraction = rf"(?:\.[0-9]{decimals})?" if scale or not precision else ""
    return Values(judge, _shape(f"[+-]?[0-9]{{1,{whole}}}{fraction}"))


def _decimals(exact: Decimal) -> int:
    _, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    zeros = next(place for place, digit in enumerate(reversed(digits)) if digit)
    return -(exponent + zeros)


_NO_DATE: Final = Rule("date", "error", "No date: the org reads YYYY-MM-DD.")
_ZONED_DATE: Final = Rule("date-zone", "warning", "A date with a time zone: it has no meaning for a date.")
_FAR_DATE: Final = Rule("date-range", "warning", "A year before 1700 or after 4000: the org may refuse it.")


def _date(cell: str) -> Rule | None:
    found = _DATE.fullmatch(cell)
    if found is None or not _is_day(found[1]):
        return _NO_DATE
    if not "1700" <= cell[:4] <= "4000":
        return _FAR_DATE
    return _ZONED_DATE if found[2] else None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


_NO_DATETIME: Final = Rule("datetime", "error", "No datetime: the org reads YYYY-MM-DDThh:mm:ssZ, or +02:00 for the Z.")


def _datetime(cell: str) -> Rule | None:
    found = _DATETIME.fullmatch(cell)
    if found is None or not _is_day(found[1]):
        return _NO_DATETIME
    if found[3] is None:
        return NAIVE
    if cell[10] != "T" or len(found[2]) < 8:
        return _NO_DATETIME
    try:
        datetime.fromisoformat(f"{found[1]}T{found[2][:8]}{found[3]}")
    except ValueError:
        return _NO_DATETIME
    if found[2].startswith("24"):  # the next day's midnight to newer Pythons
        return _NO_DATETIME
    return None if "1700" <= cell[:4] <= "4000" else _FAR_DATE


_NO_TIME: Final = Rule("time", "error", "No time of day: the org reads hh:mm:ss.000Z.")


def _time(cell: str) -> Rule | None:
    return None if _TIME.fullmatch(cell) else _NO_TIME


_NO_ID: Final = Rule("id-form", "error", "No Id: 15 or 18 letters and digits.")
_BAD_CHECKS: Final = Rule(
    "id-checksum", "error", "An Id whose last three characters do not fit the others: it was changed."
)


_OTHER_CASE: Final = Rule(
    "id-checksum", "warning", "An Id whose last three characters ask for other capitals: it may be another record's."
)


def _foreign(prefixes: frozenset[str], owners: Callable[[str], Iterable[str]]) -> Rule:
    begins = " or ".join(sorted(prefixes))
    return Rule("id-object", "error", f"An Id of another object: here Ids begin with {begins}.", owners)


def _id(prefixes: frozenset[str], foreign: Rule, cell: str) -> Rule | None:
    significant = id15(cell)
    if significant is None:
        return _BAD_CHECKS if _ID.fullmatch(cell) else _NO_ID
    if prefixes and significant[:3] not in prefixes:
        return foreign
    # All letters of one case: a tool folded them, which the last three characters make good.
    return _OTHER_CASE if cell[:15] not in (significant, cell[:15].upper(), cell[:15].lower()) else None


_EMAIL: Final = Rule("email", "warning", "No @ in an email address: the org may refuse it.")


def _texts(one: Describe) -> Values:
    limit = int(one.get("length") or 0)
    kind = one.get("type")
    too_long = Rule("length", "error", f"Longer than the {limit:_} characters of the field.")
    # REST notes, uncertain 9: which unit a length has. Both are said here where they differ.
    perhaps = Rule(
        "length-unit",
        "warning",
        f"Perhaps longer than the {limit:_} characters of the field: some characters may count twice.",
    )
    allowed = frozenset(
        str(value.get("value")) for value in one.get("picklistValues") or () if value.get("active", True)
    )
    if kind not in ("picklist", "multipicklist", "combobox"):
        allowed = frozenset()
    is_restricted = bool(one.get("restrictedPicklist"))
    not_allowed = Rule(
        "picklist",
        "error" if is_restricted else "warning",
        "Not among the values of this restricted picklist."
        if is_restricted
        else "Not among the values of this picklist. It is not restricted: the org takes it as it is.",
        partial(_near_values, allowed, kind == "multipicklist"),
    )

    def judge(cell: str) -> Rule | None:
        if limit and len(cell) > limit:
            return too_long
        if allowed and not (allowed.issuperset(cell.split(";")) if kind == "multipicklist" else cell in allowed):
            return not_allowed
        if kind == "email" and "@" not in cell:
            return _EMAIL
        return perhaps if limit and not cell.isascii() and units(cell) > limit else None

    if allowed:
        return Values(judge)
    return Values(judge, _shape(r"[^\n@]*+@[^\n]*+") if kind == "email" else None, limit or MAX_CELL_CHARACTERS)


def _near_values(allowed: frozenset[str], is_multiple: bool, cell: str) -> list[str]:
    wrong = [value for value in cell.split(";") if value not in allowed] if is_multiple else [cell]
    return [name for value in wrong for name in nearest(value[:255], allowed)[:1]]


def units(text: str) -> int:
    """Characters as the org counts those of a cell: UTF-16 (it runs on Java)."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2

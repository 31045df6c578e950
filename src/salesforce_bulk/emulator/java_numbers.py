"""Numbers as Java's ``Double.toString`` writes them, which is how ingest results show what was uploaded."""

from __future__ import annotations

from decimal import Decimal


def java_double(value: float) -> str:
    """``9.12260031E8``, ``12.5``, ``1.0E-5``: plain from 0.001 up to 10,000,000, else with one digit before the point."""
    size = abs(value)
    if 1e-3 <= size < 1e7 or size == 0:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{exponent + len(digits) - 1}"

"""The errors of a row in one cell of a CSV result. Source: bulk-api-1.md 3.9, bulk-api-2.md 6.1, field notes B 4.3."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ..store import RowError


def error_cell(errors: Iterable[RowError]) -> str:
    """``CODE:message:F1,F2 --``, or ``CODE:message:--`` without fields; several one after the other (U18)."""
    return "".join(
        f"{error.code}:{error.message}:{','.join(error.fields)}{' --' if error.fields else '--'}" for error in errors
    )


def escaped(text: str) -> str:
    """As in HTML, which is how Bulk API 2.0 shows these texts. Apostrophes stay: recorded texts have them as they are."""
    return html.escape(text, quote=False).replace('"', "&quot;")

"""What an administrator forbids: validation rules. They refuse rows that the org would otherwise take.

Source: bulk-api-1.md 12.3 (``FIELD_CUSTOM_VALIDATION_EXCEPTION``); the text is the administrator's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .values import RowError

CODE: Final = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


@dataclass(frozen=True)
class ValidationRule:
    """Refuses records of *sobject* of which *when* is true.

    Args:
        sobject: API name.
        when: Is given the record as it would be, by the names of its fields: what it has and what the row changes.
        message: What the administrator says of it.
        field: Where the message stands; None: at the record as a whole.
        code: Other codes play other refusals (``DUPLICATES_DETECTED``, ``FIELD_FILTER_VALIDATION_EXCEPTION``).
    """

    sobject: str
    when: Callable[[Mapping[str, Any]], bool]
    message: str
    field: str | None = None
    code: str = CODE

    def error(self) -> RowError:
        return RowError(self.code, self.message, (self.field,) if self.field else ())

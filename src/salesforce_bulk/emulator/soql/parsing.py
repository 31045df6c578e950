"""SOQL text -> an AST of plain records (``syntax``). The grammar is grammar.lark, read when the first query comes."""

from __future__ import annotations

from typing import Final

from .errors import SoqlError
from .syntax import Query

#: The service refuses a longer query ("SOQL and SOSL Limits").
MAX_CHARACTERS: Final = 100_000


def parse(text: str, *, max_characters: int | None = None) -> Query:
    """Read a query.

    Args:
        text: The SOQL.
        max_characters: Refuse a longer query, as the service does beyond ``MAX_CHARACTERS``. Not checked by default.

    Raises:
        SoqlError: The text is no query; ``.code`` is ``MALFORMED_QUERY``.
    """
    if max_characters is not None and len(text) > max_characters:
        raise SoqlError("MALFORMED_QUERY", f"SOQL statements cannot be longer than {max_characters} characters.")
    from . import reader  # lark takes a tenth of a second to load

    return reader.read(text)

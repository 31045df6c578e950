"""SOQL for the local org: ``compile_query(parse(text), schema, …).run(connection)``.

``parse`` makes an AST of the text, ``compile_query`` an SQLite statement of the AST and the schema, ``run`` the rows. What is
refused, by the service or only by the local org, is a :class:`SoqlError`.

Time: the org's zone is UTC, its week begins on Sunday, its fiscal year is the calendar year.
"""

from .compile import compile_query
from .compiled import Children, Column, Compiled, Parent, ResultSet
from .errors import SoqlError
from .parsing import MAX_CHARACTERS, parse
from .syntax import Query

__all__ = [
    "MAX_CHARACTERS",
    "Children",
    "Column",
    "Compiled",
    "Parent",
    "Query",
    "ResultSet",
    "SoqlError",
    "compile_query",
    "parse",
]

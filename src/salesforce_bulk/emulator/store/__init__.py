"""What the org holds: records in an SQLite database, and what becomes of rows that are to change them.

``store.prepare(operation, sobject, columns)`` makes a `Plan`, ``plan.apply(rows)`` a `SaveResult` of each row.
"""

from .columns import ColumnNotFound
from .database import Store
from .plan import Plan
from .rows import SaveResult
from .rules import ValidationRule
from .values import MISSING, NULL, Cell, RowError

__all__ = ["MISSING", "NULL", "Cell", "ColumnNotFound", "Plan", "RowError", "SaveResult", "Store", "ValidationRule"]

"""``sf.check()``: what would go wrong with a load, and what it would cost. Pure, apart from reading the rows."""

from .checking import check
from .report import Allowance, Calls, CheckReport, Cost, Problem

__all__ = ["Allowance", "Calls", "CheckReport", "Cost", "Problem", "check"]

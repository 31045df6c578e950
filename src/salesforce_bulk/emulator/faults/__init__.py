"""Faults, planned and counted: ``local_org.faults.plan("query2.results", "reset-after-64k")``.

``plans`` says which request or work meets which fault, ``replies`` and ``damage`` what becomes of a reply, ``refusals`` how
each API words a refusal, ``work`` what befalls jobs, batches and calls while the org works on them.
"""

from .plans import Faults, Met, Planned
from .work import NO_FAULT, WorkFault

__all__ = ["NO_FAULT", "Faults", "Met", "Planned", "WorkFault"]

"""What the org has left of its limits, what was asked of it, and what is to go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..faults import Faults
from ..limits import Limits
from .html import e, table, whole
from .layout import LATER, Page

#: Of faults that came to pass, the youngest.
MET_ROWS: Final = 100


class OrgPage:
    """*counts*: how often each operation was asked for."""

    def __init__(self, limits: Limits, faults: Faults, counts: Callable[[], Mapping[str, int]]) -> None:
        self.limits = limits
        self.faults = faults
        self.counts = counts

    def page(self) -> Page:
        limits = (
            [name, whole(figures["Max"]), whole(figures["Max"] - figures["Remaining"]), whole(figures["Remaining"])]
            for name, figures in self.limits.report().items()
        )
        plans = self.faults.plans
        unmet = sum(planned.is_open for planned in plans)
        planned_rows = (
            [
                planned.request,
                ", ".join(planned.faults),
                whole(planned.met),
                "any" if planned.times is None else whole(planned.times),
                e("span", "Not yet", class_="state busy")
                if planned.is_open
                else e("span", "Done", class_="state good"),
            ]
            for planned in plans
        )
        met = self.faults.met
        counts = sorted(self.counts().items())
        body = [
            e("h2", "Limits"),
            table(
                "Of the last 24 hours, as /limits tells them",
                ("Limit", "Maximum", "Used", "Remaining"),
                limits,
                id="limits",
                numbers=(1, 2, 3),
            ),
            e("h2", "Planned faults"),
            table(
                f"{len(plans)} planned, {unmet} not yet met",
                ("Request or work", "Fault", "Met", "Planned", "Status"),
                planned_rows,
                id="plans",
                numbers=(2, 3),
                empty="Nothing is planned to go wrong.",
            ),
            table(
                f"{len(met)} came to pass",
                ("Request or work", "Fault", "Path or ID"),
                ([one.name, one.fault, one.target] for one in met[-MET_ROWS:][::-1]),
                id="met",
                empty="Nothing went wrong as planned so far.",
            ),
            e("h2", "Requests"),
            table(
                f"{whole(sum(n for _, n in counts))} requests, this page not counted",
                ("Operation", "Requests"),
                ([name, whole(n)] for name, n in counts),
                id="requests",
                numbers=(1,),
                empty="Nothing was asked yet.",
            ),
        ]
        return Page("Limits and faults", body, "Limits and faults", f"{len(met)} faults met, {unmet} to come.", LATER)

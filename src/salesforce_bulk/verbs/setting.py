"""What every verb works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..engine.drive import Driver
from ..engine.stop import Stop
from ..errors import UsageError
from ..frozen import frozen


@frozen
class Setting:
    """The driver of a run, and what is known of the org. ``describe_of``: None for an object that the org does not have, or
    whose describe the user may not see."""

    driver: Driver
    describe_of: Callable[[str], Mapping[str, Any] | None]
    organization_id: Callable[[], str | None]

    def receipt(self, operation: str, sobject: str, api: str, why: str, run_id: str | None = None) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "operation": operation,
            "object": sobject,
            "api": api,
            "why": why,
            "org_id": self.organization_id(),
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": 0.0,
            "rows": {},
            "jobs": [],
            **self.traffic(),
            "complete": False,
            "errors": [],
        }

    def traffic(self) -> dict[str, int]:
        traffic = self.driver.traffic
        return {
            "requests": traffic.requests,
            "bytes_sent": traffic.bytes_sent,
            "bytes_received": traffic.bytes_received,
            "retries": traffic.retries,
        }


def stop_after(seconds: float | None, setting: Setting) -> Stop:
    """What ends a verb when its time is up. It runs from now on."""
    if seconds is not None and not seconds > 0:
        raise UsageError(f"run_seconds is more than 0, not {seconds:g}. Nothing was sent.")
    return Stop(seconds, setting.driver.clock.monotonic)


def check_at_least_one(**counts: int | None) -> None:
    """None asks for nothing."""
    for name, count in counts.items():
        if count is not None and count < 1:
            raise UsageError(f"{name} is at least 1, not {count}. Nothing was sent.")


def check_job_seconds(seconds: float) -> None:
    """0 looks at the job once."""
    if not seconds >= 0:
        raise UsageError(f"job_seconds is 0 or more, not {seconds:g}. Nothing was sent.")


def check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise UsageError(f"{name} is one of {', '.join(map(repr, choices))}, not {value!r}. Nothing was sent.")

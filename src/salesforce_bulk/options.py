"""Settings that travel together, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .frozen import frozen

#: A reply that has sent nothing for this long is taken for dead. The first byte of a large result was seen to take 17 s
#: (field notes, 17), and an idle connection through a firewall is cut after minutes at best.
READ_SECONDS: Final = 120.0
CONNECT_SECONDS: Final = 20.0


@frozen
class TransportOptions:
    """Time limits of one exchange, and how often it is tried.

    ``connect_seconds``, ``read_seconds`` (between two pieces of a reply), ``write_seconds`` (between two pieces of a
    request), ``tries`` (the first one included; only what may be repeated is), ``first_pause_seconds`` and
    ``longest_pause_seconds`` between tries, ``compress`` (gzip request bodies: ``None``, those of the verbs that carry rows,
    when they are larger than 14,000 bytes; ``True``, all; ``False``, none; and none where the org refuses them),
    ``connections`` kept in the pool.

    ``stop_at_usage``: once this share of the org's API calls for 24 hours is used up, by whomever, no further request is made
    and ``LimitReached`` raised, so that other programs keep the rest; 0.9 leaves a tenth. Without it, it is the org that
    says when to stop. The org counts in the header of its replies (``Sforce-Limit-Info``), which Bulk API 1.0 lacks; what it
    said holds for a minute.
    """

    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    write_seconds: float = READ_SECONDS
    tries: int = 5
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    compress: bool | None = None
    connections: int = 20
    stop_at_usage: float | None = None


DEFAULT_OPTIONS: Final = TransportOptions()

#: How long a job may take before we stop waiting for it; it goes on without us. The org itself gives up on a job that
#: has not ended after seven days ("Limits"), so this only bounds what a program does unattended.
JOB_SECONDS: Final = 24 * 3600.0
#: Looks at a job come at least this often.
LONGEST_POLL_SECONDS: Final = 30.0
#: Parts that are on their way at once. Each is a job; more of them wait in the org's queue rather than here.
PARALLEL_JOBS: Final = 4


@frozen
class LoadOptions:
    """How a load goes out.

    ``part_rows`` and ``part_bytes`` make parts smaller than the API allows; ``parallel_jobs`` are on their way at once;
    ``serial`` has the org do one batch after the other (Bulk API 1.0).

    ``job_seconds`` bounds the wait for one job: past it the verb gives up on that job, waits for the others, and ends with
    ``WaitTimeout``. ``run_seconds`` bounds the whole verb: past it the run is left where it is, as Ctrl-C leaves it, and ends
    with ``WaitTimeout`` as soon as the requests under way are answered. Both can be resumed.

    ``api`` is ``"auto"``, ``"bulk2"``, ``"bulk1"`` or ``"rest"`` (200 rows a call); ``"auto"`` takes one REST call for a list
    or table of up to 200 rows that may be sent twice without harm, if the org offers that, and else Bulk API 2.0.

    ``retries`` is how many times more the rows are sent that the org refused for a passing reason (a lock, a timeout), and no
    others. ``rename`` gives columns of the input the names of the fields that they are for: old name -> new one.

    ``outcomes`` is ``"now"``: a load returns when each row is matched with its outcome. With ``"later"`` it returns when the
    org's own counters say of each job that it took all rows that were sent and refused none; which record a row became is
    found out when it is first asked for, from the org's results, which are gone after seven days ("Get Job Successful Record
    Results"). Where the counters say anything else, outcomes are matched at once.
    """

    api: str = "auto"
    part_rows: int | None = None
    part_bytes: int | None = None
    parallel_jobs: int = PARALLEL_JOBS
    serial: bool = False
    retries: int = 0
    rename: Mapping[str, str] | None = None
    assignment_rule_id: str | None = None
    outcomes: str = "now"
    job_seconds: float = JOB_SECONDS
    run_seconds: float | None = None
    longest_poll_seconds: float = LONGEST_POLL_SECONDS

"""Which states exist, which end, and which may follow: literal tables.

Source: Bulk API guide, "JobInfo", "Interpret Batch State"; for NotProcessed and the order of events, recorded traffic
(field notes, 1-3 and 10).
"""

from __future__ import annotations

from typing import Final

from ..wire.names import BatchState, Job2State, JobState

JOB_FOLLOWS: Final = {
    JobState.OPEN: frozenset({JobState.CLOSED, JobState.ABORTED, JobState.FAILED}),
    JobState.CLOSED: frozenset({JobState.ABORTED, JobState.FAILED}),
    JobState.ABORTED: frozenset[str](),
    JobState.FAILED: frozenset[str](),
}

#: Closed is not finished: queued batches go on. These take no batch and undo nothing.
JOB_GIVEN_UP: Final = frozenset(state for state, follows in JOB_FOLLOWS.items() if not follows)

BATCH_FOLLOWS: Final = {
    BatchState.QUEUED: frozenset({BatchState.IN_PROGRESS, BatchState.NOT_PROCESSED}),
    BatchState.IN_PROGRESS: frozenset({BatchState.COMPLETED, BatchState.FAILED, BatchState.QUEUED}),
    BatchState.COMPLETED: frozenset[str](),
    BatchState.FAILED: frozenset[str](),
    BatchState.NOT_PROCESSED: frozenset[str](),
}

#: Aborted is a job's state; the old library looked for it in batches, so should it ever come it is an end.
BATCH_ENDED: Final = frozenset(state for state, follows in BATCH_FOLLOWS.items() if not follows) | {JobState.ABORTED}

#: Bulk API 2.0, ingest; a query job begins as UploadComplete ("Job States").
JOB2_FOLLOWS: Final = {
    Job2State.OPEN: frozenset({Job2State.UPLOAD_COMPLETE, Job2State.ABORTED, Job2State.FAILED}),
    Job2State.UPLOAD_COMPLETE: frozenset({Job2State.IN_PROGRESS, Job2State.ABORTED, Job2State.FAILED}),
    Job2State.IN_PROGRESS: frozenset({Job2State.JOB_COMPLETE, Job2State.FAILED, Job2State.ABORTED}),
    Job2State.JOB_COMPLETE: frozenset[str](),
    Job2State.FAILED: frozenset[str](),
    Job2State.ABORTED: frozenset[str](),
}

JOB2_ENDED: Final = frozenset(state for state, follows in JOB2_FOLLOWS.items() if not follows)

"""The front door for asyncio: the verbs of ``Org``, awaited.

A verb is a few small requests for each hundred megabytes, and work for the processor and the disk: each runs in a worker
thread as it is, and the event loop only waits for it (docs/decisions/0007-async.md). Rows cross over in runs of a few hundred.
No rule about orgs, jobs or rows stands here.

**Cancellation.** A read that is cancelled stops at its next piece, closes its connections, and removes its file; the cancelled
``await`` returns when it has. A load that is cancelled goes on to its end in its thread, for what the org has taken cannot be
taken back, and its receipt is in the run folder; leaving ``async with`` waits for it. With rows from an async generator it ends
early instead, as it does when the generator raises: what was sent stays sent, and no more rows are asked for. The other verbs
go on to their end. What has not begun when it is cancelled does not begin.
"""

from __future__ import annotations

from .jobs import AsyncJob
from .org import AsyncOrg, connect_async
from .results import AsyncIngestResult, AsyncQueryResult

__all__ = ["AsyncIngestResult", "AsyncJob", "AsyncOrg", "AsyncQueryResult", "connect_async"]

"""Replies made wrong: rows lost, quotes broken, counts that lie. Each function says whether there was anything to spoil."""

from __future__ import annotations

import json
import random
import re
import zlib
from typing import Final

from salesforce_bulk.wire import headers
from salesforce_bulk.wire.names import NO_LOCATOR

from ..http.messages import Reply

_COUNTERS: Final = re.compile(rb'((?:"numberRecordsProcessed"|"totalSize")\s*:\s*|<numberRecordsProcessed>)(\d+)')
#: Of a compressed body: its checksum and length, and something before them.
_GZIP_TAIL: Final = 12


def truncate(reply: Reply, number: int | None) -> bool:
    """Half of the body, or *number* bytes of it, framed as if it were all."""
    body = reply.whole()
    kept = body[: len(body) // 2 if number is None else number]
    if len(kept) == len(body):
        return False
    reply.body = kept
    return True


def truncate_gzip(reply: Reply) -> bool:
    """A compressed body without its end, framed as if it were all."""
    body = reply.whole()
    if not body:
        return False
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = packer.compress(body) + packer.flush()
    reply.body = packed[: max(1, len(packed) - _GZIP_TAIL)]
    reply.raw = True
    reply.headers.append(("Content-Encoding", "gzip"))
    return True


def lie_about_length(reply: Reply, *, more: bool) -> bool:
    """``Content-Length`` promises bytes that never come, for the connection is closed; or it leaves out the end of the body,
    which then stands before the next reply."""
    body = reply.whole()
    if not more and len(body) < 2:
        return False
    reply.raw = True
    reply.close = more
    reply.said_length = len(body) + 100 if more else len(body) // 2
    return True


def garble(reply: Reply, seed: int) -> bool:
    """Bytes without meaning, as many as there were, under the same type. Never the same as a document or a text."""
    reply.body = b"\xff\x00" + random.Random(seed).randbytes(max(64, len(reply.whole())))  # noqa: S311 -- not for secrets
    return True


def break_quotes(reply: Reply) -> bool:
    """One quote in the middle of the CSV is gone."""
    body = reply.whole()
    place = body.find(b'"', len(body) // 2)
    if not _is_csv(reply) or place < 0:
        return False
    reply.body = body[:place] + body[place + 1 :]
    return True


def lose_last_row(reply: Reply) -> bool:
    """The last record is not there, whatever the headers say."""
    body = reply.whole()
    if not _is_csv(reply):
        return _lose_last_member(reply, body)
    end = len(body.rstrip(b"\r\n"))
    while (end := body.rfind(b"\n", 0, end)) >= 0:
        if body.count(b'"', 0, end) % 2 == 0:  # not a line break inside a value
            reply.body = body[: end + 1]
            return True
    return False


def _lose_last_member(reply: Reply, body: bytes) -> bool:
    if not body.startswith(b"{"):
        return False
    answer = json.loads(body)
    if not answer.get("records"):
        return False
    answer["records"].pop()
    reply.body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    return True


def miscount(reply: Reply) -> bool:
    """One row too many in ``Sforce-NumberOfRecords``, ``numberRecordsProcessed`` or ``totalSize``."""
    for place, (name, value) in enumerate(reply.headers):
        if name.lower() == headers.NUMBER_OF_RECORDS.lower():
            reply.headers[place] = (name, str(int(value) + 1))
            return True
    if _is_csv(reply):
        return False
    reply.body, changed = _COUNTERS.subn(lambda found: found[1] + b"%d" % (int(found[2]) + 1), reply.whole())
    return changed > 0


def lose_locator(reply: Reply) -> bool:
    """No ``Sforce-Locator``, though there are more pages."""
    kept = [(name, value) for name, value in reply.headers if name.lower() != headers.LOCATOR.lower()]
    more = [value for name, value in reply.headers if name.lower() == headers.LOCATOR.lower() and value != NO_LOCATOR]
    if not more:
        return False
    reply.headers = kept
    return True


def _is_csv(reply: Reply) -> bool:
    return (reply.content_type or "").startswith("text/csv")

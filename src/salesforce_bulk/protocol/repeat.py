"""What may be sent again when its answer was lost.

A table, so that the documentation can be drawn from it and a test can hold it against the list of requests.
"""

from __future__ import annotations

from typing import Final

from ..frozen import frozen


@frozen
class Rule:
    """``again``: a second sending has the same effect as one. ``why`` says so, or what would happen. ``cure``: what is done
    when the answer is lost, and what is looked at before; by the verbs of an org, which a caller of single requests is not."""

    again: bool
    why: str
    cure: str = "It is sent again."


_READS: Final = Rule(True, "It only reads.")
_ABORTED: Final = Rule(True, "A job that is aborted stays aborted.")
_DELETED: Final = Rule(True, "A job that is deleted stays deleted.")

RULES: Final[dict[str, Rule]] = {
    "bulk1.create_job": Rule(
        False,
        "A second job would stay open; an empty job touches no data.",
        "Another job is made. The receipt counts the first as one that perhaps stays open, empty.",
    ),
    "bulk1.get_job": _READS,
    "bulk1.close_job": Rule(True, "A job that is closed stays closed."),
    "bulk1.abort_job": _ABORTED,
    "bulk1.add_batch": Rule(
        False,
        "The rows would be in the job twice.",
        "The batches of the job are listed, and the request of each that is not known is compared with the rows. Found: it is "
        "that batch. Not found: it is posted again. A batch of other rows than were sent: an error, and nothing is posted.",
    ),
    "bulk1.get_batch": _READS,
    "bulk1.list_batches": _READS,
    "bulk1.batch_request": _READS,
    "bulk1.batch_result": _READS,
    "bulk1.query_result": _READS,
    "bulk1.upload_spec": Rule(
        False,
        "Whether a second specification replaces the first is not documented.",
        "None: no verb sends it. Make another job.",
    ),
    "ingest2.create_job": Rule(
        False,
        "A second job would stay open; an empty job touches no data.",
        "Another job is made. The receipt counts the first as one that perhaps stays open, empty.",
    ),
    "ingest2.create_job_with_data": Rule(
        False,
        "The rows would be loaded twice, in two jobs.",
        "None: no verb sends it. List the jobs, and compare the results of those made since with the rows.",
    ),
    "ingest2.upload": Rule(
        False,
        "The org takes one upload a job.",
        "The job is still open and has no effect: it is aborted, and the part goes out in another one.",
    ),
    "ingest2.upload_complete": Rule(
        False,
        "Whether the first one was heard is seen in the job's state: ask it.",
        "The job is looked at. Still open: it is said again. Else it was heard.",
    ),
    "ingest2.abort_job": _ABORTED,
    "ingest2.get_job": _READS,
    "ingest2.list_jobs": _READS,
    "ingest2.delete_job": _DELETED,
    "ingest2.results": _READS,
    "query2.create_job": Rule(True, "A second query only reads; the first one ends by itself."),
    "query2.get_job": _READS,
    "query2.list_jobs": _READS,
    "query2.abort_job": _ABORTED,
    "query2.delete_job": _DELETED,
    "query2.results": _READS,
    "query2.result_pages": _READS,
    "login.soap": Rule(True, "A second session does no harm."),
    "login.oauth": Rule(True, "A second access token does no harm."),
    "login.refresh": Rule(
        False,
        "Where refresh tokens rotate, one that is used twice ends every session of its grant.",
        "None: an error. Log in again.",
    ),
    "rest.versions": _READS,
    "rest.describe": _READS,
    "rest.objects": _READS,
    "rest.limits": _READS,
    "rest.query": _READS,
    "rest.query_more": _READS,
    "collections.insert": Rule(
        False,
        "The records would be made twice; nothing in the org tells them apart afterwards.",
        "None: an error that says which rows, and no resume sends them again. Inserts take jobs unless REST is asked for.",
    ),
    "collections.update": Rule(True, "The same values once more leave the same records."),
    "collections.upsert": Rule(
        True,
        "The second one finds by its key what the first one made.",
        "It is sent again. Of a record that it finds nobody knows who made it: `created` of its outcome is None.",
    ),
    # Its flow repeats it, for the second answer has to be read otherwise than the first (protocol/collections.py).
    "collections.delete": Rule(
        False,
        "What the first one deleted, the second one answers with ENTITY_IS_DELETED.",
        "It is sent again, and ENTITY_IS_DELETED is taken for what was asked for.",
    ),
}

#: Answers of the servers in front of the org, before it saw the request or while it was away (REST guide, "Status Codes
#: and Error Responses"; field notes, 37). A read is tried again on these.
PASSING_STATUSES: Final = frozenset({406, 408, 420, 429, 500, 502, 503, 504})


def may_repeat(name: str) -> bool:
    """May the request called *name* be sent again when nobody knows what became of the first?"""
    return RULES[name].again

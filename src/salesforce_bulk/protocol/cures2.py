"""What to do about a refusal of Bulk API 2.0, by the org's own code.

Source: guide, "Errors" and "Limits"; the codes of Bulk API 1.0 in capitals where they are shared. One that says little by
itself has no line here.
"""

from __future__ import annotations

from typing import Final

CURES2: Final[dict[str, str]] = {
    "CLIENTINPUTERROR": (
        "A job takes one upload of CSV in UTF-8, of at most 100,000,000 bytes (100,000 characters when it comes along with "
        "the job): send fewer rows in a job."
    ),
    "EXCEEDEDQUOTA": (
        "The org's allocation of records or batches for 24 hours is used up: wait, and send what was not loaded."
    ),
    "FEATURENOTENABLED": "Ask an administrator for the permission or feature that the message names.",
    "GONE": "This API version is retired: leave out api_version, and the newest is taken.",
    "INVALIDENTITY": "This object cannot be used with the Bulk API: use the REST API for it.",
    "INVALIDJOB": "Check the object, the operation and the options.",
    "INVALIDJOBSTATE": "The job is in another state than this call needs: look at the job.",
    "INVALID_FIELD": "Correct the name; a field that the user may not see is none to the org.",
    "INVALID_TYPE": "Correct the name; an object that the user may not see is none to the org.",
    "LIMIT_EXCEEDED": (
        "What the org allows of queries in 24 hours is used up: wait, or ask by Bulk API 1.0 or REST, which have limits of "
        "their own."
    ),
    "MALFORMED_QUERY": "Correct the query.",
    "REQUEST_LIMIT_EXCEEDED": (
        "The org's API calls for 24 hours are used up: wait. Jobs that were set going go on, and keep their results for 7 "
        "days."
    ),
    "NOT_FOUND": "Check the id; jobs and their results are gone 7 days after their end.",
}

#: Of what has no id of a job in its address.
NO_SUCH_OBJECT: Final = "The org has no such object, or the user may not see it: describe() without a name lists them."
NO_SUCH_ADDRESS: Final = "The org may not offer this API version: leave out api_version, and the newest is taken."

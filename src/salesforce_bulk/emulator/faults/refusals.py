"""The refusals that a fault puts in the place of an answer, in the manner of each API. Sources: auth.md 7, bulk-api-1.md 12,
bulk-api-2.md 8, rest-support.md 7; what no source has is marked in FIDELITY.md."""

from __future__ import annotations

from typing import Final

from ..answers.bulk1 import Refused, error_reply, is_json
from ..answers.rest import Answer
from ..http.messages import Reply, Request, json_reply
from ..login.soap import fault

REQUEST_LIMIT: Final = "TotalRequests Limit exceeded."
CONCURRENT_LIMIT: Final = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
#: The two refusals of a session that a new session does not help.
NOT_FOR_REST: Final = "This session is not valid for use with the REST API"
NOT_ATTACHED: Final = "Connected app is not attached to Agent"
_PHRASES: Final = {
    406: "Not Acceptable", 420: "Unavailable", 429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
LOGIN_PAGE: Final = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="UTF-8"><title>Login</title></head>\n'
    '<body><form name="login" method="post" action="/"><input name="username"><input type="password" name="pw">'
    "</form></body></html>\n"
)


def limit(request: Request, text: str) -> Reply:
    """An allowance of requests is used up."""
    match family(request):
        case "bulk1":
            refused = Refused("ExceededQuota", text)
            return error_reply(refused, as_json=is_json(request))
        case "login":
            return fault("REQUEST_LIMIT_EXCEEDED", text, "partner", "UnexpectedErrorFault")
        case "oauth":
            return json_reply({"error": "invalid_grant", "error_description": "login rate exceeded"}, 400)
    return Answer(403, "REQUEST_LIMIT_EXCEEDED", text).reply


def unavailable(request: Request) -> Reply:
    """503, said by the API itself."""
    text = "The server is temporarily unavailable"
    match family(request):
        case "bulk1":
            return error_reply(Refused("Unknown", text, 503), as_json=is_json(request))
        case "login":
            reply = fault("SERVER_UNAVAILABLE", text, "partner", "UnexpectedErrorFault")
            reply.status = 503
            return reply
        case "oauth":
            return json_reply({"error": "temporarily_unavailable", "error_description": text}, 503)
    return Answer(503, "SERVER_UNAVAILABLE", text).reply


def unauthorized(text: str) -> Reply:
    return Answer(401, "INVALID_SESSION_ID", text).reply


def bare(status: int) -> Reply:
    return Reply(status)


def page(status: int) -> Reply:
    """What stands in front of the API has answered."""
    phrase = _PHRASES.get(status, "Error")
    text = (
        f"<html>\n<head><title>{status} {phrase}</title></head>\n"
        f"<body><center><h1>{status} {phrase}</h1></center></body>\n</html>\n"
    )
    return Reply(status, text.encode(), "text/html; charset=UTF-8")


def family(request: Request) -> str:
    """``bulk1``, ``ingest2``, ``query2``, ``rest``, ``collections``, ``login`` or ``oauth``."""
    return request.operation.partition(".")[0]

"""Replies that no well-behaved server gives: bytes of any kind, golden replies with something changed, absurd heads."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from tests.support.exchanges import read_script

GOLDEN_FOLDER: Final = Path(__file__).parents[1] / "wire"
#: What the placeholders of the golden exchanges stand for here.
_FILLED: Final = {
    "job": "750000000000001AAA",
    "batch": "751000000000001AAA",
    "result": "752000000000001",
    "spec": "0Aj000000000001AAA",
    "account": "001000000000001AAA",
    "contact": "003000000000001AAA",
    "user": "005000000000001AAA",
    "list": "01g000000000001-500",
    "locator": "MDowR2FAAAAAAAAA",
    "time": "2026-01-02T03:04:05.000Z",
    "json-time": "2026-01-02T03:04:05.000+0000",
    "epoch": "1767323045000",
    "ms": "17",
}
_PLACEHOLDER: Final = re.compile(r"\{(" + "|".join(_FILLED) + r")(\d*)\}")


def _filled(text: str) -> str:
    """Something real in the place of each name; ``{batch2}`` is another one than ``{batch}``."""

    def real(found: re.Match[str]) -> str:
        known, number = _FILLED[found[1]], found[2]
        return known[: len(known) - len(number)] + number

    return _PLACEHOLDER.sub(real, text)


@dataclass(frozen=True)
class AnyReply:
    """A whole reply; names of headers in lower case, as the transport hands them on."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def golden_replies() -> list[AnyReply]:
    """Every reply of the golden exchanges, and a few that they do not hold: logins, REST pages, links, describes."""
    found = []
    for path in sorted(GOLDEN_FOLDER.glob("bulk*/*.txt")):
        for exchange in read_script(path).exchanges:
            body = _filled(exchange.reply)
            heads = {name.lower(): _filled(value) for name, value in exchange.reply_headers.items()}
            found.append(AnyReply(exchange.status, heads, body.encode()))
    return list({(reply.status, reply.body): reply for reply in found + OTHERS}.values())


def _json(document: Any, status: int = 200) -> AnyReply:
    return AnyReply(status, {"content-type": "application/json"}, json.dumps(document).encode())


OTHERS: Final = [
    _json(
        {
            "access_token": "00D000000000001!x",
            "instance_url": "https://acme.my.salesforce.com",
            "id": "https://a/id/b/c",
        }
    ),
    _json({"error": "invalid_grant", "error_description": "authentication failure"}, 400),
    AnyReply(
        200,
        {"content-type": "text/xml"},
        b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com">'
        b"<soapenv:Body><loginResponse><result><passwordExpired>false</passwordExpired>"
        b"<serverUrl>https://acme.my.salesforce.com/services/Soap/u/64.0/00D000000000001</serverUrl>"
        b"<sessionId>00D000000000001!x</sessionId><userId>005000000000001AAA</userId><userInfo>"
        b"<organizationId>00D000000000001AAA</organizationId></userInfo></result></loginResponse></soapenv:Body>"
        b"</soapenv:Envelope>",
    ),
    _json([{"label": "Winter", "url": "/services/data/v66.0", "version": "66.0"}]),
    _json(
        {
            "totalSize": 3,
            "done": False,
            "nextRecordsUrl": "/services/data/v66.0/query/01g000000000001-2000",
            "records": [
                {
                    "attributes": {"type": "Account"},
                    "Id": "001",
                    "Amount": 1.50,
                    "Owner": {"attributes": {}, "Name": "Ada"},
                },
                {"attributes": {"type": "Account"}, "Id": "002", "Amount": None, "Owner": None},
            ],
        }
    ),
    _json(
        {
            "resultPages": [
                {"resultUrl": "/services/data/v66.0/jobs/query/750000000000001AAA/results?locator=AAA&maxRecords=2"},
                {"resultUrl": "/services/data/v66.0/jobs/query/750000000000001AAA/results?locator=BBB&maxRecords=2"},
            ],
            "nextRecordsUrl": "/services/data/v66.0/jobs/query/750000000000001AAA/resultPages?locator=CCC",
            "done": False,
        }
    ),
    _json({"name": "Account", "fields": [{"name": "Id", "type": "id"}, {"name": "Amount", "type": "currency"}]}),
    AnyReply(503, {"content-type": "text/html", "retry-after": "7"}, b"<!DOCTYPE html><html><body>Down</body></html>"),
    AnyReply(302, {"location": "https://elsewhere.example/?sid=1"}, b""),
    AnyReply(200, {"content-type": "text/csv"}, b'"Id","Success","Created","Error"\n"001","true","true",""\n'),
    AnyReply(200, {"content-type": "text/csv"}, b'"sf__Id","sf__Created","Key__c"\n"001","true","a ""b"""\n'),
]

# -- changes ------------------------------------------------------------------------------------------------------------

#: Bytes that mean something to one reader or another.
TOKENS: Final = [
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0", b"\xff", b"\xed\xa0\x80", b"\xc3", b"\xe2\x80\xa8", b"\xc2\x85",
    b'"', b'""', b",", b"\n", b"\r", b"\r\n", b'"\n"', b'","', b"<", b">", b"&", b"</", b"<![CDATA[", b"]]>", b"<!--", b"&#0;",
    b"&#x1;", b"&#xD800;", b"&#x0000000000e0ff;!110000;", b"&amp;", b"&nope;", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"\xee\x83\xbf!41;",
    b"{", b"}", b"[", b"]", b":", b"null", b"NaN", b"-Infinity", b"1e999", b"\\ud800", b"\\u0000", b"Records not found for this query",
    b"&#" + b"9" * 5000 + b";", b"9" * 5000, b"--", b"{" * 40, b"[" * 3000, b"<a>" * 3000, b"<" * 3000, b'{"a":' * 3000,
    b'<?xml version="1.0" encoding="utf-16"?>', b'<?xml version="1.0" encoding="shift_jis"?>', b'<?xml version="1.0" encoding="x"?>',
    b"#N/A", b"24:00:00", b"0000-00-00", b"1_0", b"\xc2\xb2", b"\xd9\xa3", b"\x1f\x8b",
]  # fmt: skip


def _deep() -> Any:
    value: Any = 1
    for _ in range(60):
        value = [value]
    return value


#: Values of JSON where another one was expected.
VALUES: Final[list[Any]] = [
    None, True, False, 0, -1, 2**63, 10**400, 1.5, float("nan"), float("inf"), "", " ", "²", "٣", "9" * 5000, "-1", "1e999", "\ud800",
    "\0\n", "http://[", "https://[::1", "//a]/x?locator=b", "/query/", "/query/%", "?locator=", "?queryLocator=A&locator=A", "x" * 70_000,
    "a\r\nX-Evil: 1", [], {}, [None], [[]], {"id": None}, ["\ud800"], {"": ""}, _deep(), "true", "JobComplete", "Open", "Failed", "Completed",
    "NotProcessed", "Closed", "https://user:pw@host", "http://evil.example", "https://host:99999999", "https://\ud800", "00D!\n", "é",
]  # fmt: skip

_TEXT: Final = re.compile(rb">([^<>]*)<")
_ELEMENT: Final = re.compile(rb"<([A-Za-z_][\w.:-]*)[^<>]*>[^<>]*</\1>")
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-8-sig", "utf-7")


def mutated(body: bytes, chance: Random) -> bytes:
    """*body* with one to three things changed."""
    for _ in range(chance.randint(1, 3)):
        change = chance.choice(_CHANGES)
        body = change(body, chance)
    return body


def _flip(body: bytes, chance: Random) -> bytes:
    if not body:
        return b"\x01"
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]


def _cut(body: bytes, chance: Random) -> bytes:
    return body[: chance.randint(0, len(body))]


def _cut_out(body: bytes, chance: Random) -> bytes:
    start, stop = sorted((chance.randint(0, len(body)), chance.randint(0, len(body))))
    return body[:start] + body[stop:]


def _insert(body: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(body))
    return body[:at] + chance.choice(TOKENS) + body[at:]


def _double(body: bytes, chance: Random) -> bytes:
    start, stop = sorted((chance.randint(0, len(body)), chance.randint(0, len(body))))
    return body[:stop] + body[start:stop] + body[stop:]


def _swap(body: bytes, chance: Random) -> bytes:
    a, b, c = sorted(chance.randint(0, len(body)) for _ in range(3))
    return body[:a] + body[b:c] + body[a:b] + body[c:]


def _without_line(body: bytes, chance: Random) -> bytes:
    lines = body.splitlines(keepends=True)
    if lines:
        del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def _line_twice(body: bytes, chance: Random) -> bytes:
    lines = body.splitlines(keepends=True)
    if lines:
        at = chance.randrange(len(lines))
        lines.insert(chance.randint(0, len(lines)), lines[at])
    return b"".join(lines)


def _recoded(body: bytes, chance: Random) -> bytes:
    return body.decode("utf-8", "replace").encode(chance.choice(_ENCODINGS), "replace")


def _other_value(body: bytes, chance: Random) -> bytes:
    """One value of a JSON document is another one, is gone, or stands there twice."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _other_text(body, chance)
    value = chance.choice(VALUES)
    holders = [holder for holder in _holders(document) if holder]
    if not holders or chance.random() < 0.05:
        return json.dumps(value).encode()
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    what = chance.randrange(6)
    if what == 0:
        del holder[key]
    elif what == 1:
        kept = holder[key]
        text = json.dumps(document)
        doubled = f"{json.dumps(key)}: {json.dumps(kept)}" if isinstance(holder, dict) else json.dumps(kept)
        return text.replace(doubled, f"{doubled}, {doubled}", 1).encode()
    elif what == 2:
        holder[key] = [holder[key]]
    else:
        holder[key] = value
    return json.dumps(document).encode()


def _holders(value: Any) -> list[Any]:
    found = []
    if isinstance(value, dict | list):
        found.append(value)
        for below in value.values() if isinstance(value, dict) else value:
            found += _holders(below)
    return found


def _other_text(body: bytes, chance: Random) -> bytes:
    """One text of an XML document is another one, or an element is gone or stands there twice."""
    what = chance.randrange(3)
    found = list((_TEXT if what == 0 else _ELEMENT).finditer(body))
    if not found:
        return _insert(body, chance)
    match = chance.choice(found)
    if what == 0:
        value = chance.choice(VALUES)
        text = (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")
        return body[: match.start(1)] + text + body[match.end(1) :]
    return body[: match.start()] + (match[0] * 2 if what == 1 else b"") + body[match.end() :]


_CHANGES: Final = (
    _flip, _cut, _cut_out, _insert, _double, _swap, _without_line, _line_twice, _recoded,
    _other_value, _other_value, _other_value, _other_text,
)  # fmt: skip

# -- strategies ---------------------------------------------------------------------------------------------------------

GOLDEN: Final = golden_replies()
STATUSES: Final = (200, 200, 200, 200, 200, 201, 204, 299, 302, 400, 401, 403, 404, 409, 429, 500, 503, 999)

_HEADER_VALUES: Final = [
    "", "null", "NULL", "-1", "0", "1", "3", "²", "٣", "9" * 5000, "1e5", "3, 3", "null, null", " 2 ", "0x10", "é", "A",
    "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999", "api-usage=" + "9" * 5000 + "/1", "api-usage=1/0", "gzip", "https://[", "MDowR2FAAAAAAAAA",
]  # fmt: skip
_HEADER_NAMES: Final = [
    "sforce-locator", "sforce-numberofrecords", "retry-after", "content-type", "location", "sforce-limit-info", "content-length",
]  # fmt: skip

chances = st.randoms(use_true_random=False, note_method_calls=False)


def changed(replies: list[AnyReply]) -> st.SearchStrategy[bytes]:
    """Bodies of these *replies* with something changed."""
    # By number: hypothesis writes down what it samples from, and all golden replies are much to write.
    at = st.integers(0, len(replies) - 1)
    return st.builds(lambda number, chance: mutated(replies[number].body, chance), at, chances)


bodies = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    changed(GOLDEN),
    changed(GOLDEN),
    changed(GOLDEN),
)
heads = st.dictionaries(
    st.sampled_from(_HEADER_NAMES), st.one_of(st.sampled_from(_HEADER_VALUES), st.text(max_size=8)), max_size=3
)
any_replies = st.builds(AnyReply, st.sampled_from(STATUSES), heads, bodies)


def cuts(bodies: st.SearchStrategy[bytes] = bodies) -> st.SearchStrategy[list[bytes]]:
    """A body as the pieces in which it arrives, 500 of them at most."""
    return st.builds(cut, bodies, st.sampled_from([10**9, 1, 3, 64, 1000]))


def cut(body: bytes, step: int) -> list[bytes]:
    step = max(step, len(body) // 500)
    return [body[at : at + step] for at in range(0, len(body), step)]

"""Golden exchanges: requests and replies as text files, described in tests/wire/README.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.limits import Allocation

from .bulk1_talk import Answer

#: What an id is called in the files, by how it begins.
ID_NAMES = {
    "750": "job",
    "751": "batch",
    "752": "result",
    "0Aj": "spec",
    "001": "account",
    "003": "contact",
    "005": "user",
    "01g": "list",
    "00D": "org",
    "00e": "profile",
    "00T": "task",
    "a00": "thing",
}
_ID = re.compile(r"\b(750|751|752|0Aj|001|003|005|01g|00D|00e|00T|a00)[0-9A-Za-z]{12}(?:[A-Z0-5]{3})?\b")
#: A session or access token, a refresh token, a code that a browser brings back.
_SECRET = re.compile(r"\b(00D)\w{12}![\w.]+|\b(5Aep861)[\w-]+|\b(aPrx)[\w-]+(?:==|%3D%3D)?")
_SECRET_NAMES = {"00D": "session", "5Aep861": "refresh", "aPrx": "code"}
_SIGNATURE = re.compile(r'(?<="signature":")[\w+/=]+')
_URL = re.compile(r"http://127\.0\.0\.1:\d+")
_XML_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z")
_JSON_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000")
#: A place in a query result: base64 of ``0:0Ga…``.
_LOCATOR = re.compile(r"\bMDowR2F[\w-]+")
_EPOCH = re.compile(r"\b\d{13}\b")
#: Seconds since 1970, where a member of a token's description says when.
_SECONDS = re.compile(r'(?<="(?:exp|iat|nbf)":)\d{10}')
_SPENT_XML = re.compile(r"(<(?:totalProcessingTime|apiActiveProcessingTime)>)[1-9]\d*(?=<)")
_SPENT_JSON = re.compile(r'("(?:totalProcessingTime|apiActiveProcessingTime)" ?: ?)[1-9]\d*')


@dataclass
class Exchange:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    status: int = 0
    reply_headers: dict[str, str] = field(default_factory=dict)
    reply: str = ""
    #: What happens to the org before the request: ``("advance", "5")``.
    before: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Script:
    title: str
    exchanges: list[Exchange]


def read_script(path: Path) -> Script:
    text = path.read_bytes().decode()
    title, _, rest = text.partition("\n")
    assert title.startswith("# "), f"{path.name} does not begin with the title of a page"
    exchanges: list[Exchange] = []
    before: list[tuple[str, str]] = []
    for part in re.split(r"^(?=>>> |<<< |--- )", rest, flags=re.MULTILINE)[1:]:
        marker, first, lines = part[:4].strip(), part[4:].partition("\n")[0], part.partition("\n")[2]
        if marker == "---":
            word, _, argument = first.partition(" ")
            before.append((word, argument))
            continue
        head, _, body = ("\n" + lines).partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.strip("\n").split("\n") if line)
        body = body.removesuffix("\n")
        if marker == ">>>":
            method, _, target = first.partition(" ")
            exchanges.append(Exchange(method, target, headers, body, before=before))
            before = []
        else:
            exchanges[-1].status, exchanges[-1].reply_headers, exchanges[-1].reply = int(first), headers, body
    return Script(title.removeprefix("# "), exchanges)


class Names:
    """Ids and the names that stand for them, in order of first appearance."""

    def __init__(self) -> None:
        self._by_id: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def know(self, **names: str) -> None:
        """Names that requests may use before any reply has shown them."""
        self._by_id |= {text: name.replace("_", "-") for name, text in names.items()}

    def name(self, id: str, kind: str = "") -> str:
        if id not in self._by_id:
            kind = kind or ID_NAMES.get(id[:3], "locator")
            self._counts[kind] = self._counts.get(kind, 0) + 1
            number = self._counts[kind]
            self._by_id[id] = kind if number == 1 else f"{kind}{number}"
        return "{" + self._by_id[id] + "}"

    def normalised(self, text: str) -> str:
        """*text* with names in the place of ids, and of what differs from run to run."""
        text = _SECRET.sub(lambda found: self.name(found[0], _SECRET_NAMES[found[1] or found[2] or found[3]]), text)
        text = _SECONDS.sub("{seconds}", text)
        text = _SIGNATURE.sub("{signature}", _URL.sub("{url}", text))
        text = _LOCATOR.sub(lambda found: self.name(found[0]), text)
        text = _ID.sub(lambda found: self.name(found[0]), text)
        text = _EPOCH.sub("{epoch}", _JSON_TIME.sub("{json-time}", _XML_TIME.sub("{time}", text)))
        return _SPENT_JSON.sub(r"\g<1>{ms}", _SPENT_XML.sub(r"\g<1>{ms}", text))

    def filled(self, text: str) -> str:
        """*text* with ids in the place of their names."""
        for id, name in self._by_id.items():
            text = text.replace("{" + name + "}", id)
        return text


def prepare(org: LocalOrg, word: str, argument: str, names: Names) -> None:
    """What a line with three dashes says, done to *org*."""
    match word:
        case "advance":
            org.clock.advance(float(argument))
        case "holds":
            sobject, _, rows = argument.partition(" ")
            given = json.loads(names.filled(rows))
            for id in org.holds(sobject, given):
                names.name(id)
        case "limit":
            name, _, value = argument.partition(" ")
            if isinstance(allocation := getattr(org.limits, name), Allocation):
                allocation.maximum = int(value)
            else:
                setattr(org.limits, name, int(value))
        case "option":
            name, _, value = argument.partition(" ")
            setattr(org.bulk2, name, json.loads(value))
        case "policy":
            name, _, value = argument.partition(" ")
            setattr(org.login_policy, name, json.loads(value))
        case "idle":
            org.sessions.seconds_valid = int(argument)
        case "fault":
            org.faults.plan(*argument.split(" "))
        case "refresh-token":
            names.name(org.new_refresh_token(), "refresh")
        case "deletes":
            sobject, _, id = argument.partition(" ")
            plan = org.store.prepare("delete", org.schema.object(sobject), ["Id"])
            assert [True] == [result.success for result in plan.apply([[names.filled(id)]])]
        case "forbid":
            setattr(org.permissions, argument, False)
        case "expire":
            org.expire_sessions()
        case _:
            raise AssertionError(f"what is {word}?")


def code_and_text(body: str) -> tuple[str, str]:
    """What an error document says, read without the client's help: of an object or a list, in JSON or XML."""
    if body.startswith(("{", "[")):
        found = json.loads(body)
        said = found[0] if isinstance(found, list) else found
        return next(
            (str(said[code]), str(said[text]))
            for code, text in (
                ("exceptionCode", "exceptionMessage"),
                ("errorCode", "message"),
                ("error", "error_description"),
            )
            if code in said
        )
    parts = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(body).iter()}
    return parts["exceptionCode"], parts["exceptionMessage"]


def replay(script: Script, org: LocalOrg, names: Names, ask: Callable[[Exchange, bytes | None], Answer]) -> None:
    """Play *script* to *org*, which must answer as it says. A body that ends in ``…`` is compared up to there."""
    for exchange in script.exchanges:
        for word, argument in exchange.before:
            prepare(org, word, argument, names)
        body = names.filled(exchange.body).encode() if exchange.method in {"POST", "PUT", "PATCH"} else None
        answer = ask(exchange, body)

        said = (exchange.method, exchange.path)
        assert (*said, answer.status) == (*said, exchange.status), answer.text
        found, told = names.normalised(answer.text), exchange.reply
        if told.endswith("…"):
            told = told.removesuffix("…")
            found = found[: len(told)]
        assert found == told
        for name, value in exchange.reply_headers.items():
            assert names.normalised(answer.headers.get(name, "absent")) == value

"""Golden exchanges: requests and replies as text files, described in tests/wire/README.md."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from salesforce_bulk.emulator import LocalOrg
from salesforce_bulk.emulator.limits import Allocation

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
}
_ID = re.compile(r"\b(750|751|752|0Aj|001|003|005|01g)[0-9A-Za-z]{12}(?:[A-Z0-5]{3})?\b")
_XML_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z")
_JSON_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000\+0000")
#: A place in a query result: base64 of ``0:0Ga…``.
_LOCATOR = re.compile(r"\bMDowR2F[\w-]+")
_EPOCH = re.compile(r"\b\d{13}\b")
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

    def name(self, id: str) -> str:
        if id not in self._by_id:
            kind = ID_NAMES.get(id[:3], "locator")
            self._counts[kind] = self._counts.get(kind, 0) + 1
            number = self._counts[kind]
            self._by_id[id] = kind if number == 1 else f"{kind}{number}"
        return "{" + self._by_id[id] + "}"

    def normalised(self, text: str) -> str:
        """*text* with names in the place of ids, and of what differs from run to run."""
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
            for id in org.holds(sobject, json.loads(rows)):
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
        case "forbid":
            setattr(org.permissions, argument, False)
        case "expire":
            org.expire_sessions()
        case _:
            raise AssertionError(f"what is {word}?")

"""The table of what may be sent again, held against the requests that there are."""

from __future__ import annotations

import re
from pathlib import Path

from salesforce_bulk import protocol
from salesforce_bulk.protocol.repeat import RULES, may_repeat

NAME = re.compile(r'"((?:bulk1|ingest2|query2|collections|rest|login)\.\w+)"')


def test_every_request_has_its_rule_and_every_rule_its_request() -> None:
    folder = Path(protocol.__file__).parent
    made = {
        name
        for path in folder.rglob("*.py")
        if path.name != "repeat.py"
        for name in NAME.findall(path.read_text("utf-8"))
    }

    assert made == set(RULES)


def test_nothing_that_could_double_rows_is_sent_again() -> None:
    for name in ("bulk1.add_batch", "ingest2.upload", "collections.insert"):
        assert not may_repeat(name)

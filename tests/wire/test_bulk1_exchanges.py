"""The local org answers the golden exchanges of Bulk API 1.0 byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.bulk1_talk import Talk
from tests.support.exchanges import Names, prepare, read_script

from salesforce_bulk.emulator import LocalOrg

FILES = sorted((Path(__file__).parent / "bulk1").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exchange(path: Path) -> None:
    """Ids and times are named; all else is compared as it is."""
    names = Names()
    with LocalOrg() as org:
        org.clock.pause()
        talk = Talk(org)
        tokens = {"": talk.token, "none": None, "another": org.session_of("005Lo0000000099AAA")}
        for exchange in read_script(path).exchanges:
            for word, argument in exchange.before:
                prepare(org, word, argument, names)
            headers = {name.replace("-", "_"): value for name, value in exchange.headers.items()}
            talk.token = tokens[headers.pop("X_SFDC_Session", "")]
            body = names.filled(exchange.body).encode() if exchange.method == "POST" else None
            answer = talk.ask(exchange.method, names.filled(exchange.path), body, **headers)

            said = (exchange.method, exchange.path)
            assert (*said, answer.status) == (*said, exchange.status), answer.text
            assert names.normalised(answer.text) == exchange.reply
            for name, value in exchange.reply_headers.items():
                assert names.normalised(answer.headers.get(name, "absent")) == value


def test_there_are_exchanges() -> None:
    """An empty folder would prove nothing."""
    assert len(FILES) > 20

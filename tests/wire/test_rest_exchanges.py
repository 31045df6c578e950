"""The local org answers the golden exchanges of REST byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.bulk1_talk import Answer
from tests.support.bulk2_talk import Talk2
from tests.support.exchanges import Exchange, Names, read_script, replay

from salesforce_bulk.emulator import LocalOrg

FILES = sorted((Path(__file__).parent / "rest").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exchange(path: Path) -> None:
    """Ids, times and locators are named; all else is compared as it is. ``Authorization: none`` sends none."""
    names = Names()
    with LocalOrg() as org:
        org.clock.pause()
        talk = Talk2(org)
        token = talk.token

        def ask(exchange: Exchange, body: bytes | None) -> Answer:
            headers = {name.replace("-", "_"): value for name, value in exchange.headers.items()}
            talk.token = None if headers.get("Authorization") == "none" else token
            if talk.token is None:
                headers.pop("Authorization")
            return talk.ask(exchange.method, names.filled(exchange.path), body, **headers)

        replay(read_script(path), org, names, ask)


def test_there_are_exchanges() -> None:
    """An empty folder would prove nothing."""
    assert len(FILES) > 15

"""The local org answers the golden exchanges of logins byte for byte: SOAP and OAuth."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.bulk1_talk import Answer
from tests.support.bulk2_talk import Talk2
from tests.support.exchanges import Exchange, Names, read_script, replay

from salesforce_bulk.emulator import LocalOrg

FILES = sorted((Path(__file__).parent / "auth").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exchange(path: Path) -> None:
    """Credentials, tokens, ids and times are named; all else is compared as it is. No session is sent that is not named."""
    names = Names()
    with LocalOrg() as org:
        org.clock.pause()
        names.know(
            username=org.username,
            password=org.password,
            security_token=org.security_token,
            client_id=org.client_id,
            client_secret=org.client_secret,
        )
        talk = Talk2(org)
        talk.token = None

        def ask(exchange: Exchange, body: bytes | None) -> Answer:
            headers = {name.replace("-", "_"): names.filled(value) for name, value in exchange.headers.items()}
            return talk.ask(exchange.method, names.filled(exchange.path), body, **headers)

        replay(read_script(path), org, names, ask)


def test_there_are_exchanges() -> None:
    """An empty folder would prove nothing."""
    assert len(FILES) > 15

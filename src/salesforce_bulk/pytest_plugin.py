"""For pytest: the fixture ``local_org``, a local org for every test that asks for it, and ``sf``, our client connected to it.

pytest loads this in every environment that has the package, so nothing but pytest is imported here before a fixture is used.
``-p no:salesforce_bulk.pytest_plugin`` leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .client import Org
    from .emulator import LocalOrg

__all__ = ["local_org", "local_org_server", "sf"]


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "JSON of describe answers, one or a list: the objects of the fixture local_org; default: standard objects"
    parser.getgroup("local org").addoption("--local-org-schema", metavar="FILE", help=told)
    parser.addini("local_org_schema", told + " (relative to this file)", default="")


@pytest.fixture(scope="session")
def local_org_server(pytestconfig: pytest.Config) -> Iterator[LocalOrg]:
    """The one server of this process. Tests take ``local_org``, which is new for each of them; take this for what shall stay
    for longer, and call its ``reset()`` yourself."""
    try:
        from .emulator import LocalOrg
    except ImportError as error:
        raise ImportError(
            f"The fixture local_org needs {error.name}, which is not installed. "
            "Install it with: pip install 'salesforce-bulk[local]'"
        ) from error
    # The option is relative to where pytest was called, the setting to the file in which it stands.
    schema = pytestconfig.getoption("--local-org-schema")
    path = pytestconfig.invocation_params.dir / schema if schema else None
    if path is None and (setting := str(pytestconfig.getini("local_org_schema"))):
        beside = pytestconfig.inipath.parent if pytestconfig.inipath else pytestconfig.rootpath
        path = beside / setting
    with LocalOrg(schema=path) as org:
        yield org


@pytest.fixture
def local_org(local_org_server: LocalOrg) -> Iterator[LocalOrg]:
    """A local org: an HTTP server on a loopback port of this machine with a database underneath, new for this test.

    ``.url``, ``.access_token``, ``.username``, ``.password``: how any client gets in. ``.holds(object, rows)``,
    ``.rows(soql)``: what it holds. ``.faults.plan(request, fault)``: what is to go wrong; a planned fault that nobody met
    fails the test. ``.clock``: its time. ``.requests(name)``: how often it was asked.
    """
    yield local_org_server
    try:
        local_org_server.faults.check()
    finally:
        local_org_server.reset()


@pytest.fixture
def sf(local_org: LocalOrg, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    """``salesforce_bulk.connect()`` to ``local_org``. Its runs are kept in a temporary folder (``SFBULK_HOME``)."""
    from .client import connect
    from .logins import ClientCredentials

    monkeypatch.setenv("SFBULK_HOME", str(tmp_path_factory.mktemp("sfbulk")))
    # Not by a token: a session that ends in the middle of a test is renewed, as it would be elsewhere.
    login = ClientCredentials(local_org.url, local_org.client_id, client_secret=local_org.client_secret)
    with connect(login=login) as org:
        yield org

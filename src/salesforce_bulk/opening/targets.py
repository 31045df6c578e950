"""Which org ``connect()`` means: what was named, what the environment names, what the Salesforce CLI has by default."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import UsageError
from ..logins import AccessToken, Login, SalesforceCli
from ..session import origin
from . import salesforce_cli

_WAYS = "connect('local'), connect(login=...), SFBULK_INSTANCE_URL with SFBULK_ACCESS_TOKEN, or an org of the Salesforce CLI"


def login_for(target: str, environment: Mapping[str, str]) -> Login:
    """The login of *target*: ``local``, ``local:DIR``, the address of an org, or an alias of the Salesforce CLI.

    Without a target: ``SFBULK_INSTANCE_URL`` with ``SFBULK_ACCESS_TOKEN``, else ``SFBULK_ORG``, else the CLI's default org.

    Raises:
        UsageError: Nothing names an org, or two things contradict. Nothing was sent.
    """
    url, token = environment.get("SFBULK_INSTANCE_URL", ""), environment.get("SFBULK_ACCESS_TOKEN", "")
    if not target and url:
        if not token:
            raise UsageError(
                "SFBULK_INSTANCE_URL is set and SFBULK_ACCESS_TOKEN is not. Nothing was sent. Set both, or neither."
            )
        return AccessToken(token, instance_url=url)
    target = target or environment.get("SFBULK_ORG", "")
    if target == "local" or target.startswith("local:"):
        return _local(target.partition(":")[2])
    if "://" in target or target.endswith((".salesforce.com", ".salesforce.mil", ".sfcrmproducts.cn")):
        return _at(target, url, token)
    if token and not url and not target:
        raise UsageError(
            "SFBULK_ACCESS_TOKEN is set and SFBULK_INSTANCE_URL is not. Nothing was sent. Set both, or neither."
        )
    if salesforce_cli.is_installed():
        return SalesforceCli(target)
    raise UsageError(
        (f"There is no org {target!r}" if target else "Nothing says which org to open")
        + f", and the Salesforce CLI (sf) is not installed. Nothing was sent. There are: {_WAYS}."
    )


def _local(folder: str) -> Login:
    from ..embedded import local_org

    try:
        found = local_org(folder)
    except ImportError as error:
        raise UsageError(
            f"The local org needs {error.name}, which is not installed: pip install 'salesforce-bulk[local]'."
        ) from error
    return AccessToken(found.access_token, instance_url=found.url)


def _at(target: str, url: str, token: str) -> Login:
    address = origin(target)
    if not token:
        raise UsageError(
            f"{address} is an address and no login. Nothing was sent. Set SFBULK_ACCESS_TOKEN, or use connect(login=...)."
        )
    if url and origin(url) != address:
        # The token is another org's, and goes nowhere else.
        raise UsageError(
            f"SFBULK_ACCESS_TOKEN is for {origin(url)} (SFBULK_INSTANCE_URL), not for {address}. Nothing was sent. "
            "Unset one of them, or use connect(login=...)."
        )
    return AccessToken(token, instance_url=address)

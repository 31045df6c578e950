"""``sfbulk``: the command line as a person meets it, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

import salesforce_bulk


def sfbulk(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "salesforce_bulk.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def test_it_says_its_version() -> None:
    ran = sfbulk("--version")

    assert (0, f"sfbulk {salesforce_bulk.__version__}\n") == (ran.returncode, ran.stdout)


@pytest.mark.parametrize("arguments", [["--help"], ["local", "--help"], ["local", "serve", "--help"]])
def test_every_command_has_help(arguments: list[str]) -> None:
    ran = sfbulk(*arguments)

    assert 0 == ran.returncode
    assert ran.stdout.startswith("usage: sfbulk")


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["local"], ["local", "serve", "--port", "x"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert 2 == sfbulk(*arguments).returncode


def test_a_port_in_use_is_said_plainly() -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "salesforce_bulk.cli", "local", "serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout is not None
        url = first.stdout.readline().split()[-1]
        ran = sfbulk("local", "serve", "--port", url.rpartition(":")[2])
        assert 2 == ran.returncode
        assert ran.stderr.startswith("The local org cannot be opened: ")
        assert 1 == len(ran.stderr.splitlines())
    finally:
        first.send_signal(signal.SIGTERM)
        first.wait(20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_local_org_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    """It prints how to reach it, answers, and ends cleanly."""
    served = subprocess.Popen(
        [sys.executable, "-m", "salesforce_bulk.cli", "local", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert served.stdout is not None
        said = "".join(served.stdout.readline() for _ in range(10))
        found = re.search(r"^local org +(http://127\.0\.0\.1:\d+)$", said, re.MULTILINE)
        assert found is not None, said
        with urllib.request.urlopen(found[1] + "/services/data") as answer:
            assert 200 == answer.status
        assert "export SFBULK_INSTANCE_URL=" in said
    finally:
        served.send_signal(number)
        _, error = served.communicate(timeout=20)
    assert (0, "the local org has ended\n") == (served.returncode, error)

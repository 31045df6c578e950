"""``sfbulk local serve``: an org with faults that were planned in a file."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

SERVE = [sys.executable, "-m", "salesforce_bulk.cli", "local", "serve"]


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    """What was not met is told at the end."""
    (tmp_path / "faults.toml").write_text(
        '[[faults]]\nrequest = "rest.versions"\nfault = "503-html"\n\n'
        '[[faults]]\nrequest = "query.results"\nfault = "reset-after-64k"\ntimes = 2\n'
    )
    served = subprocess.Popen(
        [*SERVE, "--faults", str(tmp_path / "faults.toml")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert served.stdout is not None
        url = served.stdout.readline().split()[-1] + "/services/data"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url)
        caught.value.close()
        assert 503 == caught.value.code
        with urllib.request.urlopen(url) as answer:
            assert 200 == answer.status
    finally:
        served.send_signal(signal.SIGTERM)
        _, told = served.communicate(timeout=20)

    assert "planned and not met: query2.results reset-after-64k: met 0 of 2\nthe local org has ended\n" == told


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--faults", "[1]", "holds no list of faults: a JSON list of objects, or TOML tables [[faults]]"),
        ("--faults", '[{"request": "*", "fault": "flood"}]', "fault 1: There is no fault 'flood'. There are "),
        ("--schema", '{"sobjects": []}', "holds the list of the objects, without their fields; each is described by "),
        ("--schema", '{"name": 1}', "holds no describe answers: "),
        ("--schema", '{"name": "A", "fields": [{"name": "Id"}]}', "holds no describe answers: KeyError('type')"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, option: str, text: str, said: str) -> None:
    """One line says which file and why; nothing is served."""
    (tmp_path / "a.json").write_text(text)
    ran = subprocess.run(
        [*SERVE, option, str(tmp_path / "a.json")], capture_output=True, text=True, timeout=60, check=False
    )

    assert (2, "") == (ran.returncode, ran.stdout)
    assert ran.stderr.startswith(f"The local org cannot be opened: {tmp_path / 'a.json'}")
    assert said in ran.stderr
    assert 1 == len(ran.stderr.splitlines())


def test_a_schema_comes_from_a_file(tmp_path: Path) -> None:
    """Describe answers, as another org gives them."""
    name = {"name": "Name", "label": "Name", "type": "string", "length": 80, "createable": True, "updateable": True}
    id = {"name": "Id", "label": "Id", "type": "id", "length": 18}
    described = {"name": "Boat__c", "label": "Boat", "keyPrefix": "a9B", "custom": True, "fields": [id, name]}
    (tmp_path / "schema.json").write_text(json.dumps(described))
    served = subprocess.Popen([*SERVE, "--schema", str(tmp_path / "schema.json")], stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        url, token = (served.stdout.readline().split()[-1] for _ in range(2))
        request = urllib.request.Request(
            f"{url}/services/data/v66.0/sobjects/Boat__c/describe", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request) as answer:
            assert b'"name":"Boat__c"' in answer.read()
    finally:
        served.send_signal(signal.SIGTERM)
        served.communicate(timeout=20)


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["--no-page"], 404, ""),
        (
            ["--host", "0.0.0.0"],
            403,
            "The local org listens on 0.0.0.0: whoever reaches this machine reaches it, too, and what is sent is not "
            "encrypted, passwords and tokens included. Let it hold nothing that others must not see, or leave out --host.\n",
        ),
    ],
    ids=["no-page", "host"],
)
def test_browsers_are_shown_nothing(options: list[str], status: int, told: str) -> None:
    """Neither where that is asked for, nor where others could look; that others are let in is said."""
    served = subprocess.Popen([*SERVE, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        said = [served.stdout.readline() for _ in range(6)]
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(said[0].split()[-1] + "/")
        caught.value.close()
    finally:
        served.send_signal(signal.SIGTERM)
        _, errors = served.communicate(timeout=20)

    assert status == caught.value.code
    assert [] == [line for line in said if "browser" in line]
    assert f"{told}the local org has ended\n" == errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "99999"], "--port is 0 (a free one) to 65535, not 99999.\n"),
        (["--data", "{file}"], "The local org cannot be opened: {file}: File exists\n"),
        (["--schema", "{file}.json"], "The local org cannot be opened: {file}.json: No such file or directory\n"),
    ],
)
def test_options_that_cannot_be_right(tmp_path: Path, options: list[str], said: str) -> None:
    file = tmp_path / "a"
    file.write_text("[]")

    ran = subprocess.run(
        [*SERVE, *(option.format(file=file) for option in options)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (2, "", said.format(file=file)) == (ran.returncode, ran.stdout, ran.stderr)

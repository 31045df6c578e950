"""The Salesforce CLI, unmodified, against the local org: logged in with an access token over http, then ``sf data ...``."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from salesforce_bulk.emulator import LocalOrg
from tests.foreign.environments import TIMEOUT_SECONDS, clean_environment, installed

pytestmark = pytest.mark.foreign

#: The oldest that the CLI runs on.
NODE = 22
ROWS = 3_000
TEXT = 'say "hi", é'


@dataclass
class Cli:
    """The CLI with a home and a working folder of its own."""

    node: Path
    program: Path
    folder: Path

    def __call__(self, *arguments: str, **environment: str) -> dict[str, Any]:
        """What it prints as JSON, ``status`` first: 0 when all went well."""
        quiet = {
            "HOME": str(self.folder),
            "USERPROFILE": str(self.folder),
            "SF_DISABLE_TELEMETRY": "true",
            "SF_AUTOUPDATE_DISABLE": "true",
            "SF_SKIP_NEW_VERSION_CHECK": "true",
            "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
            "SF_DISABLE_LOG_FILE": "true",
        }
        done = subprocess.run(
            [self.node, self.program, *arguments, "--json"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_SECONDS,
            cwd=self.folder,
            env={**clean_environment(), **quiet, **environment},
        )
        assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        assert told["status"] == done.returncode
        return told

    def write(self, name: str, rows: Iterable[Mapping[str, str]]) -> None:
        rows = list(rows)
        with (self.folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def read(self, name: str) -> list[dict[str, str]]:
        with (self.folder / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def node_for(cache: Path) -> Path:
    """The node of this machine if it is new enough, else one that npm brings along."""
    mine = shutil.which("node")
    told = subprocess.run([mine, "--version"], capture_output=True, text=True).stdout if mine else ""
    found = re.match(r"v(\d+)\.", told)
    if mine and found and int(found[1]) >= NODE:
        return Path(mine)
    return installed(cache / "node", f"node@{NODE}") / "node_modules" / "node" / "bin" / "node"


@pytest.fixture
def cli(cache: Path, tmp_path: Path, org: LocalOrg) -> Cli:
    home = installed(cache / "@salesforce-cli", "@salesforce/cli")
    cli = Cli(node_for(cache), home / "node_modules" / "@salesforce" / "cli" / "bin" / "run.js", tmp_path)
    login = cli(
        "org", "login", "access-token", "--instance-url", org.url, "--no-prompt", "--alias", "local",
        SF_ACCESS_TOKEN=org.access_token,
    )  # fmt: skip
    assert (0, org.username) == (login["status"], login["result"]["username"])
    return cli


LOAD = ("--sobject", "Account", "--wait", "5", "--target-org", "local")


def test_the_cli_imports_changes_deletes_and_exports(cli: Cli, org: LocalOrg) -> None:
    """3,000 rows go in and come out in four pages; those that are updated, upserted, deleted and hard deleted are in the org as
    they should be."""
    org.bulk2.page_rows = 1_000
    cli.write("in.csv", ({"Name": f"Cli {n}, Ltd", "Key__c": f"c{n}", "Description": TEXT} for n in range(ROWS)))
    cli.write("upsert.csv", ({"Name": f"Up {n}", "Key__c": f"c{n}"} for n in range(ROWS - 10, ROWS + 10)))

    imported = cli("data", "import", "bulk", "--file", "in.csv", *LOAD)
    upserted = cli("data", "upsert", "bulk", "--file", "upsert.csv", "--external-id", "Key__c", *LOAD)
    exported = cli(
        "data", "export", "bulk", "--query", "SELECT Id, Name, Key__c, Description FROM Account ORDER BY Key__c",
        "--output-file", "out.csv", "--result-format", "csv", "--wait", "5", "--target-org", "local",
    )  # fmt: skip

    told = imported["result"]
    assert (ROWS, ROWS, 0) == (told["processedRecords"], told["successfulRecords"], told["failedRecords"])
    created = [row["sf__Created"] for row in upserted["result"]["records"]["successfulResults"]]
    assert (10, 10) == (created.count("false"), created.count("true"))
    assert ROWS + 10 == exported["result"]["totalSize"]
    assert 4 == org.requests("query.results")
    rows = {row["Key__c"]: row for row in cli.read("out.csv")}
    assert ROWS + 10 == len(rows)
    assert ("Cli 7, Ltd", TEXT) == (rows["c7"]["Name"], rows["c7"]["Description"])
    assert ("Up 2999", TEXT) == (rows["c2999"]["Name"], rows["c2999"]["Description"])
    assert ("Up 3009", "") == (rows["c3009"]["Name"], rows["c3009"]["Description"])

    ids = [{"Id": rows[f"c{n}"]["Id"]} for n in range(250)]
    cli.write("update.csv", ({**one, "Name": "Changed", "Description": "#N/A"} for one in ids[:100]))
    cli.write("delete.csv", ids[100:200])
    cli.write("hard.csv", ids[200:250])
    updated = cli("data", "update", "bulk", "--file", "update.csv", *LOAD)
    deleted = cli("data", "delete", "bulk", "--file", "delete.csv", *LOAD)
    hard_deleted = cli("data", "delete", "bulk", "--file", "hard.csv", "--hard-delete", *LOAD)

    assert 100 == updated["result"]["successfulRecords"]
    assert (100, 50) == tuple(
        told["result"]["jobInfo"]["numberRecordsProcessed"] - told["result"]["jobInfo"]["numberRecordsFailed"]
        for told in (deleted, hard_deleted)
    )
    assert 100 == len(org.rows("SELECT Id FROM Account WHERE Name = 'Changed'"))
    assert [{"Description": None}] == org.rows("SELECT Description FROM Account WHERE Name = 'Changed' LIMIT 1")
    assert ROWS + 10 - 150 == len(org.rows("SELECT Id FROM Account"))
    assert ROWS + 10 - 50 == len(org.rows("SELECT Id FROM Account", deleted=True))


def test_the_cli_tells_of_rows_that_were_refused(cli: Cli, org: LocalOrg) -> None:
    """It asks for the results of the job, and writes them into files."""
    cli.write("in.csv", [{"Name": "Good", "Phone": "1"}, {"Name": "Bad", "Phone": "9" * 41}])

    imported = cli("data", "import", "bulk", "--file", "in.csv", *LOAD)
    results = cli("data", "bulk", "results", "--job-id", imported["data"]["jobId"], "--target-org", "local")["result"]

    assert (1, "FailedRecordDetailsError") == (imported["status"], imported["name"])
    assert (1, 1) == (results["successfulRecords"], results["failedRecords"])
    [failed] = cli.read(os.path.basename(results["failedFilePath"]))
    assert ("Bad", "STRING_TOO_LONG") == (failed["Name"], failed["sf__Error"].split(":")[0])
    [good] = cli.read(os.path.basename(results["successFilePath"]))
    assert [{"Id": good["sf__Id"]}] == org.rows("SELECT Id FROM Account")


def test_the_cli_tells_of_a_job_that_failed(cli: Cli) -> None:
    """In the words of the org."""
    cli.write("in.csv", [{"Nmae": "x"}])

    imported = cli("data", "import", "bulk", "--file", "in.csv", *LOAD)

    assert 1 == imported["status"]
    assert "InvalidBatch : Field name not found : Nmae" in imported["message"]


def test_the_cli_goes_on_with_what_it_did_not_wait_for(cli: Cli, org: LocalOrg) -> None:
    """Without ``--wait``, then ``resume``: import and export."""
    cli.write("in.csv", ({"Name": f"Cli {n}"} for n in range(50)))
    out = ("--output-file", "out.json", "--result-format", "json")

    started = cli("data", "import", "bulk", "--file", "in.csv", "--sobject", "Account", "-o", "local")
    resumed = cli("data", "import", "resume", "--job-id", started["result"]["jobId"], "--wait", "5")
    asked = cli("data", "export", "bulk", "--query", "SELECT Name, Owner.Name FROM Account", *out, "-o", "local")
    exported = cli("data", "export", "resume", "--job-id", asked["result"]["jobId"])

    assert 50 == resumed["result"]["successfulRecords"]
    assert 50 == exported["result"]["totalSize"]
    rows = json.loads((cli.folder / "out.json").read_text(encoding="utf-8"))
    assert {f"Cli {n}" for n in range(50)} == {row["Name"] for row in rows}
    assert {"Local Admin"} == {row["Owner.Name"] for row in rows}

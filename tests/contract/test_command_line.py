"""``sfbulk`` against the local org over HTTP: what it prints, what it writes, and with which code it exits.

Each exit code that is promised is reached here; what needs a process of its own is in test_command_line_processes.py.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest
from tests.support.bulk2_talk import Talk2

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.cli.main import main
from salesforce_bulk.emulator import LocalOrg, Schema

ROWS = "Key__c,Name\nK-0,Mill 0\nK-1,\nK-2,Mill 2\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Cli:
    """Calls commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Ran:
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        # Ids of runs are drawn by chance.
        return Ran(code, *(re.sub(r"\br-[0-9a-f]{8}\b", "r-RUN", text) for text in said))

    def raw(self, *arguments: str | Path) -> tuple[int, str]:
        self._capsys.readouterr()
        return main([str(argument) for argument in arguments]), self._capsys.readouterr().out


@pytest.fixture
def cli(
    local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cli:
    monkeypatch.setenv("SFBULK_INSTANCE_URL", local_org.url)
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", local_org.access_token)
    monkeypatch.setenv("SFBULK_API_VERSION", "66.0")
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Cli(capsys)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return path


def in_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


# -- query --------------------------------------------------------------------------------------------------------------

SOQL = "SELECT Name, Score__c FROM Account ORDER BY Name"


@pytest.fixture
def mills(local_org: LocalOrg) -> list[str]:
    return local_org.holds("Account", [{"Name": f"Mill {n}", "Score__c": n + 0.5} for n in range(3)])


def test_rows_of_a_query_go_to_stdout(cli: Cli, mills: list[str]) -> None:
    """As the org sends them, and nothing else does."""
    expected = '"Name","Score__c"\n"Mill 0","0.5"\n"Mill 1","1.5"\n"Mill 2","2.5"\n'

    assert Ran(0, expected, "") == cli("query", SOQL)
    assert Ran(0, expected, "") == cli("query", SOQL, "-o", "-", "--api", "bulk1")


def test_rows_of_a_query_go_into_a_file_of_its_kind(cli: Cli, mills: list[str], tmp_path: Path) -> None:
    """Typed, where the kind of the file has types."""
    for kind in ("csv", "jsonl", "parquet", "arrow"):
        assert Ran(0, f"3 rows in {kind}.{kind}\n", "") == cli("query", SOQL, "-o", f"{kind}.{kind}")

    expected = [{"Name": f"Mill {n}", "Score__c": n + 0.5} for n in range(3)]
    assert [{name: str(value) for name, value in row.items()} for row in expected] == in_csv(tmp_path / "csv.csv")
    assert expected == [json.loads(line) for line in (tmp_path / "jsonl.jsonl").read_text().splitlines()]
    assert expected == pyarrow.parquet.read_table(tmp_path / "parquet.parquet").to_pylist()
    assert expected == pyarrow.ipc.open_file(tmp_path / "arrow.arrow").read_all().to_pylist()


def test_deleted_records_are_read_when_they_are_asked_for(cli: Cli, mills: list[str], tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text(f"Id\n{mills[1]}\n")
    assert 0 == cli("delete", "Account", "ids.csv").code

    soql = "SELECT Name FROM Account ORDER BY Name"
    assert '"Name"\n"Mill 0"\n"Mill 2"\n' == cli("query", soql).out
    assert '"Name"\n"Mill 0"\n"Mill 1"\n"Mill 2"\n' == cli("query", soql, "--deleted").out


def test_rows_that_do_not_add_up_exit_with_5(cli: Cli, local_org: LocalOrg, mills: list[str], tmp_path: Path) -> None:
    """What went to stdout before cannot be taken back; a file is not there."""
    local_org.faults.plan("query2.results", "short-page", chance=1)

    for arguments in ([], ["-o", "a.csv"]):
        ran = cli("query", SOQL, *arguments)
        assert 5 == ran.code
        assert ran.err.startswith("The query found 3 rows by what ")
        assert ran.err.splitlines()[-1] == "Read it again, or run the query again."
    assert not (tmp_path / "a.csv").exists()


def test_the_receipt_of_a_query_is_one_document(cli: Cli, mills: list[str]) -> None:
    ran = cli("query", SOQL, "-o", "a.csv", "--json")

    receipt = json.loads(ran.out)
    assert {"expected": 3, "received": 3, "written": 3} == receipt["rows"]
    assert ("query", "Account", "bulk2", True) == tuple(
        receipt[name] for name in ("operation", "object", "api", "complete")
    )


def test_progress_of_a_query_is_lines_of_json_on_stderr(cli: Cli, mills: list[str]) -> None:
    ran = cli("--progress", "json", "--quiet", "query", SOQL, "-o", "a.csv")

    assert (0, "") == (ran.code, ran.out)
    assert {"event": "started", "doing": "query"} == json.loads(ran.err.splitlines()[0])


@pytest.mark.parametrize("name", ["a.parquet", "a.ARROW"])
def test_a_file_that_pyarrow_writes_is_refused_without_it_before_anything_is_sent(
    cli: Cli, local_org: LocalOrg, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    ran = cli("query", "SELECT Id FROM Account", "-o", name)

    assert Ran(2, "", f"{name} needs pyarrow: pip install 'salesforce-bulk[arrow]'. Nothing was sent.\n") == ran
    assert 0 == local_org.requests("query2.create_job")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["-o", "a.txt"],
            "a.txt is of no kind that can be written. Nothing was sent. -o takes a file: .csv, .jsonl, .parquet, .arrow.\n",
        ),
        (
            ["-o", "sqlite:///a.db"],
            "Databases are not written to yet. Nothing was sent. -o takes a file: .csv, .jsonl, .parquet, .arrow.\n",
        ),
        (["-o", "nowhere/a.csv"], "nowhere/a.csv cannot be written: there is no folder nowhere. Nothing was sent.\n"),
        (
            ["--stop-at-usage", "90"],
            "--stop-at-usage is a share above 0 and up to 1, not 90. Nothing was sent.\n",
        ),
        (["--api-version", "x"], "An API version looks like '66.0', not 'x'. Nothing was sent.\n"),
        (
            ["--org", "http://example.com"],
            "A session is never sent over plain http to example.com. Nothing was sent. Use https (http is for a loopback address).\n",
        ),
    ],
)
def test_a_query_that_cannot_be_right_is_not_sent(
    cli: Cli, local_org: LocalOrg, arguments: list[str], said: str
) -> None:
    before = local_org.requests()

    assert Ran(2, "", said) == cli("query", SOQL, *arguments)
    assert before == local_org.requests()


def test_the_receipt_has_the_rows_when_no_file_has_them(cli: Cli, mills: list[str]) -> None:
    """One document, typed; also of a query that finds nothing."""
    told = json.loads(cli("query", SOQL, "--json").out)
    assert [{"Name": f"Mill {n}", "Score__c": n + 0.5} for n in range(3)] == told["records"]
    assert (3, True) == (told["rows"]["written"], told["complete"])
    told = json.loads(cli("query", "SELECT Name FROM Account WHERE Name = 'x'", "--json").out)
    assert ([], 0) == (told["records"], told["rows"]["written"])


def test_an_error_of_a_query_is_one_document(cli: Cli, local_org: LocalOrg, mills: list[str]) -> None:
    """Whatever was read before it."""
    local_org.faults.plan("query2.results", "short-page", chance=1)

    ran = cli("query", SOQL, "--json")

    told = json.loads(ran.out)
    assert (5, {"type": "ReconciliationError", "exit_code": 5, "run_id": None}) == (
        ran.code,
        {name: value for name, value in told["error"].items() if name != "message"},
    )


# -- loads --------------------------------------------------------------------------------------------------------------


def test_a_load_of_which_every_row_succeeds_exits_with_0(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\nMill\n")

    assert Ran(0, "insert Account: 1 succeeded, 0 failed, 0 unprocessed (run r-RUN)\n", "") == cli(
        "insert", "Account", "a.csv"
    )
    assert [{"Name": "Mill"}] == local_org.rows("SELECT Name FROM Account")


@pytest.mark.parametrize("api", ["bulk2", "bulk1", "rest"])
def test_a_load_of_which_rows_fail_exits_with_3_and_says_which(cli: Cli, file: Path, tmp_path: Path, api: str) -> None:
    """Three files of outcomes, with the input's own columns."""
    ran = cli("upsert", "Account", file, "--external-id", "Key__c", "--outcomes", "out", "--api", api)

    expected = """\
upsert Account: 2 succeeded, 1 failed, 0 unprocessed (run r-RUN)
  REQUIRED_FIELD_MISSING: 1 row
  row 1: REQUIRED_FIELD_MISSING Required fields are missing: [Name]
2 rows in out/succeeded.csv
1 row in out/failed.csv
0 rows in out/unprocessed.csv
"""
    assert Ran(3, expected, "") == ran
    succeeded, failed, unprocessed = (
        in_csv(tmp_path / "out" / f"{name}.csv") for name in ("succeeded", "failed", "unprocessed")
    )
    assert [("K-0", "Mill 0", "true"), ("K-2", "Mill 2", "true")] == [
        (row["Key__c"], row["Name"], row["sf__Created"]) for row in succeeded
    ]
    assert [("K-1", "", "")] == [(row["Key__c"], row["Name"], row["sf__Id"]) for row in failed]
    assert failed[0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    assert [] == unprocessed


def test_without_files_of_outcomes_it_says_how_to_have_them(cli: Cli, file: Path) -> None:
    ran = cli("upsert", "Account", file, "--external-id", "Key__c")

    assert "sfbulk resume r-RUN --outcomes DIR writes down which rows they are" == ran.out.splitlines()[-1]


def test_a_finished_run_gives_its_outcomes_again(cli: Cli, file: Path, tmp_path: Path) -> None:
    _, out = cli.raw("upsert", "Account", file, "--external-id", "Key__c", "--json")

    ran = cli("resume", json.loads(out)["run_id"], "--outcomes", "out")

    assert (3, "1 row in out/failed.csv") == (ran.code, ran.out.splitlines()[-2])
    assert ["K-1"] == [row["Key__c"] for row in in_csv(tmp_path / "out" / "failed.csv")]


def test_outcomes_that_cannot_be_written_exit_with_5_and_are_written_later(
    cli: Cli, file: Path, tmp_path: Path
) -> None:
    """The load is done, once."""
    (tmp_path / "out" / "failed.csv").mkdir(parents=True)

    ran = cli("upsert", "Account", file, "--external-id", "Key__c", "--outcomes", "out")

    assert 5 == ran.code
    assert "The load is done. Write its outcomes: sfbulk resume r-RUN --outcomes DIR" == ran.err.splitlines()[-1]
    (run,) = json.loads(cli.raw("runs", "--json")[1])
    assert 3 == cli("resume", run["run_id"], "--outcomes", "elsewhere").code
    assert ["K-1"] == [row["Key__c"] for row in in_csv(tmp_path / "elsewhere" / "failed.csv")]


def test_every_verb_does_what_it_says(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    ids = local_org.holds("Account", [{"Name": f"n{n}", "Score__c": 1} for n in range(3)])
    (tmp_path / "update.csv").write_text(f"Id,Name,Score__c\n{ids[0]},new,\n")
    (tmp_path / "delete.csv").write_text(f"Id\n{ids[1]}\n")
    (tmp_path / "hard.csv").write_text(f"Id\n{ids[2]}\n")

    local_org.permissions.hard_delete = True
    codes = [
        cli("update", "Account", "update.csv", "--nulls", "clear").code,
        cli("delete", "Account", "delete.csv").code,
        cli("hard-delete", "Account", "hard.csv").code,
    ]

    assert [0, 0, 0] == codes
    found = local_org.rows("SELECT Name, Score__c, IsDeleted FROM Account ORDER BY Name", deleted=True)
    assert [
        {"Name": "n1", "Score__c": 1, "IsDeleted": True},
        {"Name": "new", "Score__c": None, "IsDeleted": False},
    ] == found


def test_options_of_a_load_reach_it(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\n" + "".join(f"n{n}\n" for n in range(5)))

    _, out = cli.raw(
        *(
            "insert",
            "Account",
            "a.csv",
            "--json",
            "--part-rows",
            "2",
            "--parallel-jobs",
            "1",
            "--serial",
            "--retries",
            "1",
        )
    )

    receipt = json.loads(out)
    assert ("bulk1", [2, 2, 1]) == (receipt["api"], [job["rows"] for job in receipt["jobs"]])


def test_columns_take_the_names_of_fields(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    """By the option or a file; outcomes have the columns of the input. A resume knows them, too."""
    (tmp_path / "a.csv").write_text("number,title,town\n7,Mill,Ulm\n")
    (tmp_path / "map.txt").write_text("# theirs\nKey__c=number\n\nName = title\n")

    ran = cli(
        *("upsert", "Account", "a.csv", "--external-id", "Key__c", "--map", "map.txt", "--map", "Site=town"),
        *("--outcomes", "out", "--run-seconds", "60"),
    )

    assert 0 == ran.code
    assert [{"Key__c": "7", "Name": "Mill", "Site": "Ulm"}] == local_org.rows("SELECT Key__c, Name, Site FROM Account")
    (row,) = in_csv(tmp_path / "out" / "succeeded.csv")
    assert ["number", "title", "town", "sf__Id", "sf__Created", "sf__Error"] == list(row)
    (tmp_path / "b.csv").write_text(f"title,record\nMill,{row['sf__Id']}\n")
    assert 0 == cli("delete", "Account", "b.csv", "--map", "Id=record", "--map", "Name=title").code
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_a_load_with_other_names_is_gone_on_with(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title\nMill\n")
    local_org.faults.plan("ingest2.create_job", "request-limit")
    assert 7 == cli("insert", "Account", "a.csv", "--map", "Name=title").code

    assert 0 == cli("resume").code
    assert [{"Name": "Mill"}] == local_org.rows("SELECT Name FROM Account")


def test_the_receipt_of_a_load_is_that_of_its_run(cli: Cli, file: Path, tmp_path: Path) -> None:
    code, out = cli.raw("--json", "upsert", "Account", file, "--external-id", "Key__c")

    receipt = json.loads(out)
    assert 3 == code
    assert {"read": 3, "sent": 3, "succeeded": 2, "failed": 1, "unprocessed": 0} == receipt["rows"]
    assert [{"code": "REQUIRED_FIELD_MISSING", "count": 1, "example_row": 1}] == receipt["errors"]
    kept = tmp_path / "home" / "runs" / receipt["run_id"] / "receipt.json"
    assert receipt == json.loads(kept.read_text())


def test_quiet_says_nothing_but_errors(cli: Cli, file: Path) -> None:
    assert Ran(3, "", "") == cli("-q", "upsert", "Account", file, "--external-id", "Key__c")
    assert Ran(2, "", "nope.csv cannot be read: No such file or directory. Nothing was sent.\n") == cli(
        "-q", "insert", "Account", "nope.csv"
    )


def test_verbose_says_how_it_was_done(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\nMill\n")

    lines = cli("-v", "insert", "Account", "a.csv").out.splitlines()

    assert "  by bulk2: one job for up to 100 MB" == lines[1]
    assert re.fullmatch(r"  750\w{15} JobComplete: 1 row", lines[2])
    assert re.fullmatch(r"  [78] requests, 0 of them repeated; \d+ bytes sent, [\d_]+ received; \d+\.\d s", lines[3])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["insert", "Account", "none.csv"], "none.csv cannot be read: No such file or directory. Nothing was sent.\n"),
        (
            ["update", "Account", "rows.csv"],
            "The operation update needs the column 'Id'; the rows have Key__c, Name. Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--serial", "--api", "bulk2"],
            "Bulk API 2.0 has no serial mode. Nothing was sent. Leave api out, or take --api bulk1.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--outcomes", "rows.csv"],
            "No outcomes can be written to rows.csv (File exists). Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--map", "Name="],
            "--map takes NEW=OLD, not 'Name='. Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--map", "A=Name", "--map", "B=Name"],
            "--map gives the column 'Name' two names, A and B. Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--map", "nope"],
            "--map takes NEW=OLD, or a file with one a line, and nope cannot be read (No such file or directory). "
            "Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--parallel-jobs", "0"],
            "--parallel-jobs is at least 1, not 0. Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--job-seconds", "-1"],
            "--job-seconds is 0 or more, not -1. Nothing was sent.\n",
        ),
        (
            ["query", "SELECT Id FROM Account", "--page-rows", "0"],
            "--page-rows is at least 1, not 0. Nothing was sent.\n",
        ),
        (
            ["query", "SELECT Id FROM Account", "--job-seconds", "nan"],
            "--job-seconds is 0 or more, not nan. Nothing was sent.\n",
        ),
        (
            ["insert", "Account", "rows.csv", "--map", "Name=nope"],
            "There is no column 'nope' to be renamed. Nothing was sent.\n",
        ),
        (["resume"], "No run is unfinished. Nothing was sent. `sfbulk runs` lists all.\n"),
        (
            ["resume", "--rows", "rows.csv", "r-0"],
            "There is no run 'r-0' in {home}. Nothing was sent. sfbulk runs lists them.\n",
        ),
        (["show", "r-0"], "There is no run 'r-0' in {home}. Nothing was sent. sfbulk runs lists them.\n"),
        (
            ["jobs", "show", "1"],
            "'1' is no id of a job: those begin with 750 and have 15 or 18 characters. Nothing was sent.\n",
        ),
    ],
)
def test_what_cannot_be_right_exits_with_2_and_is_not_sent(
    cli: Cli, local_org: LocalOrg, file: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    ran = cli(*arguments)

    assert Ran(2, "", said.format(home=tmp_path / "home" / "runs")) == ran
    jobs = ("ingest2.create_job", "bulk1.create_job", "query2.create_job")
    assert [0, 0, 0] == [local_org.requests(name) for name in jobs]


def test_a_folder_of_runs_that_cannot_be_written_to_is_said_plainly(
    cli: Cli, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no bug, and nothing was sent."""
    monkeypatch.setenv("SFBULK_HOME", str(file))

    ran = cli("upsert", "Account", file, "--external-id", "Key__c")

    expected = (
        f"No folder for a run can be made in {file}/runs (Not a directory).\nNothing was sent.\n"
        "Make room on the disk, or name a folder that can be written to: SFBULK_HOME.\n"
    )
    assert Ran(2, "", expected) == ran


# -- what the org refuses -----------------------------------------------------------------------------------------------


def test_a_refused_query_exits_with_4(cli: Cli) -> None:
    ran = cli("query", "SELECT Id FROM Nope")

    assert (4, "") == (ran.code, ran.out)
    assert ran.err.startswith("POST /services/data/v66.0/jobs/query was refused with HTTP 400 INVALID_TYPE: ") or (
        ran.err.startswith("POST /services/data/v.../jobs/query was refused with HTTP 400 INVALID_TYPE: ")
    )
    assert ran.err.endswith(
        "\nNo data was changed by this call.\nCorrect the name; an object that the user may not see is none to the org.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["describe", "Nope"],
            "GET /services/data/v.../sobjects/Nope/describe was refused with HTTP 404 NOT_FOUND: The requested resource does "
            "not exist\nNo data was changed by this call.\n"
            "The org has no such object, or the user may not see it: sfbulk describe lists them.\n",
        ),
        (
            ["--api-version", "99.0", "limits"],
            "GET /services/data/v.../limits was refused with HTTP 404 NOT_FOUND: The requested resource does not exist\n"
            "No data was changed by this call.\n"
            "The org may not offer this API version: leave out --api-version, and the newest is taken.\n",
        ),
        (
            ["--api-version", "20.0", "limits"],
            "GET /services/data/v.../limits was refused with HTTP 410 GONE: API version 20.0 is no longer supported\n"
            "No data was changed by this call.\n"
            "This API version is retired: leave out --api-version, and the newest is taken.\n",
        ),
    ],
)
def test_an_address_that_the_org_does_not_have_says_what_to_do(cli: Cli, arguments: list[str], said: str) -> None:
    assert Ran(4, "", said) == cli(*arguments)


def test_a_job_that_fails_exits_with_4_and_its_outcomes_are_written(
    cli: Cli, local_org: LocalOrg, tmp_path: Path
) -> None:
    """What was applied before is known, row by row."""
    (tmp_path / "a.csv").write_text("Name\n" + "".join(f"n{n}\n" for n in range(4)))
    local_org.faults.plan("ingest2.job", "job-failed", after=1)

    ran = cli(*("insert", "Account", "a.csv", "--part-rows", "2", "--parallel-jobs", "1", "--outcomes", "out"))

    assert 4 == ran.code
    assert [
        "insert Account: 2 succeeded, 0 failed, 2 unprocessed (run r-RUN)",
        "2 rows in out/succeeded.csv",
        "0 rows in out/failed.csv",
        "2 rows in out/unprocessed.csv",
    ] == ran.out.splitlines()
    assert re.fullmatch(
        r"Job 750\w{15} \(insert Account, part 1 of 2\) ended Failed: TooManyLockFailure : .*\n"
        r"2 rows were applied, 0 refused, 2 not tried\.\n"
        r"Correct the cause and send the rows that were not tried again: --outcomes DIR names them\.\n",
        ran.err,
    )
    assert ["n2", "n3"] == [row["Name"] for row in in_csv(tmp_path / "out" / "unprocessed.csv")]


def test_the_document_of_a_job_that_fails_is_the_receipt_with_the_error(
    cli: Cli, local_org: LocalOrg, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("Name\nn\n")
    local_org.faults.plan("ingest2.job", "job-failed")

    code, out = cli.raw("insert", "Account", "a.csv", "--json")

    told = json.loads(out)
    assert (4, 1, "Failed") == (code, told["rows"]["unprocessed"], told["jobs"][0]["state"])
    assert ("JobFailed", 4, told["run_id"]) == tuple(told["error"][name] for name in ("type", "exit_code", "run_id"))


def test_a_session_that_the_org_does_not_know_exits_with_6(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the token is not shown, however much is said."""
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", "00D000000000001!AQ.wrong")

    ran = cli("-v", "limits")

    assert (6, "") == (ran.code, ran.out)
    assert "INVALID_SESSION_ID" in ran.err
    assert "AQ.wrong" not in ran.err


def test_a_limit_of_the_org_exits_with_7(cli: Cli, local_org: LocalOrg, file: Path) -> None:
    """A load that meets it is gone on with later."""
    local_org.faults.plan("ingest2.create_job", "request-limit")

    ran = cli("upsert", "Account", file, "--external-id", "Key__c")

    assert (7, "") == (ran.code, ran.out)
    assert "REQUEST_LIMIT_EXCEEDED" in ran.err
    assert "The run can be gone on with: sfbulk resume r-RUN" == ran.err.splitlines()[-1]
    again = cli("resume")
    assert (3, "going on with run r-RUN: upsert Account, begun") == (again.code, again.err[:46])


def test_a_share_of_the_calls_that_is_used_up_exits_with_7(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\nn\n")
    local_org.limits.api_requests.use(local_org.limits.api_requests.maximum // 2)

    ran = cli("insert", "Account", "a.csv", "--stop-at-usage", "0.4")

    assert 7 == ran.code
    assert "--stop-at-usage is 0.4." in ran.err
    assert [] == local_org.rows("SELECT Id FROM Account")


def test_time_that_is_up_exits_with_5_and_a_resume_ends_the_load(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\nn\n")
    local_org.faults.plan("ingest2.job", "slow-1000")

    ran = cli("insert", "Account", "a.csv", "--run-seconds", "0.2")

    assert (5, "") == (ran.code, ran.out)
    assert "The run can be gone on with: sfbulk resume r-RUN" == ran.err.splitlines()[-1]
    local_org.faults.clear()
    again = cli("resume")
    assert (0, "insert Account: 1 succeeded, 0 failed, 0 unprocessed (run r-RUN)\n") == (again.code, again.out)
    assert [{"Name": "n"}] == local_org.rows("SELECT Name FROM Account")


# -- what is there ------------------------------------------------------------------------------------------------------


def test_a_check_says_what_would_go_wrong_and_exits_with_2(cli: Cli, local_org: LocalOrg, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Nmae\nx\n")

    ran = cli("check", "insert", "Account", "a.csv")

    assert (2, "") == (ran.code, ran.err)
    assert ran.out.startswith("Check of insert Account: 2 errors, 0 warnings. No data was sent.\nErrors:\n  Name: ")
    assert 0 == local_org.requests("ingest2.create_job")


def test_a_check_that_finds_nothing_exits_with_0(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\nx\n")

    ran = cli("check", "insert", "Account", "a.csv", "--json")

    assert (0, True, []) == (ran.code, json.loads(ran.out)["ok"], json.loads(ran.out)["problems"])


def test_a_check_takes_other_names_too(cli: Cli, tmp_path: Path) -> None:
    """Of a file of every kind."""
    (tmp_path / "a.csv").write_text("title\nx\n")
    pyarrow.parquet.write_table(pyarrow.table({"title": ["x"]}), tmp_path / "a.parquet")

    for file in ("a.csv", "a.parquet"):
        assert 2 == cli("check", "insert", "Account", file).code
        assert 0 == cli("check", "insert", "Account", file, "--map", "Name=title").code


def test_runs_and_one_of_them(cli: Cli, local_org: LocalOrg, file: Path) -> None:
    """No org is asked."""
    assert Ran(0, "There are no runs.\n", "") == cli("runs")
    _, out = cli.raw("upsert", "Account", file, "--external-id", "Key__c", "--json")
    receipt = json.loads(out)
    before = local_org.requests()

    listed = cli("runs").out.splitlines()
    heads = ["run", "state", "operation", "object", "parts", "succeeded", "failed", "unprocessed", "started", "at"]
    assert heads == listed[0].split()
    assert ["r-RUN", "finished", "upsert", "Account", "1/1", "2", "1", "0", receipt["started_at"]] == listed[1].split()
    shown = cli("show", receipt["run_id"]).out
    expected = f"""\
run          r-RUN (finished)
load         upsert Account
org          {receipt["org_id"]} at {local_org.url.removeprefix("http://")}
started at   {receipt["started_at"]}
parts        1 of 1 settled
rows         2 succeeded, 1 failed, 0 unprocessed
job          {receipt["jobs"][0]["id"]} JobComplete, 3 rows
error        REQUIRED_FIELD_MISSING: 1 row, such as row 1
"""
    assert expected == shown
    assert receipt == {name: json.loads(cli.raw("show", receipt["run_id"], "--json")[1])[name] for name in receipt}
    (run,) = json.loads(cli.raw("runs", "--json")[1])
    assert (receipt["run_id"], "finished", {"succeeded": 2, "failed": 1, "unprocessed": 0}) == (
        run["run_id"],
        run["state"],
        run["rows"],
    )
    assert before == local_org.requests()


def test_a_query_that_keeps_its_pages_is_shown_as_one(cli: Cli, local_org: LocalOrg, mills: list[str]) -> None:
    """Begun by a program, and not read to its end."""
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as sf:
        receipt = sf.query("SELECT Name FROM Account", keep=True).receipt

        unfinished = f"""\
run          r-RUN (unfinished)
query        query Account
org          {receipt["org_id"]} at {local_org.url.removeprefix("http://")}
started at   {receipt["started_at"]}
pages        0 kept, of 0 rows
go on with   sf.resume_query('r-RUN'), in a program
"""
        assert unfinished == cli("show", receipt["run_id"]).out
        assert 3 == len(list(sf.resume_query(receipt["run_id"])))

    shown = cli("show", receipt["run_id"]).out.splitlines()
    assert ("run          r-RUN (finished)", "pages        1 kept, of 3 rows") == (shown[0], shown[-1])


def test_jobs_are_listed_shown_and_their_results_read(cli: Cli, file: Path, tmp_path: Path) -> None:
    assert Ran(0, "There are no jobs.\n", "") == cli("jobs")
    cli("upsert", "Account", file, "--external-id", "Key__c")

    (told,) = json.loads(cli("jobs", "list", "--json").out)
    heads, line = cli("jobs").out.splitlines()
    assert ["job", "type", "operation", "object", "state", "created"] == heads.split()
    assert [told["id"], "V2Ingest", "upsert", "Account", "JobComplete"] == line.split()[:5]
    assert "JobComplete" == json.loads(cli("jobs", "show", told["id"], "--json").out)["state"]
    assert ["id", told["id"]] == cli("jobs", "show", told["id"]).out.splitlines()[0].split()
    failed = cli("jobs", "results", told["id"], "--kind", "failed")
    assert (0, "K-1") == (failed.code, next(csv.DictReader(io.StringIO(failed.out)))["Key__c"])
    assert Ran(0, "2 rows in a.csv\n", "") == cli(
        "jobs", "results", told["id"], "--kind", "succeeded", "--output", "a.csv"
    )
    assert {"K-0", "K-2"} == {row["Key__c"] for row in in_csv(tmp_path / "a.csv")}
    assert Ran(0, f"job {told['id']} is deleted\n", "") == cli("jobs", "delete", told["id"])
    assert 4 == cli("jobs", "show", told["id"]).code


def test_a_job_is_aborted(cli: Cli, local_org: LocalOrg) -> None:
    """One that another program has made."""
    job = Talk2(local_org).create()

    aborted = json.loads(cli("jobs", "abort", job, "--json").out)

    assert (job, "Aborted") == (aborted["id"], aborted["state"])


def test_describe_limits_and_versions(cli: Cli) -> None:
    listed = cli("describe").out.splitlines()
    assert ["object", "label", "custom"] == listed[0].split()
    assert "Account" in {line.split()[0] for line in listed}
    fields = {line.split()[0]: line.split() for line in cli("describe", "Account").out.splitlines()}
    assert ["Name", "string", "255", "yes", "yes", "yes"] == fields["Name"]
    described = json.loads(cli("describe", "Account", "--json").out)
    assert Schema.load([described]).object("Account") is not None  # which `sfbulk local serve --schema` takes
    assert 4 == cli("describe", "Nope").code
    limits = {line.split()[0]: line.split()[1:] for line in cli("limits").out.splitlines()}
    assert ["15_000", "15_000"] == limits["DailyBulkApiBatches"]
    assert {"Max": 15_000, "Remaining": 15_000} == json.loads(cli("limits", "--json").out)["DailyBulkApiBatches"]
    assert ["66.0", "Spring", "'26", "/services/data/v66.0"] in [
        line.split() for line in cli("versions").out.splitlines()
    ]
    assert "66.0" in [version["version"] for version in json.loads(cli("versions", "--json").out)]


def test_an_org_can_be_named_before_the_command_or_behind_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded one keeps what it is given."""
    monkeypatch.delenv("SFBULK_INSTANCE_URL")
    monkeypatch.delenv("SFBULK_ACCESS_TOKEN")
    (tmp_path / "a.csv").write_text("Name\nembedded\n")

    assert 0 == cli("--org", "local:crm", "insert", "Account", "a.csv").code
    assert Ran(0, '"Name"\n"embedded"\n', "") == cli(
        "query", "SELECT Name FROM Account", "--org", f"local:{tmp_path / 'crm'}"
    )

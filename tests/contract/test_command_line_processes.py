"""``sfbulk`` as processes: signals, pipes, stdin, a terminal."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from salesforce_bulk.emulator import LocalOrg

SFBULK = [sys.executable, "-m", "salesforce_bulk.cli"]


@pytest.fixture
def environment(local_org: LocalOrg, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SFBULK_INSTANCE_URL": local_org.url,
        "SFBULK_ACCESS_TOKEN": local_org.access_token,
        "SFBULK_API_VERSION": "66.0",
        "SFBULK_HOME": str(tmp_path / "home"),
    }


def ran(
    environment: dict[str, str], *arguments: str | Path, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SFBULK, *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


def in_file(path: Path, count: int = 6) -> Path:
    path.write_text("Name\n" + "".join(f"n{n}\n" for n in range(count)))
    return path


def shown(terminal: int) -> str:
    """All that was written to a terminal whose other end has been closed."""
    pieces = []
    with contextlib.suppress(OSError):  # Linux says EIO where others say that it is the end
        while piece := os.read(terminal, 65_536):
            pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def names(local_org: LocalOrg) -> list[str]:
    return [row["Name"] for row in local_org.rows("SELECT Name FROM Account ORDER BY Name")]


def stopped(
    environment: dict[str, str], local_org: LocalOrg, number: signal.Signals, *arguments: str
) -> tuple[int, str]:
    """A load of three parts that meets a signal while the org is at work on the second: its exit code, and what it said
    after the progress of the first."""
    local_org.faults.plan("ingest2.job", "slow-1000", after=1)
    load = ["--progress", "json", "insert", "Account", *arguments, "--part-rows", "2", "--parallel-jobs", "1"]
    with subprocess.Popen(
        [*SFBULK, *load], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        if "-" in arguments:
            process.stdin.write("Name\n" + "".join(f"n{n}\n" for n in range(6)))
        process.stdin.close()
        told = [json.loads(process.stderr.readline()) for _ in range(2)]
        assert ["started", "progress"] == [line["event"] for line in told]
        process.send_signal(number)
        too_long = threading.Timer(60, process.kill)
        too_long.start()
        said = process.stderr.read()
        code = process.wait()
        too_long.cancel()
    local_org.faults.clear()
    return code, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_load_that_is_stopped_exits_with_5_and_is_gone_on_with(
    environment: dict[str, str], local_org: LocalOrg, tmp_path: Path, number: signal.Signals
) -> None:
    """It says how; no record is made twice, and none is lost."""
    code, said = stopped(environment, local_org, number, str(in_file(tmp_path / "a.csv")))

    error = json.loads(said)
    assert (5, "error", "Stopped", 5) == (code, error["event"], error["type"], error["exit_code"])
    assert f"sfbulk resume {error['run_id']}" in error["message"]
    resumed = ran(environment, "resume", error["run_id"])
    assert (0, f"insert Account: 6 succeeded, 0 failed, 0 unprocessed (run {error['run_id']})\n", "") == (
        resumed.returncode,
        resumed.stdout,
        resumed.stderr,
    )
    assert [f"n{n}" for n in range(6)] == names(local_org)


def test_a_load_that_is_killed_is_gone_on_with(
    environment: dict[str, str], local_org: LocalOrg, tmp_path: Path
) -> None:
    """Without a word; the latest unfinished run is the one."""
    assert (-signal.SIGKILL, "") == stopped(environment, local_org, signal.SIGKILL, str(in_file(tmp_path / "a.csv")))

    assert 0 == ran(environment, "resume").returncode
    assert [f"n{n}" for n in range(6)] == names(local_org)


def test_a_query_that_is_stopped_exits_with_5(environment: dict[str, str], local_org: LocalOrg) -> None:
    """Its job does not go on for nobody."""
    local_org.faults.plan("query2.job", "slow-1000")
    with subprocess.Popen(
        [*SFBULK, "query", "SELECT Id FROM Account"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as query:
        while not local_org.faults.met and query.poll() is None:
            threading.Event().wait(0.01)
        query.send_signal(signal.SIGINT)
        out, err = query.communicate(timeout=30)

    assert (5, "", "Stopped.") == (query.returncode, out, err.splitlines()[0])
    assert 1 == local_org.requests("query2.abort_job")


def test_rows_from_stdin_are_kept_for_as_long_as_their_run_needs_them(
    environment: dict[str, str], local_org: LocalOrg, tmp_path: Path
) -> None:
    """A resume in another process has them, and leaves none."""
    code, said = stopped(environment, local_org, signal.SIGINT, "-")
    assert 5 == code
    assert 1 == len(list((tmp_path / "home" / "stdin").iterdir()))

    resumed = ran(environment, "resume")

    run_id = json.loads(said)["run_id"]
    assert f"insert Account: 6 succeeded, 0 failed, 0 unprocessed (run {run_id})\n" == resumed.stdout
    assert resumed.stderr.startswith(f"going on with run {run_id}: insert Account, begun ")
    assert [] == list((tmp_path / "home" / "stdin").iterdir())
    assert [f"n{n}" for n in range(6)] == names(local_org)


def test_rows_come_from_stdin(environment: dict[str, str], local_org: LocalOrg, tmp_path: Path) -> None:
    """Outcomes have their columns, as those of a file have."""
    loaded = ran(environment, "insert", "Account", "-", "--outcomes", tmp_path / "out", given="Name,Site\nMill,a\n,b\n")

    assert (3, "") == (loaded.returncode, loaded.stderr)
    with (tmp_path / "out" / "failed.csv").open(newline="") as file:
        assert ["b"] == [row["Site"] for row in csv.DictReader(file)]
    assert ["Mill"] == names(local_org)
    assert [] == list((tmp_path / "home" / "stdin").iterdir())


def test_what_is_wrong_with_stdin_exits_with_2(environment: dict[str, str], tmp_path: Path) -> None:
    loaded = ran(environment, "update", "Account", "-", given="Name\nMill\n")

    assert (2, "", "The operation update needs the column 'Id'; the rows have Name. Nothing was sent.\n") == (
        loaded.returncode,
        loaded.stdout,
        loaded.stderr,
    )
    assert [] == list((tmp_path / "home" / "stdin").iterdir())


def test_a_query_whose_reader_has_enough_ends_well(environment: dict[str, str], local_org: LocalOrg) -> None:
    """More than a pipe holds, of which one line is read."""
    local_org.holds("Account", [{"Name": f"{n} {'x' * 200}"} for n in range(3_000)])
    with subprocess.Popen(
        [*SFBULK, "query", "SELECT Name FROM Account"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as query:
        assert query.stdout is not None
        assert query.stderr is not None
        assert '"Name"\n' == query.stdout.readline()
        query.stdout.close()
        assert (0, "") == (query.wait(60), query.stderr.read())


def test_one_command_feeds_another(environment: dict[str, str], local_org: LocalOrg) -> None:
    """Rows out of one object into the same org, and the code of the last."""
    local_org.holds("Account", [{"Name": "Mill", "Site": "a"}, {"Name": "Forge", "Site": "b"}])
    sfbulk = shlex.join(SFBULK)
    command = f"{sfbulk} query 'SELECT Name, Site FROM Account' | {sfbulk} --json insert Account -"

    piped = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=60, env=environment, check=False
    )

    assert (0, "") == (piped.returncode, piped.stderr)
    assert 2 == json.loads(piped.stdout)["rows"]["succeeded"]
    assert ["Forge", "Forge", "Mill", "Mill"] == names(local_org)


@pytest.mark.parametrize("how", ["2>&-", "2> >(true)", ">&-"])
def test_a_load_goes_on_when_nobody_listens(
    environment: dict[str, str], local_org: LocalOrg, tmp_path: Path, how: str
) -> None:
    """What cannot be said stops no work, and is said nowhere else."""
    load = f"{shlex.join(SFBULK)} --progress json insert Account {in_file(tmp_path / 'a.csv')} --part-rows 1 {how}"

    ended = subprocess.run(
        ["bash", "-c", load], capture_output=True, text=True, timeout=60, env=environment, check=False
    )

    assert 0 == ended.returncode
    said = ended.stdout if "2" in how else ended.stderr
    assert ("insert Account: 6 succeeded" in said) == ("2" in how)
    assert 6 == len(names(local_org))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
def test_a_full_disk_behind_stdout_exits_with_5(environment: dict[str, str], local_org: LocalOrg) -> None:
    local_org.holds("Account", 1)
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [*SFBULK, "query", "SELECT Id FROM Account"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            env=environment,
            check=False,
        )

    assert 5 == ended.returncode
    assert ended.stderr.startswith("Stdout cannot be written (No space left on device).\n")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize(("option", "said"), [([], "\x1b[31m1 failed\x1b[0m"), (["--no-color"], " 1 failed,")])
def test_on_a_terminal_what_failed_is_red(
    environment: dict[str, str], tmp_path: Path, option: list[str], said: str
) -> None:
    (tmp_path / "a.csv").write_text("Name,Site\n,x\n")
    ours, theirs = os.openpty()
    environment.pop("NO_COLOR", None)

    ended = subprocess.run(
        [*SFBULK, *option, "insert", "Account", str(tmp_path / "a.csv")],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        timeout=60,
        env=environment,
        check=False,
    )
    os.close(theirs)

    assert 3 == ended.returncode
    assert said in shown(ours)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_on_a_terminal_progress_is_one_line_that_changes_and_goes(environment: dict[str, str], tmp_path: Path) -> None:
    """Stdout is clean; in the end nothing is left of the line."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [*SFBULK, "insert", "Account", str(in_file(tmp_path / "a.csv", 1))],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env=environment,
    ) as process:
        os.close(theirs)
        out, _ = process.communicate(timeout=60)
    said = shown(ours)

    assert re.fullmatch(r"insert Account: 1 succeeded, 0 failed, 0 unprocessed \(run r-[0-9a-f]{8}\)\n", out)
    assert said.startswith("insert Account ...")
    assert said.endswith("\r\x1b[2K")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
def test_on_a_terminal_the_line_of_progress_is_gone_before_the_result_is_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Where stdout is the same terminal."""
    ours, theirs = os.openpty()

    subprocess.run(
        [*SFBULK, "insert", "Account", str(in_file(tmp_path / "a.csv", 1))],
        stdout=theirs,
        stderr=theirs,
        timeout=60,
        env=environment,
        check=True,
    )
    os.close(theirs)

    assert re.search(r"\r\x1b\[2Kinsert Account: 1 succeeded, 0 failed, 0 unprocessed \(run r-\w{8}\)\s*$", shown(ours))


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize(("answer", "code", "left"), [("no", 2, 1), ("yes", 0, 0)])
def test_on_a_terminal_a_hard_delete_is_asked_about(
    environment: dict[str, str], local_org: LocalOrg, tmp_path: Path, answer: str, code: int, left: int
) -> None:
    local_org.permissions.hard_delete = True
    (tmp_path / "a.csv").write_text(f"Id\n{local_org.holds('Account', 1)[0]}\n")
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())

    with subprocess.Popen(
        [*SFBULK, "hard-delete", "Account", str(tmp_path / "a.csv")],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=environment,
    ) as process:
        os.close(theirs)
        assert code == process.wait(60)
    said = shown(ours)

    assert f"The records of Account that {tmp_path / 'a.csv'} names will be gone for good. Type yes to go on: " in said
    assert left == len(local_org.rows("SELECT Id FROM Account", deleted=True))


def test_an_unexpected_error_exits_with_1_and_says_that_it_is_a_bug(environment: dict[str, str]) -> None:
    """Here an installation that lacks a module of ours."""
    broken = (
        "import sys; sys.modules['salesforce_bulk.verbs.runs'] = None; from salesforce_bulk.cli.main import main; "
        "sys.exit(main(['--json', 'runs']))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", broken], capture_output=True, text=True, timeout=60, env=environment, check=False
    )

    assert 1 == ended.returncode
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert ended.stderr.endswith(
        "\nThis is a bug of sfbulk. What was sent is in the journal of its run: `sfbulk runs`. Please report it, with the lines "
        "above.\n"
    )
    assert ("Bug", 1) == tuple(json.loads(ended.stdout)["error"][name] for name in ("type", "exit_code"))


def test_bytes_of_a_query_are_those_of_the_org(environment: dict[str, str], local_org: LocalOrg) -> None:
    """Whatever the encoding of the terminal, and whatever line breaks stand in a value."""
    local_org.holds("Account", [{"Name": "Mühle", "Description": "a\r\nb\u2028c"}])

    queried = subprocess.run(
        [*SFBULK, "query", "SELECT Name, Description FROM Account"],
        capture_output=True,
        timeout=60,
        env={**environment, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        check=True,
    )

    rows = list(csv.reader(io.StringIO(queried.stdout.decode("utf-8"), newline="")))
    assert [["Name", "Description"], ["Mühle", "a\r\nb\u2028c"]] == rows


def test_help_comes_without_loading_the_library(environment: dict[str, str]) -> None:
    """It is there at once: the HTTP library, the engine and the local org are not imported."""
    asked = (
        "import sys; from salesforce_bulk.cli.main import parser; parser().format_help(); "
        "heavy = ('httpx2', 'pyarrow', 'sqlite3', 'lark', 'salesforce_bulk.client', 'salesforce_bulk.engine.drive'); "
        "print([name for name in heavy if name in sys.modules])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, env=environment, check=True
    )

    assert "[]\n" == ended.stdout

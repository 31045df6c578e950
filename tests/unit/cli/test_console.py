"""What a command says, and how."""

from __future__ import annotations

import json
from typing import Any

import pytest

from salesforce_bulk.cli.console import Console, table
from salesforce_bulk.cli.main import parser
from salesforce_bulk.cli.progress import Progress
from salesforce_bulk.errors import JournalError, WaitTimeout


def console(*options: str) -> Console:
    return Console(parser().parse_args([*options, "runs"]))


def test_a_table_has_numbers_to_the_right_and_nothing_that_a_terminal_obeys() -> None:
    rows = [("a\x1b[31m", 1_000, True, None), ("bcd", 7, False, "x\ny")]

    assert "name    count  is   text\na [31m  1_000  yes\nbcd         7       x y" == table(
        ("name", "count", "is", "text"), rows
    )


@pytest.mark.parametrize(
    ("options", "said", "expected"),
    [
        ([], "Go on: sf.resume('r-7f3a').", "Go on: sfbulk resume r-7f3a."),
        (["--org", "local:my dir"], "sf.resume('r-7f3a')", "sfbulk resume r-7f3a --org 'local:my dir'"),
        ([], "sf.resume('r-7f3a', rows=...)", "sfbulk resume r-7f3a --rows FILE"),
        ([], "`sf.resume(error.run_id)`", "sfbulk resume RUN"),
        ([], "sf.runs() lists them", "sfbulk runs lists them"),
        ([], "error.result.failures() names them", "--outcomes DIR names them"),
        ([], "part_rows is at least 1; take api='bulk1'", "--part-rows is at least 1; take --api bulk1"),
        ([], "00D000000000001!AQ.abc", "[token]"),
    ],
)
def test_texts_of_the_library_name_our_commands(options: list[str], said: str, expected: str) -> None:
    """And no token."""
    assert expected == console(*options).ours(said)


def test_a_token_of_any_form_stays_unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFBULK_ACCESS_TOKEN", "an-opaque-token")

    assert "it was [token]" == console().ours("it was an-opaque-token")


def timed_out() -> WaitTimeout:
    error = WaitTimeout("Waited long enough.", job_id="750")
    error.run_id = "r-7f3a"
    error.add_note("The run can be gone on with: sf.resume('r-7f3a')")
    return error


def test_an_error_is_its_message_and_its_notes_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console("--quiet").error(timed_out(), 5)

    assert ("", "Waited long enough.\nThe run can be gone on with: sfbulk resume r-7f3a\n") == capsys.readouterr()


def test_with_json_an_error_stands_in_the_receipt(capsys: pytest.CaptureFixture[str]) -> None:
    console("--json").error(timed_out(), 5, {"run_id": "r-7f3a", "complete": False})

    expected = {
        "run_id": "r-7f3a",
        "complete": False,
        "error": {
            "type": "WaitTimeout",
            "message": "Waited long enough.\nThe run can be gone on with: sfbulk resume r-7f3a",
            "exit_code": 5,
            "run_id": "r-7f3a",
        },
    }
    assert expected == json.loads(capsys.readouterr().out)


def test_with_progress_as_json_an_error_is_a_line_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    console("--progress", "json").error(KeyboardInterrupt(), 5)

    expected = {"event": "error", "type": "Stopped", "message": "Stopped.", "exit_code": 5, "run_id": None}
    assert expected == json.loads(capsys.readouterr().err)


def test_verbose_names_the_causes(capsys: pytest.CaptureFixture[str]) -> None:
    error = JournalError("No.")
    error.__cause__ = OSError(28, "No space left on device")

    console("-v").error(error, 2)

    assert "No.\nbecause of OSError: [Errno 28] No space left on device\n" == capsys.readouterr().err


class Seconds:
    """Time that passes as it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def counts(parts: int) -> dict[str, Any]:
    return {"parts": parts, "succeeded": parts * 1_000, "failed": 0, "unprocessed": 0}


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """A log is read later."""
    time = Seconds()
    with Progress(console(), "auto", "insert Account", time) as progress:
        for seconds in range(0, 24, 4):
            time.now = seconds
            progress.loaded(counts(seconds // 4 + 1))

    assert "insert Account: 4 parts, 4_000 succeeded\n" == capsys.readouterr().err


@pytest.mark.parametrize(("options", "how"), [(["--quiet"], "auto"), ([], "none")])
def test_progress_that_nobody_wants(capsys: pytest.CaptureFixture[str], options: list[str], how: str) -> None:
    time = Seconds()
    with Progress(console(*options), how, "insert Account", time) as progress:
        time.now = 100
        progress.loaded(counts(1))

    assert ("", "") == capsys.readouterr()


def test_progress_as_json_has_a_line_for_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(console("--quiet"), "json", "insert Account", Seconds()) as progress:
        progress.loaded(counts(1))
        progress.loaded(counts(2))

    expected = [
        {"event": "started", "doing": "insert Account"},
        {"event": "progress", "doing": "insert Account", **counts(1), "seconds": 0.0},
        {"event": "progress", "doing": "insert Account", **counts(2), "seconds": 0.0},
    ]
    assert expected == [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_pages_are_counted_as_they_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """The bytes are those that came."""
    time = Seconds()
    with Progress(console(), "json", "query", time) as progress:
        time.now = 1
        assert [b"abc", b"de"] == list(progress.watch([b"abc", b"de"]))
        time.now = 2
        assert [b"f"] == list(progress.watch(iter([b"f"])))

    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(1, 3), (2, 6)] == [(line["pages"], line["bytes"]) for line in told[1:]]

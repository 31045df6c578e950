"""The journal of a run: facts that are on the disk, readable by anybody, written by one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesforce_bulk.errors import JournalError, JournalLocked, JournalTooNew
from salesforce_bulk.facts import (
    KINDS,
    Fact,
    InputRead,
    JobGivenUp,
    JobMade,
    PartEnded,
    PartKept,
    PartSent,
    PartSettled,
    UploadBegun,
    as_text,
    from_text,
)
from salesforce_bulk.journal.journal import JOURNAL, Journal, is_locked, read

ABOUT = {"run_id": "r-1", "operation": "insert", "object": "Account", "options": {"part_rows": 3}, "none": None}
FACTS: list[Fact] = [
    PartKept(0, 0, 3, 90, "ab"),
    JobMade("750A", "bulk2", 0),
    UploadBegun(0, "750A"),
    JobGivenUp(0, "750A"),
    JobMade("750B", "bulk2", 0),
    UploadBegun(0, "750B"),
    PartSent(0, "750B"),
    PartKept(1, 3, 2, 60, None, 90, 150),
    InputRead(2, 5),
    PartEnded(0, "750B", "JobComplete", "", 3, 1),
    PartSettled(0, 2, 1, 0),
    JobMade("750C", "bulk2", 1),
]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal.create(tmp_path, ABOUT)
    for fact in FACTS:
        journal.note(fact)
    return journal


def test_what_was_noted_is_read_again(journal: Journal, tmp_path: Path) -> None:
    """By the one who wrote it, by a reader beside it, and by who opens it afterwards."""
    assert (ABOUT, FACTS) == (journal.about(), journal.facts())
    assert (ABOUT, FACTS) == read(tmp_path)
    journal.close()
    with Journal.open(tmp_path) as again:
        assert (ABOUT, FACTS) == (again.about(), again.facts())


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_fact_is_the_same_after_its_text(kind: str, data: st.DataObject) -> None:
    fact = data.draw(st.from_type(KINDS[kind]))  # type: ignore[arg-type]
    assert fact == from_text(*as_text(fact))


def test_it_tells_a_person_what_was_applied_and_what_remains(journal: Journal, tmp_path: Path) -> None:
    """With nothing but SQLite, while the run goes on."""
    file = sqlite3.connect(tmp_path / JOURNAL)
    assert [(0, 0, 3, "750B", None, 2, 1, 0)] == file.execute("SELECT * FROM applied").fetchall()
    assert [(1, 3, 2, "750C", None, "job made, nothing sent or the sending broke off: no effect")] == file.execute(
        "SELECT * FROM remaining"
    ).fetchall()
    file.close()
    program = shutil.which("sqlite3")
    if program:
        told = subprocess.run(
            [program, tmp_path / JOURNAL, "SELECT part, state FROM parts"], capture_output=True, text=True
        )
        assert "0|settled\n1|job made, nothing sent or the sending broke off: no effect\n" == told.stdout
    journal.close()


def test_only_one_works_on_a_run(journal: Journal, tmp_path: Path) -> None:
    """Another one is told; when the first has gone, by whatever end, the way is free."""
    assert is_locked(tmp_path)
    with pytest.raises(JournalLocked) as caught:
        Journal.open(tmp_path)
    assert (
        f"Another process is at work on run {tmp_path.name}.\nNothing was sent from here.\n"
        "Wait until it has ended, then resume the run."
    ) == str(caught.value)
    journal.close()
    assert not is_locked(tmp_path)
    code = (
        "import os, sys; from pathlib import Path; from salesforce_bulk.journal.journal import Journal\n"
        "Journal.open(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": str(Path("src").absolute())}, check=False
    )
    Journal.open(tmp_path).close()


def test_a_newer_format_is_refused_politely(journal: Journal, tmp_path: Path) -> None:
    journal.close()
    file = sqlite3.connect(tmp_path / JOURNAL)
    file.execute("PRAGMA user_version = 3")
    file.close()
    for opened in (Journal.open, read):
        with pytest.raises(JournalTooNew) as caught:
            opened(tmp_path)
        assert (
            f"The journal of run {tmp_path.name} has format 3; this version reads formats up to 2.\n"
            "Nothing was sent.\nResume it with the version that began it, or a newer one."
        ) == str(caught.value)


def test_what_is_no_journal_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as caught:
        Journal.open(tmp_path)
    assert f"There is no run in {tmp_path}: it has no journal.db. Nothing was sent." == str(caught.value)
    (tmp_path / JOURNAL).write_bytes(b"")
    with pytest.raises(JournalError, match="was never begun: its journal is empty"):
        Journal.open(tmp_path)
    (tmp_path / JOURNAL).write_bytes(b"no database" * 500)
    with pytest.raises(JournalError, match="cannot be read"):
        Journal.open(tmp_path)

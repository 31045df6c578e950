"""Documentation is executed: each Python block runs, and prints what stands under it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```\n(.*?)```)?", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if BLOCK.search(path.read_text("utf-8"))], ids=lambda path: path.name
)
def test_the_blocks_of_a_document_run_and_print_what_they_say(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, in one program, as a reader would type them."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path))
    names: dict[str, object] = {}
    try:
        for source, expected in BLOCK.findall(path.read_text("utf-8")):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(source, path.name, "exec"), names)
            assert expected == printed.getvalue(), source
    finally:
        org = names.get("org")
        if org is not None:
            org.stop()  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_changelog_fragment_has_a_kind_and_a_sentence() -> None:
    for path in (ROOT / "changelog.d").glob("*.md"):
        if path.name != "README.md":
            assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed|deprecated|security)\.md", path.name)
            assert path.read_text("utf-8").strip().endswith(".")

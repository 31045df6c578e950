"""Applies each mutation to a copy of the tree and runs the tests that must fail for it; prints what did."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from .mutations import MUTATIONS, Mutation

ROOT: Final = Path(__file__).parents[2]
#: pytest: all tests passed; some failed. Anything else says that they did not run, and proves nothing.
PASSED, FAILED = 0, 1
_FAILURE: Final = re.compile(r"^FAILED (?:tests/)?(.+?)(?: - .*)?$", re.MULTILINE)


def copy(into: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.sqlite")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, into / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", into)


def run_tests(tree: Path, tests: Iterable[str]) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "--no-header",
            "-p",
            "no:cacheprovider",
            *(f"tests/{t}" for t in tests),
        ],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def is_noticed(tree: Path, mutation: Mutation) -> tuple[bool, str]:
    """Whether a test failed for it, and which."""
    path = tree / "src" / "salesforce_bulk" / mutation.file
    sound = path.read_text("utf-8")
    path.write_text(mutated(sound, mutation), "utf-8")
    try:
        code, said = run_tests(tree, mutation.tests)
    finally:
        path.write_text(sound, "utf-8")
    found = _FAILURE.search(said)
    if code == FAILED and found:
        return True, found[1]
    return False, "no test failed" if code == PASSED else f"the tests did not run: {said[-300:]}"


def mutated(sound: str, mutation: Mutation) -> str:
    if sound.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file} has {sound.count(mutation.old)} places of {mutation.old!r}; mend the list.")
    return sound.replace(mutation.old, mutation.new)


def main(words: Sequence[str]) -> int:
    """*words*: only mutations that one of them stands in."""
    chosen = [mutation for mutation in MUTATIONS if not words or any(word in mutation.what for word in words)]
    begun = time.monotonic()
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        tree = Path(folder)
        copy(tree)
        code, said = run_tests(tree, sorted({test for mutation in chosen for test in mutation.tests}))
        if code != PASSED:
            print(f"The tests fail without any mutation, so nothing can be told:\n{said[-2_000:]}")
            return 2
        print(f"{'side':<12} {'mutation':<68} noticed by")
        for mutation in chosen:
            noticed, by = is_noticed(tree, mutation)
            survivors += not noticed
            print(f"{mutation.side:<12} {mutation.what:<68} {by if noticed else 'SURVIVED: ' + by}", flush=True)
    seconds = time.monotonic() - begun
    print(f"{len(chosen)} mutations, {len(chosen) - survivors} noticed, {survivors} survived; {seconds:.0f} seconds")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

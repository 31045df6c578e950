"""What the local org needs beyond the core."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_LARK = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "lark" else find_spec(name, package)
"""


def test_without_the_parser_it_does_not_start() -> None:
    """The client's own HTTP library brings h11, so only the parser can be missing: that is said before anything is served."""
    code = WITHOUT_LARK + "from salesforce_bulk.cli.main import main; import sys; sys.exit(main(['local', 'serve']))"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    said = "The local org needs lark, which is not installed. Install it with: pip install 'salesforce-bulk[local]'\n"
    assert (2, "", said) == (ran.returncode, ran.stdout, ran.stderr)

"""pandas is imported by nothing but ``to_pandas``: it takes 0.2 to 0.5 s, which none of the others has a use for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

ROOT = Path(__file__).parents[2]

WORK = r"""
import sys
from pathlib import Path
from salesforce_bulk import connect

folder = Path(sys.argv[1])
org = connect("local")

def seen(what):
    assert "pandas" not in sys.modules, what

rows = [
    {"Name": f"n{row}", "NumberOfEmployees": row, "AnnualRevenue": row / 4, "Description": 'a "b"' if row % 7 else ""}
    for row in range(12_000)
]
loaded = org.insert("Account", rows, api="bulk2", outcomes="later")
seen("a load, matched by columns")
loaded.to_csv(folder / "outcomes.csv")
seen("outcomes")
found = org.query("SELECT Id, Name, NumberOfEmployees, AnnualRevenue, CreatedDate, IsDeleted, Description FROM Account")
assert found.to_arrow().num_rows == 12_000
seen("Arrow")
found.to_parquet(folder / "rows.parquet")
changes = org.query("SELECT Id, Name, AnnualRevenue, NumberOfEmployees FROM Account")
changes.to_parquet(folder / "changes.parquet")
seen("Parquet")
found.to_jsonl(folder / "rows.jsonl")
seen("JSON lines")
assert sum(1 for _ in found) == 12_000
seen("rows")
found.to_csv(folder / "rows.csv")
(folder / "contacts.csv").write_text("LastName\n" + "".join(f"n{row}\n" for row in range(12_000)))
seen("CSV")
org.insert("Contact", folder / "contacts.csv")
seen("a load of a file")
org.update("Account", folder / "changes.parquet")
seen("a load of Parquet")
import pyarrow
pyarrow.array(["a"])
assert "pandas" in sys.modules, "the witness: pyarrow imports it for a Python object, so the others would have"
"""


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    package = tmp_path / "site" / "pandas"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "2.2.0"\n')
    script = tmp_path / "work.py"
    script.write_text(WORK)

    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT / 'src'}", "SFBULK_HOME": str(tmp_path / "home"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert 0 == done.returncode, done.stderr

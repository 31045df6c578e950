"""A part that is large enough to be matched by columns, from the file to the file of outcomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesforce_bulk import AccessToken, connect
from salesforce_bulk.emulator import LocalOrg


def test_a_large_part_is_matched_by_columns(
    local_org: LocalOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The org shuffles its answers; each row has its own record's id all the same, in the file too."""
    monkeypatch.setenv("SFBULK_HOME", str(tmp_path / "home"))
    path = tmp_path / "rows.csv"
    names = [f'"n ""{row}"", {row}"' if row % 3 else "" for row in range(11_000)]
    path.write_text("Name,Key__c\n" + "".join(f"{name},K{row}\n" for row, name in enumerate(names)), "utf-8")
    with connect(login=AccessToken(local_org.access_token, instance_url=local_org.url)) as sf:
        result = sf.insert("Account", path)

        assert (7_333, 3_667, 0) == (result.succeeded, result.failed, result.unprocessed)
        ids = {row["Key__c"]: row["Id"] for row in sf.query("SELECT Id, Key__c FROM Account")}
        assert [ids.get(f"K{row}") for row in range(11_000)] == [outcome.id for outcome in result]
        assert 3_667 == sum(1 for _ in result.failures())
        assert 3_667 == result.to_csv(tmp_path / "failed.csv", only="failed")
        assert [ids.get(f"K{row}") for row in range(11_000)] == result.to_arrow()["id"].to_pylist()

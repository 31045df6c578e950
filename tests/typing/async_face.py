"""What a type checker sees of the async door: checked, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, assert_type

from salesforce_bulk import (
    AsyncIngestResult,
    AsyncOrg,
    AsyncQueryResult,
    CheckReport,
    Outcome,
    RefreshToken,
    connect_async,
)


async def reads(path: Path) -> None:
    async with connect_async("staging", api_version="66.0") as sf:
        assert_type(sf, AsyncOrg)
        result = await sf.query("SELECT Id FROM Account", deleted=True, types="text", api="rest")
        assert_type(result, AsyncQueryResult)
        async for row in result:
            assert_type(row, dict[str, Any])
        async for batch in result.batches():
            assert_type(batch, Any)
        assert_type(await result.to_csv(path), int)
        assert_type(result.receipt, dict[str, Any])
        assert_type(await sf.describe(), dict[str, Any])


async def writes(sf: AsyncOrg, path: Path) -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        yield {"Name": "x"}

    result = await sf.upsert("Account", rows(), external_id="Key__c", nulls="clear", retries=2)
    assert_type(result, AsyncIngestResult)
    assert_type(result.succeeded, int)
    async for outcome in result.failures():
        assert_type(outcome, Outcome)
    assert_type(await result.to_csv(path, only="failed"), int)
    assert_type(await sf.check("insert", "Account", [{}]), CheckReport)
    connect_async(login=RefreshToken("https://acme.my.salesforce.com", "id", "token", on_rotation=path.write_text))

"""aio-sf against a local org: login by client credentials, describe, limits, collections, and Bulk API 2.0 queries.

    python aio_sf_everything.py URL CLIENT_ID CLIENT_SECRET

Runs in an environment of its own and knows nothing of salesforce_bulk. Prints one line of JSON.
"""

import asyncio
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pyarrow.parquet
from aio_sf import ClientCredentialsAuth, SalesforceClient
from aio_sf.exporter import bulk_query, get_bulk_fields, write_query_to_parquet

ROWS = 600
TEXT = 'say "hi"\nand é'


async def count(sf: SalesforceClient, soql: str, **options: bool) -> list:
    return [row async for row in await bulk_query(sf, soql, poll_interval=0, batch_size=250, **options)]


async def main(url: str, client_id: str, client_secret: str) -> dict:
    auth = ClientCredentialsAuth(instance_url=url, client_id=client_id, client_secret=client_secret)
    async with SalesforceClient(auth) as sf:
        rows = [
            {"Name": f"Async {n}", "Key__c": f"a{n}", "Description": TEXT, "AnnualRevenue": n + 0.5}
            for n in range(ROWS)
        ]
        saved = await sf.collections.insert(rows, "Account")
        ids = [one["id"] for one in saved]
        updated = await sf.collections.update([{"Id": id, "Phone": "555"} for id in ids[:10]], "Account")
        changes = [{"Key__c": "new", "Name": "New"}, {"Key__c": "a1", "Name": "Changed"}]
        upserted = await sf.collections.upsert(changes, "Key__c", "Account")
        refused = await sf.collections.insert([{"Name": "x", "Phone": "9" * 41}], "Account", all_or_none=False)
        deleted = await sf.collections.delete(ids[-5:])

        found = await count(sf, "SELECT Id, Name, Description, AnnualRevenue FROM Account")
        with_deleted = await count(sf, "SELECT Id FROM Account", all_rows=True)
        described = await sf.describe.sobject("Account")
        fields = [f for f in await get_bulk_fields(described["fields"]) if f["name"] in ("Id", "Name", "AnnualRevenue")]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "accounts.parquet"
            result = await bulk_query(
                sf, f"SELECT {', '.join(f['name'] for f in fields)} FROM Account", poll_interval=0
            )
            await write_query_to_parquet(result, str(file), fields_metadata=fields)
            table = pyarrow.parquet.read_table(file)
        by_rest = await sf.query.soql("SELECT Id FROM Account")
        objects = await sf.describe.list_sobjects()
        limits = await sf.describe.get_limits()
        return {
            "client": f"aio-sf {version('aio-sf')}",
            "inserted": sum(one["success"] for one in saved),
            "updated": sum(one["success"] for one in updated),
            "upserted": [one["created"] for one in upserted],
            "refused": [one["errors"][0]["statusCode"] for one in refused],
            "deleted": sum(one["success"] for one in deleted),
            "found": len(found),
            "same_text": {TEXT, ""} == {row["Description"] for row in found},
            "with_deleted": len(with_deleted),
            "parquet": {"rows": table.num_rows, **{field.name.lower(): str(field.type) for field in table.schema}},
            "by_rest": len(await by_rest.collect_all()),
            "account": any(one["name"] == "Account" for one in objects),
            "requests": limits["DailyApiRequests"]["Max"],
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))

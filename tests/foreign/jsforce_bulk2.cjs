// jsforce against a local org by its Bulk API 2.0 handler: all its operations.
//
//     node jsforce_bulk2.cjs URL TOKEN
//
// Runs in a folder of its own, where npm has put @jsforce/jsforce-node. Prints one line of JSON.

const { createRequire } = require("node:module");
const path = require("node:path");

const load = createRequire(path.join(process.cwd(), "index.js"));
const { Connection } = load("@jsforce/jsforce-node");

const ROWS = 25000;
const TEXT = 'say "hi"\nand é';

async function main(url, token) {
  const org = new Connection({ instanceUrl: url, accessToken: token, version: "62.0" });
  org.bulk2.pollInterval = 100;
  org.bulk2.pollTimeout = 120000;
  const rows = [];
  for (let n = 0; n < ROWS; n++) {
    rows.push({ Name: `Script ${n}, Ltd`, Description: TEXT, Key__c: `j${n}` });
  }
  const begun = Date.now();
  const loaded = await org.bulk2.loadAndWaitForResults({ object: "Account", operation: "insert", input: rows });
  const seconds = (Date.now() - begun) / 1000;

  const changes = [{ Key__c: "j1", Name: "Changed" }, { Key__c: "new", Name: "New" }, { Key__c: "j2", Name: "" }];
  const upserted = await org.bulk2.loadAndWaitForResults({
    object: "Account", operation: "upsert", externalIdFieldName: "Key__c", input: changes,
  });

  const write = (operation, input) => org.bulk2.loadAndWaitForResults({ object: "Account", operation, input });
  const ids = loaded.successfulResults.filter((row) => !["j1", "j2"].includes(row.Key__c)).map((row) => ({ Id: row.sf__Id }));
  const updated = await write("update", ids.slice(0, 100).map((one) => ({ ...one, Phone: "555" })));
  const deleted = await write("delete", ids.slice(100, 200));
  const hardDeleted = await write("hardDelete", ids.slice(200, 250));
  const all = await org.bulk2.query("SELECT Id, IsDeleted FROM Account", { scanAll: true });
  const withDeleted = await all.toArray();

  const stream = await org.bulk2.query("SELECT Id, Name, Description, Phone, Owner.Name FROM Account");
  const found = await stream.toArray();

  let failed = "";
  try {
    await org.bulk2.loadAndWaitForResults({ object: "Account", operation: "insert", input: [{ Nmae: "x" }] });
  } catch (error) {
    failed = error.message;
  }
  let refused = "";
  try {
    await org.bulk2.query("SELECT Id, Bogus FROM Account");
  } catch (error) {
    refused = error.errorCode || error.name;
  }
  const job = org.bulk2.createJob({ object: "Account", operation: "insert" });
  await job.open();
  await job.abort();
  const state = (await job.check()).state;
  await job.delete();
  let gone = "";
  try {
    await job.check();
  } catch (error) {
    gone = error.errorCode || error.name;
  }
  const collection = await org.sobject("Account").create([{ Name: "One" }, { Phone: "2" }], { allOrNone: false });
  console.log(JSON.stringify({
    client: `jsforce ${load("@jsforce/jsforce-node/package.json").version}`,
    inserted: loaded.successfulResults.length,
    failedRows: loaded.failedResults.length,
    unprocessed: loaded.unprocessedRecords.length,
    upserted: upserted.successfulResults.map((row) => row.sf__Created).sort(),
    notUpserted: upserted.failedResults.map((row) => row.sf__Error),
    updated: updated.successfulResults.length,
    deleted: deleted.successfulResults.length,
    hardDeleted: hardDeleted.successfulResults.length,
    withDeleted: ["false", "true"].map((isGone) => withDeleted.filter((row) => row.IsDeleted === isGone).length),
    found: found.length,
    sameText: found.filter((row) => row.Description === TEXT).length,
    changed: found.filter((row) => row.Phone === "555").length,
    owners: [...new Set(found.map((row) => row["Owner.Name"]))],
    failed, refused, state, gone,
    collection: collection.map((result) => result.success),
    insertSeconds: seconds,
  }));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});

// jsforce against a local org: load 25,000 accounts with Bulk API 2.0 and query them back.
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

  const stream = await org.bulk2.query("SELECT Id, Name, Description, Owner.Name FROM Account");
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
  let deleted = "";
  try {
    await job.check();
  } catch (error) {
    deleted = error.errorCode || error.name;
  }
  const collection = await org.sobject("Account").create([{ Name: "One" }, { Phone: "2" }], { allOrNone: false });
  console.log(JSON.stringify({
    client: `jsforce ${load("@jsforce/jsforce-node/package.json").version}`,
    inserted: loaded.successfulResults.length,
    failedRows: loaded.failedResults.length,
    unprocessed: loaded.unprocessedRecords.length,
    upserted: upserted.successfulResults.map((row) => row.sf__Created).sort(),
    notUpserted: upserted.failedResults.map((row) => row.sf__Error),
    found: found.length,
    sameText: found.filter((row) => row.Description === TEXT).length,
    owners: [...new Set(found.map((row) => row["Owner.Name"]))],
    failed, refused, state, deleted,
    collection: collection.map((result) => result.success),
    insertSeconds: seconds,
  }));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});

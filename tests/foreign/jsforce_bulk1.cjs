// jsforce against a local org by its Bulk API 1.0 handler: all its operations, CSV throughout.
//
//     node jsforce_bulk1.cjs URL TOKEN
//
// Runs in a folder of its own, where npm has put @jsforce/jsforce-node. Prints one line of JSON.

const { createRequire } = require("node:module");
const path = require("node:path");

const load = createRequire(path.join(process.cwd(), "index.js"));
const { Connection } = load("@jsforce/jsforce-node");

const ROWS = 25000;
const BATCH = 10000;
const TEXT = 'say "hi"\nand é';

async function main(url, token) {
  const org = new Connection({ instanceUrl: url, accessToken: token, version: "62.0" });
  org.bulk.pollInterval = 100;
  org.bulk.pollTimeout = 120000;
  const good = (results) => results.filter((result) => result.success).length;
  // Its own query() knows nothing of deleted records.
  const records = async (operation, soql) => {
    const files = await org.bulk.load("Account", operation, soql);
    const found = [];
    for (const { id, batchId, jobId } of files) {
      found.push(...await org.bulk.job(jobId).batch(batchId).result(id).toArray());
    }
    return found;
  };

  const rows = [];
  for (let n = 0; n < ROWS; n++) {
    rows.push({ Name: `Script ${n}, Ltd`, Description: TEXT, Key__c: `j${n}` });
  }
  const begun = Date.now();
  const saved = [];
  for (let start = 0; start < ROWS; start += BATCH) {
    saved.push(...await org.bulk.load("Account", "insert", rows.slice(start, start + BATCH)));
  }
  const seconds = (Date.now() - begun) / 1000;
  const ids = saved.map((result) => ({ Id: result.id }));

  const stream = await org.bulk.query("SELECT Id, Name, Description, Owner.Name FROM Account");
  const found = await stream.toArray();
  const updated = await org.bulk.load("Account", "update", { concurrencyMode: "Serial" },
    ids.slice(0, 100).map((one) => ({ ...one, Description: null })));
  const changes = [];
  for (let n = ROWS - 10; n < ROWS + 10; n++) {
    changes.push({ Key__c: `j${n}`, Name: `New ${n}` });
  }
  changes.push({ Key__c: "j7", Name: "" });
  const upserted = await org.bulk.load("Account", "upsert", { extIdField: "Key__c" }, changes);
  const tooLong = await org.bulk.load("Account", "update", [{ ...ids[7], Phone: "9".repeat(41) }]);
  const deleted = await org.bulk.load("Account", "delete", ids.slice(100, 200));
  const hardDeleted = await org.bulk.load("Account", "hardDelete", ids.slice(200, 250));
  const left = await records("query", "SELECT Id, Description FROM Account");
  const withDeleted = await records("queryAll", "SELECT Id, IsDeleted FROM Account");

  const told = async (promise) => {
    try {
      await promise;
      return "";
    } catch (error) {
      return `${error.errorCode || error.name}: ${error.message}`;
    }
  };
  const refused = await told(org.bulk.load("Accuont", "insert", [{ Name: "x" }]));
  const failed = await told(org.bulk.load("Account", "insert", [{ Nmae: "x" }]));
  const job = org.bulk.createJob("Account", "insert");
  await job.open();
  const made = await job.check();
  const none = await job.list();
  await job.abort();
  const aborted = job.state;
  console.log(JSON.stringify({
    client: `jsforce ${load("@jsforce/jsforce-node/package.json").version}`,
    inserted: good(saved),
    found: found.length,
    sameText: found.filter((row) => row.Description === TEXT).length,
    owners: [...new Set(found.map((row) => row["Owner.Name"]))],
    updated: good(updated),
    upserted: [false, true].map((isNew) => upserted.filter((r) => r.success && r.created === isNew).length),
    tooLong: tooLong.map((result) => result.errors[0].split(":")[0]),
    deleted: good(deleted),
    hardDeleted: good(hardDeleted),
    left: left.length,
    emptied: left.filter((row) => !row.Description).length,
    withDeleted: ["false", "true"].map((gone) => withDeleted.filter((row) => row.IsDeleted === gone).length),
    refused, failed, made: made.state, batches: none.filter((batch) => batch).length, aborted,
    insertSeconds: seconds,
  }));
}

main(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});

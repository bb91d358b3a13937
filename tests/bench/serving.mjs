// One client of Kinesis with the AWS SDK for JavaScript, which sends one request after the other:
//   node serving.mjs FOLDER URL put REQUESTS   puts 500 records of 100 bytes with each
//   node serving.mjs FOLDER URL get REQUESTS   reads as many records as that put, from two shards
// FOLDER is where npm has installed the SDK. Prints how many seconds it took. Over HTTP/1.1: kinesalite speaks nothing else.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

const [, , folder, endpoint, mode, requests] = process.argv;
const require = createRequire(`${folder}/`);
const sdk = require("@aws-sdk/client-kinesis");
const { NodeHttpHandler } = require("@smithy/node-http-handler");
const client = new sdk.KinesisClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKID", secretAccessKey: "secret" },
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler(),
});
const count = Number(requests) * 500;

async function put() {
  const Records = Array.from({ length: 500 }, (_, index) => ({ Data: randomBytes(100), PartitionKey: `k${index}` }));
  for (let sent = 0; sent < count; sent += 500) {
    const answer = await client.send(new sdk.PutRecordsCommand({ StreamName: "s", Records }));
    if (answer.FailedRecordCount) throw new Error(`${answer.FailedRecordCount} failed`);
  }
}

async function get() {
  let found = 0;
  for (const ShardId of ["shardId-000000000000", "shardId-000000000001"]) {
    const start = { StreamName: "s", ShardId, ShardIteratorType: "TRIM_HORIZON" };
    let { ShardIterator } = await client.send(new sdk.GetShardIteratorCommand(start));
    for (let size = 1; size; ) {
      const page = await client.send(new sdk.GetRecordsCommand({ ShardIterator }));
      ShardIterator = page.NextShardIterator;
      size = page.Records.length;
      found += size;
    }
  }
  if (found !== count) throw new Error(`${found} records`);
}

const start = performance.now();
await (mode === "put" ? put() : get());
console.log((performance.now() - start) / 1000);
client.destroy();

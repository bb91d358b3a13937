// A client of Kinesis with the AWS SDK for JavaScript, version 3, over HTTP/2. tests/serve/sdk.py says what it does:
//   node sdk.mjs FOLDER URL actions            calls each of the [action, input] that stand as JSON on stdin
//   node sdk.mjs FOLDER URL subscribe ARN SHARD   prints each event of a subscription, and of those to the children
// FOLDER is where npm has installed the SDK.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [, , folder, endpoint, mode, consumer, shard] = process.argv;
const sdk = createRequire(`${folder}/`)("@aws-sdk/client-kinesis");
const client = new sdk.KinesisClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "AKID", secretAccessKey: "secret" },
  maxAttempts: 1,
});
const send = (action, input) => client.send(new sdk[`${action}Command`](input));
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// JSON has no bytes.
const withBytes = (input) =>
  JSON.parse(JSON.stringify(input), (name, value) => (name === "Data" ? Buffer.from(value, "base64") : value));

async function callAll() {
  const known = {};
  for (const [action, input] of JSON.parse(readFileSync(0, "utf8"))) {
    if (action === "GetRecords") input.ShardIterator = known.iterator;
    if (action === "SubscribeToShard") input.ConsumerARN = known.consumer;
    const answer = await send(action, withBytes(input));
    known.iterator = answer.ShardIterator ?? known.iterator;
    known.consumer = answer.Consumer?.ConsumerARN ?? known.consumer;
    for await (const event of answer.EventStream ?? []) {
      if (event.SubscribeToShardEvent) break;
    }
    print([action, answer.$metadata.httpStatusCode, answer.Records?.length ?? null]);
  }
  try {
    await send("DescribeStreamSummary", { StreamName: "none" });
  } catch (error) {
    print([error.name, error instanceof sdk.ResourceNotFoundException, error.message]);
  }
}

async function subscribe(shard) {
  const answer = await send("SubscribeToShard", {
    ConsumerARN: consumer,
    ShardId: shard,
    StartingPosition: { Type: "TRIM_HORIZON" },
  });
  let children = [];
  for await (const { SubscribeToShardEvent: event } of answer.EventStream) {
    children = event.ChildShards?.map((child) => child.ShardId) ?? [];
    print({ records: event.Records.map((record) => Buffer.from(record.Data).toString()), children });
  }
  print("end");
  await Promise.all(children.map(subscribe));
}

print(client.config.requestHandler.metadata.handlerProtocol);
await (mode === "actions" ? callAll() : subscribe(shard));
client.destroy();

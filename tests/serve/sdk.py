"""The AWS SDK for JavaScript, version 3, which speaks HTTP/2 and signs each request. Skipped unless tests/setup.sh could
install it: that needs Node.js, and the registry of npm."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from model import SHARD, in_json, requests
from server import Server, run

FOLDER = os.environ.get("SHARDLOG_SDK", "")
SKIPPED = 77


def node(*arguments, **options):
    script = pathlib.Path(__file__).resolve().parent / "sdk.mjs"
    return subprocess.Popen(["node", "--no-warnings", script, FOLDER, *arguments], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **options)


class Sdk(unittest.TestCase):
    def setUp(self):
        keys = tempfile.NamedTemporaryFile("w", prefix="shardlog-")
        self.addCleanup(keys.close)
        keys.write("aws_access_key_id = AKID\naws_secret_access_key = secret\n")
        keys.flush()
        self.server = Server("--credentials", keys.name)
        self.addCleanup(self.server.stop)

    def test_each_action_succeeds(self):
        table = requests("s", "arn:aws:kinesis:us-east-1:000000000000:stream/s", None)
        client = node(self.server.url, "actions")
        output, errors = client.communicate(json.dumps([[action, in_json(input)] for action, input in table.items()]), 60)
        self.assertEqual((client.returncode, errors), (0, ""), output)
        protocol, *answers, refused = (json.loads(line) for line in output.splitlines())
        self.assertEqual(protocol, "h2")
        self.assertEqual([answer[:2] for answer in answers], [[action, 200] for action in table])
        self.assertEqual({answer[0]: answer[2] for answer in answers}["GetRecords"] in (1, 2, 3), True)
        self.assertEqual(refused, ["ResourceNotFoundException", True, "Stream none under account 000000000000 not found."])

    def test_the_readme(self):
        server = Server()
        self.addCleanup(server.stop)
        text = (pathlib.Path(__file__).resolve().parent.parent.parent / "README.md").read_text()
        script, = re.findall(r"```js\n(.*?)```", text, re.S)
        run("stream-create", server.stream("clicks"))
        with tempfile.NamedTemporaryFile("w", dir=FOLDER, suffix=".mjs") as file:  # where it finds the SDK
            file.write(script.replace("http://127.0.0.1:4567", server.url))
            file.flush()
            done = subprocess.run(["node", "--no-warnings", file.name], capture_output=True, text=True, timeout=60, env={
                **os.environ, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"})
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(run("stream-get", server.stream("clicks")), b"from JavaScript\n")

    def test_a_subscription(self):
        kinesis = self.server.client(key="AKID", secret="secret")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        consumer = kinesis.register_stream_consumer(StreamARN="arn:aws:kinesis:us-east-1:000000000000:stream/s",
                                                    ConsumerName="c")["Consumer"]["ConsumerARN"]
        client = node(self.server.url, "subscribe", consumer, SHARD)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)

        def next_event(wanted):
            while not wanted(event := json.loads(client.stdout.readline())):
                pass
            return event

        self.assertEqual(json.loads(client.stdout.readline()), "h2")
        next_event(lambda event: event["records"] == [])
        times = []
        for number in range(9):
            run("stream-put", self.server.stream("s"), input=b"%d\n" % number)
            stored = time.monotonic()
            event = next_event(lambda event: event["records"])
            times.append(time.monotonic() - stored)
            self.assertEqual(event["records"], [str(number)])
        self.assertLess(sorted(times)[4], 0.020)  # most: the machine may be busy with something else at times
        kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey="5")
        event = next_event(lambda event: event["children"])
        self.assertEqual(event["children"], ["shardId-000000000001", "shardId-000000000002"])
        self.assertEqual(json.loads(client.stdout.readline()), "end")
        for hash_key in ("4", "5"):
            run("stream-put", self.server.stream("s"), "--hash-key", hash_key, input=hash_key.encode())
            self.assertEqual(next_event(lambda event: event["records"])["records"], [hash_key])


if __name__ == "__main__":
    if not shutil.which("node") or not pathlib.Path(FOLDER, "node_modules", "@aws-sdk", "client-kinesis").is_dir():
        print("skipped: the AWS SDK for JavaScript is not installed", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(warnings="ignore")  # connections of boto3 are closed late

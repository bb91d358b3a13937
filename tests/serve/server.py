"""Verbs that the tests of stream-serve share. The programs are in $SHARDLOG_BIN."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fault"))
from support import program, scale, seeded  # noqa: E402, F401

SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKID/20261126/eu-central-1/kinesis/aws4_request, "
                     "SignedHeaders=host;x-amz-date, Signature=00",
    "X-Amz-Date": "20261126T000000Z",
}


def run(name, *arguments, input=None, status=0):
    """Runs a program to its end and returns its output as bytes."""
    done = subprocess.run([program(name), *arguments], input=input, capture_output=True, timeout=60)
    if done.returncode != status:
        raise AssertionError(f"{name} {arguments}: exit {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def make_damaged(path):
    """A stream of "good", "damaged" and "newest". The newest batch stays whole: it is looked at with each position."""
    run("stream-create", path)
    for line in (b"good\n", b"damaged\n", b"newest\n"):
        run("stream-put", path, "-k", "k", input=line)
    with contextlib.closing(sqlite3.connect(path + "/stream.db")) as database, database:
        database.execute("UPDATE batches SET arrived_at = arrived_at + 1 WHERE id = 2")


class Server:
    """stream-serve with a directory of its own, on a port of its own. `before` are words that begin its command line."""

    def __init__(self, *options, before=()):
        self.directory = tempfile.mkdtemp(prefix="shardlog-")
        self.options, self.before = options, before
        self.start()

    def start(self):
        command = [*self.before, program("stream-serve"), "--listen", "127.0.0.1:0", *self.options, self.directory]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url:
            raise AssertionError(f"stream-serve does not start: {self.process.communicate()[1].decode()}")
        self.port = int(self.url.rsplit(":", 1)[1])

    def stream(self, name):
        return f"{self.directory}/{name}"

    def open_files(self):
        """The descriptors of the server, each with the name of its file."""
        descriptors, files = f"/proc/{self.process.pid}/fd", set()
        for each in os.listdir(descriptors):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                files.add((each, os.readlink(f"{descriptors}/{each}")))
        return files

    def end(self, how=signal.SIGTERM):
        """Ends it, and returns its exit status and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        said = self.process.communicate(timeout=60)[1].decode()
        return self.process.returncode, said

    def restart(self):
        """Ends it, and starts it with the same streams, on another port."""
        self.end()
        self.start()

    def stop(self, how=signal.SIGTERM):
        """Ends it as end() does, and removes its streams."""
        ended = self.end(how)
        shutil.rmtree(self.directory, ignore_errors=True)
        return ended

    def client(self, retries=0, key="a", secret="b", **config):
        import boto3
        from botocore.config import Config

        return boto3.client("kinesis", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=key,
                            aws_secret_access_key=secret,
                            config=Config(retries={"max_attempts": retries}, parameter_validation=False, **config))

    def send(self, method="POST", path="/", headers=None, body=b""):
        """Sends one request. Headers of the value None are left out; Host and lengths are added unless given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                if value is not None:
                    connection.putheader(name, value)
            if "Content-Length" not in (headers or {}) and "Transfer-Encoding" not in (headers or {}):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def call(self, action, **members):
        """Calls an action as an SDK would, but without its checks. Returns the status and the answer."""
        status, _, body = self.send(headers={**SIGNED, "Content-Type": "application/x-amz-json-1.1",
                                             "X-Amz-Target": f"Kinesis_20131202.{action}"},
                                    body=json.dumps(members).encode())
        return status, json.loads(body) if body else None


class ServerTest(unittest.TestCase):
    """Tests that share a server. Each takes streams of its own."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)

    @classmethod
    def tearDownClass(cls):
        status, said = cls.server.stop()
        if status != -signal.SIGTERM or said:
            raise AssertionError(f"stream-serve ended with {status} and said: {said}")

    def expect_refusal(self, answer, kind, message=None):
        status, body = answer
        self.assertEqual((status, body and body.get("__type")), (400, kind), body)
        if message is not None:
            self.assertEqual(body.get("message", body.get("Message")), message)


class StreamTest(ServerTest):
    """The same, with a client and with the name of a stream for each test."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kinesis = cls.server.client()

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.path = self.server.stream(self.name)

    def create(self, shards=1):
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)


def run_beside_each_other(*classes, at_once=32):
    """As unittest.main(), but the tests of these classes run at the same time, each in a thread: most of them wait most of the
    time. The names on the command line choose tests: Class.test."""
    tests = [test for each in classes for test in unittest.defaultTestLoader.loadTestsFromTestCase(each)]
    chosen = [test for test in tests if not sys.argv[1:] or test.id().partition(".")[2] in sys.argv[1:]]

    def outcome(test):
        result = unittest.TestResult()
        test.run(result)
        return result

    with contextlib.ExitStack() as fixtures, concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for each in {type(test): None for test in chosen}:
            each.setUpClass()
            fixtures.callback(each.tearDownClass)
        results = list(pool.map(outcome, chosen))
    failures = [failure for result in results for failure in result.failures + result.errors]
    for test, what in failures:
        print(f"FAILED: {test.id()}\n{what}")
    print(f"{len(chosen)} tests, {len(failures)} failed")
    sys.exit(1 if failures or not chosen else 0)


def wait_until(condition, what, limit=20):
    """`what` is a text, or a function that makes it, for what is known only then."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what() if callable(what) else what}")
        time.sleep(0.01)  # between two looks

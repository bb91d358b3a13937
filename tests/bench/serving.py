"""The rows of stream-serve, beside kinesalite: the same client, the same requests. kinesalite keeps its records in memory;
stream-serve has synced what it answers."""

import base64
import itertools
import json
import re
import socket
import subprocess
import threading
import time

import data
from measure import PAIRS, Pair, Side, at_least, at_most, median, times
from peers import NPM, NPM_HAS_ALL, Kinesalite, StreamServe
from row import Row, processor, row

RECORDS = 500  # of a request: as many as Kinesis takes
BYTES = 100  # of a record
REQUESTS = times(200)
COUNT = REQUESTS * RECORDS
# We put ten times as many records as kinesalite. The first 100,000 take longer, because memory is new to the process.
WARM = 10
HEAD = ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261126/us-east-1/kinesis/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00\r\nX-Amz-Date: 20261126T000000Z\r\n"
        "X-Amz-Target: Kinesis_20131202.%s\r\nContent-Length: %d\r\n\r\n")


class Client:
    """One connection. It does as little as it can with answers: the servers are measured."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def receive(self):
        received = self.socket.recv(1 << 20)
        assert received, "the server has closed the connection"
        return received

    def send(self, action, body):
        self.socket.sendall((HEAD % (action, len(body))).encode() + body)
        answer = self.receive()
        while b"\r\n\r\n" not in answer:
            answer += self.receive()
        head, answer = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 "), head + answer
        pieces, missing = [answer], int(re.search(rb"(?i)\r\nContent-Length: *(\d+)", head)[1]) - len(answer)
        while missing > 0:
            pieces.append(self.receive())
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def call(self, action, **members):
        answer = self.send(action, json.dumps(members).encode())
        return json.loads(answer) if answer else None

    def iterator(self, shard, kind="TRIM_HORIZON"):
        answer = self.call("GetShardIterator", StreamName="s", ShardId=f"shardId-{shard:012}", ShardIteratorType=kind)
        return answer["ShardIterator"]

    def page(self, iterator):
        """How many records the page has, and the iterator of the next one."""
        answer = self.send("GetRecords", b'{"ShardIterator":"%s"}' % iterator.encode())
        return answer.count(b'"PartitionKey"'), re.search(b'"NextShardIterator":"([^"]*)"', answer)[1].decode()


def bodies():
    """Of PutRecords: lines of 100 bytes, with their first field as key. A few, which are sent in turn."""
    lines = data.lines(None)
    return [json.dumps({"StreamName": "s", "Records": [
        {"Data": base64.b64encode(line).decode(), "PartitionKey": line.split()[0].decode()}
        for line in itertools.islice(lines, RECORDS)]}).encode() for _ in range(10)]


def create(server):
    """A server without records, with a stream of two shards."""
    server.renew()
    with Client(server) as client:
        client.call("CreateStream", StreamName="s", ShardCount=2)
        while client.call("DescribeStream", StreamName="s")["StreamDescription"]["StreamStatus"] != "ACTIVE":
            time.sleep(0.01)  # between two looks


def put(server, requests, connections=1, count=REQUESTS):
    """Sends `count` requests. Each connection waits for its answer before it sends the next."""
    numbers, failures = itertools.count(), []

    def work():
        try:
            with Client(server) as client:
                while (number := next(numbers)) < count:
                    answer = client.send("PutRecords", requests[number % len(requests)])
                    assert b'"FailedRecordCount":0' in answer, answer[:200]
        except (AssertionError, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def get(server):
    """Reads both shards to their ends, over one connection."""
    found = 0
    with Client(server) as client:
        for shard in range(2):
            iterator, size = client.iterator(shard), 1
            while size:
                size, iterator = client.page(iterator)
                found += size
    assert found == COUNT, found


class Served(Side):
    """A command that puts or gets `count` records through one of the servers. `spent` is the processor time of the server
    alone, in seconds."""

    def __init__(self, command, server, prepare=None, count=COUNT):
        super().__init__(command, prepare, None, server.processor)
        self.count, self.spent = count, []

    def measure(self):
        before = []
        command, self.command = self.command, lambda: (before.append(self.server()), command())[1]
        try:
            return super().measure()
        finally:
            self.size = self.count * BYTES
            self.command = command
            self.spent.append(self.server() - before[0])


def rows(make, goal):
    """`make` makes the side of a server. The processor time of a record is that of the server alone."""
    if not NPM_HAS_ALL:
        yield Row([], goal, figures="npm has not installed kinesalite and the AWS SDK for JavaScript")
        return
    with StreamServe() as ours, Kinesalite() as theirs:
        pair = Pair(make(ours), make(theirs))
    rates = [side.count / 1000 / median(side.each("seconds")) for side in (pair.ours, pair.theirs)]
    yield Row(pair.speed(), goal, None, (), f"{rates[0]:,.0f} thousand records a second against {rates[1]:,.0f}")
    yield processor(pair)
    own = [[spent / side.count * 1e6 for spent in side.spent] for side in (pair.ours, pair.theirs)]
    yield Row(own[0], at_most(3), "the same: processor of the server alone, us a record",
              figures=f"against {median(own[1]):.1f}")


def put_rows(connections, goal):
    requests = bodies()

    def make(server):
        count = REQUESTS * (WARM if isinstance(server, StreamServe) else 1)
        return Served(lambda: put(server, requests, connections, count), server, lambda: create(server), count * RECORDS)

    yield from rows(make, goal)


@row("PutRecords of 500 over one connection, synced, against kinesalite, in memory")
def serve_put():
    yield from put_rows(1, at_least(10))


@row("PutRecords of 500 over 32 connections, synced, against kinesalite, in memory")
def serve_put_32():
    yield from put_rows(32, at_least(20))


def with_records(server):
    create(server)
    put(server, bodies())


@row("GetRecords over one connection, against kinesalite, in memory")
def serve_get():
    def make(server):
        with_records(server)
        return Served(lambda: get(server), server)

    yield from rows(make, at_least(10))


def sdk(server, what):
    """By the AWS SDK for JavaScript, which tells how long it took without its start."""
    script = f"{__file__.rsplit('/', 1)[0]}/serving.mjs"
    done = subprocess.run(["node", "--no-warnings", script, NPM, f"http://127.0.0.1:{server.port}", what, str(REQUESTS)],
                          check=True, capture_output=True, text=True)
    return float(done.stdout)


@row("PutRecords of 500 by one AWS SDK for JavaScript, against kinesalite, in memory")
def serve_put_sdk():
    yield from list(rows(lambda server: Served(lambda: sdk(server, "put"), server, lambda: create(server)), at_least(3)))[:2]


@row("GetRecords by one AWS SDK for JavaScript, against kinesalite, in memory")
def serve_get_sdk():
    def make(server):
        with_records(server)
        return Served(lambda: sdk(server, "get"), server)

    yield from list(rows(make, at_least(2)))[:2]


@row("GetRecords without records, in ms")
def serve_get_nothing():
    count = times(2000)
    with StreamServe() as server:
        create(server)
        with Client(server) as client:
            iterator = client.iterator(0, "LATEST")

            def ask():
                start = time.monotonic()
                assert client.page(iterator)[0] == 0, "there are records"
                return (time.monotonic() - start) * 1000

            yield Row([median([ask() for _ in range(count)]) for _ in range(PAIRS)], at_most(0.4))

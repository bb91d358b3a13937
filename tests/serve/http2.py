"""HTTP/2 on the port of HTTP/1.1, as SDKs for JavaScript speak it."""

import fcntl
import json
import signal
import socket
import subprocess
import unittest

import h2.config
import h2.connection
import h2.events

from server import SIGNED, Server, ServerTest, run, wait_until

JSON = "application/x-amz-json-1.1"


class Client:
    """A connection with any number of streams, by python3-h2."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.answers = {}
        self.bodies = {}
        self.waiting = {}
        self.ended = set()
        self.reset = {}
        self.unread = set()  # streams of which the server may send only what their window lets through
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def send(self, action="ListStreams", body=None, authority="localhost", method="POST", headers=None, more=(), finish=True,
             **members):
        """Sends a request, or its beginning, and returns its stream. `headers` are instead of those that every action has."""
        stream = self.h2.get_next_available_stream_id()
        if headers is None:
            headers = [("content-type", JSON), ("x-amz-target", f"Kinesis_20131202.{action}"),
                       *((name.lower(), value) for name, value in SIGNED.items())]
        headers = [(":method", method), (":path", "/"), (":scheme", "http"), *headers, *more]
        if authority is not None:
            headers.insert(1, (":authority", authority))
        self.h2.send_headers(stream, headers)
        self.waiting[stream] = (json.dumps(members).encode() if body is None else body, finish)
        self.feed()
        return stream

    def feed(self):
        """Sends of the bodies what the windows let through."""
        for stream, (body, finish) in list(self.waiting.items()):
            while body and (size := min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)):
                self.h2.send_data(stream, body[:size])
                body = body[size:]
            self.waiting[stream] = (body, finish)
            if not body:
                del self.waiting[stream]
                if finish:
                    self.h2.end_stream(stream)
        self.flush()

    def receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("closed")
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.answers[event.stream_id] = dict(event.headers)
                self.bodies[event.stream_id] = b""
            elif isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] += event.data
                if event.stream_id not in self.unread:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.reset[event.stream_id] = event.error_code
                self.waiting.pop(event.stream_id, None)
        self.feed()

    def answer(self, stream):
        """The status and the body; None if the stream was reset."""
        while stream not in self.ended:
            if stream in self.reset:
                return None, b""
            self.receive()
        return int(self.answers[stream][":status"]), self.bodies[stream]

    def call(self, action, **members):
        status, body = self.answer(self.send(action, **members))
        return status, json.loads(body) if body else None


class Http2(ServerTest):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        self.client = Client(self.server.port)
        self.addCleanup(self.client.socket.close)

    def test_curl(self):
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version} %{http_code}", "-d", "{}", "-H",
             f"Content-Type: {JSON}", "-H", "X-Amz-Target: Kinesis_20131202.DescribeLimits",
             *(part for name, value in SIGNED.items() for part in ("-H", f"{name}: {value}")), self.server.url],
            capture_output=True, text=True, timeout=30)
        self.assertRegex(done.stdout + done.stderr, r'^\{"ShardLimit":10000,.*\} 2 200$')

    def test_many_streams_are_answered_together(self):
        client = self.client
        self.assertEqual(client.call("CreateStream", StreamName=self.name, ShardCount=1), (200, None))
        streams = [client.send("PutRecord", StreamName=self.name, PartitionKey="k", Data="eHl6") for _ in range(90)]
        numbers = set()
        for stream in streams:
            status, body = client.answer(stream)
            self.assertEqual(status, 200)
            numbers.add(json.loads(body)["SequenceNumber"])
        self.assertEqual(len(numbers), 90)
        headers = client.answers[streams[0]]
        self.assertEqual((headers["content-type"], len(headers["x-amzn-requestid"])), (JSON, 36))

    def test_large_requests_and_answers_keep_to_the_windows(self):
        client = self.client
        client.call("CreateStream", StreamName=self.name, ShardCount=1)
        data = "A" * 4 * (1024 * 1024 // 3 - 100)
        for _ in range(4):
            self.assertEqual(client.call("PutRecords", StreamName=self.name,
                                         Records=[{"Data": data, "PartitionKey": "k"}] * 2)[0], 200)
        iterator = client.call("GetShardIterator", StreamName=self.name, ShardId="shardId-000000000000",
                               ShardIteratorType="TRIM_HORIZON")[1]["ShardIterator"]
        status, page = client.call("GetRecords", ShardIterator=iterator)
        self.assertEqual((status, [record["Data"] for record in page["Records"]]), (200, [data] * 8))

    def test_who_may_connect_is_as_with_http1(self):
        for authority, more, expected in (("localhost:80", (), 200), ("evil.example", (), 403), (None, (), None),
                                          (None, (("host", "localhost"),), 200),
                                          ("localhost", (("origin", "https://evil.example"),), 403)):
            stream = self.client.send(authority=authority, more=more)
            self.assertEqual(self.client.answer(stream)[0], expected, (authority, more))

    def test_a_body_of_more_than_16_mib(self):
        too_large = 16 * 1024 * 1024 + 1
        stream = self.client.send(more=(("content-length", str(too_large)),), body=b"{", finish=False)
        self.assertEqual(self.client.answer(stream)[0], 413)
        self.assertEqual(self.client.answer(self.client.send(body=b" " * too_large))[0], 413)
        self.assertEqual(self.client.call("ListStreams")[0], 200, "the connection goes on")

    def test_a_stream_or_a_connection_that_is_given_up(self):
        for _ in range(5):
            with Client(self.server.port) as other:
                other.h2.reset_stream(other.send("PutRecord", StreamName="none", PartitionKey="k", Data=""))
                other.flush()
                other.send("DescribeLimits")
        with Client(self.server.port) as other:
            other.send(body=b"{", finish=False)
        self.assertEqual(self.client.call("ListStreams")[0], 200)

    def test_a_stream_that_is_given_up_while_a_worker_answers_it(self):
        client = self.client
        self.assertEqual(client.call("CreateStream", StreamName=self.name, ShardCount=1), (200, None))
        with open(self.server.stream(self.name) + "/lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as a process that was stopped inside a commit
            client.h2.reset_stream(client.send("PutRecord", StreamName=self.name, PartitionKey="k", Data="eHl6"))
            self.assertEqual(client.call("ListStreams")[0], 200, "the server has met the reset")
        wait_until(lambda: run("stream-get", self.server.stream(self.name)), "the record to be stored all the same")

    def test_what_only_looks_like_http2(self):
        for start in (b"P", b"PRI", b"PRI *"):
            connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
            with connection:
                connection.sendall(start)
                self.assertEqual(self.client.call("ListStreams")[0], 200)
                connection.sendall(b" HTTP/1.0\r\n\r\n" * 10)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        with connection:  # a method that begins like it, in pieces
            for piece in (b"P", b"O", b"ST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"):
                connection.sendall(piece)
            self.assertIn(b"HTTP/1.1 400", connection.recv(65536))

    def test_other_methods(self):
        self.assertEqual(self.client.answer(self.client.send(method="GET"))[0], 403)


class Ending(unittest.TestCase):
    def test_it_ends_although_connections_are_open(self):
        server = Server()
        with Client(server.port) as client:
            self.assertEqual(client.call("ListStreams")[0], 200)
            client.send(body=b"{", finish=False)
            self.assertEqual(server.stop(), (-signal.SIGTERM, ""))


if __name__ == "__main__":
    unittest.main()

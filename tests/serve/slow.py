"""Clients that are slow, or that do nothing, hold up nobody."""

import contextlib
import json
import re
import resource
import selectors
import socket
import unittest

from http2 import Client
from server import SIGNED, Server, run, run_beside_each_other, wait_until

MIB = 1024 * 1024


def head(action, length):
    """The beginning of a request over HTTP/1.1."""
    headers = {**SIGNED, "Host": "localhost", "Content-Length": length, "Content-Type": "application/x-amz-json-1.1",
               "X-Amz-Target": f"Kinesis_20131202.{action}"}
    return "".join(["POST / HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in headers.items()), "\r\n"]).encode()


def readable(connections, seconds):
    """Waits for a connection that can be read or has ended, and returns all such; empty if the time is over first."""
    with selectors.DefaultSelector() as selector:
        for each in connections:
            selector.register(each, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]


class SlowClients(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.stop)
        self.assertEqual(self.server.call("CreateStream", StreamName="s", ShardCount=1)[0], 200)

    def connect(self, receive_buffer=None):
        connection = socket.socket()
        self.addCleanup(connection.close)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", self.server.port))
        return connection

    def send_some(self, connection, data):
        """Sends as much of it as the server takes: it may end the connection meanwhile."""
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)

    def put(self, size=1):
        return self.server.call("PutRecord", StreamName="s", PartitionKey="k", Data="AAAA" * size)[0]

    def fill(self):
        """Puts more than GetRecords returns at a time, and returns an iterator of it."""
        run("stream-put", self.server.stream("s"), "-k", "k", "--null", input=(b"x" * 900_000 + b"\0") * 12)
        return self.server.call("GetShardIterator", StreamName="s", ShardId="shardId-000000000000",
                                ShardIteratorType="TRIM_HORIZON")[1]["ShardIterator"]

    def connections(self):
        return len([name for _, name in self.server.open_files() if name.startswith("socket:")])

    def memory(self):
        """In MiB; 0 if it is not that of the server alone: the address sanitizer keeps what was freed."""
        with open(f"/proc/{self.server.process.pid}/status") as status:
            sizes = {name: int(size) / 1024 for name, size in re.findall(r"(VmSize|VmRSS):\s*(\d+)", status.read())}
        has_shadow = sizes["VmSize"] > 1024 * 1024  # a TiB: the sanitizer maps a shadow of all memory
        return 0 if has_shadow else sizes["VmRSS"]

    def test_requests_that_come_by_half(self):
        half = head("PutRecord", 16 * MIB) + b" " * (16 * MIB - 1024)
        for _ in range(16):  # nearly 256 MiB
            self.send_some(self.connect(), half)
        for _ in range(3):
            wait_until(lambda: self.put(300_000) == 200, "a put of more than 1 MiB to be stored")

    def test_requests_that_become_slow(self):
        clients = [self.connect() for _ in range(17)]
        for client in clients:
            self.send_some(client, head("PutRecord", 16 * MIB) + b" " * (29 * MIB // 2))
        cut = []
        for _ in range(6):  # nine seconds of a progress that would be enough for small requests
            cut = readable(clients, 1.5)
            if cut:
                break
            for client in clients:
                self.send_some(client, b" " * 64 * 1024)
        self.assertTrue(cut, "some of them lose their connection")
        record = json.dumps({"StreamName": "s", "PartitionKey": "k", "Data": "AAAA"}).encode()
        headers = {**SIGNED, "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Kinesis_20131202.PutRecord"}
        wait_until(lambda: self.server.send(headers=headers, body=record.ljust(15 * MIB))[0] == 200, "room for a large put")

    def test_an_answer_that_is_not_read_costs_its_stream_only(self):
        iterator = self.fill()
        with Client(self.server.port) as client:
            client.h2.increment_flow_control_window(1 << 30)
            client.unread = {client.send("GetRecords", ShardIterator=iterator) for _ in range(3)}  # over 32 MiB
            while not client.reset:
                client.receive()
            self.assertEqual(set(client.reset.values()), {11}, "ENHANCE_YOUR_CALM (RFC 9113, section 7)")
            self.assertEqual(client.call("ListStreams")[0], 200)

    def test_answers_that_nobody_reads(self):
        before, memory = self.connections(), self.memory()
        iterator = self.fill()
        request = json.dumps({"ShardIterator": iterator}).encode()
        clients = [self.connect(receive_buffer=4096) for _ in range(24)]
        for client in clients:
            client.sendall(head("GetRecords", len(request)) + request)
        for client in clients:
            self.assertTrue(readable([client], 30), "its answer begins")
        self.assertLess(self.memory() - memory, 96)
        self.assertEqual([self.put() for _ in range(3)], [200] * 3)
        wait_until(lambda: self.server.call("GetRecords", ShardIterator=iterator)[0] == 200, "room for another answer")
        wait_until(lambda: self.connections() < before + len(clients), "the end of connections")
        for client in clients:
            client.close()
        wait_until(lambda: self.memory() - memory < 32, "the end of what was kept for them")

    def test_idle_and_slow_connections_cost_little(self):
        self.put()
        before = self.memory()
        for _ in range(100):
            self.connect()
        for connection in [self.connect() for _ in range(900)]:
            connection.sendall(head("ListStreams", 2) + b"{}")
            self.assertIn(b"HTTP/1.1 200", connection.recv(65536))
        for _ in range(50):
            self.connect().sendall(head("PutRecord", 100) + b"{")
            client = Client(self.server.port)
            self.addCleanup(client.socket.close)
            client.send(body=b"{", finish=False)
        self.assertEqual(self.put(), 200)
        self.assertLess(self.memory() - before, 48)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    run_beside_each_other(SlowClients)

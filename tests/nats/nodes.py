"""The cluster that a test runs on, and a client of its own that asks the nodes."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "fault"))

from support import check, program, wait_for

CLUSTER = str(pathlib.Path(__file__).with_name("cluster"))
SKIPPED = 77  # what a test exits with then
NODES = (1, 2, 3)


def nats_server():
    """Its path; without it the test ends as skipped. Debian installs it where only root looks for programs."""
    found = shutil.which("nats-server", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        print("SKIPPED: nats-server is not installed")
        sys.exit(SKIPPED)
    return found


def server_version():
    """As numbers: (2, 9, 10)."""
    said = subprocess.run([nats_server(), "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.search(r"v(\d+)\.(\d+)\.(\d+)", said).groups())


def cluster(command, directory, *arguments):
    done = subprocess.run([CLUSTER, command, directory, *arguments], capture_output=True, text=True)
    check(done.returncode == 0, f"cluster {command} {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


class Nodes:
    """The cluster in $SHARDLOG_NATS_CLUSTER, which is there for all tests; `own` or if there is none: a new one, which ends
    with this process."""

    def __init__(self, own=False):
        self.directory = None if own else os.environ.get("SHARDLOG_NATS_CLUSTER")
        self.is_own = self.directory is None
        nats_server()

    def __enter__(self):
        if self.is_own:
            self.directory = tempfile.mkdtemp(prefix="shardlog-nats-")
            cluster("start", self.directory)
        self.urls = cluster("url", self.directory)
        self.ports = [int(url.rsplit(":", 1)[1]) for url in self.urls.split(",")]
        return self

    def __exit__(self, *_):
        if self.is_own:
            crashes = cluster("crashes", self.directory)
            if crashes:
                print(crashes, flush=True)
            cluster("stop", self.directory)
            shutil.rmtree(self.directory, ignore_errors=True)

    def address(self, name, options=""):
        return f"nats://{','.join(f'127.0.0.1:{port}' for port in self.ports)}/{name}{options}"

    def kill(self, *nodes):
        for node in nodes:
            cluster("kill", self.directory, str(node))

    def restart(self, *nodes):
        for node in nodes:
            cluster("restart", self.directory, str(node))

    def pause(self, node):
        cluster("pause", self.directory, str(node))

    def go_on(self, node):
        cluster("go-on", self.directory, str(node))

    def ask(self, api, body=None):
        """What the API of JetStream answers; nothing if there is no answer in 2 s."""
        for port in self.ports:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                    answer = request(connection, f"$JS.API.{api}", json.dumps(body or {}).encode())
            except OSError:
                continue
            if answer is not None:
                return answer
        return None

    def info(self, jetstream):
        return self.ask(f"STREAM.INFO.{jetstream}") or {}

    def streams(self, prefix):
        """The names of the JetStream streams that begin so."""
        found = (self.ask("STREAM.NAMES") or {}).get("streams") or []
        return [name for name in found if name.startswith(prefix)]

    def remove(self, name):
        """All that a stream, and what a consumer put into another one, have in JetStream: the others are faster without it."""
        for each in self.streams("SHARDLOG_"):
            if re.fullmatch(rf"SHARDLOG_[A-Z]_{re.escape(name)}(-into)?(_[0-9a-f]{{8}}.*)?", each):
                self.ask(f"STREAM.DELETE.{each}")

    def data_stream(self, name):
        """The JetStream stream with the batches of a stream."""
        found = [each for each in self.streams(f"SHARDLOG_D_{name}_") if len(each) == len(f"SHARDLOG_D_{name}_") + 8]
        check(len(found) == 1, f"data streams of {name}: {found}")
        return found[0]

    def leader(self, jetstream):
        """The number of the node, or nothing."""
        name = self.info(jetstream).get("cluster", {}).get("leader", "")
        return int(name.removeprefix("node")) if name else None

    def wait_until_whole(self, jetstream, seconds):
        """Until all nodes have all messages of it."""
        end = time.monotonic() + seconds
        while not is_whole(state := self.info(jetstream).get("cluster", {})):
            check(time.monotonic() < end, f"in {seconds} s not all nodes have the messages of {jetstream}: {state}")
            time.sleep(0.01)  # between two looks


def is_whole(state):
    """By what JetStream says of the nodes that have a stream."""
    replicas = state.get("replicas") or []
    return bool(state.get("leader")) and len(replicas) == len(NODES) - 1 and all(
        each.get("current") and not each.get("offline") and not each.get("lag") for each in replicas)


def request(connection, subject, data):
    """One request on a new connection; nothing if nobody takes it."""
    stream = connection.makefile("rb")
    stream.readline()  # INFO
    inbox = f"_INBOX.{os.getpid()}.{time.monotonic_ns()}"
    options = '{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}'
    connection.sendall(f"CONNECT {options}\r\nSUB {inbox} 1\r\nPUB {subject} {inbox} {len(data)}\r\n".encode() + data + b"\r\n")
    while line := stream.readline():
        words = line.decode().split()
        if words[0] == "PING":
            connection.sendall(b"PONG\r\n")
        elif words[0] == "MSG":
            return json.loads(stream.read(int(words[-1]) + 2))
        elif words[0] in ("HMSG", "-ERR"):
            return None
    return None


class Running:
    """A process that a test may pause and kill."""

    def __init__(self, process, name):
        self.process, self.name = process, name

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        wait_for(self.is_paused, f"{self.name} to be paused", 10)

    def is_paused(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "TtZ"

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def has_ended(self):
        return self.process.poll() is not None


class Program(Running):
    """What it prints goes to files."""

    def __init__(self, name, *arguments, given=None, environment=None, before=()):
        self.arguments = arguments
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        super().__init__(subprocess.Popen([*before, program(name), *arguments], stdin=subprocess.PIPE, stdout=self.files[0],
                                          stderr=self.files[1], env={**os.environ, **(environment or {})}), name)
        if given is not None:
            self.give(given)
            self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def give(self, data):
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def read(self, which):
        self.files[which].seek(0)
        return self.files[which].read()

    def output(self):
        return self.read(0)

    def messages(self):
        return self.read(1).decode()

    def end(self, *statuses, seconds=60):
        """Waits for the end with one of these exit statuses, and returns the output."""
        if not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            check(False, f"{self.name} {' '.join(self.arguments)} has not ended after {seconds} s: {self.messages()}")
        status = self.process.returncode
        check(status in (statuses or (0,)), f"{self.name} {' '.join(self.arguments)}: exit {status}: {self.messages()}")
        return self.output()

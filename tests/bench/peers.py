"""What people would use instead, each with the settings and the batching that suit it best."""

import os
import select
import shutil
import socket
import subprocess
import tempfile
import time

from measure import NOW, run

NPM = os.environ.get("SHARDLOG_SDK", "")  # the folder where npm has installed kinesalite and the AWS SDK for JavaScript
NPM_HAS_ALL = all(os.path.isdir(f"{NPM}/node_modules/{package}") for package in ("kinesalite", "@aws-sdk/client-kinesis"))


class Server:
    """A server of its own in a folder of its own, for as long as the block lasts."""

    def __enter__(self):
        self.begin()
        return self

    def begin(self):
        self.folder = os.path.abspath(tempfile.mkdtemp(dir="."))
        self.process = self.start()
        end = time.monotonic() + 10
        while not self.ready():
            assert time.monotonic() < end and self.process.poll() is None, f"{type(self).__name__} did not start"
            time.sleep(0.01)

    def end(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)

    def __exit__(self, *_):
        self.end()

    def renew(self):
        """For what cannot be done twice to one server."""
        self.end()
        self.begin()

    def processor(self):
        """Seconds that it has used since it started."""
        return processor_of(self.process.pid)


def processor_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Redis(Server):
    """`sync` is always (for users who want to keep what was acknowledged) or everysec."""

    VALUE = b"\r\n*2\r\n$1\r\nd\r\n"  # in an answer, between an entry's id and its data

    def __init__(self, sync):
        self.sync = sync

    def start(self):
        self.path = f"{self.folder}/socket"
        return subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--appendonly", "yes",
             "--appendfsync", self.sync, "--save", "", "--proto-max-bulk-len", "512mb"], stdout=subprocess.DEVNULL)

    def ready(self):
        return os.path.exists(self.path)

    def flush(self):
        run(f"redis-cli -s {self.path} flushall")

    def benchmark(self, count):
        """redis-benchmark with XADDs of 99 bytes: 50 connections that pipeline 100 each."""
        run(f"redis-benchmark -s {self.path} -n {count} -P 100 -d 99 -q XADD s '*' d {'x' * 99}")

    @staticmethod
    def commands(file):
        """The bytes of an XADD for every line."""
        with open(file, "rb") as lines:
            return b"".join(b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n$%d\r\n%s\r\n" % (len(line) - 1, line[:-1])
                            for line in lines)

    def put(self, commands, expected):
        """Sends the commands, pipelined as far as the sockets take it."""
        view = memoryview(commands)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path)
            connection.setblocking(False)
            sent, answers = 0, 0
            while answers < expected:
                readable, writable, _ = select.select([connection], [connection] if sent < len(view) else [], [])
                if writable:
                    sent += connection.send(view[sent:sent + 1_000_000])
                if readable:
                    answers += connection.recv(1_000_000).count(b"$")  # each is one bulk string

    def get(self, count):
        """Reads `count` records back by XREAD COUNT 10000. The answers are received but not parsed: only the last id of each is
        looked for, to go on after it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path)
            last = b"0"
            for _ in range((count + 9_999) // 10_000):
                connection.sendall(b"*6\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n$5\r\n10000\r\n$7\r\nSTREAMS\r\n$1\r\ns\r\n$%d\r\n%s\r\n"
                                   % (len(last), last))
                answer = bytearray()
                while not self.complete(answer):
                    answer += connection.recv(1 << 20)
                at = answer.rindex(self.VALUE)
                last = bytes(answer[answer.rindex(b"\r\n", 0, at) + 2:at])

    @staticmethod
    def complete(answer):
        """Whether the answer holds as many entries as its head says, the last of them whole."""
        head = bytes(answer[:64]).split(b"\r\n")
        if len(head) < 6 or not answer.endswith(b"\r\n"):
            return False
        return answer.count(Redis.VALUE) == int(head[4][1:]) and len(answer.rsplit(b"\r\n", 2)[1]) == 99


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nats(Server):
    """JetStream on one node. It acknowledges before it syncs: by default that is every two minutes."""

    def start(self):
        self.port = free_port()
        return subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.folder],
                                stderr=subprocess.DEVNULL)

    def ready(self):
        return listens(self.port)

    def begin(self):
        super().begin()
        run(self.command("make 1"))

    def command(self, rest):
        return f"{NOW.bench('jetstream')} nats://127.0.0.1:{self.port} {rest}"


class NatsCluster:
    """JetStream on three nodes, for their own client and for streams of ours. What is stored has two more copies."""

    CLUSTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "nats", "cluster")

    def __enter__(self):
        self.folder = os.path.abspath(tempfile.mkdtemp(dir="."))
        self.urls = subprocess.run([self.CLUSTER, "start", self.folder], check=True, capture_output=True, text=True).stdout.strip()
        self.pids = []
        for node in (1, 2, 3):
            with open(f"{self.folder}/node{node}.pid") as pid:
                self.pids.append(int(pid.read()))
        return self

    def __exit__(self, *_):
        subprocess.run([self.CLUSTER, "stop", self.folder], check=True)
        shutil.rmtree(self.folder)

    def processor(self):
        return sum(map(processor_of, self.pids))

    def command(self, rest):
        """Of their own client."""
        return f"{NOW.bench('jetstream')} {self.urls.split(',')[0]} {rest}"

    def stream(self, name):
        """The address of a stream of ours."""
        return f"{self.urls.replace(',nats://', ',')}/{name}"

    def fresh(self, name, shards, options=""):
        """A shell command that makes a new stream of ours."""
        address = self.stream(name)
        return f"{NOW.create} --remove {address} 2>/dev/null || true; {NOW.create} {address} --shards {shards} {options}"


class StreamServe(Server):
    """Ours."""

    def start(self):
        self.port = free_port()
        return subprocess.Popen([NOW.serve, "--listen", f"127.0.0.1:{self.port}", self.folder], stdout=subprocess.DEVNULL)

    def ready(self):
        return listens(self.port)


class Kinesalite(Server):
    """The Kinesis of mhart/kinesalite, in memory, which is its default and where it is fastest."""

    def start(self):
        self.port = free_port()
        return subprocess.Popen(["node", f"{NPM}/node_modules/kinesalite/cli.js", "--port", str(self.port),
                                 "--createStreamMs", "0"], stdout=subprocess.DEVNULL)

    def ready(self):
        return listens(self.port)


# sqlite3's shell, as one would use it for this.
SQLITE_PUT = ("sqlite3 db 'pragma journal_mode=wal' 'pragma synchronous=full' 'create table t(x)' '.mode ascii' "
              "'.separator \"\\037\" \"\\n\"' '.import /dev/stdin t'")
SQLITE_GET = "sqlite3 db 'select x from t'"

"""Runs every row of the table in pairs, A B A B, and prints medians, spreads and ratios.

usage: table.py BUILD [WORD...]     only the rows whose title holds one of the words

$SHARDLOG_BENCH_MIB  size of the large file (2048)
$SHARDLOG_PAIRS      pairs of runs (5)
"""

import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
WORDS = sys.argv[2:]
MEBIBYTES = int(os.environ.get("SHARDLOG_BENCH_MIB", 2048))
PAIRS = int(os.environ.get("SHARDLOG_PAIRS", 5))
LINE = 100  # bytes with the newline

ROWS = []


def row(title, goal, better):
    """Registers a function that yields (name, what it gave) and whose last value is compared with the goal."""
    def register(function):
        ROWS.append((title, goal, better, function))
        return function
    return register


def program(name):
    return f"{BUILD}/bin/{name}"


def bench(name):
    return f"{BUILD}/bench/{name}"


def shell(command):
    """Seconds that a shell command takes from its start to its end."""
    start = time.monotonic()
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def median(values):
    return statistics.median(values)


def spread(values):
    return f"{min(values):.3g} to {max(values):.3g}"


class Pair:
    """Two commands in turns; each has a preparation that is not timed."""

    def __init__(self, ours, theirs, prepare_ours=None, prepare_theirs=None, pairs=PAIRS):
        self.ours, self.theirs = [], []
        for _ in range(pairs):
            self.ours.append(self.timed(ours, prepare_ours))
            self.theirs.append(self.timed(theirs, prepare_theirs))

    @staticmethod
    def timed(command, prepare):
        if prepare:
            subprocess.run(["bash", "-euc", prepare], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["sync"], check=True)
        return shell(command) if isinstance(command, str) else command()

    def speed_ratio(self):
        """How many times as fast we are, pair by pair."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs)]

    def time_ratio(self):
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs)]


def rate(seconds):
    return f"{MEBIBYTES / median(seconds):.0f} MiB/s"


def fresh(stream, shards):
    return f"rm -rf {stream} out db db-wal db-shm; {program('stream-create')} {stream} --shards {shards}"


CLEAN = "rm -rf s out db db-wal db-shm"


@row("put lines, no key, 4 shards, against bare SQLite blobs", 0.8, "more")
def put_against_sqlite():
    pair = Pair(f"{program('stream-put')} s < lines", f"{bench('bare_sqlite')} db blobs < lines", fresh("s", 4), CLEAN)
    return pair.speed_ratio(), f"{rate(pair.ours)} against {rate(pair.theirs)}"


@row("put lines, no key, 4 shards, against cat | cat > out; sync", 0.45, "more")
def put_against_cat():
    pair = Pair(f"{program('stream-put')} s < lines", "cat lines | cat > out; sync out", fresh("s", 4), CLEAN)
    return pair.speed_ratio(), f"{rate(pair.ours)} against {rate(pair.theirs)}"


@row("put lines, no key: 16 shards against 1", 0.9, "more")
def put_shards():
    pair = Pair(f"{program('stream-put')} s < lines", f"{program('stream-put')} s < lines", fresh("s", 16), fresh("s", 1))
    return pair.speed_ratio(), f"{rate(pair.ours)} against {rate(pair.theirs)}"


@row("put with --key-field, 64 shards, 10,000 keys, against no key", 0.5, "more")
def put_keyed():
    pair = Pair(f"{program('stream-put')} s --key-field 1 < lines", f"{program('stream-put')} s < lines", fresh("s", 64), fresh("s", 64))
    millions = MEBIBYTES * 1024 * 1024 / LINE / median(pair.ours) / 1e6
    return pair.speed_ratio(), f"{millions:.2f} million records a second"


def make_json():
    """JSON lines of LINE bytes with 10,000 users; returns how many."""
    count = min(MEBIBYTES, 512) * 1024 * 1024 // LINE
    with open("json", "w") as file:
        for i in range(count):
            start = '{"user":"k%04d","n":%d,"ok":true,"ms":%d.%d,"text":"' % (i * 7919 % 10_000, i, i * 31 % 977, i % 10)
            file.write(start + "x" * (LINE - len(start) - 3) + '"}\n')
    return count


@row("put with --key-json, 64 shards, 10,000 keys: million records/s", 2.0, "more")
def put_json():
    count = make_json()
    pair = Pair(f"{program('stream-put')} s --key-json /user < json", f"{program('stream-put')} s < json", fresh("s", 64), fresh("s", 64))
    return [count / seconds / 1e6 for seconds in pair.ours], f"{median(pair.speed_ratio()):.2f} of no key"


@row("get lines | cat, against cat | cat", 1.5, "more")
def get_against_cat():
    subprocess.run(["bash", "-euc", fresh("s", 4) + f"; {program('stream-put')} s < lines"], check=True)
    pair = Pair(f"{program('stream-get')} s | cat > /dev/null", "cat lines | cat > /dev/null")
    return pair.speed_ratio(), f"{rate(pair.ours)} against {rate(pair.theirs)}"


@row("put lines, against Redis XADD, pipelined, appendfsync always", 8, "more")
def put_against_redis():
    with Redis() as redis:
        count = 1_000_000
        subprocess.run(["bash", "-euc", f"head -n {count} lines > some"], check=True)
        pair = Pair(f"{program('stream-put')} s < some", lambda: redis.add_all("some"), fresh("s", 4), redis.flush)
    return pair.speed_ratio(), f"{count / median(pair.ours) / 1e6:.2f} against {count / median(pair.theirs) / 1e6:.3f} million records a second"


@row("echo x | stream-put, whole process, against sqlite3 'insert'", 1.5, "less")
def put_one():
    times = 50
    ours = f"for i in $(seq {times}); do echo x | {program('stream-put')} s; done"
    theirs = f"for i in $(seq {times}); do echo x | sqlite3 db \"insert into t values('x')\"; done"
    prepare = CLEAN + "; sqlite3 db 'pragma journal_mode=wal; create table t(x)'"
    pair = Pair(ours, theirs, fresh("s", 4), prepare)
    return pair.time_ratio(), f"{median(pair.ours) / times * 1000:.2f} ms against {median(pair.theirs) / times * 1000:.2f} ms"


@row("one-record commits in one process, against bare SQLite", 0.8, "more")
def one_by_one():
    subprocess.run(["bash", "-euc", "head -n 10000 lines > some"], check=True)
    pair = Pair(f"{bench('one_by_one')} s < some", f"{bench('bare_sqlite')} db lines < some", fresh("s", 1), CLEAN)
    return pair.speed_ratio(), f"{10000 / median(pair.ours):.0f} against {10000 / median(pair.theirs):.0f} commits a second"


def follow_latencies(count):
    """Milliseconds from a line's way into stream-put to its way out of stream-get --follow, one line at a time."""
    subprocess.run(["bash", "-euc", fresh("s", 4)], check=True)
    get = subprocess.Popen([program("stream-get"), "s", "--follow"], stdout=subprocess.PIPE)
    put = subprocess.Popen([program("stream-put"), "s"], stdin=subprocess.PIPE)
    latencies = []
    for i in range(count + 10):
        time.sleep(0.002)  # an idle machine
        start = time.monotonic()
        os.write(put.stdin.fileno(), b"%d\n" % i)
        os.read(get.stdout.fileno(), 100)
        latencies.append((time.monotonic() - start) * 1000)
    put.stdin.close()
    put.wait()
    get.terminate()
    get.wait()
    return sorted(latencies[10:])  # the first ones start the programs


@row("put to get --follow, idle machine: p50 in ms, sync included", 1.0, "less")
def follow_median():
    runs = [follow_latencies(1000) for _ in range(PAIRS)]
    return [median(run) for run in runs], f"p99 {median([run[989] for run in runs]):.2f} ms"


@row("scale 1 to 10,000 shards and back: time a step, against 1,000", 1.5, "less")
def scale_shards():
    def there_and_back(shards):
        return f"{program('stream-reshard')} scale s {shards}; {program('stream-reshard')} scale s 1"

    pair = Pair(there_and_back(10_000), there_and_back(1_000), fresh("s", 1), fresh("s", 1))
    return [ratio / 10 for ratio in pair.time_ratio()], f"{median(pair.ours) / 20_000 * 1e6:.0f} against {median(pair.theirs) / 2_000 * 1e6:.0f} us a step"


@row("memory of scaling to 10,000 shards and back in MiB", 64, "less")
def memory_of_scaling():
    subprocess.run(["bash", "-euc", fresh("s", 1)], check=True)
    sizes = [peak_memory(f"{program('stream-reshard')} scale s {shards}") for shards in (10_000, 1)]
    return sizes, f"there {sizes[0]:.0f}, back {sizes[1]:.0f}"


def peak_memory(command):
    """In MiB. Measured from a small process of its own: a child starts out with the peak of who made it."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1], shell=True, check=True);"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    return int(subprocess.run([sys.executable, "-c", script, "exec " + command], check=True, capture_output=True).stdout) / 1024


@row("memory of put and get in MiB, 1000 shards included", 64, "less")
def memory():
    largest = {}
    for shards in (4, 1000):
        subprocess.run(["bash", "-euc", fresh("s", shards)], check=True)
        for name, command in ((f"put, {shards} shards", f"{program('stream-put')} s --key-field 1 < lines"),
                              (f"get, {shards} shards", f"{program('stream-get')} s > /dev/null")):
            largest[name] = peak_memory(command)
    return list(largest.values()), ", ".join(f"{name} {size:.0f}" for name, size in largest.items())


class Redis:
    """A server of its own on a socket of its own, as its users run it when they want to keep what was acknowledged."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(dir=".")
        self.path = os.path.abspath(f"{self.folder}/socket")
        self.server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", self.folder, "--appendonly", "yes",
             "--appendfsync", "always", "--save", ""], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not os.path.exists(self.path):
            assert time.monotonic() < end, "redis-server did not start"
            time.sleep(0.01)
        self.flush = f"redis-cli -s {self.path} flushall"
        return self

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()

    def add_all(self, file):
        """Seconds for XADD of every line, pipelined as far as the sockets take it."""
        with open(file, "rb") as lines:
            commands = b"".join(b"*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nd\r\n$%d\r\n%s\r\n" % (len(line) - 1, line[:-1]) for line in lines)
        start = time.monotonic()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.path)
            connection.setblocking(False)
            view, sent, answers, expected = memoryview(commands), 0, 0, commands.count(b"XADD")
            while answers < expected:
                readable, writable, _ = select.select([connection], [connection] if sent < len(view) else [], [])
                if writable:
                    sent += connection.send(view[sent:sent + 1_000_000])
                if readable:
                    answers += connection.recv(1_000_000).count(b"$")  # each is one bulk string
        return time.monotonic() - start


def make_lines():
    """Records of 100 bytes with 10,000 different first fields, the rest hardly compressible."""
    with open("lines", "wb") as file:
        count = MEBIBYTES * 1024 * 1024 // LINE
        block = []
        for i in range(count):
            if i % 100_000 == 0:
                noise = os.urandom(1 << 16).translate(bytes(33 + b % 94 for b in range(256)))
            key = b"k%04d " % (i * 7919 % 10_000)
            at = i * 61 % (len(noise) - LINE)
            block.append(key + noise[at:at + LINE - len(key) - 1] + b"\n")
            if len(block) == 10_000:
                file.write(b"".join(block))
                block = []
        file.write(b"".join(block))


def main():
    here = os.getcwd()
    folder = tempfile.mkdtemp(prefix="shardlog-bench-")
    os.chdir(folder)
    try:
        make_lines()
        print(f"{MEBIBYTES} MiB of {LINE}-byte records, {PAIRS} pairs, {os.cpu_count()} processors\n")
        print(f"{'what':<62} {'median':>7} {'spread':>16} {'goal':>8}  met  figures")
        for title, goal, better, function in ROWS:
            if WORDS and not any(word in title for word in WORDS):
                continue
            values, figures = function()
            value = max(values) if "memory" in title else median(values)
            met = value >= goal if better == "more" else value <= goal
            sign = ">=" if better == "more" else "<="
            print(f"{title:<62} {value:>7.2f} {spread(values):>16} {sign + ' ' + str(goal):>8}  {'yes' if met else 'NO ':<3}  {figures}", flush=True)
    finally:
        os.chdir(here)
        shutil.rmtree(folder)


main()

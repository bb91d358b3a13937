"""How things are measured: whole commands in turns, with what they cost the processors and the disk; quartiles and goals."""

import os
import resource
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

import machine

MEBIBYTES = int(os.environ.get("SHARDLOG_BENCH_MIB", 1024))
PAIRS = int(os.environ.get("SHARDLOG_PAIRS", 9))
QUICK = MEBIBYTES < 64  # a smoke test: the figures mean nothing
GB, GIB = 1e9, 1 << 30


class Programs:
    """Those of a build folder."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.create, self.put, self.get, self.reshard, self.serve, self.stats = (
            f"{self.build}/bin/stream-{name}" for name in ("create", "put", "get", "reshard", "serve", "stats"))

    def bench(self, name):
        return f"{self.build}/bench/{name}"

    def fresh(self, stream, shards, options="--compression none"):
        """A shell command that makes a new stream, and removes what the last run left."""
        return f"rm -rf {stream} {LEFTOVERS}; {self.create} {stream} --shards {shards} {options}"


LEFTOVERS = "out db db-wal db-shm"
NOW = Programs(os.environ["SHARDLOG_BUILD"])
BEFORE = Programs(os.environ["SHARDLOG_BENCH_BEFORE"]) if "SHARDLOG_BENCH_BEFORE" in os.environ else None
CLEAN = f"rm -rf s {LEFTOVERS}"


def times(count):
    """How often something short is repeated."""
    return max(2, count // 50) if QUICK else count


def run(command):
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True, stdout=subprocess.DEVNULL)


def seconds(command):
    """What a shell command takes from its start to its end."""
    start = time.monotonic()
    run(command)
    return time.monotonic() - start


def processor_seconds():
    """Of this process and of all its children that have ended, in user mode and in the kernel."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


class Cost(NamedTuple):
    """Of one run. What the disk did is None if nobody counts it, as on tmpfs."""

    seconds: float
    processor: float  # seconds, of all processes together
    written: float | None  # bytes, those included that a sync after the run writes
    flushes: float | None  # of the disk's cache, until the run ends


class Side:
    """One of the commands that are compared, and what each of its runs cost. The command is a shell's, or a function, which
    may return the seconds that count; so is the preparation, which is not measured. `file` holds the records that a run
    handles, if it handles many bytes. `server` gives the processor seconds of a process that goes on when the run ends."""

    def __init__(self, command, prepare=None, file="lines", server=lambda: 0.0):
        self.command, self.prepare, self.file, self.server = command, prepare, file, server
        self.costs, self.size = [], None

    def measure(self):
        call(self.prepare)
        self.size = os.path.getsize(self.file) if self.file else None
        run("sync")
        disk, processor, start = machine.disk(), processor_seconds() + self.server(), time.monotonic()
        counted = call(self.command)
        took, processor = time.monotonic() - start, processor_seconds() + self.server() - processor
        flushes = machine.difference(disk.flushes, machine.disk().flushes)
        run("sync")
        written = machine.difference(disk.written, machine.disk().written)
        self.costs.append(Cost(took if counted is None else counted, processor, written, flushes))
        return self.costs[-1]

    def each(self, what, scale=1.0):
        """One of the figures of a cost, for every run; none if it is not known."""
        values = [getattr(cost, what) for cost in self.costs]
        return [] if None in values else [value * scale for value in values]

    def rates(self):
        """MiB a second."""
        return [self.size / (1 << 20) / cost.seconds for cost in self.costs]


def call(command):
    if callable(command):
        return command()
    if command:
        run(command)
    return None


def in_turns(*functions, rounds=PAIRS):
    """What each of them returns, a list for each: A B C A B C."""
    results = [[function() for function in functions] for _ in range(rounds)]
    return list(zip(*results))


class Pair:
    """Two sides in turns. If they handle files of different sizes, they are compared by the byte."""

    def __init__(self, ours, theirs, pairs=PAIRS):
        self.ours, self.theirs = ours, theirs
        in_turns(ours.measure, theirs.measure, rounds=pairs)

    def ratio(self, what):
        """Ours divided by theirs, pair by pair."""
        sizes = self.theirs.size / self.ours.size if self.ours.size else 1
        return [ours / theirs * sizes for ours, theirs in zip(self.ours.each(what), self.theirs.each(what))]

    def speed(self):
        """How many times as fast we are."""
        return [1 / ratio for ratio in self.ratio("seconds")]

    def texts(self, scale, unit, what="seconds"):
        return f"{median(self.ours.each(what, scale)):.3g} {unit} against {median(self.theirs.each(what, scale)):.3g}"


def median(values):
    return statistics.median(values)


def quartiles(values):
    """The lower and the upper one."""
    if len(values) < 2:
        return values[0], values[0]
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, upper


class Goal(NamedTuple):
    """Met if the median meets it, and the quartile on the bad side all but a tenth."""

    sign: str  # ">=" or "<="
    value: float

    def met(self, values):
        lower, upper = quartiles(values)
        if self.sign == ">=":
            return median(values) >= self.value and lower >= 0.9 * self.value
        return median(values) <= self.value and 0.9 * upper <= self.value

    def __str__(self):
        return f"{self.sign} {self.value:.3g}"


def at_least(value):
    return Goal(">=", value)


def at_most(value):
    return Goal("<=", value)


def peak_memory(command):
    """In MiB. Measured from a small process of its own: a child starts out with the peak of the process that made it."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1], shell=True, check=True);"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", script, "exec " + command], check=True, capture_output=True)
    return int(done.stdout) / 1024

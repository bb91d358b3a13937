"""How things are measured: pairs of whole commands in turns, medians and spreads, peak memory."""

import os
import statistics
import subprocess
import sys
import time

BUILD = os.environ.get("SHARDLOG_BUILD", "")
MEBIBYTES = int(os.environ.get("SHARDLOG_BENCH_MIB", 2048))
PAIRS = int(os.environ.get("SHARDLOG_PAIRS", 5))


def program(name):
    return f"{BUILD}/bin/{name}"


def bench(name):
    return f"{BUILD}/bench/{name}"


def run(command):
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True, stdout=subprocess.DEVNULL)


def seconds(command):
    """What a shell command takes from its start to its end."""
    start = time.monotonic()
    run(command)
    return time.monotonic() - start


def median(values):
    return statistics.median(values)


def spread(values):
    return f"{min(values):.3g} to {max(values):.3g}"


class Pair:
    """Two commands in turns, A B A B; each has a preparation that is not timed, and a sync before it. A command is a
    shell's, or a function that returns the seconds."""

    def __init__(self, ours, theirs, prepare_ours=None, prepare_theirs=None, pairs=PAIRS):
        self.ours, self.theirs = [], []
        for _ in range(pairs):
            self.ours.append(self.timed(ours, prepare_ours))
            self.theirs.append(self.timed(theirs, prepare_theirs))

    @staticmethod
    def timed(command, prepare):
        if callable(prepare):
            prepare()
        elif prepare:
            run(prepare)
        subprocess.run(["sync"], check=True)
        return seconds(command) if isinstance(command, str) else command()

    def speed_ratio(self):
        """How many times as fast we are, pair by pair."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs)]

    def time_ratio(self):
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs)]


def peak_memory(command):
    """In MiB. Measured from a small process of its own: a child starts out with the peak of who made it."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1], shell=True, check=True);"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", script, "exec " + command], check=True, capture_output=True)
    return int(done.stdout) / 1024


def fresh(stream, shards, options="--compression none"):
    """A shell command that makes a new stream, and removes what the last run left."""
    return f"rm -rf {stream} out db db-wal db-shm; {program('stream-create')} {stream} --shards {shards} {options}"

"""Verbs that the fault tests share. The programs are in $SHARDLOG_BIN; only the standard library is used."""

import concurrent.futures
import functools
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAMS = pathlib.Path(os.environ.get("SHARDLOG_BIN", "build/dev/bin")).resolve()


def program(name):
    return str(PROGRAMS / name)


def scale(name, default):
    """A count that the environment may raise: CI takes the default, a nightly run more."""
    return int(os.environ.get(name, default))


def seeded():
    """A random generator whose seed is printed, and taken from $SHARDLOG_SEED to replay a run."""
    return random.Random(printed_seed())


def printed_seed():
    seed = int(os.environ.get("SHARDLOG_SEED", random.SystemRandom().randrange(2**32)))
    print(f"seed {seed}", flush=True)
    return seed


def beside_each_other(work, items, at_once=4):
    """Calls work(item) for each of the items, in threads: most of the time it waits for programs. Returns the results in
    order. The first failure ends the test."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, items))


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


class Folder:
    """A temporary directory to work in."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="shardlog-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def run(name, *arguments, status=0, **options):
    """Runs a program to its end and returns its output; any other exit status fails the test."""
    done = subprocess.run([program(name), *arguments], capture_output=True, **options)
    check(done.returncode == status,
          f"{name} {arguments}: exit {done.returncode}, not {status}: {done.stderr.decode()}{done.stdout.decode(errors='replace')[-2000:]}")
    return done.stdout


# Options of a stream that keeps large commits in its database too, because it is of less than 1 GiB.
WITHOUT_SEGMENTS = ["--max-bytes", "1023MiB", "--when-full", "trim"]


def records(stream):
    """All records as dictionaries, in commit order."""
    return [json.loads(line) for line in run("stream-get", stream, "--json").splitlines()]


def verify(stream):
    """What is said of a stream in which nothing is wrong."""
    return run("stream-stats", stream, "--verify").decode()


def check_dense(found):
    """Sequence numbers of every shard are 1, 2, 3 and so on."""
    following = {}
    for record in found:
        expected = following.get(record["shard"], 1)
        check(int(record["sequence"]) == expected, f"{record['shard']}: {record['sequence']} where {expected} was expected")
        following[record["shard"]] = expected + 1


def check_dense_from_parents(found, shards):
    """Sequence numbers of every shard have no gaps, and begin behind the last of each parent."""
    by_shard = {}
    for record in found:
        sequence = int(record["sequence"])
        if record["shard"] in by_shard:
            check(sequence == by_shard[record["shard"]][1] + 1, f"{record['shard']}: a gap before {sequence}")
        by_shard.setdefault(record["shard"], [sequence, sequence])[1] = sequence
    for shard in shards:
        for parent in shard["parents"]:
            if shard["shard"] in by_shard and parent in by_shard:
                check(by_shard[shard["shard"]][0] > by_shard[parent][1], f"{shard['shard']} begins before the end of {parent}")


def parse_acknowledgements(output):
    """(shard, sequence) of each complete line."""
    complete = output[: output.rfind(b"\n") + 1]
    return [tuple(line.decode().split("\t")) for line in complete.splitlines()]


def check_acknowledged(acknowledged, found, what=""):
    """Of {(shard, sequence): data} everything is among the records that were found."""
    stored = {(record["shard"], record["sequence"]): record["data"] for record in found}
    for place, data in acknowledged.items():
        check(stored.get(place) == data, f"{what}{data} was acknowledged at {place}, there is {stored.get(place)}")


@functools.cache
def can_trace():
    return subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def strace(*arguments):
    """The start of a command line under strace; skips the test if this machine does not let us trace."""
    if not can_trace():
        print("SKIPPED: strace cannot trace here")
        sys.exit(77)
    return ["strace", "-f", "-qq", *arguments]


def traced_program(tracer, name):
    """The child of strace that has become the program; strace makes others first, to find out what it can do."""
    try:
        with open(f"/proc/{tracer}/task/{tracer}/children") as file:
            for child in file.read().split():
                with open(f"/proc/{child}/comm") as comm:
                    if comm.read().strip() == name:
                        return int(child)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def stopped(pid):
    """In its main thread: a stop takes all of them. While it is traced the state is t."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] in "Tt"


def wait_for(condition, what, seconds=30):
    """Looks again and again until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"waited in vain for {what}")
        time.sleep(0.005)  # between two looks

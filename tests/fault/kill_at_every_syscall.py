"""A kill at any system call of a put, a create, a reshard and a removal: the stream is as before or as after, and the next put
works."""

import json
import os
import random
import re
import shutil
import subprocess
from collections import Counter

from support import (Folder, beside_each_other, check, check_acknowledged, check_dense, parse_acknowledgements, printed_seed, program,
                     records, run, scale, strace, verify)

ENOUGH = 200  # a run that saw fewer points than this did not test what it says
POINTS = scale("SHARDLOG_KILL_POINTS", 100)  # of each command, chosen at random
seed = printed_seed()


def kill_points(folder, command):
    """(system call, which of them) of all that the command makes, the last one among them; strace counts each kind and thread
    apart."""
    output = folder + "/trace"
    done = subprocess.run([*strace("-o", output), *command], capture_output=True)
    check(done.returncode == 0, f"{command}: exit {done.returncode}")
    counts = Counter()
    with open(output, errors="replace") as lines:
        for line in lines:
            thread, line = line.split(None, 1)
            if call := re.match(r"(\w+)\(", line):
                counts[thread, call.group(1)] += 1
    most = Counter()
    for (_, name), count in counts.items():
        most[name] = max(most[name], count)
    points = [(name, when) for name, count in most.items() for when in range(1, count + 1)]
    check(len(points) > ENOUGH, f"only {len(points)} system calls were seen")
    last = ("exit_group", 1)
    points.remove(last)
    return [*random.Random(seed).sample(points, min(POINTS, len(points))), last]


def run_killed_at(point, command):
    name, when = point
    return subprocess.run([*strace("-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={when}"), *command],
                          capture_output=True)


def test_put(folder):
    stream = folder + "/stream"
    lines = folder + "/lines"
    with open(lines, "w") as file:
        file.write("".join(f"line {i}\n" for i in range(10)))
    run("stream-create", stream, "--shards", "2")
    acknowledged = {}
    killed = 0
    put = [program("stream-put"), stream, lines, "--ack"]
    points = kill_points(folder, put)
    for point in points:
        done = run_killed_at(point, put)
        killed += done.returncode != 0
        for i, place in enumerate(parse_acknowledgements(done.stdout)):
            acknowledged[place] = f"line {i}"
    found = records(stream)
    check_acknowledged(acknowledged, found)
    check(len(found) % 10 == 0, f"{len(found)} records: a commit of 10 was torn")
    check_dense(found)
    verify(stream)
    check(killed > len(points) // 2, f"only {killed} of {len(points)} kills met their call")
    print(f"put: killed {killed} times, {len(found)} records stored")


def test_create(folder):
    stream = folder + "/stream"
    made = 0
    create = [program("stream-create"), stream, "--shards", "3"]
    points = kill_points(folder, create)
    shutil.rmtree(stream)
    for point in points:
        run_killed_at(point, create)
        if os.path.exists(stream):
            made += 1
            verify(stream)
            run("stream-put", stream, input=b"a line\n")
            check(run("stream-get", stream) == b"a line\n", "the stream does not work")
            shutil.rmtree(stream)
    check(0 < made < len(points), f"made {made} of {len(points)} times: the kills tested nothing")
    print(f"create: killed {len(points)} times, complete {made} times, otherwise not there")


def open_shards(stream):
    """From the narrowest range to the widest."""
    found = [shard for shard in json.loads(run("stream-stats", stream, "--json"))["shards"] if shard["open"]]
    found.sort(key=lambda shard: int(shard["last_hash_key"]) - int(shard["first_hash_key"]))
    return [shard["shard"] for shard in found]


def test_reshard(folder):
    stream = folder + "/stream"
    run("stream-create", stream)
    points = kill_points(folder, [program("stream-reshard"), "split", stream, "0"])
    before = applied = 0
    for point in points:
        shard = open_shards(stream)[-1]
        run_killed_at(point, [program("stream-reshard"), "split", stream, shard])
        remaining = open_shards(stream)  # refused where they do not tile the key space
        if shard in remaining:
            before += 1
        else:
            applied += 1
        check(len(remaining) == applied + 2, f"{point}: {len(remaining)} open shards after {applied} splits")
        run("stream-put", stream, "--key", "k", input=b"a line\n")
    check(before > 0 and applied > 0, f"{before} before and {applied} after: the kills tested nothing")
    check(run("stream-get", stream) == b"a line\n" * len(points), "records are missing")
    verify(stream)
    print(f"reshard: killed {len(points)} times, {before} before and {applied} after the step")


# All that a removal changes, in its order.
REMOVING = [("renameat2", 1), ("fsync", 1), *(("unlink", number) for number in range(1, 6)), ("rmdir", 1)]


def test_remove(folder):
    stream = folder + "/stream"
    for point in REMOVING:
        run("stream-create", stream)
        run("stream-put", stream, input=b"a line\n")
        done = run_killed_at(point, [program("stream-create"), "--remove", stream])
        check(done.returncode != 0, f"{point}: not killed")
        listed = run("stream-stats", "--json", cwd=folder, env={**os.environ, "STREAM_DIR": ""})
        check((b"stream" in listed) == (point == REMOVING[0]), f"{point}: listed are {listed}")
        if os.path.exists(stream):
            verify(stream)
            check(run("stream-get", stream) == b"a line\n", f"{point}: the record is missing")
            run("stream-create", "--remove", stream)
    left = os.listdir(folder)
    check(len(left) == len(REMOVING) - 1 and all(name.startswith(".stream-") for name in left), f"left are {left}")
    print(f"remove: killed {len(REMOVING)} times, whole or not there")


def in_own_folder(test):
    with Folder() as folder:
        test(folder)


beside_each_other(in_own_folder, [test_reshard, test_create, test_put, test_remove])

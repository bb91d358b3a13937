"""Producers with few keys, a follower, and random splits, merges and scales all at once: nothing is lost or doubled, each key
stays in order, and the open shards tile the key space after every step."""

import subprocess
from collections import defaultdict

from resharding import PRODUCERS, Producer, random_step, shards
from support import Folder, check, check_dense_from_parents, program, records, run, scale, seeded, verify

STEPS = scale("SHARDLOG_RESHARDS", 80)


def check_keys_in_order(lines, expected, what):
    by_key = defaultdict(list)
    for line in lines:
        key, number = line.split()
        by_key[key].append(int(number))
    for key, numbers in by_key.items():
        check(all(a < b for a, b in zip(numbers, numbers[1:])), f"{what}: {key} is out of order or doubled")
    check(sum(map(len, by_key.values())) == expected, f"{what}: {sum(map(len, by_key.values()))} records, not {expected}")


def main():
    randomness = seeded()
    with Folder() as folder:
        stream = folder + "/stream"
        run("stream-create", stream, "--shards", "4")
        follower = subprocess.Popen([program("stream-get"), stream, "--follow", "--idle-exit", "3s"], stdout=open(folder + "/followed", "wb"))
        producers = [Producer(stream, number) for number in range(PRODUCERS)]
        for producer in producers:
            producer.start()
        found = shards(stream)
        for _ in range(STEPS):
            found = random_step(randomness, stream, found)
        total = len(found)
        for producer in producers:
            producer.going.clear()
        for producer in producers:
            producer.join()
        expected = sum(producer.count for producer in producers)
        check(follower.wait() == 0, "the follower failed")
        with open(folder + "/followed", "rb") as lines:
            check_keys_in_order(lines, expected, "followed")
        found = records(stream)
        check_keys_in_order((record["data"] for record in found), expected, "read")
        check_dense_from_parents(found, shards(stream))
        verify(stream)
        first = [s["shard"] for s in shards(stream) if not s["parents"]]
        chosen = [part for shard in first for part in ("--shard", shard)]
        descended = run("stream-get", stream, "--descendants", *chosen).decode().splitlines()
        check_keys_in_order(descended, expected, "with descendants")
        print(f"{STEPS} reshards beside {PRODUCERS} producers: {expected} records, {total} shards at the end")


main()

"""Producers with few keys, a follower, and random splits, merges and scales all at once: nothing is lost or doubled, each key
stays in order, and the open shards tile the key space after every step."""

import json
import subprocess
import threading
from collections import defaultdict

from support import Folder, check, check_dense_from_parents, program, records, run, scale, seeded, verify

STEPS = scale("SHARDLOG_RESHARDS", 200)
PRODUCERS = 8
KEYS = 16


class Producer(threading.Thread):
    """Puts numbered records under its keys, ten at a time, each ten acknowledged, until it is told to stop."""

    def __init__(self, stream, number):
        super().__init__()
        self.number = number
        self.going = threading.Event()
        self.going.set()
        self.count = 0
        self.put = subprocess.Popen([program("stream-put"), stream, "--key-field", "1", "--ack"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self):
        while self.going.is_set():
            for _ in range(10):
                # Each key belongs to one producer, so its order is the producer's.
                key = self.number + PRODUCERS * (self.count % (KEYS // PRODUCERS))
                self.put.stdin.write(b"key%d %d\n" % (key, self.count))
                self.count += 1
            self.put.stdin.flush()
            for _ in range(10):
                self.put.stdout.readline()
        self.put.stdin.close()
        message = self.put.stderr.read()
        check(self.put.wait() == 0, f"producer {self.number}: {message.decode()}")


def shards(stream):
    return json.loads(run("stream-stats", stream, "--json"))["shards"]


def check_tiles(found):
    following = 0
    for shard in sorted((s for s in found if s["open"]), key=lambda s: int(s["first_hash_key"])):
        check(int(shard["first_hash_key"]) == following, f"{shard['shard']} leaves a hole or overlaps")
        following = int(shard["last_hash_key"]) + 1
    check(following == 2**128, "the key space is not covered")


def random_step(randomness, stream, found):
    """Changes the shards that were found; returns those that are there then."""
    open_shards = [s["shard"] for s in sorted((s for s in found if s["open"]), key=lambda s: int(s["first_hash_key"]))]
    choice = randomness.random()
    if choice < 0.2:
        run("stream-reshard", "scale", stream, str(randomness.randint(1, 12)))
    elif choice < 0.6 or len(open_shards) == 1:
        run("stream-reshard", "split", stream, randomness.choice(open_shards))
    else:
        place = randomness.randrange(len(open_shards) - 1)
        run("stream-reshard", "merge", stream, open_shards[place], open_shards[place + 1])
    found = shards(stream)
    check_tiles(found)
    return found


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
